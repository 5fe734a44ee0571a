"""What the NVIDIA driver tells of itself and of one GPU; anything it keeps to itself is None."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Driver", "ask_driver"]


@dataclass(frozen=True, slots=True)
class Driver:
    """Answers of the driver, asked just now.

    Attributes
    ----------
    version : str or None
        Such as ``"580.65.06"``.
    cuda_version : str or None
        The newest CUDA whose programs it runs, such as ``"13.0"``.
    clock_hz, memory_clock_hz : float or None
        Of the SMs and the memory at this moment; an idle GPU slows both down.
    link_generation, link_lanes : int or None
        Of PCIe. The highest generation that GPU and slot have in common, as an idle link falls back to the first;
        the lanes are those in use.
    """

    version: str | None = None
    cuda_version: str | None = None
    clock_hz: float | None = None
    memory_clock_hz: float | None = None
    link_generation: int | None = None
    link_lanes: int | None = None


def ask_driver(pci_bus_id: str | None) -> Driver | None:
    """Return what the driver tells of itself and the GPU in this slot; None without a driver. Never raises.

    Parameters
    ----------
    pci_bus_id : str or None
        As CUDA names it, ``"0000:00:04.0"``. Without one, only the driver itself is asked.

    Examples
    --------
    >>> driver = ask_driver(None)
    >>> driver is None or driver.clock_hz is None
    True
    """
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # no library, no driver, no permission: all mean the same here
        return None
    try:
        version = _told(lambda: _text(pynvml.nvmlSystemGetDriverVersion()))
        cuda_version = _told(lambda: _dotted(pynvml.nvmlSystemGetCudaDriverVersion_v2()))
        if pci_bus_id is None:
            return Driver(version, cuda_version)
        gpu = _told(lambda: pynvml.nvmlDeviceGetHandleByPciBusId(pci_bus_id))
        return Driver(
            version=version,
            cuda_version=cuda_version,
            clock_hz=_told(lambda: pynvml.nvmlDeviceGetClockInfo(gpu, pynvml.NVML_CLOCK_SM) * 1e6),
            memory_clock_hz=_told(lambda: pynvml.nvmlDeviceGetClockInfo(gpu, pynvml.NVML_CLOCK_MEM) * 1e6),
            link_generation=_told(lambda: int(pynvml.nvmlDeviceGetMaxPcieLinkGeneration(gpu))),
            link_lanes=_told(lambda: int(pynvml.nvmlDeviceGetCurrPcieLinkWidth(gpu))),
        )
    finally:
        _told(pynvml.nvmlShutdown)


def _told(ask: Callable[[], Any]) -> Any:  # noqa: ANN401  (whatever the driver answers)
    try:
        return ask() or None  # a zero is how some drivers say that they do not know
    except Exception:  # this one question is not answered here: a virtual GPU, no PCIe, no permission
        return None


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _dotted(version: int) -> str:
    return f"{version // 1000}.{version % 1000 // 10}"
