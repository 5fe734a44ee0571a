"""The main explorer: slide batch size and layer width, and see when the GPU wins."""

from __future__ import annotations

from gpu_lessons.arguments import require_choice
from gpu_lessons.charts.batch_and_width import batch_and_width_chart
from gpu_lessons.explorers.controls import Picker, power_slider
from gpu_lessons.explorers.explorer import Explorer
from gpu_lessons.explorers.layer_grid import BATCHES_LOG2, WIDTHS_LOG2, WORKS, cpu_dtype, layer_grid
from gpu_lessons.explorers.machine_pickers import cpu_picker, dtype_picker, gpu_picker
from gpu_lessons.explorers.measuring_buttons import measure_here_button, measure_this_cpu_button
from gpu_lessons.hardware.machines import Machine
from gpu_lessons.work import DenseForward, DenseTrainStep

__all__ = ["explore_batch_and_width"]


def explore_batch_and_width(
    *,
    gpu: str = "nvidia-t4",
    cpu: str = "amd-ryzen-9-7950x",
    dtype: str = "float32",
    work: str = "forward",
    batch_size: int = 64,
    width: int = 1024,
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
    return Explorer(
        controls=[
            power_slider("batch_log2", "batch size", BATCHES_LOG2, "batch_size", batch_size),
            power_slider("width_log2", "layer width", WIDTHS_LOG2, "width", width),
        ],
        pickers=[
            gpu_picker(gpu),
            cpu_picker(cpu),
            dtype_picker(dtype),
            Picker("work", "work", [(name, name) for name in WORKS], require_choice("work", work, tuple(WORKS))),
        ],
        buttons=[measure_this_cpu_button(), measure_here_button(_on_cpu)],
        ask=layer_grid,
        chart=batch_and_width_chart,
    )


def _on_cpu(*, batch_log2: int, width_log2: int, dtype: str, work: str, **_: Machine) -> DenseForward | DenseTrainStep:
    width = 2**width_log2
    return WORKS[work][1](batch_size=2**batch_log2, n_in=width, n_out=width, dtype=cpu_dtype(dtype))
