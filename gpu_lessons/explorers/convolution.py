"""The explorer of lesson 10: one convolution layer, its time by method and machine, and how often a weight is used."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from gpu_lessons.arguments import require_number_of
from gpu_lessons.charts.convolution import convolution_chart
from gpu_lessons.charts.theme import four_digits
from gpu_lessons.explorers.controls import Slider, power_slider
from gpu_lessons.explorers.convolution_ways import WAYS, Layer, Seconds, seconds_of
from gpu_lessons.explorers.explorer import Explorer
from gpu_lessons.explorers.machine_pickers import cpu_picker, gpu_picker
from gpu_lessons.explorers.machine_sources import calibration_of, source_of
from gpu_lessons.explorers.roofs import Roof, roof_of
from gpu_lessons.explorers.two_machines import TwoMachines, gain_on_the_gpu
from gpu_lessons.hardware.machines import Machine
from gpu_lessons.units import format_bytes, format_time

__all__ = ["BATCHES_LOG2", "CHANNELS_LOG2", "KERNELS", "WIDTHS_LOG2", "explore_convolution"]

WIDTHS_LOG2, CHANNELS_LOG2, BATCHES_LOG2 = range(3, 10, 2), range(2, 9, 2), range(0, 7, 3)
KERNELS = (3, 5, 7, 11)
#: Memory of a host that the catalogue does not tell: what a desktop board takes.
_HOST_BYTES = 128e9


@dataclass(frozen=True, slots=True)
class Convolved:
    """One layer: its sizes, and by way what it needs and what CPU and GPU take, None where there is no such way."""

    layer: Layer
    cpu: tuple[Seconds | None, ...]
    gpu: tuple[Seconds | None, ...]
    memory_bytes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ConvolutionGrid(TwoMachines):
    """Everything the figure shows until a picker is used: `Convolved` by the four parameters, in their order."""

    gpu: Machine
    cpu: Machine
    points: dict[tuple[int, int, int, int], Convolved]
    gpu_source: str
    cpu_source: str

    @property
    def ways(self) -> Sequence[str]:
        """Names of the methods."""
        return [way.name for way in WAYS]

    @property
    def kernels(self) -> Sequence[int]:
        """Sizes of a filter."""
        return KERNELS

    @property
    def roof(self) -> Roof:
        """What the GPU cannot pass."""
        return roof_of(self.gpu, "float32")

    def best(self, point: Convolved, kind: str) -> float | None:
        """Return the seconds of the fastest way that fits on "cpu" or "gpu", None if none does."""
        room = _room(getattr(self, kind))
        ways = zip(getattr(point, kind), point.memory_bytes, strict=True)
        return min((found.seconds for found, needed in ways if found is not None and needed <= room), default=None)

    def gain(self, point: Convolved) -> float:
        """Return the fastest way's time on the CPU over that on the GPU; infinite where the CPU has no room for any."""
        on_cpu, on_gpu = self.best(point, "cpu"), self.best(point, "gpu")
        return 0.0 if on_gpu is None else math.inf if on_cpu is None else on_cpu / on_gpu

    def headline(self, point: Convolved) -> str:
        """Return how the fastest way of the GPU stands against that of the CPU."""
        gain = self.gain(point)
        if not gain:
            return f"Out of memory: {format_bytes(min(point.memory_bytes))} needed"
        if math.isinf(gain):
            return "Only the GPU has room for it"
        return gain_on_the_gpu(gain)

    def line(self, point: Convolved) -> str:
        """Return the sizes."""
        batch, channels, width, kernel = point.layer
        filters = f"{channels:,} channels and filters of {kernel} × {kernel}"
        return f"batch {batch:,} of {width:,} × {width:,} pixels   ·   {filters}, float32"

    def sentence(self, *, width_log2: int, channels_log2: int, kernel: int, batch_log2: int) -> str:
        """Return the figure in one sentence, for those who do not see it."""
        point = self.points[width_log2, channels_log2, kernel, batch_log2]
        said = []
        for way, found, needed in zip(WAYS, point.gpu, point.memory_bytes, strict=True):
            if found is not None:
                fits = needed <= _room(self.gpu)
                said.append(f"{way.name} {format_time(found.seconds) if fits else 'out of memory'}")
        uses = point.layer.pixels
        return (
            f"A convolution of {self.line(point).replace('   ·   ', ', ')}, {self.gpu.name} ({self.gpu_source}) "
            f"against {self.cpu.name} ({self.cpu_source}): {self.headline(point)}; on the GPU: {', '.join(said)}; "
            f"each weight is used {uses:,} times, in a dense layer {point.layer.batch:,}."
        )

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a layer, numbers rounded to four digits; what is not for it or does not fit is left out."""
        return [dict(self._row(parameters, point)) for parameters, point in self.points.items()]

    table = rows

    def _row(self, parameters: tuple[int, ...], point: Convolved) -> Iterator[tuple[str, Any]]:
        yield from zip(("width_log2", "channels_log2", "kernel", "batch_log2"), parameters, strict=True)
        layer = point.layer
        for place, needed in enumerate(point.memory_bytes):
            for kind in ("cpu", "gpu"):
                found: Seconds | None = getattr(point, kind)[place]
                if found is not None and needed <= _room(getattr(self, kind)):
                    yield f"{kind}{place}", four_digits(found.seconds)
                    if found.factor is not None:
                        yield f"{kind}{place}_band", four_digits(found.factor)
            if needed > _room(self.gpu):
                yield f"full{place}", format_bytes(needed)
        stored, on_the_fly = (way.kernels(layer) for way in WAYS[:2])
        for name, flops, moved in (
            ("dense", layer.dense.flops, layer.dense.bytes_moved),
            ("stored", layer.flops, sum(kernel.bytes_moved for kernel in stored)),
            ("fly", layer.flops, sum(kernel.bytes_moved for kernel in on_the_fly)),
        ):
            yield f"{name}_intensity", four_digits(flops / moved)
        yield "uses", layer.pixels
        yield "dense_uses", layer.batch
        yield "cpu_wins", self.gain(point) < 1
        yield "headline", self.headline(point)
        yield "line", self.line(point)


def _room(machine: Machine) -> float:
    return _HOST_BYTES if machine.memory_bytes is None else machine.memory_bytes


def explore_convolution(
    *,
    gpu: str = "nvidia-t4",
    cpu: str = "amd-ryzen-9-7950x",
    width: int = 32,
    channels: int = 16,
    kernel: int = 3,
    batch_size: int = 8,
) -> Explorer:
    """Open the explorer of a convolution layer: four ways to compute it, on a CPU and a GPU.

    Parameters
    ----------
    gpu, cpu : str
        Slugs of the catalogue, as in `gpu_lessons.machines`, or of a recording.
    width : int
        Pixels along each side of an image at first: 8, 32, 128 or 512.
    channels : int
        Channels, and filters: 4, 16, 64 or 256.
    kernel : {3, 5, 7, 11}
        Pixels along each side of a filter.
    batch_size : int
        Images: 1, 8 or 64.

    Returns
    -------
    Explorer
        Shows itself as the last line of a cell.

    Raises
    ------
    TypeError, ValueError, UnknownMachineError
        If an argument is not one of the above.
    """
    sizes = [(f"{size} × {size}", size) for size in KERNELS]
    return Explorer(
        controls=[
            power_slider("width_log2", "image width", WIDTHS_LOG2, "width", width),
            power_slider("channels_log2", "channels, filters", CHANNELS_LOG2, "channels", channels),
            Slider("kernel", "filter size", sizes, require_number_of("kernel", kernel, KERNELS)),
            power_slider("batch_log2", "batch size", BATCHES_LOG2, "batch_size", batch_size),
        ],
        pickers=[gpu_picker(gpu), cpu_picker(cpu)],
        ask=convolution_grid,
        chart=convolution_chart,
    )


def convolution_grid(*, gpu: Machine, cpu: Machine) -> ConvolutionGrid:
    """Predict every layer.

    Raises
    ------
    ValueError
        If the catalogue knows too little of the GPU or the CPU.
    """
    devices = [(machine, calibration_of(machine, "float32")) for machine in (cpu, gpu)]
    points = {}
    for width_log2, channels_log2, kernel, batch_log2 in product(WIDTHS_LOG2, CHANNELS_LOG2, KERNELS, BATCHES_LOG2):
        layer = Layer(2**batch_log2, 2**channels_log2, 2**width_log2, kernel)
        on_cpu, on_gpu = (tuple(seconds_of(way, layer, *device) for way in WAYS) for device in devices)
        needed = tuple(way.memory_bytes(layer) for way in WAYS)
        points[width_log2, channels_log2, kernel, batch_log2] = Convolved(layer, on_cpu, on_gpu, needed)
    return ConvolutionGrid(gpu, cpu, points, source_of(gpu), source_of(cpu))
