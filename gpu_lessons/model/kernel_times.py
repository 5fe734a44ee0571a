"""What a calibration answers: the time of one kernel, and of a call that runs several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["CallTime", "KernelTime"]


class KernelTime(NamedTuple):
    """Seconds of one kernel: its arithmetic alone, its memory traffic alone, and the kernel itself."""

    compute_s: float
    memory_s: float
    total_s: float
    share_busy: float  # share of the device's units that have work, from 0 to 1


class CallTime(NamedTuple):
    """Seconds of one call: all of it, the part in which no kernel ran, and the time of each kernel."""

    total_s: float
    launch_s: float
    kernels: Sequence[KernelTime]
