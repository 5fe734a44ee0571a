"""Model against measurement: how many times too slow or too fast each held-out time was predicted."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import altair as alt

from gpu_lessons.charts.bundle import Figure
from gpu_lessons.charts.theme import (
    CPU,
    GPU,
    GRID,
    INK,
    MUTED,
    chart_config,
    four_digits,
    in_lines,
    text_style,
    vega_time,
)
from gpu_lessons.units import format_time

__all__ = ["HeldOut", "residuals_figure"]

_WIDTH, _HEIGHT = 320, 300
_WITHIN = 1.25
_FACTORS = (1, 3, 10, 30, 100)
# What is farther off stands at the edge: a roofline knows no launches, and misses tiny work by any factor.
_REACH = [1 / 130, 13]
_PANELS = (("roofline", "Plain roofline"), ("model", "The model"))


@dataclass(frozen=True, slots=True)
class HeldOut:
    """One measured time that was not fitted, and what model and plain roofline say of it, in seconds."""

    workload: str
    measured_s: float
    model_s: float
    roofline_s: float


def residuals_figure(held_out: Sequence[HeldOut], *, machine: str, kind: str, source: str) -> Figure:
    """Return predicted over measured time against measured time, for plain roofline and for the model.

    Parameters
    ----------
    held_out : sequence of HeldOut
        At least one.
    machine, kind, source : str
        Name of the machine, ``"cpu"`` or ``"gpu"``, and where the measured times come from.
    """
    errors = {field: _median_error(held_out, field) for field, _ in _PANELS}
    sentence = (
        f"{len(held_out)} times of {machine}, {source}, none of them fitted: the model is off by "
        f"{errors['model']:.0%} (median), plain roofline by {errors['roofline']:.0%}."
    )
    rows = [_row(each) for each in held_out]
    colour = CPU if kind == "cpu" else GPU
    titles = {field: f"{title}: off by {errors[field]:.0%} (median)" for field, title in _PANELS}
    title = (f"{machine}, {source}:", f"{len(held_out)} times that were not fitted")
    return Figure(partial(_chart, rows, titles, colour, title, sentence), sentence, rows, needed=782)


def _chart(
    rows: list[dict[str, Any]], titles: Mapping[str, str], colour: str, title: tuple[str, str], sentence: str
) -> alt.ConcatChart:
    panels = [_panel(field, panel_title, colour) for field, panel_title in titles.items()]
    chart: alt.ConcatChart = (
        alt.concat(*panels, data=alt.Data(values=rows), spacing=26)
        .configure(**chart_config())
        .properties(title={"text": in_lines(*title)}, description=sentence, padding=6)
    )
    return chart


def _median_error(held_out: Sequence[HeldOut], field: str) -> float:
    times_s = [(each.model_s if field == "model" else each.roofline_s, each.measured_s) for each in held_out]
    return statistics.median(abs(predicted_s / measured_s - 1) for predicted_s, measured_s in times_s)


def _row(each: HeldOut) -> dict[str, Any]:
    return {
        "workload": each.workload,
        "measured_s": four_digits(each.measured_s),
        "measured": format_time(each.measured_s),
        "model": four_digits(each.model_s / each.measured_s),
        "roofline": four_digits(each.roofline_s / each.measured_s),
    }


def _panel(field: str, title: str, color: str) -> alt.LayerChart:
    first = field == _PANELS[0][0]
    x = alt.X(
        "measured_s:Q",
        title="measured time",
        scale=alt.Scale(type="log", nice=False, padding=10),
        axis=alt.Axis(labelExpr=vega_time("datum.value"), grid=False, tickCount=5),
    )
    y = alt.Y(
        f"{field}:Q",
        title="predicted / measured" if first else None,
        scale=alt.Scale(type="log", domain=_REACH, nice=False, clamp=True),
        axis=alt.Axis(
            values=[*_FACTORS, *(1 / factor for factor in _FACTORS)],
            labelExpr="datum.value < 0.99 ? '1/' + format(1 / datum.value, '.0f') : format(datum.value, '.0f') + '×'",
        ),
    )
    band = (
        alt.Chart(alt.Data(values=[{"low": 1 / _WITHIN, "high": _WITHIN}]))
        .mark_rect(color=GRID, opacity=0.7)
        .encode(y=alt.Y("low:Q"), y2="high:Q")
    )
    rule = alt.Chart(alt.Data(values=[{"one": 1}])).mark_rule(color=INK).encode(y=alt.Y("one:Q"))
    points = (
        alt.Chart()
        .mark_point(filled=True, color=color, opacity=0.65, size=34)
        .encode(
            x=x,
            y=y,
            tooltip=[
                alt.Tooltip("workload:N", title="work"),
                alt.Tooltip("measured:N", title="measured"),
                alt.Tooltip(f"{field}:Q", title="predicted / measured", format=".2f"),
            ],
        )
    )
    words = [
        alt.Chart(alt.Data(values=[{}]))
        .mark_text(text=text, **text_style(MUTED, 11, align="right"))
        .encode(x=alt.value(_WIDTH - 6), y=alt.value(place))
        for text, place in (("predicted too slow", 12), ("predicted too fast", _HEIGHT - 12))
    ]
    return alt.layer(band, rule, points, *words).properties(width=_WIDTH, height=_HEIGHT, title=title)
