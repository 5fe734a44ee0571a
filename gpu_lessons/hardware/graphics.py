"""The GPU of this machine: what CUDA and the driver tell of it, and what the catalogue knows of its kind."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from gpu_lessons.hardware.arrays import CudaDevice, cuda_device, cupy_versions
from gpu_lessons.hardware.driver import Link, driver_cuda_version, driver_version, pcie_link
from gpu_lessons.hardware.machines import Machine
from gpu_lessons.hardware.recognition import Found, known_gpu, sister_gpu, with_found

__all__ = ["CudaSoftware", "cuda_software", "link_now", "pcie_bandwidth_bytes_per_s", "this_gpu"]

_DRIVER = "this machine: NVIDIA driver"

#: Bytes a second of one lane in one direction: transfers a second, less the line code, over 8 bits.
_LANE_BYTES_PER_S = {
    1: 2.5e9 * 8 / 10 / 8,
    2: 5e9 * 8 / 10 / 8,
    3: 8e9 * 128 / 130 / 8,
    4: 16e9 * 128 / 130 / 8,
    5: 32e9 * 128 / 130 / 8,
    6: 64e9 * 242 / 256 / 8,
}


@dataclass(frozen=True, slots=True)
class CudaSoftware:
    """Versions of what stands between Python and the GPU.

    Attributes
    ----------
    cupy : str
        CuPy.
    runtime : str or None
        The CUDA runtime that it brings, or AMD's: "HIP 6.3".
    driver, driver_cuda : str or None
        The NVIDIA driver, and the newest CUDA version that it runs; None where it does not tell.
    """

    cupy: str
    runtime: str | None = None
    driver: str | None = None
    driver_cuda: str | None = None

    def __str__(self) -> str:
        driver = "driver unknown" if self.driver is None else f"driver {self.driver}"
        newest = "" if self.driver_cuda is None else f" for CUDA up to {self.driver_cuda}"
        return f"runtime {self.runtime or 'unknown'}, {driver}{newest}, CuPy {self.cupy}"


def cuda_software() -> CudaSoftware:
    """Return the versions of CuPy, the CUDA runtime and the driver.

    Raises
    ------
    RuntimeError
        If there is no usable CUDA device.
    """
    cupy, runtime = cupy_versions()
    return CudaSoftware(cupy, runtime, driver_version(), driver_cuda_version())


def link_now() -> str | None:
    """Return the PCIe link at which the card runs at this moment, such as PCIe 1.0 x16 while it is idle.

    Raises
    ------
    RuntimeError
        If there is no usable CUDA device.
    """
    link = pcie_link(cuda_device().pci_bus_id)
    if link is None or link.generation_now is None:
        return None
    return f"PCIe {link.generation_now}.0 x{link.lanes}"


def pcie_bandwidth_bytes_per_s(generation: int, lanes: int) -> float:
    """Return what a PCIe link carries in one direction, before any protocol overhead.

    Raises
    ------
    ValueError
        If ``generation`` is not one of 1 to 6, or ``lanes`` is below 1.

    Examples
    --------
    >>> round(pcie_bandwidth_bytes_per_s(generation=4, lanes=16) / 1e9, 1)
    31.5
    """
    if generation not in _LANE_BYTES_PER_S:
        raise ValueError(f"generation must be one of {', '.join(map(str, _LANE_BYTES_PER_S))}, got {generation!r}")
    if lanes < 1:
        raise ValueError(f"lanes must be at least 1, got {lanes!r}")
    return _LANE_BYTES_PER_S[generation] * lanes


def this_gpu() -> Machine:
    """Return the current CUDA device with what the runtime and the driver tell, and a catalogue GPU's peaks.

    Raises
    ------
    RuntimeError
        If there is no usable CUDA device.
    """
    device = cuda_device()
    known = None if device.is_hip else known_gpu(device.name, device.sm_count, device.memory_bytes)
    found = _told_by_cuda(device) | _link(pcie_link(device.pci_bus_id))
    if known is not None:
        return with_found(replace(known, slug="this-gpu"), found)
    unknown = Machine(slug="this-gpu", name=device.name, kind="gpu", vendor="AMD" if device.is_hip else "NVIDIA")
    return with_found(unknown, found | _derived(device))


def _told_by_cuda(device: CudaDevice) -> dict[str, Found]:
    here = "this machine: CUDA device properties"
    return {
        "compute_capability": Found(device.compute_capability, here),
        "sm_count": Found(device.sm_count, here),
        "memory_bytes": Found(device.memory_bytes, here),
        "cache_bytes": Found(device.cache_bytes, here),
        "max_threads_per_sm": Found(device.max_threads_per_sm, here),
        "clock_hz": Found(device.clock_hz, here),
        "shares_memory_with_cpu": Found(device.shares_memory_with_cpu, here),
    }


def _derived(device: CudaDevice) -> dict[str, Found]:
    """Return what follows for a GPU that the catalogue lacks; its tensor cores stay unknown."""
    found = {
        "memory_bandwidth_bytes_per_s": Found(
            device.memory_bandwidth_bytes_per_s, "this machine: memory clock x 2 x bus width"
        )
    }
    sister = None if device.compute_capability is None else sister_gpu(device.compute_capability)
    if sister is None or sister.lanes_per_sm is None:
        return found
    alike = f"as in the {sister.name}, which has the same compute capability"
    found["architecture"] = Found(sister.architecture, alike)
    found["lanes_per_sm"] = Found(sister.lanes_per_sm, alike)
    if device.clock_hz is not None and device.sm_count is not None:
        float32 = device.sm_count * sister.lanes_per_sm * 2 * device.clock_hz
        float64 = float32 * sister.peak_flops_per_s["float64"] / sister.peak_flops_per_s["float32"]
        formula = f"SMs x lanes x 2 x clock of this machine; lanes {alike}"
        found["peak_flops_per_s.float32"] = Found(float32, formula)
        found["peak_flops_per_s.float64"] = Found(float64, f"{formula}; float64 to float32 {alike}")
    return found


def _link(link: Link | None) -> dict[str, Found]:
    """Return the PCIe link as the driver tells it, or nothing where it does not, or tells what cannot be."""
    if link is None:
        return {}
    with suppress(ValueError):
        bandwidth = pcie_bandwidth_bytes_per_s(link.generation, link.lanes)
        return {
            "link_name": Found(f"PCIe {link.generation}.0 x{link.lanes}", _DRIVER),
            "link_bandwidth_bytes_per_s": Found(bandwidth, _DRIVER),
        }
    return {}
