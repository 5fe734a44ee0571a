"""The explorer of lesson 10: its counts against loops over small layers, its times against predictions, its words."""

import itertools
import math

import pytest

import gpu_lessons as gl
from gpu_lessons.explorers import explore_convolution
from gpu_lessons.explorers.convolution import BATCHES_LOG2, CHANNELS_LOG2, KERNELS, WIDTHS_LOG2
from gpu_lessons.explorers.convolution_ways import WAYS, Layer, fast_size

GPU, CPU = gl.machine("nvidia-t4"), gl.machine("amd-ryzen-9-7950x")
PARAMETERS = ("width_log2", "channels_log2", "kernel", "batch_log2")
EVERY = list(itertools.product(WIDTHS_LOG2, CHANNELS_LOG2, KERNELS, BATCHES_LOG2))
CORNERS = list(
    itertools.product(*((steps[0], steps[-1]) for steps in (WIDTHS_LOG2, CHANNELS_LOG2, KERNELS, BATCHES_LOG2)))
)
ON_THE_FLY, WINOGRAD, FFT = 1, 2, 3


@pytest.fixture(scope="module")
def rows():
    return {tuple(row[name] for name in PARAMETERS): row for row in explore_convolution().table()}


def layer(width_log2, channels_log2, kernel, batch_log2):
    return Layer(2**batch_log2, 2**channels_log2, 2**width_log2, kernel)


