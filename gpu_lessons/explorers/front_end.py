"""Whether the page can draw a chart as a widget: it is asked, and until it answers a figure stands alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache

import anywidget
import traitlets

__all__ = ["when_it_draws"]


class _Question(anywidget.AnyWidget):
    """A widget without a view, whose only answer is that the page could load it."""

    _esm = "export default { initialize({ model }) { model.set('draws', true); model.save_changes(); } }"
    draws = traitlets.Bool(False).tag(sync=True)


def when_it_draws(show_widgets: Callable[[], None]) -> bool:
    """Return whether the page is known to draw charts as widgets; if not, call ``show_widgets`` once it is.

    A page of JupyterLab cannot where its server lacks anywidget, as may be with a kernel of another environment. Where
    ``GPU_LESSONS_DISPLAY`` is "live" nobody is asked, nor in Voilà, whose page shows no output anew.
    """
    is_sure = os.environ.get("GPU_LESSONS_DISPLAY") == "live"
    if is_sure or os.environ.get("SERVER_SOFTWARE", "").startswith("voila") or _question().draws:
        return True
    _question().observe(lambda _: show_widgets(), "draws")
    return False


@cache
def _question() -> _Question:
    return _Question()
