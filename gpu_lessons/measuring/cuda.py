"""Time on a CUDA device, read from the device's own clock; and a full memory is one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gpu_lessons.hardware.arrays import cuda_status, cupy_namespace
from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.measuring.sampling import Samples, take_samples
from gpu_lessons.records import Measurement
from gpu_lessons.units import format_bytes
from gpu_lessons.work import Workload

__all__ = ["measure_on_cuda", "stopwatch"]

_OUT_OF_MEMORY = 2  # cudaErrorMemoryAllocation


def measure_on_cuda(workload: Workload, budget_s: float) -> Measurement:
    """Time one call of ``workload`` on the current CUDA device and stream; see `gpu_lessons.measure`.

    Raises
    ------
    RuntimeError
        If there is no usable CUDA device.
    MemoryError
        If the arrays do not fit into the device memory that is free, or memory ran out on the way. What the
        workload held is then given back to the device.
    """
    usable, why = cuda_status()
    gpu = this_machine().gpu
    if not usable or gpu is None:
        raise RuntimeError(f"{why}; measure with device='cpu', or predict a GPU of the catalogue")
    xp = cupy_namespace()
    pool = xp.get_default_memory_pool()
    pool.free_all_blocks()  # what the pool keeps for later counts as taken otherwise
    free_bytes, _ = xp.cuda.Device().mem_info
    if workload.memory_bytes > free_bytes:
        raise MemoryError(
            f"{workload} needs {format_bytes(workload.memory_bytes)} and {format_bytes(free_bytes)} are free on "
            f"{gpu.name}; choose a smaller one"
        )
    samples = _samples_or_none(workload, xp, budget_s)
    if samples is None:  # by now nothing refers to the workload's arrays any more
        pool.free_all_blocks()
        raise MemoryError(f"the memory of {gpu.name} ran out during {workload} and is free again; choose a smaller one")
    return Measurement(workload, gpu.name, None, *samples)


def stopwatch(call: Callable[[], object], xp: Any) -> Callable[[int], float]:  # noqa: ANN401  (CuPy)
    """Return a function that runs ``call`` so many times and returns the seconds of one on the device.

    Two CUDA events stand in the current stream, before the first call and after the last; the device notes when it
    passes each. Nothing is waiting in the stream before the first, so the launch of the first call is counted too.
    """
    stream = xp.cuda.get_current_stream()
    start, stop = xp.cuda.Event(), xp.cuda.Event()

    def seconds_of(calls: int) -> float:
        stream.synchronize()
        start.record(stream)
        for _ in range(calls):
            call()
        stop.record(stream)
        stop.synchronize()  # an event that has not happened has no time
        return float(xp.cuda.get_elapsed_time(start, stop)) * 1e-3 / calls

    return seconds_of


def _samples_or_none(workload: Workload, xp: Any, budget_s: float) -> Samples | None:  # noqa: ANN401
    """Return the samples, or None if the device memory ran out."""
    try:
        return take_samples(stopwatch(workload.make(xp), xp), budget_s)
    except xp.cuda.memory.OutOfMemoryError:
        return None
    except xp.cuda.runtime.CUDARuntimeError as error:
        if error.status != _OUT_OF_MEMORY:
            raise
        return None
