"""What no work on a machine can pass: its arithmetic, its memory, its cache."""

from __future__ import annotations

from typing import NamedTuple

from gpu_lessons.explorers.machine_sources import calibration_of
from gpu_lessons.hardware.machines import Machine
from gpu_lessons.model import CpuCalibration

__all__ = ["Roof", "roof_of"]


class Roof(NamedTuple):
    """What a machine cannot pass: FLOP a second, and bytes a second from memory and from its cache.

    ``origin`` says where the first two come from.
    """

    flops_per_s: float
    memory_bytes_per_s: float
    cache_bytes_per_s: float
    origin: str

    @property
    def ridge(self) -> float:
        """FLOP a byte at which both roofs meet."""
        return self.flops_per_s / self.memory_bytes_per_s


def roof_of(found: Machine, dtype: str) -> Roof:
    """Return the roof of a machine: of its data sheet where that has both rates, else the rates it sustains.

    A card that boosts past its rated clock sustains more than its data sheet says; the roof is what it sustains then.

    Raises
    ------
    ValueError
        If the catalogue lacks a rate for it in this number format.
    """
    device = calibration_of(found, dtype)
    if dtype not in device.flops_per_s:
        known = ", ".join(sorted(device.flops_per_s))
        raise ValueError(f"no {dtype} rate is known for {found.name}; known: {known}")
    sustained = device.flops_per_s[dtype]
    if isinstance(device, CpuCalibration):
        memory, cache = device.read_bandwidth_bytes_per_s, device.cached_read_bandwidth_bytes_per_s
    else:
        memory, cache = device.memory_bandwidth_bytes_per_s, device.cache_bandwidth_bytes_per_s
    peak, bandwidth = found.peak_flops_per_s.get(dtype), found.memory_bandwidth_bytes_per_s
    if peak is None or bandwidth is None:
        return Roof(sustained, memory, cache, "roof: sustained rates")
    return Roof(max(peak, sustained), max(bandwidth, memory), cache, "roof: data sheet")
