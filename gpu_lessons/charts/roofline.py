"""The figure of lesson 05: a layer under two roofs, the bytes it moves, and what one sample of the batch costs."""

from __future__ import annotations

from typing import Any

import altair as alt

from gpu_lessons.charts.composition import Panels, chosen_row, same_axis
from gpu_lessons.charts.theme import (
    CPU,
    GPU,
    INK,
    LAUNCH,
    MEMORY_BLUES,
    MUTED,
    count_label,
    four_digits,
    text_style,
    vega_time,
)

__all__ = ["roofline_chart"]

_LEFT, _RIGHT, _GAP, _HEIGHT = 368, 280, 151, 400
_HERE = chosen_row("batch_log2", "width_log2")
_PATH = "datum.width_log2 === width_log2"
_NO_FRAME = alt.ViewConfig(stroke="transparent")
_SIDES = (("gpu", GPU), ("cpu", CPU))
#: FLOP a byte at both ends of the axis: one float64 number used once, and more than any layer of the grid offers.
_FEWEST, _MOST = 0.1, 4000.0
_MOVED = tuple(zip(("weights", "batch", "outputs"), (MEMORY_BLUES[0], *MEMORY_BLUES[2:]), strict=True))
_RING = {"filled": True, "fill": "white", "stroke": INK, "strokeWidth": 2.5, "size": 110, "opacity": 1}


def roofline_chart(grid: Any) -> Panels:  # noqa: ANN401
    """Return the panels of the figure.

    Parameters
    ----------
    grid : RooflineGrid
        Its rows, the roofs of both machines, recorded dots, and who is compared. The parameters ``batch_log2`` and
        ``width_log2`` choose a row.
    """
    return Panels(
        columns=[[_roofs(grid)], [_moved(), _words(), _sample()]],
        width=_LEFT + _RIGHT + _GAP,
        names=[(CPU, grid.cpu_name), (GPU, grid.gpu_name)],
        color=alt.value(INK),
        spacing=18,
    )


def _roofs(grid: Any) -> alt.LayerChart:  # noqa: ANN401
    rates = [row[f"{kind}_rate"] for row in grid.rows() for kind, _ in _SIDES]
    top = max(grid.gpu_roof.flops_per_s, grid.cpu_roof.flops_per_s)
    x = alt.X(
        "x:Q",
        title="FLOP for each byte moved",
        scale=alt.Scale(type="log", domain=[_FEWEST, _MOST], nice=False),
        axis=alt.Axis(values=[0.1, 1, 10, 100, 1000], labelExpr="format(datum.value, ',')"),
    )
    y = alt.Y(
        "y:Q",
        title="GFLOP/s",
        scale=alt.Scale(type="log", domain=[four_digits(min(rates) / 2e9), four_digits(2.5 * top / 1e9)], nice=False),
        axis=alt.Axis(values=[10.0**e for e in range(-3, 8)], labelExpr="format(datum.value, ',')"),
    )
    layers = [*_ridge(grid, x)]
    for kind, color in _SIDES:
        layers += [*_roof(kind, color, getattr(grid, f"{kind}_roof"), x, y), *_path(kind, color, x, y)]
    dots = alt.Chart(alt.Data(values=list(grid.dots))).transform_filter("datum.at_width === width_log2")
    if grid.dots:
        color_of = alt.when("datum.kind === 'cpu'").then(alt.value(CPU)).otherwise(alt.value(GPU))
        place = dots.transform_calculate(x="datum.intensity", y="datum.rate / 1e9")
        layers.append(place.mark_point(filled=True, size=40, opacity=1, clip=True).encode(x=x, y=y, color=color_of))
    layers += [_ring(kind, x, y) for kind, _ in _SIDES]
    return alt.layer(*layers).properties(width=_LEFT, height=_HEIGHT, title="Under the roof, by batch size")


