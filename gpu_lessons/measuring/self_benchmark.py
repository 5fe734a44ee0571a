"""Sustained numbers of the CPU at hand, found in twenty seconds, and how well they explain other layers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from gpu_lessons.arguments import require_count, require_seconds
from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.hardware.machines import Machine
from gpu_lessons.measuring.timing import ONE_AT_A_TIME, measure
from gpu_lessons.model import CpuCalibration, calibrate_from
from gpu_lessons.records import Measurement
from gpu_lessons.work import DenseForward, DependentChain, Elementwise, Workload

__all__ = ["CpuBenchmark", "measure_this_cpu", "this_cpu_if_measured"]


@dataclass(frozen=True, slots=True)
class CpuBenchmark:
    """Sustained numbers of this CPU, with the measurements behind them.

    Attributes
    ----------
    cpu : Machine
        This CPU.
    calibration : CpuCalibration
        What `predict` needs. Five of the six held-out times below lie within its ``error``.
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
        BLAS threads; all usable ones otherwise.
    again : bool
        Measure even if this session has done so already, because the machine was busy then.
    on_progress : callable
        Called with the share done, from 0 to 1, and what comes next.

    Raises
    ------
    TypeError, ValueError
        If the budget is no number, or below 2 seconds, too short for any sustained number.
    """
    budget_s = require_seconds("budget_s", budget_s, at_least=2)
    here = this_machine()
    threads = here.usable_cores if threads is None else require_count("threads", threads)
    with ONE_AT_A_TIME:
        if again or threads not in _done:
            _done[threads] = _benchmark(here.cpu, budget_s, threads, on_progress)
        return _done[threads]


def this_cpu_if_measured() -> CpuBenchmark | None:
    """Return the benchmark on all usable threads if this session has made it."""
    return _done.get(this_machine().usable_cores)


def _square(batch_size: int, width: int, dtype: str = "float32") -> DenseForward:
    return DenseForward(batch_size=batch_size, n_in=width, n_out=width, dtype=dtype)


# Each of these is ruled by one number: a call, arithmetic, reading, packing an operand, streaming, or NumPy's loops. A
# matrix of 8 MiB tells of caches of 4 to 8 MiB, as twice the size evicts itself; so the sizes double up to 64 MiB.
_FITTED: dict[str, Workload] = {
    "one call into NumPy": Elementwise(64),
    "one product": _square(1, 8),
    "arithmetic, float32": _square(1024, 2048),
    "arithmetic, float64": _square(512, 1024, "float64"),
    "a product for one thread": _square(32, 128),
    "reading from memory": _square(1, 4096),
    "reading 32 MiB": DenseForward(batch_size=1, n_in=4096, n_out=2048),
    "reading 16 MiB": DenseForward(batch_size=1, n_in=4096, n_out=1024),
    "reading 8 MiB": DenseForward(batch_size=1, n_in=2048, n_out=1024),
    "reading from cache": _square(1, 1024),
    "packing from memory": _square(16, 4096),
    "packing from cache": _square(8, 512),
    "streaming from memory": Elementwise(2**24),
    "streaming from cache": DependentChain(10, 2**17),
    "numbers one at a time": Elementwise(2**17),
    "rows that start anew": DenseForward(batch_size=4096, n_in=2, n_out=16),
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
    calibration = calibrate_from(fitted, cpu, threads=fitted[0].threads, held_out=held_out)
    assert isinstance(calibration, CpuCalibration)  # it was fitted to a CPU
    return CpuBenchmark(cpu, calibration, tuple(fitted), tuple(held_out))
