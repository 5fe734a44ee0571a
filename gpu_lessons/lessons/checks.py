"""Checks of what the learner wrote: right, wrong, or not attempted, and hints on request."""

from __future__ import annotations

import functools
import html
import inspect
import linecache
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Literal

import numpy as np

from gpu_lessons.lessons.differences import describe, difference
from gpu_lessons.lessons.progress import progress_here
from gpu_lessons.lessons.time_limits import TooLongError, time_limit

__all__ = [
    "Check",
    "LateAnswerError",
    "NotAttemptedError",
    "Verdict",
    "WrongAnswerError",
    "check",
    "compare",
    "compare_value",
]

Outcome = Literal["right", "wrong", "not attempted"]

# Blue, orange and grey are told apart with any colour vision; the word stands beside them in any case.
_COLOURS: dict[Outcome, str] = {"right": "#0072b2", "wrong": "#d55e00", "not attempted": "#888888"}

#: Seconds for one call of an answer. Every check asks for far less, also on a slow machine.
LONGEST_CALL_S = 20.0

# Functions that have returned something in the check under way: None from them later on is wrong, not a stub.
_has_answered: ContextVar[set[int]] = ContextVar("has_answered")


class WrongAnswerError(Exception):
    """Raised in a check when the answer is wrong; its text quotes input, expected and got."""


class LateAnswerError(WrongAnswerError):
    """Raised in a check when the learner's function does not come back."""


class NotAttemptedError(Exception):
    """Raised in a check when there is no answer yet; its text may say how that was seen."""


@dataclass(frozen=True)
class Verdict:
    """The outcome of a check, in one word and the sentences after it."""

    outcome: Outcome
    message: str

    def _word(self) -> str:
        return "Not attempted yet" if self.outcome == "not attempted" else self.outcome.capitalize()

    def __repr__(self) -> str:
        return f"{self._word()}. {self.message}".rstrip()

    def _repr_html_(self) -> str:
        style = f"border-left: 6px solid {_COLOURS[self.outcome]}; padding: 4px 12px; white-space: pre-wrap"
        return f'<div style="{style}"><b>{self._word()}.</b> {html.escape(self.message)}</div>'


class Hint(str):
    """A text that a notebook shows without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class Check:
    """A check of one exercise: call it with the answer, or call ``hint`` for the next hint.

    Parameters
    ----------
    judge : callable
        Takes the learner's answer, calls ``compare`` for each case, returns what to say when all is right.
    hints : sequence of str
        From a nudge to nearly the answer.
    """

    def __init__(self, judge: Callable[..., str], hints: Sequence[str]) -> None:
        if isinstance(hints, str) or not hints:
            raise ValueError(f"hints must be one or more texts in a tuple, got {hints!r}")
        self._judge = judge
        self._hints = tuple(hints)
        self._hints_given = 0
        functools.update_wrapper(self, judge)

    def __call__(self, *answers: object) -> Verdict:
        """Return the verdict on ``answers``; whatever the learner's code raises becomes part of it."""
        inspect.signature(self._judge).bind(*answers)
        if any(_is_placeholder(answer) for answer in answers):
            return Verdict("not attempted", "")
        token = _has_answered.set(set())
        try:
            return Verdict("right", f"{self._judge(*answers)} {self._kept()}".rstrip())
        except NotAttemptedError as reason:
            return Verdict("not attempted", str(reason))
        except WrongAnswerError as reason:
            return Verdict("wrong", str(reason))
        except Exception as error:
            return Verdict("wrong", f"Your answer cannot be used here: {type(error).__name__}: {error}")
        finally:
            _has_answered.reset(token)

    def _kept(self) -> str:
        """Keep that the exercise is done; return what the learner must know about their file."""
        name = self._judge.__name__.removeprefix("check_")
        progress_here().remember("exercises", name, {"outcome": "right"})
        return progress_here().take_note()

    def hint(self) -> Hint:
        """Return the next hint; the last one repeats."""
        self._hints_given = min(self._hints_given + 1, len(self._hints))
        text = self._hints[self._hints_given - 1]
        return Hint(f"Hint {self._hints_given} of {len(self._hints)}: {text}")

    def __repr__(self) -> str:
        name = self._judge.__name__
        return f"{name}(your answer) judges it; {name}.hint() gives the next of {len(self._hints)} hints."


def check(*, hints: Sequence[str]) -> Callable[[Callable[..., str]], Check]:
    """Turn a function that judges an answer into a ``Check``.

    Examples
    --------
    >>> @check(hints=("What is two times x?",))
    ... def check_double(double):
    ...     for x in (1.0, 2.5):
    ...         compare(double, (x,), expected=2 * x)
    ...     return "Each number came back twice as large."
    >>> check_double(lambda x: x + 1)
    Wrong. your function(2.5): expected 5.0, got 3.5.
    """
    return functools.partial(Check, hints=hints)


