"""Buttons that any explorer can ask for: measure this CPU, and measure the work under the controls."""

from __future__ import annotations

from collections.abc import Callable

from gpu_lessons.explorers.live import Button, Live
from gpu_lessons.explorers.machine_sources import keep_measured, was_too_busy
from gpu_lessons.measuring.refusal import refuse_measurement
from gpu_lessons.measuring.self_benchmark import CpuBenchmark, measure_this_cpu, this_cpu_if_measured
from gpu_lessons.measuring.timing import measure
from gpu_lessons.work import Workload

__all__ = ["measure_here_button", "measure_this_cpu_button"]

#: Seconds one measurement under the controls may take.
MEASURE_BUDGET_S = 5.0


def measure_this_cpu_button() -> Button:
    """Return the button that finds this CPU's sustained numbers and picks it in the picker ``cpu``."""
    return Button("Measure this CPU (20 s at most)", _measure_cpu, prepare=_offer_measured)


def measure_here_button(workload: Callable[..., Workload]) -> Button:
    """Return the button that times the work under the controls on this CPU, once that has been measured.

    Parameters
    ----------
    workload : callable
        Takes the values of all controls and pickers by name and returns what would run on the CPU.
    """

    def press(live: Live) -> None:
        benchmark = measure_this_cpu()
        live.pick("cpu", benchmark.cpu)
        work = workload(**live.chosen(), **live.picked())
        refusal = refuse_measurement(work, benchmark.calibration, MEASURE_BUDGET_S)
        if refusal:
            live.say(refusal)
            return
        measurement = measure(work, budget_s=MEASURE_BUDGET_S / 5)
        keep_measured(measurement)
        live.pick("cpu", benchmark.cpu)
        live.say(str(measurement))

    return Button("Measure here", press, can_press=lambda: _measured() is not None)


def _measured() -> CpuBenchmark | None:
    """Return what this session has measured of this CPU, if that fits together."""
    benchmark = this_cpu_if_measured()
    return None if benchmark is None or was_too_busy(benchmark.cpu) else benchmark


def _measure_cpu(live: Live) -> None:
    benchmark = measure_this_cpu(again=this_cpu_if_measured() is not None, on_progress=_reporting(live))
    if _measured() is None:
        live.warn("predicted, too busy to measure")
        live.say(
            f"The numbers found for {benchmark.cpu.name} miss other times by up to {benchmark.calibration.error:.0%}: "
            "something else ran on this machine. The curve stays predicted. Wait a minute and measure again, or pick "
            "the recorded CPU."
        )
        return
    _offer(live, benchmark)
    live.pick("cpu", benchmark.cpu)
    live.say(f"{benchmark.cpu.name}: {benchmark.calibration.basis}")


def _reporting(live: Live) -> Callable[[float, str], None]:
    return lambda share, what: live.report(share, f"Measuring this CPU: {what}")


def _offer_measured(live: Live) -> None:
    benchmark = _measured()
    if benchmark is not None:
        _offer(live, benchmark)


def _offer(live: Live, benchmark: CpuBenchmark) -> None:
    live.offer("cpu", f"this machine: {benchmark.cpu.name}", benchmark.cpu)
