"""Physics of the model for any machine: its own numbers are roofs, and time grows with work, by steps at most."""

import math
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gpu_lessons.hardware.machines import machine
from gpu_lessons.model import CpuCalibration, GpuCalibration, calibrate, predict
from gpu_lessons.model.cpu import PRODUCTS_A_THREAD
from gpu_lessons.work import (
    Conv2dForward,
    Copy,
    DenseForward,
    DenseTrainStep,
    DependentChain,
    Elementwise,
    RecurrentForward,
    TrainEpoch,
)

MEBI = 2**20
T4, RYZEN = machine("nvidia-t4"), machine("amd-ryzen-9-7950x")
rate = st.floats(1e9, 1e12)
share = st.floats(0.05, 1.0)
SIZE = st.integers(1, 3000)
DTYPE = st.sampled_from(["float32", "float64"])


@st.composite
def cpus(draw):
    """Any numbers in the order that the fit keeps: a slower level of memory is not read faster."""
    read, pack, stream, flops = (draw(rate) for _ in range(4))
    return CpuCalibration(
        launch_overhead_s=draw(st.floats(0, 1e-5)),
        python_step_s=draw(st.floats(0, 1e-5)),
        scalar_ops_per_s=draw(rate),
        row_start_s=draw(st.floats(0, 1e-7)),
        flops_per_s=MappingProxyType({"float32": 20 * flops, "float64": 10 * flops}),
        one_thread_share=draw(share),
        read_bandwidth_bytes_per_s=read * draw(share),
        cached_read_bandwidth_bytes_per_s=read,
        pack_bandwidth_bytes_per_s=pack * draw(share),
        cached_pack_bandwidth_bytes_per_s=pack,
        stream_bandwidth_bytes_per_s=stream * draw(share),
        cached_stream_bandwidth_bytes_per_s=stream,
        cache_bytes=draw(st.floats(MEBI / 4, 256 * MEBI)),
        threads=2,
        error=0.1,
        basis="made up",
    )


@st.composite
def gpus(draw):
    """Any numbers of a GPU whose L2 is not slower than its memory."""
    cache, flops = draw(rate) * 10, draw(rate) * 100
    return GpuCalibration(
        launch_overhead_s=draw(st.floats(0, 1e-4)),
        call_overhead_s=draw(st.floats(0, 1e-4)),
        flops_per_s=MappingProxyType({"float32": flops, "float64": flops * draw(share)}),
        memory_bandwidth_bytes_per_s=cache * draw(share),
        cache_bandwidth_bytes_per_s=cache,
        cache_bytes=draw(st.floats(0, 256 * MEBI)),
        sm_count=draw(st.integers(1, 200)),
        link_bandwidth_bytes_per_s=draw(rate),
        pageable_share=draw(share),
        copy_latency_s=draw(st.floats(0, 1e-4)),
        error=0.1,
        basis="made up",
    )


DEVICES = st.one_of(cpus(), gpus())
WORK = st.one_of(
    st.builds(DenseForward, batch_size=SIZE, n_in=SIZE, n_out=SIZE, dtype=DTYPE),
    st.builds(DenseTrainStep, batch_size=SIZE, n_in=SIZE, n_out=SIZE, dtype=DTYPE),
    st.builds(Elementwise, n=st.integers(1, 10**8), dtype=DTYPE, multiply_adds=st.integers(0, 1024)),
    st.builds(
        RecurrentForward,
        steps=st.integers(1, 20),
        batch_size=st.integers(1, 4096),
        n_in=st.integers(1, 4096),
        n_out=st.integers(1, 4096),
        dtype=DTYPE,
    ),
    st.builds(DependentChain, steps=st.integers(1, 50), width=st.integers(1, 10**7), dtype=DTYPE),
    st.builds(
        Conv2dForward,
        batch_size=st.integers(1, 64),
        c_in=st.integers(1, 64),
        c_out=st.integers(1, 64),
        height=st.integers(5, 64),
        width=st.integers(5, 64),
        kernel=st.integers(1, 5),
        padding=st.integers(0, 2),
        dtype=DTYPE,
    ),
    st.builds(
        TrainEpoch,
        samples=st.integers(1, 500),
        batch_size=st.integers(32, 128),
        layer_sizes=st.lists(st.integers(1, 200), min_size=2, max_size=4).map(tuple),
        dtype=DTYPE,
    ),
)


def seconds(workload, device):
    return predict(workload, RYZEN if isinstance(device, CpuCalibration) else T4, calibration=device).seconds


def fastest_bytes_per_s(device):
    """Return the roof over all traffic, and the roof over what cannot stay in cache."""
    if isinstance(device, GpuCalibration):
        return device.cache_bandwidth_bytes_per_s, device.memory_bandwidth_bytes_per_s
    cached = max(device.cached_read_bandwidth_bytes_per_s, device.cached_stream_bandwidth_bytes_per_s)
    return cached, max(device.read_bandwidth_bytes_per_s, device.stream_bandwidth_bytes_per_s)


@settings(max_examples=300, deadline=None)
@given(DEVICES, WORK)
def test_nothing_beats_its_roofline(device, workload):
    cached, memory = fastest_bytes_per_s(device)
    least_s = 0.0
    for kernel in workload.kernels:
        compute_s = kernel.flops / device.flops_per_s[kernel.dtype]
        traffic_s = kernel.bytes_moved / cached
        # Twice the cache evicts itself: all of it comes from memory.
        from_memory_s = kernel.bytes_moved / memory if kernel.bytes_moved > 2 * device.cache_bytes else 0.0
        least_s += max(compute_s, traffic_s, from_memory_s)
    assert seconds(workload, device) >= least_s * (1 - 1e-9)


