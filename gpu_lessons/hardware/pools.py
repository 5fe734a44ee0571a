"""A CuPy memory pool that remembers the most it ever handed out."""

from __future__ import annotations

from typing import Any

__all__ = ["WatchedPool"]


class WatchedPool:
    """Hands out the memory of a CuPy pool and notes the peak after every allocation.

    The peak is exact, and counts what the arrays hold in the pool's multiples of 512 bytes, not the blocks that the
    pool keeps for reuse. Its ``malloc`` is an allocator for ``cupy.cuda.set_allocator`` or ``using_allocator``. The
    bookkeeping makes every allocation a little slower.

    Parameters
    ----------
    pool : cupy.cuda.MemoryPool
        Where the memory comes from.
    """

    def __init__(self, pool: Any) -> None:  # noqa: ANN401  (CuPy has no types of its own)
        self._pool = pool
        self._peak_bytes = self.used_bytes

    @property
    def used_bytes(self) -> int:
        """Bytes in use now."""
        return int(self._pool.used_bytes())

    @property
    def peak_bytes(self) -> int:
        """The most bytes in use since the last ``reset_peak``."""
        return self._peak_bytes

    def reset_peak(self) -> None:
        """Forget the peak."""
        self._peak_bytes = self.used_bytes

    def malloc(self, size_bytes: int) -> Any:  # noqa: ANN401
        """Return device memory, as the pool's own ``malloc`` does."""
        memory = self._pool.malloc(size_bytes)
        self._peak_bytes = max(self._peak_bytes, self.used_bytes)
        return memory
