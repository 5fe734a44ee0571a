"""What the NVIDIA driver tells through its library NVML; None wherever it tells nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

__all__ = ["Link", "driver_cuda_version", "driver_version", "pcie_link"]


@dataclass(frozen=True, slots=True)
class Link:
    """The PCIe link of a card.

    Attributes
    ----------
    generation, lanes : int
        The highest generation that card and slot can run, and the lanes in use. An idle card falls back to the first
        generation to save power; the lanes stay.
    generation_now : int or None
        The generation it ran at when it was asked.
    """

    generation: int
    lanes: int
    generation_now: int | None = None


def driver_version() -> str | None:
    """Return the version of the NVIDIA driver, such as 550.54.15."""
    with suppress(Exception), _nvml() as nvml:
        version = nvml.nvmlSystemGetDriverVersion()
        return version.decode() if isinstance(version, bytes) else str(version)
    return None


def driver_cuda_version() -> str | None:
    """Return the newest CUDA version that the driver runs, such as 12.4."""
    with suppress(Exception), _nvml() as nvml:
        version = int(nvml.nvmlSystemGetCudaDriverVersion_v2())
        return f"{version // 1000}.{version % 1000 // 10}"
    return None


def pcie_link(pci_bus_id: str | None) -> Link | None:
    """Return the link of the card at this address."""
    with suppress(Exception), _nvml() as nvml:
        handle = nvml.nvmlDeviceGetHandleByPciBusId(pci_bus_id)
        generation = int(nvml.nvmlDeviceGetMaxPcieLinkGeneration(handle))
        lanes = int(nvml.nvmlDeviceGetCurrPcieLinkWidth(handle))
        generation_now = None
        with suppress(Exception):
            generation_now = int(nvml.nvmlDeviceGetCurrPcieLinkGeneration(handle))
        return Link(generation, lanes, generation_now)
    return None


@contextmanager
def _nvml() -> Iterator[Any]:
    """Open the driver's library; any exception means no library, no driver or no permission."""
    import pynvml

    pynvml.nvmlInit()
    try:
        yield pynvml
    finally:
        pynvml.nvmlShutdown()
