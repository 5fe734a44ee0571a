"""Explorers as a cell shows them: the main one at every corner, and the inputs every saved one has."""

import itertools
import json
import re

import altair as alt
import pytest
import vl_convert

from gpu_lessons.charts.bundle import VEGA_LITE
from gpu_lessons.explorers import (
    explore_batch_and_width,
    explore_chain,
    explore_choice,
    explore_convolution,
    explore_crossing,
    explore_epoch,
    explore_inside_the_gpu,
    explore_kernel,
    explore_memory_limits,
    explore_roofline,
    explore_timeline,
    explore_training,
)
from gpu_lessons.explorers.controls import Slider
from gpu_lessons.explorers.layer_grid import BATCHES_LOG2, WIDTHS_LOG2, WORKS
from gpu_lessons.hardware.machines import UnknownMachineError, machine, machines
from gpu_lessons.units import DTYPE_BYTES

WIDGET = "application/vnd.jupyter.widget-view+json"
CORNERS = list(itertools.product((BATCHES_LOG2[0], BATCHES_LOG2[-1]), (WIDTHS_LOG2[0], WIDTHS_LOG2[-1])))
GPUS = [each.slug for each in machines() if each.kind == "gpu"]
CPUS = [each.slug for each in machines() if each.kind == "cpu"]


def shown(**choices):
    """Return the explorer, or the sentence it declines with; any other error is a failure."""
    try:
        return explore_batch_and_width(**choices)
    except ValueError as error:
        return str(error)


def check(explorer, cpu_or_gpu):
    if isinstance(explorer, str):
        assert machine(cpu_or_gpu).name in explorer
        assert "\n" not in explorer
        return
    for row in explorer.table():
        assert min(row["cpu_s"], row["gpu_s"], row["bus_s"]) > 0
        assert row["headline"]
    json.dumps(explorer.table(), allow_nan=False)
    assert len(explorer.table()) == len(BATCHES_LOG2) * len(WIDTHS_LOG2)


# Every corner


@pytest.mark.parametrize("work", list(WORKS))
@pytest.mark.parametrize("dtype", list(DTYPE_BYTES))
@pytest.mark.parametrize("gpu", GPUS)
def test_every_gpu_gives_a_figure_or_one_sentence_at_every_corner(gpu, dtype, work):
    check(shown(gpu=gpu, dtype=dtype, work=work), gpu)


@pytest.mark.parametrize("dtype", list(DTYPE_BYTES))
@pytest.mark.parametrize("cpu", CPUS)
def test_every_cpu_gives_a_figure_or_one_sentence_at_every_corner(cpu, dtype):
    check(shown(cpu=cpu, dtype=dtype, work="training step"), cpu)


@pytest.mark.parametrize("corner", CORNERS)
def test_the_figure_can_start_at_every_corner(corner):
    batch_size, width = (2**exponent for exponent in corner)
    explorer = explore_batch_and_width(batch_size=batch_size, width=width)
    assert f"batch {batch_size:,}, width {width:,}, float32, forward pass" in explorer.sentence()


@pytest.mark.parametrize(
    ("choices", "error", "words"),
    [
        ({"batch_size": 100}, ValueError, "batch_size must be a power of two from 1 to 16,384, got 100"),
        ({"batch_size": 0}, ValueError, "batch_size must be an integer of at least 1, got 0"),
        ({"batch_size": 2.0}, TypeError, "batch_size must be an integer of at least 1, got 2.0"),
        ({"batch_size": 32768}, ValueError, "batch_size must be a power of two from 1 to 16,384, got 32768"),
        ({"width": 32}, ValueError, "width must be a power of two from 64 to 16,384, got 32"),
        ({"dtype": "int8"}, ValueError, "dtype must be one of float16, float32, float64, got 'int8'"),
        ({"work": "backward"}, ValueError, "work must be one of forward, training step, got 'backward'"),
        (
            {"gpu": "amd-epyc-9654"},
            ValueError,
            "gpu must be a GPU of the catalogue, got the CPU 'amd-epyc-9654'",
        ),
        ({"cpu": "nvidia-t4"}, ValueError, "cpu must be a CPU of the catalogue, got the GPU 'nvidia-t4'"),
        (
            {"gpu": "nvidia-t5"},
            UnknownMachineError,
            "no machine 'nvidia-t5' in the catalogue; nearest: nvidia-t4",
        ),
    ],
)
def test_a_wrong_choice_is_refused_in_one_sentence(choices, error, words):
    with pytest.raises(error) as raised:
        explore_batch_and_width(**choices)
    assert str(raised.value).startswith(words)
    assert "\n" not in str(raised.value)


