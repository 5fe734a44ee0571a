"""The figure of lesson 08: a chain's time over its width, Amdahl's law, and a program in three ways."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from gpu_lessons.charts.composition import Panels, chosen_row, same_axis
from gpu_lessons.charts.theme import (
    COMPUTE,
    CPU,
    GPU,
    INK,
    MUTED,
    NOTHING,
    count_label,
    text_style,
    vega_factor,
    vega_time,
)

__all__ = ["chain_chart"]

_LEFT, _RIGHT, _GAP = 350, 300, 135
_HERE = chosen_row("steps", "width_log2", "share")
_UNITS_LOG2 = range(13)
_NO_FRAME = alt.ViewConfig(stroke="transparent")
#: A program: its name, the seconds of its wide steps and those of its chain, of 1 on the CPU.
_WAYS = (
    ("all on the CPU", "part", "rest"),
    ("all on the GPU", "wide", "chain_there"),
    ("each where it is best", "best_wide", "best_chain"),
)


def chain_chart(grid: Any) -> Panels:  # noqa: ANN401
    """Return the panels of the figure.

    Parameters
    ----------
    grid : ChainGrid
        Its times, its shares, and who is compared. The parameters ``steps``, ``width_log2`` and ``share`` choose a row.
    """
    color = alt.when("datum.cpu_s < datum.gpu_s").then(alt.value(CPU)).otherwise(alt.value(GPU))
    return Panels(
        columns=[[_times(grid)], [_amdahl(grid.shares), _program()]],
        width=_LEFT + _RIGHT + _GAP,
        names=[(CPU, grid.cpu_name), (GPU, grid.gpu_name)],
        color=color,
        spacing=26,
    )


def _times(grid: Any) -> alt.LayerChart:  # noqa: ANN401
    """Return both machines' times over the width, their distance at the chosen one, and where they meet."""
    times = grid.times
    seconds = [each.seconds for pair in times.values() for each in pair]
    decades = range(math.floor(math.log10(min(seconds))), math.ceil(math.log10(max(seconds))) + 1)
    x = alt.X(
        "width_log2:Q",
        title="numbers in each step (width)",
        scale=alt.Scale(domain=[-0.5, 25.5], nice=False),
        axis=alt.Axis(grid=False, values=list(range(0, 23, 4)), labelExpr=_count("datum.value")),
    )
    scale = alt.Scale(type="log", domain=[10.0 ** decades[0], 10.0 ** decades[-1]], nice=False)
    axis = alt.Axis(values=[10.0**e for e in decades], labelExpr=vega_time("datum.value"))
    curve = alt.Chart().transform_filter("datum.steps === steps && datum.share === share")
    here = alt.Chart().transform_filter(_HERE)

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", title=None, scale=scale, axis=axis)

    layers = []
    for who, color in (("cpu", CPU), ("gpu", GPU)):
        ends = alt.Chart(alt.Data(values=grid.bands(who))).transform_filter("datum.steps === steps")
        band = ends.mark_area(color=color, opacity=0.14).encode(x=x, y=y("low_s"), y2=alt.Y2("high_s:Q"))
        line = curve.mark_line(color=color, strokeWidth=2.5, strokeDash=[8, 3]).encode(x=x, y=y(f"{who}_s"))
        dot = here.mark_point(color=color, fill="white", size=90, strokeWidth=2.5, opacity=1)
        end = curve.transform_filter(f"datum.width_log2 === {max(w for _, w in times)}")
        name = end.mark_text(**text_style(color, 12, dx=6, weight="bold"))
        layers += [
            band,
            line,
            dot.encode(x=x, y=y(f"{who}_s")),
            name.encode(x=x, y=y(f"{who}_s"), text=alt.value(who.upper())),
        ]
    meeting = here.transform_filter("datum.crossover_log2 !== null")
    rule = meeting.mark_rule(color=MUTED, strokeDash=[2, 3]).encode(x=same_axis(x, "crossover_log2:Q"))
    said = meeting.mark_text(**text_style(MUTED, 12, dx=-5, align="right"))
    apart = here.mark_rule(color=INK, strokeWidth=1.5).encode(x=x, y=y("cpu_s"), y2=alt.Y2("gpu_s:Q"))
    factor = here.transform_calculate(
        middle="sqrt(datum.cpu_s * datum.gpu_s)",
        factor=vega_factor("max(datum.cpu_s / datum.gpu_s, datum.gpu_s / datum.cpu_s)"),
    ).mark_text(**text_style(INK, 14, dx=8, weight="bold"))
    layers = [
        rule,
        said.encode(x=same_axis(x, "crossover_log2:Q"), y=alt.value(12), text=alt.value("equal")),
        apart,
        *layers,
        factor.encode(x=x, y=y("middle"), text="factor:N"),
    ]
    return alt.layer(*layers).properties(width=_LEFT, height=392, title="A chain: its time by width")


