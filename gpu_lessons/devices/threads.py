"""A kernel run thread by thread on the CPU: a Python function a thread, ``yield`` for a barrier, every load counted."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gpu_lessons.arguments import require_count, shown
from gpu_lessons.devices.accesses import Numbers, ThreadError
from gpu_lessons.devices.barriers import left_alone, require_one_barrier
from gpu_lessons.devices.requests import Requests, ThreadCounts, requests_of
from gpu_lessons.units import format_counted

if TYPE_CHECKING:
    from gpu_lessons.devices.barriers import Thread

__all__ = ["Block", "Here", "ThreadCounts", "ThreadError", "run_threads"]

WARP = 32
#: Threads of a block, and bytes of its shared memory, on the largest GPU: NVIDIA's CUDA C++ Programming Guide,
#: "Technical Specifications per Compute Capability".
MOST_THREADS, MOST_SHARED_BYTES = 1024, 227 * 1024
#: Barriers of a block: far more than a matrix product that ends needs.
MOST_BARRIERS = 2**12

Host = np.ndarray[Any, Any]


class Block(NamedTuple):
    """Which block of the grid: ``x`` counts along the columns, ``y`` along the rows."""

    x: int
    y: int


class Here:
    """What a thread knows of itself.

    Attributes
    ----------
    block : Block
        Its block: ``here.block.x``, ``here.block.y``.
    thread : int
        Its number in the block, from 0.
    """

    __slots__ = ("_memory", "block", "thread")

    def __init__(self, block: Block, thread: int, memory: _SharedMemory) -> None:
        self.block, self.thread = block, thread
        self._memory = memory

    def shared(self, name: str, size: int) -> Numbers:
        """Return ``size`` numbers that all threads of the block share under this name; zeros at first.

        Raises
        ------
        ThreadError
            If another thread of the block asked for another size, or there is no room for so many numbers.
        TypeError, ValueError
            If the name is no text, or the size no integer of at least 1.
        """
        return self._memory.get(name, size)


def run_threads(
    kernel: Callable[..., Any],
    blocks: tuple[int, int],
    *arguments: Any,  # noqa: ANN401
    threads: int = 256,
    seed: int | None = None,
) -> ThreadCounts:
    """Run a kernel with so many blocks, one thread after another, and count what it does to memory.

    Parameters
    ----------
    kernel : callable
        ``def kernel(here, a, b, c, ...)``: what one thread does. A ``yield`` in it is a barrier. ``here`` is a `Here`.
        Arrays come flat: ``a[i]`` is one load, ``c[i] = value`` one store, ``a.fours[i]`` one load of four numbers.
    blocks : tuple of int
        Blocks along x and along y.
    *arguments : numpy.ndarray or int
        What the kernel gets behind ``here``. Arrays hold numbers of 4 bytes, one after another; what the kernel
        stores into them is in them afterwards. Sums are kept in Python's 64 bits.
    threads : int
        Threads of a block.
    seed : int, optional
        Gives the order of the warps. Without one it differs from run to run, as on a GPU.

    Returns
    -------
    ThreadCounts
        Exact for this kernel and these sizes; nothing in it is cached between two requests.

    Raises
    ------
    ThreadError
        If a thread ends while others of its block wait at a barrier, or waits at another one, an index lies outside
        its array, what is stored is no number of its type, a thread returns something, or a loop seems to have no end:
        a thread uses an array more than 2**18 times without a barrier, or a block meets more than 2**12 barriers. A
        loop that touches no array has no such limit; interrupt it.
    TypeError, ValueError
        If an argument is none of those above, or a number of blocks or threads is no integer of at least 1.

    Notes
    -----
    The warps of a block run in random order up to their next barrier, the threads of a warp one after another. Shared
    memory begins with zeros, as in WebGPU; in CUDA it begins with anything.

    Examples
    --------
    >>> import numpy as np
    >>> def double(here, x, y):
    ...     i = 32 * here.block.x + here.thread
    ...     y[i] = 2 * x[i]
    >>> x, y = np.arange(64, dtype="float32"), np.zeros(64, "float32")
    >>> print(run_threads(double, (2, 1), x, y, threads=32))
    loads of x: 2 requests, 8 sectors, 256 bytes
    stores to y: 2 requests, 8 sectors, 256 bytes
    0 barriers
    """
    if not isinstance(blocks, tuple | list) or len(blocks) != 2:
        raise TypeError(f"blocks must be two integers, along x and along y, got {shown(blocks)}")
    wide, high = (require_count("a number of blocks", each) for each in blocks)
    threads = require_count("threads", threads)
    if threads > MOST_THREADS:
        raise ValueError(f"threads must be at most {MOST_THREADS:,}, as in a block of a GPU, got {threads:,}")
    if seed is not None and not isinstance(seed, int):
        raise TypeError(f"seed must be an integer or None, got {shown(seed)}")
    at_work = [""]
    names = _names_of(kernel, len(arguments))
    given = [_watched(name, value, at_work) for name, value in zip(names, arguments, strict=True)]
    arrays = [each for each in given if isinstance(each, Numbers)]
    run = _Run(kernel, given, arrays, threads, random.Random(seed), at_work)
    for y in range(high):
        for x in range(wide):
            run.block(Block(x, y))
    for value, watched in zip(arguments, given, strict=True):
        if isinstance(watched, Numbers) and watched.name in run.stores:
            _store(value, watched)
    return ThreadCounts(run.loads, run.stores, run.shared, run.barriers)


class _SharedMemory:
    """The shared memory of one block."""

    def __init__(self, at_work: list[str]) -> None:
        self.arrays: dict[str, Numbers] = {}
        self._at_work = at_work

    def get(self, name: str, size: int) -> Numbers:
        found = self.arrays.get(name) if isinstance(name, str) else None
        if found is None:
            if not isinstance(name, str):
                raise TypeError(f"the name of shared numbers must be a text, got {shown(name)}")
            size = require_count(f"the size of {name}", size)
            room = MOST_SHARED_BYTES // 4 - sum(map(len, self.arrays.values()))
            if size > room:
                raise ThreadError(
                    f"{self._at_work[0]} asks for {size:,} shared numbers {name!r}, and a block has room for {room:,}"
                )
            found = self.arrays[name] = Numbers(name, [0.0] * size, self._at_work)
        elif len(found) != size:
            raise ThreadError(
                f"{self._at_work[0]} asks for {shown(size)} shared numbers {name!r}, and another thread of its block "
                f"for {len(found)}"
            )
        return found


class _Run:
    """The blocks of a kernel and what they did to memory so far."""

    def __init__(
        self,
        kernel: Callable[..., Any],
        given: list[Any],
        arrays: list[Numbers],
        threads: int,
        order: random.Random,
        at_work: list[str],
    ) -> None:
        self._kernel, self._given, self._arrays = kernel, given, arrays
        self._warps = [range(first, min(first + WARP, threads)) for first in range(0, threads, WARP)]
        self._order, self._at_work = order, at_work
        self.loads: dict[str, Requests] = {}
        self.stores: dict[str, Requests] = {}
        self.shared: dict[str, Requests] = {}
        self.barriers = 0

    def block(self, block: Block) -> None:
        """Run a block: its warps in random order up to the next barrier, until all threads have ended."""
        memory = _SharedMemory(self._at_work)
        live: dict[int, Thread | None] = {thread: None for warp in self._warps for thread in warp}
        met = 0
        while live:
            began = set(live)
            for warp in self._order.sample(self._warps, len(self._warps)):
                self._advance(block, warp, live, memory, first=not met)
            if live and len(live) < len(began):
                ended = min(began - set(live))
                raise left_alone(block, ended, next(iter(live.values())), len(live))
            require_one_barrier(block, live)
            met += bool(live)
            if met > MOST_BARRIERS:
                many = f"block {tuple(block)} has met {MOST_BARRIERS:,} barriers"
                raise ThreadError(f"{many}: look for a loop without an end")
        self.barriers += met

    def _advance(
        self, block: Block, warp: range, live: dict[int, Thread | None], memory: _SharedMemory, *, first: bool
    ) -> None:
        """Run the threads of a warp up to their next barrier, and count their requests."""
        logs: dict[Numbers, tuple[list[list[int]], list[list[int]]]] = {}
        for thread in warp:
            self._at_work[0] = f"thread {thread} of block {tuple(block)}"
            running = self._kernel(Here(block, thread, memory), *self._given) if first else live[thread]
            live[thread] = running
            if not inspect.isgenerator(running):
                if running is not None:
                    raise ThreadError(
                        f"{self._at_work[0]} returns {shown(running)}, and a kernel returns nothing: it stores its "
                        "numbers"
                    )
                del live[thread]
            elif next(running, _ENDED) is _ENDED:
                del live[thread]
            for array in (*self._arrays, *memory.arrays.values()):
                loads, stores = logs.setdefault(array, ([], []))
                loads.append(array.loads)
                stores.append(array.stores)
                array.loads, array.stores = [], []
        for array, (loads, stores) in logs.items():
            if memory.arrays.get(array.name) is array:
                _add(self.shared, array, loads, shared=True)
                _add(self.shared, array, stores, shared=True)
            else:
                _add(self.loads, array, loads, shared=False)
                _add(self.stores, array, stores, shared=False)


_ENDED = object()


def _add(to: dict[str, Requests], array: Numbers, logs: list[list[int]], *, shared: bool) -> None:
    found = requests_of(logs, shared=shared)
    if found.requests:
        to[array.name] = to.get(array.name, Requests()) + found


def _names_of(kernel: Callable[..., Any], count: int) -> list[str]:
    """Return the names of the parameters behind ``here``."""
    try:
        names = list(inspect.signature(kernel).parameters)[1:]
    except (TypeError, ValueError):  # not callable, or written in C
        raise TypeError(f"kernel must be a Python function, got {shown(kernel)}") from None
    if len(names) != count:
        raise TypeError(f"the kernel takes {format_counted(len(names), 'argument')} behind here, got {count}")
    return names


def _watched(name: str, value: Any, at_work: list[str]) -> Any:  # noqa: ANN401
    """Return an array as a kernel sees it, and a number as it is."""
    if isinstance(value, int | float | np.number):
        return value
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{name} must be a NumPy array or a number, got {shown(value)}")
    if value.dtype.itemsize != 4 or value.dtype.kind not in "fiu" or not value.flags.c_contiguous:
        raise TypeError(f"{name} must be an array of numbers of 4 bytes, one after another, got {shown(value)}")
    return Numbers(name, value.reshape(-1).tolist(), at_work)


def _store(array: Host, watched: Numbers) -> None:
    """Write back what the threads have stored."""
    if not array.flags.writeable:
        raise ValueError(f"{watched.name} is read-only, and the kernel stores into it")
    try:
        with np.errstate(over="ignore"):  # too large for float32 is infinite, as on a GPU
            array.reshape(-1)[...] = watched.numbers
    except (ValueError, OverflowError):
        raise ThreadError(f"a thread stores a number in {watched.name} that {array.dtype} cannot hold") from None
