"""The model against published timings, against physics, and against its own limits."""

import math
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_lessons.hardware.machines import machine, machines
from gpu_lessons.model import CpuCalibration, GpuCalibration, calibrate, predict
from gpu_lessons.model.tiles import SLOWDOWN
from gpu_lessons.recorded import load_recording, recordings
from gpu_lessons.units import DTYPE_BYTES
from gpu_lessons.work import (
    Conv2dForward,
    Copy,
    DenseForward,
    DenseTrainStep,
    DependentChain,
    Elementwise,
    MatrixProduct,
    TrainEpoch,
)


def layer(batch_size, width, dtype="float32", work=DenseForward):
    return work(batch_size=batch_size, n_in=width, n_out=width, dtype=dtype)


def seconds(batch_size, width, slug, dtype="float32", work=DenseForward):
    return predict(layer(batch_size, width, dtype, work), machine(slug)).seconds


def calibrates(candidate):
    try:
        calibrate(candidate)
    except ValueError:
        return False
    return True


KNOWN = [candidate for candidate in machines() if calibrates(candidate)]
GPUS = [candidate for candidate in KNOWN if candidate.kind == "gpu"]
CPUS = [candidate for candidate in KNOWN if candidate.kind == "cpu"]


def named(candidates):
    return pytest.mark.parametrize("device", candidates, ids=[candidate.slug for candidate in candidates])


# Against what others measured


def test_a_published_time_is_met_4096_cubed_takes_17_2_ms_on_an_rtx_4060_laptop():
    assert seconds(4096, 4096, "nvidia-rtx-4060-laptop") == pytest.approx(17.2e-3, rel=0.25)


def test_a_published_time_is_met_4096_cubed_takes_245_ms_on_an_i7_12700h():
    assert seconds(4096, 4096, "intel-core-i7-12700h") == pytest.approx(245e-3, rel=0.25)


def test_copying_three_4096_matrices_over_a_narrow_link_takes_15_1_ms():
    copied = predict(Copy(3 * 4096**2 * 4), machine("nvidia-rtx-4060-laptop"))
    assert copied.seconds == pytest.approx(15.1e-3, rel=0.05)


# DeepBench, V100, float32, 4096 x 4096: 4.9, 9.8, 12.3 and 14.8 TFLOP/s at batch 16, 32, 64 and 7000.
@pytest.mark.parametrize("slug", ["nvidia-v100-pcie-32gb", "nvidia-v100-sxm-32gb"])
@pytest.mark.parametrize(("batch", "flops_per_s"), [(16, 4.9e12), (32, 9.8e12), (64, 12.3e12), (7000, 14.8e12)])
def test_a_v100_reaches_the_published_rate_at_each_batch_within_a_quarter(slug, batch, flops_per_s):
    product = MatrixProduct(batch, 4096, 4096)  # timed without a bias, by calls queued from C++
    found = predict(product, machine(slug), launch_overhead_s=6e-6)
    assert product.flops / found.seconds == pytest.approx(flops_per_s, rel=0.25)


# gpu-benches (te42kyfo), gpu-l2-cache: GB/s of reading the same bytes again and again, by MB.
@pytest.mark.parametrize(
    ("slug", "size_mb", "gb_per_s"),
    [
        ("nvidia-h100-pcie", 49, 3453),
        ("nvidia-h100-pcie", 54, 2775),
        ("nvidia-h100-pcie", 65, 2077),
        ("nvidia-a100-pcie-80gb", 38, 3004),
        ("nvidia-a100-pcie-80gb", 41, 2462),
        ("nvidia-h200-sxm", 49.3, 7542),
        ("nvidia-h200-sxm", 59.2, 5054),
        ("nvidia-h200-sxm", 100, 3904),
    ],
)
def test_what_nearly_fills_the_l2_cache_is_read_as_fast_as_measured_within_a_quarter(slug, size_mb, gb_per_s):
    n = int(size_mb * 1e6 / 8)
    found = predict(Elementwise(n), machine(slug), launch_overhead_s=0)
    assert 8 * n / found.seconds == pytest.approx(gb_per_s * 1e9, rel=0.25)


def test_one_sample_on_an_h100_waits_for_its_weights():
    product = MatrixProduct(1, 4096, 4096)
    assert 17e-6 <= predict(product, machine("nvidia-h100-sxm"), launch_overhead_s=0).seconds <= 25e-6


