"""The explorer of lesson 12: a matrix product as a kernel of one's own, by step and tile: its share of the library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gpu_lessons.arguments import require_number_of
from gpu_lessons.charts.kernel import kernel_chart
from gpu_lessons.charts.theme import four_digits
from gpu_lessons.explorers.controls import Buttons, Slider
from gpu_lessons.explorers.explorer import Explorer
from gpu_lessons.explorers.machine_pickers import gpu_picker
from gpu_lessons.explorers.roofs import Roof, roof_of
from gpu_lessons.hardware.machines import Machine
from gpu_lessons.model.kernel_ladder import (
    MOST_REGISTERS,
    MOST_THREADS,
    KernelPrediction,
    load_store_of,
    misfit,
    predict_kernel,
    shared_room,
)
from gpu_lessons.recorded import Published, published
from gpu_lessons.units import format_bytes, format_share, format_time
from gpu_lessons.work.matrix_kernels import LINE_BYTES, MATRIX_KERNELS, MatrixKernel

__all__ = ["SIZE", "STEPS", "TILES", "explore_kernel"]

STEPS = tuple(kernel.number for kernel in MATRIX_KERNELS)
TILES = (8, 16, 32, 64, 128)
#: Rows and columns of the matrices.
SIZE = 4096

#: Of the published ladder, the kernel that is most like each step; its tiles are others.
_PUBLISHED = dict(zip(STEPS, ("naive", "coalesced", "shared memory", "2D tiles", "vector loads"), strict=True))
_TITLE = "matrix product kernel: "


@dataclass(frozen=True, slots=True)
class KernelGrid:
    """Everything the figure shows until a picker is used.

    ``found`` holds, by step and tile, the kernel and its prediction; in its place the reason in words where it does
    not fit on an SM. ``roof`` is that of the GPU, with what its L1 caches hand over at most.
    """

    gpu: Machine
    found: Mapping[tuple[int, int], tuple[MatrixKernel, KernelPrediction | str]]
    roof: Roof
    l1_bytes_per_s: float

    @property
    def gpu_name(self) -> str:
        """Who is predicted, and whether anybody timed such kernels there."""
        tested = "not tested on this card" if self.published_by is None else "beside a published ladder"
        return f"GPU  {self.gpu.name}, predicted, {tested}"

    @property
    def limits(self) -> dict[str, int]:
        """What a block can have of an SM at most: bytes of shared memory, threads, and numbers of a thread."""
        return {"shared_bytes": shared_room(self.gpu), "threads": MOST_THREADS, "numbers": MOST_REGISTERS}

    @property
    def ladder(self) -> list[dict[str, Any]]:
        """The five steps with the tiles of the lesson, and what somebody published of this GPU."""
        return [self._rung(step) for step in MATRIX_KERNELS]

    @property
    def published_by(self) -> str | None:
        """Who published a ladder of this GPU."""
        return next((each.credit for each in published() if self._is_of_ladder(each)), None)

    def sentence(self, *, step: int, tile: int) -> str:
        """Return the figure in one sentence."""
        kernel, found = self.found[step, tile]
        what = f"A product of {SIZE:,} × {SIZE:,} float32 matrices by step {step}, {kernel.title}, on {self.gpu.name}"
        if isinstance(found, str):
            return f"{what}, does not fit with a tile of {tile} × {tile}: {found}."
        own, library = format_time(found.seconds), format_time(found.library_s)
        asked = f"It asks for {format_bytes(found.counts.load_bytes)}, {found.counts.intensity:.3g} FLOP for each byte."
        return f"{what} takes {own} and the library {library}: {found.share:.0%} of its speed, predicted. {asked}"

    def rows(self) -> list[dict[str, Any]]:
        """Return the chart's rows."""
        return list(self._rows())

    def table(self) -> list[dict[str, Any]]:
        """Return the rows."""
        return self.rows()

    def _rows(self) -> Iterator[dict[str, Any]]:
        for (step, tile), (kernel, found) in self.found.items():
            yield {
                "step": step,
                "tile": tile,
                "title": f"{step}  {kernel.title}",
                "threads": kernel.threads,
                "numbers": kernel.numbers_each,
                "shared_bytes": kernel.shared_bytes,
                "end": {TILES[0]: "smallest", self._largest(step): "largest"}.get(tile) if kernel.shared else None,
                **(_not_fitting(step, tile, found) if isinstance(found, str) else _predicted(step, found)),
            }

    def _largest(self, step: int) -> int:
        return max(tile for (of, tile), (_, found) in self.found.items() if of == step and not isinstance(found, str))

    def _rung(self, kernel: MatrixKernel) -> dict[str, Any]:
        found = predict_kernel(kernel, self.gpu, SIZE, SIZE, SIZE)
        rates = {each.title.removeprefix(_TITLE): each.value for each in published() if self._is_of_ladder(each)}
        rung = {
            "rung": kernel.number,
            "title": f"{kernel.number}  {kernel.title}",
            "share": four_digits(found.share),
            "intensity": four_digits(found.counts.intensity),
            "rate": four_digits(found.flops_per_s),
        }
        if rates:
            rung["published"] = four_digits(rates[_PUBLISHED[kernel.number]] / rates["cuBLAS"])
        return rung

    def _is_of_ladder(self, each: Published) -> bool:
        return each.card == self.gpu.slug and each.title.startswith(_TITLE)