def _ridge(grid: Any, x: alt.X) -> list[alt.Chart]:  # noqa: ANN401
    """Return the line where both roofs of the GPU meet, and the batch that gets there."""
    ridge = alt.Chart().transform_filter(_HERE).transform_calculate(x=f"{grid.gpu_roof.ridge:.4g}")
    # Far to the right there is no room for words on the right of it.
    side = {"dx": -6, "align": "right"} if grid.gpu_roof.ridge > 60 else {"dx": 6}
    beside = text_style(MUTED, 11, **side) | {"lineBreak": "\n", "lineHeight": 14}
    return [
        ridge.mark_rule(color=LAUNCH).encode(x=x, y=alt.value(0), y2=alt.value(_HEIGHT)),
        ridge.mark_text(**beside).encode(x=x, y=alt.value(_HEIGHT - 42), text="ridge:N"),
    ]


def _roof(kind: str, color: str, roof: Any, x: alt.X, y: alt.Y) -> list[alt.Chart]:  # noqa: ANN401
    """Return the roof of one machine: up from memory, flat at the peak, and dashed the second one of its cache."""
    peak = roof.flops_per_s

    def corner(flops_per_byte: float, bytes_per_s: float) -> dict[str, float]:
        rate = min(peak, flops_per_byte * bytes_per_s)
        return {"x": four_digits(flops_per_byte), "y": four_digits(rate / 1e9)}

    memory, cache = roof.memory_bytes_per_s, roof.cache_bytes_per_s
    solid = [corner(at, memory) for at in (_FEWEST, roof.ridge, _MOST)]
    dashed = [corner(at, cache) for at in (_FEWEST, peak / cache)]
    end = [{**corner(_MOST, memory), "name": kind.upper()}]
    named = [{**corner(peak / cache / 3, cache), "name": "from cache" if kind == "gpu" else ""}]
    edge = alt.Chart(alt.Data(values=end)).mark_text(**text_style(color, 12, dx=-4, dy=-9, weight="bold"))
    inside = alt.Chart(alt.Data(values=named)).mark_text(**text_style(color, 11, dx=-8), clip=True)
    return [
        alt.Chart(alt.Data(values=dashed)).mark_line(color=color, strokeDash=[3, 3], clip=True).encode(x=x, y=y),
        alt.Chart(alt.Data(values=solid)).mark_line(color=color, strokeWidth=3, clip=True).encode(x=x, y=y),
        _right_aligned(edge).encode(x=x, y=y, text="name:N"),
        _right_aligned(inside).encode(x=x, y=y, text="name:N"),
    ]


def _right_aligned(text: alt.Chart) -> alt.Chart:
    text.mark.align = "right"
    return text


