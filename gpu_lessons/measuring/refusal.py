"""What is too big to measure: the model knows its time and the workload its memory before anything is made."""

from __future__ import annotations

from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.model import CpuCalibration, predict
from gpu_lessons.units import format_bytes, format_time
from gpu_lessons.work import Workload

__all__ = ["refuse_measurement", "too_big"]

# One call as warm-up, one to find out how long it is, three samples.
_LEAST_CALLS = 5


def refuse_measurement(workload: Workload, calibration: CpuCalibration, budget_s: float) -> str | None:
    """Return one sentence why ``workload`` is too big to measure on this CPU, or ``None`` if it may run.

    Parameters
    ----------
    workload : Workload
        What would run.
    calibration : CpuCalibration
        Sustained numbers of this CPU, or a guess of them.
    budget_s : float
        Seconds the learner is asked to wait at most.
    """
    here = this_machine()
    if workload.memory_bytes > here.available_memory_bytes / 2:
        return (
            f"Not measured: it needs {format_bytes(workload.memory_bytes)} of memory, more than half of the "
            f"{format_bytes(here.available_memory_bytes)} free here. Choose a smaller batch or width."
        )
    expected_s = predict(workload, here.cpu, calibration=calibration).seconds * _LEAST_CALLS
    if expected_s > budget_s:
        return (
            f"Not measured: it would take about {format_time(expected_s)}, more than the "
            f"{format_time(budget_s)} set aside. Choose a smaller batch or width."
        )
    return None


def too_big(workload: Workload, free_bytes: int, where: str) -> MemoryError:
    """Return the error that says how much memory ``workload`` needs, and how much is free ``where``."""
    return MemoryError(
        f"{workload} needs {format_bytes(workload.memory_bytes)} and {format_bytes(free_bytes)} are free {where}; "
        "choose a smaller batch or width"
    )
