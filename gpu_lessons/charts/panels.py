"""The small panels of the main figure: parts of the GPU's time, memory, and the speed-up everywhere."""

from __future__ import annotations

import math
from typing import Any

import altair as alt

from gpu_lessons.charts.grid import Grid
from gpu_lessons.charts.theme import (
    COMPUTE,
    COPY_IN,
    COPY_OUT,
    FITS,
    GRID,
    INK,
    LAUNCH,
    MEMORY_BLUES,
    MUTED,
    NOTHING,
    SELECTED,
    WARNING,
    count_label,
    text_style,
    vega_time,
)

__all__ = ["last_rise", "memory_panel", "speedup_map", "time_parts"]

_TIME_PARTS = (
    ("copy_in_s", "copy in", COPY_IN),
    ("launch_s", "launch", LAUNCH),
    ("work_s", "multiply", COMPUTE),
    ("copy_out_s", "copy out", COPY_OUT),
)
_MEMORY_PARTS = tuple(
    (f"{name}_bytes", name, blue)
    for name, blue in zip(("weights", "gradients", "optimizer", "activations"), MEMORY_BLUES, strict=True)
)


def time_parts(width: int) -> alt.LayerChart:
    """Return the bar that shows where the GPU's time goes, copies over the bus included."""
    bar = _stacked_bar(_TIME_PARTS, total="datum.bus_s", told=vega_time("datum.size")).transform_filter(FITS)
    labels = _part_labels(_TIME_PARTS, f"{FITS} ? {vega_time('datum.size')} : ''")
    return alt.layer(bar, *labels).properties(
        width=width, height=62, title="Where the GPU's time goes", view=alt.ViewConfig(stroke=None)
    )


def memory_panel(grid: Grid, width: int) -> alt.LayerChart:
    """Return the gauge of the card's memory while a network of such layers is trained."""
    capacity = f"{grid.gpu_memory_bytes:.4g}"
    frame = (
        alt.Chart(alt.Data(values=[{"frame": 0}]))
        .mark_bar(color="#f1f5f9", stroke=GRID)
        .encode(x=alt.value(0), x2=alt.value(width), y=alt.value(0), y2=alt.value(26))
    )
    bar = _stacked_bar(_MEMORY_PARTS, total=capacity, told="format(datum.size, '.3~s') + 'B'")
    names = _part_labels(_MEMORY_PARTS, None)
    over = alt.condition(f"datum.training_bytes > {capacity}", alt.value(WARNING), alt.value(INK))
    line = (
        alt.Chart()
        .transform_filter(SELECTED)
        .mark_text(**text_style(INK, 12))
        .encode(x=alt.value(0), y=alt.value(60), text="memory:N", color=over, description="memory:N")
    )
    return alt.layer(frame, bar, *names, line).properties(
        width=width,
        height=66,
        title=f"Memory to train {grid.depth} such layers with Adam",
        view=alt.ViewConfig(stroke=None),
    )


def _folded(parts: tuple[tuple[str, str, str], ...]) -> alt.Chart:
    fields: list[str | alt.FieldName] = [field for field, _, _ in parts]
    return (
        alt.Chart()
        .transform_filter(SELECTED)
        .transform_fold(fields, as_=["field", "size"])
        .transform_calculate(place=f"indexof({fields}, datum.field)")
    )


def _names(parts: tuple[tuple[str, str, str], ...]) -> str:
    """Return a Vega object of the parts' names."""
    return "{" + ", ".join(f"{field}: '{name}'" for field, name, _ in parts) + "}"


def _colors(parts: tuple[tuple[str, str, str], ...]) -> alt.Color:
    scale = alt.Scale(domain=[field for field, _, _ in parts], range=[color for _, _, color in parts])
    return alt.Color("field:N", scale=scale, legend=None)


def _stacked_bar(parts: tuple[tuple[str, str, str], ...], *, total: str, told: str) -> alt.Chart:
    """Return the parts side by side, ``told`` with their names; what exceeds ``total`` is cut off at the right end."""
    bar: alt.Chart = (
        _folded(parts)
        .transform_stack(
            stack="size",
            as_=["from", "to"],
            groupby=["batch_log2"],
            sort=[alt.SortField("place", "ascending")],
        )
        .transform_calculate(
            left=f"min(1, datum.from / {total})",
            right=f"min(1, datum.to / {total})",
            told=f"({_names(parts)})[datum.field] + ', ' + {told}",
        )
        .mark_bar(stroke="white", strokeWidth=1)
        .encode(
            x=alt.X("left:Q", scale=alt.Scale(domain=[0, 1]), axis=None),
            x2="right:Q",
            y=alt.value(0),
            y2=alt.value(26),
            color=_colors(parts),
            description="told:N",
        )
    )
    return bar


