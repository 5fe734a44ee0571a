"""The main figure: one dense layer on a CPU and a GPU, over batch size and layer width."""

from __future__ import annotations

import math
from collections.abc import Callable

import altair as alt

from gpu_lessons.charts.composition import Panels, same_axis
from gpu_lessons.charts.grid import REGIME_NAMES, Grid
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

_LEFT, _RIGHT, _GAP = 400, 300, 64
_HEIGHT = 430
_WIDE = _LEFT + _RIGHT + _GAP
_TINTS = {"launch": "#f8fafc", "memory": "#eef2ff", "filling": "#fefce8", "compute": "#ecfdf5"}
_DASHED, _DOTTED = [8, 3], [2, 3]


def batch_and_width_chart(grid: Grid) -> Panels:
    """Return the panels of the figure; the parameters ``batch_log2`` and ``width_log2`` choose the point."""
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
        names=[(CPU, f"CPU  {grid.cpu.name}, {grid.cpu.source}"), (GPU, f"GPU  {grid.gpu.name}, {grid.gpu.source}")],
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
    layers = [*_regimes(curve, x), *_curves(curve, grid, x, y), *_gap(x, y), *_dots(grid, x, y)]
    return alt.layer(*layers).properties(width=_LEFT, height=_HEIGHT, title="Time for one layer")


def _regimes(curve: alt.Chart, x: alt.X) -> list[alt.Chart]:
    """Shade what the GPU waits for at each batch size, and name it where there is room."""
    tints = alt.Scale(domain=[REGIME_NAMES[name] for name in _TINTS], range=list(_TINTS.values()))
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
        .transform_filter("datum.n * 23 > length(datum.regime) * 6")
        .mark_text(**text_style(MUTED, 11, align="center"))
        .encode(x=same_axis(x, "middle:Q"), y=alt.value(12), text="regime:N")
    )
    return [boxes, names]


def _curves(curve: alt.Chart, grid: Grid, x: alt.X, y: Callable[[str], alt.Y]) -> list[alt.Chart]:
    layers = []
    for field, color, error in (("cpu_s", CPU, grid.cpu.error), ("gpu_s", GPU, grid.gpu.error)):
        shown = curve if field == "cpu_s" else curve.transform_filter(FITS)
        band = shown.transform_calculate(
            low=f"datum.{field} / {1 + error:.4g}", high=f"datum.{field} * {1 + error:.4g}"
        )
        layers.append(band.mark_area(color=color, opacity=0.15, clip=True).encode(x=x, y=y("low"), y2="high:Q"))
    for field, color, dash, name, dy in (
        ("cpu_s", CPU, _DASHED, "CPU", 0),
        ("bus_s", GPU, _DOTTED, "GPU + bus", -8),
        ("gpu_s", GPU, _DASHED, "GPU", 6),
    ):
        width, weight = (2, "normal") if dash is _DOTTED else (3, "bold")
        shown = curve if field == "cpu_s" else curve.transform_filter(FITS)
        end = shown.transform_joinaggregate(end="max(batch_log2)").transform_filter("datum.batch_log2 === datum.end")
        layers.append(shown.mark_line(color=color, strokeDash=dash, strokeWidth=width).encode(x=x, y=y(field)))
        layers.append(
            end.mark_text(text=name, **text_style(color, 12, dx=6, dy=dy, weight=weight)).encode(x=x, y=y(field))
        )
    return layers


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
    )
    return [
        # Below the names of the regimes, not through them.
        here.mark_rule(color=LAUNCH).encode(x=x, y=alt.value(22), y2=alt.value(_HEIGHT)),
        both.mark_rule(color=INK, strokeWidth=1.5).encode(x=x, y=y("cpu_s"), y2="gpu_s:Q"),
        rings.mark_point(**ring).encode(x=x, y=y("cpu_s"), tooltip=tooltip),
        rings.transform_filter(FITS).mark_point(**ring).encode(x=x, y=y("gpu_s"), tooltip=tooltip),
        middle.mark_text(**beside, stroke="white", strokeWidth=4).encode(x=x, y=y("middle"), text="factor:N"),
        middle.mark_text(**beside).encode(x=x, y=y("middle"), text="factor:N"),
    ]


def _dots(grid: Grid, x: alt.X, y: Callable[[str], alt.Y]) -> list[alt.Chart]:
    """Draw what was measured at the chosen width, filled, and what was recorded with a solid line through it."""
    layers = []
    for kind, color in (("cpu", CPU), ("gpu", GPU)):
        for is_recorded in (True, False):
            dots = [dot for dot in grid.dots if (dot.kind, dot.recorded_on is not None) == (kind, is_recorded)]
            if not dots:
                continue
            source = f"recorded {dots[0].recorded_on}" if is_recorded else "measured here"
            rows = [
                {"batch_log2": dot.batch_log2, "width_log2": dot.width_log2, "time_s": four_digits(dot.time_s)}
                for dot in dots
            ]
            chosen = (
                alt.Chart(alt.Data(values=rows))
                .transform_filter("datum.width_log2 === width_log2")
                .transform_calculate(time=vega_time("datum.time_s"))
            )
            if is_recorded:
                layers.append(chosen.mark_line(color=color, strokeWidth=2).encode(x=x, y=y("time_s")))
            point = chosen.mark_point(filled=True, color=color, size=36 if is_recorded else 70, opacity=1)
            layers.append(point.encode(x=x, y=y("time_s"), tooltip=[alt.Tooltip("time:N", title=source)]))
    return layers
