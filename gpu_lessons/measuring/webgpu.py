"""Measuring on a GPU through WebGPU: timestamp queries for a clock where there are any, memory given back."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from gpu_lessons.hardware.adapters import chosen_adapter
from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.measuring.refusal import too_big
from gpu_lessons.work import Copy, Workload

if TYPE_CHECKING:
    from gpu_lessons.devices import WebGpu

__all__ = [
    "DEVICE_CLOCK",
    "HOST_CLOCK",
    "clock_for",
    "seconds_by",
    "webgpu_here",
    "webgpu_peak_bytes",
    "within_buffers",
]

Result = TypeVar("Result")

DEVICE_CLOCK = "the device's timestamp queries"
HOST_CLOCK = "the host's clock, the device waited for"


def webgpu_here() -> WebGpu:
    """Return the GPU that WebGPU finds, with memory of its own.

    Raises
    ------
    RuntimeError
        If there is none, or only software and ``GPU_LESSONS_GPU`` does not ask for it.
    """
    from gpu_lessons.devices import WebGpu  # a machine without wgpu measures without it

    return WebGpu(chosen_adapter())


def clock_for(workload: Workload, gpu: WebGpu) -> str:
    """Return the clock that times a workload: a copy runs no kernel that could note its time."""
    return DEVICE_CLOCK if gpu.engine.has_clock and not isinstance(workload, Copy) else HOST_CLOCK


def seconds_by(clock: str, call: Callable[[], object], gpu: WebGpu) -> Callable[[int], float]:
    """Return a function: the seconds a call of so many calls in a row, on an idle device."""

    def by_device(calls: int) -> float:
        gpu.synchronize()
        with gpu.engine.timed() as span:
            for _ in range(calls):
                call()
        return span.seconds / calls

    def by_host(calls: int) -> float:
        gpu.synchronize()
        start_s = time.perf_counter()
        for _ in range(calls):
            call()
        gpu.synchronize()
        return (time.perf_counter() - start_s) / calls

    return by_device if clock == DEVICE_CLOCK else by_host


def within_buffers(workload: Workload, gpu: WebGpu, run: Callable[[], Result]) -> Result:
    """Return what ``run`` returns, if the arrays of ``workload`` fit; the memory is given back in any case.

    Raises
    ------
    MemoryError
        If they do not fit, before anything is made; or if the device runs out of memory on the way.
    ValueError
        If the workload is a copy from or to pinned memory, which WebGPU does not have.
    """
    if isinstance(workload, Copy) and workload.pinned:
        raise ValueError(f"WebGPU has no pinned memory; measure {workload.direction} with pinned=False")
    free, on_host = gpu.memory.capacity_bytes, this_machine().available_memory_bytes
    if workload.memory_bytes > free:
        raise too_big(workload, free, f"on the {gpu.machine.name}")
    if workload.memory_bytes > on_host:
        raise too_big(workload, on_host, "in this machine, where its numbers are drawn")
    try:
        return run()
    finally:
        gpu.memory.give_back()


def webgpu_peak_bytes(workload: Workload, gpu: WebGpu) -> int:
    """Return the bytes of all arrays at the worst moment of one call, its inputs among them; see `within_buffers`."""

    def peak() -> int:
        call: Any = workload.make(gpu.xp)
        call()
        gpu.memory.peak_bytes = gpu.memory.used_bytes
        call()
        return gpu.memory.peak_bytes

    return within_buffers(workload, gpu, peak)
