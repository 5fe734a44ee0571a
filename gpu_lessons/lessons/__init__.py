"""What the learner does: predictions and reveals, exercises with checks, the ledger of claims."""

from gpu_lessons.lessons.calibration import my_calibration
from gpu_lessons.lessons.checks import Check, Verdict, check, compare, compare_value
from gpu_lessons.lessons.claims import CLAIMS, claims_ledger
from gpu_lessons.lessons.evidence import keep_evidence
from gpu_lessons.lessons.guesses import ask, choose, reveal, reveal_choice
from gpu_lessons.lessons.my_progress import my_progress
from gpu_lessons.lessons.pace import gpu_in_time, numbers_in_time, samples_in_time
from gpu_lessons.lessons.ratings import rate_claims
from gpu_lessons.lessons.report import my_report
from gpu_lessons.lessons.scores import say_gain
from gpu_lessons.lessons.verdict_ledger import verdict_ledger
from gpu_lessons.lessons.watching import watch_training

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
    "gpu_in_time",
    "keep_evidence",
    "my_calibration",
    "my_progress",
    "my_report",
    "numbers_in_time",
    "rate_claims",
    "reveal",
    "reveal_choice",
    "samples_in_time",
    "say_gain",
    "verdict_ledger",
    "watch_training",
]
