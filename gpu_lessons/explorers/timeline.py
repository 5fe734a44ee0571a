"""The explorer of lesson 02: slide the batch and see which of two clocks was read, the host's or the device's."""

from __future__ import annotations

from typing import Any

from gpu_lessons.arguments import require_choice, require_count, require_power_of_two
from gpu_lessons.charts.call_record import CLOCKS
from gpu_lessons.charts.timeline import timeline_chart
from gpu_lessons.explorers.bundle import explorer_bundle
from gpu_lessons.explorers.timed_calls import BATCHES_LOG2, WIDTHS, call_record
from gpu_lessons.hardware.machines import machine

__all__ = ["Timeline", "explore_timeline"]


class Timeline:
    """The explorer as a notebook shows it: with widgets where a kernel is, with its own controls elsewhere."""

    def __init__(self, gpu: str, width: int, batch_log2: int, clock: int) -> None:
        self.record = call_record(gpu, width)
        self.batch_log2 = batch_log2
        self.clock = clock

    def sentence(self) -> str:
        """Return what the figure shows at the starting point."""
        return self.record.sentence(self.record.at(self.batch_log2, self.clock))

    def table(self) -> list[dict[str, Any]]:
        """Return the numbers behind the figure: one row for each block of each call, times in seconds."""
        return self.record.table()

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        chart = timeline_chart(self.record, batch_log2=self.batch_log2, clock=self.clock, sliders=True)
        return explorer_bundle(chart, self.sentence(), self._live_view)

    def _live_view(self) -> dict[str, Any]:
        from gpu_lessons.explorers.live_timeline import LiveTimeline

        return LiveTimeline(self.record, self.batch_log2, self.clock).view()


def explore_timeline(
    *, gpu: str = "nvidia-t4", batch_size: int = 1024, width: int = 2048, clock: str = "not waiting"
) -> Timeline:
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
    Timeline
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
    exponent = require_power_of_two("batch_size", batch_size, BATCHES_LOG2)
    return Timeline(gpu, width, exponent, CLOCKS.index(require_choice("clock", clock, CLOCKS)))