def _amdahl(shares: Sequence[float]) -> alt.LayerChart:
    """Return the speed-up by the number of units for every share, the chosen one and its limit as lines."""
    values = [
        {"of": share, "units_log2": log2, "speedup": 1 / (1 - share / 100 + share / 100 / 2**log2)}
        for share in shares
        for log2 in _UNITS_LOG2
    ]
    limits = [{"of": share, "limit": 1 / (1 - share / 100)} for share in shares]
    x = alt.X(
        "units_log2:Q",
        title="times as many units",
        scale=alt.Scale(domain=[0, _UNITS_LOG2[-1]], nice=False),
        axis=alt.Axis(grid=False, values=list(_UNITS_LOG2[::4]), labelExpr=count_label("datum.value")),
    )
    y = alt.Y(
        "speedup:Q",
        title=None,
        scale=alt.Scale(type="log", domain=[0.8, 2000], nice=False),
        axis=alt.Axis(values=[1, 10, 100, 1000], labelExpr="format(datum.value, ',') + '×'"),
    )
    curves = alt.Chart(alt.Data(values=values))
    limit = alt.Chart(alt.Data(values=limits)).transform_filter("datum.of === share")
    level = alt.Y("limit:Q")
    said = limit.transform_calculate(said="'never more than ' + " + vega_factor("datum.limit"))
    layers = [
        curves.mark_line(color=NOTHING, strokeWidth=1.5).encode(x=x, y=y, detail="of:N"),
        limit.mark_rule(color=INK, strokeDash=[2, 3], strokeWidth=1.5).encode(y=level),
        curves.transform_filter("datum.of === share").mark_line(color=GPU, strokeWidth=3).encode(x=x, y=y),
        said.mark_text(**text_style(INK, 12, dx=6, dy=-9, weight="bold")).encode(
            x=alt.value(0), y=level, text="said:N"
        ),
    ]
    return alt.layer(*layers).properties(width=_RIGHT, height=172, title="Amdahl: the part that cannot be shared")


def _program() -> alt.LayerChart:
    """Return the time of a program whose shared part is wide and whose rest is the chosen chain, in three ways."""
    here = (
        alt.Chart()
        .transform_filter(_HERE)
        .transform_calculate(part="datum.share / 100", rest="1 - datum.share / 100")
        .transform_calculate(best_wide="min(datum.part, datum.wide)", best_chain="min(datum.rest, datum.chain_there)")
    )
    x = alt.X(
        "from:Q",
        title="time, of 1 on the CPU",
        scale=alt.Scale(nice=False, zero=True),
        axis=alt.Axis(grid=False, tickCount=4),
    )
    layers = []
    for place, (name, wide, chain) in enumerate(_WAYS):
        middle = 26 + 40 * place
        parts = here.transform_calculate(**{"from": "0", "to": f"datum.{wide}", "end": f"datum.{wide} + datum.{chain}"})
        edges = {"y": alt.value(middle - 2), "y2": alt.value(middle + 14)}
        said = parts.transform_calculate(said=f"{name!r} + ':  ' + {vega_factor('1 / datum.end')}")
        weight = "normal" if place == 0 else "bold"
        layers += [
            parts.mark_rect(color=COMPUTE, opacity=0.35).encode(x=x, x2="to:Q", **edges),
            parts.mark_rect(color=INK, opacity=0.8).encode(x=same_axis(x, "to:Q"), x2="end:Q", **edges),
            said.mark_text(**text_style(INK, 12, dx=2, weight=weight)).encode(
                x=alt.value(0), y=alt.value(middle - 11), text="said:N"
            ),
        ]
    limit = here.mark_rule(color=INK, strokeDash=[2, 3], strokeWidth=1.5)
    layers.append(limit.encode(x=same_axis(x, "rest:Q"), y=alt.value(100), y2=alt.value(124)))
    title = "A program: wide steps, chain (dark)"
    return alt.layer(*layers).properties(width=_RIGHT, height=132, title=title, view=_NO_FRAME)


def _count(exponent: str) -> str:
    """Return a Vega expression that writes two to the power of ``exponent``, with M for 2**20."""
    return f"({exponent} < 20 ? {count_label(exponent)} : format(pow(2, {exponent} - 20), ',') + 'M')"
