"""The figure of whole trainings: time over FLOP for any number of cards, and the rule held against published ones."""

from __future__ import annotations

from typing import Any

import altair as alt

from gpu_lessons.charts.composition import Panels, chosen_row, same_axis
from gpu_lessons.charts.theme import GPU, INK, MUTED, NOTHING, WARNING, four_digits, text_style
from gpu_lessons.units import format_count, format_time

__all__ = ["training_chart"]

_LEFT, _RIGHT, _GAP, _ROW = 370, 300, 100, 38
_HERE = chosen_row("size", "data", "cards", "use")
_FLOPS = (1e12, 1e27)
_SECONDS = (1.0, 3.2e9)
_TIME = alt.Scale(type="log", domain=list(_SECONDS), nice=False)
#: Numbers of cards that have a line.
_CARDS = (1, 64, 1024, 16384)
#: Marks of the axis of time, and their names.
_MARKS = {
    1: "1 s",
    60: "1 minute",
    3600: "1 hour",
    86400: "1 day",
    604800: "1 week",
    31557600: "1 year",
    3155760000: "100 years",
}
_DIAMOND = {"shape": "diamond", "filled": True, "fill": "white", "color": INK, "stroke": INK, "strokeWidth": 1.5}


def training_chart(grid: Any) -> Panels:  # noqa: ANN401
    """Return the panels of the figure.

    Parameters
    ----------
    grid : TrainingGrid
        Its card, its rows and the published runs. The parameters ``size``, ``data``, ``cards`` and ``use`` choose a
        row.
    """
    runs = [
        {
            "number": run.number,
            "name": run.name,
            "flops": four_digits(run.flops),
            "published_s": four_digits(run.time_s),
            "share": four_digits(100 * run.utilisation),
            "said": run.said,
            "time": format_time(run.time_s),
        }
        for run in grid.runs
    ]
    color = alt.when("indexof(datum.headline, 'fit') >= 0").then(alt.value(WARNING)).otherwise(alt.value(GPU))
    return Panels(
        columns=[[_times(runs, grid.peak_flops_per_s)], [_ratios(runs)]],
        width=_LEFT + _RIGHT + _GAP,
        names=[(GPU, grid.gpu_name), (INK, "Diamonds  published trainings, on their own cards")],
        color=color,
    )


def _axes() -> tuple[alt.X, alt.Y]:
    x = alt.X(
        "flops:Q",
        title="FLOP of the training",
        scale=alt.Scale(type="log", domain=list(_FLOPS), nice=False),
        axis=alt.Axis(grid=False, values=[10.0**e for e in range(12, 28, 3)], labelExpr=_power("datum.value")),
    )
    names = " : ".join(f"datum.value === {value} ? '{name}'" for value, name in _MARKS.items())
    y = alt.Y(
        "time_s:Q",
        title=None,
        scale=_TIME,
        axis=alt.Axis(values=list(_MARKS), labelExpr=f"{names} : ''"),
    )
    return x, y


def _power(value: str) -> str:
    """Return a Vega expression that writes a power of ten with its exponent raised."""
    digits = "⁰¹²³⁴⁵⁶⁷⁸⁹"
    exponent = f"round(log({value}) / LN10)"
    return f"'10' + '{digits}'[floor({exponent} / 10)] + '{digits}'[{exponent} % 10]"


