"""The most memory the arrays of a call take, looked at apart from timing: looking makes the call slower."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np

from gpu_lessons.hardware.arrays import cupy_namespace
from gpu_lessons.hardware.pools import WatchedPool
from gpu_lessons.measuring.cuda import within_memory
from gpu_lessons.measuring.webgpu import webgpu_here, webgpu_peak_bytes
from gpu_lessons.work import DenseTrainStep, Workload

__all__ = ["measure_peak_bytes"]


def measure_peak_bytes(workload: Workload, device: str) -> int:
    """Return the bytes of all arrays at the worst moment of one call, its inputs among them.

    On the CPU `tracemalloc` sees what NumPy allocates. On a CUDA device a memory pool of CuPy is watched, which counts
    arrays in multiples of 512 bytes, and what its libraries need beside them; through WebGPU the course's own pool.

    Parameters
    ----------
    workload : Workload
        What to call once.
    device : {"cpu", "cuda", "webgpu"}
        Where.

    Raises
    ------
    MemoryError
        On a GPU, if the arrays do not fit into the memory that is free; on the CPU it is `measure` that looks.
    """
    if device == "cpu":
        return _peak_on_cpu(workload)
    if device == "webgpu":
        return webgpu_peak_bytes(workload, webgpu_here())
    xp = cupy_namespace()
    return within_memory(workload, "GPU", xp, lambda: _peak_on_cuda(workload, xp))


def _peak_on_cpu(workload: Workload) -> int:
    DenseTrainStep(1, 1, 1).make(np)()  # the modules that a first layer imports are no part of the answer
    tracemalloc.start()
    try:
        call = workload.make(np)
        call()
        tracemalloc.reset_peak()
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _peak_on_cuda(workload: Workload, xp: Any) -> int:  # noqa: ANN401  (CuPy has no types of its own)
    watched = WatchedPool(xp.get_default_memory_pool())
    before_bytes = watched.used_bytes  # arrays of somebody else
    with xp.cuda.using_allocator(watched.malloc):
        call = workload.make(xp)
        call()
        watched.reset_peak()
        call()
        return watched.peak_bytes - before_bytes
