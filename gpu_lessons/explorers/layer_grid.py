"""Fill the grid of the main figure from predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gpu_lessons.charts.grid import Dot, Grid, Point, Series
from gpu_lessons.explorers.recorded_machines import recorded_dots, source_of
from gpu_lessons.hardware.machines import Machine
from gpu_lessons.model import Calibration, calibrate, predict
from gpu_lessons.units import DTYPE_BYTES
from gpu_lessons.work import Copy, DenseForward, DenseTrainStep, memory_needed

__all__ = ["BATCHES_LOG2", "DEPTH", "WIDTHS_LOG2", "WORKS", "LayerQuestion", "cpu_dtype", "layer_grid"]

BATCHES_LOG2 = range(15)
WIDTHS_LOG2 = range(6, 15)
#: Layers of the network whose memory the figure shows.
DEPTH = 24
WORKS: dict[str, tuple[str, type[DenseForward] | type[DenseTrainStep]]] = {
    "forward": ("forward pass", DenseForward),
    "training step": ("training step", DenseTrainStep),
}


def cpu_dtype(dtype: str) -> str:
    """Return the format a CPU computes in where the GPU uses ``dtype``: NumPy has no fast float16 product."""
    return "float32" if dtype == "float16" else dtype


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerQuestion:
    """What the pickers of the explorer choose."""

    gpu: Machine
    cpu: Machine
    dtype: str
    work: str
    cpu_calibration: Calibration
    cpu_source: str = "predicted"
    dots: Sequence[Dot] = ()

    @property
    def cpu_dtype(self) -> str:
        """Number format on the CPU."""
        return cpu_dtype(self.dtype)

    def workload(self, batch_log2: int, width_log2: int, dtype: str) -> DenseForward | DenseTrainStep:
        """Return the layer at one point of the grid."""
        width = 2**width_log2
        return WORKS[self.work][1](batch_size=2**batch_log2, n_in=width, n_out=width, dtype=dtype)


def layer_grid(question: LayerQuestion) -> Grid:
    """Predict every point.

    Raises
    ------
    ValueError
        If the catalogue lacks a rate for the GPU or the CPU in this number format.
    """
    gpu = question.gpu
    gpu_calibration = calibrate(gpu, question.dtype)
    points = [
        _point(question, gpu_calibration, batch_log2, width_log2)
        for width_log2 in WIDTHS_LOG2
        for batch_log2 in BATCHES_LOG2
    ]
    assert gpu.memory_bytes is not None  # the explorer offers only cards whose memory is known
    cpu_name = question.cpu.name + (" in float32" if question.cpu_dtype != question.dtype else "")
    return Grid(
        points=points,
        cpu=Series(cpu_name, question.cpu_source, question.cpu_calibration.error),
        gpu=Series(gpu.name, source_of(gpu), gpu_calibration.error),
        gpu_memory_bytes=gpu.memory_bytes,
        work=f"{question.dtype}, {WORKS[question.work][0]}",
        depth=DEPTH,
        dots=(
            *recorded_dots(question.cpu, WORKS[question.work][1], question.cpu_dtype),
            *recorded_dots(gpu, WORKS[question.work][1], question.dtype),
            *question.dots,
        ),
    )


def _point(question: LayerQuestion, gpu_calibration: Calibration, batch_log2: int, width_log2: int) -> Point:
    layer = question.workload(batch_log2, width_log2, question.dtype)
    on_cpu = replace(layer, dtype=question.cpu_dtype)
    gpu = predict(layer, question.gpu, calibration=gpu_calibration)
    cpu = predict(on_cpu, question.cpu, calibration=question.cpu_calibration)
    batch_bytes = layer.batch_size * layer.n_in * DTYPE_BYTES[question.dtype]  # n_in = n_out: in and out weigh the same
    copy_s = predict(Copy(batch_bytes), question.gpu, calibration=gpu_calibration).seconds
    ledger = memory_needed(
        batch_size=layer.batch_size,
        layer_sizes=[layer.n_in] * (DEPTH + 1),
        optimizer="adam",
        dtype=question.dtype,
    )
    return Point(
        batch_log2=batch_log2,
        width_log2=width_log2,
        cpu_s=cpu.seconds,
        gpu_s=gpu.seconds,
        launch_s=gpu.launch_s,
        copy_in_s=copy_s,
        copy_out_s=copy_s,
        regime=gpu.bottleneck,
        layer_bytes=layer.memory_bytes,
        weights_bytes=ledger.weights_bytes,
        gradients_bytes=ledger.gradients_bytes,
        optimizer_bytes=ledger.optimizer_bytes,
        activations_bytes=ledger.activations_bytes + ledger.in_flight_bytes,
        largest_batch=ledger.largest_batch(question.gpu.memory_bytes or 0),
    )
