"""Warps taking turns: clock by clock, which warp gets its instruction issued and whether the lanes have work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import altair as alt

from gpu_lessons.arguments import shown
from gpu_lessons.charts.bundle import Figure
from gpu_lessons.charts.theme import GPU, INK, MUTED, NOTHING, chart_config, text_style
from gpu_lessons.units import format_counted

__all__ = ["plot_turns"]

#: One scheduler's history: for each clock the warp whose instruction it issued, None where it issued nothing.
Turns = Sequence[int | None]

_CLOCKS_SHOWN = 24
_CELL, _GAP, _LEFT, _PANEL_GAP, _LEGEND = 16, 2, 56, 26, 54
_TURN, _WAITS, _READY, _BUSY = GPU, "#a7d8d2", "white", INK
_WORDS = (
    (_TURN, "its turn"),
    (_WAITS, "waits for its result"),
    (_READY, "ready; lanes idle"),
    (_BUSY, "lanes at work"),
)


def plot_turns(turns: Mapping[int, Turns], *, wait: int = 4, lane_clocks: int = 2) -> Figure:
    """Draw how one scheduler of an SM serves its warps, and whether its lanes have work.

    Parameters
    ----------
    turns : mapping of int to sequence
        For each number of warps the history of the scheduler: for each clock the number of the warp, from 0,
        whose instruction was issued, or None. The first 24 clocks are drawn; the shares are of all of them.
    wait : int
        Clocks from the issue of an instruction to its result.
    lane_clocks : int
        Clocks for which one instruction keeps the lanes at work.

    Raises
    ------
    ValueError
        If ``turns`` is empty, or a history is, or it names a warp that is not there.
    """
    if not turns:
        raise ValueError("turns must hold the history of at least one number of warps, got none")
    for warps, history in turns.items():
        _check(warps, history)
    rows = [_shares(warps, history, lane_clocks) for warps, history in turns.items()]
    parts = [
        f"with {format_counted(row['warps'], 'warp')} an instruction is issued in {row['issued']:.0%} of the clocks "
        f"and the lanes are at work in {row['busy']:.0%}"
        for row in rows
    ]
    sentence = f"Warps taking turns on one scheduler: {'; '.join(parts)}."
    return Figure(partial(_chart, dict(turns), rows, wait, lane_clocks, sentence), sentence, rows, needed=456)


def _check(warps: int, history: Turns) -> None:
    if not history:
        raise ValueError(f"the history of {warps} warps must have at least one clock, got none")
    for clock, warp in enumerate(history):
        if warp is not None and warp not in range(warps):
            raise ValueError(
                f"clock {clock} must name one of {warps} warps, counted from 0, or None, got {shown(warp)}"
            )


def _at_work(history: Turns, lane_clocks: int) -> list[bool]:
    """Return for each clock whether the lanes still work on an instruction."""
    return [
        any(warp is not None for warp in history[max(0, clock - lane_clocks + 1) : clock + 1])
        for clock in range(len(history))
    ]


def _shares(warps: int, history: Turns, lane_clocks: int) -> dict[str, Any]:
    return {
        "warps": warps,
        "issued": sum(warp is not None for warp in history) / len(history),
        "busy": sum(_at_work(history, lane_clocks)) / len(history),
    }


def _states(warp: int, history: Turns, wait: int) -> list[str]:
    """Return the colour of one warp in each clock that is drawn."""
    colors, issued = [], -wait
    for clock, turn in enumerate(history[:_CLOCKS_SHOWN]):
        issued = clock if turn == warp else issued
        colors.append(_TURN if issued == clock else _WAITS if clock - issued < wait else _READY)
    return colors


def _chart(
    turns: dict[int, Turns], rows: list[dict[str, Any]], wait: int, lane_clocks: int, sentence: str
) -> alt.LayerChart:
    cells, texts = _legend()
    top = _LEGEND
    for row in rows:
        history = turns[row["warps"]]
        note = f"issues in {row['issued']:.0%} of the clocks, lanes at work in {row['busy']:.0%}"
        texts.append(_text(0, top, f"{format_counted(row['warps'], 'warp')}: {note}", "name"))
        top += _CELL
        lanes = [_BUSY if busy else _READY for busy in _at_work(history, lane_clocks)[:_CLOCKS_SHOWN]]
        lines = [(f"warp {warp + 1}", _states(warp, history, wait)) for warp in range(row["warps"])]
        for name, colors in [*lines, ("lanes", lanes)]:
            texts.append(_text(0, top, name, "note"))
            cells += [_cell(_LEFT + clock * _CELL, top, color) for clock, color in enumerate(colors)]
            top += _CELL
        top += _PANEL_GAP
    return _drawn(cells, texts, top - _PANEL_GAP, sentence)


def _legend() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    places = [(place % 2 * 200, place // 2 * (_CELL + 4)) for place in range(len(_WORDS))]
    cells = [_cell(left, top, color) for (left, top), (color, _) in zip(places, _WORDS, strict=True)]
    texts = [_text(left + _CELL + 4, top, word, "note") for (left, top), (_, word) in zip(places, _WORDS, strict=True)]
    return cells, texts


def _cell(left: float, top: float, color: str) -> dict[str, Any]:
    side = _CELL - _GAP
    return {"x": left, "x2": left + side, "y": top, "y2": top + side, "color": color}


def _text(left: float, top: float, text: str, style: str) -> dict[str, Any]:
    return {"x": left, "y": top + (_CELL - _GAP) / 2, "text": text, "style": style}


def _drawn(cells: list[dict[str, Any]], texts: list[dict[str, Any]], high: float, sentence: str) -> alt.LayerChart:
    wide = _LEFT + _CLOCKS_SHOWN * _CELL
    x = alt.X("x:Q", scale=alt.Scale(domain=[0, wide], range=[0, wide]), axis=None)
    y = alt.Y("y:Q", scale=alt.Scale(domain=[0, high], range=[0, high]), axis=None)
    squares = (
        alt.Chart(alt.Data(values=cells))
        .mark_rect(stroke=NOTHING, strokeWidth=1)
        .encode(x=x, x2="x2:Q", y=y, y2="y2:Q", color=alt.Color("color:N", scale=None))
    )
    words = alt.Chart(alt.Data(values=texts))
    styles = {"name": text_style(INK, 13, weight="bold"), "note": text_style(INK, 12)}
    written = [
        words.transform_filter(f"datum.style === '{style}'").mark_text(**look).encode(x=x, y=y, text="text:N")
        for style, look in styles.items()
    ]
    figure: alt.LayerChart = (
        alt.layer(squares, *written)
        .properties(
            width=wide,
            height=high,
            description=sentence,
            padding=6,
            view=alt.ViewConfig(stroke=None),
            title={
                "text": "Warps taking turns",
                "subtitle": f"one scheduler, its first {_CLOCKS_SHOWN} clocks from left to right",
                "subtitleColor": MUTED,
                "subtitlePadding": 6,
            },
        )
        .configure(**chart_config())
    )
    return figure
