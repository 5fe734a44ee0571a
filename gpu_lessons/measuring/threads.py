"""Whether the BLAS keeps to the threads it is told: looked up by what a product used, not by what was asked for."""

from __future__ import annotations

import time
from functools import cache

from gpu_lessons.records import UNKNOWN_THREADS

__all__ = ["threads_verified"]

# Big enough that a BLAS hands it to dozens of threads; a product of it takes milliseconds.
_WIDTH = 1024
# Clocks of processes tick every 10 to 16 ms on some systems.
_TRIAL_S = 0.1
_TRIALS = 3
# Threads wait for each other at the end of a product, so a few more or fewer are the same number.
_LEAST, _MOST = 0.65, 1.25


@cache
def threads_verified(asked: int) -> int:
    """Return ``asked`` if a product uses so many threads when that is their limit, else `UNKNOWN_THREADS`.

    Looked at once a process, for a few tenths of a second.
    """
    is_kept = any(_LEAST * asked < _threads_used(asked) < _MOST * asked for _ in range(_TRIALS))
    return asked if is_kept else UNKNOWN_THREADS


def _threads_used(limit: int) -> float:
    """Return the CPU time of this process over that of the thread that asked for a product.

    On a machine that does nothing else the latter is the time that passes; on a busy one all threads get less of it.
    """
    import numpy as np
    from threadpoolctl import threadpool_limits

    x = np.ones((_WIDTH, _WIDTH), dtype="float32")
    with threadpool_limits(limit):
        started_s = time.perf_counter()
        while time.perf_counter() - started_s < _TRIAL_S:  # threads start, and those of an earlier limit fall asleep
            x @ x
        process_s, thread_s = time.process_time(), time.thread_time()
        while time.thread_time() - thread_s < _TRIAL_S:
            x @ x
        return (time.process_time() - process_s) / (time.thread_time() - thread_s)
