"""The figure of lesson 06: a ladder from no crossing to many, copies beside kernels in time, and who wins where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from gpu_lessons.charts.composition import Panels, chosen_row, same_axis
from gpu_lessons.charts.speedup_cells import Side, speedup_cells
from gpu_lessons.charts.theme import (
    COMPUTE,
    COPY_IN,
    COPY_OUT,
    CPU,
    GPU,
    INK,
    MUTED,
    WARNING,
    count_label,
    text_style,
    vega_factor,
    vega_time,
)

__all__ = ["crossing_chart"]

_LEFT, _RIGHT, _GAP = 350, 330, 152
_SIZE = chosen_row("batch_log2", "width_log2")
_HERE = chosen_row("batch_log2", "width_log2", "link", "crossing")
_NO_FRAME = alt.ViewConfig(stroke="transparent")
#: Seconds of a step by who is busy with it: column, words, colour, and the middle of its row in a timeline.
_PARTS = (("in_s", "copy in", COPY_IN, 14), ("work_s", "kernels", COMPUTE, 44), ("out_s", "copy out", COPY_OUT, 74))
_TALL, _BLOCK = 88, 22
#: What a timeline shows: so many steps, or layers where each of them crosses.
_SHOWN = 4
_STEP = "datum.in_s + datum.work_s + datum.out_s"


def crossing_chart(grid: Any) -> Panels:  # noqa: ANN401
    """Return the panels of the figure.

    Parameters
    ----------
    grid : CrossingGrid
        Its rows, its ways to cross, the line of break-even, and who is compared. The parameters ``batch_log2``,
        ``width_log2``, ``link`` and ``crossing`` choose a row.
    """
    color = alt.when("!datum.fits").then(alt.value(WARNING)).when(f"datum.cpu_s < {_STEP}").then(alt.value(CPU))
    return Panels(
        columns=[[_ladder(grid.ways), _map(grid.break_even())], [_timeline(1), _timeline(2), _streams()]],
        width=_LEFT + _RIGHT + _GAP,
        names=[(CPU, grid.cpu_name), (GPU, grid.gpu_name)],
        color=color.otherwise(alt.value(GPU)),
        spacing=22,
    )


def _ladder(ways: Sequence[str]) -> alt.LayerChart:
    """Return the time of a step for each way to cross, and the CPU's beside them."""
    steps = alt.Chart().transform_filter(f"{_SIZE} && datum.link === link && datum.fits")
    y = alt.Y("crossing:O", axis=None, scale=alt.Scale(domain=list(range(len(ways)))))
    seconds = f"datum.value === 0 ? '0' : {vega_time('datum.value')}"
    x = alt.X(
        "from:Q", title=None, scale=alt.Scale(nice=False, zero=True), axis=alt.Axis(tickCount=4, labelExpr=seconds)
    )
    fields: list[str | alt.FieldName] = [field for field, *_ in _PARTS]
    colors = alt.Color("part:N", legend=None, scale=alt.Scale(domain=fields, range=[color for *_, color, _ in _PARTS]))
    bars = (
        steps.transform_fold(fields, as_=["part", "size"])
        .transform_stack(stack="size", as_=["from", "to"], groupby=["crossing"])
        .mark_bar(height=14, yOffset=8)
        .encode(x=x, x2="to:Q", y=y, color=colors)
    )
    cpu = steps.mark_rule(color=CPU, strokeWidth=2).encode(x=same_axis(x, "cpu_s:Q"))
    named = steps.transform_calculate(
        end=_STEP, factor=vega_factor(f"datum.cpu_s / ({_STEP})"), way=f"{list(ways)}[datum.crossing]"
    )
    layers = [bars, cpu]
    for sign, weight in (("===", "bold"), ("!==", "normal")):
        rows = named.transform_filter(f"datum.crossing {sign} crossing")
        way = rows.mark_text(**text_style(INK, 12, dx=2, dy=-8, weight=weight))
        factor = rows.mark_text(**text_style(INK, 12, dx=5, dy=8, weight=weight))
        layers += [
            way.encode(x=alt.value(0), y=y, text="way:N"),
            factor.encode(x=same_axis(x, "end:Q"), y=y, text="factor:N"),
        ]
    return alt.layer(*layers).properties(
        width=_LEFT, height=40 * len(ways), title="One step, by when its numbers cross"
    )


def _map(level: list[dict[str, Any]]) -> alt.LayerChart:
    """Return the speed-up for every batch and width, and the line where both machines take equally long."""
    ratio = f"datum.cpu_s / ({_STEP})"
    cells = speedup_cells(
        Side("batch_log2", "batch size", range(0, 13, 3), count_label("datum.value")),
        Side("width_log2", "layer width", range(7, 14, 2), count_label("datum.value")),
        ratio=ratio,
        told=ratio,
        shown="datum.link === link && datum.crossing === crossing",
        chosen=_SIZE,
        level=level,
    )
    return cells.properties(width=_LEFT, height=150)