@settings(max_examples=300, deadline=None)
@given(DEVICES, WORK)
def test_every_launch_is_paid_unless_a_kernel_hides_it(device, workload):
    found = device.call_time(workload.kernels)
    a_call_s = device.call_overhead_s if isinstance(device, GpuCalibration) else device.launch_overhead_s
    launches_s = a_call_s * len(workload.kernels)
    assert found.total_s >= launches_s * (1 - 1e-9)
    assert found.total_s == pytest.approx(found.launch_s + sum(each.total_s for each in found.kernels))


# Time and batch. What is allowed: a larger batch may take exactly as long (whole tiles and waves on a GPU, threads
# with too little to do on a CPU) or longer by a step, however small the batch has grown. It never takes less.


@settings(max_examples=400, deadline=None)
@given(
    DEVICES,
    st.sampled_from([DenseForward, DenseTrainStep]),
    DTYPE,
    SIZE,
    SIZE,
    SIZE,
    st.integers(1, 500),
    st.sampled_from(["batch_size", "n_in", "n_out"]),
)
def test_time_never_falls_when_a_layer_grows(device, work, dtype, batch, n_in, n_out, more, grows):
    sizes = {"batch_size": batch, "n_in": n_in, "n_out": n_out}
    if isinstance(device, CpuCalibration):  # a column times a row never reaches BLAS: one is slower than two there
        assume(min(sizes.values()) > 1)
    before, after = (
        seconds(work(dtype=dtype, **each), device) for each in (sizes, sizes | {grows: sizes[grows] + more})
    )
    assert after >= before * (1 - 1e-9)


@settings(max_examples=200, deadline=None)
@given(DEVICES, st.integers(1, 10**8), st.integers(1, 10**7))
def test_time_never_falls_when_an_array_grows(device, n, more):
    assert seconds(Elementwise(n + more), device) >= seconds(Elementwise(n), device) * (1 - 1e-9)


@pytest.mark.parametrize("fixed", [64, 512, 2048])
def test_on_a_measured_kind_of_cpu_time_never_falls_along_every_batch(fixed):
    two_threads = replace(calibrate(RYZEN), threads=2, one_thread_share=0.5, cache_bytes=12 * MEBI)
    times_s = [seconds(DenseForward(batch_size=n, n_in=fixed, n_out=fixed), two_threads) for n in range(1, 2049)]
    assert all(after >= before * (1 - 1e-9) for before, after in pairwise(times_s))


def test_threads_with_too_little_to_do_are_the_flat_step_of_a_cpu():
    device = replace(calibrate(RYZEN), one_thread_share=1 / 16)
    n_in = n_out = 128
    first = PRODUCTS_A_THREAD // (n_in * n_out)
    times_s = [device.kernel_time(DenseForward(n, n_in, n_out).kernels[0]).compute_s for n in (first, 8 * first)]
    assert times_s[0] == pytest.approx(times_s[1])


@settings(max_examples=100, deadline=None)
@given(WORK)
def test_memory_never_falls_when_the_batch_grows(workload):
    if isinstance(workload, DenseForward | DenseTrainStep | Conv2dForward):
        bigger = replace(workload, batch_size=workload.batch_size + 1)
        assert bigger.memory_bytes > workload.memory_bytes


@settings(max_examples=100, deadline=None)
@given(gpus(), st.integers(1, 10**11), st.booleans(), st.sampled_from(["h2d", "d2h"]))
def test_no_copy_beats_its_link(device, n_bytes, pinned, direction):
    copied_s = seconds(Copy(n_bytes, direction=direction, pinned=pinned), device)
    assert copied_s >= max(n_bytes / device.link_bandwidth_bytes_per_s, device.copy_latency_s) * (1 - 1e-12)


# Limits


@settings(max_examples=100, deadline=None)
@given(cpus())
def test_work_of_no_size_costs_its_calls(device):
    found = device.call_time(DenseForward(batch_size=1, n_in=1, n_out=1).kernels)
    assert found.launch_s == pytest.approx(2 * device.launch_overhead_s + device.python_step_s)
    assert found.total_s - found.launch_s - device.row_start_s < 1e-7


@settings(max_examples=100, deadline=None)
@given(cpus())
def test_a_product_without_end_runs_at_the_sustained_rate(device):
    product = DenseForward(batch_size=2**40, n_in=2**40, n_out=2**40).kernels[0]
    assert product.flops / device.kernel_time(product).total_s == pytest.approx(device.flops_per_s["float32"], rel=0.01)


@settings(max_examples=100, deadline=None)
@given(DEVICES)
def test_a_stream_without_end_runs_at_the_bandwidth_of_memory(device):
    stream = Elementwise(10**12).kernels[0]
    on_cpu = isinstance(device, CpuCalibration)
    bandwidth = device.stream_bandwidth_bytes_per_s if on_cpu else device.memory_bandwidth_bytes_per_s
    rate = min(device.flops_per_s["float32"], device.scalar_ops_per_s if on_cpu else math.inf)
    roof_s = max(stream.bytes_moved / bandwidth, stream.flops / rate)  # a maximum goes number by number on a CPU
    assert device.kernel_time(stream).total_s == pytest.approx(roof_s, rel=0.01)
