"""The figure of lesson 11: time, rent and energy of one training on every machine, against a deadline and a budget."""

from __future__ import annotations

from typing import Any

import altair as alt

from gpu_lessons.charts.composition import Panels, chosen_row, same_axis
from gpu_lessons.charts.theme import CPU, CPU_WORDS, GPU, INK, NOTHING, WARNING, text_style, vega_amount, vega_time

__all__ = ["choice_chart", "rent_words"]

_WIDTHS = (300, 190, 160)
_GAP = 80
_ROW = 36
_HERE = chosen_row("width_log2", "samples", "deadline_s", "budget_usd")
_NO_FRAME = alt.ViewConfig(stroke="transparent")
_LEAST_SAID_USD, _ROUND_FROM_USD = 0.005, 100


def rent_words(usd: float) -> str:
    """Return a rent as the figure writes it: ``"0.39 USD"``, ``"no rent"``."""
    if usd == 0:
        return "no rent"
    if usd < _LEAST_SAID_USD:
        return "below 1 cent"
    return f"{usd:.2f} USD" if usd < _ROUND_FROM_USD else f"{usd:,.0f} USD"


def _vega_rent(usd: str) -> str:
    """Return a Vega expression that writes ``usd`` as `rent_words` does."""
    written = f"{usd} < {_ROUND_FROM_USD} ? format({usd}, '.2f') + ' USD' : format({usd}, ',.0f') + ' USD'"
    return f"({usd} === 0 ? 'no rent' : {usd} < {_LEAST_SAID_USD} ? 'below 1 cent' : {written})"


def choice_chart(grid: Any) -> Panels:  # noqa: ANN401
    """Return the panels of the figure.

    Parameters
    ----------
    grid : ChoiceGrid
        Its rows and its bars. The parameters ``width_log2``, ``samples``, ``deadline_s`` and ``budget_usd`` choose a
        row, and scale the bars.
    """
    bars, batch = grid.bars(), grid.batch
    first = min(grid.widths_log2)
    machines = alt.Chart(alt.Data(values=bars)).transform_calculate(
        time_s=f"datum.step_s[width_log2 - {first}] * samples / {batch}", holds=f"datum.fits[width_log2 - {first}]"
    )
    machines = machines.transform_calculate(
        rent_usd="datum.usd_per_hour * datum.time_s / 3600",
        energy_j="isValid(datum.power_w) ? datum.power_w * datum.time_s : null",
    )
    late = "datum.time_s > deadline_s"
    dear = "datum.rent_usd > budget_usd"
    time = f"!datum.holds ? 'too little memory' : {vega_time('datum.time_s')} + ({late} ? ', too late' : '')"
    rent = f"!datum.holds ? '' : {_vega_rent('datum.rent_usd')} + ({dear} ? ', too dear' : '')"
    energy = f"!datum.holds ? '' : datum.energy_j === null ? 'power unknown' : {vega_amount('datum.energy_j', 'J')}"
    columns = [
        _column(machines, len(bars), "time_s", (1, 1e9), f"!datum.holds || {late}", time, "Time", "deadline_s"),
        _column(machines, len(bars), "rent_usd", (1e-4, 1e6), f"datum.holds && {dear}", rent, "Rent", "budget_usd"),
        _column(machines, len(bars), "energy_j", (1, 1e12), "false", energy, "Energy, rated power", None),
    ]
    chosen = (
        alt.when("datum.place === null").then(alt.value(WARNING)).when("datum.place === 0").then(alt.value(CPU_WORDS))
    )
    return Panels(
        columns=[[column] for column in columns],
        width=sum(_WIDTHS) + _GAP,
        names=[(CPU, grid.cpu_name), (GPU, grid.gpu_name)],
        color=chosen.otherwise(alt.value(GPU)),
    )


def _column(
    machines: alt.Chart,
    count: int,
    field: str,
    ends: tuple[float, float],
    bad: str,
    said: str,
    title: str,
    limit: str | None,
) -> alt.LayerChart:
    """Return a bar a machine on a log axis, with words above it, and the limit as a line."""
    width = _WIDTHS[("time_s", "rent_usd", "energy_j").index(field)]
    y = alt.Y("place:O", axis=None, scale=alt.Scale(domain=list(range(count))))
    x = alt.X("from:Q", axis=None, scale=alt.Scale(type="log", domain=ends, range=[0, width], nice=False, clamp=True))
    bars = machines.transform_filter(f"datum.holds && datum.{field} > 0").transform_calculate(
        **{"from": f"{ends[0]}", "to": f"datum.{field}"}
    )
    color = alt.when(bad).then(alt.value(NOTHING)).when("datum.kind === 'cpu'").then(alt.value(CPU))
    named = machines.transform_calculate(
        words=said, who="datum.name" if field == "time_s" else "narrow ? datum.name : ''"
    )
    words_color = alt.when(bad).then(alt.value(WARNING)).otherwise(alt.value(INK))
    layers = [
        alt.Chart()
        .transform_filter(f"{_HERE} && datum.place !== null")
        .mark_rect(color=GPU, opacity=0.12)
        .encode(y=y, x=alt.value(-6), x2=alt.value(width + 6)),
        bars.mark_bar(height=9, yOffset=9).encode(
            x=x, x2="to:Q", y=y, color=color.otherwise(alt.value(GPU)), description="name:N"
        ),
        named.mark_text(**text_style(INK, 12, dy=-6)).encode(x=alt.value(0), y=y, text="who:N"),
        named.mark_text(**text_style(INK, 12, dy=-6, align="right")).encode(
            x=alt.value(width), y=y, text="words:N", color=words_color
        ),
    ]
    return alt.layer(*layers, *_limit(x, y, count, limit)).properties(
        width=width, height=_ROW * count, title=title, view=_NO_FRAME
    )


def _limit(x: alt.X, y: alt.Y, count: int, parameter: str | None) -> list[alt.Chart]:
    """Return a tick in each row at what is allowed; words above the bars stay free of it."""
    if parameter is None:
        return []
    rows = alt.Chart(alt.Data(values=[{"place": place} for place in range(count)])).transform_calculate(at=parameter)
    return [rows.mark_tick(color=INK, thickness=2, size=13, yOffset=9).encode(x=same_axis(x, "at:Q"), y=y)]
