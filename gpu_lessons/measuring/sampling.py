"""How often to read a clock: warm-ups apart, samples long enough, three at least."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Samples", "take_samples"]

# One sample lasts at least this long, so that reading the clock costs less than one part in a thousand.
_SAMPLE_S = 1e-3
_MOST_SAMPLES = 200
_WARMUP_CALLS = 2


class Samples(NamedTuple):
    """Seconds a call, sample by sample and of the warm-ups before them, and the calls of one sample."""

    samples_s: tuple[float, ...]
    warmup_s: tuple[float, ...]
    calls_per_sample: int


def take_samples(seconds_of: Callable[[int], float], budget_s: float) -> Samples:
    """Return samples that fill ``budget_s`` seconds.

    Parameters
    ----------
    seconds_of : callable
        Runs the work so many times and returns the seconds of one.
    budget_s : float
        Seconds for all samples together.
    """
    warmup_s = tuple(seconds_of(1) for _ in range(_WARMUP_CALLS))
    calls = max(1, math.ceil(_SAMPLE_S / max(warmup_s[-1], 1e-9)))
    samples_s: list[float] = []
    while len(samples_s) < 3 or (sum(samples_s) * calls < budget_s and len(samples_s) < _MOST_SAMPLES):
        samples_s.append(seconds_of(calls))
    return Samples(tuple(samples_s), warmup_s, calls)
