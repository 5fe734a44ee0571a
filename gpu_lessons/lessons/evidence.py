"""What the learner found out about a claim, kept beside their rating of it."""

from __future__ import annotations

from dataclasses import dataclass

from gpu_lessons.lessons.claims import CLAIMS, Claim, freeze_belief
from gpu_lessons.lessons.progress import progress_here

__all__ = ["Evidence", "evidence_for", "keep_evidence"]

_SHELF = "evidence"
_LESSONS = range(15)


@dataclass(frozen=True)
class Evidence:
    """A finding with a number in it, where the number comes from, and the lesson that gave it."""

    lesson: str
    finding: str
    source: str

    def __str__(self) -> str:
        return f"{self.finding} ({self.source})"


def keep_evidence(key: str, finding: str, source: str) -> None:
    """Print what was found out about a claim, and keep it for the verdict at the end of the course.

    From then on the learner's rating of the claim is the one that they had before they knew.

    Parameters
    ----------
    key : str
        Lesson number and key of the claim: "06-bus".
    finding : str
        One sentence without its full stop, with a number made from a record of this lesson.
    source : str
        Where the number comes from: "measured, this machine" or "predicted, NVIDIA T4".

    Raises
    ------
    ValueError
        If there is no such lesson or claim, or ``finding`` holds no number, or ``source`` is empty.
    """
    lesson, _, name = key.partition("-")
    claims = {claim.key: (number, claim) for number, claim in enumerate(CLAIMS, start=1)}
    if name not in claims or lesson not in {f"{number:02}" for number in _LESSONS}:
        raise ValueError(f'key must be a lesson number and a claim such as "06-bus", got "{key}"')
    if not any(letter.isdigit() for letter in finding):
        raise ValueError(f'finding must hold a number, got "{finding}"')
    if not source:
        raise ValueError('source must say where the number comes from, such as "predicted, NVIDIA T4", got ""')
    number, claim = claims[name]
    freeze_belief(claim)
    progress_here().remember(_SHELF, key, {"finding": finding, "source": source})
    print(f"Claim {number}: {claim.text}", f"Found: {finding} ({source}).", sep="\n")
    if note := progress_here().take_note():
        print(note)


def evidence_for(claim: Claim) -> list[Evidence]:
    """Return what the learner's file holds for ``claim``, in the order of the lessons."""
    found = []
    for number in _LESSONS:
        kept = progress_here().recall(_SHELF, f"{number:02}-{claim.key}") or {}
        finding, source = kept.get("finding"), kept.get("source")
        if isinstance(finding, str) and isinstance(source, str):
            found.append(Evidence(f"{number:02}", finding, source))
    return found
