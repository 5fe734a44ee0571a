"""What can go wrong on a WebGPU device, each in one sentence; a learner's WGSL with its line and a caret."""

from __future__ import annotations

import re

from gpu_lessons.devices.compile_errors import compile_message

__all__ = ["DeviceLostError", "KernelTooLongError", "WgslError", "wgsl_error"]

#: Where the compiler names the place: "┌─ wgsl:3:7", or ":3:7" with no name before it.
_PLACE = re.compile(r"┌─ [^\n]*?:(\d+):(\d+)")


class DeviceLostError(RuntimeError):
    """The device is gone, and with it its arrays; another ``gl.gpu()`` gives a new one."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"the WebGPU device {name} is lost ({why}); its arrays are gone, make a new one with gl.gpu()")


class KernelTooLongError(RuntimeError):
    """A kernel of the learner's own does not end."""

    def __init__(self, limit_s: float) -> None:
        super().__init__(
            f"a kernel of your own has not ended after {limit_s:.0f} s: look for a loop without an end in it, or "
            "give it less work, then make a new device with gl.gpu(); the old one is given up"
        )


class WgslError(ValueError):
    """A kernel does not compile; the message shows the line and where in it."""


def wgsl_error(text: str, told: str) -> WgslError:
    """Return the error of a WGSL text: what is wrong, its line, and a caret below the place.

    Parameters
    ----------
    text : str
        The kernel.
    told : str
        What the compiler says of it.
    """
    place = _PLACE.search(told)
    row, column = (int(place[1]), int(place[2]) - 1) if place else (None, None)
    return WgslError(compile_message(text, _reason(told), row, column))


def _reason(told: str) -> str:
    """Return the compiler's telling line: what follows its notes of places, or the one that begins the report."""
    notes = [line.strip() for line in told.splitlines()]
    below = [note for note in notes if note and note[0] not in "│┌=^" and not re.match(r"\d+ │", note)]
    told_last = below[-1] if below else told.strip()
    return told_last.removeprefix("Shader '' parsing error: ").rstrip(".")
