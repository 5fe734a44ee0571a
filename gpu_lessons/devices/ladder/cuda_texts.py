"""A text in CUDA C, compiled by CuPy: what the compiler says of it, and what can go wrong at its first run."""

from __future__ import annotations

import re
import time
from typing import Any

from gpu_lessons.devices.compile_errors import compile_message

__all__ = ["CudaRunError", "CudaTextError", "compiled", "cuda_error", "wait_for_first_run"]

#: What a learner's own kernel may keep the host waiting for.
WATCHDOG_S = 20.0
_LOOK_AGAIN_S = 1e-4
_RESTART = "then restart the notebook's kernel, for the device is lost to this one"

#: "name.cu(12): error: what"; then, from newer compilers, the line and a caret.
_PLACE = re.compile(r"\((\d+)\): error: ([^\n]+)(?:\n([^\n]+)\n( *)\^)?")


class CudaTextError(ValueError):
    """A kernel in CUDA C does not compile; the message shows the line and where in it."""


class CudaRunError(RuntimeError):
    """A kernel in CUDA C does not end, or uses memory that is not its own; the device is of no use afterwards."""


def compiled(xp: Any, text: str, name: str) -> Any:  # noqa: ANN401  (CuPy has no types of its own)
    """Return CuPy's kernel ``name`` of a text in CUDA C.

    Raises
    ------
    CudaTextError
        If it does not compile, or holds no such kernel.
    """
    kernel = xp.RawKernel(text, name)
    try:
        kernel.compile()
    except Exception as error:  # CuPy's own classes, which are there with CuPy only
        if type(error).__name__ == "CompileException":
            raise cuda_error(text, str(error)) from None
        if "NOT_FOUND" in str(error):
            raise CudaTextError(f'the text holds no kernel {name}: it begins with extern "C" __global__') from None
        raise
    return kernel


def wait_for_first_run(xp: Any) -> None:  # noqa: ANN401
    """Wait until the kernel that was launched last has ended.

    Raises
    ------
    CudaRunError
        If it has not ended after `WATCHDOG_S` seconds, or reads or writes outside its arrays.
    """
    event = xp.cuda.Event()
    event.record()
    end_s = time.monotonic() + WATCHDOG_S
    try:
        while not event.done:
            if time.monotonic() > end_s:
                raise CudaRunError(
                    f"a kernel of your own has not ended after {WATCHDOG_S:g} s: look for a loop without an end in it, "
                    f"{_RESTART}"
                )
            time.sleep(_LOOK_AGAIN_S)
        event.synchronize()
    except xp.cuda.runtime.CUDARuntimeError as error:
        if not re.search("IllegalAddress|MisalignedAddress", str(error)):
            raise
        raise CudaRunError(
            f"a kernel of your own reads or writes outside its arrays: look at its indexes and edges, {_RESTART}"
        ) from None


def cuda_error(text: str, told: str) -> CudaTextError:
    """Return the error of a text: what is wrong, its line, and a caret below the place where it is told.

    Parameters
    ----------
    text : str
        The kernel.
    told : str
        What the compiler says of it.
    """
    place = _PLACE.search(told)
    lines = text.splitlines()
    if place is None or not 1 <= int(place[1]) <= len(lines):
        return CudaTextError(compile_message(text, " ".join(told.split()), None))
    row, line, column = int(place[1]), lines[int(place[1]) - 1], None
    if place[3] and line.strip() in place[3]:
        # The compiler moves the line to the right.
        column = len(place[4]) - place[3].index(line.strip()) + line.index(line.strip())
    return CudaTextError(compile_message(text, place[2].strip(), row, column))
