"""A matrix product as a kernel of one's own, in five steps, and what its warps ask of the memories, counted."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from gpu_lessons.arguments import require_count

__all__ = ["LINE_BYTES", "MATRIX_KERNELS", "SECTOR_BYTES", "KernelCounts", "MatrixKernel"]

#: What memory and caches hand over at least: a quarter of a line of 128 bytes.
SECTOR_BYTES, LINE_BYTES = 32, 128
_WARP, _BANKS, _NUMBER_BYTES = 32, 32, 4
#: Numbers that one load can bring: 16 bytes.
_WIDEST = 4
#: Threads along a side of a block in steps 4 and 5, whatever the tile.
_SIDE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelCounts:
    """What one launch of a kernel does and asks for, over all its blocks.

    A request is one execution of one load or store in the source by one warp, 32 threads with numbers in a row;
    lanes that have nothing to do are left out, and a warp of such lanes alone asks for nothing. Within a request
    threads that ask for the same sector, line or word count once; between requests nothing is remembered.

    Attributes
    ----------
    flops : int
        2 m n k.
    load_requests, store_requests : int
        Of global memory.
    load_sectors, store_sectors : int
        Sectors of 32 bytes that those touch, added up over requests.
    load_lines, store_lines : int
        Lines of 128 bytes, the same way.
    shared_requests : int
        Loads and stores of shared memory.
    shared_turns : int
        Turns of the 32 banks: word w lies in bank w % 32, and a request takes as many turns as different words of it
        lie in one bank, added up over requests.
    shared_clocks : int
        Clocks for which the banks are busy: those turns, and at least as many for a request as it has numbers a
        thread, because a vector of four is handed over in four parts.
    matrix_bytes : int
        Of A, B and C, each once.
    """

    flops: int
    load_requests: int
    load_sectors: int
    load_lines: int
    store_requests: int
    store_sectors: int
    store_lines: int
    shared_requests: int
    shared_turns: int
    shared_clocks: int
    matrix_bytes: int

    @property
    def load_bytes(self) -> int:
        """Bytes of global memory that warps ask for: 32 for each sector."""
        return SECTOR_BYTES * self.load_sectors

    @property
    def intensity(self) -> float:
        """FLOP for each byte that warps ask of global memory."""
        return self.flops / self.load_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixKernel:
    """One way to compute C = A @ B in float32, with A (m, k), B (k, n) and C (m, n) in rows.

    A block computes a tile of C. Thread ``me`` of it has ``down = me // side`` and ``across = me % side``, in step 1
    the other way round, and computes ``each`` x ``each_across`` numbers of the tile: rows ``down``, ``down + side``,
    and so on, and the same of columns, ``vector`` neighbouring ones at a time.

    Without shared memory each term of a thread's sum is one load of A and one of B. With it the block goes in turns:

    - it loads ``depth`` columns of its rows of A and ``depth`` rows of its columns of B, ``vector`` numbers a load:
      thread ``me`` the loads ``me``, ``me + threads``, ..., counted along rows of that piece of the matrix;
    - it stores A as (tile, depth) and B as (depth, tile), ``vector`` numbers a store;
    - for each term a thread loads its ``each`` numbers of A and its ``each_across`` of B: of A ``vector`` terms by
      one load, of B ``vector`` columns.

    In the end each thread stores its numbers into C, one by one.

    Attributes
    ----------
    number, title : int, str
        Of the step.
    tile : int
        Rows, and columns, of C that a block computes.
    depth : int
        Terms a turn; 1 without shared memory.
    each, each_across : int, int or None
        Numbers of C that a thread computes, down the rows and along the columns; None: as many.
    vector : int
        Numbers a load: 1, 2 or 4.
    coalesced : bool
        Neighbouring threads take neighbouring columns.
    shared : bool
        Tiles of A and B are put into shared memory.
    together : bool
        The numbers of a thread are neighbours, from row ``each * down`` and column ``each_across * across`` on.
    turned : bool
        A is stored as (depth, tile), number by number, and loaded ``vector`` rows at a time.
    """

    number: int
    title: str
    tile: int
    depth: int = 1
    each: int = 1
    each_across: int | None = None
    vector: int = 1
    coalesced: bool = True
    shared: bool = False
    together: bool = False
    turned: bool = False

    @property
    def columns_each(self) -> int:
        """Numbers of C that a thread computes, along columns."""
        return self.each if self.each_across is None else self.each_across

    @property
    def threads(self) -> int:
        """Threads of a block."""
        return self.tile // self.each * (self.tile // self.columns_each)

    @property
    def shared_bytes(self) -> int:
        """Shared memory of a block: its tiles of A and B."""
        return 2 * self.tile * self.depth * _NUMBER_BYTES if self.shared else 0

    @property
    def numbers_each(self) -> int:
        """Numbers that a thread keeps: its sums, and for one term what they are made of."""
        return self.each * self.columns_each + self.each + self.columns_each

    def at_tile(self, tile: int) -> MatrixKernel:
        """Return the same step with another tile.

        Steps 1 and 2 stay as they are. With one number a thread the turns are as deep as the tile is wide. With
        several, a block keeps 16 threads along a side, as far as there are so many numbers, and each takes more.
        """
        if not self.shared:
            return self
        if self.each == 1:
            return replace(self, tile=tile, depth=tile)
        each = max(1, tile // _SIDE)
        return replace(self, tile=tile, each=each, vector=min(self.vector, each))

    def counts(self, m: int, n: int, k: int, *, joined: bool = False) -> KernelCounts:
        """Return what one launch does for A (m, k) and B (k, n).

        With ``joined`` as a compiler of CUDA leaves it, which unrolls loops of known length: loads of a thread from
        shared memory that lie one after another become one of up to four numbers: terms of A, and columns of B where
        those of a thread are neighbours. Global loads stay as written, for where a matrix begins is not known then.

        Exact where m and n are multiples of the tile and k one of the depth, and k and n of the 32 numbers of a line
        (of the 8 of a sector, for sectors and requests alone), with matrices that begin at a line. Other
        sizes count as the next larger of these: blocks at the edge ask as the others do.

        Raises
        ------
        TypeError, ValueError
            If a size is no integer of at least 1.
        """
        m, n, k = (require_count(name, size) for name, size in (("m", m), ("n", n), ("k", k)))
        blocks, turns = -(-m // self.tile) * -(-n // self.tile), -(-k // self.depth)
        once, turn = _asked(self, joined)
        total = {name: blocks * (once[name] + turns * turn[name]) for name in {*once, *turn}}
        matrix_bytes = _NUMBER_BYTES * (m * k + k * n + m * n)
        none = dict.fromkeys(("shared_requests", "shared_turns", "shared_clocks"), 0)
        return KernelCounts(flops=2 * m * n * k, matrix_bytes=matrix_bytes, **(none | total))


#: The five steps of lesson 12, each with blocks of 256 threads.
MATRIX_KERNELS = (
    MatrixKernel(number=1, title="one number a thread", tile=16, coalesced=False),
    MatrixKernel(number=2, title="neighbours side by side", tile=16),
    MatrixKernel(number=3, title="tiles in shared memory", tile=16, depth=16, shared=True),
    MatrixKernel(number=4, title="several numbers a thread", tile=64, depth=16, each=4, shared=True),
    MatrixKernel(number=5, title="four numbers at a load", tile=64, depth=16, each=4, vector=4, shared=True),
)


class _Access(NamedTuple):
    """A load or store in the source: how often a block executes it, and where thread ``me`` begins, None if idle.

    ``pitch`` is the number of words in a row of a shared tile.
    """

    kind: str
    times: int
    place: Callable[[int], tuple[int, int] | None]
    vector: int = 1
    pitch: int = 0


@lru_cache(maxsize=256)
def _asked(kernel: MatrixKernel, joined: bool) -> tuple[dict[str, int], dict[str, int]]:
    """Return what a block asks for once, and in each of its turns."""
    return _sum(kernel, [_results(kernel)]), _sum(kernel, list(_turn(kernel, joined)))


def _place(kernel: MatrixKernel, me: int) -> tuple[int, int]:
    """Return the first row and column of the tile that thread ``me`` computes."""
    side = kernel.tile // (kernel.columns_each if kernel.coalesced else kernel.each)
    down, across = divmod(me, side)
    if not kernel.coalesced:
        down, across = across, down
    return (kernel.each * down, kernel.columns_each * across) if kernel.together else (down, kernel.vector * across)


def _results(kernel: MatrixKernel) -> _Access:
    # Every other number of a thread lies as its first one does, in other rows and columns.
    return _Access("store", kernel.each * kernel.columns_each, lambda me: _place(kernel, me))


def _turn(kernel: MatrixKernel, joined: bool) -> Iterator[_Access]:
    if not kernel.shared:
        yield _Access("load", 1, lambda me: (_place(kernel, me)[0], 0))
        yield _Access("load", 1, lambda me: (0, _place(kernel, me)[1]))
        return
    yield from _tiles(kernel)
    terms, tile, depth = kernel.depth, kernel.tile, kernel.depth
    of_a = math.gcd(_WIDEST, depth) if joined and not kernel.turned else kernel.vector
    of_b = math.gcd(_WIDEST, kernel.columns_each) if joined and kernel.together else kernel.vector
    loads_of_a, loads_of_b = terms * kernel.each // of_a, terms * kernel.columns_each // of_b
    rows = _Access("shared", loads_of_a, lambda me: (_place(kernel, me)[0], 0), of_a, depth)
    yield rows._replace(place=_turned(rows.place), pitch=tile) if kernel.turned else rows
    yield _Access("shared", loads_of_b, lambda me: (0, _place(kernel, me)[1]), of_b, tile)


def _tiles(kernel: MatrixKernel) -> Iterator[_Access]:
    tile, depth, vector = kernel.tile, kernel.depth, kernel.vector
    for start in range(0, tile * depth // vector, kernel.threads):
        a, b = (_piece(start, rows, columns, vector) for rows, columns in ((tile, depth), (depth, tile)))
        yield _Access("load", 1, a, vector)
        # Turned, a vector is stored number by number.
        yield (
            _Access("shared", vector, _turned(a), 1, tile) if kernel.turned else _Access("shared", 1, a, vector, depth)
        )
        yield _Access("load", 1, b, vector)
        yield _Access("shared", 1, b, vector, tile)


def _piece(start: int, rows: int, columns: int, vector: int) -> Callable[[int], tuple[int, int] | None]:
    """Return where thread ``me`` loads from a piece of a matrix, when ``start`` vectors of it are loaded already."""

    def place(me: int) -> tuple[int, int] | None:
        row, column = divmod(start + me, columns // vector)
        return (row, vector * column) if row < rows else None

    return place


def _turned(place: Callable[[int], tuple[int, int] | None]) -> Callable[[int], tuple[int, int] | None]:
    def turned(me: int) -> tuple[int, int] | None:
        found = place(me)
        return found and (found[1], found[0])

    return turned


def _sum(kernel: MatrixKernel, accesses: list[_Access]) -> dict[str, int]:
    total: defaultdict[str, int] = defaultdict(int)
    for access in accesses:
        for first in range(0, kernel.threads, _WARP):
            lanes = [access.place(me) for me in range(first, min(first + _WARP, kernel.threads))]
            if any(lane is not None for lane in lanes):
                for name, count in _request(access, lanes).items():
                    total[f"{access.kind}_{name}"] += access.times * count
    return total


def _request(access: _Access, lanes: list[tuple[int, int] | None]) -> dict[str, int]:
    numbers = {(row, column + i) for row, column in filter(None, lanes) for i in range(access.vector)}
    if access.kind == "shared":
        in_banks = Counter((row * access.pitch + column) % _BANKS for row, column in numbers)
        turns = max(in_banks.values())
        return {"requests": 1, "turns": turns, "clocks": max(turns, access.vector)}
    in_sector, in_line = SECTOR_BYTES // _NUMBER_BYTES, LINE_BYTES // _NUMBER_BYTES
    return {
        "requests": 1,
        "sectors": len({(row, column // in_sector) for row, column in numbers}),
        "lines": len({(row, column // in_line) for row, column in numbers}),
    }
