"""A limit on how long a learner's code may run: a loop that never ends must not hold the notebook for good."""

from __future__ import annotations

import dis
import functools
import signal
import sys
import threading
from time import monotonic
from types import CodeType, FrameType, TracebackType
from typing import Any

from gpu_lessons.lessons.learners_code import is_library

__all__ = ["TooLongError", "time_limit"]

# Between one alarm and the next, for code that swallowed the first; and how long to look for the best place to stop.
_AGAIN_S = 0.1


class TooLongError(BaseException):
    """Raised in code that ran into its limit; no ``except Exception`` of the learner's may swallow it."""


class time_limit:  # noqa: N801 - used as `with time_limit(4.0) as limit:`
    """Stop the block with a ``TooLongError`` after ``limit_s`` seconds, however often the block swallows it.

    The first alarm is an exception. Code that swallows even that, as ``except: pass`` in a loop does, is followed
    instruction by instruction from the second alarm on, and stopped where no handler of its own is in force. Where no
    alarm signal can be used (outside the main thread, and on Windows), the code is followed from the start: a single
    call that blocks, such as a long sleep, is then stopped only when it comes back.

    Attributes
    ----------
    is_over : bool
        Whether the limit was reached, also if the block hid it and came back with something.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self.is_over = False

    def __enter__(self) -> time_limit:
        self._started_s = monotonic()
        self._outside: FrameType | None = sys._getframe(1)
        self._fewest: tuple[int, float] | None = None
        self._trace_before = sys.gettrace()
        self._has_alarm = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
        if self._has_alarm:
            self._handler_before = signal.signal(signal.SIGALRM, self._ring)
            self._timer_before = signal.setitimer(signal.ITIMER_REAL, self._limit_s, _AGAIN_S)
        else:
            sys.settrace(self._begin)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._has_alarm:
            signal.setitimer(signal.ITIMER_REAL, 0)
        sys.settrace(self._trace_before)
        self._outside = None
        if not self._has_alarm:
            return
        signal.signal(signal.SIGALRM, self._handler_before)
        left_s, again_s = self._timer_before
        if left_s:  # a limit around this one, or another program's alarm
            signal.setitimer(signal.ITIMER_REAL, max(left_s - (monotonic() - self._started_s), 1e-3), again_s)

    def _ring(self, _signal: int, frame: FrameType | None) -> None:
        if frame is not None and frame.f_globals is globals():
            return  # entering or leaving the block: too late to stop it
        if self.is_over and sys.gettrace() != self._begin:  # once was not enough
            sys.settrace(self._begin)
            while frame is not None and frame is not self._outside:
                frame.f_trace, frame.f_trace_opcodes = self._follow, True
                frame = frame.f_back
        self.is_over = True
        raise TooLongError

    def _begin(self, frame: FrameType, event: str, argument: Any) -> Any:  # noqa: ANN401
        if is_library(frame.f_code):
            return None
        frame.f_trace_opcodes = True
        return self._follow(frame, event, argument)

    def _follow(self, frame: FrameType, event: str, _argument: Any) -> Any:  # noqa: ANN401
        """Stop the code where the fewest handlers are in force; Python ends the tracing with the exception."""
        now_s = monotonic()
        if event in ("line", "opcode") and now_s - self._started_s >= self._limit_s:
            self.is_over = True
            handlers = self._handlers_around(frame)
            fewest, since_s = self._fewest or (handlers, now_s)
            self._fewest = min(fewest, handlers), since_s
            if handlers == 0 or (handlers <= fewest and now_s - since_s > _AGAIN_S):
                self._fewest = None
                raise TooLongError
        return self._follow

    def _handlers_around(self, frame: FrameType) -> int:
        """Return how many ``except``, ``finally`` and ``with`` would see an exception that is raised here."""
        count, caller = 0, frame
        while caller is not None and caller is not self._outside:
            count += _handlers_at(caller.f_code, caller.f_lasti)
            caller = caller.f_back  # type: ignore[assignment]
        return count


@functools.lru_cache(maxsize=1024)
def _handlers_at(code: CodeType, instruction: int) -> int:
    """Return how many handlers one inside the other are in force at an instruction of ``code``."""
    entries: list[Any] = dis.Bytecode(code).exception_entries  # type: ignore[attr-defined]
    for entry in entries:
        if entry.start <= instruction < entry.end:
            # Else it only tidies up and goes on to what is around it.
            is_handler = bool(code.co_code[entry.target] == dis.opmap["PUSH_EXC_INFO"])
            return is_handler + _handlers_at(code, entry.target)
    return 0