@named(GPUS)
def test_many_small_products_take_at_least_the_time_of_their_bytes(device):
    found = predict(MatrixProduct(1, 1024, 1024, count=256), device, launch_overhead_s=0)
    assert found.seconds >= 256 * 1024**2 * 4 / device.memory_bandwidth_bytes_per_s


@pytest.mark.parametrize("slug", ["nvidia-a100-sxm-80gb", "nvidia-b200-sxm"])
@pytest.mark.parametrize("batch", [1, 4, 8])
def test_a_few_samples_wait_for_the_weights_and_not_for_rows_of_a_tile_that_are_not_there(slug, batch):
    device = machine(slug)
    product = MatrixProduct(batch, 16384, 16384)
    found = predict(product, device, launch_overhead_s=0)
    assert found.bottleneck == "memory"
    assert found.seconds <= 1.35 * product.bytes_moved / calibrate(device).memory_bandwidth_bytes_per_s


@pytest.mark.parametrize("slug", ["nvidia-t4", "nvidia-l4"])
def test_a_board_of_70_watts_multiplies_slower_once_it_is_at_its_power_limit(slug):
    card, found = machine(slug), calibrate(machine(slug))
    never = replace(found, throttles_after_s=math.inf)
    short, long = (MatrixProduct(m, 1024, 1024).kernels[0] for m in (64, 2**22))
    assert found.kernel_time(short).compute_s == never.kernel_time(short).compute_s
    lasted_s, without_s = found.kernel_time(long).compute_s, never.kernel_time(long).compute_s
    assert without_s / lasted_s == pytest.approx(card.throttled_share, rel=0.05)
    assert 0.6 < card.throttled_share < 0.95


def compute_s_a_flop(device, m, k, n):
    product = MatrixProduct(m, n, k).kernels[0]
    return calibrate(device).kernel_time(product).compute_s / product.flops


@named([device for device in GPUS if device.compute_capability])
def test_rows_that_begin_inside_a_sector_slow_products_on_cards_before_ampere_and_on_no_later_one(device):
    whole, inside = (compute_s_a_flop(device, 4096, k, 4096) for k in (2048, 2049))
    before_ampere = float(device.compute_capability) < 8
    assert (inside > 1.03 * whole) == before_ampere
    assert inside < 1.4 * whole


# NeuSight (sitar-lab/NeuSight, MIT): PyTorch's linear in float32; some 90 µs of it are the call.
@pytest.mark.parametrize(
    ("m", "n", "k", "time_s"),
    [
        (923, 268, 13639, 1.4986e-3),
        (2002, 1305, 32803, 58.7e-3),
        (2881, 7025, 33901, 0.5399),
        (2506, 1893, 1391, 2.1945e-3),
    ],
)
def test_rows_far_apart_slow_a_p100_the_more_of_them_are_read_at_a_time(m, n, k, time_s):
    found = predict(MatrixProduct(m, n, k), machine("nvidia-p100-pcie-16gb"), launch_overhead_s=90e-6)
    assert found.seconds == pytest.approx(time_s, rel=0.25)


def test_a_gradient_whose_sums_run_across_rows_takes_no_longer_for_an_odd_batch():
    found = calibrate(machine("nvidia-p100-pcie-16gb"))
    odd, even = (DenseTrainStep(batch_size=n, n_in=1024, n_out=1024).kernels[2] for n in (2047, 2048))
    assert odd.name == even.name == "x.T @ dy"
    assert found.kernel_time(odd).total_s <= found.kernel_time(even).total_s


@pytest.mark.parametrize("faster", ["nvidia-h200-sxm", "nvidia-b200-sxm"])
def test_no_l2_cache_is_read_faster_than_its_sms_can(faster):
    found = calibrate(machine(faster))
    assert 5e12 < found.cache_bandwidth_bytes_per_s < 12e12
    assert calibrate(machine("nvidia-h100-sxm")).cache_bandwidth_bytes_per_s <= 9.9e12  # the die of an H200


