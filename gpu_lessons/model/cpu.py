"""Time of one kernel on a CPU: BLAS packs its operands, multiplies at the sustained rate, and memory is layered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gpu_lessons.model.kernel_times import CallTime, KernelTime
from gpu_lessons.model.tested import Tested
from gpu_lessons.units import DTYPE_BYTES
from gpu_lessons.work import Kernel

__all__ = ["CpuCalibration"]

# OpenBLAS multiplies without packing up to 100 x 100 x 100 (interface/gemm.c and its small-matrix kernels), and gives a
# thread at least 4 x 65,536 products, twice that before a second thread is worth waking (GEMM_MULTITHREAD_THRESHOLD).
UNPACKED_PRODUCTS = 10**6
PRODUCTS_A_THREAD = 2 * 4 * 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuCalibration:
    """Sustained numbers of one CPU with a stated number of threads.

    Attributes
    ----------
    launch_overhead_s, python_step_s : float
        One call from Python into NumPy, and one step of what a kernel needs beside it: the layer around a product,
        the wrapper of a reduction, a piece of a stack.
    flops_per_s : mapping of dtype to float
        Sustained rate of a large matrix product.
    scalar_ops_per_s : float
        Numbers that an elementwise kernel takes one at a time, where NumPy has no vector instructions for it.
    row_start_s : float
        NumPy's loop starts anew for every row of numbers that do not lie in one run.
    one_thread_share : float
        Rate of one thread as a share of that: a product too small to be split runs at it.
    read_bandwidth_bytes_per_s, cached_read_bandwidth_bytes_per_s : float
        What a product needs at least for its operands and its result, from memory or from cache.
    pack_bandwidth_bytes_per_s, cached_pack_bandwidth_bytes_per_s : float
        BLAS copies both operands into the order it will read them; counted in bytes copied.
    stream_bandwidth_bytes_per_s, cached_stream_bandwidth_bytes_per_s : float
        An elementwise kernel reads and writes in order, on one thread; counted in bytes read and written.
    cache_bytes : float
        What stays in cache from one call to the next. Less than the size of the last level: others share it.
    threads : int or None
        Threads the numbers hold for; ``None`` for all of a catalogue CPU.
    error, basis, tested
        As in `GpuCalibration`.
    """

    launch_overhead_s: float
    python_step_s: float
    flops_per_s: Mapping[str, float]
    scalar_ops_per_s: float
    row_start_s: float
    one_thread_share: float
    read_bandwidth_bytes_per_s: float
    cached_read_bandwidth_bytes_per_s: float
    pack_bandwidth_bytes_per_s: float
    cached_pack_bandwidth_bytes_per_s: float
    stream_bandwidth_bytes_per_s: float
    cached_stream_bandwidth_bytes_per_s: float
    cache_bytes: float
    threads: int | None
    error: float
    basis: str
    tested: Tested | None = None

    def kernel_time(self, kernel: Kernel) -> KernelTime:
        """Return the time of one kernel without the call.

        Reading and writing overlap with arithmetic, so the longer of the two counts; starts of rows come on top.
        But before it multiplies, BLAS copies both operands into panels in the order it will read them, and that
        comes first. A small product and one with a single vector are not packed.
        """
        flops_per_s = self.flops_per_s[kernel.dtype]
        compute_s = max(kernel.flops / flops_per_s, kernel.scalar_ops / self.scalar_ops_per_s)
        if kernel.matmul is None:
            memory_s = self._stream_time(kernel.bytes_moved)
            # What NumPy does again on numbers that it has fetched begins when they are there.
            again_s = kernel.rows * self.row_start_s + kernel.cached_bytes / self.cached_stream_bandwidth_bytes_per_s
            return KernelTime(compute_s + again_s, memory_s, max(compute_s, memory_s) + again_s, 1.0)
        m, n, k = kernel.matmul
        products = m * n * k
        # More threads than there is work for finish no sooner than one with the least work that is handed out.
        least_s = 2 * min(products, PRODUCTS_A_THREAD) * kernel.batch / (flops_per_s * self.one_thread_share)
        compute_s = max(compute_s, least_s)
        memory_s = self._read_time(kernel.bytes_moved)
        if m == 1 or n == 1 or products <= UNPACKED_PRODUCTS:
            return KernelTime(compute_s, memory_s, max(compute_s, memory_s), 1.0)
        size = DTYPE_BYTES[kernel.dtype]
        pack_s = kernel.batch * (self._pack_time(m * k * size) + self._pack_time(k * n * size))
        return KernelTime(compute_s, max(pack_s, memory_s), max(compute_s + pack_s, memory_s), 1.0)

    def call_time(self, kernels: Sequence[Kernel], launch_overhead_s: float | None = None, calls: int = 1) -> CallTime:
        """Return the time of a call that runs ``kernels``: one after another, the next called when one is done.

        Parameters
        ----------
        kernels : sequence of Kernel
            In order.
        launch_overhead_s : float, optional
            Seconds of one call into NumPy, all that Python does included; the calibration's own numbers otherwise.
        calls : int
            Calls in a row. Nothing overlaps on a CPU, so each takes as long as one alone.
        """
        # A chain or an epoch repeats the same kernels thousands of times.
        known = {id(kernel): self.kernel_time(kernel) for kernel in {id(kernel): kernel for kernel in kernels}.values()}
        times = [known[id(kernel)] for kernel in kernels]
        if launch_overhead_s is None:
            python_steps = sum(kernel.python_steps for kernel in kernels)
            launch_s = self.launch_overhead_s * len(kernels) + self.python_step_s * python_steps
        else:
            launch_s = launch_overhead_s * len(kernels)
        return CallTime(launch_s + sum(time.total_s for time in times), launch_s, times)

    def _read_time(self, size_bytes: int) -> float:
        return self._blend(size_bytes, self.cached_read_bandwidth_bytes_per_s, self.read_bandwidth_bytes_per_s)

    def _pack_time(self, size_bytes: int) -> float:
        return self._blend(size_bytes, self.cached_pack_bandwidth_bytes_per_s, self.pack_bandwidth_bytes_per_s)

    def _stream_time(self, size_bytes: int) -> float:
        return self._blend(size_bytes, self.cached_stream_bandwidth_bytes_per_s, self.stream_bandwidth_bytes_per_s)

    def _blend(self, size_bytes: int, cached_bytes_per_s: float, memory_bytes_per_s: float) -> float:
        # What fits stays in cache from one call to the next; twice as much evicts itself.
        cached = min(1.0, max(0.0, 2.0 - size_bytes / self.cache_bytes))
        return size_bytes * (cached / cached_bytes_per_s + (1 - cached) / memory_bytes_per_s)
