"""Let the learner rate the nine claims."""

from __future__ import annotations

from gpu_lessons.charts.display import is_live
from gpu_lessons.lessons.claims import CLAIMS, RATED, RATED_AGAIN, recalled

__all__ = ["rate_claims"]


def rate_claims(*, again: bool = False) -> None:
    """Let the learner rate each claim true, partly true or false, and say how sure they are.

    With a live display each change is kept at once; else the claims are printed as a list.

    Parameters
    ----------
    again : bool
        Whether this is the rating at the end of the course, which is kept beside the earlier one.
    """
    shelf = RATED_AGAIN if again else RATED
    if is_live():
        from gpu_lessons.lessons import boxes

        follow = boxes.follow(lambda: _listed(shelf))
        boxes.show(boxes.ratings_box(shelf, rated=follow), "Run this cell to rate them.")
    else:
        print(_listed(shelf))


def _listed(shelf: str) -> str:
    rows = []
    for number, claim in enumerate(CLAIMS, start=1):
        belief, confidence = recalled(claim, shelf)
        rating = ", ".join(filter(None, (belief, confidence))) if belief else "not rated"
        rows.append(f"{number}. {claim.text} ({rating})")
    return "\n".join(rows)