def test_a_card_nobody_compared_says_so_and_one_that_was_names_how_many_times():
    work = MatrixProduct(1024, 1024, 1024)
    rumour, compared = (predict(work, machine(slug)) for slug in ("nvidia-rtx-4090", "nvidia-t4"))
    assert not rumour.tested
    assert "Not tested on this card" in rumour.basis
    assert compared.tested
    assert "published times of this card" in compared.basis
    beyond = predict(MatrixProduct(10**6, 10**5, 10**5), machine("nvidia-t4"))
    assert not beyond.tested
    assert "Outside the tested range" in beyond.basis


def test_the_band_is_that_of_the_kind_of_work_and_its_bottleneck():
    card = machine("nvidia-l4")
    one, many = (predict(MatrixProduct(256, 256, 256, count=count), card) for count in (2000, 1))
    error = calibrate(card).errors["batched product, float32", "compute"]
    assert one.bottleneck == "compute"
    assert one.high_s == pytest.approx(one.seconds * (1 + error))
    assert many.high_s / many.seconds != pytest.approx(one.high_s / one.seconds)


def test_a_call_that_waits_for_an_unknown_host_has_a_wide_band_and_one_whose_overhead_is_said_has_not():
    card, tiny = machine("nvidia-a100-pcie-80gb"), MatrixProduct(8, 8, 8)
    unknown, said = (predict(tiny, card, launch_overhead_s=given) for given in (None, 5e-5))
    assert unknown.high_s / unknown.seconds >= 1.6
    assert said.high_s / said.seconds < 1.6


OF_GPUS = [slug for slug in recordings() if load_recording(slug).gpu is not None]


@pytest.mark.parametrize("slug", OF_GPUS)
def test_four_of_five_recorded_layers_lie_in_the_band_of_the_catalogue(slug):
    recording = load_recording(slug)
    times = [
        each
        for each in recording.measurements
        if each.threads is None and isinstance(each.workload, DenseForward) and each.workload.dtype == "float32"
    ]
    card = next(card for card in GPUS if card.name == recording.gpu.name)
    bands = [predict(each.workload, card) for each in times]
    inside = sum(band.low_s <= each.median_s <= band.high_s for band, each in zip(bands, times, strict=True))
    assert inside >= 0.8 * len(times)


def test_a_large_tile_spends_the_fewest_instructions_on_loading():
    assert min(SLOWDOWN.values()) == SLOWDOWN[256, 128] == 1.0
    assert all(
        SLOWDOWN[2 * rows, columns] < SLOWDOWN[rows, columns] for rows, columns in [(32, 64), (64, 64), (32, 32)]
    )


@pytest.mark.parametrize("slug", ["nvidia-v100-pcie-32gb", "nvidia-v100-sxm-32gb"])
def test_twice_the_batch_nearly_doubles_a_v100_while_weights_rule(slug):
    gain = 2 * seconds(16, 4096, slug) / seconds(32, 4096, slug)
    assert 1.9 <= gain <= 2.0


@pytest.mark.parametrize("slug", ["nvidia-v100-pcie-32gb", "nvidia-v100-sxm-32gb"])
def test_a_v100_gains_little_from_a_batch_of_thousands_once_it_computes(slug):
    few, many = (predict(MatrixProduct(m, 4096, 4096), machine(slug), launch_overhead_s=6e-6) for m in (128, 7000))
    gain = (7000 / 128) * few.seconds / many.seconds
    assert 1.0 <= gain < 1.3


# Limits


def a_call_s(found):
    """Return the host seconds of one call: of CuPy for a GPU, of NumPy for a CPU."""
    return found.call_overhead_s if isinstance(found, GpuCalibration) else found.launch_overhead_s


@named(KNOWN)
def test_a_tiny_layer_costs_its_launches(device):
    tiny = predict(DenseForward(batch_size=1, n_in=1, n_out=1), device)
    found = calibrate(device)
    assert tiny.seconds == pytest.approx(2 * a_call_s(found) + found.python_step_s, rel=0.1)
    assert tiny.bottleneck == "launch"


@named(KNOWN)
def test_a_huge_product_runs_at_the_sustained_rate(device):
    # A CPU adds the bias on one thread, which servers feel; the rate is that of the product. Longer rows slow a P100.
    product = DenseForward(batch_size=16384, n_in=2048, n_out=16384).kernels[0]
    found = calibrate(device)
    rate = found.flops_per_s["float32"]
    if isinstance(found, GpuCalibration):
        rate *= found.throttled_share
    assert product.flops / found.kernel_time(product).total_s == pytest.approx(rate, rel=0.1)


