"""The fit: sustained numbers of a device from measured times, by least absolute logarithmic error."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar, cast

from gpu_lessons.model.cpu import CpuCalibration
from gpu_lessons.model.gpu import GpuCalibration
from gpu_lessons.records import Measurement
from gpu_lessons.work import Copy, Kernel, Workload

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Row", "descend", "fit", "row_of", "row_time"]

Device = TypeVar("Device", CpuCalibration, GpuCalibration)

_CPU_NUMBERS = (
    "launch_overhead_s",
    "python_step_s",
    "flops_per_s",
    "scalar_ops_per_s",
    "row_start_s",
    "one_thread_share",
    "read_bandwidth_bytes_per_s",
    "cached_read_bandwidth_bytes_per_s",
    "pack_bandwidth_bytes_per_s",
    "cached_pack_bandwidth_bytes_per_s",
    "stream_bandwidth_bytes_per_s",
    "cached_stream_bandwidth_bytes_per_s",
    "cache_bytes",
)
_GPU_NUMBERS = (
    "call_overhead_s",
    "python_step_s",
    "flops_per_s",
    "memory_bandwidth_bytes_per_s",
    "cache_bandwidth_bytes_per_s",
    "link_bandwidth_bytes_per_s",
    "pageable_share",
    "copy_latency_s",
)
# The first is never above the second: a slower level that is read faster would let time fall as work grows.
_ORDERED = (
    ("stream_bandwidth_bytes_per_s", "cached_stream_bandwidth_bytes_per_s"),
    ("read_bandwidth_bytes_per_s", "cached_read_bandwidth_bytes_per_s"),
    ("pack_bandwidth_bytes_per_s", "cached_pack_bandwidth_bytes_per_s"),
    ("memory_bandwidth_bytes_per_s", "cache_bandwidth_bytes_per_s"),
)
_ONE_AT_MOST = ("one_thread_share", "pageable_share")

# A number nothing was measured of stays where it began; one row that tells of it outweighs this.
_PULL = 0.05
# Errors below one part in a hundred count as their square: noise, and no reason to turn the fit around.
_SMALL_ERROR = 0.01
_LARGEST_STEP = 0.7
_MOST_ROUNDS = 40
# Times bend where an operand fills the cache, and no step downhill crosses a bend; these factors of its size do.
_LEAPS = tuple(2 ** (sign * eighths / 8) for eighths in range(1, 49) for sign in (-1, 1))


@dataclass(frozen=True, slots=True)
class Row:
    """One measured time and the kernels behind it, counted once."""

    workload: Workload
    kernels: tuple[Kernel, ...]
    calls: int
    time_s: float


def row_of(measurement: Measurement) -> Row:
    """Return the row of a measurement of a workload."""
    workload = cast(Workload, measurement.workload)
    kernels = () if isinstance(workload, Copy) else workload.kernels
    return Row(workload, kernels, measurement.calls_per_sample, measurement.median_s)


def row_time(row: Row, device: CpuCalibration | GpuCalibration) -> float:
    """Return the predicted seconds of a row, timed as it was: so many calls between two readings of the clock."""
    if isinstance(row.workload, Copy):
        assert isinstance(device, GpuCalibration)  # a CPU has no link and its clock no such row
        return device.copy_time(row.workload.n_bytes, pinned=row.workload.pinned)
    return device.call_time(row.kernels, calls=row.calls).total_s


def fit(start: Device, rows: Sequence[Row]) -> Device:
    """Return ``start`` with the numbers that explain the rows best.

    What is least is the sum of |log(predicted / measured)|, which a few wild rows cannot move far. Each round
    makes it linear in the logarithms of the numbers, weights every row by one over its error (so squares act like
    absolute values) and steps to the solution, halving the step until it is better. Where no step is, it tries
    other sizes of the cache.

    Parameters
    ----------
    start : CpuCalibration or GpuCalibration
        Where to begin. A number on which no row depends keeps its value.
    rows : sequence of Row
        Measured times; at least one.
    """
    import numpy as np

    names = list(_numbers(start))
    measured = np.log([row.time_s for row in rows])

    def device_at(logs: Floats) -> Device:
        return _with(start, dict(zip(names, np.exp(logs).tolist(), strict=True)))

    def errors_at(logs: Floats) -> Floats:
        device = device_at(logs)
        return np.log([row_time(row, device) for row in rows]) - measured

    each = np.eye(len(names))
    leaps = [np.log(leap) * each[i] for leap in _LEAPS for i, (field, _) in enumerate(names) if field == "cache_bytes"]
    begin = np.log([_get(start, name) for name in names])
    return device_at(descend(begin, errors_at, lambda logs: _ordered(names, logs), leaps))


def descend(
    begin: Floats,
    errors_at: Callable[[Floats], Floats],
    ordered: Callable[[Floats], Floats],
    leaps: Sequence[Floats] = (),
) -> Floats:
    """Return the logarithms at which the sum of the absolute errors is least, near ``begin``.

    Parameters
    ----------
    begin : array of shape (n,)
        Logarithms of the numbers; those on which no error depends stay.
    errors_at : function of such an array
        Logarithmic errors, one a row.
    ordered : function of such an array
        The nearest numbers that are possible.
    leaps : sequence of such arrays
        What to add where no step is better.
    """
    import numpy as np

    def badness(errors: Floats, logs: Floats) -> float:
        return float(np.abs(errors).sum() + _PULL * ((logs - begin) ** 2).sum())

    logs = ordered(begin)
    errors = errors_at(logs)
    best = badness(errors, logs)
    each = np.eye(len(logs))
    for _ in range(_MOST_ROUNDS):
        slopes = np.stack([errors_at(logs + nudge) - errors for nudge in 1e-4 * each], axis=1) / 1e-4
        weights = 1 / np.maximum(np.abs(errors), _SMALL_ERROR)
        curvature = slopes.T @ (slopes * weights[:, None]) + 2 * _PULL * each
        downhill = np.linalg.solve(curvature, -slopes.T @ (weights * errors) - 2 * _PULL * (logs - begin))
        step = np.clip(downhill, -_LARGEST_STEP, _LARGEST_STEP)
        before = best
        for moves in [step / 2**halvings for halvings in range(10)], leaps:
            for move in moves:
                tried = ordered(logs + move)
                tried_errors = errors_at(tried)
                if badness(tried_errors, tried) < best:
                    logs, errors, best = tried, tried_errors, badness(tried_errors, tried)
                    break
            if before - best >= 1e-4 * before:
                break
        else:
            break
    return logs


def _numbers(device: CpuCalibration | GpuCalibration) -> Iterator[tuple[str, str]]:
    """Yield field and dtype ("" where there is none) of every number that the fit may change."""
    for field in _CPU_NUMBERS if isinstance(device, CpuCalibration) else _GPU_NUMBERS:
        value = getattr(device, field)
        if field == "flops_per_s":
            yield from ((field, dtype) for dtype in value)
        elif value is not None and not (field == "one_thread_share" and device.threads == 1):  # type: ignore[union-attr]
            yield field, ""


def _get(device: CpuCalibration | GpuCalibration, name: tuple[str, str]) -> float:
    field, dtype = name
    value = getattr(device, field)
    return float(value[dtype] if dtype else value)


def _with(device: Device, values: dict[tuple[str, str], float]) -> Device:
    plain = {field: value for (field, dtype), value in values.items() if not dtype}
    rates = {dtype: value for (_, dtype), value in values.items() if dtype}
    return replace(device, **plain, flops_per_s=MappingProxyType(rates))  # type: ignore[arg-type]


def _ordered(names: list[tuple[str, str]], logs: Floats) -> Floats:
    place = {field: i for i, (field, dtype) in enumerate(names) if not dtype}
    logs = logs.copy()
    for slower, faster in _ORDERED:
        if slower in place and faster in place:
            logs[place[slower]] = min(logs[place[slower]], logs[place[faster]])
    for share in _ONE_AT_MOST:
        if share in place:
            logs[place[share]] = min(logs[place[share]], 0.0)
    return logs
