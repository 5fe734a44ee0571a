"""The time of a kernel of one's own for a matrix product: the slowest of what it asks for, beside the library's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gpu_lessons.hardware.machines import Machine
from gpu_lessons.model.calibration import calibrate
from gpu_lessons.model.gpu import GpuCalibration
from gpu_lessons.work import MatrixProduct
from gpu_lessons.work.matrix_kernels import SECTOR_BYTES, KernelCounts, MatrixKernel

__all__ = [
    "MOST_REGISTERS",
    "MOST_THREADS",
    "KernelPrediction",
    "LoadStore",
    "load_store_of",
    "misfit",
    "predict_kernel",
    "shared_room",
]

_NUMBER_BYTES = 4
# Limits of a block, of a thread and of a SM, and bytes of shared memory by compute capability: NVIDIA cccl,
# arch_traits.h, and CUDA C++ Programming Guide, "Technical Specifications per Compute Capability".
#: Threads of a block, and registers of a thread.
MOST_THREADS, MOST_REGISTERS = 1024, 255
_SM_REGISTERS = 65536
_SHARED_KIB = {
    "6.0": 64,
    "6.1": 96,
    "7.0": 96,
    "7.5": 64,
    "8.0": 164,
    "8.6": 100,
    "8.7": 164,
    "8.9": 100,
    "9.0": 228,
    "10.0": 228,
    "12.0": 100,
}
#: Registers of a thread for addresses and counters, beside the numbers that it keeps.
_OTHER_REGISTERS = 24
# A SM with 32 load and store units, as NVIDIA's white papers draw those of data centres, takes the 32 addresses of a
# request in one clock, and one with 16 units in two. gpu-benches (te42kyfo), gpu-strides, measured it: numbers side by
# side come from L1 in 1.02 clocks a warp on A100 and H200, in 2.00 on an A40; numbers 32 apart, each in another line,
# in 32.0 on A100 and A40. So a line, or a turn of the banks, is a clock.
_WIDE_UNITS = {"6.0", "7.0", "8.0", "8.7", "9.0", "10.0"}


@dataclass(frozen=True, slots=True)
class LoadStore:
    """What the load and store units of all SMs take in a second: requests of a warp, and passes of 128 bytes."""

    requests_per_s: float
    passes_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelPrediction:
    """The predicted time of one launch.

    Attributes
    ----------
    kernel : MatrixKernel
        What is launched.
    counts : KernelCounts
        What it asks for.
    parts_s : mapping of str to float
        Seconds that each resource needs alone: ``arithmetic``, ``requests``, ``passes``, ``L2 cache``, ``memory``.
    launch_s : float
        Seconds of the launch.
    library_s : float
        Predicted seconds of the library for the same product.
    memory_bytes : float
        Bytes that come from memory, after the caches.
    """

    kernel: MatrixKernel
    counts: KernelCounts
    parts_s: Mapping[str, float]
    launch_s: float
    library_s: float
    memory_bytes: float

    @property
    def bottleneck(self) -> str:
        """What takes longest."""
        return max(self.parts_s, key=lambda part: self.parts_s[part])

    @property
    def seconds(self) -> float:
        """The longest part, for all run at once, and the launch."""
        return max(self.parts_s.values()) + self.launch_s

    @property
    def share(self) -> float:
        """Part of the library's speed, from 0 to 1."""
        return self.library_s / self.seconds

    @property
    def flops_per_s(self) -> float:
        """FLOP a second."""
        return self.counts.flops / self.seconds


def load_store_of(gpu: Machine) -> LoadStore:
    """Return what the load and store units of a GPU take.

    Raises
    ------
    ValueError
        If the catalogue lacks its SMs, clock or compute capability.
    """
    for name in ("sm_count", "clock_hz", "compute_capability"):
        if getattr(gpu, name) is None:
            raise ValueError(f"the catalogue has no {name} for {gpu.name}; choose another GPU")
    assert gpu.sm_count is not None
    assert gpu.clock_hz is not None
    passes_per_s = gpu.sm_count * gpu.clock_hz
    return LoadStore(passes_per_s / (1 if gpu.compute_capability in _WIDE_UNITS else 2), passes_per_s)


def misfit(kernel: MatrixKernel, gpu: Machine) -> str | None:
    """Return in words why a block of ``kernel`` does not fit on an SM; None if it does."""
    if kernel.threads > MOST_THREADS:
        return f"{kernel.threads:,} threads, a block has at most {MOST_THREADS:,}"
    room = shared_room(gpu)
    if kernel.shared_bytes > room:
        return f"{kernel.shared_bytes // 1024:,} KiB of shared memory, an SM has {room // 1024:,}"
    if kernel.numbers_each > MOST_REGISTERS:
        return f"{kernel.numbers_each:,} numbers a thread, it has {MOST_REGISTERS} registers"
    return None