@named(GPUS)
def test_a_huge_copy_runs_at_the_rate_of_the_link_and_an_empty_one_costs_its_latency(device):
    rate = calibrate(device).link_bandwidth_bytes_per_s
    if rate is None:
        assert device.shares_memory_with_cpu
        assert predict(Copy(10**10), device).seconds == 0.0
        return
    assert 10**12 / predict(Copy(10**12), device).seconds == pytest.approx(rate, rel=1e-3)
    assert predict(Copy(1), device).seconds == pytest.approx(calibrate(device).copy_latency_s, rel=1e-3)


# Physics: nothing beats the roofline of its machine

SIZES = [(b, w) for b in (1, 3, 16, 100, 1024, 16384) for w in (1, 64, 500, 2048, 16384)]
# GPUs' L2 caches stream three to six times what their memory does (A100, H100, H200, L40).
MOST_L2_OVER_MEMORY = 6


def roof(workload, device):
    """Return the least seconds of each kernel: all FLOP at the peak, all bytes at the fastest level."""
    dtype = workload.kernels[0].dtype
    peak = device.peak_flops_per_s[dtype] * max(1.0, device.sustained_share_of_peak.get(dtype, 0.0))
    memory = device.memory_bandwidth_bytes_per_s
    fastest = device.cache_bandwidth_bytes_per_s or MOST_L2_OVER_MEMORY * memory
    for kernel in workload.kernels:
        # What does not fit into the cache must come from memory.
        beyond = max(0, kernel.bytes_moved - (device.cache_bytes or 0))
        yield max(kernel.flops / peak, kernel.bytes_moved / fastest, beyond / memory)


@named(GPUS)
def test_no_gpu_beats_its_roofline_where_peak_is_the_rated_one_or_a_higher_published_share(device):
    for dtype in calibrate(device).flops_per_s:
        for work in (DenseForward, DenseTrainStep):
            for batch, width in SIZES:
                workload = layer(batch, width, dtype, work)
                predicted = predict(workload, device)
                assert predicted.seconds >= sum(roof(workload, device)) * (1 - 1e-12), workload
        for n in (1, 10**4, 10**7, 10**9):
            workload = Elementwise(n, dtype=dtype)
            assert predict(workload, device).seconds >= sum(roof(workload, device)) * (1 - 1e-12), workload


OTHER_WORK = [
    Conv2dForward(batch_size=1, c_in=3, c_out=8, height=16, width=16, kernel=3),
    Conv2dForward(batch_size=64, c_in=64, c_out=128, height=56, width=56, kernel=3, padding=1),
    DependentChain(steps=100, width=64),
    DependentChain(steps=10, width=10**8),
    TrainEpoch(samples=1797, batch_size=64, layer_sizes=(64, 128, 10)),
]


@named(GPUS)
def test_no_gpu_beats_its_roofline_in_convolutions_chains_and_epochs(device):
    for workload in OTHER_WORK:
        assert predict(workload, device).seconds >= sum(roof(workload, device)) * (1 - 1e-12), workload


@named(CPUS)
def test_no_cpu_beats_the_higher_of_its_rated_peak_and_its_published_rate(device):
    rates = (device.peak_flops_per_s.get("float32", 0.0), device.sustained_flops_per_s.get("float32", 0.0))
    for work in (DenseForward, DenseTrainStep):
        for batch, width in SIZES:
            workload = layer(batch, width, work=work)
            assert predict(workload, device).seconds >= workload.flops / max(rates)


@named([device for device in CPUS if device.memory_bandwidth_bytes_per_s])
def test_no_cpu_reads_more_from_memory_than_its_data_sheet_allows(device):
    weights_bytes = 32768**2 * 4
    assert weights_bytes > 4 * (device.cache_bytes or 0)
    for batch in (1, 2, 16):
        assert predict(layer(batch, 32768), device).seconds >= weights_bytes / device.memory_bandwidth_bytes_per_s


