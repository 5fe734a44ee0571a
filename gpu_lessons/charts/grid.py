"""What the main figure shows: one dense layer at every batch size and width of a grid, on a CPU and a GPU."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from gpu_lessons.charts.theme import four_digits
from gpu_lessons.units import format_bytes, format_factor, format_time

__all__ = ["BATCH", "REGIME_NAMES", "WEIGHTS", "Dot", "Grid", "Point", "Series"]

#: What a bottleneck is called in the figure.
REGIME_NAMES = {"launch": "launch", "filling": "filling the GPU", "compute": "compute"}
#: What moves where memory is the bottleneck.
WEIGHTS, BATCH = "weights", "inputs, outputs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """All quantities of one batch size and layer width; times in seconds, sizes in bytes.

    The factors are the bands: so many times as long, or as short, each time may be.
    """

    batch_log2: int
    width_log2: int
    cpu_s: float
    gpu_s: float
    cpu_factor: float
    gpu_factor: float
    launch_s: float
    copy_in_s: float
    copy_out_s: float
    regime: str
    layer_bytes: float
    weights_bytes: float
    gradients_bytes: float
    optimizer_bytes: float
    activations_bytes: float
    largest_batch: int

    @property
    def bus_s(self) -> float:
        """GPU time when the batch must cross the bus first and the result after."""
        return self.gpu_s + self.copy_in_s + self.copy_out_s

    @property
    def speedup(self) -> float:
        """CPU time over GPU time."""
        return self.cpu_s / self.gpu_s

    @property
    def is_wide(self) -> bool:
        """Whether the weights are more numbers than the inputs and outputs of the batch."""
        return self.width_log2 > self.batch_log2 + 1

    @property
    def training_bytes(self) -> float:
        """Bytes of a training step of the whole network."""
        return self.weights_bytes + self.gradients_bytes + self.optimizer_bytes + self.activations_bytes


@dataclass(frozen=True, slots=True)
class Dot:
    """A time from a clock, to be drawn on top of the curves.

    ``kind`` says of which machine, ``"cpu"`` or ``"gpu"``; ``source`` is ``"measured"``, ``"recorded"`` or
    ``"published"``, and ``said`` the same in words, with the day or the publisher.
    """

    batch_log2: float
    width_log2: int
    time_s: float
    kind: str = "cpu"
    source: str = "measured"
    said: str = "measured here"


@dataclass(frozen=True, slots=True)
class Series:
    """Who a curve belongs to: machine, and source of the numbers."""

    name: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Everything the figure shows.

    Attributes
    ----------
    points : sequence of Point
        One for every batch size and width.
    cpu, gpu : Series
        The two machines.
    gpu_memory_bytes : float
        What the card holds.
    work : str
        What is timed, for the line below the headline: ``"float32, forward pass"``.
    depth : int
        Layers of the network whose memory is shown.
    dots : sequence of Dot
        Times from a clock.
    """

    points: Sequence[Point]
    cpu: Series
    gpu: Series
    gpu_memory_bytes: float
    work: str
    depth: int
    dots: Sequence[Dot] = ()

    def at(self, batch_log2: int, width_log2: int) -> Point:
        """Return the point of one batch size and width, as powers of two."""
        return next(p for p in self.points if (p.batch_log2, p.width_log2) == (batch_log2, width_log2))

    def fits(self, point: Point) -> bool:
        """Return whether the layer alone fits on the card."""
        return point.layer_bytes <= self.gpu_memory_bytes

    def headline(self, point: Point) -> str:
        """Return who is faster, and by how much."""
        if not self.fits(point):
            return f"Does not fit: {format_bytes(point.layer_bytes)} on {format_bytes(self.gpu_memory_bytes)}"
        return _faster(point.speedup)

    def second_line(self, point: Point) -> str:
        """Return the answer when every batch crosses the bus."""
        if not self.fits(point):
            return "no time to compare: too large for the card"
        if not point.copy_in_s:
            return "no bus to cross: CPU and GPU share one memory"
        return f"{_faster(point.cpu_s / point.bus_s)} when every batch crosses the bus"

    def setting(self, point: Point) -> str:
        """Return the sizes and what is timed."""
        return f"batch {2**point.batch_log2:,}, width {2**point.width_log2:,}, {self.work}"

    def sentence(self, **chosen: int) -> str:
        """Return the figure in one sentence, for those who do not see it."""
        point = self.at(**chosen)
        on_cpu = f"{format_time(point.cpu_s)} on {self.cpu.name} ({self.cpu.source})"
        if not self.fits(point):
            return f"One dense layer, {self.setting(point)}: {on_cpu}; on {self.gpu.name} it does not fit."
        return (
            f"One dense layer, {self.setting(point)}: {on_cpu}, "
            f"{format_time(point.gpu_s)} on {self.gpu.name} ({self.gpu.source}), "
            f"{format_time(point.bus_s)} with copies over the bus; {self.headline(point)}."
        )

    def rows(self) -> list[dict[str, Any]]:
        """Return one flat row a point, numbers rounded to four digits."""
        return [self._row(point) for point in self.points]

    table = rows

    def _row(self, point: Point) -> dict[str, Any]:
        numbers: dict[str, Any] = {field.name: getattr(point, field.name) for field in fields(point)}
        numbers |= {
            "bus_s": point.bus_s,
            "work_s": point.gpu_s - point.launch_s,
            "speedup_log10": math.log10(point.speedup),
            "training_bytes": point.training_bytes,
        }
        row = {name: four_digits(value) if isinstance(value, float) else value for name, value in numbers.items()}
        return row | {
            "regime": REGIME_NAMES.get(point.regime) or (WEIGHTS if point.is_wide else BATCH),
            "headline": self.headline(point),
            "line": f"{self.second_line(point)}   ·   {self.setting(point)}",
            "factor": format_factor(max(point.speedup, 1 / point.speedup)),
            "memory": self._memory_line(point),
            "fits": self.fits(point),
        }

    def _memory_line(self, point: Point) -> str:
        used, there = format_bytes(point.training_bytes), format_bytes(self.gpu_memory_bytes)
        if point.largest_batch == 0:
            return f"{used} of {there}: not even one sample fits"
        verb = "fits" if point.training_bytes <= self.gpu_memory_bytes else "would fit"
        return f"{used} of {there}   ·   largest batch that {verb}: {point.largest_batch:,}"


def _faster(speedup: float) -> str:
    if 0.95 < speedup < 1.05:
        return "Equally fast on both"
    return f"{format_factor(max(speedup, 1 / speedup))} faster on the {'GPU' if speedup > 1 else 'CPU'}"
