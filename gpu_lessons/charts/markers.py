"""Times from a clock, drawn on top of predicted curves: the mark says where a time comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import altair as alt

from gpu_lessons.charts.theme import CPU, GPU, vega_time

__all__ = ["time_marks"]

_COLORS = {"cpu": CPU, "gpu": GPU}
#: By source: the point, and whether a line joins the points.
_MARKS: dict[str, tuple[dict[str, Any], bool]] = {
    "recorded": ({"shape": "circle", "filled": True, "size": 36}, True),
    "published": ({"shape": "diamond", "filled": True, "fill": "white", "strokeWidth": 1.5, "size": 70}, False),
    "measured": ({"shape": "circle", "filled": True, "size": 70}, False),
}


def time_marks(times: Iterable[dict[str, Any]], chosen: str, x: alt.X, y: alt.Y) -> Iterator[alt.Chart]:
    """Yield the layers that draw ``times``: recorded ones with a solid line, published ones as hollow diamonds.

    Parameters
    ----------
    times : iterable of dict
        Rows with ``kind`` ("cpu" or "gpu"), ``source``, ``said`` (the source in words) and ``time_s``, besides what
        ``chosen`` and ``x`` need.
    chosen : str
        Filter for the rows to draw.
    x, y : X, Y
        Where.
    """
    rows = list(times)
    for kind, color in _COLORS.items():
        for source, (mark, joined) in _MARKS.items():
            own = [row for row in rows if (row["kind"], row["source"]) == (kind, source)]
            if not own:
                continue
            told = (
                alt.Chart(alt.Data(values=own))
                .transform_filter(chosen)
                .transform_calculate(
                    time=vega_time("datum.time_s"),
                    told=f"'{kind.upper()}, ' + {vega_time('datum.time_s')} + ', ' + datum.said",
                )
            )
            if joined:
                yield told.mark_line(color=color, strokeWidth=2).encode(x=x, y=y)
            point = told.mark_point(**({"color": color, "stroke": color, "opacity": 1} | mark))
            tooltip = [alt.Tooltip("time:N", title=kind.upper()), alt.Tooltip("said:N", title="source")]
            yield point.encode(x=x, y=y, tooltip=tooltip, description="told:N")
