"""Checks of lesson 04."""

from __future__ import annotations

import math

from gpu_lessons.lessons.checks import check, compare

__all__ = ["check_next_stair", "check_waves"]


def _waves(batch: int, width: int, tile: int, sm_count: int) -> int:
    tiles = math.ceil(batch / tile) * math.ceil(width / tile)
    return math.ceil(tiles / sm_count)


@check(
    hints=(
        "How many tiles cover the samples, how many the neurons? A tile that covers only the edge counts too.",
        "math.ceil(batch / tile) rows of tiles, math.ceil(width / tile) columns. Each wave takes sm_count of them.",
        "tiles = math.ceil(batch / tile) * math.ceil(width / tile), then return math.ceil(tiles / sm_count)",
    )
)
def check_waves(waves: object) -> str:
    """Judge the number of waves of square tiles."""
    for batch, width, tile, sm_count in (
        (1024, 640, 128, 40),
        (1024, 641, 128, 40),
        (100, 100, 128, 40),
        (1000, 130, 128, 8),
        (256, 256, 64, 3),
    ):
        compare(waves, (batch, width, tile, sm_count), expected=_waves(batch, width, tile, sm_count))
    return "A last wave with a single tile takes as long as a full one."


@check(
    hints=(
        "Start one neuron further than width, and add neurons until waves gives more than before.",
        "now = waves(batch, width, tile, sm_count). While the wider layer needs no more than now, add one neuron.",
        "wider = width + 1; while waves(batch, wider, tile, sm_count) == now: wider = wider + 1; return wider",
    )
)
def check_next_stair(next_stair: object) -> str:
    """Judge the next width that needs another wave."""
    for width, batch, tile, sm_count in (
        (500, 1024, 128, 40),
        (640, 1024, 128, 40),
        (641, 1024, 128, 40),
        (1, 256, 64, 132),
        (300, 1000, 64, 24),
        (128, 1024, 128, 4),
    ):
        now = _waves(batch, width, tile, sm_count)
        wider = width + 1
        while _waves(batch, wider, tile, sm_count) == now:
            wider += 1
        compare(next_stair, (width, batch, tile, sm_count), expected=wider)
    return "Up to that width more neurons are free, in the picture with one tile shape."
