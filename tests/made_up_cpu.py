"""A CPU whose numbers are known, and the times it takes: the model's own, with noise if asked for."""

import math
import random
from dataclasses import replace
from types import MappingProxyType

from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.model import CpuCalibration, predict
from gpu_lessons.records import Measurement
from gpu_lessons.work import DenseForward, DenseTrainStep, DependentChain, Elementwise

MEBI = 2**20
CPU = replace(this_machine().cpu, name="Made-up CPU", cache_bytes=32 * MEBI, peak_flops_per_s={})
TRUE = CpuCalibration(
    launch_overhead_s=0.8e-6,
    python_step_s=3e-6,
    flops_per_s=MappingProxyType({"float32": 3e11, "float64": 1.2e11}),
    scalar_ops_per_s=2e9,
    row_start_s=8e-9,
    one_thread_share=0.4,
    read_bandwidth_bytes_per_s=20e9,
    cached_read_bandwidth_bytes_per_s=60e9,
    pack_bandwidth_bytes_per_s=6e9,
    cached_pack_bandwidth_bytes_per_s=16e9,
    stream_bandwidth_bytes_per_s=14e9,
    cached_stream_bandwidth_bytes_per_s=40e9,
    cache_bytes=10.0 * MEBI,
    threads=2,
    error=0.0,
    basis="made up",
)
WORK = [
    *(
        DenseForward(batch_size=batch, n_in=width, n_out=width, dtype=dtype)
        for dtype in ("float32", "float64")
        for width in (32, 64, 128, 256, 512, 1024, 2048, 4096)
        for batch in (1, 2, 4, 16, 64, 256, 1024)
    ),
    *(DenseTrainStep(batch_size=batch, n_in=width, n_out=width) for width in (64, 512, 2048) for batch in (1, 32, 512)),
    *(Elementwise(4**n) for n in range(3, 14)),
    DependentChain(steps=1000, width=100),
    *(DependentChain(steps=10, width=2**n) for n in (14, 16, 18)),
    *(DenseForward(batch_size=batch, n_in=2, n_out=16) for batch in (512, 1024, 2048, 4096, 8192, 16384)),
]


def measured(workload, time_s, threads=2, calls=1, recorded_on=None):
    return Measurement(workload, CPU.name, threads, (time_s,) * 3, (time_s,) * 2, calls, recorded_on)


def made_up_times(true, machine=CPU, work=WORK, noise=0.0, wild=0.0, threads=2, seed=0):
    """Return times that the model itself makes, with noise, and a share of them several times too long."""
    rng = random.Random(seed)
    times = []
    for workload in work:
        time_s = predict(workload, machine, calibration=true).seconds * math.exp(rng.gauss(0, noise))
        times.append(measured(workload, time_s * (rng.uniform(2, 10) if rng.random() < wild else 1), threads))
    return times
