"""A small CuPy for machines without a GPU: one device in virtual time, one memory pool, and a log of what was asked."""

from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np


class OutOfMemoryError(MemoryError):
    """Stands for cupy.cuda.memory.OutOfMemoryError."""


class CUDARuntimeError(RuntimeError):
    """Stands for cupy.cuda.runtime.CUDARuntimeError."""

    def __init__(self, status):
        super().__init__(f"cudaError{status}: first line\nsecond line")
        self.status = status


class FakeMemory:
    """Device memory that goes back to its pool when it dies."""

    def __init__(self, pool, size_bytes):
        self.pool, self.size_bytes = pool, size_bytes
        pool.used += size_bytes

    def __del__(self):
        self.pool.used -= self.size_bytes
        self.pool.cached += self.size_bytes


class FakePool:
    """Memory of the device in whole multiples of 512 bytes; what dies stays cached."""

    def __init__(self, cuda):
        self.cuda = cuda
        self.used = self.cached = self.limit = 0

    def malloc(self, size_bytes):
        size_bytes = -(-size_bytes // 512) * 512
        if self.used + size_bytes > (self.limit or self.cuda.memory_bytes):
            raise OutOfMemoryError(f"Out of memory allocating {size_bytes:,} bytes")
        self.cached = max(0, self.cached - size_bytes)
        return FakeMemory(self, size_bytes)

    def used_bytes(self):
        return self.used

    def free_bytes(self):
        return self.cached

    def get_limit(self):
        return self.limit

    def set_limit(self, size=None):
        self.limit = size

    def free_all_blocks(self):
        self.cuda.log.append("free blocks")
        self.cached = 0


class FakeStream:
    """A queue that can be entered."""

    def __init__(self, cuda, non_blocking=False):
        self.cuda, self.non_blocking = cuda, non_blocking

    def __enter__(self):
        self.cuda.streams.append(self)
        return self

    def __exit__(self, *_):
        self.cuda.streams.pop()


class FakeEvent:
    """Notes the device's time when its stream gets there."""

    def __init__(self, cuda):
        self.cuda, self.stream, self.time_s, self.is_done = cuda, None, None, False

    def record(self, stream=None):
        self.cuda.log.append("record")
        # As in CuPy, the null stream without another: it does not wait for what a stream of its own computes.
        self.stream = self.cuda.streams[0] if stream is None else stream
        at_s = self.cuda.done_s.get(id(self.stream), 0.0)
        self.time_s, self.is_done = max(self.cuda.host_s, at_s), False

    def synchronize(self):
        self.cuda.log.append("synchronize event")
        self.is_done = True
        self.cuda.host_s = max(self.cuda.host_s, self.time_s)


class FakeCuda:
    """The module ``cupy``, and the device under it.

    ``launch``: what a call does to the device; the host pays ``launch_s`` and goes on, the device ``work_s``.
    """

    __name__ = "cupy"
    __version__ = "13.6.0"

    def __init__(self, memory_bytes=10**9, free_bytes=None):
        self.log = []
        self.host_s, self.done_s = 0.0, {}
        self.memory_bytes = memory_bytes
        self.left_bytes = memory_bytes if free_bytes is None else free_bytes
        self.pool, self.pinned_pool = FakePool(self), FakePool(self)
        self.streams = [FakeStream(self)]
        self.allocators = [self.pool.malloc]
        self.cuda = SimpleNamespace(
            Device=lambda: SimpleNamespace(synchronize=self.synchronize),
            Event=lambda: FakeEvent(self),
            Stream=lambda non_blocking=False: FakeStream(self, non_blocking),
            get_current_stream=lambda: self.streams[-1],
            get_elapsed_time=self.elapsed_ms,
            memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
            runtime=SimpleNamespace(
                CUDARuntimeError=CUDARuntimeError, memGetInfo=lambda: (self.left_bytes, self.memory_bytes)
            ),
            set_allocator=self.set_allocator,
            using_allocator=self.using_allocator,
        )

    def get_default_memory_pool(self):
        return self.pool

    def get_default_pinned_memory_pool(self):
        return self.pinned_pool

    def set_allocator(self, allocator):
        self.allocators[0] = allocator

    @contextmanager
    def using_allocator(self, allocator):
        self.allocators.append(allocator)
        try:
            yield
        finally:
            self.allocators.pop()

    def alloc(self, size_bytes):
        """Return device memory, by the allocator that counts now."""
        return self.allocators[-1](size_bytes)

    def launch(self, work_s, launch_s=1e-6):
        self.log.append("call")
        self.host_s += launch_s
        stream = id(self.streams[-1])
        self.done_s[stream] = max(self.done_s.get(stream, 0.0), self.host_s) + work_s

    def synchronize(self):
        self.log.append("synchronize")
        self.host_s = max(self.host_s, *self.done_s.values(), 0.0)

    def elapsed_ms(self, start, end):
        assert end.is_done, "the device has not passed the second event"
        assert start.stream is end.stream, "the events stand in two queues"
        self.log.append("read")
        return (end.time_s - start.time_s) * 1e3

    def asarray(self, x):
        self.log.append("asarray")
        return FakeArray(np.array(x))


class FakeArray:
    """An array that must be fetched with get()."""

    def __init__(self, numbers):
        self.numbers = numbers

    def get(self):
        return self.numbers
