"""An explorer as a cell shows it: widgets where a kernel is, and in any case what a saved notebook needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import altair as alt

from gpu_lessons.charts.bundle import static_bundle
from gpu_lessons.charts.display import is_live

__all__ = ["explorer_bundle"]


def explorer_bundle(
    chart: alt.TopLevelSpec, sentence: str, live_view: Callable[[], dict[str, Any]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the mime bundle of ``chart`` and its metadata; with a live display ``live_view()`` joins it."""
    data, metadata = static_bundle(chart, sentence)
    if is_live():
        # The static chart stays in the bundle: it is what a notebook opened without its kernel can show.
        data |= {"application/vnd.jupyter.widget-view+json": live_view()}
    return data, metadata
