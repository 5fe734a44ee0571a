"""The explorer of lesson 07: what a training step keeps, the largest batch that fits, and four ways back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from gpu_lessons.arguments import require_choice, require_number_of
from gpu_lessons.charts.memory_limits import memory_limits_chart
from gpu_lessons.charts.theme import four_digits
from gpu_lessons.explorers.controls import Picker, Slider, power_slider
from gpu_lessons.explorers.explorer import Explorer
from gpu_lessons.explorers.machine_pickers import dtype_picker, gpu_picker
from gpu_lessons.explorers.machine_sources import calibration_of, source_of
from gpu_lessons.explorers.training_ways import WAYS, Network, Way, ledger_of, step_seconds
from gpu_lessons.hardware.machines import Machine
from gpu_lessons.model import GpuCalibration
from gpu_lessons.units import format_bytes, format_time
from gpu_lessons.work.memory import MemoryLedger

__all__ = ["BATCHES_LOG2", "DEPTHS", "WIDTHS_LOG2", "explore_memory_limits"]

BATCHES_LOG2, WIDTHS_LOG2 = range(8, 18), range(8, 14)
#: Squares, so that a segment of activations that are computed again has a whole number of layers.
DEPTHS = (4, 16, 36, 64)
_OPTIMIZERS = {"sgd": "SGD", "momentum": "momentum", "adam": "Adam"}


@dataclass(frozen=True, slots=True)
class Fit:
    """A training step at one point of the grid: its ledger and largest batch as it is, and bytes and seconds by way."""

    batch_log2: int
    width_log2: int
    depth: int
    ledger: MemoryLedger
    largest_batch: int
    ways: Sequence[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class MemoryGrid:
    """Everything the figure shows until a picker is used."""

    gpu: Machine
    optimizer: str
    dtype: str
    points: Sequence[Fit]
    gpu_source: str

    ways: Sequence[Way] = WAYS

    @property
    def memory_bytes(self) -> int:
        """What the card holds."""
        assert self.gpu.memory_bytes is not None  # the picker offers only cards whose memory is known
        return self.gpu.memory_bytes

    @property
    def card(self) -> str:
        """The card with its memory."""
        return f"{self.gpu.name}, {format_bytes(self.memory_bytes)}"

    @property
    def source(self) -> str:
        """Where bytes and times come from."""
        return f"bytes counted, times {self.gpu_source}"

    def fits(self, size_bytes: int) -> bool:
        """Whether so many bytes are on the card."""
        return size_bytes <= self.memory_bytes

    def headline(self, point: Fit) -> str:
        """Return whether the step fits."""
        needed = format_bytes(point.ledger.total_bytes)
        if self.fits(point.ledger.total_bytes):
            return f"Fits: {needed} of {format_bytes(self.memory_bytes)}"
        return f"Out of memory: {needed} needed"

    def line(self, point: Fit) -> str:
        """Return the sizes and the choices."""
        layers = f"{point.depth} layers of {2**point.width_log2:,}"
        return f"batch {2**point.batch_log2:,}, {layers}   ·   {_OPTIMIZERS[self.optimizer]}, {self.dtype}"

    def at(self, **chosen: int) -> Fit:
        """Return the point of one batch, width and depth."""
        return next(point for point in self.points if all(getattr(point, name) == chosen[name] for name in chosen))

    def sentence(self, **chosen: int) -> str:
        """Return the figure in one sentence, for those who do not see it."""
        point = self.at(**chosen)
        ways = ", ".join(
            f"{way.name} {format_bytes(size)} and {format_time(time_s) if self.fits(size) else 'no room'}"
            for way, (size, time_s) in zip(self.ways, point.ways, strict=True)
        )
        return (
            f"Training {point.depth} layers of {2**point.width_log2:,} neurons, batch {2**point.batch_log2:,}, "
            f"{_OPTIMIZERS[self.optimizer]}, {self.dtype}, {self.card} ({self.source}): {self.headline(point)}; "
            f"the largest batch is {point.largest_batch:,}; {ways}."
        )

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a point, numbers rounded to four digits."""
        return [self._row(point) for point in self.points]

    table = rows

    def _row(self, point: Fit) -> dict[str, Any]:
        ledger = point.ledger
        sizes = {f"way{i}_bytes": size for i, (size, _) in enumerate(point.ways)}
        times = {f"way{i}_s": four_digits(time_s) for i, (_, time_s) in enumerate(point.ways)}
        return {
            "batch_log2": point.batch_log2,
            "width_log2": point.width_log2,
            "depth": point.depth,
            "weights": ledger.weights_bytes,
            "optimizer": ledger.optimizer_bytes,
            "activations": ledger.activations_bytes,
            "passing": ledger.in_flight_bytes,
            **sizes,
            **times,
            "largest": point.largest_batch,
            "headline": self.headline(point),
            "line": self.line(point),
        }


