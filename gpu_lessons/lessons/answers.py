"""What the learner answered: a predicted number, or one of several choices, and how it is kept.

A predicted number is called a *guess* in code, because a *prediction* comes from the model.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gpu_lessons.lessons.progress import progress_here
from gpu_lessons.lessons.typed_numbers import read_number
from gpu_lessons.units import format_bytes, format_factor, format_time

__all__ = ["CONFIDENCES", "NOT_CHOSEN", "NOT_GUESSED", "OUTCOMES", "Choice", "Guess", "said"]

#: The shelf of the learner's file that holds what was said beside what is true.
OUTCOMES = "outcomes"

CONFIDENCES = ("a guess", "fairly sure", "certain")

#: What stands in a lesson, and on its page, where nobody has answered.
NOT_GUESSED, NOT_CHOSEN = "No prediction made.", "No answer given."

# A number beyond is said with its exponent.
_LONGEST_SAID = 1e15

# Of several sentences each is the first one in as many questions as any other; a question keeps its order.
_ORDER = "order"

#: Of the slider for a prediction, at most.
_STEPS = 200


def said(value: float, unit: str) -> str:
    """Return ``value`` the way people say it: 84×, 6 µs, 16 GB, 512 images."""
    formatters = {"×": format_factor, "s": format_time, "B": format_bytes}
    if unit in formatters:
        return formatters[unit](value)
    number = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"{number}{unit}" if unit == "%" else f"{number} {unit}".rstrip()


@dataclass(eq=False)
class _Answer:
    """Something the learner commits to once a box is filled in; others may wait for it."""

    key: str
    question: str = field(default="", kw_only=True)
    _waiting: list[Callable[[], None]] = field(default_factory=list, repr=False, kw_only=True)

    def when_made(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` each time the learner commits."""
        self._waiting.append(callback)

    def judged(self, **truth: Any) -> None:  # noqa: ANN401
        """Keep what was said beside what is true, once: an answer given after the truth was shown tells nothing."""
        said = self._said()
        if said is not None and progress_here().recall(OUTCOMES, self.key) is None:
            progress_here().remember(OUTCOMES, self.key, {"question": self.question, **said, **truth})

    def _said(self) -> dict[str, Any] | None:
        """Return the answer as it is kept, None if there is none."""
        raise NotImplementedError

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
            shown = self.said(value) if abs(value) < _LONGEST_SAID else f"{value:g}"
            raise ValueError(f"the prediction must lie {allowed}, got {shown}")
        if confidence not in CONFIDENCES:
            raise ValueError(f"confidence must be one of {', '.join(CONFIDENCES)}, got {confidence!r}")
        self.value, self.confidence = value, confidence
        self._made("guesses", {"value": value, "unit": self.unit, "confidence": confidence})

    def _said(self) -> dict[str, Any] | None:
        if self.value is None:
            return None
        return {"value": self.value, "unit": self.unit, "confidence": self.confidence}

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
        """Return ``value`` with the unit of the question; see `said`."""
        return said(value, self.unit)

    def read(self, text: str) -> float:
        """Return the number in what the learner typed: "84", "84×", "1,200 x", "6 µs", "0,5", "half".

        Raises
        ------
        ValueError
            If ``text`` is no number, its unit is not one of this question, or it can mean two numbers.
        """
        try:
            return read_number(text, self.unit, self.allows)
        except ValueError as got:
            raise ValueError(f'type a number such as "{self.example}", got {got}') from None

    @property
    def steps(self) -> list[float]:
        """The numbers of a slider, in equal factors and as round as they are said."""
        inner = (self.low * (self.high / self.low) ** (place / _STEPS) for place in range(1, _STEPS))
        rounded = {float(f"{each:.2g}") for each in inner}
        return sorted({self.low, self.high} | {each for each in rounded if self.low < each < self.high})

    @property
    def example(self) -> str:
        """A number that can be typed, in the middle of the range."""
        return self.said(float(f"{math.sqrt(self.low * self.high):.1g}"))

    def __str__(self) -> str:
        if self.value is None:
            return NOT_GUESSED
        return f"You said {self.said(self.value)}, {self.confidence}."


@dataclass(eq=False)
class Choice(_Answer):
    """One of several answers to "what did you see?"; ``value`` is None until the learner has chosen."""

    choices: tuple[str, ...]
    value: str | None = None

    def commit(self, value: str) -> None:
        """Keep the learner's choice, which must be one of ``choices``, and tell whoever waits for it."""
        self.require(value)
        self.value = value
        self._made("choices", {"value": value})

    def _said(self) -> dict[str, Any] | None:
        return None if self.value is None else {"value": self.value}

    @property
    def shown(self) -> tuple[str, ...]:
        """The choices in the order in which they are offered: the same each time, and not that of the lesson."""
        return tuple(random.Random(_ORDER + self.key).sample(self.choices, len(self.choices)))

    def require(self, value: str) -> None:
        """Raise a ``ValueError`` if ``value`` is none of ``choices``."""
        if value not in self.choices:
            raise ValueError(f"the answer must be one of {', '.join(map(repr, self.choices))}, got {value!r}")

    def restore(self) -> None:
        """Take over what the learner's file says, if it is still one of the choices."""
        kept = (progress_here().recall("choices", self.key) or {}).get("value")
        self.value = kept if kept in self.choices else None

    def __str__(self) -> str:
        return NOT_CHOSEN if self.value is None else f"You said: {self.value.rstrip('.')}."
