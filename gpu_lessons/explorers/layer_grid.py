"""Fill the grid of the main figure from predictions."""

from __future__ import annotations

from dataclasses import replace

from gpu_lessons.charts.grid import Grid, Point, Series
from gpu_lessons.explorers.machine_sources import calibration_of, dots_of, source_of
from gpu_lessons.hardware.machines import Machine
from gpu_lessons.model import Calibration, predict
from gpu_lessons.units import DTYPE_BYTES
from gpu_lessons.work import Copy, DenseForward, DenseTrainStep, memory_needed

__all__ = ["BATCHES_LOG2", "DEPTH", "WIDTHS_LOG2", "WORKS", "cpu_dtype", "layer_grid"]

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


def layer_grid(*, gpu: Machine, cpu: Machine, dtype: str, work: str) -> Grid:
    """Predict every point.

    Parameters
    ----------
    gpu, cpu : Machine
        Who is compared.
    dtype : str
        Number format; see `cpu_dtype`.
    work : str
        A key of ``WORKS``.

    Raises
    ------
    ValueError
        If the catalogue lacks a rate for the GPU or the CPU in this number format.
    """
    name, layer = WORKS[work]
    host = cpu_dtype(dtype)
    on_gpu, on_cpu = calibration_of(gpu, dtype), calibration_of(cpu, host)
    assert gpu.memory_bytes is not None  # the pickers offer only cards whose memory is known
    return Grid(
        points=[
            _point(layer(2**batch_log2, 2**width_log2, 2**width_log2, dtype), gpu, on_gpu, cpu, on_cpu)
            for width_log2 in WIDTHS_LOG2
            for batch_log2 in BATCHES_LOG2
        ],
        cpu=Series(
            cpu.name + (" in float32" if cpu_dtype(dtype) != dtype else ""),
            source_of(cpu, cpu_dtype(dtype)),
        ),
        gpu=Series(gpu.name, source_of(gpu, dtype)),
        gpu_memory_bytes=gpu.memory_bytes,
        work=f"{dtype}, {name}",
        depth=DEPTH,
        dots=(*dots_of(cpu, layer, host), *dots_of(gpu, layer, dtype)),
    )


def _point(
    layer: DenseForward | DenseTrainStep, gpu: Machine, on_gpu: Calibration, cpu: Machine, on_cpu: Calibration
) -> Point:
    gpu_time = predict(layer, gpu, calibration=on_gpu)
    cpu_time = predict(replace(layer, dtype=cpu_dtype(layer.dtype)), cpu, calibration=on_cpu)
    batch_bytes = layer.batch_size * layer.n_in * DTYPE_BYTES[layer.dtype]  # n_in = n_out: in and out weigh the same
    copy_s = predict(Copy(batch_bytes), gpu, calibration=on_gpu).seconds
    ledger = memory_needed(
        batch_size=layer.batch_size,
        layer_sizes=[layer.n_in] * (DEPTH + 1),
        optimizer="adam",
        dtype=layer.dtype,
    )
    return Point(
        batch_log2=layer.batch_size.bit_length() - 1,
        width_log2=layer.n_in.bit_length() - 1,
        cpu_s=cpu_time.seconds,
        gpu_s=gpu_time.seconds,
        cpu_factor=cpu_time.high_s / cpu_time.seconds,
        gpu_factor=gpu_time.high_s / gpu_time.seconds,
        launch_s=gpu_time.launch_s,
        copy_in_s=copy_s,
        copy_out_s=copy_s,
        regime=gpu_time.bottleneck,
        layer_bytes=layer.memory_bytes,
        weights_bytes=ledger.weights_bytes,
        gradients_bytes=ledger.gradients_bytes,
        optimizer_bytes=ledger.optimizer_bytes,
        activations_bytes=ledger.activations_bytes + ledger.in_flight_bytes,
        largest_batch=ledger.largest_batch(gpu.memory_bytes or 0),
    )
