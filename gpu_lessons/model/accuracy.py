"""How far the model is off on times it has not seen, beside plain roofline on the same rows."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gpu_lessons.hardware.machines import Machine
from gpu_lessons.model.fitting import row_of, row_time
from gpu_lessons.model.measured import enough_of_threads, fit_to, halves
from gpu_lessons.model.prediction import predict
from gpu_lessons.model.roofline import roofline_of
from gpu_lessons.records import Bottleneck, Measurement
from gpu_lessons.work import Copy, Workload

__all__ = ["Accuracy", "Residual", "accuracy_of", "residuals"]


@dataclass(frozen=True, slots=True)
class Residual:
    """One held-out time beside what the model and plain roofline say of it.

    ``regime`` is the bottleneck that the model names. ``roofline_s`` is None for a copy, which has no roofline.
    """

    workload: Workload
    regime: Bottleneck
    measured_s: float
    predicted_s: float
    roofline_s: float | None

    @property
    def error(self) -> float:
        """Of the model, as a share of the measured time: 0.1 is 10 % off, either way."""
        return abs(self.predicted_s / self.measured_s - 1)

    @property
    def roofline_error(self) -> float | None:
        """The same of plain roofline."""
        return None if self.roofline_s is None else abs(self.roofline_s / self.measured_s - 1)


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Absolute percentage errors of a group of residuals, as shares: median and mean, model and roofline."""

    group: str
    count: int
    median: float
    mean: float
    roofline_median: float | None
    roofline_mean: float | None


def residuals(
    measurements: Sequence[Measurement], machine: Machine, *, threads: int | None = None
) -> tuple[list[Residual], str]:
    """Fit one half of the measurements, predict the other half; return its residuals and the roofline's origin.

    Parameters
    ----------
    measurements, machine, threads
        As for `calibrate_from`.

    Raises
    ------
    ValueError
        As `calibrate_from`.
    """
    fitted, held_out = halves(enough_of_threads(measurements, machine, threads))
    numbers = fit_to(fitted, machine)
    roofline = roofline_of(machine, [row_of(each) for each in fitted], fitted[0].threads or None)
    found = []
    for row in map(row_of, held_out):
        regime = predict(row.workload, machine, calibration=numbers).bottleneck
        roofline_s = None if isinstance(row.workload, Copy) else roofline.seconds(row.workload)
        found.append(Residual(row.workload, regime, row.time_s, row_time(row, numbers), roofline_s))
    return found, roofline.origin


def accuracy_of(found: Iterable[Residual], group_of: Callable[[Residual], str]) -> list[Accuracy]:
    """Return the errors of each group that ``group_of`` names, in the order in which they first appear."""
    groups: dict[str, list[Residual]] = {}
    for residual in found:
        groups.setdefault(group_of(residual), []).append(residual)
    return [_accuracy(name, members) for name, members in groups.items()]


def _accuracy(name: str, members: Sequence[Residual]) -> Accuracy:
    errors = [each.error for each in members]
    roofline = [each.roofline_error for each in members if each.roofline_error is not None]
    return Accuracy(
        name,
        len(members),
        statistics.median(errors),
        statistics.fmean(errors),
        statistics.median(roofline) if roofline else None,
        statistics.fmean(roofline) if roofline else None,
    )
