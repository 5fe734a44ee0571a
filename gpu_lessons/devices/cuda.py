"""The CUDA device of this machine, by CuPy, behind the same interface as the simulated GPU."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from gpu_lessons.arguments import require_count, shown
from gpu_lessons.devices.memory import Shape, sizes_of, usage_text
from gpu_lessons.hardware.arrays import cupy_namespace, cupyx_namespace, pinned_array
from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.hardware.pools import WatchedPool

__all__ = ["CudaGpu", "CudaMemory"]


class CudaMemory:
    """Memory of a CUDA device as CuPy's arrays use it: its default pool, watched.

    CuPy has one such pool a process. The limit and the peak are those of the `CudaGpu` that was made last.

    Attributes
    ----------
    capacity_bytes : int
        What the arrays may use: the device's memory, or less if so asked. Other programs may hold a part of it.
    used_bytes, peak_bytes : int
        Bytes that arrays hold now, and the most they held since this was made.
    """

    def __init__(self, xp: Any, memory_bytes: int | None) -> None:  # noqa: ANN401  (CuPy has no types of its own)
        pool = xp.get_default_memory_pool()
        _, device_bytes = xp.cuda.runtime.memGetInfo()
        self.capacity_bytes = int(device_bytes if memory_bytes is None else min(memory_bytes, device_bytes))
        pool.set_limit(size=0 if memory_bytes is None else self.capacity_bytes)  # 0: no limit
        self._watched = WatchedPool(pool)
        xp.cuda.set_allocator(self._watched.malloc)

    @property
    def used_bytes(self) -> int:
        """Bytes that arrays hold now."""
        return self._watched.used_bytes

    @property
    def peak_bytes(self) -> int:
        """The most bytes that arrays held since this was made."""
        return self._watched.peak_bytes

    def __str__(self) -> str:
        return usage_text(self.used_bytes, self.peak_bytes, self.capacity_bytes)


class CudaGpu:
    """The CUDA device of this machine: `gpu_lessons.gpu` returns one where there is a device that computes.

    Parameters
    ----------
    memory_bytes : int, optional
        Memory its arrays may use; all of the card's otherwise.

    Attributes
    ----------
    xp : module
        CuPy.
    machine : Machine
        The card, as `this_machine` finds it.
    kind : str
        ``"cuda"``.
    source : str
        Where its times come from: ``"measured"``.
    memory : CudaMemory
        ``used_bytes``, ``peak_bytes`` and ``capacity_bytes``.

    Raises
    ------
    RuntimeError
        If there is no usable CUDA device; the sentence says why.
    TypeError, ValueError
        If ``memory_bytes`` is no integer of at least 1.
    """

    kind = "cuda"
    source = "measured"

    def __init__(self, *, memory_bytes: int | None = None) -> None:
        if memory_bytes is not None:
            memory_bytes = require_count("memory_bytes", memory_bytes)
        self.xp = cupy_namespace()
        here = this_machine()
        if here.gpu is None:
            raise RuntimeError(here.gpu_status)
        self.machine = here.gpu
        self.memory = CudaMemory(self.xp, memory_bytes)

    def __str__(self) -> str:
        return f"{self.machine.name}, times measured"

    @property
    def out_of_memory_error(self) -> type[MemoryError]:
        """The error of an array for which there is no room."""
        error: type[MemoryError] = self.xp.cuda.memory.OutOfMemoryError
        return error

    @property
    def cupyx(self) -> Any:  # noqa: ANN401
        """What comes with CuPy beside NumPy's names: ``import cupyx``."""
        return cupyx_namespace()

    def perf_counter(self) -> float:
        """Return the host's clock in seconds. It does not wait for the device."""
        return time.perf_counter()

    def synchronize(self) -> None:
        """Let the host wait until the device has finished everything, on all streams."""
        self.xp.cuda.Device().synchronize()

    def stream(self) -> Any:  # noqa: ANN401
        """Return a new stream, to be used in a ``with`` statement; it does not wait for the default one."""
        return self.xp.cuda.Stream(non_blocking=True)

    def empty_pinned(self, shape: Shape, dtype: Any = "float32") -> np.ndarray[Any, Any]:  # noqa: ANN401
        """Return a NumPy array of any content in pinned host memory, whose copies let the host go on."""
        return pinned_array(self.xp, sizes_of(shape), dtype)

    def to_device(self, x: Any) -> Any:  # noqa: ANN401
        """Copy a host array to the device, on the current stream; an array that is there already is returned as it is.

        From pinned memory the host goes on during the copy, so leave the numbers alone until the device is done. From
        pageable memory it first moves the numbers into pinned memory of CuPy's, and goes on then.
        """
        # CuPy sends a pinned array as it is, and holds it until the copy is done. ndarray.set does not hold it.
        return self.xp.asarray(x)

    def to_host(self, x: Any) -> np.ndarray[Any, Any]:  # noqa: ANN401
        """Wait for the device and copy one of its arrays to the host."""
        if not hasattr(x, "get"):  # NumPy's arrays have none
            raise TypeError(f"x must be an array on the device, got {shown(x)}")
        return x.get()  # type: ignore[no-any-return]
