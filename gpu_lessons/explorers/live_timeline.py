"""The live display of lesson 02's explorer: a slider and three buttons around the same chart."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from gpu_lessons.charts.call_record import CLOCKS, CallRecord
from gpu_lessons.charts.timeline import timeline_chart
from gpu_lessons.explorers.controls import chart_widget, let_set, slider, widget_view
from gpu_lessons.explorers.timed_calls import BATCHES_LOG2

__all__ = ["LiveTimeline"]


class LiveTimeline:
    """A slider for the batch and buttons for the clock."""

    def __init__(self, record: CallRecord, batch_log2: int, clock: int) -> None:
        sizes = [(f"{2**exponent:,}", exponent) for exponent in BATCHES_LOG2]
        self.batch = slider("batch size", sizes, batch_log2)
        self.clock = widgets.ToggleButtons(
            description="the clock is read",
            options=[(name, place) for place, name in enumerate(CLOCKS)],
            value=clock,
            style={"button_width": "auto", "description_width": "initial"},
            layout={"width": "auto"},  # else the buttons wrap below their own description
        )
        self.message = widgets.HTML()
        self.figure = chart_widget(timeline_chart(record, batch_log2=batch_log2, clock=clock, sliders=False))
        let_set(self.batch, "batch_log2", self.figure, self.message)
        let_set(self.clock, "clock", self.figure, self.message)

    def view(self) -> dict[str, Any]:
        """Return the widget view a mime bundle holds."""
        controls = widgets.HBox([self.batch, self.clock], layout={"flex_flow": "row wrap"})
        return widget_view([controls, self.message, self.figure])
