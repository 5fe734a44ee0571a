"""The explorer of lesson 06: slide a network's size and its crossings, and see what the bus leaves of a speed-up."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from gpu_lessons.arguments import require_choice
from gpu_lessons.charts.crossing import crossing_chart
from gpu_lessons.charts.panels import last_rise
from gpu_lessons.charts.theme import four_digits
from gpu_lessons.explorers.controls import Buttons, Slider, power_slider
from gpu_lessons.explorers.explorer import Explorer
from gpu_lessons.explorers.machine_pickers import cpu_picker, gpu_picker
from gpu_lessons.explorers.machine_sources import calibration_of, source_of
from gpu_lessons.explorers.two_machines import TwoMachines
from gpu_lessons.hardware.machines import Machine
from gpu_lessons.model import GpuCalibration, predict
from gpu_lessons.units import format_bytes, format_factor, format_time
from gpu_lessons.work import DenseTrainStep, memory_needed

__all__ = ["CROSSINGS", "LAYERS", "LINKS", "STEPS_OF_EPOCH", "Link", "explore_crossing"]

#: Layers of the network, and steps after which its weights are saved.
LAYERS, STEPS_OF_EPOCH = 8, 100
BATCHES_LOG2, WIDTHS_LOG2 = range(0, 13, 3), range(7, 14, 2)
CROSSINGS = ("never", "once an epoch", "each step", "each layer")


class Link(NamedTuple):
    """What joins host and device: bytes a second each way from pinned memory, None where both share one memory."""

    name: str
    bytes_per_s: float | None


# Measured, pinned: PCIe 3.0 x16 12.3 to 12.4 GB/s and 4.0 x16 24.7 to 26.2 (gpu-benches, nvbandwidth), 4.0 x8 13.3 and
# 13.9 (RTX 4060 and RTX 5060), 5.0 x16 55.0 to 55.4 (ml-engineering, H200), NVLink between a V100 and an IBM CPU 67.
LINKS = (
    Link("PCIe 3.0 x8", 6.2e9),
    Link("PCIe 3.0 x16", 12.35e9),
    Link("PCIe 4.0 x16", 25.7e9),
    Link("PCIe 5.0 x16", 55.2e9),
    Link("NVLink, IBM CPU", 67e9),
    Link("one memory", None),
)


@dataclass(frozen=True, slots=True)
class Crossing:
    """One step of training at one point of the grid.

    ``in_s`` and ``out_s`` are the copies of a step, ``work_s`` its kernels; ``memory_bytes`` is what it needs.
    """

    batch_log2: int
    width_log2: int
    link: int
    crossing: int
    cpu_s: float
    work_s: float
    in_s: float
    out_s: float
    memory_bytes: int

    @property
    def step_s(self) -> float:
        """Seconds of a step on the GPU, copies and kernels one after the other."""
        return self.in_s + self.work_s + self.out_s

    @property
    def speedup(self) -> float:
        """CPU time over GPU time, copies included."""
        return self.cpu_s / self.step_s


@dataclass(frozen=True, slots=True)
class CrossingGrid(TwoMachines):
    """Everything the figure shows until a picker is used."""

    gpu: Machine
    cpu: Machine
    points: Sequence[Crossing]
    gpu_source: str
    cpu_source: str

    ways: Sequence[str] = CROSSINGS

    def break_even(self) -> list[dict[str, Any]]:
        """Return, for each link, way to cross and batch that has one, the width at which both take equally long."""
        lines = product(range(len(LINKS)), range(len(self.ways)), BATCHES_LOG2)
        found = []
        for link, crossing, batch_log2 in lines:
            chosen = {"batch_log2": batch_log2, "link": link, "crossing": crossing}
            gains = [math.log(self.at(width_log2=width, **chosen).speedup) for width in WIDTHS_LOG2]
            level = last_rise(list(WIDTHS_LOG2), gains)
            if level is not None:
                found.append({**chosen, "level": level})
        return found

    def at(self, **chosen: int) -> Crossing:
        """Return the point of one batch, width, link and number of crossings."""
        places = (
            WIDTHS_LOG2.index(chosen["width_log2"]),
            BATCHES_LOG2.index(chosen["batch_log2"]),
            chosen["link"],
            chosen["crossing"],
        )
        shape = (len(WIDTHS_LOG2), len(BATCHES_LOG2), len(LINKS), len(self.ways))
        return self.points[int(np.ravel_multi_index(places, shape))]

    def fits(self, point: Crossing) -> bool:
        """Whether the network fits into the card's memory."""
        return self.gpu.memory_bytes is None or point.memory_bytes <= self.gpu.memory_bytes

    def headline(self, point: Crossing) -> str:
        """Return what the crossings leave of the speed-up."""
        if not self.fits(point):
            return f"Out of memory: {format_bytes(point.memory_bytes)} needed"
        alone = format_factor(point.cpu_s / point.work_s)
        left = format_factor(point.speedup)
        return f"{alone} stays {left}" if alone == left else f"{alone} shrinks to {left}"

    def line(self, point: Crossing) -> str:
        """Return the sizes and the choice."""
        sizes = f"batch {2**point.batch_log2:,}, width {2**point.width_log2:,}"
        return f"crossing {CROSSINGS[point.crossing]}   ·   {sizes}, {LAYERS} layers"

    def sentence(self, **chosen: int) -> str:
        """Return the figure in one sentence, for those who do not see it."""
        point = self.at(**chosen)
        where = (
            f"{LAYERS} layers of {2**point.width_log2:,} neurons in training, batch {2**point.batch_log2:,}, float32, "
            f"{self.gpu.name} ({self.gpu_source}) against {self.cpu.name} ({self.cpu_source})"
        )
        if not self.fits(point):
            return f"{where}: {self.headline(point)}."
        return (
            f"{where}: {self.headline(point)} where the numbers cross {LINKS[point.link].name} "
            f"{CROSSINGS[point.crossing]}; a step takes {format_time(point.step_s)}, of which "
            f"{format_time(point.in_s + point.out_s)} are copies, and {format_time(point.cpu_s)} on the CPU."
        )

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a point, numbers rounded to four digits."""
        return [
            {
                "batch_log2": point.batch_log2,
                "width_log2": point.width_log2,
                "link": point.link,
                "crossing": point.crossing,
                "cpu_s": four_digits(point.cpu_s),
                "work_s": four_digits(point.work_s),
                "in_s": four_digits(point.in_s),
                "out_s": four_digits(point.out_s),
                "fits": self.fits(point),
                "headline": self.headline(point),
                "line": self.line(point),
            }
            for point in self.points
        ]

    table = rows


def explore_crossing(
    *,
    gpu: str = "nvidia-rtx-4090",
    cpu: str = "amd-ryzen-9-7950x",
    batch_size: int = 512,
    width: int = 2048,
    crossing: str = "never",
    link: str = "PCIe 4.0 x16",
) -> Explorer:
    """Open the explorer of the bus: eight equal layers in training, and how often their numbers cross.

    Parameters
    ----------
    gpu, cpu : str
        Slugs of the catalogue, as in `gpu_lessons.machines`, or of a recording.
    batch_size, width : int
        Where the sliders start: 1, 8, 64 ... 4,096 samples and 128, 512, 2,048 and 8,192 neurons.
    crossing : {"never", "once an epoch", "each step", "each layer"}
        When numbers cross: never; the weights after every 100 steps; samples and outputs in each step; what goes in and
        out of each layer, forward and backward.
    link : str
        What they cross, one of ``LINKS``; a card need not have it.

    Returns
    -------
    Explorer
        Shows itself as the last line of a cell.

    Raises
    ------
    TypeError, ValueError, UnknownMachineError
        If an argument is not one of the above.
    """
    names = [each.name for each in LINKS]
    return Explorer(
        controls=[
            power_slider("batch_log2", "batch size", BATCHES_LOG2, "batch_size", batch_size),
            power_slider("width_log2", "layer width", WIDTHS_LOG2, "width", width),
            Buttons("crossing", "numbers cross", _places(CROSSINGS), _place("crossing", crossing, CROSSINGS)),
            Slider("link", "link", _places(names), _place("link", link, names)),
        ],
        pickers=[gpu_picker(gpu), cpu_picker(cpu)],
        ask=crossing_grid,
        chart=crossing_chart,
    )


def _places(names: Sequence[str]) -> list[tuple[str, int]]:
    return [(name, place) for place, name in enumerate(names)]


def _place(argument: str, name: str, names: Sequence[str]) -> int:
    return names.index(require_choice(argument, name, tuple(names)))


def crossing_grid(*, gpu: Machine, cpu: Machine) -> CrossingGrid:
    """Predict every point.

    Raises
    ------
    ValueError
        If the catalogue knows too little of the GPU or the CPU.
    """
    return CrossingGrid(gpu, cpu, list(_points(gpu, cpu)), source_of(gpu), source_of(cpu))


def _points(gpu: Machine, cpu: Machine) -> Iterator[Crossing]:
    on_gpu, on_cpu = calibration_of(gpu, "float32"), calibration_of(cpu, "float32")
    assert isinstance(on_gpu, GpuCalibration)
    for width_log2 in WIDTHS_LOG2:
        for batch_log2 in BATCHES_LOG2:
            width, batch = 2**width_log2, 2**batch_log2
            layer = DenseTrainStep(batch, width, width)
            cpu_s = LAYERS * predict(layer, cpu, calibration=on_cpu).seconds
            work_s = LAYERS * predict(layer, gpu, calibration=on_gpu).seconds
            ledger = memory_needed(batch_size=batch, layer_sizes=[width] * (LAYERS + 1), optimizer="sgd")
            for link, (_, rate) in enumerate(LINKS):
                for crossing in range(len(CROSSINGS)):
                    copies = _copies(batch, width)[crossing]
                    in_s, out_s = (
                        0.0 if rate is None else n * (on_gpu.copy_latency_s + 4 * numbers / rate)
                        for n, numbers in copies
                    )
                    yield Crossing(
                        batch_log2, width_log2, link, crossing, cpu_s, work_s, in_s, out_s, ledger.total_bytes
                    )


def _copies(batch: int, width: int) -> tuple[tuple[tuple[float, int], tuple[float, int]], ...]:
    """Return, for each way to cross, how many copies a step has and how many numbers one carries: in, and out."""
    numbers, weights = batch * width, LAYERS * width * (width + 1)
    nothing = (0.0, 0)
    return (
        (nothing, nothing),
        (nothing, (1 / STEPS_OF_EPOCH, weights)),
        ((1.0, numbers), (1.0, numbers)),
        # Forward and backward, each layer hands out what it has computed and takes in what comes back.
        ((2.0 * LAYERS, numbers), (2.0 * LAYERS, numbers)),
    )
