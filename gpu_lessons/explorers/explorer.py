"""An explorer as a cell shows it: widgets where a kernel is, and in any case what a saved notebook needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import altair as alt

from gpu_lessons.charts.bundle import Figure
from gpu_lessons.charts.display import is_live
from gpu_lessons.explorers.live import LiveBatchAndWidth
from gpu_lessons.explorers.live_tiles import LiveInsideTheGpu
from gpu_lessons.explorers.live_timeline import LiveTimeline

__all__ = ["Explorer"]


class Explorer(Figure):
    """A figure with sliders, as the last line of a cell.

    Parameters
    ----------
    chart, sentence, rows
        As in `Figure`: the chart with its own controls, and what it shows at the starting point.
    live : callable
        Returns the widgets around the same chart, for a display with a kernel.
    """

    def __init__(
        self,
        *,
        chart: Callable[[], alt.TopLevelSpec],
        sentence: str,
        rows: list[dict[str, Any]],
        live: Callable[[], LiveBatchAndWidth | LiveInsideTheGpu | LiveTimeline],
    ) -> None:
        super().__init__(chart, sentence, rows)
        self.live = live

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = super()._repr_mimebundle_()
        if is_live():
            # The static chart stays in the bundle: it is what a notebook opened without its kernel can show.
            data |= {"application/vnd.jupyter.widget-view+json": self.live().view()}
        return data, metadata
