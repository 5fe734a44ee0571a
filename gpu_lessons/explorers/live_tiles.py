"""The live display of lesson 04's explorer: two ipywidgets sliders around the same chart."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from gpu_lessons.charts.inside_the_gpu import inside_the_gpu_chart
from gpu_lessons.charts.tile_grid import TileGrid
from gpu_lessons.explorers.controls import chart_widget, let_set, slider, widget_view
from gpu_lessons.explorers.tile_deals import NEURONS

__all__ = ["LiveInsideTheGpu"]


class LiveInsideTheGpu:
    """Sliders for width and SM count."""

    def __init__(self, grid: TileGrid, card: int, neurons: int) -> None:
        self.neurons = slider("layer width", [(f"{each:,}", each) for each in NEURONS], neurons)
        names = [f"{each.sm_count}, {each.name.removeprefix('NVIDIA ')}" for each in grid.cards]
        self.card = slider("SMs", [(name, place) for place, name in enumerate(names)], card)
        self.message = widgets.HTML()
        self.figure = chart_widget(inside_the_gpu_chart(grid, card=card, neurons=neurons, sliders=False))
        for name, control in (("neurons", self.neurons), ("card", self.card)):
            let_set(control, name, self.figure, self.message)

    def view(self) -> dict[str, Any]:
        """Return the widget view a mime bundle holds."""
        sliders = widgets.HBox([self.neurons, self.card], layout={"flex_flow": "row wrap"})
        return widget_view([sliders, self.message, self.figure])
