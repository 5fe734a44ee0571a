"""One call of what the learner wrote: within a time limit, and whatever it does becomes part of the verdict."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import numpy as np

from gpu_lessons.devices.unknown import UnknownOperationError
from gpu_lessons.lessons.differences import describe, difference
from gpu_lessons.lessons.learners_code import (
    empty_helpers,
    has_empty_body,
    is_placeholder,
    is_unfinished,
    line_of,
    mentions,
)
from gpu_lessons.lessons.time_limits import TooLongError, time_limit
from gpu_lessons.lessons.verdicts import LateAnswerError, NotAttemptedError, WrongAnswerError

__all__ = ["Call", "attempt", "call_answer"]

# A loop around a function that returns nothing yet rarely ends.
_LONGEST_WITH_EMPTY_HELPERS_S = 0.5


@dataclass
class _Attempt:
    """One run of a check: the seconds its calls have together, what is left of them, and who has answered.

    None from a function that has answered before is wrong, not a stub.
    """

    limit_s: float
    left_s: float
    answered: set[int] = field(default_factory=set)


_current: ContextVar[_Attempt] = ContextVar("attempt")


@contextmanager
def attempt(limit_s: float) -> Iterator[None]:
    """Give all calls in the block ``limit_s`` seconds together."""
    token = _current.set(_Attempt(limit_s, limit_s))
    try:
        yield
    finally:
        _current.reset(token)


@dataclass(frozen=True)
class Call:
    """A call that came back.

    Attributes
    ----------
    text : str
        What it looked like: ``"neuron([1.0], [2.0], 0.5)"``.
    got : object
        What it returned.
    changed : str
        Which of its inputs it changed, and how; empty if none.
    """

    text: str
    got: Any
    changed: str


def call_answer(function: object, arguments: tuple[object, ...], *, expected: object, limit_s: float) -> Call:
    """Call the learner's ``function`` with copies of ``arguments``.

    Parameters
    ----------
    function : callable
        What the learner wrote.
    arguments : tuple
        Its inputs. NumPy arrays, lists, tuples and dicts are copied, other objects are handed over as they are.
    expected : object
        What it should return, to be quoted.
    limit_s : float
        Seconds for the call, unless an attempt is under way, which has its own.

    Raises
    ------
    NotAttemptedError
        If the first call gives None out of an empty body or Ellipsis, or raises NotImplementedError.
    WrongAnswerError
        If it raises anything else, returns nothing, or does not come back in time.
    """
    if not callable(function):
        raise WrongAnswerError(f"Expected a function, got {describe(function)}.")
    now = _current.get(None) or _Attempt(limit_s, limit_s)
    identity = id(getattr(function, "__func__", function))
    text = f"{_name(function)}({', '.join(map(describe, arguments))})"
    given = _copied(arguments)
    try:
        got = _timed(function, given, now)
    except TooLongError as late:
        nothing = f"expected {describe(expected)}, got nothing in {now.limit_s:g} s{line_of(late)}"
        raise LateAnswerError(f"{text}: {nothing}. Does a loop never end?") from None
    except UnknownOperationError as unknown:
        reason = "this check runs on a simulated GPU"
        raise WrongAnswerError(f"{text} cannot be judged, because {reason}: {_quoted(unknown)}.") from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # exit() too
        if identity not in now.answered and is_unfinished(error):
            raise NotAttemptedError from None
        raise WrongAnswerError(f"{text} raised {_quoted(error)}.") from None
    if identity not in now.answered and is_placeholder(got):
        _refuse_nothing(function, got, f"{text}: expected {describe(expected)}, got None")
    now.answered.add(identity)
    return Call(text, got, _changed(arguments, given))


def _timed(function: Callable[..., object], arguments: tuple[object, ...], now: _Attempt) -> object:
    """Return what comes back within the time that is left; a function that hides its limit is late all the same."""
    longest_s = _LONGEST_WITH_EMPTY_HELPERS_S if empty_helpers(function) else now.left_s
    limit = time_limit(max(min(now.left_s, longest_s), 1e-3))
    started_s = monotonic()
    try:
        with _exit_refused(), limit:
            got = function(*arguments)
    finally:
        now.left_s -= monotonic() - started_s
    if limit.is_over:
        raise TooLongError
    if inspect.iscoroutine(got):
        got.close()  # else Python warns that nobody awaited it
    return got


@contextmanager
def _exit_refused() -> Iterator[None]:
    """Let ``exit()`` raise SystemExit in a notebook too, where it would end the kernel after the cell."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None:
        yield
        return

    def refuse() -> None:
        raise SystemExit

    shell.ask_exit = refuse
    try:
        yield
    finally:
        vars(shell).pop("ask_exit", None)


def _refuse_nothing(function: object, got: object, text: str) -> None:
    """Refuse an answer that returned no value: not attempted if nothing was written, else wrong."""
    if got is not None or has_empty_body(function):
        raise NotAttemptedError("Your function returned None." if got is None else "")
    more = " print shows a value; only return hands it back." if mentions(function, "print") else ""
    raise WrongAnswerError(f"{text}.{more}")


def _copied(value: Any) -> Any:  # noqa: ANN401
    """Return ``value`` with its NumPy arrays, lists, tuples and dicts copied."""
    if isinstance(value, list | tuple):
        return type(value)(_copied(item) for item in value)
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return value.copy() if isinstance(value, np.ndarray) else value


def _changed(arguments: tuple[object, ...], given: tuple[object, ...]) -> str:
    for number, (before, after) in enumerate(zip(arguments, given, strict=True), start=1):
        if not _same(before, after):
            found = difference(after, before, rtol=0.0) or f"got {describe(after)}"
            return f"the call changed its input {number}, which the caller still needs: {found}"
    return ""


def _same(one: Any, other: Any) -> bool:  # noqa: ANN401
    if type(one) is not type(other):
        return False
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, np.ndarray):
        return bool(one.shape == other.shape and one.tobytes() == other.tobytes())
    return one is other or (isinstance(one, int | float | str) and bool(one == other))


def _name(function: object) -> str:
    name = getattr(function, "__name__", "<unknown>")
    return "your function" if name.startswith("<") else name


def _quoted(error: BaseException) -> str:
    """Return type and message of the learner's error, and the line of theirs that raised it."""
    return f"{type(error).__name__}: {error}".rstrip(".: ") + line_of(error)
