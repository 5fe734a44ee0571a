"""What of a lesson is saved: an extension of the Jupyter server, so that it holds however the server was started.

Widgets live in a kernel. In a saved file they are dead: an icon of a broken link, or "model not found". So a figure of
the course is shown with a static chart beside its widgets, a question with its words, and the file keeps only those.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from gpu_lessons.charts.display import STANDS_ALONE, WIDGET_VIEW

__all__ = ["keep_what_stands_alone"]

_WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
_MODEL = re.compile(r"\AIPY_MODEL_(.+)\Z", re.DOTALL)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Return what the file in etc/jupyter/jupyter_server_config.d enables."""
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: Any) -> None:  # noqa: ANN401  (the core imports no Jupyter)
    # Another extension may still put a contents manager of its own in the place of this one, as jupytext's does.
    server.io_loop.add_callback(lambda: server.contents_manager.register_pre_save_hook(keep_what_stands_alone))


def keep_what_stands_alone(model: dict[str, Any], **_: object) -> None:
    """Drop the widgets of the course from a notebook that is about to be saved; other widgets are left as they are.

    Parameters
    ----------
    model : dict
        What the server is about to save, changed in place. What is no notebook is left alone.
    """
    notebook = model.get("content")
    if model.get("type") != "notebook" or not isinstance(notebook, dict):
        return
    cells = [cell for cell in notebook.get("cells", []) if cell["cell_type"] == "code"]
    outputs = [output for cell in cells for output in cell["outputs"] if "data" in output]
    for output in outputs:
        if output.get("metadata", {}).pop(STANDS_ALONE, None):
            output["data"].pop(WIDGET_VIEW, None)
    if any("gpu_lessons" in "".join(cell["source"]) for cell in cells):
        _keep_state_of_views(notebook["metadata"], [output["data"] for output in outputs])


def _keep_state_of_views(metadata: dict[str, Any], shown: list[dict[str, Any]]) -> None:
    """Keep the state of those widgets that the notebook still shows, such as a learner's own, and no other."""
    saved = metadata.get("widgets", {}).get(_WIDGET_STATE, {})
    states: dict[str, Any] = saved.get("state", {})
    found = [data[WIDGET_VIEW]["model_id"] for data in shown if WIDGET_VIEW in data]
    kept: dict[str, Any] = {}
    while found:
        name = found.pop()
        if name in states and name not in kept:
            kept[name] = states[name]
            found += _models_in(states[name].get("state"))
    if kept:
        saved["state"] = kept
    else:
        metadata.pop("widgets", None)


def _models_in(state: object) -> Iterator[str]:
    if isinstance(state, str) and (match := _MODEL.match(state)):
        yield match[1]
    elif isinstance(state, dict | list):
        for each in state.values() if isinstance(state, dict) else state:
            yield from _models_in(each)
