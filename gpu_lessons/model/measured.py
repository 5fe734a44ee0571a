"""`calibrate_from`: sustained numbers of a device from its own measured times, with an error that was tested."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

from gpu_lessons.arguments import shown
from gpu_lessons.hardware.machines import Machine
from gpu_lessons.model import typical
from gpu_lessons.model.cpu import CpuCalibration
from gpu_lessons.model.fitting import Row, fit, row_of, row_time
from gpu_lessons.model.gpu import GpuCalibration
from gpu_lessons.model.gpu_classes import batched_tile, l2_bandwidth, l2_kept_share
from gpu_lessons.model.roofline import best_bandwidth, best_rates
from gpu_lessons.model.tested import Tested
from gpu_lessons.records import Measurement, format_threads
from gpu_lessons.work import Copy

__all__ = ["LEAST_ROWS", "calibrate_from", "enough_of_threads", "fit_to", "halves", "of_threads"]

# Four of five times never fitted lie in the band.
_BAND = 0.8
# An idle machine stays well below this error; another program on its cores does not.
_BUSY = 0.6
LEAST_ROWS = 8

# Where the fit of a CPU begins, bytes a second: one core of a 2-core AMD EPYC (Zen 4), memory and cache.
_READ, _CACHED_READ, _PACK, _CACHED_PACK = 28e9, 75e9, 10e9, 24e9
_CACHE_BYTES = 16 * 2**20
# What others share of the last level is theirs. From far above the truth no fit comes down, so none begins higher.
_CACHE_SHARE = 0.5


def calibrate_from(
    measurements: Sequence[Measurement],
    machine: Machine,
    *,
    threads: int | None = None,
    held_out: Sequence[Measurement] | None = None,
) -> CpuCalibration | GpuCalibration:
    """Return the sustained numbers that explain measured times, and how well they explain others.

    Parameters
    ----------
    measurements : sequence of Measurement
        Times of workloads on ``machine``. Their raw samples' medians are fitted.
    machine : Machine
        What they were measured on: its kind, caches and, of a GPU, SMs.
    threads : int, optional
        Of a CPU, the BLAS threads to calibrate for: measurements with others are left out. The most there are
        otherwise.
    held_out : sequence of Measurement, optional
        Times to test the numbers on, never fitted. Otherwise one half of ``measurements`` tests what the other
        half gave, and the numbers returned are fitted to all.

    Raises
    ------
    ValueError
        If there are fewer than 8 measurements with these threads, or the SMs of the GPU are not known.
    """
    used = enough_of_threads(measurements, machine, threads)
    fitted, tested = (used, of_threads(held_out, machine, threads)) if held_out is not None else halves(used)
    numbers = fit_to(fitted, machine)
    rows = [row_of(each) for each in tested]
    ratios = [row_time(row, numbers) / row.time_s for row in rows]
    if held_out is None:
        numbers = fit_to(used, machine)
    return replace(
        numbers,
        error=_quantile([max(ratio, 1 / ratio) - 1 for ratio in ratios], _BAND),
        basis=_basis(used[0], ratios),
        tested=Tested.of([row.workload for row in rows]),
    )


def fit_to(fitted: Sequence[Measurement], machine: Machine) -> CpuCalibration | GpuCalibration:
    """Return the numbers that explain these measurements, all of the same threads; nothing is tested."""
    rows = [row_of(each) for each in fitted]
    if machine.kind == "gpu":
        return fit(_start_gpu(rows, machine), rows)
    return fit(_start_cpu(rows, machine, fitted[0].threads or 1), rows)


def of_threads(measurements: Sequence[Measurement], machine: Machine, threads: int | None) -> list[Measurement]:
    """Return the measurements made with so many threads, by default the most; those of a GPU have none."""
    if machine.kind == "gpu":
        return [each for each in measurements if each.threads is None]
    counts = [each.threads for each in measurements if each.threads is not None]
    threads = max(counts, default=None) if threads is None else threads
    return [each for each in measurements if each.threads is not None and each.threads == threads]


def enough_of_threads(measurements: Sequence[Measurement], machine: Machine, threads: int | None) -> list[Measurement]:
    """Return those `of_threads`; a ``ValueError`` says if they are too few to fit."""
    used = of_threads(measurements, machine, threads)
    if len(used) < LEAST_ROWS:
        on = "" if threads is None else f" with threads={shown(threads)}"
        raise ValueError(f"measurements must hold at least {LEAST_ROWS} of {machine.name}{on} to fit, got {len(used)}")
    return used


def halves(measurements: Sequence[Measurement]) -> tuple[list[Measurement], list[Measurement]]:
    """Return every other measurement, and the others, after a shuffle that is always the same."""
    shuffled = list(measurements)
    random.Random(0).shuffle(shuffled)
    return shuffled[::2], shuffled[1::2]


def _quantile(values: Sequence[float], share: float) -> float:
    import numpy as np

    return float(np.quantile(values, share, method="higher"))  # a value that occurred, so the share lies within


def _basis(example: Measurement, ratios: list[float]) -> str:
    threads = example.threads
    on = "" if threads is None else f", {format_threads(threads)}"
    when = "measured here" if example.recorded_on is None else f"recorded {example.recorded_on}"
    factors = [max(ratio, 1 / ratio) - 1 for ratio in ratios]
    basis = (
        f"Sustained rates: {when}{on}; off by {_quantile(factors, 0.5):.0%} (median) on {len(ratios)} times not fitted."
    )
    busy = _quantile(factors, _BAND) >= _BUSY and example.recorded_on is None
    return f"{basis} The machine was busy: close other programs and measure again." if busy else basis


def _start_cpu(rows: Sequence[Row], machine: Machine, threads: int) -> CpuCalibration:
    return CpuCalibration(
        launch_overhead_s=typical.NUMPY_CALL_S,
        python_step_s=typical.PYTHON_STEP_S,
        flops_per_s=MappingProxyType(best_rates(rows)),
        scalar_ops_per_s=typical.SCALAR_OPS_PER_S,
        row_start_s=typical.ROW_START_S,
        one_thread_share=1 / threads,
        read_bandwidth_bytes_per_s=_READ,
        cached_read_bandwidth_bytes_per_s=_CACHED_READ,
        pack_bandwidth_bytes_per_s=_PACK,
        cached_pack_bandwidth_bytes_per_s=_CACHED_PACK,
        stream_bandwidth_bytes_per_s=typical.STREAM_BYTES_PER_S,
        cached_stream_bandwidth_bytes_per_s=typical.CACHED_STREAM_BYTES_PER_S,
        cache_bytes=min((machine.cache_bytes or _CACHE_BYTES) * _CACHE_SHARE, _CACHE_BYTES),
        threads=threads,
        error=0.0,
        basis="",
    )


def _start_gpu(rows: Sequence[Row], machine: Machine) -> GpuCalibration:
    if machine.sm_count is None:
        raise ValueError(f"the SMs of {machine.name} are not known, so its tiles cannot be dealt out")
    cache_bytes = machine.cache_bytes or 0
    memory = best_bandwidth(rows, cache_bytes)
    links = [row.workload.n_bytes / row.time_s for row in rows if isinstance(row.workload, Copy)]
    return GpuCalibration(
        launch_overhead_s=typical.LAUNCH_S,
        call_overhead_s=typical.CUPY_CALL_S,
        flops_per_s=MappingProxyType(best_rates(rows)),
        memory_bandwidth_bytes_per_s=memory,
        cache_bandwidth_bytes_per_s=max(memory, l2_bandwidth(machine) or 0.0),
        cache_bytes=cache_bytes,
        cache_kept_share=l2_kept_share(machine),
        sm_count=machine.sm_count,
        link_bandwidth_bytes_per_s=max(links, default=machine.link_bandwidth_bytes_per_s),
        pageable_share=typical.PAGEABLE_SHARE,
        copy_latency_s=typical.COPY_LATENCY_S,
        batched_tile=batched_tile(machine),
        error=0.0,
        basis="",
    )
