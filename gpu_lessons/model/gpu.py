"""Time of one kernel on a GPU: tiles dealt to SMs in waves, under the roofs of memory and L2 cache."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from gpu_lessons.model.kernel_times import CallTime, KernelTime
from gpu_lessons.model.tested import Tested
from gpu_lessons.units import DTYPE_BYTES
from gpu_lessons.work import Kernel

__all__ = ["GpuCalibration", "Tiling"]

# (rows, columns) of the output one block computes. Libraries ship dozens of shapes and pick one a call; these span
# what they pick, from big square tiles that re-use every loaded number often to small ones that fill the SMs, and
# single rows for matrix-vector products. cuBLAS names its float32 kernels by their tiles: volta_sgemm_128x64, 32x128,
# 32x32. None is narrower, so 16 samples cost as much arithmetic as 32.
TILE_SHAPES = (
    (256, 128),
    (128, 128),
    (128, 64),
    (64, 128),
    (64, 64),
    (32, 128),
    (128, 32),
    (32, 64),
    (64, 32),
    (32, 32),
    (1, 128),
)

# Threads of a block, the common choice.
_THREADS = 256


def _arithmetic_share(rows: int, columns: int) -> float:
    """Return the share of a block's instructions that multiply and add; the others load what they need.

    A thread keeps a square of the tile in its registers. For each term of the sums it loads one number for each row
    and each column of that square, four by one instruction, and does one multiply-add for each of its values.
    """
    values = rows * columns / _THREADS
    return values / (values + 2 * math.sqrt(values) / 4)


# Of the largest tile: the sustained rate of a large product is reached with it.
_BEST_SHARE = max(_arithmetic_share(*shape) for shape in TILE_SHAPES)
#: Seconds of a tile's arithmetic against those at the sustained rate: small tiles spend more instructions on loading.
SLOWDOWN = {shape: _BEST_SHARE / _arithmetic_share(*shape) for shape in TILE_SHAPES}

# A part of a split sum costs at least as much as this many terms: a block must start and write what it has.
MIN_SPLIT_K = 128
# More waves than this are never sought by splitting: the last one, half empty, is a small part of the whole by then.
MOST_WAVES = 4


class Tiling(NamedTuple):
    """How a product is cut: tile shape, parts each sum is split into, blocks, waves, and seconds.

    The seconds hold adding the parts up: their partial sums go through the L2 cache once the parts are done.
    """

    rows: int
    columns: int
    split_k: int
    blocks: int
    waves: int
    compute_s: float
    partial_sums_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuCalibration:
    """Sustained numbers of one GPU.

    Attributes
    ----------
    launch_overhead_s : float
        Host time of one kernel launch, as the caller queues it.
    flops_per_s : mapping of dtype to float
        Sustained rate of a large matrix product, never above the peak by much.
    memory_bandwidth_bytes_per_s, cache_bandwidth_bytes_per_s : float
        Sustained, of device memory and of the L2 cache.
    cache_bytes : float
        Size of the L2 cache.
    sm_count : int
        Streaming multiprocessors.
    link_bandwidth_bytes_per_s : float or None
        Sustained, one direction, pinned host memory; ``None`` where host and device share one memory.
    pageable_share : float
        Rate of a copy from pageable memory as a share of the pinned rate.
    copy_latency_s : float
        Seconds of a copy of nothing.
    error : float
        Half-width of the band: 0.2 means a factor of 1.2 either way.
    basis : str
        Where these numbers come from, as a sentence.
    tested : Tested or None
        What they were compared with a clock for; ``None`` if nobody did.
    """

    launch_overhead_s: float
    flops_per_s: Mapping[str, float]
    memory_bandwidth_bytes_per_s: float
    cache_bandwidth_bytes_per_s: float
    cache_bytes: float
    sm_count: int
    link_bandwidth_bytes_per_s: float | None
    pageable_share: float
    copy_latency_s: float
    error: float
    basis: str
    tested: Tested | None = None

    def kernel_time(self, kernel: Kernel) -> KernelTime:
        """Return the time of one kernel without its launch.

        Arithmetic and memory traffic overlap on a GPU, so the kernel takes the longer of the two.
        """
        memory_s = self._traffic_time(kernel.bytes_moved)
        if kernel.matmul is None:
            compute_s = kernel.flops / self._vector_flops_per_s(kernel.dtype)
            return KernelTime(compute_s, memory_s, max(compute_s, memory_s), 1.0)
        tiling = self.tile(*kernel.matmul, kernel.dtype)
        share_busy = kernel.flops / self.flops_per_s[kernel.dtype] / tiling.compute_s
        return KernelTime(tiling.compute_s, memory_s, max(tiling.compute_s, memory_s), share_busy)

    def call_time(self, kernels: Sequence[Kernel], launch_overhead_s: float | None = None, calls: int = 1) -> CallTime:
        """Return the time of a call that queues ``kernels``: a kernel runs while the host launches the next.

        The host needs one launch overhead a kernel and waits for nothing; a kernel starts when it is launched and
        the one before has ended. The call ends with its last kernel.

        Parameters
        ----------
        kernels : sequence of Kernel
            In order.
        launch_overhead_s : float, optional
            Seconds of one launch; the calibration's own otherwise.
        calls : int
            Calls queued in a row, as a clock does that times many at once: the seconds are those of one of them.
        """
        times = [self.kernel_time(kernel) for kernel in kernels]
        overhead_s = self.launch_overhead_s if launch_overhead_s is None else launch_overhead_s
        host_s = end_s = busy_s = idle_s = 0.0
        for time in times:
            host_s += overhead_s
            idle_s += max(0.0, host_s - end_s)
            end_s = max(host_s, end_s) + time.total_s
            busy_s += time.total_s
        # From the second call on, the slower of host and device sets the pace.
        end_s += (calls - 1) * max(host_s, busy_s)
        idle_s += (calls - 1) * max(0.0, host_s - busy_s)
        return CallTime(end_s / calls, idle_s / calls, times)

    def tile(self, m: int, n: int, k: int, dtype: str) -> Tiling:
        """Return the fastest of the `tilings` of an (m, k) by (k, n) product."""
        return min(self.tilings(m, n, k, dtype), key=attrgetter("compute_s"))

    def tilings(self, m: int, n: int, k: int, dtype: str) -> list[Tiling]:
        """Return the ways to cut an (m, k) by (k, n) product into tiles: each shape, its sums whole or split.

        Each SM computes one tile a wave. A tile takes its arithmetic at the SM's share of the sustained rate, which
        small tiles do not reach, or loading its rows and columns at the SM's share of the L2 bandwidth, whichever is
        longer; the edge of the matrix computes whole tiles too. With few tiles each sum is split into parts that run
        side by side.
        """
        size = DTYPE_BYTES[dtype]
        sm_count = self.sm_count
        s_per_flop = sm_count / self.flops_per_s[dtype]
        s_per_byte = sm_count * size / self.cache_bandwidth_bytes_per_s
        found = []
        for (rows, columns), slowdown in SLOWDOWN.items():
            tiles = -(-m // rows) * -(-n // columns)
            s_per_k = max(2 * rows * columns * s_per_flop * slowdown, (rows + columns) * s_per_byte)
            split = 1
            while True:
                waves = -(-tiles * split // sm_count)
                terms = k if split == 1 else max(-(-k // split), MIN_SPLIT_K)
                partial = 2 * split * m * n * 4 if split > 1 else 0  # float32 partial sums, written and read
                compute_s = waves * terms * s_per_k + partial / self.cache_bandwidth_bytes_per_s
                found.append(Tiling(rows, columns, split, tiles * split, waves, compute_s, partial))
                if tiles * split >= MOST_WAVES * sm_count or k <= split * MIN_SPLIT_K:
                    break
                split *= 2
        return found

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

    def _traffic_time(self, size_bytes: int) -> float:
        # Data that fits stays in L2 from one call to the next; twice as much data evicts itself.
        cached = min(1.0, max(0.0, 2.0 - size_bytes / self.cache_bytes)) if self.cache_bytes else 0.0
        return size_bytes * (
            cached / self.cache_bandwidth_bytes_per_s + (1 - cached) / self.memory_bandwidth_bytes_per_s
        )
