"""What the threads of a warp do to memory together: requests, sectors of 32 bytes, turns of the banks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gpu_lessons.units import format_counted
from gpu_lessons.work.matrix_kernels import SECTOR_BYTES

__all__ = ["FOUR", "INDEX_BITS", "Requests", "ThreadCounts", "requests_of"]

#: The banks of shared memory: NVIDIA's CUDA C++ Best Practices Guide, "Shared Memory and Memory Banks".
BANKS, BANK_BYTES = 32, 4
_WORDS_A_SECTOR = SECTOR_BYTES // BANK_BYTES
#: An access is one number: its line, whether it takes four numbers at once, and the index.
INDEX_BITS = 40
FOUR = 2**20

Array = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Requests:
    """Loads or stores of warps.

    Attributes
    ----------
    requests : int
        Threads of a warp at the same line of the kernel, as often since the last barrier: one request.
    parts : int
        Of global memory: sectors of 32 bytes, each counted once a request. Of shared memory: turns, as many as
        different words of 4 bytes lie in the bank of 32 that has most of them.
    """

    requests: int = 0
    parts: int = 0

    @property
    def bytes_moved(self) -> int:
        """Bytes of the sectors."""
        return SECTOR_BYTES * self.parts

    def __add__(self, other: Requests) -> Requests:
        return Requests(self.requests + other.requests, self.parts + other.parts)


@dataclass(frozen=True, slots=True)
class ThreadCounts:
    """What the threads did to memory, summed over all blocks.

    Attributes
    ----------
    loads_of, stores_of : mapping of str to Requests
        Requests to global memory and their sectors of 32 bytes, for each array.
    shared_of : mapping of str to Requests
        Loads and stores of shared memory and their turns, for each of its arrays.
    barriers : int
        How often a block waited for all its threads.
    """

    loads_of: Mapping[str, Requests] = field(default_factory=dict)
    stores_of: Mapping[str, Requests] = field(default_factory=dict)
    shared_of: Mapping[str, Requests] = field(default_factory=dict)
    barriers: int = 0

    @property
    def loads(self) -> Requests:
        """All loads of global memory."""
        return sum(self.loads_of.values(), Requests())

    @property
    def stores(self) -> Requests:
        """All stores to global memory."""
        return sum(self.stores_of.values(), Requests())

    @property
    def shared(self) -> Requests:
        """All loads and stores of shared memory."""
        return sum(self.shared_of.values(), Requests())

    @property
    def bytes_moved(self) -> int:
        """Bytes of all sectors of global memory, each counted at every request."""
        return self.loads.bytes_moved + self.stores.bytes_moved

    def __str__(self) -> str:
        rows = [
            f"{verb} {name}: {format_counted(each.requests, 'request')}, {format_counted(each.parts, 'sector')}, "
            f"{each.bytes_moved:,} bytes"
            for verb, group in (("loads of", self.loads_of), ("stores to", self.stores_of))
            for name, each in group.items()
        ]
        rows += [
            f"shared memory {name}: {format_counted(each.requests, 'request')}, {format_counted(each.parts, 'turn')}"
            for name, each in self.shared_of.items()
        ]
        return "\n".join([*rows, format_counted(self.barriers, "barrier")])


def requests_of(logs: Iterable[list[int]], *, shared: bool) -> Requests:
    """Return the requests of a warp from what each of its threads did since the last barrier."""
    logs = [log for log in logs if log]
    if not logs:
        return Requests()
    count = _turns if shared else _sectors
    if len({len(log) for log in logs}) == 1:
        accesses = np.array(logs)
        lines = accesses >> INDEX_BITS
        if (lines == lines[0]).all():  # all threads took the same way
            return Requests(len(lines[0]), _parts(accesses, count))
    together: dict[tuple[int, int], list[int]] = defaultdict(list)
    for log in logs:
        times: dict[int, int] = defaultdict(int)
        for access in log:
            line = access >> INDEX_BITS
            together[line, times[line]].append(access)
            times[line] += 1
    return Requests(len(together), sum(_parts(np.array(each)[:, None], count) for each in together.values()))


def _parts(accesses: Array, count: Callable[[Array], int]) -> int:
    """Return the parts of requests: ``accesses`` has a row a thread and a column a request."""
    is_four = (accesses[0] >> INDEX_BITS) >= FOUR
    words = accesses & (2**INDEX_BITS - 1)
    total = 0
    if not is_four.all():
        total += count(words[:, ~is_four])
    if is_four.any():
        total += count(np.concatenate([words[:, is_four] + i for i in range(4)]))
    return total


def _sectors(words: Array) -> int:
    return int(_is_new(np.sort(words // _WORDS_A_SECTOR, axis=0)).sum())


def _turns(words: Array) -> int:
    """Return the sum over the requests of the most different words in one bank."""
    words = np.sort(words, axis=0)
    request = np.broadcast_to(np.arange(words.shape[1]), words.shape)
    place = request * BANKS + words % BANKS
    in_bank = np.bincount(place[_is_new(words)], minlength=words.shape[1] * BANKS)
    return int(in_bank.reshape(-1, BANKS).max(axis=1).sum())


def _is_new(rising: Array) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return where a sorted column has another value than the row before."""
    new = np.ones(rising.shape, bool)
    new[1:] = rising[1:] != rising[:-1]
    return new
