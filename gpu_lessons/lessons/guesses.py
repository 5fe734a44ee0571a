"""The learner's own prediction before an experiment, and its score after.

It is called a *guess* in code, because a *prediction* comes from the model.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gpu_lessons.charts.display import is_live
from gpu_lessons.lessons.progress import progress_here
from gpu_lessons.units import format_bytes, format_factor, format_time

__all__ = ["CONFIDENCES", "Choice", "Guess", "ask", "choose", "reveal", "reveal_choice"]

CONFIDENCES = ("a guess", "fairly sure", "certain")

#: A guess within this factor of the truth is called close; one off by more than the other, far.
_CLOSE, _FAR = 1.25, 2.0

# What may be typed after a number, and what it stands for. Keys are lower case: m is milli, as in ms.
_TYPED_UNITS = {
    "×": {"": 1.0, "×": 1.0, "x": 1.0, "times": 1.0},
    "s": {"": 1.0, "s": 1.0, "ms": 1e-3, "µs": 1e-6, "μs": 1e-6, "us": 1e-6, "ns": 1e-9}
    | {"minute": 60.0, "minutes": 60.0, "min": 60.0, "hour": 3600.0, "hours": 3600.0, "h": 3600.0}
    | {"day": 86400.0, "days": 86400.0},
    "B": {"": 1.0, "b": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12},
}
_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(\.\d*)?")
_NUMBER_AND_UNIT = re.compile(r"([\d.,]+(?:e[+-]?\d+)?)\s*(.*)", re.IGNORECASE)


@dataclass(eq=False)
class _Answer:
    """Something the learner commits to once a box is filled in; others may wait for it."""

    key: str
    _waiting: list[Callable[[], None]] = field(default_factory=list, repr=False, kw_only=True)

    def when_made(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` each time the learner commits."""
        self._waiting.append(callback)

    def _made(self, shelf: str, answer: dict[str, Any]) -> None:
        progress_here().remember(shelf, self.key, answer)
        for callback in self._waiting:
            callback()


@dataclass(eq=False)
class Guess(_Answer):
    """A number the learner predicts, ``low`` to ``high`` in ``unit``; ``value`` is None until then."""

    unit: str
    low: float
    high: float
    value: float | None = None
    confidence: str | None = None

    def commit(self, value: float, confidence: str) -> None:
        """Take the learner at their word: keep the answer and tell whoever waits for it.

        Raises
        ------
        ValueError
            If ``value`` lies outside ``low`` to ``high`` or ``confidence`` is none of ``CONFIDENCES``.
        """
        if not self.allows(value):
            allowed = f"between {self.said(self.low)} and {self.said(self.high)}"
            raise ValueError(f"the prediction must lie {allowed}, got {self.said(value)}")
        if confidence not in CONFIDENCES:
            raise ValueError(f"confidence must be one of {', '.join(CONFIDENCES)}, got {confidence!r}")
        self.value, self.confidence = value, confidence
        self._made("guesses", {"value": value, "unit": self.unit, "confidence": confidence})

    def restore(self) -> None:
        """Take over what the learner's file says, if it still answers this question."""
        kept = progress_here().recall("guesses", self.key) or {}
        value, confidence = kept.get("value"), kept.get("confidence")
        if not isinstance(value, int | float) or kept.get("unit") != self.unit:
            return
        if self.allows(value) and confidence in CONFIDENCES:
            self.value, self.confidence = float(value), confidence

    def allows(self, value: float) -> bool:
        """Return whether ``value`` lies in the range, give or take its rounding to two digits."""
        return 0.95 * self.low <= value <= 1.05 * self.high

    def said(self, value: float) -> str:
        """Return ``value`` the way people say it: 84×, 6 µs, 16 GB, 512 images."""
        formatters = {"×": format_factor, "s": format_time, "B": format_bytes}
        if self.unit in formatters:
            return formatters[self.unit](value)
        number = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
        return f"{number}{self.unit}" if self.unit == "%" else f"{number} {self.unit}".rstrip()

    def read(self, text: str) -> float:
        """Return the number in what the learner typed: "84", "84×", "1,200 x", "6 µs", "0,5".

        Raises
        ------
        ValueError
            If ``text`` is no number, or its unit is not one of this question.
        """
        match = _NUMBER_AND_UNIT.fullmatch(text.strip())
        units = _TYPED_UNITS.get(self.unit, {"": 1.0, self.unit.lower(): 1.0})
        try:
            digits, unit = match.groups() if match else ("", "")
            # A comma before three digits groups thousands, as this course writes them; else it is decimal.
            digits = digits.replace(",", "" if _THOUSANDS.fullmatch(digits) else ".")
            return float(digits) * units[unit.strip().lower()]
        except (ValueError, KeyError):
            example = self.said(float(f"{math.sqrt(self.low * self.high):.1g}"))
            raise ValueError(f'type a number such as "{example}", got "{text}"') from None

    def __str__(self) -> str:
        if self.value is None:
            return "No prediction made."
        return f"You said {self.said(self.value)}, {self.confidence}."


