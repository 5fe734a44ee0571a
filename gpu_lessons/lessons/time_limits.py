"""A limit on how long a learner's code may run: a loop that never ends must not hold the notebook for good."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["TooLongError", "time_limit"]


class TooLongError(BaseException):
    """Raised in code that ran into its limit; no ``except Exception`` of the learner's may swallow it."""


@contextmanager
def time_limit(limit_s: float) -> Iterator[None]:
    """Stop the block with a ``TooLongError`` after ``limit_s`` seconds.

    It needs an alarm signal: outside the main thread, and on Windows, there is no limit.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
