"""What the figure of lesson 04 shows: a product cut into blocks and dealt to SMs, for each width and GPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gpu_lessons.charts.theme import four_digits
from gpu_lessons.units import format_counted, format_time

__all__ = ["Card", "Deal", "TileGrid", "TilePoint"]


@dataclass(frozen=True, slots=True)
class Card:
    """A GPU on the slider: its name, its SMs, and the half-width of the model's band."""

    name: str
    sm_count: int
    error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """One way to cut a product, and what becomes of its blocks.

    Attributes
    ----------
    rows, columns : int
        Shape of a tile.
    split_k : int
        Parts each sum is split into: as many blocks work on one tile.
    blocks, waves : int
        Blocks in all, and rounds in which the SMs take them.
    time_s : float
        Seconds of the product.
    """

    rows: int
    columns: int
    split_k: int
    blocks: int
    waves: int
    time_s: float

    def in_last_wave(self, sm_count: int) -> int:
        """Return the blocks left for the last wave."""
        return self.blocks - (self.waves - 1) * sm_count

    def busy(self, sm_count: int) -> float:
        """Return the share of the SMs' time in which they have a block, from 0 to 1."""
        return self.blocks / (self.waves * sm_count)

    def __str__(self) -> str:
        split = f", sums in {self.split_k} parts" if self.split_k > 1 else ""
        blocks, waves = format_counted(self.blocks, "block"), format_counted(self.waves, "wave")
        return f"{self.rows} × {self.columns}{split}: {blocks}, {waves}"


@dataclass(frozen=True, slots=True)
class TilePoint:
    """One width on one GPU, by its place in the list: cut into one fixed shape, and as libraries choose."""

    card: int
    neurons: int
    fixed: Deal
    chosen: Deal


@dataclass(frozen=True, slots=True, kw_only=True)
class TileGrid:
    """Everything the figure shows: points for every card and width, and the sizes that stay the same."""

    cards: Sequence[Card]
    points: Sequence[TilePoint]
    batch_size: int
    n_in: int

    def at(self, card: int, neurons: int) -> TilePoint:
        """Return the point of one card and width."""
        return next(p for p in self.points if (p.card, p.neurons) == (card, neurons))

    def headline(self, point: TilePoint) -> str:
        """Return how the tiles of the fixed shape fall on the SMs."""
        sm_count = self.cards[point.card].sm_count
        return f"{format_counted(point.fixed.blocks, 'tile')} on {sm_count} SMs: {_waves(point.fixed, sm_count)}"

    def second_line(self, point: TilePoint) -> str:
        """Return how busy the SMs are, for how long, with what."""
        busy = _percent(point.fixed.busy(self.cards[point.card].sm_count))
        sizes = f"{self.batch_size:,} samples, {point.neurons:,} neurons of {self.n_in:,} inputs, float32"
        return f"SMs busy {busy} of {format_time(point.fixed.time_s)}   ·   {sizes}"

    def sentence(self, **chosen: int) -> str:
        """Return the figure in one sentence, for those who do not see it."""
        point = self.at(**chosen)
        card = self.cards[point.card]
        return (
            f"{card.name} (predicted), {self.batch_size:,} samples, {point.neurons:,} neurons of {self.n_in:,} inputs: "
            f"{self.headline(point)}, {format_time(point.fixed.time_s)}; as libraries choose, tiles of "
            f"{point.chosen}, {format_time(point.chosen.time_s)}."
        )

    def rows(self) -> list[dict[str, Any]]:
        """Return one flat row a point, times rounded to four digits."""
        return [self._row(point) for point in self.points]

    table = rows

    def _row(self, point: TilePoint) -> dict[str, Any]:
        card = self.cards[point.card]
        row: dict[str, Any] = {"card": point.card, "neurons": point.neurons, "sm_count": card.sm_count}
        for name, deal in (("fixed", point.fixed), ("chosen", point.chosen)):
            row |= {
                f"{name}_blocks": deal.blocks,
                f"{name}_waves": deal.waves,
                f"{name}_last": deal.in_last_wave(card.sm_count),
                f"{name}_s": four_digits(deal.time_s),
                f"{name}_time": format_time(deal.time_s),
                f"{name}_cut": str(deal),
            }
        return row | {
            "low_s": four_digits(point.chosen.time_s / (1 + card.error)),
            "high_s": four_digits(point.chosen.time_s * (1 + card.error)),
            "named": f"{card.name}, predicted",
            "headline": self.headline(point),
            "line": self.second_line(point),
        }


def _waves(deal: Deal, sm_count: int) -> str:
    last = deal.in_last_wave(sm_count)
    if last == sm_count:
        return format_counted(deal.waves, "full wave")
    which = ", the last one" if deal.waves > 1 else ","
    return f"{format_counted(deal.waves, 'wave')}{which} {_percent(last / sm_count)} full"


def _percent(share: float) -> str:
    """Return a share in whole per cent; neither nothing nor everything unless it is."""
    return f"{share:.0%}" if share in (0, 1) else f"{min(99, max(1, round(100 * share)))}%"
