"""The explorer of lesson 02: slide the batch and see which of two clocks was read, the host's or the device's."""

from __future__ import annotations

from gpu_lessons.arguments import require_choice, require_count
from gpu_lessons.charts.call_record import CLOCKS
from gpu_lessons.charts.timeline import timeline_chart
from gpu_lessons.explorers.controls import Buttons, power_slider
from gpu_lessons.explorers.explorer import Explorer
from gpu_lessons.explorers.timed_calls import BATCHES_LOG2, WIDTHS, call_record
from gpu_lessons.hardware.machines import machine

__all__ = ["explore_timeline"]


def explore_timeline(
    *, gpu: str = "nvidia-t4", batch_size: int = 1024, width: int = 2048, clock: str = "not waiting"
) -> Explorer:
    """Open the explorer of host time and device time: one call of a dense layer on a simulated GPU, and a clock.

    Parameters
    ----------
    gpu : str
        Slug of the card, as in `gpu_lessons.machines`.
    batch_size : int
        Where the slider starts: a power of two from 1 to 2,048.
    width : int
        Inputs and neurons of the layer: 256, 512, 1,024 or 2,048.
    clock : {"not waiting", "waiting", "waiting, with both copies"}
        How the call is timed at first.

    Returns
    -------
    Explorer
        Shows itself as the last line of a cell.

    Raises
    ------
    TypeError, ValueError, UnknownMachineError
        If an argument is not one of the above.
    """
    if machine(gpu).kind != "gpu":
        raise ValueError(f"gpu must be a GPU of the catalogue, got the CPU {gpu!r}")
    if require_count("width", width) not in WIDTHS:
        raise ValueError(f"width must be one of {', '.join(f'{each:,}' for each in WIDTHS)}, got {width}")
    clocks = [(name, place) for place, name in enumerate(CLOCKS)]
    return Explorer(
        controls=[
            power_slider("batch_log2", "batch size", BATCHES_LOG2, "batch_size", batch_size),
            Buttons("clock", "the clock is read", clocks, CLOCKS.index(require_choice("clock", clock, CLOCKS))),
        ],
        ask=lambda: call_record(gpu, width),
        chart=timeline_chart,
    )
