"""The nine claims this course tests, and what the learner believes of each before testing it."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

from gpu_lessons.hardware.course import course_root
from gpu_lessons.lessons.answers import CONFIDENCES
from gpu_lessons.lessons.progress import progress_here

__all__ = [
    "BELIEFS",
    "CLAIMS",
    "RATED",
    "RATED_AGAIN",
    "Claim",
    "ClaimsLedger",
    "claims_ledger",
    "first_belief",
    "freeze_belief",
    "keep_rating",
    "rated_so_far",
    "recalled",
]

BELIEFS = ("true", "partly", "false")
#: Shelves of the learner's file: ratings, those at the end of the course, and those made before anything was found out.
RATED, RATED_AGAIN, _RATED_FIRST = "claims", "last claims", "first claims"


@dataclass(frozen=True)
class Claim:
    """One thing that is said of GPUs: a key that stays, the claim in a sentence, the lesson that tests it."""

    key: str
    text: str
    lesson: str


CLAIMS = (
    Claim("units", "A GPU has more computing units than a CPU.", "04_inside_the_gpu"),
    Claim("same-instruction", "A GPU runs the same instruction on many numbers at once.", "04_inside_the_gpu"),
    Claim("bandwidth", "A GPU reads its memory faster than a CPU reads its own.", "05_compute_and_bandwidth"),
    Claim("neurons", "A layer is thousands of identical neurons, so it suits a GPU.", "03_batch_and_width"),
    Claim("graphics", "Functions made for graphics speed up convolution.", "10_images_and_convolution"),
    Claim("memory", "A GPU has less memory than a CPU: at most 24 GB, against 1 TB.", "07_memory_limits"),
    Claim("bus", "Data reaches a GPU through PCIe, which is slow.", "06_crossing_the_bus"),
    Claim(
        "clock",
        "A GPU's clock is a third of a CPU's, so steps in sequence are slower.",
        "08_one_after_another",
    ),
    Claim(
        "training",
        "Training takes days to weeks, so a fast GPU shortens the way to experience.",
        "09_learning",
    ),
)


@dataclass(frozen=True)
class ClaimsLedger:
    """What the learner believes of each claim: ``ratings[key]`` is (belief, confidence), missing if unrated.

    In a notebook it shows as a table with the lesson that tests each claim, which follows later ratings.
    """

    ratings: dict[str, tuple[str, str]]

    def _rows(self) -> list[tuple[str, str, str, str]]:
        rows = []
        for number, claim in enumerate(CLAIMS, start=1):
            belief, confidence = self.ratings.get(claim.key, ("not rated", ""))
            rows.append((f"{number}. {claim.text}", belief, confidence, claim.lesson))
        return rows

    def __repr__(self) -> str:
        rows = [_HEADINGS, *self._rows()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
        )

    def _ipython_display_(self) -> None:
        from IPython.display import display

        handle = display(self._bundle(), raw=True, display_id=True)  # type: ignore[no-untyped-call]
        if handle is not None:  # no handle outside IPython
            _shown.append(handle)

    def _bundle(self) -> dict[str, str]:
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col" style="text-align:left">{heading}</th>' for heading in _HEADINGS)
        body = "".join(_table_row(row) for row in self._rows())
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


#: The tables on the page, which are kept true while the learner rates.
_shown: list[Any] = []

_HEADINGS = ("Claim", "You say", "How sure", "Tested in")


def _table_row(row: tuple[str, str, str, str]) -> str:
    *texts, lesson = (html.escape(text) for text in row)
    # A lesson that is still to come has no page to link to.
    here = (course_root() / "notebooks" / f"{lesson}.ipynb").is_file()
    texts.append(f'<a href="{lesson}.ipynb">{lesson}</a>' if here else lesson)
    cells = "".join(f'<td style="text-align:left">{text}</td>' for text in texts)
    return f"<tr>{cells}</tr>"


def claims_ledger() -> ClaimsLedger:
    """Return the learner's ratings so far, as a table."""
    ratings = {}
    for claim in CLAIMS:
        belief, confidence = recalled(claim)
        if belief:
            ratings[claim.key] = (belief, confidence or "")
    return ClaimsLedger(ratings)


def recalled(claim: Claim, shelf: str = RATED) -> tuple[str | None, str | None]:
    """Return belief and confidence as the learner's file has them, each None if it is not a known answer."""
    kept = progress_here().recall(shelf, claim.key) or {}
    belief, confidence = kept.get("belief"), kept.get("confidence")
    return belief if belief in BELIEFS else None, confidence if confidence in CONFIDENCES else None


def first_belief(claim: Claim) -> tuple[str | None, str | None]:
    """Return what the learner believed before the course tested the claim, as far as their file tells."""
    first = recalled(claim, _RATED_FIRST)
    return first if first[0] else recalled(claim)


def freeze_belief(claim: Claim) -> None:
    """Keep the rating of a claim as it is now, once: from here on the learner knows something about it."""
    belief, confidence = recalled(claim)
    if belief and progress_here().recall(_RATED_FIRST, claim.key) is None:
        progress_here().remember(_RATED_FIRST, claim.key, {"belief": belief, "confidence": confidence})


def keep_rating(claim: Claim, belief: str | None, confidence: str | None, shelf: str = RATED) -> str:
    """Keep a rating, which may still lack one half, show it, and return how many claims are rated, as a sentence."""
    progress_here().remember(shelf, claim.key, {"belief": belief, "confidence": confidence})
    now = claims_ledger()._bundle()
    for handle in _shown:
        handle.update(now, raw=True)
    return rated_so_far(shelf)


def rated_so_far(shelf: str = RATED) -> str:
    """Return how many claims are rated, and what the learner must know about their file."""
    rated = sum(recalled(claim, shelf)[0] is not None for claim in CLAIMS)
    return f"{rated} of {len(CLAIMS)} rated. {progress_here().take_note()}".strip()
