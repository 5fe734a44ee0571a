"""Kernels of one's own against the library: a ladder of shares, of whatever source."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import altair as alt

from gpu_lessons.arguments import require_choice, require_seconds, shown
from gpu_lessons.charts.bundle import Figure
from gpu_lessons.charts.composition import same_axis
from gpu_lessons.charts.theme import GPU, INK, MUTED, chart_config, four_digits, text_style
from gpu_lessons.units import format_share, format_time

__all__ = ["plot_ladder"]

_WIDTH = 400
#: Pixels from rung to rung, and of name, words and mark below its top; several sources have a line for their words.
_ONE_LINE, _TWO_LINES = (42, 12, 12, 28), (58, 12, 28, 44)
#: By source: a bar, or a point with these properties.
_MARKS: dict[str, dict[str, Any]] = {
    "predicted": {},
    "recorded": {"shape": "circle", "fill": GPU, "size": 50},
    "measured": {"shape": "circle", "fill": GPU, "size": 90},
    "published": {"shape": "diamond", "fill": "white", "size": 80},
}
_BAR = "#a7d8d2"


def plot_ladder(rungs: Iterable[tuple[str, float, str]], *, library: str, mine: str | None = None) -> Figure:
    """Draw which share of the library's speed each kernel reaches.

    Parameters
    ----------
    rungs : iterable of (name, seconds, source)
        Times of the same product; a kernel with times of several sources is named several times. A source is
        ``"predicted"``, ``"recorded"``, ``"measured"`` or ``"published"``.
    library : str
        Name of the library among them. A share is against the library's time of the same source.
    mine : str, optional
        Name of the kernel that is marked as the learner's own.

    Raises
    ------
    TypeError, ValueError
        If a rung is no such triple, a time is not above 0, a source is another, a name is there twice of one source,
        the library has no time of a source that a kernel has, no kernel is there beside it, or ``mine`` names none.
    """
    if not isinstance(library, str):
        raise TypeError(f"library must be a name, got {shown(library)}")
    times = _times(rungs)
    for _, source in times:
        if (library, source) not in times:
            raise ValueError(f"rungs must hold a {source} time of the library {shown(library)}, as of its kernels")
    names = list(dict.fromkeys(name for name, _ in times if name != library))
    if not names:
        raise ValueError(f"rungs must hold a kernel beside the library {shown(library)}, got none")
    if mine is not None and mine not in names:
        raise ValueError(f"mine must be one of {', '.join(names)}, got {shown(mine)}")
    rows = [
        {
            "place": names.index(name),
            "name": name,
            "source": source,
            "time": format_time(time_s),
            "share": four_digits(times[library, source] / time_s),
            "is_mine": name == mine,
        }
        for (name, source), time_s in times.items()
        if name != library
    ]
    of_each = [f"{name} {_words(rows, name)}" for name in names]
    sentence = f"Of the speed of {library}: {'; '.join(of_each)}."
    return Figure(partial(_chart, rows, names, library, sentence), sentence, rows, needed=_WIDTH + 13)


def _times(rungs: Iterable[tuple[str, float, str]]) -> dict[tuple[str, str], float]:
    times: dict[tuple[str, str], float] = {}
    if isinstance(rungs, str) or not isinstance(rungs, Iterable):
        raise TypeError(f"rungs must hold a name, seconds and a source each, got {shown(rungs)}")
    for rung in rungs:
        if not isinstance(rung, tuple | list) or len(rung) != 3 or not isinstance(rung[0], str):
            raise TypeError(f"rungs must hold a name, seconds and a source each, got {shown(rung)}")
        name, time_s, source = rung
        key = name, require_choice("source", source, tuple(_MARKS))
        if key in times:
            raise ValueError(f"rungs must name {shown(name)} once for each source, got it twice as {source}")
        times[key] = require_seconds("seconds", time_s, at_least=0)
        if not times[key]:
            raise ValueError(f"seconds must be above 0, got {shown(time_s)} for {shown(name)}")
    return times


def _words(rows: list[dict[str, Any]], name: str) -> str:
    return ", ".join(f"{format_share(row['share'])} {row['source']}" for row in rows if row["name"] == name)


def _chart(rows: list[dict[str, Any]], names: list[str], library: str, sentence: str) -> alt.LayerChart:
    several = len(rows) > len(names)
    rung, name_at, words_at, mark_at = _TWO_LINES if several else _ONE_LINE
    bottom = rung * len(names)
    most = max(1.0, *(row["share"] for row in rows))
    x = alt.X(
        "share:Q",
        title=f"share of the speed of {library}",
        scale=alt.Scale(domain=[0, most], nice=False),
        axis=alt.Axis(grid=False, tickCount=5, format=".0%"),
    )
    y = alt.Y("at:Q", axis=None, scale=alt.Scale(domain=[bottom + 26, 0], nice=False))
    mine = {row["name"] for row in rows if row["is_mine"]}
    labels = [
        {
            "at": rung * place + name_at,
            "words_at": rung * place + words_at,
            "said": name if several else f"{name}:  {_words(rows, name)}",
            "words": _words(rows, name) if several else "",
            "is_mine": name in mine,
        }
        for place, name in enumerate(names)
    ]
    placed = [row | {"at": rung * row["place"] + mark_at} for row in rows]
    layers: list[alt.Chart] = []
    if most > 1:
        edge = alt.Chart(alt.Data(values=[{"share": 1}])).mark_rule(color=INK, strokeDash=[2, 3])
        layers.append(edge.encode(x=x))
    sources = [source for source in _MARKS if any(row["source"] == source for row in rows)]
    for place, source in enumerate(sources):
        own = [row for row in placed if row["source"] == source]
        layers += _marked(own, source, x, y)
        key = alt.Chart(alt.Data(values=[{"at": bottom + 14, "word": source, "share": 0}]))
        left = 8 + 104 * place
        layers += [
            _point(key, source).encode(x=alt.value(left), y=y),
            key.mark_text(**text_style(MUTED, 11)).encode(x=alt.value(left + 12), y=y, text="word:N"),
        ]
    said = alt.Chart(alt.Data(values=labels))
    for when, weight in (("datum.is_mine", "bold"), ("!datum.is_mine", "normal")):
        text = said.transform_filter(when).mark_text(**text_style(INK, 12, dx=2, weight=weight))
        layers.append(text.encode(x=alt.value(0), y=y, text="said:N", description="said:N"))
    words = said.transform_filter("datum.words !== ''").mark_text(**text_style(MUTED, 11, dx=2))
    layers.append(words.encode(x=alt.value(0), y=same_axis(y, "words_at:Q"), text="words:N", description="words:N"))
    figure: alt.LayerChart = (
        alt.layer(*layers)
        .properties(width=_WIDTH, height=bottom + 26, description=sentence, padding=6, title="The ladder")
        .configure(**chart_config())
    )
    return figure


def _marked(rows: list[dict[str, Any]], source: str, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    told = alt.Chart(alt.Data(values=rows)).transform_calculate(
        told="datum.name + ', ' + datum.time + ', ' + datum.source"
    )
    tooltip = [alt.Tooltip("name:N", title="kernel"), alt.Tooltip("time:N"), alt.Tooltip("source:N")]
    if not _MARKS[source]:
        bar = told.mark_bar(color=_BAR, size=12)
        return [bar.encode(x=x, x2=alt.X2Datum(0), y=y, tooltip=tooltip, description="told:N")]
    mine = told.transform_filter("datum.is_mine").mark_point(
        shape="circle", fill="white", stroke=INK, strokeWidth=2.5, size=240, opacity=1
    )
    return [
        mine.encode(x=x, y=y),
        _point(told, source).encode(x=x, y=y, tooltip=tooltip, description="told:N"),
    ]


def _point(rows: alt.Chart, source: str) -> alt.Chart:
    look = _MARKS[source] or {"shape": "square", "fill": _BAR, "size": 90}
    stroke = INK if look["fill"] == "white" else look["fill"]
    point: alt.Chart = rows.mark_point(**{"stroke": stroke, "strokeWidth": 1.5, "opacity": 1} | look)
    return point
