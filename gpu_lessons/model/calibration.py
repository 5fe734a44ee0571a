"""Where the sustained numbers of a machine come from: its recording, else published measurements, else its class."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from gpu_lessons.hardware.machines import Machine
from gpu_lessons.model import typical
from gpu_lessons.model.cpu import CpuCalibration
from gpu_lessons.model.gpu import GpuCalibration
from gpu_lessons.model.measured import LEAST_ROWS, calibrate_from, of_threads
from gpu_lessons.recorded import RecordingError, load_recording, recording_files

__all__ = ["Calibration", "calibrate"]

Calibration = GpuCalibration | CpuCalibration


class _GpuClass(NamedTuple):
    """Middle of the published shares of peak, by kind of board."""

    name: str
    vector_share: float
    tensor_share: float


# Sustained shares of peak in large matrix products: the middle of public timings, which range over 0.72-1.00 and
# 0.75-0.87, 0.56-0.76 and 0.97-1.16, 0.40-0.57 and 0.45-0.59; for float16 on tensor cores only.
_DATA_CENTRE = _GpuClass("data-centre cards", 0.86, 0.80)
_GEFORCE = _GpuClass("GeForce cards", 0.66, 1.0)
_SMALL_BOARD = _GpuClass("boards of up to 150 W", 0.50, 0.52)

# Median of a stencil on 62 GPUs and 55 CPUs, as a share of the data sheet (FluidX3D's published table).
_GPU_MEMORY_SHARE, _CPU_MEMORY_SHARE = 0.82, 0.51
# Pinned copies reach 0.78 to 0.88 of the link's nominal rate.
_LINK_SHARE = 0.82
# What devices' own published numbers leave as error, and what class defaults leave.
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


def _gpu_class(machine: Machine) -> _GpuClass:
    if "GTX" in machine.name or "RTX" in machine.name:
        return _GEFORCE
    return _SMALL_BOARD if machine.power_w is not None and machine.power_w <= 150 else _DATA_CENTRE


def _calibrate_gpu(machine: Machine, dtype: str) -> GpuCalibration:
    gpu_class = _gpu_class(machine)
    published = machine.sustained_share_of_peak
    flops_per_s = {
        name: peak * published.get(name, gpu_class.tensor_share if name == "float16" else gpu_class.vector_share)
        for name, peak in machine.peak_flops_per_s.items()
    }
    memory = _known(machine, "memory_bandwidth_bytes_per_s")
    memory_share = machine.sustained_share_of_memory_bandwidth or _GPU_MEMORY_SHARE
    link = machine.sustained_link_bandwidth_bytes_per_s
    if link is None and machine.link_bandwidth_bytes_per_s is not None:
        link = machine.link_bandwidth_bytes_per_s * _LINK_SHARE
    return GpuCalibration(
        launch_overhead_s=machine.launch_overhead_s or typical.QUEUED_LAUNCH_S,
        flops_per_s=MappingProxyType(flops_per_s),
        memory_bandwidth_bytes_per_s=memory * memory_share,
        cache_bandwidth_bytes_per_s=machine.cache_bandwidth_bytes_per_s or memory * typical.L2_OVER_MEMORY,
        cache_bytes=machine.cache_bytes or 0,
        sm_count=int(_known(machine, "sm_count")),
        link_bandwidth_bytes_per_s=link,
        pageable_share=typical.PAGEABLE_SHARE,
        copy_latency_s=typical.COPY_LATENCY_S,
        error=_PUBLISHED_ERROR if dtype in published else _CLASS_ERROR,
        basis=_basis(dtype, "published for this card" if dtype in published else f"typical of {gpu_class.name}"),
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
