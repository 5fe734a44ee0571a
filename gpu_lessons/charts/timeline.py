"""The figure of lesson 02: host time above, device time below, and what a clock measured of them."""

from __future__ import annotations

from typing import Any

import altair as alt

from gpu_lessons.charts.call_record import CallRecord
from gpu_lessons.charts.composition import Panels, chosen_row, same_axis
from gpu_lessons.charts.theme import (
    COMPUTE,
    COPY_IN,
    COPY_OUT,
    CPU,
    CPU_WORDS,
    GPU,
    INK,
    LAUNCH,
    MUTED,
    text_style,
    vega_time,
)

__all__ = ["timeline_chart"]

#: Pixels of the time axis, a Vega expression: what the page leaves beside the names of the rows.
_REACH = "(narrow ? 330 : 720)"
_CLOCK_Y, _HEIGHT = 30, 150
#: Top and bottom of each row of blocks, in pixels.
_ROWS = {"host": (44, 84), "device": (98, 138)}
#: Fill, text and outline of each kind of block. Waiting is hollow: nobody works.
_KINDS = {
    "launch": (LAUNCH, INK, "white"),
    "wait": ("white", MUTED, LAUNCH),
    "copy": (COPY_IN, "white", "white"),  # the host's own, into pinned memory
    "kernels": (COMPUTE, "white", "white"),
    "copy in": (COPY_IN, "white", "white"),
    "copy out": (COPY_OUT, INK, "white"),
}
_HERE = chosen_row("batch_log2", "clock")
_NO_FRAME = alt.ViewConfig(stroke="transparent")
#: Launches that fit into the enlarged part.
_LAUNCHES_SHOWN = 5
_PIXELS_A_LETTER = 7


def timeline_chart(record: CallRecord) -> Panels:
    """Return the panels of the figure; the parameters ``batch_log2`` and ``clock`` choose the call."""
    enlarged_s = _LAUNCHES_SHOWN * record.launch_s
    return Panels(
        columns=[[_timeline("The whole call", None), _timeline("Its beginning, enlarged", enlarged_s)]],
        width=794,
        names=[(GPU, record.gpu)],
        color=_clock_color(),
        spacing=18,
    )


def _here() -> alt.Chart:
    return alt.Chart().transform_filter(_HERE)


def _clock_color(too_early: str = CPU) -> alt.Condition | dict[str, object]:
    """Return the colour of what the clock read: the device's where it waited, else ``too_early``."""
    return alt.when("datum.waited").then(alt.value(GPU)).otherwise(alt.value(too_early))


def _timeline(title: str, until_s: float | None) -> alt.LayerChart:
    """Return both rows of blocks and the readings of the clock; only the first ``until_s`` seconds where given."""
    pixels: list[Any] = [0, alt.ExprRef(_REACH)]
    domain = alt.Undefined if until_s is None else [0, until_s]
    scale = alt.Scale(nice=False, zero=True, domain=domain, range=pixels)
    label = f"datum.value === 0 ? '0' : {vega_time('datum.value')}"
    x = alt.X("start_s:Q", title=None, scale=scale, axis=alt.Axis(grid=False, tickCount=6, labelExpr=label))
    layers = [*_blocks(x, until_s), *_clock(x, until_s), *_row_names()]
    return alt.layer(*layers).properties(width=1, height=_HEIGHT, title=title, view=_NO_FRAME)


def _y(field: str) -> alt.Y:
    """Return pixels from the top as an axis."""
    return alt.Y(f"{field}:Q", scale=alt.Scale(domain=[0, _HEIGHT], range=[0, _HEIGHT]), axis=None)


def _by_kind(place: int) -> str:
    """Return a Vega expression for one of the colours of a block."""
    return f"{ {kind: colors[place] for kind, colors in _KINDS.items()} }[datum.kind]"


def _blocks(x: alt.X, until_s: float | None) -> list[alt.Chart]:
    tops, bottoms = ({row: edges[place] for row, edges in _ROWS.items()} for place in (0, 1))
    reach = "max(datum.done_s, datum.stop_s)" if until_s is None else f"{until_s:.4g}"
    blocks = (
        _here()
        .transform_flatten(["name", "row", "kind", "took", "start_s", "end_s"])
        .transform_calculate(
            top=f"{tops}[datum.row]",
            bottom=f"{bottoms}[datum.row]",
            read_aloud="datum.name + ' on the ' + datum.row + ', ' + datum.took",
            shown_s=f"min(datum.end_s, {reach})",
            middle_s="(datum.start_s + datum.shown_s) / 2",
            pixels=f"(datum.shown_s - datum.start_s) / {reach} * {_REACH}",
            fill=_by_kind(0),
            ink=_by_kind(1),
            # A white edge would hide a block that is hardly wider than it.
            edge=f"datum.pixels > 6 ? {_by_kind(2)} : datum.fill",
        )
        .transform_filter("datum.start_s < datum.shown_s")
    )
    tooltip = [alt.Tooltip("name:N", title="what"), alt.Tooltip("took:N", title="takes")]
    boxes = blocks.mark_rect(strokeWidth=1).encode(
        x=x,
        x2="shown_s:Q",
        y=_y("top"),
        y2="bottom:Q",
        fill=alt.Fill("fill:N", scale=None),
        stroke=alt.Stroke("edge:N", scale=None),
        tooltip=tooltip,
        description="read_aloud:N",
    )
    layers = [boxes]
    for line, dy in (("name", -8), ("took", 8)):
        fits = f"datum.pixels > {_PIXELS_A_LETTER} * max(length(datum.name), length(datum.took))"
        text = blocks.transform_filter(fits).transform_calculate(center="(datum.top + datum.bottom) / 2")
        layers.append(
            text.mark_text(**text_style(INK, 12, dy=dy, align="center")).encode(
                x=same_axis(x, "middle_s:Q"), y=_y("center"), text=f"{line}:N", color=alt.Color("ink:N", scale=None)
            )
        )
    return layers


def _clock(x: alt.X, until_s: float | None) -> list[alt.Chart]:
    """Mark both readings, the time between them, and what the clock said."""
    readings = _here().transform_calculate(
        start_s="0",
        top=f"{_CLOCK_Y}",
        bottom=f"{_HEIGHT}",
        said="'your clock: ' + datum.read",
        shown_s="datum.stop_s" if until_s is None else f"min(datum.stop_s, {until_s:.4g})",
    )
    color = _clock_color()
    stop = same_axis(x, "stop_s:Q")
    line = readings.mark_rule(strokeWidth=4).encode(x=x, x2="shown_s:Q", y=_y("top"), color=color)
    layers = [line]
    in_sight = readings.transform_filter("datum.shown_s === datum.stop_s")
    for at, reading in ((x, readings), (stop, in_sight)):
        rule = reading.mark_rule(strokeWidth=2)
        layers.append(rule.encode(x=at, y=_y("top"), y2="bottom:Q", color=color))
    said = readings.mark_text(**text_style(INK, 13, weight="bold", dy=-14)).encode(
        x=x, y=_y("top"), text="said:N", color=_clock_color(CPU_WORDS), description="said:N"
    )
    return [*layers, said]


def _row_names() -> list[alt.Chart]:
    rows = [{"of": row, "center": sum(edges) / 2} for row, edges in _ROWS.items()]
    names = alt.Chart(alt.Data(values=rows)).mark_text(**text_style(INK, 13, dx=-10, align="right", weight="bold"))
    return [names.encode(x=alt.value(0), y=_y("center"), text="of:N")]
