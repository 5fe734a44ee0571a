"""The explorer of an epoch: slide image size, width and batch until the GPU learns the digits faster than the CPU."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

from gpu_lessons.arguments import require_power_of_two
from gpu_lessons.charts.epoch import epoch_chart
from gpu_lessons.charts.panels import last_rise
from gpu_lessons.charts.theme import four_digits
from gpu_lessons.explorers.controls import Slider, power_slider
from gpu_lessons.explorers.explorer import Explorer
from gpu_lessons.explorers.machine_pickers import cpu_picker, gpu_picker
from gpu_lessons.explorers.machine_sources import calibration_of
from gpu_lessons.explorers.two_machines import TwoMachines, gain_on_the_gpu
from gpu_lessons.hardware.machines import Machine
from gpu_lessons.model import predict
from gpu_lessons.records import Prediction
from gpu_lessons.units import format_bytes, format_time
from gpu_lessons.work import TrainEpoch

__all__ = ["BATCHES_LOG2", "CLASSES", "SAMPLES", "SIDES_LOG2", "WIDTHS_LOG2", "explore_epoch"]

#: Images of an epoch, and what they can show: as many as the digits have, rounded to whole batches.
SAMPLES, CLASSES = 1024, 10
BATCHES_LOG2, SIDES_LOG2, WIDTHS_LOG2 = range(3, 11), range(3, 8), range(6, 14)


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch of a network side²-width-10, and the time of one of its ``steps`` on both machines."""

    batch_log2: int
    side_log2: int
    width_log2: int
    steps: int
    on_cpu: Prediction
    on_gpu: Prediction
    memory_bytes: int

    @property
    def cpu_s(self) -> float:
        """Seconds of the epoch on the CPU."""
        return self.steps * self.on_cpu.seconds

    @property
    def gpu_s(self) -> float:
        """Seconds of the epoch on the GPU."""
        return self.steps * self.on_gpu.seconds

    @property
    def speedup(self) -> float:
        """CPU time over GPU time."""
        return self.cpu_s / self.gpu_s

    @property
    def parameters(self) -> int:
        """Weights and biases of both layers."""
        n_in, width = int(4**self.side_log2), int(2**self.width_log2)
        return (n_in + 1) * width + (width + 1) * CLASSES


