"""The CUDA device of this machine, through CuPy: what is computed on it is also measured on it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from gpu_lessons.arguments import require_count
from gpu_lessons.devices.memory import Shape, sizes_of
from gpu_lessons.hardware.arrays import cupy_namespace, pinned_array
from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.hardware.machines import Machine
from gpu_lessons.units import format_bytes

__all__ = ["CudaGpu", "CudaMemory"]


class CudaMemory:
    """Memory of the current CUDA device as CuPy's default pool sees it, in bytes.

    The pool gives memory out in steps of 512 bytes and keeps what is freed for the next array, so that other programs
    do not get it back. What libraries such as cuBLAS take for themselves passes by the pool and is not counted.
    CuPy has one such pool a process, so a limit holds for everything in it until the next `CudaGpu` sets another.
    """

    __slots__ = ("_limit_bytes", "_peak_bytes", "_xp")

    def __init__(self, xp: Any, memory_bytes: int | None) -> None:  # noqa: ANN401  (CuPy)
        self._xp = xp
        self._peak_bytes = 0
        self._limit_bytes = memory_bytes
        self._pool().set_limit(size=memory_bytes or 0)  # 0: none

    def __str__(self) -> str:
        used, peak, capacity = map(format_bytes, (self.used_bytes, self.peak_bytes, self.capacity_bytes))
        return f"{used} in use of {capacity}, {peak} at the peak"

    @property
    def used_bytes(self) -> int:
        """Held by arrays that are alive."""
        return int(self._pool().used_bytes())

    @property
    def peak_bytes(self) -> int:
        """Most that the pool has held, in arrays and kept for later; never less than the arrays ever needed at once.

        It can be more, where a kept piece did not fit the next array. It is looked up when this is read, at no cost
        to any allocation: a peak from before the pool was emptied is known only if it was read before.
        """
        self._peak_bytes = max(self._peak_bytes, int(self._pool().total_bytes()))
        return self._peak_bytes

    @property
    def capacity_bytes(self) -> int:
        """What arrays may use: the device's memory, CUDA's own share included, or less where a limit was set."""
        device_bytes = int(self._xp.cuda.Device().mem_info[1])
        return device_bytes if self._limit_bytes is None else min(self._limit_bytes, device_bytes)

    def _pool(self) -> Any:  # noqa: ANN401
        return self._xp.get_default_memory_pool()


class CudaGpu:
    """The CUDA device of this machine, used through CuPy.

    Parameters
    ----------
    memory_bytes : int, optional
        Memory that arrays may use; all of the card's otherwise.

    Attributes
    ----------
    xp : module
        ``cupy``.
    machine : Machine
        What this machine has, from `gpu_lessons.this_machine`.
    memory : CudaMemory
        Bytes used, at the peak, and in all.
    source : str
        ``"measured"``: every time read here is one.

    Raises
    ------
    RuntimeError
        If there is no usable CUDA device; the message says why.
    TypeError, ValueError
        If ``memory_bytes`` is no integer of at least 1.
    """

    __slots__ = ("machine", "memory", "xp")

    source = "measured"

    def __init__(self, *, memory_bytes: int | None = None) -> None:
        limit_bytes = None if memory_bytes is None else require_count("memory_bytes", memory_bytes)
        self.xp = cupy_namespace()
        here = this_machine()
        if here.gpu is None:
            raise RuntimeError(here.gpu_status)
        self.machine: Machine = here.gpu
        self.memory = CudaMemory(self.xp, limit_bytes)

    def __str__(self) -> str:
        return f"{self.machine.name}, CUDA device here: times are measured."

    def __repr__(self) -> str:
        return f"CudaGpu({self.machine.name!r})"

    @property
    def out_of_memory_error(self) -> type[MemoryError]:
        """What an array that does not fit raises."""
        error: type[MemoryError] = self.xp.cuda.memory.OutOfMemoryError
        return error

    def synchronize(self) -> None:
        """Wait until the device has finished everything it was given, on all streams."""
        self.xp.cuda.Device().synchronize()

    def perf_counter(self) -> float:
        """Return seconds on the host's clock, `time.perf_counter`; it does not wait for the device."""
        return time.perf_counter()

    def to_device(self, x: np.ndarray[Any, Any]) -> Any:  # noqa: ANN401
        """Return a copy of a host array on the device.

        From pinned memory the copy runs in the current stream while the host goes on: do not write into ``x`` before
        a `synchronize`. From pageable memory CuPy first copies into a pinned buffer of its own.
        """
        return self.xp.asarray(x)

    def to_host(self, x: Any) -> np.ndarray[Any, Any]:  # noqa: ANN401
        """Return a copy of a device array as a NumPy array; waits for the device."""
        host: np.ndarray[Any, Any] = x.get()
        return host

    def empty_pinned(self, shape: Shape, dtype: Any = "float32") -> np.ndarray[Any, Any]:  # noqa: ANN401
        """Return an uninitialized NumPy array in pinned host memory."""
        return pinned_array(self.xp, sizes_of(shape), dtype)

    def stream(self) -> Any:  # noqa: ANN401
        """Return a new stream, to be used as ``with gpu.stream() as stream:``; it does not wait for the default one."""
        return self.xp.cuda.Stream(non_blocking=True)
