"""The one kind of record that flows from a clock or a model to a chart."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from gpu_lessons.arguments import shown
from gpu_lessons.units import format_counted, format_time

__all__ = [
    "UNKNOWN_THREADS",
    "WIDE_SPREAD",
    "Bottleneck",
    "Counted",
    "Measurement",
    "Prediction",
    "Provenance",
    "Sweep",
    "format_threads",
]

#: Quartiles further apart than this share of the median: something else ran on the machine.
WIDE_SPREAD = 0.1

#: On the host, where the BLAS does not keep to the number of threads it is told.
UNKNOWN_THREADS = 0

Bottleneck = Literal["launch", "memory", "filling", "compute", "copy"]


def format_threads(threads: int) -> str:
    """Return a number of threads as a label says it: ``"2 threads"``, or ``"threads unknown"``."""
    return "threads unknown" if threads == UNKNOWN_THREADS else format_counted(threads, "thread")


class Counted(Protocol):
    """What a record knows of its workload: the exact counts."""

    @property
    def flops(self) -> int:
        """Floating-point operations of one call."""

    @property
    def bytes_moved(self) -> int:
        """Bytes read and written by one call."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """Times of one workload on one machine, raw.

    Attributes
    ----------
    workload : Counted
        What was run.
    machine : str
        Name of the machine it ran on.
    threads : int or None
        BLAS threads it used on the host; `UNKNOWN_THREADS` if they are not known, ``None`` on a GPU.
    samples_s : tuple of float
        Seconds a call, one value a sample. A sample times ``calls_per_sample`` calls.
    warmup_s : tuple of float
        Seconds of the first calls, kept apart: they pay for caches, threads and memory.
    calls_per_sample : int
        Calls between two readings of the clock.
    recorded_on : str or None
        Day it was measured, as 2026-11-24, if it comes from a recording; ``None`` if it was measured just now.
    peak_bytes : int or None
        Most memory its arrays took during one call, looked at apart from the timed ones; ``None`` if not looked at.
    clock : str or None
        What told the seconds, where a device leaves the choice; ``None`` elsewhere, and in a recording.
    """

    workload: Counted
    machine: str
    threads: int | None
    samples_s: tuple[float, ...]
    warmup_s: tuple[float, ...]
    calls_per_sample: int
    recorded_on: str | None = None
    peak_bytes: int | None = None
    clock: str | None = None

    @property
    def source(self) -> str:
        """``recorded`` if it comes from a recording, else ``measured``."""
        return "measured" if self.recorded_on is None else "recorded"

    @property
    def median_s(self) -> float:
        """The middle sample."""
        return statistics.median(self.samples_s)

    @property
    def low_s(self) -> float:
        """Lower quartile of the samples."""
        return self._quartiles()[0]

    @property
    def high_s(self) -> float:
        """Upper quartile of the samples."""
        return self._quartiles()[2]

    @property
    def spread(self) -> float:
        """Distance between the quartiles as a share of the median; above `WIDE_SPREAD` the machine was busy."""
        return (self.high_s - self.low_s) / self.median_s

    def _quartiles(self) -> list[float]:
        if len(self.samples_s) == 1:
            return [self.samples_s[0]] * 3
        return statistics.quantiles(self.samples_s, n=4, method="inclusive")

    def __str__(self) -> str:
        threads = "" if self.threads is None else f", {format_threads(self.threads)}"
        text = (
            f"{format_time(self.median_s)} ({format_time(self.low_s)} to {format_time(self.high_s)}, "
            f"{len(self.samples_s)} samples), {self.source} on {self.machine}{threads}"
        )
        if self.recorded_on is not None:
            text += f", {self.recorded_on}"
        if self.clock is not None:
            text += f", by {self.clock}"
        if self.spread > WIDE_SPREAD:
            advice = ": close other programs and repeat" if self.recorded_on is None else ""
            text += f"\nThe samples spread by {self.spread:.0%} of their median{advice}."
        return text


@dataclass(frozen=True, slots=True)
class Prediction:
    """Time of one workload on one machine, computed by the model.

    ``seconds`` is ``launch_s`` + ``copy_s`` + the time of the kernels. A GPU overlaps a kernel's arithmetic with its
    memory traffic, so the longer of the two counts; a CPU packs the operands of a product before it multiplies, so
    the two add up. ``compute_s`` and ``memory_s`` are their sums over the kernels, so that each can be seen. A GPU
    runs one kernel while the host launches the next: only what the device waits for a launch is in ``launch_s``.

    Attributes
    ----------
    workload : Counted
        What was counted.
    machine : str
        Name of the machine it was predicted for.
    seconds, low_s, high_s : float
        The prediction and its band.
    launch_s, compute_s, memory_s, copy_s : float
        The terms.
    bottleneck : {"launch", "memory", "filling", "compute", "copy"}
        The largest term. ``filling``: arithmetic, but on a device with idle units.
    basis : str
        Where the machine's sustained numbers come from, and how the workload lies outside what they were tested for.
    tested : bool
        Whether the model was compared with this machine's clock for work of this kind and size.
    """

    workload: Counted
    machine: str
    seconds: float
    low_s: float
    high_s: float
    launch_s: float
    compute_s: float
    memory_s: float
    copy_s: float
    bottleneck: Bottleneck
    basis: str
    tested: bool = False

    source = "predicted"

    def __str__(self) -> str:
        terms = (
            ("launch", self.launch_s),
            ("compute", self.compute_s),
            ("memory", self.memory_s),
            ("copy", self.copy_s),
        )
        parts = ", ".join(f"{name} {format_time(time_s)}" for name, time_s in terms if time_s)
        return (
            f"{format_time(self.seconds)} ({format_time(self.low_s)} to {format_time(self.high_s)}), "
            f"predicted for {self.machine}\n  {parts}; bottleneck: {self.bottleneck}\n  {self.basis}"
        )


@dataclass(frozen=True, slots=True)
class Sweep:
    """Records of one machine over several sizes, all from the same source.

    Raises
    ------
    TypeError, ValueError
        If it holds something else, is empty, or mixes machines or sources.
    """

    points: tuple[Measurement | Prediction, ...]

    def __post_init__(self) -> None:
        for point in self.points:
            if not isinstance(point, Measurement | Prediction):
                raise TypeError(f"a sweep holds records such as measure returns, got {shown(point)}")
        kinds = {(point.source, point.machine) for point in self.points}
        if len(kinds) != 1:
            raise ValueError(
                f"a sweep holds records of one machine and one source, got {sorted(kinds) if kinds else 'no record'}"
            )

    @property
    def machine(self) -> str:
        """Name of the machine."""
        return self.points[0].machine

    @property
    def source(self) -> str:
        """``measured``, ``recorded`` or ``predicted``."""
        return self.points[0].source


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a recording came about.

    Attributes
    ----------
    date : str
        The day it was begun, as 2026-11-24.
    command : str
        What made it.
    seed : int
        Gave the order in which the points were measured: mixed, so that a slow minute does not hit one workload only.
    quick : bool
        Whether it is the short version.
    complete : bool
        Whether all its points are there; the same command goes on with one that is not.
    operating_system : str
        System, release and processor family.
    usable_cores : int
        Hardware threads the process could keep busy; a core with hyper-threading runs two.
    versions : mapping of str to str
        Of ``gpu_lessons``, ``python``, ``numpy``, ``blas`` and, with a GPU, ``cupy``, ``cuda_runtime``, ``driver``; of
        one through WebGPU ``wgpu``, ``driver``, and under ``clock`` what told the seconds.
    """

    date: str
    command: str
    seed: int
    quick: bool
    complete: bool
    operating_system: str
    usable_cores: int
    versions: Mapping[str, str]

    @property
    def gpu_device(self) -> str:
        """How a GPU was reached, as `measure` calls it: ``"cuda"`` or ``"webgpu"``."""
        return "webgpu" if "wgpu" in self.versions else "cuda"