every_explorer = pytest.mark.parametrize(
    "explore",
    [
        explore_batch_and_width,
        explore_chain,
        explore_choice,
        explore_convolution,
        explore_crossing,
        explore_epoch,
        explore_inside_the_gpu,
        explore_kernel,
        explore_memory_limits,
        explore_roofline,
        explore_timeline,
        explore_training,
    ],
    ids=lambda explore: explore.__name__,
)


#: What the sentence of a figure says where it starts there, of explorers that know no width of 512.
STARTS = {"explore_kernel": ({"step": 2}, "step 2"), "explore_training": ({"cards": 1024}, "1,024")}


def started(explore):
    """Return an explorer that starts elsewhere than usual, and how its sentence says so."""
    start, said = STARTS.get(explore.__name__, ({"width": 512}, "512"))
    return explore(**start), said


@every_explorer
def test_the_static_display_needs_no_widgets(monkeypatch, explore):
    monkeypatch.setenv("GPU_LESSONS_DISPLAY", "static")
    explorer, said = started(explore)
    data, _ = explorer._repr_mimebundle_()
    assert set(data) == {VEGA_LITE, "image/png", "text/plain"}
    assert data["text/plain"] == explorer.sentence()
    assert re.search(rf"\b{said}\b", explorer.sentence())


@every_explorer
def test_the_live_display_keeps_the_static_chart_for_a_reader_without_kernel(monkeypatch, explore):
    monkeypatch.setenv("GPU_LESSONS_DISPLAY", "live")
    data, _ = started(explore)[0]._repr_mimebundle_()
    assert set(data) == {VEGA_LITE, "image/png", "text/plain", WIDGET}
    assert "bind" in data[VEGA_LITE]["params"][0]
    assert data[WIDGET]["model_id"]


# Inputs of a saved chart


@every_explorer
def test_a_saved_chart_has_an_input_for_every_control_whose_words_are_those_declared(explore):
    explorer = explore()
    signals = {each["name"]: each for each in explorer._repr_mimebundle_()[0][VEGA_LITE]["params"]}
    for control in explorer.controls:
        if isinstance(control, Slider):
            slides = signals[f"{control.parameter}_place"]
            assert slides["value"] == control.values.index(control.start)
            assert (slides["bind"]["min"], slides["bind"]["max"]) == (0, len(control.options) - 1)
            assert slides["bind"]["aria-label"].startswith(f"{control.label}, ")
            assert signals[f"{control.parameter}_said"]["bind"]["name"] == control.label
        else:
            bind = signals[control.parameter]["bind"]
            assert (bind["options"], bind["labels"], bind["name"]) == (control.values, control.words, control.label)


@every_explorer
def test_a_saved_slider_chooses_the_row_and_says_the_words_of_each_of_its_places(explore):
    explorer = explore()
    spec = explorer._repr_mimebundle_()[0][VEGA_LITE]
    for control in explorer.controls:
        if not isinstance(control, Slider):
            continue
        for place in (0, len(control.options) - 1):
            moved = json.loads(json.dumps(spec))
            for signal in moved["params"]:
                if signal["name"] == f"{control.parameter}_place":
                    signal["value"] = str(place)  # an input hands on text
            # What Vega makes of the signals is drawn, so that it can be read back.
            said = f"{control.parameter} + '|' + {control.parameter}_said"
            text = {"mark": {"type": "text", "text": {"expr": said}}, "data": {"values": [{}]}}
            svg = vl_convert.vegalite_to_svg(moved | {"vconcat": [text]}, vl_version="5.20")
            assert f">{control.values[place]}|{control.words[place]}<" in svg


@pytest.mark.parametrize("transformer", ["vegafusion", "json", "csv"])
@pytest.mark.parametrize("display", ["static", "live"])
def test_a_data_transformer_that_a_learner_switched_on_leaves_the_figures_whole(
    tmp_path, monkeypatch, transformer, display
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GPU_LESSONS_DISPLAY", display)
    plain, _ = explore_batch_and_width()._repr_mimebundle_()
    with alt.data_transformers.enable(transformer):
        data, _ = explore_batch_and_width()._repr_mimebundle_()
        assert alt.data_transformers.active == transformer
    assert data[VEGA_LITE] == plain[VEGA_LITE]
    assert list(tmp_path.iterdir()) == []