def work(width_log2, channels_log2, kernel, batch_log2):
    batch, channels, width = 2**batch_log2, 2**channels_log2, 2**width_log2
    return gl.Conv2dForward(batch, channels, channels, width, width, kernel, padding=kernel // 2)


def test_there_is_a_row_for_every_combination(rows):
    assert sorted(rows) == sorted(EVERY)


@pytest.mark.parametrize("corner", CORNERS, ids=str)
def test_stored_patches_take_what_the_layer_of_the_course_is_predicted_to_take(rows, corner):
    row = rows[corner]
    for kind, machine in (("cpu", CPU), ("gpu", GPU)):
        found = gl.predict(work(*corner), machine)
        room = machine.memory_bytes or 128e9
        if work(*corner).memory_bytes > room:
            assert f"{kind}0" not in row
        else:
            assert row[f"{kind}0"] == pytest.approx(found.seconds, rel=1e-3)
            assert row["gpu0_band" if kind == "gpu" else "cpu0_band"] == pytest.approx(
                found.high_s / found.seconds, rel=1e-3
            )


@pytest.mark.parametrize("corner", CORNERS, ids=str)
def test_the_figure_can_start_at_every_corner_and_says_where_it_stands(corner):
    width_log2, channels_log2, kernel, batch_log2 = corner
    explorer = explore_convolution(
        width=2**width_log2, channels=2**channels_log2, kernel=kernel, batch_size=2**batch_log2
    )
    sentence = explorer.sentence()
    assert f"batch {2**batch_log2:,} of {2**width_log2:,} × {2**width_log2:,} pixels" in sentence
    assert f"each weight is used {2 ** (batch_log2 + 2 * width_log2):,} times" in sentence


def test_every_time_is_positive_and_the_headline_follows_from_the_fastest_of_each_machine(rows):
    for row in rows.values():
        best = {
            kind: min((row[f"{kind}{place}"] for place in range(4) if f"{kind}{place}" in row), default=None)
            for kind in ("cpu", "gpu")
        }
        assert all(time is None or time > 0 for time in best.values())
        if best["gpu"] is None:
            assert row["headline"].startswith("Out of memory: ")
        elif best["cpu"] is None:
            assert row["headline"] == "Only the GPU has room for it"
        elif "either" not in row["headline"]:
            assert ("faster" in row["headline"]) == (best["gpu"] < best["cpu"])
            assert row["cpu_wins"] == ("slower" in row["headline"])


def test_what_does_not_fit_has_no_time_and_says_what_it_needs(rows):
    too_large = [
        (row, place)
        for corner, row in rows.items()
        for place, way in enumerate(WAYS)
        if way.memory_bytes(layer(*corner)) > GPU.memory_bytes
    ]
    assert too_large
    assert all(f"gpu{place}" not in row and row[f"full{place}"].endswith("B") for row, place in too_large)
    assert sum(f"full{place}" in row for row in rows.values() for place in range(4)) == len(too_large)


def test_winograd_is_for_filters_of_three_and_library_ways_are_for_gpus(rows):
    for (_, _, kernel, _), row in rows.items():
        assert (f"gpu{WINOGRAD}" in row) <= (kernel == 3)
        assert "cpu1" not in row
        assert "cpu2" not in row


def test_nobody_compared_the_fft_nor_libraries_on_an_untested_card_with_a_clock(rows):
    assert all(f"{kind}{FFT}_band" not in row for row in rows.values() for kind in ("cpu", "gpu"))
    assert all(f"gpu{ON_THE_FLY}_band" in row for row in rows.values() if f"gpu{ON_THE_FLY}" in row)
    untested = explore_convolution(gpu="nvidia-rtx-5090").table()
    assert all("gpu1_band" not in row and "gpu2_band" not in row for row in untested)


def counted(batch, channels, width, kernel):
    """Count multiply-adds by looping over every output and every place in a filter, padding included."""
    return sum(
        channels * channels
        for _ in range(batch)
        for _ in itertools.product(range(width), repeat=2)
        for _ in itertools.product(range(kernel), repeat=2)
    )


@pytest.mark.parametrize("sizes", [(1, 2, 4, 3), (3, 1, 5, 5), (2, 3, 6, 7)])
def test_a_layer_counts_its_multiply_adds_once_each(sizes):
    of = Layer(*sizes)
    assert of.flops == 2 * counted(*sizes)
    [kernel] = WAYS[ON_THE_FLY].kernels(of)
    batch, channels, width, size = sizes
    images = 2 * batch * channels * width**2  # in and out
    assert (kernel.flops, kernel.bytes_moved) == (of.flops, 4 * (images + channels**2 * size**2))


def test_winograd_multiplies_sixteen_times_where_four_outputs_take_thirty_six():
    of = Layer(2, 8, 32, 3)
    product = next(kernel for kernel in WAYS[WINOGRAD].kernels(of) if kernel.matmul)
    assert of.flops / product.flops == 36 / 16


def test_a_transform_has_only_small_factors_and_none_smaller_has():
    def is_fast(size):
        return size == 1 or any(size % factor == 0 and is_fast(size // factor) for factor in (2, 3, 5))

    for least in range(1, 600):
        assert fast_size(least) == next(size for size in itertools.count(least) if is_fast(size))


def test_an_fft_multiplies_all_channels_at_each_frequency_of_the_padded_image():
    of = Layer(2, 3, 12, 5)  # 12 + 4 pixels are 16, whose real transform has 16 x 9 frequencies
    [products] = [kernel for kernel in WAYS[FFT].kernels(of) if kernel.matmul]
    assert products.flops == 8 * 16 * 9 * 2 * 3 * 3  # a complex multiply-add is 8 FLOP
    [forward, *_] = WAYS[FFT].kernels(of)
    assert forward.flops == round(2.5 * 2 * 3 * 256 * math.log2(256))


def test_the_bytes_of_a_weight_are_shared_by_every_pixel(rows):
    for corner in CORNERS:
        row, of = rows[corner], layer(*corner)
        assert row["uses"] == of.batch * of.width**2
        assert row["dense_uses"] == of.batch
        assert row["fly_intensity"] > row["stored_intensity"]
        dense = gl.DenseForward(of.batch, of.channels, of.channels)
        assert row["dense_intensity"] == pytest.approx(dense.arithmetic_intensity, rel=1e-3)


@pytest.mark.parametrize(
    ("argument", "value"),
    [("width", 100), ("width", 1024), ("channels", 8), ("kernel", 4), ("kernel", True), ("batch_size", 2)],
)
def test_a_start_that_no_slider_has_is_refused_by_name(argument, value):
    with pytest.raises(ValueError, match=argument):
        explore_convolution(**{argument: value})
