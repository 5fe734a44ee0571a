"""Plain roofline, to compare the model with: all FLOP at the peak or all bytes at the bandwidth, the longer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gpu_lessons.hardware.machines import Machine
from gpu_lessons.model.fitting import Row
from gpu_lessons.work import Copy, Workload

__all__ = ["Roofline", "best_bandwidth", "best_rates", "roofline_of"]


@dataclass(frozen=True, slots=True)
class Roofline:
    """Two limits of a machine, and the sentence that says where they come from."""

    flops_per_s: Mapping[str, float]
    bandwidth_bytes_per_s: float
    origin: str

    def seconds(self, workload: Workload) -> float:
        """Return the seconds a machine with nothing but these two limits needs."""
        dtype = workload.kernels[0].dtype
        return max(workload.flops / self.flops_per_s[dtype], workload.bytes_moved / self.bandwidth_bytes_per_s)


def roofline_of(machine: Machine, rows: Sequence[Row], threads: int | None = None) -> Roofline:
    """Return the roofline of a machine: data sheet where it is known, else the best that any row reached.

    Parameters
    ----------
    machine : Machine
        Its peak holds for all cores; fewer threads have their share of it.
    rows : sequence of Row
        Measured times.
    threads : int, optional
        Threads of a CPU that the roofline is for.
    """
    share = 1.0 if threads is None or machine.cores is None else min(1.0, threads / machine.cores)
    best = best_rates(rows)
    sheet = {dtype: peak * share for dtype, peak in machine.peak_flops_per_s.items() if dtype in best}
    bandwidth = machine.memory_bandwidth_bytes_per_s
    return Roofline(
        best | sheet,
        best_bandwidth(rows, machine.cache_bytes or 0) if bandwidth is None else bandwidth,
        f"FLOP/s {_origin(best.keys() <= sheet.keys())}, bytes/s {_origin(bandwidth is not None)}",
    )


def best_rates(rows: Sequence[Row]) -> dict[str, float]:
    """Return the highest FLOP/s that a row reached in each number format."""
    rates: dict[str, float] = {}
    for row in rows:
        for kernel in row.kernels[:1]:
            rates[kernel.dtype] = max(rates.get(kernel.dtype, 0.0), row.workload.flops / row.time_s)
    return rates


def best_bandwidth(rows: Sequence[Row], cache_bytes: float) -> float:
    """Return the highest bytes a second that work too large for the cache reached, or any work if none is.

    Raises
    ------
    ValueError
        If no row computes.
    """
    reached = [
        (row.workload.memory_bytes > cache_bytes, row.workload.bytes_moved / row.time_s)
        for row in rows
        if not isinstance(row.workload, Copy)
    ]
    if not reached:
        raise ValueError("measurements must hold at least one workload that computes, got copies only")
    return max(reached)[1]


def _origin(known: bool) -> str:
    return "of the data sheet" if known else "the best seen in the fitted half"
