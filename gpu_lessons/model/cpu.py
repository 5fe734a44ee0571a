"""Time of one kernel on a CPU: BLAS packs its operands, multiplies at the sustained rate, and memory is layered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gpu_lessons.model.gpu import KernelTime
from gpu_lessons.units import DTYPE_BYTES
from gpu_lessons.work import Kernel

__all__ = ["CpuCalibration"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuCalibration:
    """Sustained numbers of one CPU with a stated number of threads.

    Attributes
    ----------
    launch_overhead_s : float
        One call from Python into NumPy.
    flops_per_s : mapping of dtype to float
        Sustained rate of a large matrix product.
    read_bandwidth_bytes_per_s, cached_read_bandwidth_bytes_per_s : float
        Reading from memory, and from the last-level cache.
    copy_bandwidth_bytes_per_s, cached_copy_bandwidth_bytes_per_s : float
        Copying from memory to memory, and inside the second-level cache; counted in bytes copied.
    last_level_cache_bytes, second_level_cache_bytes : float
        Sizes that decide which of the two holds.
    threads : int or None
        Threads the numbers hold for; ``None`` for all of a catalogue CPU.
    error, basis
        As in `GpuCalibration`.
    """

    launch_overhead_s: float
    flops_per_s: Mapping[str, float]
    read_bandwidth_bytes_per_s: float
    cached_read_bandwidth_bytes_per_s: float
    copy_bandwidth_bytes_per_s: float
    cached_copy_bandwidth_bytes_per_s: float
    last_level_cache_bytes: float
    second_level_cache_bytes: float
    threads: int | None
    error: float
    basis: str

    def kernel_time(self, kernel: Kernel) -> KernelTime:
        """Return the time of one kernel without the call.

        Before it multiplies, BLAS copies its operands into panels in the order it will read them. The copy and
        the arithmetic do not overlap, so the kernel takes their sum. A matrix times one vector is only read.
        """
        compute_s = kernel.flops / self.flops_per_s[kernel.dtype]
        if kernel.matmul is None:
            copied_bytes = max(kernel.bytes_read, kernel.bytes_written)
            memory_s = self._copy_time(copied_bytes)
            return KernelTime(compute_s, memory_s, max(compute_s, memory_s), 1.0)
        m, n, k = kernel.matmul
        if m == 1 or n == 1:
            memory_s = self._read_time(kernel.bytes_read)
            return KernelTime(compute_s, memory_s, max(compute_s, memory_s), 1.0)
        memory_s = self._copy_time((m * k + k * n) * DTYPE_BYTES[kernel.dtype])
        return KernelTime(compute_s, memory_s, compute_s + memory_s, 1.0)

    def _read_time(self, size_bytes: int) -> float:
        cached = size_bytes <= self.last_level_cache_bytes
        return size_bytes / (self.cached_read_bandwidth_bytes_per_s if cached else self.read_bandwidth_bytes_per_s)

    def _copy_time(self, size_bytes: int) -> float:
        cached = 2 * size_bytes <= self.second_level_cache_bytes  # source and destination
        return size_bytes / (self.cached_copy_bandwidth_bytes_per_s if cached else self.copy_bandwidth_bytes_per_s)
