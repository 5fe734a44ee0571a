"""Memory of a simulated GPU: a pool with the card's capacity, and pinned host memory."""

from __future__ import annotations

import math
import operator
from bisect import bisect_left, insort
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from gpu_lessons.arguments import require_count, shown
from gpu_lessons.hardware.processor import available_memory_bytes
from gpu_lessons.units import format_bytes

if TYPE_CHECKING:
    from gpu_lessons.devices.simulated import SimulatedGpu

__all__ = [
    "Allocation",
    "DevicePointer",
    "MemoryPool",
    "OutOfMemoryError",
    "Shape",
    "allocate",
    "empty_pinned",
    "is_pinned",
    "pinned_buffer",
    "require_host_room",
    "require_room",
    "sizes_of",
    "usage_text",
]

Shape = int | tuple[int, ...]

# CuPy's pool hands out multiples of this (ALLOCATION_UNIT_SIZE in cupy/cuda/memory.pyx).
_UNIT_BYTES = 512
# Memory of this machine up to this size is taken without asking how much it has left.
_SMALL_BYTES = 2**26


class OutOfMemoryError(MemoryError):
    """The device has no room for an array; the words are CuPy's, which name a limit where one was set."""

    def __init__(self, size_bytes: int, used_bytes: int, limit_bytes: int = 0) -> None:
        limit = f", limit set to: {limit_bytes:,} bytes" if limit_bytes else ""
        super().__init__(
            f"Out of memory allocating {size_bytes:,} bytes (allocated so far: {used_bytes:,} bytes{limit})."
        )


