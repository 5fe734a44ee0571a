"""Checks of what the learner wrote: right, wrong, or not attempted, and hints on request."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from gpu_lessons.lessons.calls import Call, attempt, call_answer
from gpu_lessons.lessons.differences import describe, difference
from gpu_lessons.lessons.learners_code import empty_helpers, is_placeholder
from gpu_lessons.lessons.progress import progress_here
from gpu_lessons.lessons.time_limits import TooLongError, time_limit
from gpu_lessons.lessons.verdicts import LateAnswerError, NotAttemptedError, Verdict, WrongAnswerError, is_graded

__all__ = [
    "Check",
    "LateAnswerError",
    "Mistake",
    "NotAttemptedError",
    "Verdict",
    "WrongAnswerError",
    "call",
    "check",
    "compare",
    "compare_cases",
    "compare_value",
]

#: Seconds for all calls of an answer in one check. Every check asks for far less, also on a slow machine.
LONGEST_CALL_S = 4.0

# For what a check computes itself, and for code of the learner's that runs outside of a call.
_LONGEST_JUDGING_S = 30.0

#: Another function that a learner may well have computed instead, and what to say if it was this one.
Mistake = tuple[Callable[..., object], str]


class Hint(str):
    """A text that a notebook shows without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class Check:
    """A check of one exercise: call it with the answer, or call ``hint`` for the next hint.

    Under nbgrader's autograder the call raises an ``AssertionError`` unless the answer is right, and nowhere else.

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
        verdict = self._verdict(answers)
        if is_graded() and not verdict:
            raise AssertionError(repr(verdict))
        return verdict

    def _verdict(self, answers: tuple[object, ...]) -> Verdict:
        if any(map(is_placeholder, answers)):
            return Verdict("not attempted", "")
        try:
            with attempt(LONGEST_CALL_S), time_limit(LONGEST_CALL_S + _LONGEST_JUDGING_S):
                message = self._judge(*answers)
            return Verdict("right", f"{message} {self._kept()}".rstrip())
        except NotAttemptedError as reason:
            return Verdict("not attempted", str(reason))
        except WrongAnswerError as reason:
            return self._wrong(str(reason), answers)
        except TooLongError:
            return self._wrong("The check did not come to an end with your answer.", answers)
        except (Exception, SystemExit) as error:
            return self._wrong(f"Your answer cannot be used here: {type(error).__name__}: {error}", answers)

    def _kept(self) -> str:
        """Keep that the exercise is done; return what the learner must know about their file."""
        name = self._judge.__name__.removeprefix("check_")
        progress_here().remember("exercises", name, {"outcome": "right"})
        return progress_here().take_note()

    def _wrong(self, message: str, answers: tuple[object, ...]) -> Verdict:
        empty = sorted({name for answer in answers for name in empty_helpers(answer)})
        if empty:
            return Verdict("not attempted", f"Your function uses {' and '.join(empty)}, where nothing is written yet.")
        return Verdict("wrong", message, f"Stuck? {self._judge.__name__}.hint() gives the next of {self._count()}.")

    def _count(self) -> str:
        return f"{len(self._hints)} hints" if len(self._hints) > 1 else "1 hint"

    def hint(self) -> Hint:
        """Return the next hint; the last one repeats."""
        self._hints_given = min(self._hints_given + 1, len(self._hints))
        text = self._hints[self._hints_given - 1]
        return Hint(f"Hint {self._hints_given} of {len(self._hints)}: {text}")

    def __repr__(self) -> str:
        name = self._judge.__name__
        return f"{name}(your answer) judges it; {name}.hint() gives the next of {self._count()}."


def check(*, hints: Sequence[str]) -> Callable[[Callable[..., str]], Check]:
    """Turn a function that judges an answer into a ``Check``.

    Examples
    --------
    >>> @check(hints=("What is two times x?", "2 * x"))
    ... def check_double(double):
    ...     for x in (1.0, 2.5):
    ...         compare(double, (x,), expected=2 * x)
    ...     return "Each number came back twice as large."
    >>> check_double(lambda x: x + 1)
    Wrong. your function(2.5): expected 5.0, got 3.5.
    Stuck? check_double.hint() gives the next of 2 hints.
    """
    return functools.partial(Check, hints=hints)


def call(function: object, arguments: tuple[object, ...], *, expected: object) -> Call:
    """Call the learner's ``function`` as `compare` does, for a check that looks at more than what came back."""
    return call_answer(function, arguments, expected=expected, limit_s=LONGEST_CALL_S)


