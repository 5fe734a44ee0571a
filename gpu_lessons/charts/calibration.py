"""The figure of how sure the learner was, how often that was right, and how far predictions were off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from gpu_lessons.charts.theme import GPU, INK, MUTED, chart_config, text_style

__all__ = ["calibration_chart"]

_LEFT, _RIGHT, _HEIGHT = 270, 330, 210


def calibration_chart(
    sure: Sequence[dict[str, Any]], errors: Sequence[dict[str, Any]], close: float, sentence: str
) -> alt.HConcatChart:
    """Return two panels: how often each confidence was right, and the error of each prediction.

    Parameters
    ----------
    sure : sequence of dict
        ``confidence``, ``share`` that was right, and ``said``, which says it in words.
    errors : sequence of dict
        ``lesson`` as "03", ``factor`` of 1 or more, and ``question``.
    close : float
        The factor within which a prediction counts as right.
    sentence : str
        The figure in one sentence.
    """
    chart: alt.HConcatChart = (
        alt.hconcat(_shares(sure), _errors(errors, close), spacing=60)
        .properties(description=sentence, padding=6)
        .configure(**chart_config())
    )
    return chart


def _shares(sure: Sequence[dict[str, Any]]) -> alt.LayerChart:
    bars = alt.Chart(alt.Data(values=list(sure)))
    order = [each["confidence"] for each in sure]
    x = alt.X("share:Q", title="right", scale=alt.Scale(domain=[0, 1.45], nice=False), axis=_PERCENT)
    y = alt.Y("confidence:N", title=None, sort=order, axis=alt.Axis(labelColor=INK, grid=False))
    return alt.layer(
        bars.mark_bar(color=GPU, size=22).encode(x=x, y=y, description="said:N"),
        bars.mark_text(**text_style(INK, 12, dx=6)).encode(x=x, y=y, text="said:N"),
    ).properties(width=_LEFT, height=_HEIGHT, title="How sure, and how often right")


_PERCENT = alt.Axis(values=[0, 0.5, 1], format=".0%")


def _errors(errors: Sequence[dict[str, Any]], close: float) -> alt.LayerChart:
    dots = alt.Chart(alt.Data(values=list(errors)))
    lessons = sorted({each["lesson"] for each in errors})
    x = alt.X("lesson:O", title="lesson", scale=alt.Scale(domain=lessons), axis=alt.Axis(labelAngle=0, grid=False))
    top = max([100.0, *(each["factor"] for each in errors)])
    scale = alt.Scale(type="log", domain=[1, top], nice=True)
    y = alt.Y("factor:Q", title="off by a factor of", scale=scale, axis=alt.Axis(format=",.0f", tickCount=4))
    limit = alt.Chart(alt.Data(values=[{"factor": close, "said": f"right: within {close:g}"}]))
    return alt.layer(
        limit.mark_rule(color=MUTED, strokeDash=[4, 3]).encode(y=y),
        limit.mark_text(**text_style(MUTED, 11, dx=-4, dy=-8, align="right")).encode(
            x=alt.value(_RIGHT), y=y, text="said:N"
        ),
        dots.mark_circle(color=GPU, size=70, opacity=0.55).encode(
            x=x,
            y=y,
            tooltip=[alt.Tooltip("question:N"), alt.Tooltip("factor:Q", format=".2~r")],
            description="question:N",
        ),
        dots.mark_line(color=INK, strokeWidth=2).encode(x=x, y=alt.Y("median(factor):Q", scale=scale)),
    ).properties(width=_RIGHT, height=_HEIGHT, title="Error of each prediction; line: median of a lesson")
