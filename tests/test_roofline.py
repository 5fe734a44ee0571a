"""The figure of lesson 05: counts by hand, ridges by trying every batch, nothing above its roof, every corner drawn."""

import itertools
import json
import re
from html import unescape

import pytest
import vl_convert

from gpu_lessons.charts.bundle import VEGA_LITE
from gpu_lessons.explorers import explore_roofline
from gpu_lessons.explorers.roofline import BATCHES_LOG2, WIDTHS_LOG2, roofline_grid
from gpu_lessons.explorers.roofs import roof_of
from gpu_lessons.hardware.machines import machine
from gpu_lessons.model import calibrate
from gpu_lessons.recorded import load_recording

RECORDED = "amd-epyc-2-cores-2026-11-25"
T4, CORE = machine("nvidia-t4"), machine("intel-core-i9-10900k")
SIZES = {"float16": 2, "float32": 4, "float64": 8}
CORNERS = list(itertools.product((BATCHES_LOG2[0], BATCHES_LOG2[-1]), (WIDTHS_LOG2[0], WIDTHS_LOG2[-1])))


@pytest.fixture(scope="module")
def grid():
    return roofline_grid(gpu=T4, cpu=CORE, dtype="float32")


def layer(row):
    return 2 ** row["batch_log2"], 2 ** row["width_log2"]


def drawn(grid, batch_log2, width_log2):
    """Return the SVG with the sliders there."""
    spec = explore_roofline().drawn(grid, {"batch_log2": batch_log2, "width_log2": width_log2}).to_dict()
    return vl_convert.vegalite_to_svg(spec, vl_version="5.20")


def texts(svg):
    return [unescape(text) for text in re.findall(r"<t(?:ext|span)[^>]*>([^<]+)</t", svg)]


@pytest.mark.parametrize("dtype", SIZES)
def test_bytes_and_flop_are_those_counted_by_hand(dtype):
    for row in roofline_grid(gpu=T4, cpu=CORE, dtype=dtype).rows():
        batch, width = layer(row)
        size = SIZES[dtype]
        assert (row["weights_bytes"], row["batch_bytes"]) == (size * width * width, size * batch * width)
        assert row["outputs_bytes"] == row["batch_bytes"]
        moved = size * (width * width + 2 * batch * width)
        assert row["gpu_intensity"] == pytest.approx(2 * batch * width * width / moved, rel=1e-3)


def test_a_cpu_computes_in_float32_where_the_gpu_has_float16():
    half = roofline_grid(gpu=T4, cpu=CORE, dtype="float16")
    assert all(row["gpu_intensity"] == pytest.approx(2 * row["cpu_intensity"], rel=1e-3) for row in half.rows())
    assert "Intel Core i9-10900K in float32" in half.cpu_name


def test_there_is_one_row_for_every_batch_and_width(grid):
    places = [(row["batch_log2"], row["width_log2"]) for row in grid.rows()]
    assert sorted(places) == sorted(itertools.product(BATCHES_LOG2, WIDTHS_LOG2))


@pytest.mark.parametrize("gpu", ["nvidia-t4", "nvidia-rtx-4090", "nvidia-l4", "nvidia-h200-sxm"])
def test_the_batch_at_the_ridge_is_the_first_that_gets_there(gpu):
    grid = roofline_grid(gpu=machine(gpu), cpu=CORE, dtype="float32")
    for width_log2 in WIDTHS_LOG2:
        width = 2**width_log2
        reaches = (b for b in range(1, 50_000) if 2 * b * width >= 4 * (width + 2 * b) * grid.gpu_roof.ridge)
        assert grid.ridge_batch(width_log2) == next(reaches, None)


def test_a_layer_too_narrow_for_the_ridge_is_said_to_stay_left_of_it():
    grid = roofline_grid(gpu=machine("nvidia-l4"), cpu=CORE, dtype="float32")
    assert grid.ridge_batch(7) is None
    assert "no batch of this width" in grid.ridge_words(7)
    assert "So narrow a layer stays left of the ridge" in grid.words(grid.at(12, 7))


