"""`measure`: an honest clock. Warm-ups apart, the device waited for, raw samples kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from gpu_lessons.arguments import require_choice, require_count
from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.measuring.cuda import measure_on_cuda
from gpu_lessons.measuring.sampling import Samples, take_samples
from gpu_lessons.records import Measurement
from gpu_lessons.work import Workload

__all__ = ["measure", "sample_times"]


def measure(
    workload: Workload, device: str = "cpu", budget_s: float = 0.5, *, threads: int | None = None
) -> Measurement:
    """Time one call of ``workload`` on this machine.

    Parameters
    ----------
    workload : Workload
        What to run. It must fit into memory; its inputs are random.
    device : {"cpu", "cuda"}
        Where to run it: NumPy on the host, or CuPy on the GPU.
    budget_s : float
        Seconds to spend on samples. At least three samples are taken, however long they last.
    threads : int, optional
        BLAS threads on the host; all that this process may use otherwise.

    Returns
    -------
    Measurement
        On the CPU the clock is `time.perf_counter`. On a GPU it is the device's own: CUDA events before the first
        call of a sample and after its last, on the current stream, which is waited for in between. The launches
        are in it as far as the device had to wait for them. The first calls, which load libraries and compile,
        are the warm-ups.

    Raises
    ------
    TypeError, ValueError
        If an argument is not one of the above.
    MemoryError
        If the arrays do not fit into the memory that is free, on the host or on the GPU.
    RuntimeError
        If ``device`` is ``"cuda"`` and there is no usable CUDA device; the sentence says why.
    """
    if not isinstance(workload, Workload):
        raise TypeError(f"workload must be a workload such as DenseForward, got {workload!r}")
    require_choice("device", device, ("cpu", "cuda"))
    if isinstance(budget_s, bool) or not isinstance(budget_s, (int, float)):
        raise TypeError(f"budget_s must be a number of seconds above 0, got {budget_s!r}")
    if not (math.isfinite(budget_s) and budget_s > 0):
        raise ValueError(f"budget_s must be a number of seconds above 0, got {budget_s!r}")
    if device == "cuda":
        return measure_on_cuda(workload, budget_s)
    return _measure_cpu(workload, budget_s, threads)


def sample_times(
    call: Callable[[], object],
    budget_s: float,
    synchronize: Callable[[], object] = lambda: None,
    clock: Callable[[], float] = time.perf_counter,
) -> Samples:
    """Return samples and warm-ups in seconds a call, and the calls of one sample.

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

    return take_samples(seconds_of, budget_s)


def _measure_cpu(workload: Workload, budget_s: float, threads: int | None) -> Measurement:
    import numpy as np
    from threadpoolctl import threadpool_limits

    here = this_machine()
    if threads is not None:
        require_count("threads", threads)
        if threads > here.usable_cores:
            raise ValueError(f"threads must be at most {here.usable_cores}, the cores usable here, got {threads}")
    threads = threads or here.usable_cores
    if workload.memory_bytes > here.available_memory_bytes:
        raise MemoryError(
            f"{workload} needs {workload.memory_bytes / 1e9:.1f} GB and {here.available_memory_bytes / 1e9:.1f} GB "
            "are free here; choose a smaller batch or width"
        )
    with threadpool_limits(threads):
        samples_s, warmup_s, calls = sample_times(workload.make(np), budget_s)
    return Measurement(workload, here.cpu.name, threads, samples_s, warmup_s, calls)
