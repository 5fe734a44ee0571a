"""What a kernel and its page tell each other of widgets in general: whether they are drawn, and that they have died."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import anywidget
import traitlets

__all__ = ["let_page_know", "when_it_draws"]


class _Page(anywidget.AnyWidget):
    """A widget without a view: the page says by it that it could load it."""

    _esm = Path(__file__).with_name("front_end.js")
    draws = traitlets.Bool(False).tag(sync=True)


@cache
def let_page_know() -> _Page:
    """Return the one widget of this kernel that lets a page mark all others when the kernel is shut down."""
    return _Page()


def when_it_draws(show_widgets: Callable[[], None]) -> bool:
    """Return whether the page is known to draw charts as widgets; if not, call ``show_widgets`` once it is.

    A page of JupyterLab cannot where its server lacks anywidget, as may be with a kernel of another environment. Where
    ``GPU_LESSONS_DISPLAY`` is "live" nobody is asked, nor in Voilà, whose page shows no output anew.
    """
    is_sure = os.environ.get("GPU_LESSONS_DISPLAY") == "live"
    if is_sure or os.environ.get("SERVER_SOFTWARE", "").startswith("voila") or let_page_know().draws:
        return True
    let_page_know().observe(lambda _: show_widgets(), "draws")
    return False