def test_the_roof_is_the_data_sheet_s_where_that_has_both_rates():
    roof = roof_of(T4, "float32")
    assert (roof.flops_per_s, roof.memory_bytes_per_s) == (8.14e12, 320e9)
    assert roof.origin == "roof: data sheet"
    assert roof_of(machine("amd-ryzen-9-7950x"), "float32").origin == "roof: sustained rates"


@pytest.mark.parametrize("gpu", ["nvidia-t4", "nvidia-rtx-4090", "nvidia-h100-sxm"])
@pytest.mark.parametrize("dtype", SIZES)
def test_no_layer_stands_above_the_roof_of_the_cache_or_of_the_arithmetic(gpu, dtype):
    grid = roofline_grid(gpu=machine(gpu), cpu=CORE, dtype=dtype)
    for row in grid.rows():
        for kind, roof in (("gpu", grid.gpu_roof), ("cpu", grid.cpu_roof)):
            limit = min(roof.flops_per_s, row[f"{kind}_intensity"] * roof.cache_bytes_per_s)
            assert row[f"{kind}_rate"] <= 1.001 * limit


def test_the_headline_follows_what_the_gpu_waits_for(grid):
    headlines = {
        place: grid.rows()[grid.points.index(grid.at(*place))]["headline"] for place in ((0, 7), (0, 13), (12, 13))
    }
    assert list(headlines.values()) == ["The launch decides", "Memory decides", "Arithmetic decides"]


def test_a_rate_is_the_flop_of_the_product_over_the_model_s_seconds(grid):
    device = calibrate(T4)
    for point in grid.points[::9]:
        batch, width = point.batch, 2**point.width_log2
        kernel_s = device.kernel_time(point.gpu_kernel).total_s
        assert point.gpu_kernel.flops == 2 * batch * width * width
        host_s = device.call_overhead_s + device.python_step_s
        assert kernel_s < point.gpu_s <= 1.0001 * (kernel_s + host_s)


def test_a_machine_without_the_format_is_refused_by_name():
    with pytest.raises(ValueError, match="no float16 rate is known for NVIDIA RTX 2080 Ti; known: float32, float64"):
        roofline_grid(gpu=machine("nvidia-rtx-2080-ti"), cpu=CORE, dtype="float16")


def test_recorded_times_are_dots_of_their_width():
    recording = load_recording(RECORDED)
    grid = roofline_grid(gpu=T4, cpu=recording.cpu, dtype="float32")
    assert len(grid.dots) > 10
    assert {dot["kind"] for dot in grid.dots} == {"cpu"}
    assert drawn(grid, 4, 11).count("path") > drawn(roofline_grid(gpu=T4, cpu=CORE, dtype="float32"), 4, 11).count(
        "path"
    )


@pytest.mark.parametrize(("batch_log2", "width_log2"), CORNERS)
def test_every_corner_is_drawn_with_its_words(grid, batch_log2, width_log2):
    point = grid.at(batch_log2, width_log2)
    said = texts(drawn(grid, batch_log2, width_log2))
    for words in (*grid.words(point), *grid.ridge_words(width_log2), grid.cpu_name, grid.gpu_name):
        assert words.replace("  ", " ") in [each.replace("  ", " ") for each in said]


def test_the_explorer_starts_where_it_is_told_and_says_so():
    sentence = explore_roofline(gpu="nvidia-l4", batch_size=64, width=1024).sentence()
    assert "the L4 could do 101; batch 64, width 1,024, float32" in sentence
    assert "4.19 MB of the 4.72 MB that move are weights" in sentence


def test_the_chart_is_at_most_200_kilobytes(monkeypatch):
    monkeypatch.setenv("GPU_LESSONS_DISPLAY", "static")
    data, _ = explore_roofline()._repr_mimebundle_()
    assert len(json.dumps(data[VEGA_LITE])) < 200_000


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"gpu": "amd-epyc-9654"}, "gpu must be a GPU of the catalogue"),
        ({"cpu": "nvidia-t4"}, "cpu must be a CPU of the catalogue"),
        ({"batch_size": 3}, "batch_size"),
        ({"width": 64}, "width"),
        ({"dtype": "int8"}, "dtype"),
    ],
)
def test_a_wrong_start_is_refused_by_name(choices, message):
    with pytest.raises(ValueError, match=message):
        explore_roofline(**choices)
