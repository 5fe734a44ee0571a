"""The figure of lesson 10: a convolution's time by method and machine, by filter size, and under the GPU's roof."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from gpu_lessons.charts.composition import Panels, chosen_row
from gpu_lessons.charts.theme import (
    COPY_IN,
    CPU,
    CPU_WORDS,
    GPU,
    INK,
    MEMORY_BLUES,
    MUTED,
    WARNING,
    four_digits,
    text_style,
    vega_time,
)

__all__ = ["convolution_chart"]

_LEFT, _RIGHT, _GAP = 360, 300, 170
_HERE = chosen_row("width_log2", "channels_log2", "kernel", "batch_log2")
_PATH = chosen_row("width_log2", "channels_log2", "batch_log2")
_NO_FRAME = alt.ViewConfig(stroke="transparent")
#: Each method has a colour and a mark of its own, and so has the dense layer beside them.
_METHODS = ((MUTED, "square"), (GPU, "circle"), (INK, "diamond"), (COPY_IN, "triangle-up"))
_DENSE = (MEMORY_BLUES[1], "cross")
#: Pixels of a method's row, and of its name and its times below the top of it.
_ROW, _NAME_AT, _TIME_AT = 52, 12, 34
#: FLOP a byte at both ends of the axis.
_FEWEST, _MOST = 0.1, 50_000.0


def convolution_chart(grid: Any) -> Panels:  # noqa: ANN401
    """Return the panels of the figure.

    Parameters
    ----------
    grid : ConvolutionGrid
        Its rows, its ways, the roof of the GPU, and who is compared. The parameters ``width_log2``,
        ``channels_log2``, ``kernel`` and ``batch_log2`` choose a row.
    """
    color = alt.when("datum.cpu_wins").then(alt.value(CPU)).otherwise(alt.value(GPU))
    return Panels(
        columns=[[_methods(grid), _by_kernel(grid)], [_roof(grid), _uses()]],
        width=_LEFT + _RIGHT + _GAP,
        names=[(CPU, grid.cpu_name), (GPU, grid.gpu_name)],
        color=color,
        spacing=24,
    )


def _here() -> alt.Chart:
    return alt.Chart().transform_filter(_HERE)


def _folded(rows: alt.Chart, fields: Sequence[str]) -> alt.Chart:
    """Return a row for each of the fields, numbered by ``place``: its name as ``field``, its ``value``."""
    folded: alt.Chart = rows.transform_fold(list(fields), as_=["field", "value"])
    return folded.transform_calculate(place=f"indexof({list(fields)}, datum.field)")


def _looks() -> dict[str, Any]:
    """Return colour and mark of a method, the same in every panel."""
    looks = {
        **{f"gpu{place}": look for place, look in enumerate(_METHODS)},
        **{f"{name}_intensity": look for name, look in zip(("stored", "fly"), _METHODS[:2], strict=True)},
        "dense_intensity": _DENSE,
        "dense_uses": _DENSE,
        "uses": _METHODS[1],
    }
    colors, shapes = ([look[place] for look in looks.values()] for place in range(2))
    return {
        "color": alt.Color("field:N", legend=None, scale=alt.Scale(domain=list(looks), range=colors)),
        "shape": alt.Shape("field:N", legend=None, scale=alt.Scale(domain=list(looks), range=shapes)),
    }


def _methods(grid: Any) -> alt.LayerChart:  # noqa: ANN401
    """Return a row for each method: its time on the CPU and on the GPU, the shorter one's words left of its dot."""
    ways, rows = list(grid.ways), grid.rows()
    fields = [f"{kind}{place}" for kind in ("cpu", "gpu") for place in range(len(ways))]
    known = [row[field] for row in rows for field in fields if field in row]
    decades = range(math.floor(math.log10(min(known))) - 1, math.ceil(math.log10(max(known))) + 2)
    height = _ROW * len(ways)
    x = alt.X(
        "value:Q",
        title=None,
        scale=alt.Scale(type="log", domain=[10.0 ** decades[0], 10.0 ** decades[-1]], nice=False),
        axis=alt.Axis(values=[10.0**e for e in decades[1:-1:2]], labelExpr=vega_time("datum.value")),
    )
    y = alt.Y("at:Q", axis=None, scale=alt.Scale(domain=[height, 0], nice=False))
    times = (
        _folded(_here(), fields)
        .transform_filter("isValid(datum.value)")
        .transform_calculate(
            at=f"{_TIME_AT} + {_ROW} * (datum.place % {len(ways)})",
            band="datum[datum.field + '_band']",
            other="datum[(slice(datum.field, 0, 3) === 'gpu' ? 'cpu' : 'gpu') + slice(datum.field, 3)]",
            said=vega_time("datum.value"),
        )
        .transform_calculate(low="datum.value / datum.band", high="datum.value * datum.band")
    )
    is_cpu = alt.when("slice(datum.field, 0, 3) === 'cpu'")
    color = is_cpu.then(alt.value(CPU)).otherwise(alt.value(GPU))
    word_color = is_cpu.then(alt.value(CPU_WORDS)).otherwise(alt.value(GPU))
    band = times.transform_filter("isValid(datum.band)").mark_rule(strokeWidth=9, opacity=0.25)
    dots = times.mark_point(fill="white", size=90, strokeWidth=2.5, opacity=1)
    layers = [
        *_method_names(ways, y),
        band.encode(x=alt.X("low:Q"), x2="high:Q", y=y, color=color),
        dots.encode(x=x, y=y, color=color),
    ]
    for when, dx, align in (("datum.value < datum.other", -9, "right"), ("!(datum.value < datum.other)", 9, "left")):
        words = times.transform_filter(when).mark_text(**text_style(INK, 12, dx=dx, align=align, weight="bold"))
        layers.append(words.encode(x=x, y=y, text="said:N", color=word_color))
    return alt.layer(*layers).properties(width=_LEFT, height=height, title="One layer, by method")


