"""The main figure: one dense layer on a CPU and a GPU, over batch size and layer width."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import altair as alt

from gpu_lessons.charts.composition import Panels, same_axis
from gpu_lessons.charts.grid import BATCH, REGIME_NAMES, WEIGHTS, Grid
from gpu_lessons.charts.markers import time_marks
from gpu_lessons.charts.panels import memory_panel, speedup_map, time_parts
from gpu_lessons.charts.theme import (
    CPU,
    FITS,
    GPU,
    INK,
    LAUNCH,
    MUTED,
    SELECTED,
    WARNING,
    count_label,
    four_digits,
    text_style,
    vega_time,
)

__all__ = ["batch_and_width_chart"]

_LEFT, _RIGHT, _WIDE = 372, 296, 830
_HEIGHT, _NAME_HEIGHT = 430, 16
_TINTS = {
    REGIME_NAMES["launch"]: "#f8fafc",
    WEIGHTS: "#eef2ff",
    BATCH: "#f3e8ff",
    REGIME_NAMES["filling"]: "#fefce8",
    REGIME_NAMES["compute"]: "#ecfdf5",
}
_DASHED, _DOTTED = [8, 3], [2, 3]


def batch_and_width_chart(grid: Grid) -> Panels:
    """Return the panels of the figure; the parameters ``batch_log2`` and ``width_log2`` choose the point."""
    names = [(CPU, f"CPU  {grid.cpu.name}, {grid.cpu.source}"), (GPU, f"GPU  {grid.gpu.name}, {grid.gpu.source}")]
    if any("spread" in dot.said and dot.source == "measured" for dot in grid.dots):
        names.append((WARNING, "times measured here spread by more than 10%: another program ran"))
    faster = (
        alt.when(f"!{FITS}")
        .then(alt.value(WARNING))
        .when("datum.speedup_log10 >= 0")
        .then(alt.value(GPU))
        .otherwise(alt.value(CPU))
    )
    return Panels(
        columns=[[_times(grid)], [time_parts(_RIGHT), memory_panel(grid, _RIGHT), speedup_map(grid, _RIGHT)]],
        width=_WIDE,
        names=names,
        color=faster,
    )


def _times(grid: Grid) -> alt.LayerChart:
    batches = [point.batch_log2 for point in grid.points]
    times_s = [time_s for point in grid.points for time_s in (point.cpu_s, point.gpu_s, point.bus_s)]
    decades = range(math.floor(math.log10(min(times_s))), math.ceil(math.log10(max(times_s))) + 1)
    x = alt.X(
        "batch_log2:Q",
        title="batch size",
        scale=alt.Scale(domain=[min(batches) - 0.5, max(batches) + 3.2], nice=False),
        axis=alt.Axis(
            grid=False,
            values=list(range(min(batches), max(batches) + 1, 2)),
            labelExpr=count_label("datum.value"),
        ),
    )
    scale = alt.Scale(type="log", domain=[10.0 ** decades[0], 10.0 ** decades[-1]], nice=False)
    axis = alt.Axis(
        values=[10.0**e for e in decades],
        labelExpr=f"datum.value >= 1 ? format(datum.value, ',') + ' s' : {vega_time('datum.value')}",
    )

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", title=None, scale=scale, axis=axis)

    curve = alt.Chart().transform_filter("datum.width_log2 === width_log2")
    dots = (
        asdict(dot) | {name: four_digits(getattr(dot, name)) for name in ("batch_log2", "time_s")} for dot in grid.dots
    )
    marks = time_marks(dots, "datum.width_log2 === width_log2", x, y("time_s"))
    names = end_names(grid, 10 ** (_NAME_HEIGHT * (len(decades) - 1) / _HEIGHT))
    layers = [*_regimes(curve, x), *_curves(curve, x, y), *_names(names, x, y), *_gap(x, y), *marks]
    return alt.layer(*layers).properties(width=_LEFT, height=_HEIGHT, title="Time for one layer")


def _regimes(curve: alt.Chart, x: alt.X) -> list[alt.Chart]:
    """Shade what the GPU waits for at each batch size, and name it where there is room."""
    tints = alt.Scale(domain=list(_TINTS), range=list(_TINTS.values()))
    boxes = (
        curve.transform_calculate(start="datum.batch_log2 - 0.5", end="datum.batch_log2 + 0.5")
        .mark_rect()
        .encode(
            x=same_axis(x, "start:Q"),
            x2="end:Q",
            color=alt.Color("regime:N", scale=tints, legend=None),
        )
    )
    names = (
        curve.transform_aggregate(middle="mean(batch_log2)", n="count()", groupby=["regime"])
        .transform_filter("datum.n * 21 > length(datum.regime) * 6")
        .mark_text(**text_style(MUTED, 11, align="center"))
        .encode(x=same_axis(x, "middle:Q"), y=alt.value(12), text="regime:N")
    )
    return [boxes, names]


def _curves(curve: alt.Chart, x: alt.X, y: Callable[[str], alt.Y]) -> list[alt.Chart]:
    layers = []
    for who, color in (("cpu", CPU), ("gpu", GPU)):
        shown = curve if who == "cpu" else curve.transform_filter(FITS)
        band = shown.transform_calculate(
            low=f"datum.{who}_s / datum.{who}_factor", high=f"datum.{who}_s * datum.{who}_factor"
        )
        layers.append(band.mark_area(color=color, opacity=0.15, clip=True).encode(x=x, y=y("low"), y2="high:Q"))
    for field, color, dash in (("cpu_s", CPU, _DASHED), ("bus_s", GPU, _DOTTED), ("gpu_s", GPU, _DASHED)):
        width = 2 if dash is _DOTTED else 3
        shown = curve if field == "cpu_s" else curve.transform_filter(FITS)
        layers.append(shown.mark_line(color=color, strokeDash=dash, strokeWidth=width).encode(x=x, y=y(field)))
    return layers


def _names(rows: list[dict[str, Any]], x: alt.X, y: Callable[[str], alt.Y]) -> list[alt.Chart]:
    names = alt.Chart(alt.Data(values=rows)).transform_filter("datum.width_log2 === width_log2")
    return [
        names.transform_filter(f"datum.name === '{name}'")
        .mark_text(**text_style(color, 12, dx=6, weight=weight))
        .encode(x=x, y=y("at_s"), text="name:N")
        for name, color, weight in (("CPU", CPU, "bold"), ("GPU", GPU, "bold"), ("GPU + bus", GPU, "normal"))
    ]


def end_names(grid: Grid, least_ratio: float) -> list[dict[str, Any]]:
    """Return for each width where the names of the curves stand: at their right ends, none on another.

    Parameters
    ----------
    grid : Grid
        What is drawn.
    least_ratio : float
        How many times as high on the time axis the next name has to stand at least.
    """
    rows = []
    for width in sorted({point.width_log2 for point in grid.points}):
        points = [point for point in grid.points if point.width_log2 == width]
        last, *fitting = points[-1], *(point for point in points if grid.fits(point))
        ends = [(last.cpu_s, last, "CPU")]
        for on_gpu in fitting[-1:]:
            ends += [(on_gpu.gpu_s, on_gpu, "GPU"), (on_gpu.bus_s, on_gpu, "GPU + bus")]
        below: dict[int, float] = {}
        for time_s, point, name in sorted(ends, key=lambda end: end[0]):
            at_s = below[point.batch_log2] = max(time_s, least_ratio * below.get(point.batch_log2, 0.0))
            place = {"width_log2": width, "batch_log2": point.batch_log2, "at_s": four_digits(at_s)}
            rows.append(place | {"name": name})
    return rows


def _gap(x: alt.X, y: Callable[[str], alt.Y]) -> list[alt.Chart]:
    """Mark the chosen batch, both times, and the factor between them."""
    here = alt.Chart().transform_filter(SELECTED)
    ring = {"filled": True, "fill": "white", "stroke": INK, "strokeWidth": 2, "size": 80, "opacity": 1}
    # Left of the rule, where no curve runs; right of it at the left edge of the figure.
    beside = text_style(INK, 14, weight="bold") | {
        "align": alt.expr("batch_log2 < 3 ? 'left' : 'right'"),
        "dx": alt.expr("batch_log2 < 3 ? 8 : -8"),
    }
    both = here.transform_filter(FITS)
    middle = both.transform_calculate(middle="sqrt(datum.cpu_s * datum.gpu_s)")
    tooltip = [
        alt.Tooltip(f"{field}:N", title=title)
        for field, title in (("cpu", "CPU"), ("gpu", "GPU"), ("bus", "GPU + bus"))
    ]
    rings = here.transform_calculate(
        cpu=vega_time("datum.cpu_s"), gpu=vega_time("datum.gpu_s"), bus=vega_time("datum.bus_s")
    ).transform_calculate(on_cpu="'CPU, ' + datum.cpu", on_gpu="'GPU, ' + datum.gpu + ', with the bus ' + datum.bus")
    return [
        # Below the names of the regimes, not through them.
        here.mark_rule(color=LAUNCH).encode(x=x, y=alt.value(22), y2=alt.value(_HEIGHT)),
        both.mark_rule(color=INK, strokeWidth=1.5).encode(x=x, y=y("cpu_s"), y2="gpu_s:Q"),
        rings.mark_point(**ring).encode(x=x, y=y("cpu_s"), tooltip=tooltip, description="on_cpu:N"),
        rings.transform_filter(FITS)
        .mark_point(**ring)
        .encode(x=x, y=y("gpu_s"), tooltip=tooltip, description="on_gpu:N"),
        middle.mark_text(**beside, stroke="white", strokeWidth=4).encode(x=x, y=y("middle"), text="factor:N"),
        middle.mark_text(**beside).encode(x=x, y=y("middle"), text="factor:N"),
    ]
