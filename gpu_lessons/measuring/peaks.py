"""The most memory the arrays of a call take, looked at apart from timing: looking makes the call slower."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np

from gpu_lessons.hardware.arrays import cupy_namespace
from gpu_lessons.work import DenseTrainStep, Workload

__all__ = ["measure_peak_bytes"]


def measure_peak_bytes(workload: Workload, device: str) -> int:
    """Return the bytes of all arrays at the worst moment of one call, its inputs among them.

    On the CPU `tracemalloc` sees what NumPy allocates. On a GPU it is what a memory pool of its own took from the
    device: whole blocks, so a little more than the arrays.

    Parameters
    ----------
    workload : Workload
        What to call once.
    device : {"cpu", "cuda"}
        Where.
    """
    return _peak_on_cuda(workload, cupy_namespace()) if device == "cuda" else _peak_on_cpu(workload)


def _peak_on_cpu(workload: Workload) -> int:
    DenseTrainStep(1, 1, 1).make(np)()  # the modules that a first layer imports are no part of the answer
    tracemalloc.start()
    try:
        call = workload.make(np)
        call()
        tracemalloc.reset_peak()
        call()  # what the first call keeps, such as gradients, stays until the second has made it anew
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _peak_on_cuda(workload: Workload, xp: Any) -> int:  # noqa: ANN401  (CuPy has no types of its own)
    pool = xp.cuda.MemoryPool()
    with xp.cuda.using_allocator(pool.malloc):
        call = workload.make(xp)
        call()
        call()  # what the first call keeps, such as gradients, stays until the second has made it anew
        xp.cuda.Device().synchronize()
        return int(pool.total_bytes())