def _times(runs: list[dict[str, Any]], peak_flops_per_s: float) -> alt.LayerChart:
    """Return time over FLOP: a line for each number of cards, the chosen point, and what others needed."""
    x, y = _axes()
    shares = sorted(run["share"] / 100 for run in runs)
    ends = alt.Chart(alt.Data(values=[{"flops": flops} for flops in _FLOPS]))
    taken = f"datum.flops / (%s * {peak_flops_per_s:.4g} * %s)"
    others = (
        alt.Chart(alt.Data(values=[{"flops": flops, "of": cards} for flops in _FLOPS for cards in _CARDS]))
        .transform_calculate(time_s=taken % ("datum.of", "(use / 100)"))
        .mark_line(color=NOTHING, strokeWidth=1, clip=True)
        .encode(x=x, y=y, detail="of:N")
    )
    band = (
        ends.transform_calculate(time_s=taken % ("cards", shares[-1]), slow_s=taken % ("cards", shares[0]))
        .mark_area(color=GPU, opacity=0.14, clip=True)
        .encode(x=x, y=y, y2=alt.Y2("slow_s:Q"))
    )
    line = (
        ends.transform_calculate(time_s=taken % ("cards", "(use / 100)"))
        .mark_line(color=GPU, strokeWidth=2.5, strokeDash=[8, 3], clip=True)
        .encode(x=x, y=y)
    )
    counts = (
        alt.Chart(
            alt.Data(values=[{"of": 1, "said": "1 card"}, *({"of": n, "said": format_count(n)} for n in _CARDS[1:])])
        )
        .transform_calculate(flops=f"2 * datum.of * {peak_flops_per_s:.4g} * use / 100")
        .mark_text(**text_style(MUTED, 11, dx=6))
        .encode(x=x, y=alt.value(_ROW * len(runs) - 9), text="said:N")
    )
    weeks = (
        alt.Chart(alt.Data(values=[{"from": 86400, "to": 2419200}]))
        .mark_rect(color="#fef3c7")
        .encode(y=alt.Y("from:Q", scale=_TIME), y2=alt.Y2("to:Q"))
    )
    named = weeks.mark_text(**text_style(MUTED, 12, dx=6, dy=11)).encode(
        x=alt.value(0), y=alt.Y("to:Q"), text=alt.value("days to weeks")
    )
    return alt.layer(
        weeks, others, counts, band, line, named, *_diamonds(runs, x, y), *_ring(peak_flops_per_s, x, y)
    ).properties(width=_LEFT, height=_ROW * len(runs), title="How long, and what others needed")


def _diamonds(runs: list[dict[str, Any]], x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """Return the published trainings with their numbers."""
    published = alt.Chart(alt.Data(values=runs))
    tooltip = [alt.Tooltip("said:N", title="published")]
    points = published.mark_point(size=70, opacity=1, **_DIAMOND)
    number = published.mark_text(**text_style(INK, 11, dx=8, dy=-7))
    return [
        points.encode(x=x, y=same_axis(y, "published_s:Q"), tooltip=tooltip, description="said:N"),
        number.encode(x=x, y=same_axis(y, "published_s:Q"), text="number:N"),
    ]


def _ring(peak_flops_per_s: float, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """Return the chosen training."""
    rate = f"datum.cards * {peak_flops_per_s:.4g} * datum.use / 100"
    here = (
        alt.Chart()
        .transform_filter(_HERE)
        .transform_calculate(
            flops=f"datum.time_s * {rate}", shown_s=f"clamp(datum.time_s, {_SECONDS[0]}, {_SECONDS[1]})"
        )
    )
    point = here.mark_point(color=GPU, fill="white", size=110, strokeWidth=3, opacity=1)
    return [point.encode(x=x, y=same_axis(y, "shown_s:Q"), description="headline:N")]


def _ratios(runs: list[dict[str, Any]]) -> alt.LayerChart:
    """Return, for each published training, the time by the rule over the time it took."""
    rows = alt.Chart(alt.Data(values=runs)).transform_calculate(
        ratio="datum.share / use", told="datum.number + '  ' + datum.name"
    )
    x = alt.X(
        "ratio:Q",
        title="time by the rule ÷ published time",
        scale=alt.Scale(type="log", domain=[0.25, 8], nice=False, clamp=True),
        axis=alt.Axis(values=[0.25, 0.5, 1, 2, 4, 8], labelExpr="format(datum.value, '~r') + '×'", grid=False),
    )
    y = alt.Y("number:O", axis=None)
    within = alt.Chart(alt.Data(values=[{"from": 0.5, "to": 2}])).mark_rect(color=GPU, opacity=0.1)
    one = alt.Chart(alt.Data(values=[{"ratio": 1}])).mark_rule(color=MUTED, strokeDash=[2, 3])
    stem = rows.mark_rule(color=GPU, strokeWidth=2, yOffset=9).encode(x=x, x2=alt.datum(1), y=y)
    dot = rows.mark_point(color=GPU, fill="white", size=60, strokeWidth=2, opacity=1, yOffset=9)
    name = rows.mark_text(**text_style(INK, 12, dx=2, dy=-7)).encode(x=alt.value(0), y=y, text="told:N")
    time = rows.mark_text(**text_style(MUTED, 12, dx=-2, dy=-7, align="right"))
    return alt.layer(
        within.encode(x=same_axis(x, "from:Q"), x2="to:Q"),
        one.encode(x=x),
        stem,
        dot.encode(x=x, y=y, description="told:N"),
        name,
        time.encode(x=alt.value(_RIGHT), y=y, text="time:N", description="said:N"),
    ).properties(width=_RIGHT, height=_ROW * len(runs), title="Published trainings, and the rule")
