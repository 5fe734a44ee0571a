"""The figure of an epoch: its time over the width on CPU and GPU, and who wins for every image and width."""

from __future__ import annotations

import math
from typing import Any

import altair as alt

from gpu_lessons.charts.composition import Panels, chosen_row
from gpu_lessons.charts.speedup_cells import Side, speedup_cells
from gpu_lessons.charts.theme import CPU, GPU, WARNING, count_label, text_style, vega_time

__all__ = ["epoch_chart"]

_LEFT, _RIGHT, _GAP, _HEIGHT = 340, 300, 132, 250
_HERE = chosen_row("batch_log2", "side_log2", "width_log2")
_GAIN = "datum.cpu_s / datum.gpu_s"


def epoch_chart(grid: Any) -> Panels:  # noqa: ANN401
    """Return the panels of the figure.

    Parameters
    ----------
    grid : EpochGrid
        Its rows, the line of break-even, and who is compared. The parameters ``batch_log2``, ``side_log2`` and
        ``width_log2`` choose a row.
    """
    color = alt.when("!datum.fits").then(alt.value(WARNING)).when("datum.cpu_s < datum.gpu_s").then(alt.value(CPU))
    return Panels(
        columns=[[_times(grid.rows())], [_map(grid.break_even())]],
        width=_LEFT + _RIGHT + _GAP,
        names=[(CPU, grid.cpu_name), (GPU, grid.gpu_name)],
        color=color.otherwise(alt.value(GPU)),
    )


def _times(rows: list[dict[str, Any]]) -> alt.LayerChart:
    """Return the time of an epoch over the width, for the chosen image and batch."""
    seconds = [row[who] for row in rows for who in ("cpu_s", "gpu_s")]
    decades = range(math.floor(math.log10(min(seconds))), math.ceil(math.log10(max(seconds))) + 1)
    x = alt.X(
        "width_log2:Q",
        title="layer width",
        scale=alt.Scale(domain=[5.2, 14.2], nice=False),
        axis=alt.Axis(grid=False, values=list(range(6, 14, 2)), labelExpr=count_label("datum.value")),
    )
    scale = alt.Scale(type="log", domain=[10.0 ** decades[0], 10.0 ** decades[-1]], nice=False)
    axis = alt.Axis(values=[10.0**e for e in decades], labelExpr=vega_time("datum.value"))
    curve = alt.Chart().transform_filter("datum.batch_log2 === batch_log2 && datum.side_log2 === side_log2")
    here = alt.Chart().transform_filter(_HERE)
    layers = []
    for who, color in (("cpu", CPU), ("gpu", GPU)):
        y = alt.Y(f"{who}_s:Q", title=None, scale=scale, axis=axis)
        line = curve.mark_line(color=color, strokeWidth=2.5, strokeDash=[8, 3])
        dot = here.mark_point(color=color, fill="white", size=90, strokeWidth=2.5, opacity=1)
        name = curve.transform_filter("datum.width_log2 === 13").mark_text(**text_style(color, 12, dx=5, weight="bold"))
        told = here.transform_calculate(told=vega_time(f"datum.{who}_s"))
        for slower, dy in ((True, -14), (False, 14)):  # the longer time is written above its dot, the shorter below
            mine = told.transform_filter(f"({_GAIN} > 1) === {str(slower == (who == 'cpu')).lower()}")
            said = mine.mark_text(**text_style(color, 12, dy=dy, align="center", weight="bold"))
            layers.append(said.encode(x=x, y=y, text="told:N", description="told:N"))
        band = curve.mark_area(color=color, opacity=0.14)
        layers += [
            band.encode(x=x, y=alt.Y(f"{who}_low_s:Q", scale=scale), y2=alt.Y2(f"{who}_high_s:Q")),
            line.encode(x=x, y=y),
            dot.encode(x=x, y=y),
            name.encode(x=x, y=y, text=alt.value(who.upper())),
        ]
    return alt.layer(*layers).properties(width=_LEFT, height=_HEIGHT, title="One epoch, predicted")


def _map(level: list[dict[str, Any]]) -> alt.LayerChart:
    """Return the speed-up for every image and width at the chosen batch, and where both take equally long."""
    cells = speedup_cells(
        Side("side_log2", "image, pixels on a side", range(3, 8), "pow(2, datum.value)"),
        Side("width_log2", "layer width", range(6, 14), count_label("datum.value")),
        ratio=_GAIN,
        told=f"max({_GAIN}, 0.01)",
        shown="datum.batch_log2 === batch_log2",
        chosen=_HERE,
        level=level,
    )
    return cells.properties(width=_RIGHT, height=_HEIGHT)
