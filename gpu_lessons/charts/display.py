"""Whether what is shown may talk to a kernel, or must stand on its own in a saved file."""

from __future__ import annotations

import os
import sys

from gpu_lessons.hardware.asking import asked

__all__ = ["STANDS_ALONE", "WIDGET_VIEW", "is_live"]

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
#: In the metadata of an output: what stands beside its widgets says enough without them, so a file needs no widgets.
STANDS_ALONE = "gpu_lessons_stands_alone"


def is_live() -> bool:
    """Return whether widgets can be shown: to somebody at a Jupyter kernel, unless the environment says otherwise.

    The environment variable ``GPU_LESSONS_DISPLAY`` decides where it is set: "static" or "live".

    Raises
    ------
    ValueError
        If ``GPU_LESSONS_DISPLAY`` holds anything else.
    """
    chosen = os.environ.get("GPU_LESSONS_DISPLAY")
    if chosen is None:
        return _has_reader()
    if chosen not in ("static", "live"):
        raise ValueError(f'GPU_LESSONS_DISPLAY must be "static" or "live", got "{chosen}"')
    return chosen == "live"


def _has_reader() -> bool:
    # A kernel has imported IPython already; importing it here would only slow down scripts.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None or getattr(shell, "kernel", None) is None:
        return False
    # Where people read, cells are numbered. nbval runs them without, and compares with what the lesson was saved with.
    request = asked(lambda: shell.get_parent()["content"]) or {}
    return request.get("store_history", True) is not False
