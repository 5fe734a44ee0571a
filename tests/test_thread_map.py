"""The map from a neuron's value to the GPU: its cells counted, its words read, its refusals."""

import re
from collections import Counter
from dataclasses import replace
from html import unescape

import pytest
import vl_convert

from gpu_lessons import plot_thread_map
from gpu_lessons.charts.bundle import VEGA_LITE
from gpu_lessons.hardware.machines import machine, machines

T4 = machine("nvidia-t4")
GPUS = [each for each in machines() if each.kind == "gpu" and each.max_threads_per_sm]
WORK, WORK_DARK, MACHINE, MACHINE_DARK = "#a7d8d2", "#0f766e", "#cbd5e1", "#1f2937"


def spec_of(gpu):
    return plot_thread_map(gpu)._repr_mimebundle_()[0][VEGA_LITE]


def counts(gpu):
    """Return how many cells have each color, and the cells."""
    [cells] = [layer["data"]["values"] for layer in spec_of(gpu)["layer"] if layer["mark"]["type"] == "rect"]
    return Counter(cell["color"] for cell in cells), cells


def test_a_t4_has_as_many_cells_as_things():
    colors, _ = counts(T4)
    # values of a thread, threads of a warp, warps of a block, blocks of the layer: one of each is marked
    assert colors[WORK] + colors[WORK_DARK] == 64 + 32 + 8 + 40
    assert colors[WORK_DARK] == 4
    # a lane; the lanes of an SM, a warp's 32 marked; its 32 warps, a block's 8 marked; 40 SMs, all taken
    assert colors[MACHINE] + colors[MACHINE_DARK] == 1 + 64 + 32 + 40
    assert colors[MACHINE_DARK] == 1 + 32 + 8 + 40


@pytest.mark.parametrize("gpu", GPUS, ids=lambda gpu: gpu.slug)
def test_no_sm_gets_a_second_block_and_cells_never_overlap(gpu):
    colors, cells = counts(gpu)
    blocks = 8 * (gpu.sm_count // 8)
    assert colors[MACHINE_DARK] == 1 + 32 + 8 + blocks
    assert all(cell["x"] < cell["x2"] and cell["y"] < cell["y2"] for cell in cells)
    places = [(cell["place"], cell["x"], cell["y"]) for cell in cells]
    assert len(set(places)) == len(places)


def test_the_words_name_the_card_and_its_own_numbers():
    svg = vl_convert.vegalite_to_svg(spec_of(T4), vl_version="5.20")
    said = [unescape(text) for text in re.findall(r"<(?:text|tspan)[^>]*>([^<]+)<", svg)]
    for text in ("thread", "warp", "block", "layer", "lane", "64 lanes", "SM", "GPU", "40 SMs,", "NVIDIA T4"):
        assert text in said
    assert "1,024 samples × 640 neurons" in said
    assert "holds at most 32 warps," in said


def test_the_sentence_tells_the_whole_way_and_the_table_has_four_steps():
    figure = plot_thread_map(T4)
    sentence = figure.sentence()
    assert re.fullmatch(r"[^\n]*\.", sentence)
    at = [sentence.index(word) for word in ("thread (", "warp (", "block (", "layer (", "lane (", "SM (", "GPU (")]
    assert at == sorted(at)
    assert [row["work"] for row in figure.table()] == ["thread", "warp", "block", "layer"]


def test_a_cpu_and_a_card_with_unknown_numbers_are_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"^gpu must be a GPU of the catalogue, got AMD EPYC 9654$"):
        plot_thread_map(machine("amd-epyc-9654"))
    with pytest.raises(TypeError, match=r"^gpu must be a Machine such as gl.machine\('nvidia-t4'\), got 'nvidia-t4'$"):
        plot_thread_map("nvidia-t4")
    with pytest.raises(
        ValueError, match=r"^the catalogue has no max_threads_per_sm for NVIDIA T4; choose another GPU$"
    ):
        plot_thread_map(replace(T4, max_threads_per_sm=None))
