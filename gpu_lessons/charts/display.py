"""Whether what is shown may talk to a kernel, or must stand on its own in a saved file."""

from __future__ import annotations

import os
import sys

__all__ = ["STANDS_ALONE", "WIDGET_VIEW", "is_live"]

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
#: In the metadata of an output: what stands beside its widgets says enough without them, so a file needs no widgets.
STANDS_ALONE = "gpu_lessons_stands_alone"


def is_live() -> bool:
    """Return whether widgets can be shown: inside a Jupyter kernel, unless the environment says otherwise.

    The environment variable ``GPU_LESSONS_DISPLAY`` decides where it is set: "static" or "live".

    Raises
    ------
    ValueError
        If ``GPU_LESSONS_DISPLAY`` holds anything else.
    """
    chosen = os.environ.get("GPU_LESSONS_DISPLAY")
    if chosen is None:
        return _has_kernel()
    if chosen not in ("static", "live"):
        raise ValueError(f'GPU_LESSONS_DISPLAY must be "static" or "live", got "{chosen}"')
    return chosen == "live"


def _has_kernel() -> bool:
    # A kernel has imported IPython already; importing it here would only slow down scripts.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None
