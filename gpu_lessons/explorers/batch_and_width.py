"""The main explorer: slide batch size and layer width, and see when the GPU wins."""

from __future__ import annotations

from functools import partial

from gpu_lessons.arguments import require_choice, require_power_of_two
from gpu_lessons.charts.batch_and_width import batch_and_width_chart
from gpu_lessons.explorers.explorer import Explorer
from gpu_lessons.explorers.layer_grid import BATCHES_LOG2, WIDTHS_LOG2, WORKS, LayerQuestion, cpu_dtype, layer_grid
from gpu_lessons.explorers.live import LiveBatchAndWidth
from gpu_lessons.explorers.recorded_machines import find_machine, source_of
from gpu_lessons.model import calibrate
from gpu_lessons.units import DTYPE_BYTES

__all__ = ["explore_batch_and_width"]


def explore_batch_and_width(
    *,
    gpu: str = "nvidia-t4",
    cpu: str = "amd-ryzen-9-7950x",
    dtype: str = "float32",
    work: str = "forward",
    batch_size: int = 256,
    width: int = 2048,
) -> Explorer:
    """Open the explorer of batch size and layer width.

    Parameters
    ----------
    gpu, cpu : str
        Slugs of the catalogue, as in `gpu_lessons.machines`, or of a recording, as in `gpu_lessons.recordings`: its
        times are drawn solid, over the model fitted to them. Where this CPU has been measured in this session, the
        live explorer offers it as well.
    dtype : {"float16", "float32", "float64"}
        Number format.
    work : {"forward", "training step"}
        What is timed.
    batch_size, width : int
        Where the sliders start: powers of two, batch 1 to 16,384 and width 64 to 16,384.

    Returns
    -------
    Explorer
        Shows itself as the last line of a cell.

    Raises
    ------
    TypeError, ValueError, UnknownMachineError
        If an argument is not one of the above.
    """
    gpu_machine, cpu_machine = find_machine(gpu, "gpu"), find_machine(cpu, "cpu")
    if gpu_machine.kind != "gpu":
        raise ValueError(f"gpu must be a GPU of the catalogue, got the CPU {gpu!r}")
    if cpu_machine.kind != "cpu":
        raise ValueError(f"cpu must be a CPU of the catalogue, got the GPU {cpu!r}")
    require_choice("dtype", dtype, tuple(DTYPE_BYTES))
    question = LayerQuestion(
        gpu=gpu_machine,
        cpu=cpu_machine,
        dtype=dtype,
        work=require_choice("work", work, tuple(WORKS)),
        cpu_calibration=calibrate(cpu_machine, cpu_dtype(dtype)),
        cpu_source=source_of(cpu_machine),
    )
    start = {
        "batch_log2": require_power_of_two("batch_size", batch_size, BATCHES_LOG2),
        "width_log2": require_power_of_two("width", width, WIDTHS_LOG2),
    }
    grid = layer_grid(question)
    return Explorer(
        chart=partial(batch_and_width_chart, grid, **start, sliders=True),
        sentence=grid.sentence(grid.at(**start)),
        rows=grid.rows(),
        live=partial(LiveBatchAndWidth, question, **start),
    )