def compare(
    function: object,
    arguments: tuple[object, ...] | Callable[[], tuple[object, ...]],
    *,
    expected: object,
    rtol: float = 1e-6,
    seen: Callable[[Any], object] = lambda got: got,
    mistakes: Sequence[Mistake] = (),
) -> None:
    """Call the learner's ``function`` with copies of ``arguments`` and judge what comes back.

    Parameters
    ----------
    function : callable
        What the learner wrote.
    arguments : tuple, or callable that makes one
        Its inputs. NumPy arrays and lists are copied, and must not be changed. What has a state of its own, such as a
        device with its clock, is made anew by a callable.
    expected : number, text, bool, array, or tuple or list of these
        What it should return.
    rtol : float
        Allowed difference, relative to the largest number expected.
    seen : callable
        Takes what came back and returns what of it is judged, such as a device array's numbers on the host. It may
        raise a WrongAnswerError that completes the sentence "f(1.0): ..." without a full stop.
    mistakes : sequence of (callable, str)
        Functions of the same arguments that a learner may well have computed, and what to say to each. It is said
        only where exactly one of them gives what came back.

    Raises
    ------
    NotAttemptedError
        If the first call gives None out of an empty body or Ellipsis, or raises NotImplementedError.
    WrongAnswerError
        If it raises anything else, does not come back in time, changes its inputs, or returns anything else than
        ``expected``.
    """

    def made() -> tuple[object, ...]:
        return arguments() if callable(arguments) else arguments

    answer = call(function, made(), expected=expected)
    found = _difference(answer.got, expected, rtol, seen)
    if found:
        meant = {text for wrong, text in mistakes if _is_result_of(wrong, made(), answer.got, rtol, seen)}
        raise WrongAnswerError(" ".join([f"{answer.text}: {found}.", *(meant if len(meant) == 1 else ())]))
    if answer.changed:
        raise WrongAnswerError(f"{answer.text}: {answer.changed}.")


def compare_cases(
    function: object,
    cases: Sequence[tuple[object, ...]],
    right: Callable[..., object],
    *,
    rtol: float = 1e-6,
    mistakes: Sequence[Mistake] = (),
) -> None:
    """Judge ``function`` case by case, as `compare` does; a mistake is named only if all cases show it.

    Parameters
    ----------
    function : callable
        What the learner wrote.
    cases : sequence of tuple
        Its inputs.
    right : callable
        Takes the same and returns what is expected.
    rtol, mistakes
        As in `compare`.

    Raises
    ------
    NotAttemptedError, WrongAnswerError
        As `compare`.
    """
    for case in cases:
        try:
            compare(function, case, expected=right(*case), rtol=rtol)
        except LateAnswerError:  # calling it again would take as long again
            raise
        except WrongAnswerError as wrong:
            raise WrongAnswerError(f"{wrong} {_meaning(function, cases, rtol, mistakes)}".rstrip()) from None


def _meaning(function: object, cases: Sequence[tuple[object, ...]], rtol: float, mistakes: Sequence[Mistake]) -> str:
    """Return what is to be said to the one mistake that gives what ``function`` gives in all ``cases``, if there is."""
    meant = list(mistakes)
    for case in cases if meant else ():
        try:
            got = call(function, case, expected="").got
        except Exception:  # the verdict quotes the first error already
            return ""
        meant = [each for each in meant if _is_result_of(each[0], case, got, rtol, lambda got: got)]
    texts = {text for _, text in meant}
    return texts.pop() if len(texts) == 1 else ""


def _difference(got: object, expected: object, rtol: float, seen: Callable[[Any], object]) -> str:
    try:
        looked_at = seen(got)
    except WrongAnswerError as reason:
        return str(reason)
    except Exception:  # it is of another kind altogether
        return f"expected {describe(expected)}, got {describe(got)}"
    return difference(looked_at, expected, rtol=rtol)


def _is_result_of(
    wrong: Callable[..., object], arguments: tuple[object, ...], got: object, rtol: float, seen: Callable[[Any], object]
) -> bool:
    try:
        return not difference(seen(got), wrong(*arguments), rtol=rtol)
    except Exception:  # no mistake that can be made with these arguments
        return False


def compare_value(value: object, *, expected: object, what: str, rtol: float = 1e-6) -> None:
    """Judge a value the learner computed; ``what`` names it in the message. Otherwise as ``compare``."""
    if is_placeholder(value):
        raise NotAttemptedError
    found = difference(value, expected, rtol=rtol)
    if found:
        raise WrongAnswerError(f"{what}: {found}.")
