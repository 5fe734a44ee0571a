"""What the learner does: predictions and reveals, exercises with checks, the ledger of claims."""

from gpu_lessons.lessons.checks import Check, Verdict, check, compare, compare_value
from gpu_lessons.lessons.claims import CLAIMS, claims_ledger
from gpu_lessons.lessons.evidence import keep_evidence
from gpu_lessons.lessons.guesses import ask, choose, reveal, reveal_choice
from gpu_lessons.lessons.my_progress import my_progress
from gpu_lessons.lessons.ratings import rate_claims

__all__ = [
    "CLAIMS",
    "Check",
    "Verdict",
    "ask",
    "check",
    "choose",
    "claims_ledger",
    "compare",
    "compare_value",
    "keep_evidence",
    "my_progress",
    "rate_claims",
    "reveal",
    "reveal_choice",
]