def _method_names(ways: list[str], y: alt.Y) -> list[alt.Chart]:
    """Return the names with their marks, and right of them why one has no time on the GPU."""
    fields = [f"gpu{place}" for place in range(len(ways))]
    named = _folded(_here(), fields).transform_calculate(
        at=f"{_NAME_AT} + {_ROW} * datum.place", name=f"{ways}[datum.place]", full="datum['full' + datum.place]"
    )
    missing = named.transform_filter("!isValid(datum.value)").transform_calculate(
        said="isValid(datum.full) ? 'does not fit: ' + datum.full : 'for 3 × 3 filters only'"
    )
    color = alt.when("isValid(datum.full)").then(alt.value(WARNING)).otherwise(alt.value(MUTED))
    return [
        named.mark_point(filled=True, size=60, opacity=1).encode(x=alt.value(6), y=y, **_looks()),
        named.mark_text(**text_style(INK, 12, dx=14, weight="bold")).encode(x=alt.value(0), y=y, text="name:N"),
        missing.mark_text(**text_style(MUTED, 12, dx=-2, align="right")).encode(
            x=alt.value(_LEFT), y=y, text="said:N", color=color
        ),
    ]


def _by_kernel(grid: Any) -> alt.LayerChart:  # noqa: ANN401
    """Return the GPU's time of each method over the size of the filters."""
    fields = [f"gpu{place}" for place in range(len(grid.ways))]
    x = alt.X(
        "kernel:O",
        title="filter size",
        scale=alt.Scale(domain=list(grid.kernels), padding=0.3),
        axis=alt.Axis(labelAngle=0, labelExpr="datum.value + ' × ' + datum.value"),
    )
    axis = alt.Axis(values=[10.0**e for e in range(-7, 5)], labelExpr=vega_time("datum.value"))
    y = alt.Y("value:Q", title=None, scale=alt.Scale(type="log", nice=True), axis=axis)
    known = _folded(alt.Chart().transform_filter(_PATH), fields).transform_filter("isValid(datum.value)")
    looks = _looks()
    layers = [
        _here().mark_rule(color=MUTED, strokeDash=[2, 3]).encode(x=x),
        known.mark_line(strokeWidth=2, strokeDash=[8, 3]).encode(x=x, y=y, color=looks["color"]),
        known.mark_point(filled=True, size=60, opacity=1).encode(x=x, y=y, **looks),
    ]
    return alt.layer(*layers).properties(width=_LEFT, height=140, title="Time on the GPU, by filter size")


