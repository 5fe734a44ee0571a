"""An explorer as a cell shows it: widgets where a kernel is, and in any case what a saved notebook needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import altair as alt

from gpu_lessons.charts.bundle import static_bundle
from gpu_lessons.charts.display import is_live
from gpu_lessons.explorers.live import LiveBatchAndWidth
from gpu_lessons.explorers.live_tiles import LiveInsideTheGpu
from gpu_lessons.explorers.live_timeline import LiveTimeline

__all__ = ["Explorer"]


class Explorer:
    """A figure with sliders, as the last line of a cell.

    Parameters
    ----------
    chart : callable
        Returns the chart with its own controls. It takes most of a second, so it is called when it is shown.
    sentence : str
        What the figure shows at the starting point.
    rows : list of dict
        The numbers behind it, times in seconds, sizes in bytes.
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
        self._chart = chart
        self._sentence = sentence
        self._rows = rows
        self.live = live

    def sentence(self) -> str:
        """Return what the figure shows at the starting point."""
        return self._sentence

    def table(self) -> list[dict[str, Any]]:
        """Return the numbers behind the figure."""
        return self._rows

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = static_bundle(self._chart(), self._sentence)
        if is_live():
            # The static chart stays in the bundle: it is what a notebook opened without its kernel can show.
            data |= {"application/vnd.jupyter.widget-view+json": self.live().view()}
        return data, metadata
