"""Let the learner rate the nine claims."""

from __future__ import annotations

from gpu_lessons.charts.display import is_live
from gpu_lessons.lessons.claims import CLAIMS, ClaimsLedger, claims_ledger

__all__ = ["rate_claims"]


def rate_claims() -> None:
    """Let the learner rate each claim true, partly true or false, and say how sure they are.

    With a live display each change is kept at once; else the claims are printed as a list.
    """
    if is_live():
        from gpu_lessons.lessons import boxes

        follow = boxes.follow(lambda: _listed(claims_ledger()))
        boxes.show(boxes.ratings_box(rated=follow), "Run this cell to rate them.")
    else:
        print(_listed(claims_ledger()))


def _listed(ledger: ClaimsLedger) -> str:
    ratings = [", ".join(filter(None, ledger.ratings.get(claim.key, ("not rated",)))) for claim in CLAIMS]
    return "\n".join(
        f"{number}. {claim.text} ({rating})"
        for number, (claim, rating) in enumerate(zip(CLAIMS, ratings, strict=True), start=1)
    )
