"""The latency of a launch: what the host waits for the smallest kernel, from the call to seeing it done."""

from __future__ import annotations

import time
from collections.abc import Callable

from gpu_lessons.hardware.arrays import cupy_namespace
from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.measuring.webgpu import HOST_CLOCK, webgpu_here
from gpu_lessons.records import Measurement
from gpu_lessons.work import Elementwise

__all__ = ["measure_launch_latency", "sample_single_calls"]

_WARMUP_CALLS = 2
_LEAST_SAMPLES, _MOST_SAMPLES = 3, 200


def measure_launch_latency(budget_s: float, device: str = "cuda") -> Measurement:
    """Time ``Elementwise(1)`` on the GPU, waited for after every single call.

    `measure` waits at the end of a sample only, so that the launches of its calls overlap with the kernels before
    them. Here nothing overlaps; the record has one call a sample. The clock is `time.perf_counter`.

    Parameters
    ----------
    budget_s : float
        Seconds for all samples.
    device : {"cuda", "webgpu"}
        How the GPU is reached.

    Raises
    ------
    RuntimeError
        If there is no such device.
    """
    smallest = Elementwise(1)
    if device == "webgpu":
        gpu = webgpu_here()
        samples_s, warmup_s = sample_single_calls(smallest.make(gpu.xp), budget_s, gpu.synchronize)
        return Measurement(smallest, gpu.machine.name, None, samples_s, warmup_s, 1, clock=HOST_CLOCK)
    here = this_machine()
    if here.gpu is None:
        raise RuntimeError(here.gpu_status)
    xp = cupy_namespace()
    samples_s, warmup_s = sample_single_calls(smallest.make(xp), budget_s, xp.cuda.Device().synchronize)
    return Measurement(smallest, here.gpu.name, None, samples_s, warmup_s, 1)


def sample_single_calls(
    call: Callable[[], object],
    budget_s: float,
    synchronize: Callable[[], object],
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return samples and warm-ups in seconds, each of one call and the wait for it."""

    def seconds() -> float:
        synchronize()
        start_s = clock()
        call()
        synchronize()
        return clock() - start_s

    warmup_s = tuple(seconds() for _ in range(_WARMUP_CALLS))
    samples_s: list[float] = []
    while len(samples_s) < _LEAST_SAMPLES or (sum(samples_s) < budget_s and len(samples_s) < _MOST_SAMPLES):
        samples_s.append(seconds())
    return tuple(samples_s), warmup_s
