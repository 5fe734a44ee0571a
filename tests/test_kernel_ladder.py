"""The predicted ladder of kernels: its limits, what holds each step back, and how far it is off the published one."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

import gpu_lessons as gl
from gpu_lessons.hardware.machines import Machine, machine, machines
from gpu_lessons.model.kernel_ladder import load_store_of, misfit, predict_kernel
from gpu_lessons.work.matrix_kernels import MATRIX_KERNELS, MatrixKernel

GPUS = [each for each in machines() if each.kind == "gpu"]
A6000 = machine("nvidia-rtx-a6000")
TILES = (8, 16, 32, 64, 128)

#: The kernels that S. Boehm published, in order, by the words of data/published/sgemm-cuda.toml.
BOEHM = {
    "naive": MatrixKernel(number=1, title="", tile=32, coalesced=False),
    "coalesced": MatrixKernel(number=2, title="", tile=32),
    "shared memory": MatrixKernel(number=3, title="", tile=32, depth=32, shared=True),
    "1D tiles": MatrixKernel(number=4, title="", tile=64, depth=8, each=8, each_across=1, shared=True, together=True),
    "2D tiles": MatrixKernel(number=4, title="", tile=128, depth=8, each=8, shared=True, together=True),
    "vector loads": MatrixKernel(
        number=5, title="", tile=128, depth=8, each=8, vector=4, shared=True, together=True, turned=True
    ),
}
PUBLISHED = {
    each.title.removeprefix("matrix product kernel: "): each.value
    for each in gl.published()
    if each.title.startswith("matrix product kernel: ")
}


def steps_at(tile: int, gpu: Machine) -> list[MatrixKernel]:
    return [each for step in MATRIX_KERNELS for each in [step.at_tile(tile)] if misfit(each, gpu) is None]


def test_the_published_ladder_is_there_and_rises() -> None:
    rates = list(PUBLISHED.values())
    assert rates == sorted(rates)
    assert len(rates) == 9
    assert PUBLISHED["naive"] / PUBLISHED["cuBLAS"] == pytest.approx(0.013, rel=0.03)
    assert PUBLISHED["warp tiles"] / PUBLISHED["cuBLAS"] == pytest.approx(0.937, rel=0.001)


@pytest.mark.parametrize(
    ("name", "off_by"),
    # Predicted over published rate. The last two are held back by what the picture leaves out: waiting.
    [
        ("naive", 0.94),
        ("coalesced", 1.21),
        ("shared memory", 1.17),
        ("1D tiles", 0.92),
        ("2D tiles", 1.35),
        ("vector loads", 1.19),
    ],
)
def test_how_far_the_picture_is_off_each_published_kernel(name: str, off_by: float) -> None:
    found = predict_kernel(BOEHM[name], A6000, 4092, 4092, 4092)
    assert found.flops_per_s / PUBLISHED[name] == pytest.approx(off_by, abs=0.02)


def test_the_predicted_ladder_rises_as_the_published_one() -> None:
    rates = [predict_kernel(kernel, A6000, 4092, 4092, 4092).flops_per_s for kernel in BOEHM.values()]
    assert rates == sorted(rates)


def test_without_an_l1_cache_the_first_two_kernels_would_be_twice_as_slow_as_they_are() -> None:
    """Why sectors are not held against the L2 cache: those that a block asks for again never get there."""
    for name in ("naive", "coalesced"):
        asked = BOEHM[name].counts(4092, 4092, 4092).load_bytes
        l2_bytes_per_s = A6000.sm_count * A6000.clock_hz * 14.7  # type: ignore[operator]
        assert 2 * 4092**3 / (asked / l2_bytes_per_s) < PUBLISHED[name] / 2


@pytest.mark.parametrize("gpu", GPUS, ids=lambda gpu: gpu.slug)
def test_no_step_is_faster_than_arithmetic_or_memory_let_it(gpu: Machine) -> None:
    for size in (256, 1024, 4096):
        product = gl.MatrixProduct(size, size, size)
        sustained = max(gpu.peak_flops_per_s["float32"] * 1.25, 0)
        least_s = max(product.flops / sustained, product.bytes_moved / gpu.memory_bandwidth_bytes_per_s)  # type: ignore[operator]
        cached = product.bytes_moved <= (gpu.cache_bytes or 0)
        for tile in TILES:
            for step in steps_at(tile, gpu):
                found = predict_kernel(step, gpu, size, size, size)
                assert found.seconds >= (product.flops / sustained if cached else least_s)
                assert 0 < found.share <= 1
                assert found.memory_bytes >= product.bytes_moved


@pytest.mark.parametrize("gpu", GPUS, ids=lambda gpu: gpu.slug)
def test_each_step_is_at_least_as_fast_as_the_one_before(gpu: Machine) -> None:
    shares = [predict_kernel(step, gpu, 4096, 4096, 4096).share for step in MATRIX_KERNELS]
    for before, after in pairwise(shares):
        assert after > 0.99 * before  # where step 5 stores its numbers four columns apart it loses a little
    assert shares[1] > 3 * shares[0]
    assert shares[3] > 2 * shares[2]


@pytest.mark.parametrize("slug", ["nvidia-rtx-a6000", "nvidia-h100-sxm", "nvidia-v100-sxm-32gb"])
def test_a_larger_tile_is_never_slower_nor_asks_memory_for_more(slug: str) -> None:
    gpu = machine(slug)
    for step in MATRIX_KERNELS:
        kernels = [each for tile in (16, 32, 64, 128) for each in [step.at_tile(tile)] if misfit(each, gpu) is None]
        found = [predict_kernel(each, gpu, 4096, 4096, 4096) for each in kernels]
        asked = [each.counts.load_bytes for each in found]
        assert asked == sorted(asked, reverse=True)
        assert all(b.seconds <= 1.001 * a.seconds for a, b in pairwise(found))


def test_what_holds_back_each_step_on_an_a6000() -> None:
    held = [predict_kernel(step, A6000, 4096, 4096, 4096).bottleneck for step in MATRIX_KERNELS]
    assert held == ["passes", "requests", "requests", "requests", "passes"]


def test_an_uncoalesced_load_takes_a_clock_for_each_of_its_lines() -> None:
    # 4096^3 / 32 pairs of requests, of 16 + 1 lines each, dealt to 84 SMs at 1.8 GHz: 781 blocks for the most loaded.
    found = predict_kernel(MATRIX_KERNELS[0], A6000, 4096, 4096, 4096)
    clocks = -(-256 * 256 // 84) * 8 * (4096 * 17 + 16)
    assert found.parts_s["passes"] == pytest.approx(clocks / 1.8e9, rel=1e-9)


def test_the_units_of_an_a40_take_half_as_many_requests_as_those_of_an_a100_in_a_clock() -> None:
    wide, narrow = load_store_of(machine("nvidia-a100-sxm-80gb")), load_store_of(A6000)
    assert wide.requests_per_s == wide.passes_per_s == pytest.approx(108 * 1.41e9)
    assert narrow.requests_per_s == narrow.passes_per_s / 2


@pytest.mark.parametrize(
    ("step", "tile", "said"),
    [
        (3, 64, "4,096 threads, a block has at most 1,024"),
        (4, 256, "288 numbers a thread, it has 255 registers"),
        (5, 128, None),
    ],
)
def test_what_does_not_fit_is_said(step: int, tile: int, said: str | None) -> None:
    assert misfit(MATRIX_KERNELS[step - 1].at_tile(tile), A6000) == said


def test_shared_memory_that_an_sm_lacks_is_said_in_kib() -> None:
    deep = replace(MATRIX_KERNELS[3].at_tile(128), depth=128)
    assert misfit(deep, machine("nvidia-t4")) == "128 KiB of shared memory, an SM has 64"
    with pytest.raises(ValueError, match="kernel must fit on an SM of NVIDIA T4, got 128 KiB of shared memory"):
        predict_kernel(deep, machine("nvidia-t4"), 1024, 1024, 1024)


def test_a_gpu_of_which_too_little_is_known_is_refused() -> None:
    with pytest.raises(ValueError, match="the catalogue has no clock_hz for NVIDIA T4; choose another GPU"):
        load_store_of(replace(machine("nvidia-t4"), clock_hz=None))
