"""Checks of lesson 04."""

from __future__ import annotations

import math
import random

from gpu_lessons.lessons.checks import check, compare_cases

__all__ = ["check_next_stair", "check_waves"]

_TILES = (32, 64, 128)


def _waves(batch: int, width: int, tile: int, sm_count: int) -> int:
    tiles = math.ceil(batch / tile) * math.ceil(width / tile)
    return math.ceil(tiles / sm_count)


_WAVES_MISTAKES = (
    (
        lambda batch, width, tile, sm_count: math.ceil(batch / tile) * math.ceil(width / tile) // sm_count,
        "The last wave is missing: tiles that do not fill the GPU need a wave too.",
    ),
    (
        lambda batch, width, tile, sm_count: math.ceil((batch // tile) * (width // tile) / sm_count),
        "The tiles that hang over the edge are missing.",
    ),
    (
        lambda batch, width, tile, sm_count: math.ceil(batch * width / tile**2 / sm_count),
        "That counts parts of tiles. A tile at the edge costs as much as a whole one: round up in each direction.",
    ),
    (
        lambda batch, width, tile, sm_count: math.ceil(math.ceil(batch / tile) * width / tile / sm_count),
        "That counts parts of tiles along the width. Round up there too.",
    ),
    (
        lambda batch, width, tile, sm_count: math.ceil(math.ceil(width / tile) * batch / tile / sm_count),
        "That counts parts of tiles along the batch. Round up there too.",
    ),
    (
        lambda batch, width, tile, sm_count: math.ceil(batch / tile) * math.ceil(width / tile),
        "Those are the tiles. Each wave takes sm_count of them.",
    ),
    (
        lambda batch, width, tile, sm_count: math.ceil(batch / tile) * math.ceil(width / tile) // sm_count + 1,
        "One too many where the tiles fill the last wave exactly.",
    ),
)


@check(
    hints=(
        "How many tiles cover the samples, how many the neurons? A tile that covers only the edge counts too.",
        "math.ceil(batch / tile) rows of tiles, math.ceil(width / tile) columns. Each wave takes sm_count of them.",
        "tiles = math.ceil(batch / tile) * math.ceil(width / tile), then return math.ceil(tiles / sm_count)",
    )
)
def check_waves(waves: object) -> str:
    """Judge the number of waves of square tiles."""
    rng = random.Random("waves")
    cases = [
        (1024, 640, 128, 40),
        (1024, 641, 128, 40),
        (100, 100, 128, 40),
        (1000, 130, 128, 8),
        (130, 1000, 128, 8),
        (256, 256, 64, 3),
        (130, 130, 128, 3),
        *((rng.randint(1, 2000), rng.randint(1, 2000), rng.choice(_TILES), rng.randint(1, 80)) for _ in range(12)),
    ]
    compare_cases(waves, cases, _waves, mistakes=_WAVES_MISTAKES)
    return "A last wave with a single tile takes as long as a full one."


def _next_stair(width: int, batch: int, tile: int, sm_count: int) -> int:
    wider = width + 1
    while _waves(batch, wider, tile, sm_count) == _waves(batch, width, tile, sm_count):
        wider += 1
    return wider


_STAIR_MISTAKES = (
    (
        lambda width, batch, tile, sm_count: _next_stair(width, batch, tile, sm_count) - 1,
        "That is the last width before the stair. One neuron more needs another wave.",
    ),
    (
        lambda width, batch, tile, sm_count: _next_stair(width, batch, tile, sm_count) - width,
        "That is how many neurons more. Return the width itself.",
    ),
    (
        lambda width, batch, tile, sm_count: (width - 1) // tile * tile + tile + 1,
        "There another column of tiles begins. It needs another wave only if the last wave is full.",
    ),
    (
        lambda width, batch, tile, sm_count: _waves(batch, width, tile, sm_count) + 1,
        "That is a number of waves. Return the width that needs them.",
    ),
    (
        lambda width, batch, tile, sm_count: _next_stair(batch, width, tile, sm_count),
        "That is the next batch that needs another wave. Widen the layer instead.",
    ),
)


@check(
    hints=(
        "Start one neuron further than width, and add neurons until waves gives more than before.",
        "now = waves(batch, width, tile, sm_count). While the wider layer needs no more than now, add one neuron.",
        "wider = width + 1; while waves(batch, wider, tile, sm_count) == now: wider = wider + 1; return wider",
    )
)
def check_next_stair(next_stair: object) -> str:
    """Judge the next width that needs another wave."""
    rng = random.Random("next_stair")
    cases = [
        (500, 1024, 128, 40),
        (640, 1024, 128, 40),
        (641, 1024, 128, 40),
        (1, 256, 64, 132),
        (300, 1000, 64, 24),
        (128, 1024, 128, 4),
        (100, 300, 128, 40),
        (100, 2000, 64, 7),
        *((rng.randint(1, 900), rng.randint(1, 900), rng.choice(_TILES), rng.randint(1, 40)) for _ in range(8)),
    ]
    compare_cases(next_stair, cases, _next_stair, mistakes=_STAIR_MISTAKES)
    return "Up to that width more neurons are free, in the picture with one tile shape."
