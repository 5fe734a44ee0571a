"""The kernels of the ladder as texts: five steps in each language, each a small change of the one before."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from gpu_lessons.arguments import require_choice, require_count, shown

__all__ = ["LANGUAGES", "kernel_changes", "kernel_text", "require_step", "thread_kernel"]

#: What a text is written in, and the ending of its file.
LANGUAGES = {"python": "py", "wgsl": "wgsl", "cuda": "cu"}
_LAST_STEP = 5


def kernel_text(step: int, language: str) -> str:
    """Return the kernel of a step as it is written: ``multiply``, with c = a @ b.

    Parameters
    ----------
    step : int
        1 to 5.
    language : {"python", "wgsl", "cuda"}
        Python for `run_threads`, WGSL for a GPU through WebGPU, CUDA C for a CUDA device.

    Raises
    ------
    TypeError, ValueError
        If there is no such step or language.

    Examples
    --------
    >>> kernel_text(2, "python").splitlines()[0][3:32]
    'Step 2: neighbours side by si'
    """
    return _path(step, language).read_text(encoding="utf-8")


def kernel_changes(step: int, language: str) -> str:
    """Return what a step changes of the one before: lines that go begin with "-", new ones with "+".

    Lines that stay are shown next to a change only; the comment at the top is left out.

    Parameters
    ----------
    step : int
        2 to 5.
    language : {"python", "wgsl", "cuda"}
        As in `kernel_text`.

    Raises
    ------
    TypeError, ValueError
        If there is no such step, none before it, or no such language.

    Examples
    --------
    >>> print(kernel_changes(2, "python"))
         me = here.thread
    -    row = top + me % 16
    -    column = left + me // 16
    +    row = top + me // 16
    +    column = left + me % 16
         if row < m and column < n:
    """
    if require_step(step) == 1:
        raise ValueError(f"step must be one of 2 to {_LAST_STEP}, for no step is before the first, got 1")
    before, after = (kernel_text(each, language).splitlines()[1:] for each in (step - 1, step))
    lines = list(difflib.unified_diff(before, after, n=1, lineterm=""))[2:]
    return "\n".join("..." if line.startswith("@@") else line for line in lines[1:])


def thread_kernel(step: int) -> Callable[..., Any]:
    """Return the Python kernel of a step, for `run_threads`: ``multiply(here, a, b, c, m, n, k)``.

    Raises
    ------
    TypeError, ValueError
        If there is no such step.
    """
    return _thread_kernel(require_step(step))


@cache
def _thread_kernel(step: int) -> Callable[..., Any]:
    path = _path(step, "python")
    names: dict[str, Any] = {"__name__": f"{__package__}.python_{step}"}
    exec(compile(path.read_text(encoding="utf-8"), path, "exec"), names)  # a file of this package
    kernel: Callable[..., Any] = names["multiply"]
    return kernel


def require_step(step: object) -> int:
    """Return the number of a step.

    Raises
    ------
    TypeError, ValueError
        If it is no integer from 1 to 5.
    """
    allowed = f"step must be one of 1 to {_LAST_STEP}, got {shown(step)}"
    try:
        found = require_count("step", step)
    except (TypeError, ValueError) as error:
        raise type(error)(allowed) from None
    if found > _LAST_STEP:
        raise ValueError(allowed)
    return found


def _path(step: object, language: str) -> Path:
    ending = LANGUAGES[require_choice("language", language, tuple(LANGUAGES))]
    return Path(__file__).parent / language / f"{require_step(step)}.{ending}"
