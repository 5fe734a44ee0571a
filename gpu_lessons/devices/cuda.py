"""Placeholder until the CUDA path is merged."""


class CudaGpu:
    """Placeholder."""