def compare(
    function: object,
    arguments: tuple[object, ...],
    *,
    expected: object,
    rtol: float = 1e-6,
    seen: Callable[[object], object] = lambda got: got,
) -> None:
    """Call the learner's ``function`` with copies of ``arguments`` and judge what comes back.

    Parameters
    ----------
    function : callable
        What the learner wrote.
    arguments : tuple
        Its inputs; arrays and lists are copied, so that a function that changes them spoils nothing.
    expected : number, text, bool, array, or tuple or list of these
        What it should return.
    rtol : float
        Allowed difference, relative to the largest number expected.
    seen : callable
        Takes what came back and returns what of it is judged, such as a device array's numbers on the host.

    Raises
    ------
    NotAttemptedError
        If the first call gives None or Ellipsis, or raises NotImplementedError.
    WrongAnswerError
        If it raises anything else, does not come back in time, or returns anything else than ``expected``.
    """
    if not callable(function):
        raise WrongAnswerError(f"Expected a function, got {describe(function)}.")
    answered, identity = _has_answered.get(set()), id(getattr(function, "__func__", function))
    call = f"{_name(function)}({', '.join(map(describe, arguments))})"
    try:
        with time_limit(LONGEST_CALL_S):
            got = function(*(_copies(argument) for argument in arguments))
    except TooLongError as late:
        nothing = f"expected {describe(expected)}, got nothing in {LONGEST_CALL_S:g} s{_where(late)}"
        raise LateAnswerError(f"{call}: {nothing}. Does a loop never end?") from None
    except Exception as error:
        if identity not in answered and _is_unfinished(error):
            raise NotAttemptedError from None
        raise WrongAnswerError(f"{call} raised {_quoted(error)}.") from None
    if identity not in answered and _is_placeholder(got):
        raise NotAttemptedError("Your function returned None." if got is None else "")
    answered.add(identity)
    found = difference(seen(got), expected, rtol=rtol)
    if found:
        raise WrongAnswerError(f"{call}: {found}.")


def compare_value(value: object, *, expected: object, what: str, rtol: float = 1e-6) -> None:
    """Judge a value the learner computed; ``what`` names it in the message. Otherwise as ``compare``."""
    if _is_placeholder(value):
        raise NotAttemptedError
    found = difference(value, expected, rtol=rtol)
    if found:
        raise WrongAnswerError(f"{what}: {found}.")


def _is_placeholder(value: object) -> bool:
    if value is None or value is ...:
        return True
    # A stub such as total = ... may have passed through NumPy, which wraps it in an array of objects.
    return isinstance(value, np.ndarray) and value.dtype.kind == "O" and any(item is ... for item in value.flat)


def _is_unfinished(error: Exception) -> bool:
    # "unsupported operand type(s) for +: 'ellipsis' and 'int'" is a stub met halfway.
    return isinstance(error, NotImplementedError) or "ellipsis" in str(error).lower()


def _copies(value: object) -> object:
    """Return ``value`` with its arrays, lists, tuples and dicts copied."""
    if isinstance(value, list):
        return [_copies(item) for item in value]
    if isinstance(value, tuple):
        return tuple(_copies(item) for item in value)
    if isinstance(value, dict):
        return {key: _copies(item) for key, item in value.items()}
    return value.copy() if hasattr(value, "shape") and hasattr(value, "copy") else value


def _name(function: object) -> str:
    name = getattr(function, "__name__", "<unknown>")
    return "your function" if name.startswith("<") else name


def _quoted(error: Exception) -> str:
    """Return type and message of the learner's error, and the line of theirs that raised it."""
    return f"{type(error).__name__}: {error}".rstrip(".: ") + _where(error)


def _where(error: BaseException) -> str:
    # The first frame is compare's own, the second the learner's function, if it was entered at all.
    frame = error.__traceback__.tb_next if error.__traceback__ else None
    return _learners_line(frame) if frame else ""


def _learners_line(traceback: TracebackType) -> str:
    """Return the deepest line of ``traceback`` that is in the same cell or file as its first."""
    filename = traceback.tb_frame.f_code.co_filename
    number = traceback.tb_lineno
    frame: TracebackType | None = traceback
    while frame:
        if frame.tb_frame.f_code.co_filename == filename:
            number = frame.tb_lineno
        frame = frame.tb_next
    source = linecache.getline(filename, number).strip()
    return f", in line {number}: {source}" if source else f", in line {number}"