def _path(kind: str, color: str, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """Return the way of a layer from one sample to the largest batch."""
    at = (
        alt.Chart()
        .transform_filter(_PATH)
        .transform_calculate(x=f"datum.{kind}_intensity", y=f"datum.{kind}_rate / 1e9")
    )
    style = {"color": color, "opacity": 0.7, "strokeDash": [6, 3], "clip": True}
    named = at.transform_filter("datum.batch_log2 % 4 === 0").transform_calculate(name=count_label("datum.batch_log2"))
    words = text_style(color, 11, dx=8, dy=9)
    return [
        at.mark_line(**style).encode(x=x, y=y, order="batch_log2:Q"),
        at.mark_point(color=color, size=24, strokeWidth=1.5, fill="white", opacity=1, clip=True).encode(x=x, y=y),
        named.mark_text(**words, clip=True).encode(x=x, y=y, text="name:N"),
    ]


def _ring(kind: str, x: alt.X, y: alt.Y) -> alt.Chart:
    here = alt.Chart().transform_filter(_HERE)
    at = here.transform_calculate(x=f"datum.{kind}_intensity", y=f"datum.{kind}_rate / 1e9")
    ring: alt.Chart = at.mark_point(**_RING).encode(x=x, y=y)
    return ring


def _moved() -> alt.LayerChart:
    """Return the bytes of one call, shared out: weights, batch and outputs."""
    fields: list[str | alt.FieldName] = [f"{name}_bytes" for name, _ in _MOVED]
    folded = (
        alt.Chart()
        .transform_filter(_HERE)
        .transform_fold(fields, as_=["part", "size"])
        .transform_calculate(
            place=f"indexof({fields}, datum.part)", name="replace(datum.part, '_bytes', '')", said=_BYTES
        )
    )
    colors = alt.Color("part:N", legend=None, scale=alt.Scale(domain=fields, range=[blue for _, blue in _MOVED]))
    whole = alt.Scale(domain=[0, 1], nice=False)
    order = [alt.SortField("place", "ascending")]
    bar = (
        folded.transform_stack(stack="size", as_=["from", "to"], groupby=["batch_log2"], sort=order, offset="normalize")
        .mark_bar(stroke="white", strokeWidth=1)
        .encode(x=alt.X("from:Q", scale=whole, axis=None), x2="to:Q", y=alt.value(0), y2=alt.value(28), color=colors)
    )
    column = folded.transform_calculate(left="datum.place / 3")
    x = alt.X("left:Q", scale=whole, axis=None)
    square = column.mark_square(size=80, opacity=1).encode(x=x, xOffset=alt.value(5), y=alt.value(44), color=colors)
    name = column.mark_text(**text_style(MUTED, 12, dx=14)).encode(x=x, y=alt.value(44), text="name:N")
    size = column.mark_text(**text_style(INK, 12)).encode(x=x, y=alt.value(62), text="said:N")
    return alt.layer(bar, square, name, size).properties(width=_RIGHT, height=66, title="What moves", view=_NO_FRAME)


#: A Vega expression that writes ``datum.size`` as `gpu_lessons.units.format_bytes` does.
_BYTES = (
    "datum.size < 999.5 ? format(datum.size, '') + ' B' : "
    "datum.size < 999.5e3 ? format(datum.size / 1e3, ',.3~r') + ' kB' : "
    "datum.size < 999.5e6 ? format(datum.size / 1e6, ',.3~r') + ' MB' : format(datum.size / 1e9, ',.3~r') + ' GB'"
)


def _words() -> alt.LayerChart:
    """Return the sentence on how often each weight is used."""
    style = text_style(INK, 12) | {"lineBreak": "\n", "lineHeight": 17}
    said = alt.Chart().transform_filter(_HERE).mark_text(**style).encode(x=alt.value(0), y=alt.value(8), text="words:N")
    return alt.layer(said).properties(width=_RIGHT, height=50, view=_NO_FRAME)


def _sample() -> alt.LayerChart:
    """Return the time that one sample of the batch costs: it falls as long as the weights are what is waited for."""
    x = alt.X(
        "batch_log2:Q",
        title="batch size",
        scale=alt.Scale(domain=[-0.5, 12.5], nice=False),
        axis=alt.Axis(grid=False, values=list(range(0, 13, 4)), labelExpr=count_label("datum.value")),
    )
    axis = alt.Axis(values=[10.0**e for e in range(-9, 3)], labelExpr=vega_time("datum.value"))
    layers = []
    for kind, color in _SIDES:
        y = alt.Y(f"{kind}_sample_s:Q", title=None, scale=alt.Scale(type="log", nice=True), axis=axis)
        path = alt.Chart().transform_filter(_PATH)
        last = path.transform_filter("datum.batch_log2 === 12")
        words = text_style(color, 12, dy=-10, dx=4, align="right", weight="bold")
        layers += [
            path.mark_line(color=color, strokeWidth=2.5, strokeDash=[8, 3]).encode(x=x, y=y),
            alt.Chart().transform_filter(_HERE).mark_point(**_RING).encode(x=x, y=y),
            last.mark_text(text=kind.upper(), **words).encode(x=same_axis(x, "batch_log2:Q"), y=y),
        ]
    return alt.layer(*layers).properties(width=_RIGHT, height=140, title="Time for one sample of the batch")
