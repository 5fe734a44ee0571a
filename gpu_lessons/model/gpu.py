"""Time of one kernel on a GPU: its tiles, under the roofs of memory, L2 cache and power."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from gpu_lessons.model import typical
from gpu_lessons.model.kernel_times import CallTime, KernelTime
from gpu_lessons.model.tested import ComparedKernels, Tested
from gpu_lessons.model.tiles import Tiler, Tiling, tiler
from gpu_lessons.units import DTYPE_BYTES
from gpu_lessons.work import Kernel
from gpu_lessons.work.matrix_kernels import SECTOR_BYTES

__all__ = ["GpuCalibration"]

# Where a card has a `long_row_share`, rows of a product may span so much before the next ones wait for their addresses
# to be translated: 64 pages of 2 MB. The times of a P100 tell 128 MB from 100 and 200, not from 160.
_TRANSLATED_BYTES = 64 * 2**21
# Rows that one SM reads side by side, of those of both operands; the same times are explained worse by 64 and by 256.
_ROWS_PER_SM = 128


def _no_errors() -> Mapping[tuple[str, str], float]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuCalibration:
    """Sustained numbers of one GPU.

    Attributes
    ----------
    launch_overhead_s : float
        Host time of one kernel launch behind others, by a library.
    call_overhead_s : float
        Host time of one call from Python (CuPy), the launch included.
    python_step_s : float
        Host time of a step beside it: the layer around a product, a reduction's wrapper, a piece of a stack.
    flops_per_s : mapping of dtype to float
        Sustained rate of a large matrix product, never above the peak by much.
    memory_bandwidth_bytes_per_s, cache_bandwidth_bytes_per_s : float
        Sustained, of device memory and of the L2 cache.
    cache_bytes : float
        Size of the L2 cache.
    cache_kept_share : float
        Up to this share of its size, data stays in L2 from one call to the next.
    sm_count : int
        Streaming multiprocessors.
    link_bandwidth_bytes_per_s : float or None
        Sustained, one direction, pinned host memory; ``None`` where host and device share one memory.
    pageable_share : float
        Rate of a copy from pageable memory as a share of the pinned rate.
    copy_latency_s : float
        Seconds of a copy of nothing.
    throttles_after_s, throttled_share : float
        Arithmetic that lasts longer than the first goes on at this share of the rate: the card has reached the power
        that it may take, and lowers its clock.
    unaligned_share : float
        Share of the rate that products reach whose rows are no whole number of 32-byte sectors: most rows begin inside
        a sector, and a tile's piece of a row then takes one sector more.
    long_row_share : float
        Share of the rate that products reach whose rows, those read at a time, span twice the memory whose addresses
        the card holds translated.
    batched_tile : int
        Numbers in the smallest tile that libraries use for many products by one call.
    error : float
        Half-width of the band: 0.2 means a factor of 1.2 either way.
    errors : mapping of (kind of kernel, bottleneck) to float
        The same, where times of that kind were compared; `error` holds for the rest.
    host_error : float
        The least half-width where a call waits for its host and nobody says how it is made.
    basis : str
        Where these numbers come from, as a sentence.
    tested : Tested or None
        What they were compared with a clock for; ``None`` if nobody did.
    """

    launch_overhead_s: float
    call_overhead_s: float
    python_step_s: float = typical.CUPY_STEP_S
    flops_per_s: Mapping[str, float]
    memory_bandwidth_bytes_per_s: float
    cache_bandwidth_bytes_per_s: float
    cache_bytes: float
    cache_kept_share: float = typical.L2_KEPT
    sm_count: int
    link_bandwidth_bytes_per_s: float | None
    pageable_share: float
    copy_latency_s: float
    throttles_after_s: float = math.inf
    throttled_share: float = 1.0
    unaligned_share: float = 1.0
    long_row_share: float = 1.0
    batched_tile: int = 64 * 64
    error: float
    basis: str
    errors: Mapping[tuple[str, str], float] = field(default_factory=_no_errors)
    host_error: float = 0.0
    tested: Tested | ComparedKernels | None = None

    def kernel_time(self, kernel: Kernel) -> KernelTime:
        """Return the time of one kernel without its launch.

        Arithmetic and memory traffic overlap on a GPU, so an elementwise kernel takes the longer of the two. The blocks
        of a product wait for their first numbers and write their last ones with nothing to multiply, so the shorter
        shows where the two are alike: the root of the sum of the squares.
        """
        memory_s = self._traffic_time(kernel.bytes_moved)
        if kernel.matmul is None:
            compute_s = self._throttled(kernel.flops / self._vector_flops_per_s(kernel.dtype))
            return KernelTime(compute_s, memory_s, max(compute_s, memory_s), 1.0)
        m, n, k = kernel.matmul
        return self.product_time(kernel, self._tiler(kernel.dtype).cheapest(m, n, k, kernel.batch)[0])

    def product_time(self, product: Kernel, tiles_s: float) -> KernelTime:
        """Return the time of a product whose tiles take ``tiles_s`` at the sustained rate."""
        assert product.matmul is not None  # an elementwise kernel has no tiles
        share_busy = product.flops / self.flops_per_s[product.dtype] / tiles_s
        slowdown = self._row_slowdown(product) if product.sums_along_rows else 1.0
        compute_s = self._throttled(tiles_s * slowdown)
        memory_s = self._traffic_time(product.bytes_moved)
        return KernelTime(compute_s, memory_s, math.hypot(compute_s, memory_s), share_busy)

    def call_time(self, kernels: Sequence[Kernel], launch_overhead_s: float | None = None, calls: int = 1) -> CallTime:
        """Return the time of a call that queues ``kernels``: a kernel runs while the host launches the next.

        Each kernel is one call from Python. The host needs one overhead a kernel and waits for nothing; a kernel starts
        when it is launched and the one before has ended. The call ends with its last kernel.

        Parameters
        ----------
        kernels : sequence of Kernel
            In order.
        launch_overhead_s : float, optional
            Host seconds of one call that launches a kernel, all that Python does included; the calibration's own
            numbers otherwise.
        calls : int
            Calls queued in a row, as a clock does that times many at once: the seconds are those of one of them.
        """
        times = [self.kernel_time(kernel) for kernel in kernels]
        host_s = end_s = busy_s = idle_s = 0.0
        for kernel, time in zip(kernels, times, strict=True):
            host_s += self._host_time(kernel) if launch_overhead_s is None else launch_overhead_s
            idle_s += max(0.0, host_s - end_s)
            end_s = max(host_s, end_s) + time.total_s
            busy_s += time.total_s
        # From the second call on, the slower of host and device sets the pace.
        end_s += (calls - 1) * max(host_s, busy_s)
        idle_s += (calls - 1) * max(0.0, host_s - busy_s)
        return CallTime(end_s / calls, idle_s / calls, times)

    def _host_time(self, kernel: Kernel) -> float:
        # What NumPy does block by block in its cache, a GPU does by one kernel.
        steps = 0 if kernel.cached_bytes else kernel.python_steps
        return self.call_overhead_s + self.python_step_s * steps

    def tile(self, m: int, n: int, k: int, dtype: str, batch: int = 1) -> Tiling:
        """Return the fastest of the `tilings` of ``batch`` products (m, k) by (k, n)."""
        return self._tiler(dtype).fastest(m, n, k, batch)

    def tilings(self, m: int, n: int, k: int, dtype: str) -> list[Tiling]:
        """Return the ways to cut an (m, k) by (k, n) product into tiles, as `Tiler.tilings`."""
        return self._tiler(dtype).tilings(m, n, k)

    def _tiler(self, dtype: str) -> Tiler:
        rate, cache = self.flops_per_s[dtype], self.cache_bandwidth_bytes_per_s
        return tiler(self.sm_count, rate, cache, DTYPE_BYTES[dtype], self.batched_tile)

    def error_of(self, kind: str, bottleneck: str) -> float:
        """Return the half-width of the band for a kind of kernel with a bottleneck."""
        errors = self.errors
        return errors.get((kind, bottleneck), errors.get((kind, "any"), self.error))

    def copy_time(self, size_bytes: int, *, pinned: bool) -> float:
        """Return the seconds of a copy between host and device; 0 where they share one memory."""
        if self.link_bandwidth_bytes_per_s is None:
            return 0.0
        rate = self.link_bandwidth_bytes_per_s * (1.0 if pinned else self.pageable_share)
        return self.copy_latency_s + size_bytes / rate

    def _vector_flops_per_s(self, dtype: str) -> float:
        """Return the rate without matrix units: CuPy computes float16 as float32, and float64 is half of it at most."""
        rate = self.flops_per_s[dtype]
        return min(rate, self.flops_per_s.get("float32", rate) * min(1.0, 4 / DTYPE_BYTES[dtype]))

    def _throttled(self, compute_s: float) -> float:
        if compute_s <= self.throttles_after_s:
            return compute_s
        return self.throttles_after_s + (compute_s - self.throttles_after_s) / self.throttled_share

    def _row_slowdown(self, product: Kernel) -> float:
        """Return the factor by which rows slow a product: those after the first begin in a sector, or lie far apart."""
        assert product.matmul is not None
        m, n, k = product.matmul
        row_bytes = k * DTYPE_BYTES[product.dtype]
        slowdown = 1 / self.unaligned_share if m > 1 and row_bytes % SECTOR_BYTES else 1.0
        if self.long_row_share < 1.0:
            at_a_time_bytes = min(m + n, _ROWS_PER_SM * self.sm_count) * row_bytes
            if at_a_time_bytes > _TRANSLATED_BYTES:
                slowdown *= 1 + (1 / self.long_row_share - 1) * math.log2(at_a_time_bytes / _TRANSLATED_BYTES)
        return slowdown

    def _traffic_time(self, size_bytes: int) -> float:
        kept_bytes = self.cache_kept_share * self.cache_bytes
        # Twice as much data as is kept evicts itself.
        cached = min(1.0, max(0.0, 2.0 - size_bytes / kept_bytes)) if kept_bytes else 0.0
        return size_bytes * (
            cached / self.cache_bandwidth_bytes_per_s + (1 - cached) / self.memory_bandwidth_bytes_per_s
        )