@named([device for device in GPUS if device.link_bandwidth_bytes_per_s])
@pytest.mark.parametrize("pinned", [True, False])
@pytest.mark.parametrize("direction", ["h2d", "d2h"])
def test_no_copy_is_faster_than_its_link(device, pinned, direction):
    for n_bytes in (1, 10**3, 10**6, 10**10):
        copied = predict(Copy(n_bytes, direction=direction, pinned=pinned), device)
        assert copied.seconds > n_bytes / device.link_bandwidth_bytes_per_s
        assert (copied.bottleneck, copied.copy_s) == ("copy", copied.seconds)


@named([device for device in GPUS if device.link_bandwidth_bytes_per_s])
def test_a_pageable_copy_is_slower_than_a_pinned_one(device):
    pinned, pageable = (predict(Copy(10**8, pinned=pinned), device).seconds for pinned in (True, False))
    assert pageable > 2 * pinned


# Time never falls when the work grows

DEVICES = st.sampled_from(KNOWN)
WORKS = st.sampled_from([DenseForward, DenseTrainStep])
DTYPE = st.sampled_from(["float32", "float64"])
SIZE = st.integers(min_value=1, max_value=9000)


@settings(max_examples=400, deadline=None)
@given(
    DEVICES,
    WORKS,
    DTYPE,
    SIZE,
    SIZE,
    st.integers(1, 300),
    st.sampled_from(["batch_size", "n_in", "n_out", "width"]),
)
def test_time_never_falls_when_batch_or_width_grows(device, work, dtype, batch, width, more, grows):
    if device.kind == "cpu":  # a column times a row, which two of either would spare, is slower than that
        batch, width = max(batch, 2), max(width, 2)
    elif grows != "batch_size" and calibrate(device).unaligned_share < 1:  # a multiple of 8 may be faster than one less
        width, more = 8 * width, 8 * more
    sizes = {"batch_size": batch, "n_in": width, "n_out": width}
    names = ("n_in", "n_out") if grows == "width" else (grows,)
    bigger = sizes | {name: sizes[name] + more for name in names}
    before, after = (predict(work(dtype=dtype, **each), device).seconds for each in (sizes, bigger))
    assert after >= before * (1 - 1e-12)


@pytest.mark.parametrize("slug", ["nvidia-t4", "nvidia-h200-sxm", "nvidia-jetson-orin-nano-8gb", "amd-ryzen-9-7950x"])
@pytest.mark.parametrize("work", [DenseForward, DenseTrainStep])
@pytest.mark.parametrize("grows", ["batch", "width"])
def test_time_never_falls_along_every_single_size_up_to_a_thousand(slug, work, grows):
    on_cpu = machine(slug).kind == "cpu"
    for fixed in (2 if on_cpu else 1, 16, 256):
        step = 8 if grows == "width" and slug == "nvidia-t4" else 1  # there a multiple of 8 may be faster than one less
        sizes = [(n, fixed) if grows == "batch" else (fixed, n) for n in range(2 if on_cpu else step, 1025, step)]
        times_s = [seconds(*size, slug, work=work) for size in sizes]
        falls = [size for size, a, b in zip(sizes[1:], times_s, times_s[1:], strict=False) if b < a * (1 - 1e-12)]
        assert falls == []


def test_one_sample_trains_slower_than_two_on_a_cpu_but_not_on_a_gpu():
    # NumPy 2.4 takes 83 µs for (256, 1) @ (1, 256) and 6 µs for (256, 2) @ (2, 256), measured on one EPYC core.
    one, two = (DenseTrainStep(batch_size=batch, n_in=256, n_out=256).kernels[2] for batch in (1, 2))
    assert one.name == "x.T @ dy"
    ryzen = calibrate(machine("amd-ryzen-9-7950x"))
    assert 5 < ryzen.kernel_time(one).total_s / ryzen.kernel_time(two).total_s < 25
    t4 = calibrate(machine("nvidia-t4"))
    assert t4.kernel_time(one).total_s <= t4.kernel_time(two).total_s


@named(GPUS)
def test_what_only_a_cpu_feels_does_not_change_a_gpu(device):
    work = TrainEpoch(samples=100, batch_size=50, layer_sizes=(64, 128, 10))
    bare = [replace(kernel, scalar_ops=0, rows=0, cached_bytes=0) for kernel in work.kernels]
    gpu = calibrate(device)
    assert gpu.call_time(work.kernels) == gpu.call_time(bare)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(GPUS), st.integers(1, 10**10), st.integers(0, 10**9))
