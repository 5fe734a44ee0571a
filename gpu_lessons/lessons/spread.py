"""A warning that stands beside a figure of times measured while something else ran."""

from __future__ import annotations

from collections.abc import Sequence

from gpu_lessons.records import WIDE_SPREAD, Measurement

__all__ = ["say_spread"]


def say_spread(measurements: Sequence[Measurement]) -> None:
    """Print how many of the times of a figure are unsteady and what to do; print nothing if all are steady.

    Parameters
    ----------
    measurements : sequence of Measurement
        What the figure shows. A time is unsteady if its quartiles lie further apart than a tenth of its median.
    """
    wide = sum(point.spread > WIDE_SPREAD for point in measurements)
    if wide:
        print(
            f"{wide} of the {len(measurements)} times measured for this figure spread by more than {WIDE_SPREAD:.0%}: "
            "something else ran. Wait a little, then measure again."
        )
