"""How near the learner's predictions came to the truth, and whether they knew it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeGuard

from gpu_lessons.lessons.answers import CONFIDENCES, OUTCOMES, said
from gpu_lessons.lessons.claim_verdicts import CLAIM_VERDICTS
from gpu_lessons.lessons.claims import CLAIMS, RATED_AGAIN, first_belief, recalled
from gpu_lessons.lessons.progress import progress_here
from gpu_lessons.units import format_factor

__all__ = [
    "CLOSE",
    "ScoredChoice",
    "ScoredPrediction",
    "by_confidence",
    "say_gain",
    "scored_choices",
    "scored_predictions",
]

#: A prediction within this factor of the truth counts as right.
CLOSE = 2.0


@dataclass(frozen=True)
class ScoredPrediction:
    """A number that was predicted before it was shown, and the number that was shown."""

    key: str
    question: str
    value: float
    truth: float
    unit: str
    confidence: str
    source: str

    @property
    def factor(self) -> float:
        """How many times too large or too small, 1 or more."""
        return max(self.value / self.truth, self.truth / self.value)

    @property
    def is_right(self) -> bool:
        """Whether it came within a factor of `CLOSE`."""
        return self.factor <= CLOSE

    def row(self) -> tuple[str, str, str, str, str]:
        """Return lesson, question, what was said and how sure, what it was and whence, and the factor, as texts."""
        truth = f"{said(self.truth, self.unit)} ({self.source})"
        guessed = f"{said(self.value, self.unit)}, {self.confidence}"
        return self.key[:2], self.question or self.key, guessed, truth, format_factor(self.factor)


@dataclass(frozen=True)
class ScoredChoice:
    """What was chosen before it was shown, and what was right."""

    key: str
    question: str
    value: str
    truth: str

    @property
    def is_right(self) -> bool:
        """Whether the right one was chosen."""
        return self.value == self.truth

    def row(self) -> tuple[str, str, str, str]:
        """Return lesson, question, what was chosen and what was right, as texts."""
        return self.key[:2], self.question or self.key, self.value, "the same" if self.is_right else self.truth


def scored_predictions() -> list[ScoredPrediction]:
    """Return the learner's first prediction of each question whose truth they have seen, lesson by lesson."""
    return sorted(_predictions(), key=lambda each: each.key[:2])


def _predictions() -> Iterator[ScoredPrediction]:
    for key, kept in progress_here().shelf(OUTCOMES).items():
        value, truth, confidence = kept.get("value"), kept.get("truth"), kept.get("confidence")
        if _is_amount(value) and _is_amount(truth) and confidence in CONFIDENCES:
            texts = {name: _text(kept.get(name)) for name in ("question", "unit", "source")}
            yield ScoredPrediction(key, value=float(value), truth=float(truth), confidence=confidence, **texts)


def scored_choices() -> list[ScoredChoice]:
    """Return the learner's first choice in each question whose answer they have seen, lesson by lesson."""
    kept = progress_here().shelf(OUTCOMES).items()
    return sorted(
        (
            ScoredChoice(key, _text(each.get("question")), each["value"], each["truth"])
            for key, each in kept
            if isinstance(each.get("value"), str) and isinstance(each.get("truth"), str)
        ),
        key=lambda each: each.key[:2],
    )


def _is_amount(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def by_confidence() -> dict[str, tuple[int, int]]:
    """Return for each confidence how many were right, of how many: predictions, and first ratings of claims."""
    judged = [(each.confidence, each.is_right) for each in scored_predictions()]
    for claim in CLAIMS:
        belief, confidence = first_belief(claim)
        if belief and confidence:
            judged.append((confidence, belief == CLAIM_VERDICTS[claim.key].belief))
    return {
        confidence: (
            sum(right for sure, right in judged if sure == confidence),
            sum(sure == confidence for sure, _ in judged),
        )
        for confidence in CONFIDENCES
    }


def say_gain() -> None:
    """Print how many claims were rated as the course found them, at first and now, and the question asked twice."""
    factors = {each.key: f"off by a factor of {format_factor(each.factor)[:-1]}" for each in scored_predictions()}
    first = [first_belief(claim)[0] for claim in CLAIMS]
    last = [recalled(claim, RATED_AGAIN)[0] for claim in CLAIMS]
    for name, beliefs, key in (("At first", first, "00-bandwidth"), ("Now", last, "11-bandwidth")):
        print(f"{name}: {_agreeing(beliefs)} Memory bandwidth: {factors.get(key, 'not predicted')}.")


def _agreeing(beliefs: list[str | None]) -> str:
    rated = [(belief, claim) for belief, claim in zip(beliefs, CLAIMS, strict=True) if belief]
    if not rated:
        return "no claim rated."
    right = sum(belief == CLAIM_VERDICTS[claim.key].belief for belief, claim in rated)
    return f"{right} of {len(rated)} claims rated as the course found them."