#: What takes time, as the prediction and the table name it.
_PARTS = {"arithmetic": "arithmetic", "requests": "requests", "passes": "passes", "L2 cache": "l2", "memory": "memory"}


def _predicted(step: int, found: KernelPrediction) -> dict[str, Any]:
    asked, come = (format_bytes(size) for size in (found.counts.load_bytes, found.memory_bytes))
    return {
        "share": four_digits(found.share),
        "rate": four_digits(found.flops_per_s),
        "intensity": four_digits(found.counts.intensity),
        "asked_bytes": found.counts.load_bytes,
        "memory_bytes": four_digits(found.memory_bytes),
        **{f"{name}_s": four_digits(found.parts_s[part]) for part, name in _PARTS.items()},
        "misfit": None,
        "headline": f"Step {step}: {format_share(found.share)} of the library, predicted",
        "line": f"asks for {asked}   ·   {found.counts.intensity:.3g} FLOP a byte   ·   {come} come from memory"
        + ("" if found.kernel.shared else "   ·   it has no tile to choose"),
    }


def _not_fitting(step: int, tile: int, why: str) -> dict[str, Any]:
    numbers = ("share", "rate", "intensity", "asked_bytes", "memory_bytes", *(f"{name}_s" for name in _PARTS.values()))
    return dict.fromkeys(numbers) | {
        "misfit": f"does not fit: {why}",
        "headline": f"Step {step}: does not fit with this tile",
        "line": f"a tile of {tile} × {tile}   ·   {why}",
    }


def explore_kernel(*, gpu: str = "nvidia-rtx-a6000", step: int = 3, tile: int = 16) -> Explorer:
    """Open the explorer of a kernel of one's own: matrices of 4,096 x 4,096 in float32.

    Parameters
    ----------
    gpu : str
        Slug of the catalogue, as in `gpu_lessons.machines`, or of a recording.
    step : {1, 2, 3, 4, 5}
        Of the ladder, as `gpu_lessons.work.matrix_kernels.MATRIX_KERNELS` has them.
    tile : {8, 16, 32, 64, 128}
        Rows and columns of the result that a block computes. Steps 1 and 2 keep theirs, 16.

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
            Buttons(
                "step",
                "step",
                [(f"{kernel.number} {kernel.title}", kernel.number) for kernel in MATRIX_KERNELS],
                require_number_of("step", step, STEPS),
            ),
            Slider(
                "tile", "tile", [(f"{side} × {side}", side) for side in TILES], require_number_of("tile", tile, TILES)
            ),
        ],
        pickers=[gpu_picker(gpu)],
        ask=kernel_grid,
        chart=kernel_chart,
    )


def kernel_grid(*, gpu: Machine) -> KernelGrid:
    """Predict every step with every tile.

    Raises
    ------
    ValueError
        If the catalogue knows too little of the GPU.
    """
    found = {}
    for kernel in MATRIX_KERNELS:
        for tile in TILES:
            tiled = kernel.at_tile(tile)
            found[kernel.number, tile] = tiled, misfit(tiled, gpu) or predict_kernel(tiled, gpu, SIZE, SIZE, SIZE)
    return KernelGrid(gpu, found, roof_of(gpu, "float32"), LINE_BYTES * load_store_of(gpu).passes_per_s)
