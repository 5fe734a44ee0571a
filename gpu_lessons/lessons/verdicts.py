"""The verdict of a check, in a word and the sentences after it, and what a check raises on the way to one."""

from __future__ import annotations

import html
import os
from dataclasses import dataclass
from typing import Literal

__all__ = ["LateAnswerError", "NotAttemptedError", "Outcome", "Verdict", "WrongAnswerError", "is_graded"]

Outcome = Literal["right", "wrong", "not attempted"]

# Blue, orange and grey are told apart with any colour vision; the word stands beside them in any case.
_COLOURS: dict[Outcome, str] = {"right": "#0072b2", "wrong": "#d55e00", "not attempted": "#888888"}


class WrongAnswerError(Exception):
    """Raised in a check when the answer is wrong; its text quotes input, expected and got."""


class LateAnswerError(WrongAnswerError):
    """Raised in a check when the learner's function does not come back."""


class NotAttemptedError(Exception):
    """Raised in a check when there is no answer yet; its text may say how that was seen."""


@dataclass(frozen=True)
class Verdict:
    """The outcome of a check, the sentences after it, and how to get a hint. It is true only if the answer is right."""

    outcome: Outcome
    message: str
    hint: str = ""

    def __bool__(self) -> bool:
        return self.outcome == "right"

    def _word(self) -> str:
        return "Not attempted yet" if self.outcome == "not attempted" else self.outcome.capitalize()

    def __repr__(self) -> str:
        return "\n".join(filter(None, (f"{self._word()}. {self.message}".rstrip(), self.hint)))

    def _repr_html_(self) -> str:
        style = f"border-left: 6px solid {_COLOURS[self.outcome]}; padding: 4px 12px; white-space: pre-wrap"
        text = html.escape("\n".join(filter(None, (self.message, self.hint))))
        return f'<div style="{style}"><b>{self._word()}.</b> {text}</div>'


def is_graded() -> bool:
    """Return whether nbgrader runs this notebook, to grade it or to validate it: a check must fail there unless right.

    nbgrader says so to the kernel in the environment variable ``NBGRADER_EXECUTION``, since version 0.9.
    """
    return os.environ.get("NBGRADER_EXECUTION") in ("autograde", "validate")
