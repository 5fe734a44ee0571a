"""Loss and accuracy of a training, epoch by epoch, with a bar that says how far it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import altair as alt

from gpu_lessons.charts.bundle import Figure
from gpu_lessons.charts.theme import GRID, INK, MEMORY_BLUES, MUTED, chart_config, four_digits, text_style

__all__ = ["learning_figure"]

_WIDTH, _HEIGHT, _BAR = 320, 200, 8
_LOSS, _RIGHT = INK, MEMORY_BLUES[1]


def learning_figure(
    losses: Sequence[float],
    accuracies: Sequence[float],
    *,
    epochs: int,
    guessing: float,
    goal: float | None,
    sentence: str,
) -> Figure:
    """Return the figure of a training so far.

    Parameters
    ----------
    losses, accuracies : sequence of float
        Of each epoch: the mean loss, and the share of test samples that were told right.
    epochs : int
        How many there may be.
    guessing : float
        Loss of a network that guesses.
    goal : float or None
        Accuracy that is aimed at.
    sentence : str
        How far it is, in one sentence.
    """
    rows = [
        {
            "epoch": number,
            "loss": four_digits(loss) if math.isfinite(loss) and loss > 0 else None,
            "accuracy": four_digits(accuracy),
            "told": f"epoch {number}: loss {loss:.3g}, {100 * accuracy:.1f}% right",
        }
        for number, (loss, accuracy) in enumerate(zip(losses, accuracies, strict=True), start=1)
    ]
    return Figure(partial(_chart, rows, epochs, guessing, goal, sentence), sentence, rows, needed=2 * _WIDTH + 130)


def _chart(
    rows: list[dict[str, Any]], epochs: int, guessing: float, goal: float | None, sentence: str
) -> alt.VConcatChart:
    x = alt.X(
        "epoch:Q",
        title="epoch",
        scale=alt.Scale(domain=[0, epochs], nice=False),
        axis=alt.Axis(grid=False, tickMinStep=1, format="d"),
    )
    decades = [10.0**exponent for exponent in range(-6, 13)]
    loss = alt.Y("loss:Q", title=None, scale=alt.Scale(type="log"), axis=alt.Axis(values=decades, format="~g"))
    right = alt.Y("accuracy:Q", title=None, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%"))
    panels = [
        _panel(x, loss, _LOSS, guessing, "guessing", "Loss"),
        _panel(x, right, _RIGHT, goal, "" if goal is None else f"goal {100 * goal:g}%", "Test samples told right"),
    ]
    title = [f"{part}." for part in sentence.rstrip(".").split(". ")]
    chart: alt.VConcatChart = (
        alt.vconcat(_bar(len(rows) / epochs), alt.concat(*panels, spacing=30), data=alt.Data(values=rows), spacing=14)
        .configure(**chart_config())
        .properties(title={"text": title}, description=sentence, padding=6)
    )
    return chart


def _panel(x: alt.X, y: alt.Y, color: str, level: float | None, name: str, title: str) -> alt.LayerChart:
    epochs = alt.Chart().transform_filter(f"datum.{y.shorthand.partition(':')[0]} !== null")
    layers: list[alt.Chart] = [
        epochs.mark_line(color=color, strokeWidth=2).encode(x=x, y=y),
        epochs.mark_point(color=color, filled=True, size=50, opacity=1).encode(x=x, y=y, description="told:N"),
    ]
    if level is not None:
        line = alt.Chart(alt.Data(values=[{"level": four_digits(level)}]))
        at = alt.Y("level:Q")
        layers += [
            line.mark_rule(color=MUTED, strokeDash=[4, 3]).encode(y=at),
            line.mark_text(**text_style(INK, 12, dx=-4, dy=-8, align="right")).encode(
                x=alt.value(_WIDTH), y=at, text=alt.value(name)
            ),
        ]
    return alt.layer(*layers).properties(width=_WIDTH, height=_HEIGHT, title=title)


def _bar(done: float) -> alt.LayerChart:
    """Return how far the training is, as a bar."""
    parts = (("whole", 1.0, GRID), ("done", done, _RIGHT))
    bars = [
        alt.Chart(alt.Data(values=[{"part": name}]))
        .mark_rect(color=color)
        .encode(x=alt.value(0), x2=alt.value(_WIDTH * share), y=alt.value(0), y2=alt.value(_BAR))
        for name, share, color in parts
    ]
    return alt.layer(*bars).properties(width=_WIDTH, height=_BAR, view=alt.ViewConfig(stroke=None))
