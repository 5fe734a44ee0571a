"""What a GPU reaches at best, looked at once a device: WebGPU does not tell its peaks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from gpu_lessons.hardware.recognition import Found

if TYPE_CHECKING:
    from gpu_lessons.devices.webgpu.gpu import WebGpu

__all__ = ["measured_peaks"]

_MULTIPLY_ADDS = 256
#: Numbers to begin with; twice as many until a call takes so long, or there are so many.
_FEWEST, _MOST, _LONG_S = 2**14, 2**24, 2e-3
_TRIES = 3


def measured_peaks(gpu: WebGpu) -> dict[str, Found]:
    """Return float32 operations and bytes of memory a second, as fields of a machine.

    The operations are those of a kernel that keeps its numbers in registers, two for each multiply-add; the bytes those
    of a copy within the device, each number read and written.
    """
    xp = gpu.xp

    def multiply_adds(count: int) -> Callable[[], object]:
        x = xp.ones(count)
        return lambda: xp.multiply_adds(x, _MULTIPLY_ADDS)

    def copies(count: int) -> Callable[[], object]:
        x = xp.ones(count)
        return x.copy

    here = "this machine: measured through WebGPU,"
    try:
        flops_per_s = 2 * _MULTIPLY_ADDS * _numbers_per_s(gpu, multiply_adds)
        bytes_per_s = 2 * 4 * _numbers_per_s(gpu, copies)
    finally:
        gpu.memory.give_back()
        gpu.memory.peak_bytes = gpu.memory.used_bytes
    return {
        "peak_flops_per_s.float32": Found(flops_per_s, f"{here} multiply-adds in registers"),
        "memory_bandwidth_bytes_per_s": Found(bytes_per_s, f"{here} a copy within the device"),
    }


def _numbers_per_s(gpu: WebGpu, prepare: Callable[[int], Callable[[], object]]) -> float:
    count = min(_FEWEST, max(1, gpu.memory.capacity_bytes // 64))
    while True:
        call = prepare(count)
        call()
        best_s = min(_seconds(gpu, call) for _ in range(_TRIES))  # one alone may have waited for another program
        if best_s > _LONG_S or count >= _MOST or 64 * count > gpu.memory.capacity_bytes:
            return count / best_s
        count *= 2


def _seconds(gpu: WebGpu, call: Callable[[], object]) -> float:
    gpu.synchronize()
    start_s = time.perf_counter()
    if not gpu.engine.has_clock:
        call()
        gpu.synchronize()
        return time.perf_counter() - start_s
    with gpu.engine.timed() as span:
        call()
    return max(span.seconds, 1e-9)