def test_time_of_a_copy_never_falls_when_it_grows(device, n_bytes, more):
    assert predict(Copy(n_bytes + more), device).seconds >= predict(Copy(n_bytes), device).seconds


@pytest.mark.parametrize("slug", ["nvidia-t4", "nvidia-v100-pcie-32gb", "nvidia-rtx-3090"])
def test_one_sample_above_a_tile_costs_more_than_the_one_that_filled_it(slug):
    def step(batch):
        return seconds(batch + 1, 4096, slug) - seconds(batch, 4096, slug)

    # From 512 on these cards compute; between multiples of a tile one more sample is nearly free.
    on_edges = [step(batch) for batch in range(512, 2048, 256)]
    inside = [step(batch) for batch in range(530, 2048, 256)]
    assert max(on_edges) > 20 * max(inside)


# Every term is visible


@settings(max_examples=200, deadline=None)
@given(DEVICES, WORKS, DTYPE, SIZE, SIZE)
def test_terms_add_up_and_the_band_holds_the_prediction(device, work, dtype, batch, width):
    found = predict(layer(batch, width, dtype, work), device)
    longer = max(found.compute_s, found.memory_s)
    both = found.compute_s + found.memory_s
    slack = 1e-9 * found.seconds
    assert found.launch_s + longer - slack <= found.seconds <= found.launch_s + both + slack
    assert 0 < found.low_s < found.seconds < found.high_s
    assert found.high_s / found.seconds == pytest.approx(found.seconds / found.low_s)
    assert found.machine == device.name


def test_the_bottleneck_moves_from_launch_over_weights_to_compute():
    def bottleneck(batch, width):
        return predict(layer(batch, width), machine("nvidia-h100-sxm")).bottleneck

    assert bottleneck(1, 64) == "launch"
    assert bottleneck(1, 16384) == "memory"
    assert bottleneck(16384, 16384) == "compute"


def test_arithmetic_on_a_gpu_with_less_than_half_its_units_at_work_is_called_filling():
    h200 = machine("nvidia-h200-sxm")
    few, many = layer(128, 128), layer(4096, 4096)
    assert predict(few, h200, launch_overhead_s=0.0).bottleneck == "filling"
    assert calibrate(h200).kernel_time(few.kernels[0]).share_busy < 0.5
    assert predict(many, h200, launch_overhead_s=0.0).bottleneck == "compute"
    assert calibrate(h200).kernel_time(many.kernels[0]).share_busy > 0.5


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(GPUS), SIZE, SIZE, SIZE)
def test_a_tiling_covers_the_product_and_its_waves_cover_its_blocks(device, m, n, k):
    tiling = calibrate(device).tile(m, n, k, "float32")
    tiles = math.ceil(m / tiling.rows) * math.ceil(n / tiling.columns)
    assert tiling.blocks == tiles * tiling.split_k
    assert (tiling.waves - 1) * device.sm_count < tiling.blocks <= tiling.waves * device.sm_count
    assert tiling.compute_s >= 2 * m * n * k / calibrate(device).flops_per_s["float32"] * (1 - 1e-12)


# What the caller says counts


@pytest.mark.parametrize(("work", "launches"), [(DenseForward, 2), (DenseTrainStep, 9)])
def test_the_launch_overhead_of_the_caller_is_used_once_a_kernel_on_a_cpu(work, launches):
    cpu = machine("amd-ryzen-9-7950x")
    without, slow = (predict(layer(256, 512, work=work), cpu, launch_overhead_s=s) for s in (0.0, 50e-6))
    assert without.launch_s == 0.0
    assert slow.launch_s == pytest.approx(launches * 50e-6)
    assert slow.seconds - without.seconds == pytest.approx(launches * 50e-6)