def _timeline(streams: int) -> alt.LayerChart:
    """Return copies and kernels in time: in one stream each waits for the last, in two a copy need not."""
    # In a network each layer needs the one before, in whichever stream: nothing overlaps inside a step.
    blocks = _units().transform_calculate(
        overlaps=f"{'true' if streams == 2 else 'false'} && crossing < {_EACH_LAYER}",
        whole=f"{_SHOWN} * ({_STEP})",
        i=f"sequence({_SHOWN})",
    )
    starts = {
        "in_s": "datum.overlaps ? datum.i * datum.in_s : datum.i * (%s)",
        "work_s": "datum.in_s + (datum.overlaps ? datum.i * max(datum.in_s, datum.work_s) : datum.i * (%s))",
        "out_s": "datum.in_s + datum.work_s + (datum.overlaps ? datum.i * max(datum.in_s, datum.work_s, datum.out_s)"
        " : datum.i * (%s))",
    }
    seconds = f"datum.value === 0 ? '0' : {vega_time('datum.value')}"
    x = alt.X(
        "start:Q",
        title=None,
        scale=alt.Scale(nice=False, zero=True),
        axis=alt.Axis(grid=False, tickCount=4, labelExpr=seconds),
    )
    layers = []
    for field, name, color, middle in _PARTS:
        rows = (
            blocks.transform_flatten(["i"])
            .transform_filter(f"datum.{field} > 0")
            .transform_calculate(start=starts[field] % _STEP, end=f"datum.start + datum.{field}")
        )
        box = rows.mark_rect(stroke="white", strokeWidth=1, color=color)
        edges = {"y": alt.value(middle - _BLOCK / 2), "y2": alt.value(middle + _BLOCK / 2)}
        label = alt.Chart(alt.Data(values=[{"of": name}])).mark_text(**text_style(MUTED, 12, dx=-8, align="right"))
        layers += [
            box.encode(x=x, x2="end:Q", **edges),
            label.encode(x=alt.value(0), y=alt.value(middle), text="of:N"),
        ]
    done = blocks.transform_calculate(
        start=f"datum.overlaps ? {_STEP} + {_SHOWN - 1} * max(datum.in_s, datum.work_s, datum.out_s) : datum.whole",
        said=vega_time("datum.start"),
    )
    beside = text_style(INK, 12, weight="bold", dx=-6, align="right")
    edge = blocks.mark_rule(opacity=0).encode(x=same_axis(x, "whole:Q"))  # both timelines have one scale
    layers += [
        edge,
        done.mark_rule(color=INK, strokeWidth=2).encode(x=x, y=alt.value(0), y2=alt.value(_TALL)),
        done.mark_text(**beside, stroke="white", strokeWidth=4).encode(x=x, y=alt.value(8), text="said:N"),
        done.mark_text(**beside).encode(x=x, y=alt.value(8), text="said:N"),
    ]
    title = "One stream: each waits for the last" if streams == 1 else "Two streams, pinned memory"
    return alt.layer(*layers).properties(width=_RIGHT, height=_TALL, title=title, view=_NO_FRAME)


_EACH_LAYER = 3
#: Forward and backward through eight layers.
_PASSES = 16


def _units() -> alt.Chart:
    """Return the chosen row with the seconds of what a timeline counts: a step, or a layer where each crosses."""
    shown = alt.Chart().transform_filter(f"{_HERE} && datum.fits")
    parts = {field: f"datum.{field} / (crossing === {_EACH_LAYER} ? {_PASSES} : 1)" for field, *_ in _PARTS}
    # What is saved once an epoch is not in the first steps of one.
    parts["out_s"] = f"crossing === 1 ? 0 : {parts['out_s']}"
    units: alt.Chart = shown.transform_calculate(**parts)
    return units


def _streams() -> alt.LayerChart:
    """Return a sentence that says what the timelines show."""
    said = (
        f"crossing === {_EACH_LAYER} ? 'Four layers. Each needs the one before: no stream helps.' : "
        f"crossing === 2 ? 'Four steps. While one is computed, the next may cross.' : "
        f"'Four steps. Nothing crosses between them.'"
    )
    words = alt.Chart().transform_filter(_HERE).transform_calculate(said=said)
    text = words.mark_text(**text_style(MUTED, 12)).encode(x=alt.value(0), y=alt.value(6), text="said:N")
    return alt.layer(text).properties(width=_RIGHT, height=14, view=_NO_FRAME)
