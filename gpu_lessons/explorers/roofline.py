"""The explorer of lesson 05: slide a layer along the roofs of a CPU and a GPU, and see its weights shared out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gpu_lessons.charts.composition import BETWEEN
from gpu_lessons.charts.roofline import roofline_chart
from gpu_lessons.charts.theme import four_digits
from gpu_lessons.explorers.controls import power_slider
from gpu_lessons.explorers.explorer import Explorer
from gpu_lessons.explorers.layer_grid import cpu_dtype
from gpu_lessons.explorers.machine_pickers import cpu_picker, dtype_picker, gpu_picker
from gpu_lessons.explorers.machine_sources import calibration_of, dots_of, source_of
from gpu_lessons.explorers.roofs import Roof, roof_of
from gpu_lessons.hardware.machines import Machine
from gpu_lessons.model import Calibration
from gpu_lessons.units import DTYPE_BYTES, format_bytes, format_counted, format_rate
from gpu_lessons.work import DenseForward, Kernel

__all__ = ["RooflineGrid", "explore_roofline", "roofline_grid"]

BATCHES_LOG2, WIDTHS_LOG2 = range(13), range(7, 14)
_DECIDES = {
    "launch": "The launch decides",
    "memory": "Memory decides",
    "filling": "Some SMs have no work",
    "compute": "Arithmetic decides",
}


@dataclass(frozen=True, slots=True)
class RooflinePoint:
    """The product of one layer on both machines: FLOP a byte, and the seconds of one call.

    ``bottleneck`` is what decides on the GPU, as of a `Prediction`.
    """

    batch_log2: int
    width_log2: int
    gpu_kernel: Kernel
    cpu_kernel: Kernel
    gpu_s: float
    cpu_s: float
    bottleneck: str

    @property
    def batch(self) -> int:
        """Samples."""
        return int(2**self.batch_log2)


@dataclass(frozen=True, slots=True)
class RooflineGrid:
    """Everything the figure shows until a picker is used."""

    gpu: Machine
    cpu: Machine
    dtype: str
    gpu_roof: Roof
    cpu_roof: Roof
    points: Sequence[RooflinePoint]
    dots: Sequence[Mapping[str, Any]]
    gpu_source: str
    cpu_source: str

    @property
    def gpu_name(self) -> str:
        """Who the GPU is, and where its numbers come from."""
        return f"GPU  {self.gpu.name}, {self.gpu_source}; {self.gpu_roof.origin}"

    @property
    def cpu_name(self) -> str:
        """Who the CPU is, and where its numbers come from."""
        other = cpu_dtype(self.dtype)
        name = self.cpu.name + (f" in {other}" if other != self.dtype else "")
        return f"CPU  {name}, {self.cpu_source}; {self.cpu_roof.origin}"

    def at(self, batch_log2: int, width_log2: int) -> RooflinePoint:
        """Return the point of one batch and width."""
        places = WIDTHS_LOG2.index(width_log2), BATCHES_LOG2.index(batch_log2)
        return self.points[places[0] * len(BATCHES_LOG2) + places[1]]

    def ridge_batch(self, width_log2: int) -> int | None:
        """Return the smallest batch at or right of the GPU's ridge; None where no batch gets there.

        With n neurons, n inputs and numbers of s bytes, 2 b n n FLOP stand against s (n n + 2 b n) bytes.
        """
        width, sought = 2**width_log2, self.gpu_roof.ridge * DTYPE_BYTES[self.dtype]
        left = 2 * width - 2 * sought
        return math.ceil(sought * width / left) if left > 0 else None

    def line(self, point: RooflinePoint) -> str:
        """Return what the layer offers and what the GPU could use."""
        card = self.gpu.name.removeprefix("NVIDIA ")
        offered = f"{_digits(_intensity(point.gpu_kernel))} FLOP for a byte; the {card} could do"
        size = f"batch {point.batch:,}, width {2**point.width_log2:,}, {self.dtype}"
        return f"{offered} {_digits(self.gpu_roof.ridge)}{BETWEEN}{size}"

    def ridge_words(self, width_log2: int) -> list[str]:
        """Return what is written beside the GPU's ridge."""
        batch = self.ridge_batch(width_log2)
        return [
            f"ridge of the {self.gpu.name.removeprefix('NVIDIA ')}:",
            f"{_digits(self.gpu_roof.ridge)} FLOP a byte,",
            f"batch {batch:,}" if batch else "no batch of this width",
        ]

    def words(self, point: RooflinePoint) -> list[str]:
        """Return how often a weight is used, and what a larger batch would change."""
        serves = f"Each weight that is read serves {format_counted(point.batch, 'sample')}."
        enough = self.ridge_batch(point.width_log2)
        if enough is None:
            return [serves, "So narrow a layer stays left of the ridge", "with any batch."]
        if point.batch >= enough:
            return [serves, "That is enough arithmetic for each byte."]
        return [serves, f"With {enough:,} samples the same bytes would be", "enough to keep the arithmetic busy."]

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a point, numbers rounded to four digits."""
        return [
            {
                "batch_log2": point.batch_log2,
                "width_log2": point.width_log2,
                "gpu_intensity": four_digits(_intensity(point.gpu_kernel)),
                "cpu_intensity": four_digits(_intensity(point.cpu_kernel)),
                "gpu_rate": four_digits(point.gpu_kernel.flops / point.gpu_s),
                "cpu_rate": four_digits(point.cpu_kernel.flops / point.cpu_s),
                "gpu_sample_s": four_digits(point.gpu_s / point.batch),
                "cpu_sample_s": four_digits(point.cpu_s / point.batch),
                "weights_bytes": self._bytes(2 ** (2 * point.width_log2)),
                "batch_bytes": self._bytes(point.batch * 2**point.width_log2),
                "outputs_bytes": self._bytes(point.batch * 2**point.width_log2),
                "ridge": "\n".join(self.ridge_words(point.width_log2)),
                "words": "\n".join(self.words(point)),
                "headline": _DECIDES[point.bottleneck],
                "line": self.line(point),
            }
            for point in self.points
        ]

    table = rows

    def _bytes(self, numbers: int) -> int:
        return numbers * DTYPE_BYTES[self.dtype]

    def sentence(self, **chosen: int) -> str:
        """Return the figure in one sentence for one batch and width."""
        point = self.at(**chosen)
        weights, whole = self._bytes(4**point.width_log2), point.gpu_kernel.bytes_moved
        rates = [
            f"{format_rate(kernel.flops / time_s, 'FLOP/s')} on {found.name} ({source})"
            for kernel, time_s, found, source in (
                (point.gpu_kernel, point.gpu_s, self.gpu, self.gpu_source),
                (point.cpu_kernel, point.cpu_s, self.cpu, self.cpu_source),
            )
        ]
        return (
            f"{_DECIDES[point.bottleneck]}: {self.line(point).replace(BETWEEN, '; ')}; {' and '.join(rates)}; "
            f"{format_bytes(weights)} of the {format_bytes(whole)} that move are weights."
        )


def _digits(value: float) -> str:
    return f"{value:.2g}" if value < 10 else f"{value:,.0f}"


def _intensity(kernel: Kernel) -> float:
    return kernel.flops / kernel.bytes_moved


def explore_roofline(
    *,
    gpu: str = "nvidia-t4",
    cpu: str = "intel-core-i9-10900k",
    dtype: str = "float32",
    batch_size: int = 1,
    width: int = 2048,
) -> Explorer:
    """Open the explorer of the roofline: the product of one layer under the roofs of a GPU and a CPU.

    Parameters
    ----------
    gpu, cpu : str
        Slugs of the catalogue, as in `gpu_lessons.machines`, or of a recording, whose times are drawn as dots.
    dtype : {"float16", "float32", "float64"}
        Number format; the CPU computes in float32 where it is float16.
    batch_size, width : int
        Where the sliders start: powers of two, batch 1 to 4,096 and width 128 to 8,192.

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
        ],
        pickers=[gpu_picker(gpu), cpu_picker(cpu), dtype_picker(dtype)],
        ask=roofline_grid,
        chart=roofline_chart,
    )


