"""Checks of lesson 00."""

from __future__ import annotations

import random

from gpu_lessons.hardware.machines import Machine, machine, machines
from gpu_lessons.lessons.checks import check, compare_cases

__all__ = ["check_seconds_to_read"]


def _seconds(card: Machine, per_s: str = "memory_bandwidth_bytes_per_s") -> float:
    size_bytes, bytes_per_s = card.memory_bytes, getattr(card, per_s)
    assert size_bytes is not None
    return size_bytes / float(bytes_per_s)


_MISTAKES = (
    (lambda card: 1 / _seconds(card), "That is the bandwidth divided by the size: how often it can be read a second."),
    (lambda card: _seconds(card, "link_bandwidth_bytes_per_s"), "That is the time over the link to the host."),
    (lambda card: 8 * _seconds(card), "Eight times too long: size and bandwidth are both in bytes, not in bits."),
    (lambda card: _seconds(card) / 8, "Eight times too short: size and bandwidth are both in bytes, not in bits."),
    (lambda card: 1e3 * _seconds(card), "That is the right time in milliseconds."),
    (lambda card: 1e6 * _seconds(card), "That is the right time in microseconds."),
    (lambda card: 1e9 * _seconds(card), "Bytes over gigabytes a second: use the same unit for both."),
    (lambda card: _seconds(card) / 1e9, "Gigabytes over bytes a second: use the same unit for both."),
    (
        lambda card: card.memory_bytes * card.memory_bandwidth_bytes_per_s,
        "That is a product. Bytes over bytes a second.",
    ),
    (lambda card: 1e9 / 2**30 * _seconds(card), "A gigabyte is 10**9 bytes here, not 2**30."),
)


@check(
    hints=(
        "Bandwidth is bytes a second. You have bytes and want seconds.",
        "Divide the size of the memory by its bandwidth.",
        "return machine.memory_bytes / machine.memory_bandwidth_bytes_per_s",
    )
)
def check_seconds_to_read(seconds_to_read: object) -> str:
    """Judge the time a card needs to read its whole memory once."""
    gpus = [each for each in machines() if each.kind == "gpu" and each.memory_bytes]
    hidden = random.Random("seconds_to_read").sample(gpus, 5)
    cards = (machine("nvidia-t4"), machine("nvidia-h200-sxm"), machine("nvidia-rtx-4060"), *hidden)
    compare_cases(seconds_to_read, [(card,) for card in cards], _seconds, mistakes=_MISTAKES)
    return "No program that touches all of a card's memory can be faster than this."