def explore_memory_limits(
    *,
    gpu: str = "nvidia-t4",
    optimizer: str = "adam",
    dtype: str = "float32",
    batch_size: int = 8192,
    width: int = 2048,
    depth: int = 16,
) -> Explorer:
    """Open the explorer of memory: a network of equal layers in training, and a card that may be too small.

    Parameters
    ----------
    gpu : str
        Slug of the catalogue, as in `gpu_lessons.machines`, or of a recording.
    optimizer : {"sgd", "momentum", "adam"}
        What turns gradients into weights.
    dtype : {"float16", "float32", "float64"}
        Number format of everything.
    batch_size, width, depth : int
        Where the sliders start: 256, 512 ... 131,072 samples; 256, 512 ... 8,192 neurons; 4, 16, 36 or 64 layers.

    Returns
    -------
    Explorer
        Shows itself as the last line of a cell.

    Raises
    ------
    TypeError, ValueError, UnknownMachineError
        If an argument is not one of the above.
    """
    return Explorer(
        controls=[
            power_slider("batch_log2", "batch size", BATCHES_LOG2, "batch_size", batch_size),
            power_slider("width_log2", "layer width", WIDTHS_LOG2, "width", width),
            Slider(
                "depth", "layers", [(str(each), each) for each in DEPTHS], require_number_of("depth", depth, DEPTHS)
            ),
        ],
        pickers=[
            gpu_picker(gpu),
            Picker(
                "optimizer",
                "optimizer",
                [(words, name) for name, words in _OPTIMIZERS.items()],
                require_choice("optimizer", optimizer, tuple(_OPTIMIZERS)),
            ),
            dtype_picker(dtype),
        ],
        ask=memory_grid,
        chart=memory_limits_chart,
    )


def memory_grid(*, gpu: Machine, optimizer: str, dtype: str) -> MemoryGrid:
    """Count and predict every point.

    Raises
    ------
    ValueError
        If the catalogue lacks a rate for the GPU in this number format.
    """
    return MemoryGrid(gpu, optimizer, dtype, list(_points(gpu, optimizer, dtype)), source_of(gpu))


def _points(gpu: Machine, optimizer: str, dtype: str) -> Iterator[Fit]:
    device = calibration_of(gpu, dtype)
    assert isinstance(device, GpuCalibration)
    assert gpu.memory_bytes is not None  # as in `MemoryGrid`
    for width_log2, depth in product(WIDTHS_LOG2, DEPTHS):
        networks = [Network(2**batch_log2, 2**width_log2, depth, optimizer, dtype) for batch_log2 in BATCHES_LOG2]
        largest = ledger_of(networks[0], WAYS[0]).largest_batch(gpu.memory_bytes)  # whatever the batch of the ledger
        for batch_log2, network in zip(BATCHES_LOG2, networks, strict=True):
            ledgers = [ledger_of(network, way) for way in WAYS]
            taken_s = [step_seconds(network, way, device) for way in WAYS]
            ways = [(ledger.total_bytes, time_s) for ledger, time_s in zip(ledgers, taken_s, strict=True)]
            yield Fit(batch_log2, width_log2, depth, ledgers[0], largest, ways)
