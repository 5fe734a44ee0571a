"""Widgets around what stands alone: the figure or the question of a cell, while its kernel lives."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from gpu_lessons.charts.display import STANDS_ALONE, WIDGET_VIEW

__all__ = ["PICTURE", "out_of_sight", "with_widgets"]

#: Class of a widget that is still worth looking at when nothing answers it any more.
PICTURE = "gpu-lessons-picture"

# JupyterLab marks each widget whose kernel was restarted with an icon; words say more.
_WHEN_STOPPED = """<style>
.gpu-lessons-stopped { display: none !important }
.jupyter-widgets-disconnected > .gpu-lessons-stopped { display: block !important }
.gpu-lessons-live.jupyter-widgets-disconnected :is(.widget-inline-hbox, .jupyter-button, .widget-hprogress) {
  display: none !important
}
.gpu-lessons-live .jupyter-widgets-disconnected::before,
.gpu-lessons-live.jupyter-widgets-disconnected::before { content: none !important }
</style>
The kernel that answered here has stopped: <b>run this cell again</b>."""


Bundle = tuple[dict[str, Any], dict[str, Any]]


def with_widgets(box: widgets.Widget, data: dict[str, Any], metadata: dict[str, Any] | None = None) -> Bundle:
    """Return a mime bundle and its metadata that show ``box``, and ``data`` wherever widgets cannot be drawn.

    A saved file keeps ``data`` only, see `gpu_lessons.saving`. When the kernel restarts, a line in the place of the
    controls says so.
    """
    stopped = widgets.HTML(_WHEN_STOPPED)
    stopped.add_class("gpu-lessons-stopped")
    outer = widgets.VBox([stopped, box])
    outer.add_class("gpu-lessons-live")
    return _beside(outer, data, metadata or {})


def out_of_sight(data: dict[str, Any]) -> Bundle:
    """Return a mime bundle and its metadata that show nothing among widgets, and ``data`` without them."""
    return _beside(widgets.Box(layout={"display": "none"}), data, {})


def _beside(widget: widgets.Widget, data: dict[str, Any], metadata: dict[str, Any]) -> Bundle:
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return {**data, WIDGET_VIEW: view}, {**metadata, STANDS_ALONE: True}
