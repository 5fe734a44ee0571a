"""``cupyx.profiler.benchmark`` on the virtual clock of a simulated GPU."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from gpu_lessons.devices.simulated import SimulatedGpu

__all__ = ["Timings", "benchmark"]

Host = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Timings:
    """What `benchmark` found.

    Attributes
    ----------
    name : str
        Of the function.
    cpu_times : numpy.ndarray, shape (n_repeat,)
        Seconds that the host was in the call.
    gpu_times : numpy.ndarray, shape (1, n_repeat)
        Seconds from one event on the device before the call to one after it.
    """

    name: str
    cpu_times: Host
    gpu_times: Host

    def to_str(self, show_gpu: bool = False) -> str:
        """Return mean and spread in microseconds, in CuPy's layout."""
        told = [_told("CPU", self.cpu_times)]
        if show_gpu:
            told.append(_told("GPU-0", self.gpu_times[0]))
        return f"{self.name:<20s}:{' '.join(told)}"

    def __repr__(self) -> str:
        return self.to_str(show_gpu=True)


def benchmark(
    gpu: SimulatedGpu,
    func: Callable[..., Any],
    args: tuple[Any, ...] = (),
    kwargs: dict[str, Any] | None = None,
    n_repeat: int = 10000,
    *,
    name: str | None = None,
    n_warmup: int = 10,
    max_duration: float = math.inf,
    devices: tuple[int, ...] | None = None,
) -> Timings:
    """Time ``func(*args, **kwargs)`` on host and device, after some calls as a warm-up.

    Parameters
    ----------
    gpu : SimulatedGpu
        Whose clock is read.
    func, args, kwargs : callable, tuple, dict
        What is called.
    n_repeat, n_warmup : int
        Calls that are timed, and before them.
    name : str, optional
        What the answer calls it; the function's own name otherwise.
    max_duration : float
        Virtual seconds after which no further call is made.
    devices : tuple of int, optional
        Ignored: there is one device.

    Raises
    ------
    ValueError
        If an argument is of another type, in the words of CuPy.
    """
    for value, kind, words in (
        (args, tuple, "`args` should be of tuple type."),
        (kwargs or {}, dict, "`kwargs` should be of dict type."),
        (n_repeat, int, "`n_repeat` should be an integer."),
        (n_warmup, int, "`n_warmup` should be an integer."),
    ):
        if not isinstance(value, kind):
            raise ValueError(words)
    if not callable(func):
        raise ValueError("`func` should be a callable object.")
    for _ in range(n_warmup):
        func(*args, **(kwargs or {}))
    gpu.synchronize()
    cpu_s: list[float] = []
    gpu_s: list[float] = []
    began_s = gpu.perf_counter()
    while len(cpu_s) < n_repeat and gpu.perf_counter() - began_s < max_duration:
        start, start_s = gpu.timeline.current_stream.record(), gpu.perf_counter()
        func(*args, **(kwargs or {}))
        cpu_s.append(gpu.perf_counter() - start_s)
        end = gpu.timeline.current_stream.record()
        end.synchronize()
        gpu_s.append(end.time_s - start.time_s)
    return Timings(name or str(getattr(func, "__name__", "function")), np.asarray(cpu_s), np.asarray([gpu_s]))


def _told(place: str, times_s: Host) -> str:
    us = times_s * 1e6
    text = f"    {place}: {us.mean():9.03f} us"
    if us.size > 1:
        text += f"   +/- {us.std():6.03f} (min: {us.min():9.03f} / max: {us.max():9.03f}) us"
    return text
