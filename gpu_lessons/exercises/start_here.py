"""Checks of lesson 00."""

from __future__ import annotations

from gpu_lessons.hardware.machines import machine
from gpu_lessons.lessons.checks import check, compare

__all__ = ["check_seconds_to_read"]


@check(
    hints=(
        "Bandwidth is bytes a second. You have bytes and want seconds.",
        "Divide the size of the memory by its bandwidth.",
        "return machine.memory_bytes / machine.memory_bandwidth_bytes_per_s",
    )
)
def check_seconds_to_read(seconds_to_read: object) -> str:
    """Judge the time a card needs to read its whole memory once."""
    for slug in ("nvidia-t4", "nvidia-h200-sxm", "nvidia-rtx-4060"):
        card = machine(slug)
        assert card.memory_bytes is not None
        assert card.memory_bandwidth_bytes_per_s is not None
        expected = card.memory_bytes / card.memory_bandwidth_bytes_per_s
        compare(seconds_to_read, (card,), expected=expected)
    return "No program that touches all of a card's memory can be faster than this."