def predict_kernel(kernel: MatrixKernel, gpu: Machine, m: int, n: int, k: int) -> KernelPrediction:
    """Predict the time of a kernel that multiplies (m, k) by (k, n) in float32.

    Everything overlaps, so the slowest resource decides:

    - arithmetic: at the pace of the library, which is that of a large product;
    - requests and passes: at the pace of the load and store units (`load_store_of`), as if no block waited for
      another one: the blocks of the last wave leave SMs idle;
    - the L2 cache: each block fetches its rows of A and columns of B once, for what its threads ask again comes from
      L1 or from shared memory, and writes its tile;
    - memory: blocks that run at once ask for the same rows and columns, and the L2 cache answers all but the first.

    It is a picture of the mechanism. What a compiler joins is joined (`MatrixKernel.counts`); waiting is left out, for
    results, at barriers, and for a clock that falls under load. The one published ladder, of kernels with other tiles
    (data/published/sgemm-cuda.toml), is predicted between 8% too slow and 35% too fast; a test has each of them.

    Raises
    ------
    TypeError, ValueError
        If a size is no integer of at least 1, the kernel does not fit on an SM, or the catalogue knows too little.
    """
    counts = kernel.counts(m, n, k, joined=True)
    why = misfit(kernel, gpu)
    if why is not None:
        raise ValueError(f"kernel must fit on an SM of {gpu.name}, got {why}")
    units, device = load_store_of(gpu), calibrate(gpu, "float32")
    assert isinstance(device, GpuCalibration)
    [product] = MatrixProduct(m, n, k).kernels
    library_s = device.kernel_time(product).total_s
    blocks = -(-m // kernel.tile) * -(-n // kernel.tile)
    idle = -(-blocks // device.sm_count) * device.sm_count / blocks
    memory_bytes = _from_memory(kernel, gpu, device, (m, n, k))
    l2_bytes = _NUMBER_BYTES * 2 * kernel.tile * k * blocks + SECTOR_BYTES * counts.store_sectors
    requests = counts.load_requests + counts.store_requests + counts.shared_requests
    passes = counts.load_lines + counts.store_lines + counts.shared_clocks
    parts_s = {
        "arithmetic": library_s,
        "requests": idle * requests / units.requests_per_s,
        "passes": idle * passes / units.passes_per_s,
        "L2 cache": l2_bytes / device.cache_bandwidth_bytes_per_s,
        "memory": memory_bytes / device.memory_bandwidth_bytes_per_s,
    }
    launch_s = device.launch_overhead_s
    return KernelPrediction(
        kernel=kernel,
        counts=counts,
        parts_s=MappingProxyType(parts_s),
        launch_s=launch_s,
        library_s=library_s + launch_s,
        memory_bytes=memory_bytes,
    )


def shared_room(gpu: Machine) -> int:
    """Return the bytes of shared memory of an SM.

    Raises
    ------
    ValueError
        If the catalogue has no compute capability of the GPU, or one that is not known here.
    """
    if gpu.compute_capability not in _SHARED_KIB:
        raise ValueError(f"the shared memory of an SM is not known for {gpu.name}; choose another GPU")
    return 1024 * _SHARED_KIB[gpu.compute_capability]


def _blocks_at_once(kernel: MatrixKernel, gpu: Machine) -> int:
    """Return how many blocks an SM holds: threads, shared memory and registers must suffice."""
    limits = [(gpu.max_threads_per_sm or MOST_THREADS) // kernel.threads]
    limits.append(_SM_REGISTERS // (kernel.threads * (kernel.numbers_each + _OTHER_REGISTERS)))
    if kernel.shared_bytes:
        limits.append(shared_room(gpu) // kernel.shared_bytes)
    return max(1, min(limits))


def _from_memory(kernel: MatrixKernel, gpu: Machine, device: GpuCalibration, sizes: tuple[int, int, int]) -> float:
    m, n, k = sizes
    once = _NUMBER_BYTES * (m * k + k * n)
    written = _NUMBER_BYTES * m * n
    if once <= device.cache_kept_share * device.cache_bytes:
        return once + written
    down, across = -(-m // kernel.tile), -(-n // kernel.tile)
    at_once = min(down * across, device.sm_count * _blocks_at_once(kernel, gpu))
    # Blocks run row by row of tiles: those at once lie in so many rows, and in as many columns as there are.
    rows, columns = min(down, -(-at_once // across)), min(at_once, across)
    waves = down * across / at_once
    return max(once, waves * (rows + columns) * kernel.tile * k * _NUMBER_BYTES) + written
