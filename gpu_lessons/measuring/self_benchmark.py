"""Sustained numbers of the CPU at hand, found in twenty seconds, and how well they explain other layers."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MappingProxyType

from gpu_lessons.arguments import require_count
from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.hardware.machines import Machine
from gpu_lessons.measuring.timing import measure
from gpu_lessons.model import CpuCalibration, predict
from gpu_lessons.records import Measurement
from gpu_lessons.units import DTYPE_BYTES
from gpu_lessons.work import DenseForward, Workload

__all__ = ["CpuBenchmark", "measure_this_cpu"]

_MEBI = 2**20
# An idle machine stays well below this error; another program on its cores does not.
_BUSY = 0.6


@dataclass(frozen=True, slots=True)
class CpuBenchmark:
    """Sustained numbers of this CPU, with the measurements behind them.

    Attributes
    ----------
    cpu : Machine
        This CPU.
    calibration : CpuCalibration
        What `predict` needs. Its ``error`` is the second largest of the held-out ones below.
    fitted : tuple of Measurement
        Made the calibration.
    held_out : tuple of Measurement
        Dense layers the calibration has not seen; its error was measured on these.
    """

    cpu: Machine
    calibration: CpuCalibration
    fitted: tuple[Measurement, ...]
    held_out: tuple[Measurement, ...]


_done: dict[int, CpuBenchmark] = {}


def measure_this_cpu(
    budget_s: float = 20.0,
    *,
    threads: int | None = None,
    again: bool = False,
    on_progress: Callable[[float, str], None] = lambda share, text: None,
) -> CpuBenchmark:
    """Measure this CPU's sustained numbers; the second call returns what the first one found.

    Parameters
    ----------
    budget_s : float
        Upper limit in seconds; about half of it is used on an idle machine.
    threads : int, optional
        BLAS threads; all usable cores otherwise.
    again : bool
        Measure even if this session has done so already, because the machine was busy then.
    on_progress : callable
        Called with the share done, from 0 to 1, and what comes next.

    Raises
    ------
    ValueError
        If the budget is below 2 seconds, too short for any sustained number, or no number.
    """
    if not (isinstance(budget_s, (int, float)) and math.isfinite(budget_s) and budget_s >= 2):
        raise ValueError(f"budget_s must be a number of seconds of at least 2, got {budget_s!r}")
    here = this_machine()
    threads = here.usable_cores if threads is None else require_count("threads", threads)
    if again or threads not in _done:
        _done[threads] = _benchmark(here.cpu, budget_s, threads, on_progress)
    return _done[threads]


def this_cpu_if_measured() -> CpuBenchmark | None:
    """Return the benchmark on all usable cores if this session has made it."""
    return _done.get(this_machine().usable_cores)


def _square(batch_size: int, width: int, dtype: str = "float32") -> DenseForward:
    return DenseForward(batch_size=batch_size, n_in=width, n_out=width, dtype=dtype)


# Each of these is ruled by one number: the call, arithmetic, reading, or packing operands.
_FITTED: dict[str, DenseForward] = {
    "one call into NumPy": _square(1, 8),
    "arithmetic, float32": _square(1024, 2048),
    "arithmetic, float64": _square(512, 1024, "float64"),
    "reading from memory": _square(1, 4096),
    "reading from cache": _square(1, 1024),
    "packing from memory": _square(16, 4096),
    "packing from cache": _square(16, 256),
}
_HELD_OUT = (
    _square(1, 2048),
    _square(8, 1024),
    _square(32, 512),
    _square(64, 2048),
    _square(256, 1024),
    _square(1024, 512),
)


def _benchmark(cpu: Machine, budget_s: float, threads: int, on_progress: Callable[[float, str], None]) -> CpuBenchmark:
    steps: list[tuple[str, Workload]] = [
        *_FITTED.items(),
        *((f"checking {i + 1}", w) for i, w in enumerate(_HELD_OUT)),
    ]
    start_s = time.perf_counter()
    measurements: list[Measurement] = []
    for i, (what, workload) in enumerate(steps):
        on_progress(i / len(steps), what)
        # Half of what is left, so that slow warm-ups still leave time for the last step.
        left_s = max(0.0, budget_s - (time.perf_counter() - start_s))
        measurements.append(measure(workload, budget_s=max(0.01, left_s / 2 / (len(steps) - i)), threads=threads))
    on_progress(1.0, "done")
    fitted, held_out = measurements[: len(_FITTED)], measurements[len(_FITTED) :]
    rough = _fit(cpu, dict(zip(_FITTED, fitted, strict=True)), threads)
    error, basis = _score(cpu, rough, held_out)
    calibration = replace(rough, error=error, basis=basis)
    return CpuBenchmark(cpu, calibration, tuple(fitted), tuple(held_out))


def _fit(cpu: Machine, measured: dict[str, Measurement], threads: int) -> CpuCalibration:
    time_s = {what: measurement.median_s for what, measurement in measured.items()}
    launch_s = time_s["one call into NumPy"] / 2  # a forward pass is two calls

    def left_s(what: str, spent_s: float) -> float:
        # Timing noise may leave less than nothing; a twentieth of the time is the least each number gets.
        return max(time_s[what] - 2 * launch_s - spent_s, time_s[what] / 20)

    def flops_per_s(dtype: str, copy: float) -> float:
        what = f"arithmetic, {dtype}"
        return _FITTED[what].flops / left_s(what, _copied_bytes(_FITTED[what]) / copy)

    def copy_bandwidth(what: str, rate: float) -> float:
        return _copied_bytes(_FITTED[what]) / left_s(what, _FITTED[what].flops / rate)

    # Arithmetic is slowed by packing and packing by arithmetic: each round knows the other ten times better.
    copy = math.inf
    for _ in range(4):
        rates = {dtype: flops_per_s(dtype, copy) for dtype in ("float32", "float64")}
        copy = copy_bandwidth("packing from memory", rates["float32"])
    return CpuCalibration(
        launch_overhead_s=launch_s,
        flops_per_s=MappingProxyType(rates),
        read_bandwidth_bytes_per_s=4096**2 * 4 / left_s("reading from memory", 0.0),
        cached_read_bandwidth_bytes_per_s=1024**2 * 4 / left_s("reading from cache", 0.0),
        copy_bandwidth_bytes_per_s=copy,
        cached_copy_bandwidth_bytes_per_s=copy_bandwidth("packing from cache", rates["float32"]),
        last_level_cache_bytes=cpu.cache_bytes or 16 * _MEBI,
        second_level_cache_bytes=_MEBI * threads,
        threads=threads,
        error=0.0,
        basis="",
    )


def _copied_bytes(workload: DenseForward) -> int:
    """Return the bytes of both packed operands, and of the sums to which the bias is added."""
    batch, n_in, n_out = workload.batch_size, workload.n_in, workload.n_out
    return (batch * n_in + n_in * n_out + batch * n_out) * DTYPE_BYTES[workload.dtype]


def _score(cpu: Machine, calibration: CpuCalibration, held_out: list[Measurement]) -> tuple[float, str]:
    """Return the second largest error on layers the fit has not seen, and the sentence about all.

    Five of six lie within it; the largest of so few says more about what else ran on the machine.
    """
    factors = []
    for measurement in held_out:
        assert isinstance(measurement.workload, Workload)  # made by `measure` above
        ratio = predict(measurement.workload, cpu, calibration=calibration).seconds / measurement.median_s
        factors.append(max(ratio, 1 / ratio) - 1)
    basis = (
        f"Sustained rates: measured here, {calibration.threads} thread{'s' * (calibration.threads != 1)}; "
        f"off by {statistics.median(factors):.0%} (median) on {len(held_out)} other layers."
    )
    error = sorted(factors)[-2]
    return error, basis if error < _BUSY else f"{basis} The machine was busy: close other programs and measure again."
