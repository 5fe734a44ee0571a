"""The figure of lesson 02: host time above, device time below, and what a clock measured of them."""

from __future__ import annotations

import altair as alt

from gpu_lessons.charts.call_record import CLOCKS, CallRecord
from gpu_lessons.charts.composition import compose, same_axis
from gpu_lessons.charts.theme import (
    COMPUTE,
    COPY_IN,
    COPY_OUT,
    CPU,
    GPU,
    INK,
    LAUNCH,
    MUTED,
    text_style,
    vega_time,
)

__all__ = ["timeline_chart"]

_WIDE = 760
#: Room at the right for the last label of an axis.
_MARGIN = 30
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
_HERE = "datum.batch_log2 === batch_log2 && datum.clock === clock"
_NO_FRAME = alt.ViewConfig(stroke="transparent")
#: Launches that fit into the enlarged part.
_LAUNCHES_SHOWN = 5
_PIXELS_A_LETTER = 7


def timeline_chart(record: CallRecord, *, batch_log2: int, clock: int, sliders: bool) -> alt.TopLevelSpec:
    """Return the figure; its parameters ``batch_log2`` and ``clock`` choose the call.

    Parameters
    ----------
    record : CallRecord
        What to show.
    batch_log2, clock : int
        The call shown first: its batch as a power of two, and the place of its timing in ``CLOCKS``.
    sliders : bool
        Whether the chart carries its own controls, for pages without a kernel.
    """
    enlarged_s = _LAUNCHES_SHOWN * record.launch_s
    return compose(
        _headline(),
        [[_timeline("The whole call", None), _timeline("Its beginning, enlarged", enlarged_s)]],
        rows=record.rows(),
        parameters=_parameters(record, batch_log2, clock, sliders),
        sentence=record.sentence(record.at(batch_log2, clock)),
        spacing=18,
    )


def _parameters(record: CallRecord, batch_log2: int, clock: int, sliders: bool) -> list[alt.VariableParameter]:
    if not sliders:
        return [
            alt.VariableParameter(name="batch_log2", value=batch_log2),
            alt.VariableParameter(name="clock", value=clock),
        ]
    batches = [call.batch_log2 for call in record.calls]
    size = alt.binding_range(min=min(batches), max=max(batches), step=1, name="batch size: 2 to the power of ")
    choice = alt.binding_select(options=list(range(len(CLOCKS))), labels=list(CLOCKS), name="the clock is read ")
    return [
        alt.VariableParameter(name="batch_log2", value=batch_log2, bind=size),
        alt.VariableParameter(name="clock", value=clock, bind=choice),
    ]


def _here() -> alt.Chart:
    return alt.Chart().transform_filter(_HERE)


def _clock_color() -> alt.Condition | dict[str, object]:
    """Return the colour of what the clock read: the device's where it waited, else the host's."""
    return alt.when("datum.waited").then(alt.value(GPU)).otherwise(alt.value(CPU))


def _headline() -> alt.LayerChart:
    left = alt.value(0)
    layers = [
        _here()
        .mark_text(**text_style(GPU, 22, weight="bold"))
        .encode(x=left, y=alt.value(14), text="headline:N", color=_clock_color()),
        _here().mark_text(**text_style(INK, 15)).encode(x=left, y=alt.value(42), text="line:N"),
        _here().mark_text(**text_style(MUTED, 12)).encode(x=left, y=alt.value(66), text="setting:N"),
    ]
    return alt.layer(*layers).properties(width=_WIDE + _MARGIN, height=84, view=_NO_FRAME)


def _timeline(title: str, until_s: float | None) -> alt.LayerChart:
    """Return both rows of blocks and the readings of the clock; only the first ``until_s`` seconds where given."""
    scale = alt.Scale(nice=False, zero=True) if until_s is None else alt.Scale(nice=False, domain=[0, until_s])
    label = f"datum.value === 0 ? '0' : {vega_time('datum.value')}"
    x = alt.X("start_s:Q", title=None, scale=scale, axis=alt.Axis(grid=False, tickCount=6, labelExpr=label))
    layers = [*_blocks(x, until_s), *_clock(x), *_row_names()]
    return alt.layer(*layers).properties(width=_WIDE, height=_HEIGHT, title=title, view=_NO_FRAME)


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
            pixels=f"(datum.shown_s - datum.start_s) / {reach} * {_WIDE}",
            fill=_by_kind(0),
            ink=_by_kind(1),
            # A white edge would hide a block that is hardly wider than it.
            edge=f"datum.pixels > 6 ? {_by_kind(2)} : datum.fill",
        )
        .transform_filter("datum.start_s < datum.shown_s")
    )
    tooltip = [alt.Tooltip("name:N", title="what"), alt.Tooltip("took:N", title="takes")]
    boxes = blocks.mark_rect(strokeWidth=1, clip=True).encode(
        x=x,
        x2="end_s:Q",
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


def _clock(x: alt.X) -> list[alt.Chart]:
    """Mark both readings, the time between them, and what the clock said."""
    readings = _here().transform_calculate(
        start_s="0",
        top=f"{_CLOCK_Y}",
        bottom=f"{_HEIGHT}",
        said="'your clock: ' + datum.read",
    )
    color = _clock_color()
    stop = same_axis(x, "stop_s:Q")
    line = readings.mark_rule(strokeWidth=4, clip=True).encode(x=x, x2="stop_s:Q", y=_y("top"), color=color)
    layers = [line]
    for at in (x, stop):
        rule = readings.mark_rule(strokeWidth=2, clip=True)
        layers.append(rule.encode(x=at, y=_y("top"), y2="bottom:Q", color=color))
    said = readings.mark_text(**text_style(INK, 13, weight="bold", dy=-14)).encode(
        x=x, y=_y("top"), text="said:N", color=color
    )
    return [*layers, said]


def _row_names() -> list[alt.Chart]:
    rows = [{"of": row, "center": sum(edges) / 2} for row, edges in _ROWS.items()]
    names = alt.Chart(alt.Data(values=rows)).mark_text(**text_style(INK, 13, dx=-10, align="right", weight="bold"))
    return [names.encode(x=alt.value(0), y=_y("center"), text="of:N")]