def timeline(times_s, hosts_s):
    """Return when the last kernel ends: an event at a time, as a queue would do it."""
    clock_s, free_at_s = 0.0, 0.0
    for time_s, host_s in zip(times_s, hosts_s, strict=True):
        clock_s += host_s
        free_at_s = max(free_at_s, clock_s) + time_s
    return free_at_s


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(GPUS), WORKS, SIZE, SIZE, st.floats(0.0, 1e-3))
def test_a_gpu_launches_the_next_kernel_while_one_runs(device, work, batch, width, launch_s):
    workload = layer(batch, width, work=work)
    found = predict(workload, device, launch_overhead_s=launch_s)
    times_s = [calibrate(device).kernel_time(kernel).total_s for kernel in workload.kernels]
    assert found.seconds == pytest.approx(timeline(times_s, [launch_s] * len(times_s)))
    assert found.launch_s + sum(times_s) == pytest.approx(found.seconds)
    assert launch_s * (1 - 1e-9) <= found.launch_s <= launch_s * len(times_s) * (1 + 1e-9)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(GPUS), WORKS, SIZE, SIZE, st.integers(1, 20))
def test_calls_queued_in_a_row_take_as_long_as_their_kernels_in_one_queue(device, work, batch, width, calls):
    found = calibrate(device)
    kernels = layer(batch, width, work=work).kernels
    times_s = [found.kernel_time(kernel).total_s for kernel in kernels]
    hosts_s = [found.call_overhead_s + found.python_step_s * kernel.python_steps for kernel in kernels]
    a_call_s = found.call_time(kernels, calls=calls).total_s
    assert calls * a_call_s == pytest.approx(timeline(times_s * calls, hosts_s * calls))


def test_what_numpy_does_block_by_block_is_one_call_of_a_gpu():
    found = calibrate(machine("nvidia-t4"))
    many = Elementwise(10**7, multiply_adds=4)
    assert many.kernels[0].python_steps > 1
    assert found.call_time(many.kernels).launch_s == found.call_overhead_s


def test_pieces_that_python_puts_together_are_as_many_calls_of_a_gpu():
    card = machine("nvidia-h100-sxm")
    small, large = (Conv2dForward(1, 3, 64, 224, 224, kernel, padding=kernel // 2) for kernel in (1, 7))
    gain_s = predict(large, card).seconds - predict(small, card).seconds
    assert gain_s == pytest.approx(48 * calibrate(card).python_step_s, rel=0.3)


def test_an_overhead_of_nothing_leaves_the_kernels():
    for slug in ("nvidia-t4", "amd-ryzen-9-7950x"):
        workload = layer(256, 512)
        found = predict(workload, machine(slug), launch_overhead_s=0)
        kernels_s = sum(calibrate(machine(slug)).kernel_time(kernel).total_s for kernel in workload.kernels)
        assert (found.launch_s, found.seconds) == (0.0, pytest.approx(kernels_s))


def test_a_chain_of_small_steps_waits_for_launches_and_for_calls():
    chain = DependentChain(steps=1000, width=64)
    for slug in ("nvidia-t4", "amd-ryzen-9-7950x"):
        found = predict(chain, machine(slug))
        assert found.bottleneck == "launch"
        assert found.seconds == pytest.approx(1000 * a_call_s(calibrate(machine(slug))), rel=0.05)


def test_a_chain_of_long_steps_waits_for_memory():
    for slug in ("nvidia-t4", "amd-ryzen-9-7950x"):
        assert predict(DependentChain(steps=100, width=10**8), machine(slug)).bottleneck == "memory"


def test_a_given_calibration_is_used_instead_of_the_catalogue():
    t4 = machine("nvidia-t4")
    borrowed = calibrate(machine("nvidia-h100-sxm"))
    found = predict(layer(4096, 4096), t4, calibration=borrowed)
    assert found.seconds == seconds(4096, 4096, "nvidia-h100-sxm")
    assert found.basis.startswith(borrowed.basis)


# Refusals


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -1e-9, 10**400])
def test_a_launch_overhead_that_is_no_time_is_refused(bad):
    with pytest.raises(
        ValueError, match=r"^launch_overhead_s must be a number of seconds of at least 0, got "
    ) as error:
        predict(layer(1, 1), machine("nvidia-t4"), launch_overhead_s=bad)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("bad", [3, 0, "nvidia-t4"])
def test_what_is_no_calibration_is_refused(bad):
    with pytest.raises(TypeError, match=r"^calibration must be what calibrate or calibrate_from returns, got "):
        predict(layer(1, 1), machine("nvidia-t4"), calibration=bad)


