"""What every live explorer needs: sliders with real labels, the chart as a widget, errors said below the controls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import altair as alt
import ipywidgets as widgets

__all__ = ["chart_widget", "let_set", "say_errors", "slider", "widget_view"]

# Altair types this class as the stand-in it shows where anywidget is missing.
_JupyterChart: Any = alt.JupyterChart


def slider(description: str, options: Sequence[tuple[str, int]], value: int) -> widgets.SelectionSlider:
    """Return a slider over ``options``: what it says, and the value of the chart's parameter."""
    return widgets.SelectionSlider(description=description, options=options, value=value, layout={"width": "420px"})


def chart_widget(chart: alt.TopLevelSpec) -> widgets.DOMWidget:
    """Return ``chart`` as a widget whose ``params`` are the chart's parameters; it needs no network."""
    _JupyterChart.enable_offline()
    return _JupyterChart(chart, embed_options={"actions": False, "renderer": "svg"})


def say_errors(message: widgets.HTML, action: Callable[[], None]) -> None:
    """Run ``action`` and put what it raises into ``message``, which is emptied first."""
    message.value = ""
    try:
        action()
    except Exception as error:  # a callback's traceback would land in a log nobody reads
        message.value = escape(str(error) or type(error).__name__, quote=False)


def let_set(control: widgets.Widget, parameter: str, figure: widgets.DOMWidget, message: widgets.HTML) -> None:
    """Let ``control`` set a parameter of the chart in ``figure``: it shows other rows that it holds already."""

    def moved(change: dict[str, Any]) -> None:
        say_errors(message, lambda: setattr(figure.params, parameter, change["new"]))

    control.observe(moved, "value")


def widget_view(children: Sequence[widgets.Widget]) -> dict[str, Any]:
    """Return ``children``, one below the other, as the widget view a mime bundle holds."""
    box = widgets.VBox(children)
    return {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
