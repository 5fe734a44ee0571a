"""Barriers of a kernel that is run thread by thread: all threads of a block must come to the same one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gpu_lessons.devices.accesses import ThreadError, line_at

if TYPE_CHECKING:
    from types import FrameType, GeneratorType

    Thread = GeneratorType[None, None, None]

__all__ = ["left_alone", "require_one_barrier"]


def left_alone(block: tuple[int, int], ended: int, waiting: Thread | None, others: int) -> ThreadError:
    """Return the error of a thread that has ended while ``others`` of its block wait, ``waiting`` among them."""
    frame = _frame(waiting)
    they = "1 other waits" if others == 1 else f"{others} others wait"
    return ThreadError(
        f"thread {ended} of block {tuple(block)} ends while {they} at a barrier, for ever: every thread "
        f"of a block has to reach it{line_at(frame.f_code, frame.f_lineno)}"
    )


def require_one_barrier(block: tuple[int, int], live: Mapping[int, Thread | None]) -> None:
    """Refuse threads that wait at different lines.

    Raises
    ------
    ThreadError
        If there are two such threads; it names them, and the line of the second.
    """
    first: dict[int, int] = {}
    for thread, waiting in live.items():
        first.setdefault(_frame(waiting).f_lineno, thread)
    if len(first) > 1:
        (_, one), (line, other) = list(first.items())[:2]
        raise ThreadError(
            f"threads {one} and {other} of block {tuple(block)} wait at different barriers, and all threads of a block "
            f"have to reach the same one{line_at(_frame(live[other]).f_code, line)}"
        )


def _frame(waiting: Thread | None) -> FrameType:
    frame = None if waiting is None else waiting.gi_frame
    assert frame is not None  # it waits
    return frame
