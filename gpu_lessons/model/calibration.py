"""Where the sustained numbers of a machine come from: its recording, else published measurements, else its class."""

from __future__ import annotations

import math
from functools import lru_cache
from types import MappingProxyType

from gpu_lessons.hardware.machines import Machine
from gpu_lessons.model import typical
from gpu_lessons.model.compared_cards import bands_of
from gpu_lessons.model.cpu import CpuCalibration
from gpu_lessons.model.gpu import GpuCalibration
from gpu_lessons.model.gpu_classes import (
    batched_tile,
    class_of,
    l2_bandwidth,
    l2_kept_share,
    memory_share,
    share_of_peak,
    unaligned_share,
)
from gpu_lessons.model.measured import LEAST_ROWS, calibrate_from, of_threads
from gpu_lessons.recorded import RecordingError, load_recording, recording_files

__all__ = ["Calibration", "calibrate"]

Calibration = GpuCalibration | CpuCalibration


# Median of a stencil on 55 CPUs, as a share of the data sheet (FluidX3D's published table).
_CPU_MEMORY_SHARE = 0.51
# Pinned copies reach 0.78 to 0.88 of the link's nominal rate.
_LINK_SHARE = 0.82
# What a CPU's own published numbers leave as error, and what class defaults leave.
_PUBLISHED_ERROR, _CLASS_ERROR = 0.2, 0.55

# Bandwidths of a CPU over that of reading memory, measured on a 2-core AMD EPYC (Zen 4).
_CACHED_OVER_MEMORY, _PACK_OVER_READ = 2.4, 0.4
# Ryzen 9 7950X: 1.1 of 2.3 TFLOP/s.
_CPU_SHARE = 0.48
# One thread alone reaches 135 to 251 GFLOP/s on today's CPUs, at its boost clock; one of sixteen in that Ryzen 69.
_ALONE_OVER_SHARED = 2.0
_MEBI = 2**20


@lru_cache(maxsize=256)
def calibrate(machine: Machine, dtype: str = "float32") -> Calibration:
    """Return sustained numbers for a machine of a recording or of the catalogue.

    Those of a recording are fitted to its times, for all threads, if there are enough to fit. Those of the
    catalogue are the same for every ``dtype``; ``error`` and ``basis`` say how well that one is known.

    Raises
    ------
    ValueError
        If the catalogue knows no rate or no bandwidth for it.
    """
    recorded = _calibrate_recorded(machine)  # one fit for all number formats
    if recorded is not None:
        return recorded
    return _calibrate_gpu(machine, dtype) if machine.kind == "gpu" else _calibrate_cpu(machine, dtype)


@lru_cache(maxsize=64)
def _calibrate_recorded(machine: Machine) -> Calibration | None:
    if not recording_files(machine.slug):  # most machines: no file is read for them
        return None
    try:
        measurements = load_recording(machine.slug).measurements
    except RecordingError:  # `recordings` says what is wrong with it
        return None
    too_few = len(of_threads(measurements, machine, None)) < LEAST_ROWS  # a recording that was stopped early
    return None if too_few else calibrate_from(measurements, machine)


def _calibrate_gpu(machine: Machine, dtype: str) -> GpuCalibration:
    shares = {name: share_of_peak(machine, name) for name in machine.peak_flops_per_s}
    flops_per_s = {name: machine.peak_flops_per_s[name] * share for name, (share, _) in shares.items()}
    memory = _known(machine, "memory_bandwidth_bytes_per_s") * memory_share(machine)
    link = machine.sustained_link_bandwidth_bytes_per_s
    if link is None and machine.link_bandwidth_bytes_per_s is not None:
        link = machine.link_bandwidth_bytes_per_s * _LINK_SHARE
    bands = bands_of(machine.slug)
    origin = "published for this card" if shares.get(dtype, (0.0, False))[1] else f"typical of {class_of(machine)}"
    return GpuCalibration(
        launch_overhead_s=typical.LAUNCH_S,
        call_overhead_s=typical.CUPY_CALL_S,
        flops_per_s=MappingProxyType(flops_per_s),
        memory_bandwidth_bytes_per_s=memory,
        cache_bandwidth_bytes_per_s=max(memory, l2_bandwidth(machine) or 0.0),
        cache_bytes=machine.cache_bytes or 0,
        cache_kept_share=l2_kept_share(machine),
        sm_count=int(_known(machine, "sm_count")),
        link_bandwidth_bytes_per_s=link,
        pageable_share=typical.PAGEABLE_SHARE,
        copy_latency_s=typical.COPY_LATENCY_S,
        throttles_after_s=machine.throttles_after_s or math.inf,
        throttled_share=machine.throttled_share or 1.0,
        unaligned_share=unaligned_share(machine),
        long_row_share=machine.long_row_share or 1.0,
        batched_tile=batched_tile(machine),
        error=bands.error,
        errors=bands.errors,
        host_error=typical.HOST_ERROR,
        basis=f"{_basis(dtype, origin)} {bands.basis}",
        tested=bands.compared,
    )


def _calibrate_cpu(machine: Machine, dtype: str) -> CpuCalibration:
    published = machine.sustained_flops_per_s
    flops_per_s = {name: peak * _CPU_SHARE for name, peak in machine.peak_flops_per_s.items()} | dict(published)
    if "float32" in flops_per_s:
        flops_per_s.setdefault("float64", flops_per_s["float32"] / 2)  # half as many numbers in a vector register
    if not flops_per_s:
        raise ValueError(f"no arithmetic rate is known for {machine.name}; choose a CPU whose rate is, or measure here")
    read = machine.sustained_memory_bandwidth_bytes_per_s
    if read is None:
        read = _known(machine, "memory_bandwidth_bytes_per_s") * _CPU_MEMORY_SHARE
    stream = min(read, typical.STREAM_BYTES_PER_S)
    return CpuCalibration(
        launch_overhead_s=typical.NUMPY_CALL_S,
        python_step_s=typical.PYTHON_STEP_S,
        flops_per_s=MappingProxyType(flops_per_s),
        scalar_ops_per_s=typical.SCALAR_OPS_PER_S,
        row_start_s=typical.ROW_START_S,
        one_thread_share=min(1.0, _ALONE_OVER_SHARED / (machine.cores or 1)),
        read_bandwidth_bytes_per_s=read,
        cached_read_bandwidth_bytes_per_s=read * _CACHED_OVER_MEMORY,
        pack_bandwidth_bytes_per_s=read * _PACK_OVER_READ,
        cached_pack_bandwidth_bytes_per_s=read * _PACK_OVER_READ * _CACHED_OVER_MEMORY,
        stream_bandwidth_bytes_per_s=stream,
        cached_stream_bandwidth_bytes_per_s=typical.CACHED_STREAM_BYTES_PER_S,
        cache_bytes=machine.cache_bytes or 2 * _MEBI * (machine.cores or 1),
        threads=None,
        error=_PUBLISHED_ERROR if dtype in published else _CLASS_ERROR,
        basis=_basis(dtype, "published for this CPU" if dtype in published else "typical of CPUs"),
    )


def _basis(dtype: str, origin: str) -> str:
    return f"Sustained {dtype} rate: {origin}."


def _known(machine: Machine, field: str) -> float:
    value: float | None = getattr(machine, field)
    if value is None:
        raise ValueError(f"the catalogue has no {field} for {machine.name}; choose another machine")
    return value
