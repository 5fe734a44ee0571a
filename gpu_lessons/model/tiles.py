"""Tiles of a matrix product: what one block computes, dealt to the SMs in waves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

__all__ = ["SLOWDOWN", "TILE_SHAPES", "Tiler", "Tiling", "tiler"]

# (rows, columns) of the output one block computes. Libraries ship dozens of shapes and pick one a call; these span
# what they pick, from big square tiles that re-use every loaded number often to small ones that fill the SMs, narrow
# ones for few samples (cuBLAS has 64x8), and single rows or columns for products with a vector. cuBLAS names its
# float32 kernels by their tiles: volta_sgemm_128x64, 32x128, 32x32.
TILE_SHAPES = (
    (256, 128),
    (128, 256),
    (128, 128),
    (128, 64),
    (64, 128),
    (64, 64),
    (32, 128),
    (128, 32),
    (32, 64),
    (64, 32),
    (32, 32),
    (64, 8),
    (8, 64),
    (1, 128),
    (128, 1),
)

# Threads of a block, the common choice.
_THREADS = 256


def _arithmetic_share(rows: int, columns: int) -> float:
    """Return the share of a block's instructions that multiply and add; the others load what they need.

    A thread keeps a square of the tile in its registers. For each term of the sums it loads one number for each row
    and each column of that square, up to four by one instruction, and does one multiply-add for each of its values.
    """
    values = rows * columns / _THREADS
    return values / (values + 2 * max(1.0, math.sqrt(values) / 4))


# Of the largest tile: the sustained rate of a large product is reached with it.
_BEST_SHARE = max(_arithmetic_share(*shape) for shape in TILE_SHAPES)
#: Seconds of a tile's arithmetic against those at the sustained rate: small tiles spend more instructions on loading.
SLOWDOWN = {shape: _BEST_SHARE / _arithmetic_share(*shape) for shape in TILE_SHAPES}

# A part of a split sum costs at least as much as this many terms: a block must start and write what it has.
MIN_SPLIT_K = 128
# Terms whose time passes until a block's loads and multiplications overlap.
FILL_K = 8
# More waves than this are never sought by splitting: the last one, half empty, is a small part of the whole by then.
MOST_WAVES = 4


class Tiling(NamedTuple):
    """How a product is cut: tile shape, parts each sum is split into, blocks, waves, and seconds.

    The seconds hold adding the parts up: their partial sums go through the L2 cache once the parts are done.
    """

    rows: int
    columns: int
    split_k: int
    blocks: int
    waves: int
    compute_s: float
    partial_sums_bytes: int


@dataclass(frozen=True, slots=True)
class Tiler:
    """How one GPU cuts products in one number format.

    Attributes
    ----------
    sm_count : int
        Streaming multiprocessors.
    seconds_a_term : mapping of (rows, columns) to float
        Of one term of all sums of a tile on one SM.
    cache_bandwidth_bytes_per_s : float
        Of the L2 cache, through which the parts of a split sum go.
    batched_tile : int
        Numbers in the smallest tile for many products by one call.
    """

    sm_count: int
    seconds_a_term: Mapping[tuple[int, int], float]
    cache_bandwidth_bytes_per_s: float
    batched_tile: int

    def fastest(self, m: int, n: int, k: int, batch: int = 1) -> Tiling:
        """Return the fastest of the `tilings` of ``batch`` products (m, k) by (k, n)."""
        compute_s, rows, columns, split = self.cheapest(m, n, k, batch)
        blocks = -(-m // rows) * -(-n // columns) * batch * split
        return Tiling(rows, columns, split, blocks, self._waves(blocks), compute_s, _partial_bytes(m, n, split))

    def tilings(self, m: int, n: int, k: int) -> list[Tiling]:
        """Return the ways to cut an (m, k) by (k, n) product into tiles: each shape, its sums whole or split.

        Each SM computes one tile a wave. A tile takes its arithmetic at the SM's share of the sustained rate, which
        small tiles do not reach, or loading its rows and columns at the SM's share of the L2 bandwidth, whichever is
        longer; the edge of the matrix computes whole tiles too. With few tiles each sum is split into parts that run
        side by side.
        """
        return [
            Tiling(
                rows, columns, split, tiles * split, self._waves(tiles * split), compute_s, _partial_bytes(m, n, split)
            )
            for (rows, columns), s_per_k in self.seconds_a_term.items()
            for tiles in [-(-m // rows) * -(-n // columns)]
            for split in self._splits(tiles, k)
            for compute_s in [self._seconds(s_per_k, tiles, (m, n, k), split)]
        ]

    def cheapest(self, m: int, n: int, k: int, batch: int) -> tuple[float, int, int, int]:
        """Return seconds, rows, columns and split of the fastest tiling.

        Of many products by one call no sum is split, and libraries keep large tiles only, beside those for vectors.
        """
        best_s, best = math.inf, (0, 0, 0)
        sm_count, most_blocks = self.sm_count, MOST_WAVES * self.sm_count if batch == 1 else 0
        partial_s = 8 * m * n / self.cache_bandwidth_bytes_per_s  # `_partial_bytes` of one part; this loop is hot
        for (rows, columns), s_per_k in self.seconds_a_term.items():
            if batch > 1 and rows * columns < self.batched_tile and min(rows, columns) > 1:
                continue
            tiles = -(-m // rows) * -(-n // columns) * batch
            if tiles * k * s_per_k >= best_s * sm_count:  # not even with every SM busy to the end
                continue
            split, seconds = 1, -(-tiles // sm_count) * (k + FILL_K) * s_per_k
            if seconds < best_s:
                best_s, best = seconds, (rows, columns, 1)
            while tiles * split < most_blocks and k > split * MIN_SPLIT_K:
                split *= 2
                terms = max(-(-k // split), MIN_SPLIT_K) + FILL_K
                seconds = -(-tiles * split // sm_count) * terms * s_per_k + split * partial_s
                if seconds < best_s:
                    best_s, best = seconds, (rows, columns, split)
        return best_s, *best

    def _splits(self, tiles: int, k: int) -> Sequence[int]:
        splits = [1]
        while tiles * splits[-1] < MOST_WAVES * self.sm_count and k > splits[-1] * MIN_SPLIT_K:
            splits.append(2 * splits[-1])
        return splits

    def _waves(self, blocks: int) -> int:
        return -(-blocks // self.sm_count)

    def _seconds(self, s_per_k: float, tiles: int, sizes: tuple[int, int, int], split: int) -> float:
        m, n, k = sizes
        terms = k if split == 1 else max(-(-k // split), MIN_SPLIT_K)
        adding_s = _partial_bytes(m, n, split) / self.cache_bandwidth_bytes_per_s
        return self._waves(tiles * split) * (terms + FILL_K) * s_per_k + adding_s


@lru_cache(maxsize=256)
def tiler(sm_count: int, flops_per_s: float, cache_bytes_per_s: float, size: int, batched_tile: int) -> Tiler:
    """Return the tiler of a GPU for numbers of ``size`` bytes, kept for the next call."""
    seconds_a_term = {
        (rows, columns): sm_count
        * max(2 * rows * columns * slowdown / flops_per_s, (rows + columns) * size / cache_bytes_per_s)
        for (rows, columns), slowdown in SLOWDOWN.items()
    }
    return Tiler(sm_count, seconds_a_term, cache_bytes_per_s, batched_tile)


def _partial_bytes(m: int, n: int, split: int) -> int:
    return 2 * split * m * n * 4 if split > 1 else 0  # in float32, written and read