@dataclass(frozen=True)
class EpochGrid(TwoMachines):
    """Everything the figure shows until a picker is used."""

    gpu: Machine
    cpu: Machine
    points: Sequence[Epoch]

    @cached_property
    def by_place(self) -> dict[tuple[int, int, int], Epoch]:
        """The points by batch, side and width."""
        return {(each.batch_log2, each.side_log2, each.width_log2): each for each in self.points}

    def fits(self, point: Epoch) -> bool:
        """Whether the epoch fits into the card's memory."""
        return self.gpu.memory_bytes is None or point.memory_bytes <= self.gpu.memory_bytes

    def break_even(self) -> list[dict[str, Any]]:
        """Return, for each batch and image that has one, the width at which both machines take equally long."""
        found = []
        for batch_log2, side_log2 in product(BATCHES_LOG2, SIDES_LOG2):
            gains = [math.log(self.by_place[batch_log2, side_log2, width].speedup) for width in WIDTHS_LOG2]
            level = last_rise(list(WIDTHS_LOG2), gains)
            if level is not None:
                found.append({"batch_log2": batch_log2, "side_log2": side_log2, "level": level})
        return found

    def headline(self, point: Epoch) -> str:
        """Return who wins, and by how much."""
        if not self.fits(point):
            return f"Out of memory: {format_bytes(point.memory_bytes)} needed"
        return gain_on_the_gpu(point.speedup)

    def line(self, point: Epoch) -> str:
        """Return the sizes."""
        side = 2**point.side_log2
        return f"images {side} × {side}   ·   {point.parameters:,} parameters   ·   {SAMPLES:,} images an epoch"

    def sentence(self, **chosen: int) -> str:
        """Return the figure in one sentence, for those who do not see it."""
        point = self.by_place[chosen["batch_log2"], chosen["side_log2"], chosen["width_log2"]]
        side, width, batch = 2**point.side_log2, 2**point.width_log2, 2**point.batch_log2
        times = f"{format_time(point.cpu_s)} on {self.cpu.name}, {format_time(point.gpu_s)} on {self.gpu.name}"
        return (
            f"An epoch of {SAMPLES:,} images of {side} × {side} through {width} neurons in batches of {batch} takes "
            f"{times}, predicted: {self.headline(point)}."
        )

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a point, numbers rounded to four digits."""
        return [
            {
                "batch_log2": point.batch_log2,
                "side_log2": point.side_log2,
                "width_log2": point.width_log2,
                "cpu_s": four_digits(point.cpu_s),
                "cpu_low_s": four_digits(point.steps * point.on_cpu.low_s),
                "cpu_high_s": four_digits(point.steps * point.on_cpu.high_s),
                "gpu_s": four_digits(point.gpu_s),
                "gpu_low_s": four_digits(point.steps * point.on_gpu.low_s),
                "gpu_high_s": four_digits(point.steps * point.on_gpu.high_s),
                "fits": self.fits(point),
                "headline": self.headline(point),
                "line": self.line(point),
            }
            for point in self.points
        ]

    table = rows


def explore_epoch(
    *,
    gpu: str = "nvidia-t4",
    cpu: str = "amd-ryzen-9-7950x",
    batch_size: int = 32,
    side: int = 8,
    width: int = 64,
) -> Explorer:
    """Open the explorer of an epoch: a network of two layers on images of any size, on CPU and GPU.

    Parameters
    ----------
    gpu, cpu : str
        Slugs of the catalogue, as in `gpu_lessons.machines`, or of a recording.
    batch_size, side, width : int
        Where the sliders start: 8 to 1,024 images, of 8 to 128 pixels on each side, and 64 to 8,192 neurons; powers of
        two.

    Returns
    -------
    Explorer
        Shows itself as the last line of a cell.

    Raises
    ------
    TypeError, ValueError, UnknownMachineError
        If an argument is not one of the above.
    """
    sides = [(f"{2**n} × {2**n}", n) for n in SIDES_LOG2]
    return Explorer(
        controls=[
            Slider("side_log2", "image", sides, require_power_of_two("side", side, SIDES_LOG2)),
            power_slider("width_log2", "layer width", WIDTHS_LOG2, "width", width),
            power_slider("batch_log2", "batch size", BATCHES_LOG2, "batch_size", batch_size),
        ],
        pickers=[gpu_picker(gpu), cpu_picker(cpu)],
        ask=epoch_grid,
        chart=epoch_chart,
    )


def epoch_grid(*, gpu: Machine, cpu: Machine) -> EpochGrid:
    """Predict every point.

    Raises
    ------
    ValueError
        If the catalogue knows too little of the GPU or the CPU.
    """
    return EpochGrid(gpu, cpu, list(_points(gpu, cpu)))


def _points(gpu: Machine, cpu: Machine) -> Iterator[Epoch]:
    on_gpu, on_cpu = calibration_of(gpu, "float32"), calibration_of(cpu, "float32")
    for batch_log2, side_log2, width_log2 in product(BATCHES_LOG2, SIDES_LOG2, WIDTHS_LOG2):
        batch, sizes = 2**batch_log2, (4**side_log2, 2**width_log2, CLASSES)
        # All batches of an epoch are alike: one is predicted, not a hundred.
        step = TrainEpoch(batch, batch, sizes)
        yield Epoch(
            batch_log2,
            side_log2,
            width_log2,
            SAMPLES // batch,
            predict(step, cpu, calibration=on_cpu),
            predict(step, gpu, calibration=on_gpu),
            TrainEpoch(SAMPLES, batch, sizes).memory_bytes,
        )