def _roof(grid: Any) -> alt.LayerChart:  # noqa: ANN401
    """Return the best that each kind of layer can reach on the GPU, by the FLOP it does for a byte."""
    peak, rate = grid.roof.flops_per_s, grid.roof.memory_bytes_per_s
    x = alt.X(
        "value:Q",
        title="FLOP for each byte moved",
        scale=alt.Scale(type="log", domain=[_FEWEST, _MOST], nice=False),
        axis=alt.Axis(values=[0.1, 1, 10, 100, 1000, 10000], labelExpr="format(datum.value, ',')"),
    )
    ends = [four_digits(_FEWEST * rate / 1e9), four_digits(3 * peak / 1e9)]
    y = alt.Y(
        "rate:Q",
        title="GFLOP/s",
        scale=alt.Scale(type="log", domain=ends, nice=False),
        axis=alt.Axis(values=[10.0**e for e in range(7)], labelExpr="format(datum.value, ',')"),
    )
    corners = [
        {"value": four_digits(at), "rate": four_digits(min(peak, at * rate) / 1e9)}
        for at in (_FEWEST, grid.roof.ridge, _MOST)
    ]
    fields = ("dense_intensity", "stored_intensity", "fly_intensity")
    at = _folded(_here(), fields).transform_calculate(
        rate=f"min({peak:.4g}, datum.value * {rate:.4g}) / 1e9",
        name=f"{['dense layer', *grid.ways[:2]]}[datum.place]",
    )
    layers = [
        alt.Chart(alt.Data(values=corners)).mark_line(color=GPU, strokeWidth=3).encode(x=x, y=y),
        at.mark_point(filled=True, size=110, opacity=1).encode(x=x, y=y, **_looks()),
    ]
    # Below the slope, above the flat part: both may lie close together at the ridge.
    ridge = f"datum.value < {grid.roof.ridge:.4g}"
    places = (
        (f"datum.place < 2 && {ridge}", 10, 14, "left"),
        (f"datum.place < 2 && !({ridge})", 0, 16, "center"),
        (f"datum.place === 2 && {ridge}", -10, -8, "right"),
        (f"datum.place === 2 && !({ridge})", 0, -14, "center"),
    )
    for when, dx, dy, align in places:
        words = at.transform_filter(when).mark_text(**text_style(INK, 12, dx=dx, dy=dy, align=align))
        layers.append(words.encode(x=x, y=y, text="name:N"))
    return alt.layer(*layers).properties(width=_RIGHT, height=250, title="Under the roof of the GPU")


def _uses() -> alt.LayerChart:
    """Return how often each weight is used, in a dense layer and here."""
    fields = ("dense_uses", "uses")
    used = _folded(_here(), fields).transform_calculate(
        one="0.5",
        at="28 + 40 * datum.place",
        above="16 + 40 * datum.place",
        said="['dense layer', 'this layer'][datum.place] + ': ' + format(datum.value, ',')"
        " + (datum.value === 1 ? ' time' : ' times')",
    )
    x = alt.X("one:Q", axis=None, scale=alt.Scale(type="log", domain=[0.5, 2e10], nice=False))
    scale = alt.Scale(domain=[90, 0], nice=False)
    bars = used.mark_rule(strokeWidth=12).encode(
        x=x, x2="value:Q", y=alt.Y("at:Q", axis=None, scale=scale), color=_looks()["color"]
    )
    words = used.mark_text(**text_style(INK, 12)).encode(x=alt.value(0), y=alt.Y("above:Q"), text="said:N")
    return alt.layer(bars, words).properties(
        width=_RIGHT, height=90, title="How often a weight is used", view=_NO_FRAME
    )
