"""Words for the learner's own Matplotlib figures: JupyterLab shows their pictures without any."""

from __future__ import annotations

import sys
from html import escape
from typing import Any

from gpu_lessons.charts.display import is_live

__all__ = ["describe", "give_figures_words"]


def give_figures_words() -> None:
    """Let every Matplotlib figure of this kernel be shown with alternative text, for those who do not see it.

    A saved lesson keeps the picture with the words beside it, for an exported page.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None:
        mime, words = ("text/html", _as_html) if is_live() else ("text/plain", _as_text)
        shell.display_formatter.formatters[mime].for_type_by_name("matplotlib.figure", "Figure", words)


def describe(figure: Any) -> str:  # noqa: ANN401  (matplotlib is imported by the learner, not here)
    """Return what a Matplotlib figure shows: titles, axes, and each named line from its first point to its last."""
    return " ".join(_words(axes) for axes in figure.axes) or "A figure without axes."


def _words(axes: Any) -> str:  # noqa: ANN401
    title = axes.get_title() or axes.get_title(loc="left")
    named = f"{title}: " if title else ""
    across = f"{axes.get_ylabel() or 'values'} against {axes.get_xlabel() or 'position'}"
    lines = [_line(line) for line in axes.get_lines() if not line.get_label().startswith("_") and len(line.get_xdata())]
    bars = f"{len(axes.patches)} bars" if axes.patches else ""
    return f"{named}{across}. {'; '.join(filter(None, [*lines, bars]))}".rstrip(" .") + "."


def _line(line: Any) -> str:  # noqa: ANN401
    x, y = line.get_xdata(), line.get_ydata()
    return f"{line.get_label()} from {y[0]:.3g} at {x[0]:g} to {y[-1]:.3g} at {x[-1]:g}"


def _as_html(figure: Any) -> str:  # noqa: ANN401
    from IPython.core.pylabtools import print_figure

    picture = print_figure(figure, "png", base64=True)  # type: ignore[no-untyped-call]
    return f'<img src="data:image/png;base64,{picture}" alt="{escape(describe(figure))}">'


def _as_text(figure: Any, printer: Any, _cycle: bool) -> None:  # noqa: ANN401
    printer.text(describe(figure))
