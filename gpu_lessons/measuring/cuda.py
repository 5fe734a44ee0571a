"""Measuring on a CUDA device: events for a clock, memory that is asked for first and given back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.measuring.refusal import too_big
from gpu_lessons.work import Workload

__all__ = ["event_clock", "free_memory_bytes", "within_memory"]

Result = TypeVar("Result")

_OUT_OF_MEMORY = 2  # cudaErrorMemoryAllocation


def event_clock(call: Callable[[], object], xp: Any) -> Callable[[int], float]:  # noqa: ANN401  (CuPy has no types)
    """Return a function: the seconds a call by CUDA events around so many calls, on an idle device.

    The device itself notes when it passes the two events. Both stand in the current stream, where CuPy queues the
    work; left alone, an event goes to the null stream.
    """
    start, end = xp.cuda.Event(), xp.cuda.Event()

    def seconds_of(calls: int) -> float:
        stream = xp.cuda.get_current_stream()
        xp.cuda.Device().synchronize()
        start.record(stream)
        for _ in range(calls):
            call()
        end.record(stream)
        end.synchronize()
        return float(xp.cuda.get_elapsed_time(start, end)) * 1e-3 / calls  # it tells milliseconds

    return seconds_of


def free_memory_bytes(xp: Any) -> int:  # noqa: ANN401
    """Return the bytes that new arrays may take: what the device has left, and what CuPy's pool holds unused."""
    pool = xp.get_default_memory_pool()
    free = int(xp.cuda.runtime.memGetInfo()[0]) + int(pool.free_bytes())
    limit = int(pool.get_limit())  # 0: none
    return min(free, max(0, limit - int(pool.used_bytes()))) if limit else free


def within_memory(workload: Workload, gpu: str, xp: Any, run: Callable[[], Result]) -> Result:  # noqa: ANN401
    """Return what ``run`` returns, if the arrays of ``workload`` fit; the memory is given back in any case.

    Parameters
    ----------
    workload : Workload
        What ``run`` runs.
    gpu : str
        Name of the device.
    xp : module
        CuPy.
    run : callable
        Makes the arrays, and keeps none.

    Raises
    ------
    MemoryError
        If they do not fit, before anything is made; or if the device runs out of memory on the way.
    """
    free, on_host = free_memory_bytes(xp), this_machine().available_memory_bytes
    if workload.memory_bytes > free:
        raise too_big(workload, free, f"on the {gpu}")
    if workload.memory_bytes > on_host:  # the numbers are drawn there
        raise too_big(workload, on_host, "in this machine, where its numbers are drawn")
    try:
        # Past the allocator of a `gpu_lessons.gpu`, which keeps account of the memory and takes time for it.
        with xp.cuda.using_allocator(xp.get_default_memory_pool().malloc):
            return run()
    except Exception as error:
        if not _is_out_of_memory(error, xp):
            raise
    finally:
        _give_back(xp)
    # Out of the handler above: an error that is being handled keeps alive the arrays of the calls it came through.
    _give_back(xp)
    raise MemoryError(f"the {gpu} ran out of memory: {too_big(workload, free, 'there')}")


def _is_out_of_memory(error: Exception, xp: Any) -> bool:  # noqa: ANN401
    if isinstance(error, xp.cuda.memory.OutOfMemoryError):
        return True
    return isinstance(error, xp.cuda.runtime.CUDARuntimeError) and error.status == _OUT_OF_MEMORY


def _give_back(xp: Any) -> None:  # noqa: ANN401
    """Return the blocks that CuPy keeps for reuse, on the device and of pinned host memory."""
    xp.get_default_memory_pool().free_all_blocks()
    xp.get_default_pinned_memory_pool().free_all_blocks()
