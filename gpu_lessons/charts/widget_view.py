"""Widgets around what stands alone: the figure or the question of a cell, while its kernel lives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ipywidgets as widgets

from gpu_lessons.charts.display import STANDS_ALONE, WIDGET_VIEW
from gpu_lessons.charts.front_end import let_page_know
from gpu_lessons.hardware.asking import asked

__all__ = ["STAYS", "close", "out_of_sight", "running_cell", "with_widgets"]

Bundle = tuple[dict[str, Any], dict[str, Any]]
#: A cell, as the notebook names it, and which of its runs this is.
Cell = tuple[str, str]

#: Class of a widget that is still worth looking at when no kernel answers it any more.
STAYS = "gpu-lessons-stays"

# Words in the place of the controls say more than the icon that JupyterLab puts on each widget. No ":has" in a style:
# with one, every change of any part of the page costs JupyterLab a tenth of a second.
_WHEN_STOPPED = f"""<style>
.gpu-lessons-stopped {{ display: none }}
.gpu-lessons-live.jupyter-widgets-disconnected > .gpu-lessons-stopped {{ display: block }}
.gpu-lessons-live.jupyter-widgets-disconnected > :not(.gpu-lessons-stopped) > :not(.{STAYS}) {{ display: none }}
.gpu-lessons-live.jupyter-widgets-disconnected::before,
.gpu-lessons-live .jupyter-widgets-disconnected::before {{ content: none }}
</style>
The kernel that answered here has stopped: <b>run this cell again</b>."""

_standing: dict[str, tuple[str, list[widgets.Widget]]] = {}


def with_widgets(
    box: widgets.Box, data: dict[str, Any], metadata: dict[str, Any] | None = None, cell: Cell | None = None
) -> Bundle:
    """Return a mime bundle and its metadata that show ``box``, and ``data`` wherever widgets cannot be drawn.

    A saved file keeps ``data`` only, see `gpu_lessons.saving`. When the kernel has stopped, a line in the place of the
    controls says so; only the children of ``box`` that have the class ``STAYS`` are left beside it.

    Parameters
    ----------
    box, data, metadata
        The widgets, and the bundle without them.
    cell : pair of str, optional
        The cell they stand in; the running one if it is not given. What an earlier run of it has shown is closed, as
        the page would otherwise keep it.
    """
    let_page_know()
    stopped = widgets.HTML(_WHEN_STOPPED)
    stopped.add_class("gpu-lessons-stopped")
    outer = widgets.VBox([stopped, box])
    outer.add_class("gpu-lessons-live")
    _take_the_place(outer, running_cell() if cell is None else cell)
    return _beside(outer, data, metadata or {})


def out_of_sight(data: dict[str, Any]) -> Bundle:
    """Return a mime bundle and its metadata that show nothing among widgets, and ``data`` without them."""
    empty = widgets.Box(layout={"display": "none"})
    _take_the_place(empty, running_cell())
    return _beside(empty, data, {})


def running_cell() -> Cell | None:
    """Return the cell that runs now, or None where the page does not tell."""

    def told() -> Cell:
        from IPython import get_ipython

        request = get_ipython().get_parent()
        return request["metadata"]["cellId"], request["header"]["msg_id"]

    cell: Cell | None = asked(told)
    return cell


def close(widget: widgets.Widget) -> None:
    """Close a widget and all that it is made of, so that the page forgets it."""
    for each in list(_parts(widget)):
        each.close()


def _take_the_place(widget: widgets.Widget, cell: Cell | None) -> None:
    if cell is None:
        return
    name, run = cell
    earlier_run, shown = _standing.get(name, (run, []))
    if earlier_run != run:
        for each in shown:
            close(each)
        shown = []
    _standing[name] = run, [*shown, widget]


def _parts(widget: widgets.Widget) -> Iterator[widgets.Widget]:
    yield widget
    for name in widget.keys:
        value = getattr(widget, name)
        for each in value if isinstance(value, list | tuple) else [value]:
            if isinstance(each, widgets.Widget):
                yield from _parts(each)


def _beside(widget: widgets.Widget, data: dict[str, Any], metadata: dict[str, Any]) -> Bundle:
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return {**data, WIDGET_VIEW: view}, {**metadata, STANDS_ALONE: True}
