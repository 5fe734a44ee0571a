"""Memory of a WebGPU device: buffers that are used again, and an account of what was asked for."""

from __future__ import annotations

from typing import Any

from gpu_lessons.arguments import require_count
from gpu_lessons.devices.memory import Allocation, OutOfMemoryError, usage_text
from gpu_lessons.devices.webgpu.engine import Engine

__all__ = ["BufferPool", "Memory"]

#: As CuPy's pool: a few bytes more make the buffer of a dead array fit the next one.
_UNIT_BYTES = 512


class BufferPool:
    """Buffers of a WebGPU device. WebGPU does not tell what the card holds or what others use of it.

    Parameters
    ----------
    engine : Engine
        The device.
    capacity_bytes : int
        What arrays may use.

    Attributes
    ----------
    capacity_bytes : int
        What arrays may use.
    used_bytes, peak_bytes : int
        Bytes that arrays asked for, in multiples of 512: now, and the most there have been.
    held_bytes, free_blocks : int
        Buffers of dead arrays, kept for the next one: their bytes and their number.
    limit_bytes : int
        What a program allows itself, as with ``set_limit`` of CuPy's pool; 0 for all.
    """

    def __init__(self, engine: Engine, capacity_bytes: int) -> None:
        self.capacity_bytes = require_count("memory_bytes", capacity_bytes)
        self.used_bytes = self.peak_bytes = self.held_bytes = self.limit_bytes = 0
        self._engine = engine
        self._free: dict[int, list[Any]] = {}
        # Held here too: Python finalizes a buffer together with an array in a cycle, and could not use it again.
        self._used: dict[int, Any] = {}

    @property
    def free_blocks(self) -> int:
        """Number of buffers that are kept."""
        return sum(map(len, self._free.values()))

    def allocate(self, size_bytes: int) -> Memory:
        """Return memory of any content for an array.

        Raises
        ------
        OutOfMemoryError
            If there is no room, or the device takes no array of this size; nothing changes then.
        """
        taken_bytes = -(-size_bytes // _UNIT_BYTES) * _UNIT_BYTES
        limit_bytes = self.limit_bytes or self.capacity_bytes
        if self.used_bytes + taken_bytes > limit_bytes:
            raise OutOfMemoryError(taken_bytes, self.used_bytes, self.limit_bytes)
        if taken_bytes > self._engine.buffer_limit_bytes:
            raise _ArrayTooLargeError(taken_bytes, self.used_bytes, self._engine.buffer_limit_bytes)
        kept = self._free.get(taken_bytes)
        if kept:
            buffer = kept.pop()
            self.held_bytes -= taken_bytes
        else:
            buffer = self._new(taken_bytes, limit_bytes)
        self._used[id(buffer)] = buffer
        self.used_bytes += taken_bytes
        self.peak_bytes = max(self.peak_bytes, self.used_bytes)
        return Memory(self, buffer, size_bytes, taken_bytes)

    def release(self, memory: Memory) -> None:
        """Keep the buffer of a dead array for the next one."""
        self.used_bytes -= memory.taken_bytes
        self.held_bytes += memory.taken_bytes
        self._free.setdefault(memory.taken_bytes, []).append(self._used.pop(id(memory.buffer)))

    def give_back(self) -> None:
        """Return to the device what no array uses."""
        for buffers in self._free.values():
            for buffer in buffers:
                buffer.destroy()  # what still uses it was handed over before, and is done first
        self._free.clear()
        self.held_bytes = 0

    def _new(self, taken_bytes: int, limit_bytes: int) -> Any:  # noqa: ANN401
        if self.used_bytes + self.held_bytes + taken_bytes > limit_bytes:
            self.give_back()
        try:
            return self._engine.new_buffer(taken_bytes)
        except MemoryError:
            self.give_back()
        try:
            return self._engine.new_buffer(taken_bytes)
        except MemoryError:
            raise OutOfMemoryError(taken_bytes, self.used_bytes, self.limit_bytes) from None

    def __str__(self) -> str:
        return usage_text(self.used_bytes, self.peak_bytes, self.capacity_bytes)


class Memory(Allocation):
    """Memory of one array and its views on a WebGPU device; ``buffer`` is the device's, a ``wgpu.GPUBuffer``."""

    __slots__ = ("buffer",)

    def __init__(self, pool: BufferPool, buffer: Any, size_bytes: int, taken_bytes: int) -> None:  # noqa: ANN401
        self.buffer = buffer
        super().__init__(pool, size_bytes, taken_bytes)


class _ArrayTooLargeError(OutOfMemoryError):
    def __init__(self, size_bytes: int, used_bytes: int, limit_bytes: int) -> None:
        MemoryError.__init__(
            self,
            f"Out of memory allocating {size_bytes:,} bytes (allocated so far: {used_bytes:,} bytes; one array may "
            f"have {limit_bytes:,} bytes, the largest buffer of this WebGPU device).",
        )
