"""The figure of lesson 04: tiles dealt to SMs wave by wave, and the staircase of times this makes."""

from __future__ import annotations

from collections.abc import Callable

import altair as alt

from gpu_lessons.charts.composition import Panels, chosen_row, same_axis
from gpu_lessons.charts.theme import GPU, INK, LAUNCH, text_style, vega_time
from gpu_lessons.charts.tile_grid import TileGrid

__all__ = ["inside_the_gpu_chart"]

#: Side of a tile and of an SM, in pixels: one fits on the other.
_CELL = 17
_COLUMNS, _ROWS = 20, 8
#: Pixels of a line of text above SMs or waves.
_LABEL = 24
_LEFT, _RIGHT, _WIDE = _CELL * _COLUMNS, 330, 814
_STRIP = 40
_WAVES_HEIGHT = 5 * _LABEL + 2 * _STRIP
#: Waves in turn, and the last one, darker in grey as well. A unit without a block is hollow.
_WAVES, _LAST = ("#a7d8d2", "#d3ece9"), GPU
_HERE = chosen_row("card", "neurons")
_NO_FRAME = alt.ViewConfig(stroke="transparent")


def inside_the_gpu_chart(grid: TileGrid) -> Panels:
    """Return the panels of the figure; the parameters ``card`` and ``neurons`` choose the point."""
    return Panels(
        columns=[[_tiles(grid), _units(grid)], [_staircase(grid), _waves()]],
        width=_WIDE,
        names=[(GPU, "named")],
        spacing=18,
    )


def _here() -> alt.Chart:
    return alt.Chart().transform_filter(_HERE)


def _each(count: str, name: str) -> alt.Chart:
    """Return one row for every whole number below the expression ``count`` at the chosen point."""
    return _here().transform_calculate(each=f"sequence({count})").transform_flatten(["each"], as_=[name])


def _wave_color(wave: str, waves: str) -> alt.Condition | dict[str, object]:
    return (
        alt.when(f"{wave} === {waves} - 1")
        .then(alt.value(_LAST))
        .when(f"{wave} % 2 === 0")
        .then(alt.value(_WAVES[0]))
        .otherwise(alt.value(_WAVES[1]))
    )