def _part_labels(parts: tuple[tuple[str, str, str], ...], value: str | None) -> list[alt.Chart]:
    """Name the parts in fixed columns, each beside a square of its colour: thin parts stay readable."""
    # The third column of times is the kernel's, which can take minutes; names alone share the width evenly.
    columns_at = [0, 0.25, 0.48, 0.77] if value else [0, 0.25, 0.5, 0.75]
    columns = _folded(parts).transform_calculate(
        name=f"({_names(parts)})[datum.field]", x=f"{columns_at}[datum.place]", value=value or "''"
    )
    x = alt.X("x:Q", scale=alt.Scale(domain=[0, 1]), axis=None)
    labels = [
        columns.mark_square(size=70, opacity=1).encode(
            x=x, xOffset=alt.value(5), y=alt.value(40), color=_colors(parts)
        ),
        columns.mark_text(**text_style(MUTED, 11, dx=13)).encode(x=x, y=alt.value(40), text="name:N"),
    ]
    if value:
        labels.append(columns.mark_text(**text_style(INK, 12, dx=0)).encode(x=x, y=alt.value(56), text="value:N"))
    return labels


def speedup_map(grid: Grid, width: int) -> alt.LayerChart:
    """Return CPU time over GPU time everywhere, with the line where both are equal."""
    batches = sorted({point.batch_log2 for point in grid.points})
    widths = sorted({point.width_log2 for point in grid.points})
    x = alt.X(
        "left:Q",
        title="batch size",
        scale=alt.Scale(domain=[batches[0] - 0.5, batches[-1] + 0.5], nice=False),
        axis=alt.Axis(grid=False, values=batches[::2], labelExpr=count_label("datum.value")),
    )
    y = alt.Y(
        "low:Q",
        title="layer width",
        scale=alt.Scale(domain=[widths[0] - 0.5, widths[-1] + 0.5], nice=False),
        axis=alt.Axis(grid=False, values=widths[::2], labelExpr=count_label("datum.value")),
    )
    cells = alt.Chart().transform_calculate(
        left="datum.batch_log2 - 0.5",
        right="datum.batch_log2 + 0.5",
        low="datum.width_log2 - 0.5",
        high="datum.width_log2 + 0.5",
        size="'batch ' + pow(2, datum.batch_log2) + ', width ' + pow(2, datum.width_log2)",
    )
    speedup = alt.Color(
        "speedup_log10:Q",
        scale=alt.Scale(domain=[-2, 2], scheme="brownbluegreen", clamp=True),
        legend=alt.Legend(
            title=None,
            values=[-2, -1, 0, 1, 2],
            gradientLength=170,
            labelExpr="datum.value === 0 ? 'equal' : (datum.value > 0 ? 'GPU ' : 'CPU ') "
            "+ pow(10, abs(datum.value)) + '×'",
        ),
    )
    color = alt.when(FITS).then(speedup).otherwise(alt.value(NOTHING))
    tooltip = [alt.Tooltip("size:N", title="size"), alt.Tooltip("headline:N", title="result")]
    fill = cells.mark_rect().encode(x=x, x2="right:Q", y=y, y2="high:Q", color=color, tooltip=tooltip)
    outline = {"fillOpacity": 0, "stroke": INK, "strokeWidth": 2.5}
    told = cells.transform_filter(SELECTED).transform_calculate(told="datum.size + ': ' + datum.headline")
    chosen = told.mark_rect(**outline).encode(x=x, x2="right:Q", y=y, y2="high:Q", description="told:N")
    layers = [fill, *_break_even(grid, x, y), chosen]
    return alt.layer(*layers).properties(width=width - 62, height=188, title="GPU speed-up everywhere")


def _break_even(grid: Grid, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    rows = break_even(grid)
    if not rows:
        return []
    line = alt.Chart(alt.Data(values=rows)).mark_line(color=INK, strokeWidth=2, clip=True)
    return [line.encode(x=alt.X("middle:Q"), y=alt.Y("level:Q"))]


def break_even(grid: Grid) -> list[dict[str, Any]]:
    """Return, for each batch size that has one, the width at which both machines take equally long.

    Between two widths of the grid the speed-up is taken to be a power of the width. Where the line leaves the grid at
    its narrowest width, it ends between two batch sizes.
    """
    widths = sorted({point.width_log2 for point in grid.points})
    batches = sorted({point.batch_log2 for point in grid.points})
    rows: list[dict[str, Any]] = []
    for batch in batches:
        level = last_rise(widths, [math.log(grid.at(batch, width).speedup) for width in widths])
        if level is not None:
            rows.append({"middle": batch, "level": level})
    foot = last_rise(batches, [math.log(grid.at(batch, widths[0]).speedup) for batch in batches])
    return rows if foot is None else [*rows, {"middle": foot, "level": widths[0]}]


def last_rise(positions: list[int], gains: list[float]) -> float | None:
    """Return where ``gains`` rise through zero for the last time."""
    for i in range(len(gains) - 1, 0, -1):
        if gains[i - 1] < 0 <= gains[i]:
            share = gains[i - 1] / (gains[i - 1] - gains[i])
            return round(positions[i - 1] + share * (positions[i] - positions[i - 1]), 3)
    return None