def roofline_grid(*, gpu: Machine, cpu: Machine, dtype: str) -> RooflineGrid:
    """Predict every point.

    Raises
    ------
    ValueError
        If the catalogue lacks a rate for the GPU or the CPU in this number format.
    """
    gpu_roof, cpu_roof = roof_of(gpu, dtype), roof_of(cpu, cpu_dtype(dtype))
    points = list(_points(calibration_of(gpu, dtype), calibration_of(cpu, cpu_dtype(dtype)), dtype))
    dots = [*_dots(gpu, dtype), *_dots(cpu, cpu_dtype(dtype))]
    return RooflineGrid(gpu, cpu, dtype, gpu_roof, cpu_roof, points, dots, source_of(gpu), source_of(cpu))


def _product(batch_log2: int, width_log2: int, dtype: str) -> Kernel:
    return DenseForward(2**batch_log2, 2**width_log2, 2**width_log2, dtype).kernels[0]


def _points(on_gpu: Calibration, on_cpu: Calibration, dtype: str) -> Iterator[RooflinePoint]:
    for width_log2 in WIDTHS_LOG2:
        for batch_log2 in BATCHES_LOG2:
            gpu_kernel, cpu_kernel = (_product(batch_log2, width_log2, of) for of in (dtype, cpu_dtype(dtype)))
            gpu_s, bottleneck = _time_of(gpu_kernel, on_gpu)
            cpu_s, _ = _time_of(cpu_kernel, on_cpu)
            yield RooflinePoint(batch_log2, width_log2, gpu_kernel, cpu_kernel, gpu_s, cpu_s, bottleneck)


def _time_of(kernel: Kernel, device: Calibration) -> tuple[float, str]:
    """Return the seconds of a call of one kernel, and what decides them."""
    seconds, launch_s, (time,) = device.call_time((kernel,))
    if launch_s > seconds - launch_s:
        return seconds, "launch"
    if time.memory_s > time.compute_s:
        return seconds, "memory"
    return seconds, "filling" if time.share_busy < 0.5 else "compute"


def _dots(found: Machine, dtype: str) -> Iterator[dict[str, Any]]:
    """Yield the recorded times of a machine, bias included, as places under its roof."""
    for dot in dots_of(found, DenseForward, dtype):
        if dot.source != "published" and dot.batch_log2 in BATCHES_LOG2 and dot.width_log2 in WIDTHS_LOG2:
            kernel = _product(int(dot.batch_log2), dot.width_log2, dtype)
            yield {
                "at_width": dot.width_log2,
                "kind": dot.kind,
                "intensity": four_digits(_intensity(kernel)),
                "rate": four_digits(kernel.flops / dot.time_s),
            }