@pytest.mark.parametrize("bad", ["6e-6", True, [1]])
def test_a_launch_overhead_that_is_no_number_is_refused(bad):
    with pytest.raises(TypeError, match=r"^launch_overhead_s must be a number of seconds of at least 0, got "):
        predict(layer(1, 1), machine("nvidia-t4"), launch_overhead_s=bad)


def test_a_dtype_without_a_rate_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"^no float16 rate is known for .*4060 Laptop; known: float32, float64$"):
        predict(layer(1, 1, "float16"), machine("nvidia-rtx-4060-laptop"))


def test_a_copy_on_a_cpu_is_refused():
    with pytest.raises(ValueError, match=r"^a copy crosses the link of a GPU, got the CPU AMD Ryzen 9 7950X$"):
        predict(Copy(8), machine("amd-ryzen-9-7950x"))


def test_a_slug_is_not_a_machine():
    with pytest.raises(TypeError, match=r"machine must be a Machine such as .*, got 'nvidia-t4'"):
        predict(layer(1, 1), "nvidia-t4")


def test_a_number_is_not_a_workload():
    with pytest.raises(TypeError, match="workload must be a workload such as DenseForward, got 4"):
        predict(4, machine("nvidia-t4"))


# Where the numbers come from


@named(machines())
def test_every_machine_calibrates_or_says_in_one_sentence_what_is_missing(device):
    if not calibrates(device):
        with pytest.raises(ValueError, match=re.escape(device.name)) as error:
            calibrate(device)
        assert "\n" not in str(error.value)
        return
    found = calibrate(device)
    assert isinstance(found, GpuCalibration if device.kind == "gpu" else CpuCalibration)
    rates = [value for name in found.__slots__ if name.endswith("_per_s") for value in positive(getattr(found, name))]
    assert all(math.isfinite(rate) and rate > 0 for rate in rates)
    assert set(found.flops_per_s) <= set(DTYPE_BYTES)


def positive(value):
    if value is None:
        return []
    return list(value.values()) if hasattr(value, "values") else [value]


@pytest.mark.parametrize(
    ("slug", "words"),
    [
        ("nvidia-t4", "published for this card"),
        ("nvidia-rtx-4060", "typical of GeForce cards"),
        ("nvidia-p100-pcie-16gb", "published for this card"),
        ("nvidia-h100-pcie", "typical of data-centre cards"),
        ("nvidia-jetson-orin-nano-8gb", "typical of boards of up to 150 W"),
        ("amd-ryzen-9-7950x", "published for this CPU"),
        ("intel-core-i7-9700k", "typical of CPUs"),
    ],
)
def test_the_basis_says_whether_rates_are_published_or_typical(slug, words):
    assert predict(layer(1, 1), machine(slug)).basis.startswith(f"Sustained float32 rate: {words}.")


def test_the_basis_is_that_of_the_number_format_asked_for():
    card = machine("nvidia-h100-pcie")  # its float16 share is published, its float32 share is not
    half, single = (predict(layer(4096, 4096, dtype=dtype), card) for dtype in ("float16", "float32"))
    assert "float16 rate: published" in half.basis
    assert "float32 rate: typical" in single.basis
    assert single.high_s / single.low_s > half.high_s / half.low_s


def test_a_typical_rate_has_a_wider_band_than_a_published_one():
    published, typical = (predict(layer(1024, 4096), machine(slug)) for slug in ("nvidia-t4", "nvidia-rtx-4060"))
    assert typical.high_s / typical.low_s > published.high_s / published.low_s


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(GPUS), SIZE, SIZE, SIZE)
def test_the_tiling_taken_is_the_fastest_of_those_listed(device, m, n, k):
    calibration = calibrate(device)
    tilings = calibration.tilings(m, n, k, "float32")
    assert calibration.tile(m, n, k, "float32") in tilings
    assert calibration.tile(m, n, k, "float32").compute_s == min(each.compute_s for each in tilings)
    for each in tilings:
        tiles = math.ceil(m / each.rows) * math.ceil(n / each.columns)
        assert each.blocks == tiles * each.split_k
        assert each.waves == math.ceil(each.blocks / device.sm_count)
    shapes = [(each.rows, each.columns, each.split_k) for each in tilings]
    assert len(set(shapes)) == len(shapes)
    assert (128, 128, 1) in shapes