class MemoryPool:
    """Counts the bytes of arrays that are alive on the device; they come back when an array dies.

    Attributes
    ----------
    capacity_bytes : int
        What the card holds.
    used_bytes, peak_bytes : int
        Bytes in use now, and the most there have been.
    limit_bytes : int
        What a program allows itself, as with ``set_limit`` of CuPy's pool; 0 for all of the card.

    Raises
    ------
    TypeError, ValueError
        If the capacity is no integer of at least 1.
    """

    def __init__(self, capacity_bytes: int) -> None:
        self.capacity_bytes = require_count("memory_bytes", capacity_bytes)
        self.used_bytes = 0
        self.peak_bytes = 0
        self.limit_bytes = 0
        self._free_blocks: list[int] = []  # sizes in bytes, in order

    @property
    def held_bytes(self) -> int:
        """Bytes of dead arrays that the pool keeps for the next one, as CuPy's pool does."""
        return sum(self._free_blocks)

    @property
    def free_blocks(self) -> int:
        """Number of blocks that the pool keeps."""
        return len(self._free_blocks)

    def give_back(self) -> None:
        """Return to the device what no array uses."""
        self._free_blocks.clear()

    def require_room(self, size_bytes: int) -> int:
        """Return the bytes that the pool takes for so many.

        Raises
        ------
        OutOfMemoryError
            If there is no room.
        """
        taken_bytes = -(-size_bytes // _UNIT_BYTES) * _UNIT_BYTES
        if self.used_bytes + taken_bytes > (self.limit_bytes or self.capacity_bytes):
            raise OutOfMemoryError(taken_bytes, self.used_bytes, self.limit_bytes)
        return taken_bytes

    def allocate(self, size_bytes: int) -> Allocation:
        """Return memory for an array.

        Raises
        ------
        OutOfMemoryError
            If there is no room; nothing changes then.
        """
        taken_bytes = self.require_room(size_bytes)
        self._take_block(taken_bytes)
        self.used_bytes += taken_bytes
        self.peak_bytes = max(self.peak_bytes, self.used_bytes)
        return Allocation(self, size_bytes, taken_bytes)

    def release(self, memory: Allocation) -> None:
        """Keep the memory of a dead array for the next one."""
        self.used_bytes -= memory.taken_bytes
        if memory.taken_bytes:
            insort(self._free_blocks, memory.taken_bytes)

    def _take_block(self, taken_bytes: int) -> None:
        """Take the smallest block that is large enough, and keep the rest of it; none means new memory."""
        place = bisect_left(self._free_blocks, taken_bytes)
        if place < len(self._free_blocks):
            rest_bytes = self._free_blocks.pop(place) - taken_bytes
            if rest_bytes:
                insort(self._free_blocks, rest_bytes)
        elif self.used_bytes + self.held_bytes + taken_bytes > (self.limit_bytes or self.capacity_bytes):
            self.give_back()  # before it says that there is no room

    def __str__(self) -> str:
        return usage_text(self.used_bytes, self.peak_bytes, self.capacity_bytes)


def usage_text(used_bytes: int, peak_bytes: int, capacity_bytes: int) -> str:
    """Return what a device's memory holds as text, the same for a simulated and a real one."""
    used, peak, capacity = map(format_bytes, (used_bytes, peak_bytes, capacity_bytes))
    return f"{used} in use of {capacity}, {peak} at the peak"


class _Pool(Protocol):
    """Where memory goes when its last array dies."""

    def release(self, memory: Any, /) -> None: ...  # noqa: ANN401 - each pool has an allocation of its own


class Allocation:
    """Memory of one array and its views; returned to the pool when the last of them dies, or by ``free``.

    Attributes
    ----------
    size_bytes, taken_bytes : int
        Bytes of the array, and what the pool gave for it.
    is_free : bool
        Whether it has been returned.
    """

    __slots__ = ("_pool", "is_free", "size_bytes", "taken_bytes")

    def __init__(self, pool: _Pool, size_bytes: int, taken_bytes: int) -> None:
        self.is_free = False
        self.size_bytes = size_bytes
        self.taken_bytes = taken_bytes
        self._pool = pool

    def free(self) -> None:
        """Return the memory now; an array that still uses it is refused from here on."""
        if not self.is_free:
            self.is_free = True
            self._pool.release(self)

    def __del__(self) -> None:
        self.free()


class DevicePointer(NamedTuple):
    """What ``x.data`` of an array is: an address, and the memory it lies in."""

    ptr: int
    mem: Allocation


class _PinnedMemory(bytearray):
    """Host memory that counts as page-locked, so that a copy engine can read it while the host goes on."""


def require_room(gpu: SimulatedGpu, size_bytes: int) -> None:
    """Make sure that an array fits both on the device and on this machine, which holds its numbers.

    Raises
    ------
    OutOfMemoryError, MemoryError
        If it does not.
    """
    gpu.memory.require_room(size_bytes)
    require_host_room(size_bytes, f"the simulated {gpu.machine.name} keeps its numbers in this machine's memory")


def allocate(gpu: SimulatedGpu, size_bytes: int) -> Allocation:
    """Return memory on the device; see `require_room`."""
    require_room(gpu, size_bytes)
    return gpu.memory.allocate(size_bytes)


def require_host_room(size_bytes: int, what: str) -> None:
    """Make sure that this machine has room for an array.

    Raises
    ------
    MemoryError
        If it has not; the sentence begins with ``what``.
    """
    if size_bytes > _SMALL_BYTES and size_bytes > (free := available_memory_bytes()):
        raise MemoryError(
            f"{what}: the array needs {format_bytes(size_bytes)} and {format_bytes(free)} are free here; "
            "choose a smaller one"
        )


def sizes_of(shape: Shape) -> tuple[int, ...]:
    """Return a shape as a tuple, where one size stands for one axis.

    Raises
    ------
    TypeError, ValueError
        If a size is no integer of at least 0.
    """
    try:
        sizes: tuple[Any, ...] = (operator.index(shape),)  # type: ignore[arg-type]  # the TypeError is asked for
    except TypeError:
        try:
            sizes = tuple(shape)  # type: ignore[arg-type]
        except TypeError:
            raise TypeError(f"shape must be an integer or a tuple of them, got {shown(shape)}") from None
    return tuple(require_count("a size of a shape", size, at_least=0) for size in sizes)


def empty_pinned(shape: Shape, dtype: Any = "float32") -> np.ndarray[Any, Any]:  # noqa: ANN401
    """Return a NumPy array in (simulated) pinned host memory, as ``cupyx.empty_pinned`` does; its numbers are zero."""
    shape = sizes_of(shape)
    count = math.prod(shape)
    size_bytes = max(1, count) * np.dtype(dtype).itemsize
    require_host_room(size_bytes, "pinned memory is memory of this machine")
    return np.frombuffer(pinned_buffer(size_bytes), dtype=dtype, count=count).reshape(shape)


def pinned_buffer(size_bytes: int) -> bytearray:
    """Return (simulated) pinned host memory, as ``cupy.cuda.alloc_pinned_memory`` does; its bytes are zero."""
    return _PinnedMemory(size_bytes)


def is_pinned(x: np.ndarray[Any, Any]) -> bool:
    """Return whether ``x``, or what it is a view of, was made by `empty_pinned`."""
    owner: object = x
    while isinstance(owner, np.ndarray):
        owner = owner.base
    return isinstance(owner, memoryview) and isinstance(owner.obj, _PinnedMemory)