def _tiles(grid: TileGrid) -> alt.LayerChart:
    """Return the output of the layer, its tiles in the colors of their waves."""
    widest = max(point.neurons for point in grid.points)
    side = grid.batch_size / _ROWS
    x = alt.X(
        "left:Q",
        title="neurons",
        scale=alt.Scale(domain=[0, widest], nice=False),
        axis=alt.Axis(grid=False, values=list(range(0, widest + 1, 512))),
    )
    y = alt.Y(
        "top:Q",
        title="samples",
        scale=alt.Scale(domain=[grid.batch_size, 0], nice=False),
        axis=alt.Axis(grid=False, values=[grid.batch_size // 2, grid.batch_size]),
    )
    tiles = _each("datum.fixed_blocks", "tile").transform_calculate(
        left=f"floor(datum.tile / {_ROWS}) * {side:g}",
        right=f"datum.left + {side:g}",
        top=f"datum.tile % {_ROWS} * {side:g}",
        bottom=f"datum.top + {side:g}",
        wave="floor(datum.tile / datum.sm_count)",
        number="datum.wave + 1",
        middle=f"datum.left + {side / 2:g}",
        center=f"datum.top + {side / 2:g}",
    )
    ink = alt.when("datum.wave === datum.fixed_waves - 1").then(alt.value("white")).otherwise(alt.value(INK))
    fill = tiles.mark_rect(stroke="white", strokeWidth=1).encode(
        x=x, x2="right:Q", y=y, y2="bottom:Q", color=_wave_color("datum.wave", "datum.fixed_waves")
    )
    # A number in every tile would be slower to draw and harder to read.
    numbered = tiles.transform_filter(f"datum.tile % {_ROWS} === 0 || datum.tile % datum.sm_count === 0")
    numbers = numbered.mark_text(**text_style(INK, 11, align="center")).encode(
        x=same_axis(x, "middle:Q"), y=alt.Y("center:Q"), text="number:N", color=ink
    )
    edge = _here().transform_calculate(left="0", right="datum.neurons", top="0", bottom=f"{grid.batch_size}")
    outline = edge.mark_rect(fillOpacity=0, stroke=INK, strokeWidth=2).encode(x=x, x2="right:Q", y=y, y2="bottom:Q")
    return alt.layer(fill, outline, numbers).properties(
        width=_LEFT, height=_CELL * _ROWS, title="The layer's output, cut into tiles of 128 × 128", view=_NO_FRAME
    )


def _units(grid: TileGrid) -> alt.LayerChart:
    """Return the SMs of the card, and which of them the last wave keeps busy."""
    rows = -(-max(each.sm_count for each in grid.cards) // _COLUMNS)
    height = _LABEL + _CELL * rows
    x = alt.X("left:Q", scale=alt.Scale(domain=[0, _LEFT], range=[0, _LEFT]), axis=None)
    y = alt.Y("top:Q", scale=alt.Scale(domain=[0, height], range=[0, height]), axis=None)
    units = _each("datum.sm_count", "unit").transform_calculate(
        left=f"datum.unit % {_COLUMNS} * {_CELL} + 1",
        right=f"datum.left + {_CELL - 2}",
        top=f"floor(datum.unit / {_COLUMNS}) * {_CELL} + {_LABEL + 1}",
        bottom=f"datum.top + {_CELL - 2}",
    )
    busy = alt.when("datum.unit < datum.fixed_last").then(alt.value(_LAST))
    cells = units.mark_rect(strokeWidth=1).encode(
        x=x,
        x2="right:Q",
        y=y,
        y2="bottom:Q",
        fill=busy.otherwise(alt.value("white")),
        stroke=busy.otherwise(alt.value(LAUNCH)),
    )
    said = _here().transform_calculate(
        said="datum.fixed_last + ' with a tile, ' + (datum.sm_count - datum.fixed_last) + ' idle'"
    )
    text = said.mark_text(**text_style(INK, 12)).encode(
        x=alt.value(0), y=alt.value(8), text="said:N", description="said:N"
    )
    return alt.layer(cells, text).properties(
        width=_LEFT, height=height, title="The SMs in the last wave", view=_NO_FRAME
    )


def _staircase(grid: TileGrid) -> alt.LayerChart:
    """Return time against width for the chosen card: one tile shape, and as libraries choose."""
    widest = max(point.neurons for point in grid.points)
    x = alt.X(
        "neurons:Q",
        title="layer width (neurons)",
        scale=alt.Scale(domain=[0, widest], nice=False),
        axis=alt.Axis(grid=False, values=list(range(0, widest + 1, 512))),
    )
    axis = alt.Axis(tickCount=4, labelExpr=f"datum.value === 0 ? '0' : {vega_time('datum.value')}")

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", title=None, scale=alt.Scale(zero=True), axis=axis)

    curve = alt.Chart().transform_filter("datum.card === card")
    band = curve.mark_area(color=GPU, opacity=0.15, interpolate="step-before")
    layers = [
        _here().mark_rule(color=LAUNCH).encode(x=x),
        band.encode(x=x, y=y("low_s"), y2="high_s:Q"),
        curve.mark_line(color=INK, strokeWidth=2, strokeDash=[2, 3], interpolate="step-before").encode(
            x=x, y=y("fixed_s")
        ),
        curve.mark_line(color=GPU, strokeWidth=3, strokeDash=[8, 3], interpolate="step-before").encode(
            x=x, y=y("chosen_s")
        ),
        *_rings(x, y),
        *_key(14, INK, [2, 3], 2, "one tile shape"),
        *_key(34, GPU, [8, 3], 3, "as libraries choose"),
    ]
    return alt.layer(*layers).properties(width=_RIGHT, height=_CELL * _ROWS, title="Time of the product")


def _rings(x: alt.X, y: Callable[[str], alt.Y]) -> list[alt.Chart]:
    ring = {"filled": True, "fill": "white", "strokeWidth": 2, "size": 80, "opacity": 1}
    tooltip = [
        alt.Tooltip("fixed_time:N", title="one tile shape"),
        alt.Tooltip("chosen_time:N", title="as libraries choose"),
    ]
    return [
        _here()
        .transform_calculate(told=f"'{name}, ' + datum.{of}_time")
        .mark_point(**ring, stroke=color)
        .encode(x=x, y=y(f"{of}_s"), tooltip=tooltip, description="told:N")
        for of, name, color in (("fixed", "one tile shape", INK), ("chosen", "as libraries choose", GPU))
    ]


def _key(top: int, color: str, dash: list[int], width: int, name: str) -> list[alt.Chart]:
    one = alt.Chart(alt.Data(values=[{"key": name}]))
    line = one.mark_rule(color=color, strokeDash=dash, strokeWidth=width)
    text = one.mark_text(**text_style(color, 12, weight="bold"))
    at = alt.value(top)
    return [
        line.encode(x=alt.value(10), x2=alt.value(44), y=at, y2=at),
        text.encode(x=alt.value(52), y=at, text="key:N"),
    ]


def _waves() -> alt.LayerChart:
    """Return both ways to cut as time against SMs at work: what is hollow is idle time."""
    layers = [
        *_strip(2 * _LABEL, INK, "one tile shape", "fixed"),
        *_strip(5 * _LABEL + _STRIP, GPU, "as libraries choose", "chosen"),
    ]
    return alt.layer(*layers).properties(
        width=_RIGHT, height=_WAVES_HEIGHT, title="SMs at work, wave after wave", view=_NO_FRAME
    )


def _strip(top: int, color: str, name: str, of: str) -> list[alt.Chart]:
    """Return the waves of one way to cut as a strip from ``top`` on; the longer strip fills the width."""
    reach, bottom = _RIGHT - 60, top + _STRIP
    x = alt.X("start:Q", scale=alt.Scale(domain=[0, 1], range=[0, reach]), axis=None)
    y = alt.Y("high:Q", scale=alt.Scale(domain=[0, _WAVES_HEIGHT], range=[0, _WAVES_HEIGHT]), axis=None)
    waves, share = f"datum.{of}_waves", f"datum.{of}_s / max(datum.fixed_s, datum.chosen_s)"
    frame = _here().transform_calculate(start="0", end=share, high=f"{top}", low=f"{bottom}")
    each = _each(waves, "wave").transform_calculate(
        start=f"datum.wave / {waves} * {share}",
        end=f"(datum.wave + 1) / {waves} * {share}",
        high=f"{bottom} - {_STRIP} * (datum.wave < {waves} - 1 ? 1 : datum.{of}_last / datum.sm_count)",
        low=f"{bottom}",
    )
    said = _here().transform_calculate(said=f"'{name}, ' + replace(datum.{of}_cut, ': ', ':\\n')", end=share)
    return [
        frame.mark_rect(fill="white", stroke=LAUNCH).encode(x=x, x2="end:Q", y=y, y2="low:Q"),
        each.mark_rect().encode(x=x, x2="end:Q", y=y, y2="low:Q", color=_wave_color("datum.wave", waves)),
        said.mark_text(**text_style(color, 12), lineBreak="\n", lineHeight=16).encode(
            x=alt.value(0), y=alt.value(top - 28), text="said:N", description="said:N"
        ),
        said.mark_text(**text_style(color, 12, dx=6, weight="bold")).encode(
            x=same_axis(x, "end:Q"), y=alt.value(top + _STRIP / 2), text=f"{of}_time:N"
        ),
    ]