@dataclass(eq=False)
class Choice(_Answer):
    """One of several answers to "what did you see?"; ``value`` is None until the learner has chosen."""

    choices: tuple[str, ...]
    value: str | None = None

    def commit(self, value: str) -> None:
        """Keep the learner's choice, which must be one of ``choices``, and tell whoever waits for it."""
        _require_choice(value, self.choices)
        self.value = value
        self._made("choices", {"value": value})

    def restore(self) -> None:
        """Take over what the learner's file says, if it is still one of the choices."""
        kept = (progress_here().recall("choices", self.key) or {}).get("value")
        self.value = kept if kept in self.choices else None

    def __str__(self) -> str:
        return "No answer given." if self.value is None else f"You said: {self.value.rstrip('.')}."


def ask(key: str, question: str, *, unit: str = "×", low: float, high: float) -> Guess:
    """Ask the learner for a number and how sure they are, before the experiment shows it.

    With a live display this is a box with a slider; else the question is printed and nobody answers.
    What was answered before comes back from the learner's file.

    Parameters
    ----------
    key : str
        Lesson number and topic: "03-speedup".
    question : str
        One sentence.
    unit : str
        "×" for a factor, "s", "B", or a plural noun.
    low, high : float
        Ends of the slider, which runs in decades: 0 < low < high.

    Raises
    ------
    ValueError
        If ``key`` has another form, or ``low`` and ``high`` are no range above zero.
    """
    _require_key(key)
    if not 0 < low < high < math.inf:
        raise ValueError(f"low and high must be 0 < low < high, got {low:g} and {high:g}")
    guess = Guess(key, unit, low, high)
    if is_live():
        from gpu_lessons.lessons import boxes

        guess.restore()
        boxes.show(boxes.guess_box(guess, question), question)
    else:
        print(question, guess, sep="\n")
    return guess


def reveal(guess: Guess, truth: float, source: str, then: str = "") -> None:
    """Show the true number beside the learner's, scored as a factor, once there is a guess.

    With a live display and no guess yet, one line waits for it; the cell ends at once, so Run All goes on.

    Parameters
    ----------
    guess : Guess
        What ``ask`` returned.
    truth : float
        The true value, above zero, in the unit of the guess.
    source : str
        Where it comes from: "measured, this machine" or "predicted, NVIDIA T4".
    then : str
        What to say after the score.

    Raises
    ------
    ValueError
        If ``truth`` is no finite number above zero, or ``source`` is empty.
    """
    if not 0 < truth < math.inf:
        raise ValueError(f"truth must be a finite number above 0, got {truth:g}")
    if not source:
        raise ValueError('source must say where the number comes from, such as "predicted, NVIDIA T4", got ""')
    _when_answered(guess, lambda: f"{_scored(guess, float(truth), source)} {then}".strip(), "prediction")


def choose(key: str, question: str, choices: Sequence[str]) -> Choice:
    """Ask the learner to choose what they saw; shown and kept as with ``ask``.

    Raises
    ------
    ValueError
        If ``key`` is no lesson number and topic, or there are fewer than two different ``choices``.
    """
    _require_key(key)
    if isinstance(choices, str) or len(set(choices)) != len(choices) or len(choices) < 2:
        raise ValueError(f"choices must be at least two different texts, got {choices!r}")
    choice = Choice(key, tuple(choices))
    if is_live():
        from gpu_lessons.lessons import boxes

        choice.restore()
        boxes.show(boxes.choice_box(choice, question), question)
    else:
        print(question, *(f"- {text}" for text in choices), choice, sep="\n")
    return choice


def reveal_choice(choice: Choice, right: str, then: str = "") -> None:
    """Say which of the choices is right, once the learner has chosen; ``then`` gives the reason.

    Raises
    ------
    ValueError
        If ``right`` is none of the choices.
    """
    _require_choice(right, choice.choices)

    def sentence() -> str:
        verdict = "That is what happened." if choice.value == right else f"What happened: {right.rstrip('.')}."
        return f"{choice}\n{verdict} {then}".strip()

    _when_answered(choice, sentence, "answer")


def _when_answered(answer: Guess | Choice, sentence: Callable[[], str], awaited: str) -> None:
    if is_live() and answer.value is None:
        from gpu_lessons.lessons import boxes

        boxes.show(boxes.waiting_box(answer, sentence, awaited), f"Waiting for your {awaited} above.")
    else:
        print(sentence())


def _scored(guess: Guess, truth: float, source: str) -> str:
    """Return what was guessed and, on a line of its own, the truth and how far apart they are.

    JupyterLab shows the first line of an output even where it is folded away: it must not tell the truth.
    """
    was = f"{guess}\nIt was {guess.said(truth)} ({source})"
    if guess.value is None:
        return f"{was}."
    factor = max(truth / guess.value, guess.value / truth)
    if factor <= _CLOSE:
        return f"{was}: close, within a factor of {_CLOSE}."
    direction = "more" if truth > guess.value else "less"
    text = f"{was}: {format_factor(factor).removesuffix('×')} times {direction} than you thought."
    if guess.confidence == CONFIDENCES[-1] and factor > _FAR:
        text += " You were certain: errors like this one are corrected best, because they surprise."
    return text


def _require_key(key: str) -> None:
    if not re.fullmatch(r"\d\d-[a-z0-9-]+", key):
        raise ValueError(f'key must be a lesson number and a topic such as "03-speedup", got "{key}"')


def _require_choice(value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"the answer must be one of {', '.join(map(repr, choices))}, got {value!r}")
