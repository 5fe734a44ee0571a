"""The GPU to learn on: CuPy where there is a CUDA device, a simulated GPU everywhere else."""

from __future__ import annotations

import os

from gpu_lessons.devices.cuda import CudaGpu
from gpu_lessons.devices.simulated import SimulatedGpu
from gpu_lessons.hardware.arrays import cuda_status
from gpu_lessons.hardware.machines import machine as find_machine

__all__ = ["CudaGpu", "SimulatedGpu", "gpu"]


def gpu(machine: str = "nvidia-t4", *, memory_bytes: int | None = None) -> CudaGpu | SimulatedGpu:
    """Return the GPU to learn on: the CUDA device of this machine, or a simulated one of the catalogue.

    Both have ``xp`` (the array namespace), ``cupyx`` (what comes with CuPy beside NumPy's names), ``machine``,
    ``source`` (``"measured"`` or ``"predicted"``), ``synchronize()``, ``perf_counter()``, ``memory``,
    ``to_device(x)``, ``to_host(x)``, ``empty_pinned(shape, dtype)`` and ``stream()``. ``str`` of it says in one line
    which one it is.

    Parameters
    ----------
    machine : str
        Slug of the GPU that is simulated where there is no CUDA device.
    memory_bytes : int, optional
        Use at most this much of the card's memory, to meet its end sooner.

    Raises
    ------
    UnknownMachineError, TypeError, ValueError
        If the catalogue has no such GPU, or ``memory_bytes`` is no integer of at least 1.

    Notes
    -----
    With the environment variable ``GPU_LESSONS_GPU`` set to "simulated", a CUDA device is left alone. The notebooks
    are built and tested so, because only predicted times are the same everywhere.

    Examples
    --------
    >>> device = gpu("nvidia-t4")
    >>> x = device.xp.ones((2, 2))
    >>> float((x @ x).sum())
    8.0
    """
    simulated = find_machine(machine)
    if os.environ.get("GPU_LESSONS_GPU") != "simulated" and cuda_status()[0]:
        return CudaGpu(memory_bytes=memory_bytes)
    return SimulatedGpu(simulated, memory_bytes=memory_bytes)
