"""`measure`: an honest clock. Warm-ups apart, the device waited for, raw samples kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from threading import RLock
from typing import Any

from gpu_lessons.arguments import require_choice, require_count, require_seconds, shown
from gpu_lessons.hardware.arrays import cupy_namespace
from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.measuring.cuda import event_clock, within_memory
from gpu_lessons.measuring.refusal import too_big
from gpu_lessons.measuring.threads import threads_verified
from gpu_lessons.measuring.webgpu import clock_for, seconds_by, webgpu_here, within_buffers
from gpu_lessons.records import Measurement
from gpu_lessons.work import Workload

__all__ = ["ONE_AT_A_TIME", "measure", "sample_gpu_times", "sample_times"]

#: JupyterLab runs the callbacks of widgets on another thread than the cells. Two measurements at once would share the
#: cores, and each would put back the other's number of BLAS threads.
ONE_AT_A_TIME = RLock()

#: Samples and warm-ups in seconds a call, and the calls of one sample.
Timed = tuple[tuple[float, ...], tuple[float, ...], int]

# One sample lasts at least this long, so that reading the clock costs less than one part in a thousand.
_SAMPLE_S = 1e-3
_MOST_SAMPLES = 200
_WARMUP_CALLS = 2


def measure(
    workload: Workload, device: str = "cpu", budget_s: float = 0.5, *, threads: int | None = None
) -> Measurement:
    """Time one call of ``workload`` on this machine, once a measurement on another thread has ended.

    Parameters
    ----------
    workload : Workload
        What to run. It must fit into memory; its inputs are random.
    device : {"cpu", "cuda", "webgpu"}
        Where to run it: NumPy on the host, CuPy on the GPU, or any GPU through WebGPU.
    budget_s : float
        Seconds to spend on samples. At least three samples are taken, however long they last.
    threads : int, optional
        BLAS threads on the host; all that this process may use otherwise. The record says so many only if a product
        keeps to them, which is tried once.

    Returns
    -------
    Measurement
        On the host the clock is `time.perf_counter`. On a CUDA device it is the device's own: CUDA events around the
        calls of a sample, in the current stream. Through WebGPU it is timestamp queries around the kernels; for a copy,
        or where the device has none, the host's clock with the device waited for: ``clock`` says which. Calls of one
        sample follow each other without waiting, so that the host launches the next while the device works, as in a
        training.

    Raises
    ------
    TypeError, ValueError
        If an argument is not one of the above, or WebGPU lacks what the workload needs: float64, pinned memory.
    MemoryError
        If the arrays do not fit into the memory that is free, or a GPU runs out of memory on the way.
    RuntimeError
        If ``device`` is ``"cuda"`` or ``"webgpu"`` and there is no such device; the sentence says why.
    """
    if not isinstance(workload, Workload):
        raise TypeError(f"workload must be a workload such as DenseForward, got {shown(workload)}")
    require_choice("device", device, ("cpu", *_ON_GPU))
    if device in _ON_GPU and threads is not None:
        raise ValueError(f"threads are those of the CPU; leave them out with device={device!r}, got {shown(threads)}")
    budget_s = require_seconds("budget_s", budget_s)
    with ONE_AT_A_TIME:
        return _ON_GPU[device](workload, budget_s) if device in _ON_GPU else _measure_cpu(workload, budget_s, threads)


def sample_times(
    call: Callable[[], object],
    budget_s: float,
    synchronize: Callable[[], object] = lambda: None,
    clock: Callable[[], float] = time.perf_counter,
) -> Timed:
    """Return samples and warm-ups in seconds a call, and the calls of one sample, by a clock of the host.

    Parameters
    ----------
    call : callable
        The work.
    budget_s : float
        Seconds for all samples together.
    synchronize : callable
        Waits until the device has finished; runs before every reading of the clock.
    clock : callable
        Returns seconds.
    """

    def seconds_of(calls: int) -> float:
        synchronize()
        start_s = clock()
        for _ in range(calls):
            call()
        synchronize()  # a launch returns before the device is done
        return (clock() - start_s) / calls

    warmup_s = _warm_up(seconds_of)
    calls = _calls_of_sample(warmup_s[-1])
    return _samples(seconds_of, calls, budget_s), warmup_s, calls


def _warm_up(seconds_of: Callable[[int], float]) -> tuple[float, ...]:
    return tuple(seconds_of(1) for _ in range(_WARMUP_CALLS))


def _calls_of_sample(call_s: float) -> int:
    return max(1, math.ceil(_SAMPLE_S / max(call_s, 1e-9)))


def _samples(seconds_of: Callable[[int], float], calls: int, budget_s: float) -> tuple[float, ...]:
    samples_s: list[float] = []
    while len(samples_s) < 3 or (sum(samples_s) * calls < budget_s and len(samples_s) < _MOST_SAMPLES):
        samples_s.append(seconds_of(calls))
    return tuple(samples_s)


def _measure_cpu(workload: Workload, budget_s: float, threads: int | None) -> Measurement:
    import numpy as np
    from threadpoolctl import threadpool_limits

    here = this_machine()
    if threads is not None:
        threads = require_count("threads", threads)
        if threads > here.usable_cores:
            raise ValueError(f"threads must be at most {here.usable_cores}, the threads usable here, got {threads}")
    threads = threads or here.usable_cores
    if workload.memory_bytes > here.available_memory_bytes:
        raise too_big(workload, here.available_memory_bytes, "here")
    with threadpool_limits(threads):
        samples_s, warmup_s, calls = sample_times(workload.make(np), budget_s)
    return Measurement(workload, here.cpu.name, threads_verified(threads), samples_s, warmup_s, calls)


def _measure_cuda(workload: Workload, budget_s: float) -> Measurement:
    xp, gpu = _cuda_here()

    def run() -> Timed:
        return sample_gpu_times(event_clock(workload.make(xp), xp), budget_s)

    samples_s, warmup_s, calls = within_memory(workload, gpu, xp, run)
    return Measurement(workload, gpu, None, samples_s, warmup_s, calls)


def _measure_webgpu(workload: Workload, budget_s: float) -> Measurement:
    gpu = webgpu_here()
    clock = clock_for(workload, gpu)

    def run() -> Timed:
        return sample_gpu_times(seconds_by(clock, workload.make(gpu.xp), gpu), budget_s)

    samples_s, warmup_s, calls = within_buffers(workload, gpu, run)
    return Measurement(workload, gpu.machine.name, None, samples_s, warmup_s, calls, clock=clock)


_ON_GPU: dict[str, Callable[[Workload, float], Measurement]] = {"cuda": _measure_cuda, "webgpu": _measure_webgpu}


def sample_gpu_times(seconds_of: Callable[[int], float], budget_s: float) -> Timed:
    """Return samples and warm-ups in seconds a call, and the calls of one sample.

    Parameters
    ----------
    seconds_of : callable
        Returns the seconds a call of so many calls in a row.
    budget_s : float
        Seconds for all samples together.
    """
    warmup_s = _warm_up(seconds_of)
    # Many calls in a row are shorter than one alone, which the device waits for: found out by another trial.
    calls = _calls_of_sample(seconds_of(_calls_of_sample(warmup_s[-1])))
    return _samples(seconds_of, calls, budget_s), warmup_s, calls


def _cuda_here() -> tuple[Any, str]:
    """Return CuPy and the name of the GPU, or refuse in one sentence."""
    here = this_machine()
    if here.gpu is None:
        raise RuntimeError(f"{here.gpu_status}; measure with device='cpu', or predict a GPU of the catalogue")
    return cupy_namespace(), here.gpu.name
