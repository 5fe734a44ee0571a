"""The live display of any explorer, driven without a kernel: controls, pickers, measuring buttons."""

import json
import re
import sys
from dataclasses import replace
from itertools import product
from types import MappingProxyType

import pytest
import vl_convert

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
    machine_sources,
)
from gpu_lessons.explorers.measuring_buttons import MEASURE_BUDGET_S
from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.hardware.machines import machine
from gpu_lessons.measuring import self_benchmark
from gpu_lessons.measuring.self_benchmark import CpuBenchmark
from gpu_lessons.model import calibrate
from gpu_lessons.records import Measurement

BUTTONS = sys.modules["gpu_lessons.explorers.measuring_buttons"]
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


@pytest.fixture(autouse=True)
def nothing_measured_yet(monkeypatch):
    monkeypatch.setattr(self_benchmark, "_done", {})
    monkeypatch.setattr(machine_sources, "_measured_here", [])


@pytest.fixture
def live():
    return explore_batch_and_width().live()


def press(live, label):
    next(widget for _, widget in live.buttons if widget.description.startswith(label)).click()


def can_press(live, label):
    return not next(widget for _, widget in live.buttons if widget.description.startswith(label)).disabled


def measured_dots(live):
    """Return (batch_log2, width_log2, time_s) of the times drawn as measured here."""
    answer = live.explorer.ask(**live.picked())
    return [(dot.batch_log2, dot.width_log2, dot.time_s) for dot in answer.dots if dot.source == "measured"]


# What every explorer's live display does


@every_explorer
def test_the_widgets_offer_what_is_declared_and_start_where_it_is_declared(explore):
    explorer = explore()
    live = explorer.live()
    for control in (*explorer.controls, *explorer.pickers):
        widget = (live.controls | live.pickers)[control.parameter]
        assert (widget.description, widget.value) == (control.label, control.start)
        assert [words for words, _ in widget.options] == control.words
    assert not any("bind" in parameter for parameter in live.figure.spec["params"])


@every_explorer
def test_moving_every_control_to_every_option_leaves_the_chart_to_the_page_and_takes_the_message_away(explore):
    live = explore().live()
    spec, sentences = live.figure.spec, live.figure.sentences
    live.say("Something.")
    for control in live.explorer.controls:
        for value in control.values:
            live.controls[control.parameter].value = value
            assert live.chosen()[control.parameter] == value
    assert live.figure.spec is spec
    assert live.figure.sentences is sentences
    assert live.message.value == ""


@every_explorer
def test_the_page_is_told_which_widget_sets_which_parameter_and_what_is_said_at_each_row(explore):
    live = explore().live()
    state = live.figure.get_state()
    assert state["controls"] == {name: f"IPY_MODEL_{widget.model_id}" for name, widget in live.controls.items()}
    assert state["values"] == {control.parameter: control.values for control in live.explorer.controls}
    combinations = [dict(zip(live.controls, each, strict=True)) for each in product(*state["values"].values())]
    assert len(state["sentences"]) == len(combinations) == len(live.figure.spec["data"]["values"])
    for at in (0, 1, len(combinations) // 2, -1):
        assert state["sentences"][at] == live.explorer.answer.sentence(**combinations[at])


# Pickers


@pytest.fixture
def measured(monkeypatch):
    """Let this CPU be measured already, and every measurement take two seconds of nobody's time."""
    cpu = replace(this_machine().cpu, slug="this-cpu", name="Made-up CPU")
    numbers = replace(calibrate(machine("amd-ryzen-9-7950x")), threads=2, error=0.07, basis="Sustained rates: made up.")
    benchmark = CpuBenchmark(cpu, numbers, (), ())
    here = replace(this_machine(), cpu=cpu, usable_cores=2, available_memory_bytes=10**12)

    def measure_this_cpu(budget_s=20.0, *, threads=None, again=False, on_progress=lambda share, text: None):
        on_progress(0.5, "half of it")
        self_benchmark._done[2] = benchmark
        return benchmark

    def measure(workload, budget_s):
        return Measurement(workload, cpu.name, 2, (0.25, 0.25, 0.25), (0.3,), 1)

    monkeypatch.setattr(self_benchmark, "this_machine", lambda: here)
    monkeypatch.setattr(sys.modules["gpu_lessons.measuring.refusal"], "this_machine", lambda: here)
    monkeypatch.setattr(BUTTONS, "measure_this_cpu", measure_this_cpu)
    monkeypatch.setattr(BUTTONS, "measure", measure)
    return benchmark


@pytest.mark.parametrize(
    ("picker", "choice", "said"),
    [
        ("gpu", machine("nvidia-a100-sxm-80gb"), "GPU  NVIDIA A100 SXM 80 GB, predicted"),
        ("cpu", machine("intel-core-i7-9700k"), "CPU  Intel Core i7-9700K, predicted"),
        ("dtype", "float16", "float16, forward pass"),
        ("dtype", "float64", "float64, forward pass"),
        ("work", "training step", "float32, training step"),
    ],
)
def test_a_picker_fills_the_grid_anew_and_keeps_the_sliders(live, picker, choice, said):
    live.controls["batch_log2"].value, live.controls["width_log2"].value = 3, 9
    before = live.figure.spec
    live.pickers[picker].value = choice
    assert live.message.value == ""
    assert live.figure.spec is not before
    assert said in json.dumps(live.figure.spec, ensure_ascii=False)
    assert live.chosen() == {"batch_log2": 3, "width_log2": 9}


def test_the_pickers_offer_only_machines_the_model_knows(live):
    for picker in (live.pickers["gpu"], live.pickers["cpu"]):
        assert len(picker.options) >= 10
        for _, offered in picker.options:
            calibrate(offered)


def test_an_impossible_choice_says_why_and_figure_and_pickers_still_agree(live):
    live.pickers["dtype"].value = "float16"
    spec = live.figure.spec
    live.pickers["gpu"].value = machine("nvidia-rtx-4060-laptop")  # no float16 rate is known
    assert live.message.value == "no float16 rate is known for NVIDIA RTX 4060 Laptop; known: float32, float64"
    assert live.figure.spec is spec
    assert (live.pickers["gpu"].value, live.picked()["gpu"]) == (machine("nvidia-t4"), machine("nvidia-t4"))
    assert (live.pickers["dtype"].value, live.picked()["dtype"]) == ("float16", "float16")
    live.pickers["work"].value = "training step"  # and the explorer goes on
    assert live.message.value == ""
    assert live.picked()["work"] == "training step"


def test_an_impossible_number_format_is_taken_back_too(live):
    live.pickers["gpu"].value = machine("nvidia-rtx-4060-laptop")
    live.pickers["dtype"].value = "float16"
    assert live.message.value.startswith("no float16 rate is known")
    assert (live.pickers["dtype"].value, live.picked()["dtype"]) == ("float32", "float32")


def test_measuring_needs_a_measured_cpu_first(live):
    assert not can_press(live, "Measure here")
    assert can_press(live, "Measure this CPU")


def test_measuring_this_cpu_offers_it_and_chooses_it(live, measured):
    press(live, "Measure this CPU")
    assert live.pickers["cpu"].value is measured.cpu
    assert live.pickers["cpu"].options[0] == ("this machine: Made-up CPU", measured.cpu)
    assert live.message.value == "Made-up CPU: Sustained rates: made up."
    assert can_press(live, "Measure here")
    assert can_press(live, "Measure this CPU")
    assert live.progress.layout.visibility == "hidden"
    assert "CPU  Made-up CPU, fitted to measurements here" in json.dumps(live.figure.spec)
    press(live, "Measure this CPU")
    assert [cpu for _, cpu in live.pickers["cpu"].options].count(measured.cpu) == 1


def test_a_cpu_measured_earlier_in_the_session_is_offered_at_once(measured):
    self_benchmark._done[2] = measured
    again = explore_batch_and_width().live()
    assert again.pickers["cpu"].options[0][1] is measured.cpu
    assert can_press(again, "Measure here")


def test_measure_here_drops_a_dot_at_the_point_under_the_sliders(live, measured):
    press(live, "Measure this CPU")
    live.controls["batch_log2"].value, live.controls["width_log2"].value = 4, 8
    press(live, "Measure here")
    assert measured_dots(live) == [(4, 8, 0.25)]
    assert live.message.value == "250 ms (250 ms to 250 ms, 3 samples), measured on Made-up CPU, 2 threads"
    assert live.chosen() == {"batch_log2": 4, "width_log2": 8}


def test_dots_belong_to_their_machine_their_format_and_their_work(live, measured):
    press(live, "Measure this CPU")
    press(live, "Measure here")
    live.pickers["cpu"].value = machine("intel-core-i7-9700k")
    assert measured_dots(live) == []
    live.pickers["cpu"].value = measured.cpu
    assert len(measured_dots(live)) == 1
    live.pickers["work"].value = "training step"
    assert measured_dots(live) == []
    live.pickers["work"].value = "forward"
    live.pickers["gpu"].value = machine("nvidia-a100-sxm-80gb")  # the CPU's time does not depend on the GPU
    assert len(measured_dots(live)) == 1
    live.pickers["dtype"].value = "float64"
    assert measured_dots(live) == []


def test_a_point_that_takes_too_long_is_declined_and_nothing_is_run(live, measured, monkeypatch):
    press(live, "Measure this CPU")
    monkeypatch.setattr(BUTTONS, "measure", lambda *_, **__: pytest.fail("it was run"))
    live.controls["batch_log2"].value, live.controls["width_log2"].value = 14, 14
    press(live, "Measure here")
    assert live.message.value.startswith("Not measured: it would take about ")
    assert f"more than the {MEASURE_BUDGET_S:.0f} s set aside" in live.message.value
    assert measured_dots(live) == []


@pytest.mark.parametrize("error", [MemoryError("no room here"), RuntimeError("the fan is loud"), ZeroDivisionError()])
def test_an_error_in_a_callback_lands_under_the_buttons(live, measured, monkeypatch, error):
    def broken(*_, **__):
        raise error

    press(live, "Measure this CPU")
    monkeypatch.setattr(BUTTONS, "measure", broken)
    press(live, "Measure here")
    assert live.message.value == (str(error) or "ZeroDivisionError")
    assert measured_dots(live) == []


def test_a_benchmark_that_fails_gives_the_button_back(live, monkeypatch):
    def broken(**_):
        raise RuntimeError("the fan is loud")

    monkeypatch.setattr(BUTTONS, "measure_this_cpu", broken)
    press(live, "Measure this CPU")
    assert live.message.value == "the fan is loud"
    assert can_press(live, "Measure this CPU")
    assert not can_press(live, "Measure here")
    assert live.progress.layout.visibility == "hidden"


def test_a_message_is_text_and_never_markup(live, monkeypatch):
    def broken(**_):
        raise RuntimeError("<b>a < b</b>")

    monkeypatch.setattr(BUTTONS, "measure_this_cpu", broken)
    press(live, "Measure this CPU")
    assert live.message.value == "&lt;b&gt;a &lt; b&lt;/b&gt;"


def test_a_format_this_cpu_was_not_measured_in_is_taken_back(live, measured):
    only_float32 = replace(measured.calibration, flops_per_s=MappingProxyType({"float32": 1e11}))
    self_benchmark._done[2] = replace(measured, calibration=only_float32)
    live.offer("cpu", "this machine", measured.cpu)
    live.pickers["cpu"].value = measured.cpu
    live.pickers["dtype"].value = "float64"
    assert live.message.value.startswith("no float64 rate is known for Made-up CPU")
    assert live.pickers["dtype"].value == "float32"


def test_measuring_this_cpu_again_replaces_its_numbers_in_the_figure(live, monkeypatch):
    numbers = calibrate(machine("amd-ryzen-9-7950x"))
    cpu = replace(machine("amd-ryzen-9-7950x"), slug="this-cpu", name="Made-up CPU")
    asked, kept = [], []

    def measure_this_cpu(*, again=False, on_progress=None):
        asked.append(again)
        launch_s = (1e-3, 1.0)[len(kept)]
        kept.append(CpuBenchmark(cpu, replace(numbers, launch_overhead_s=launch_s, threads=2, error=0.1), (), ()))
        return kept[-1]

    monkeypatch.setattr(BUTTONS, "measure_this_cpu", measure_this_cpu)
    for module in (BUTTONS, machine_sources):
        monkeypatch.setattr(module, "this_cpu_if_measured", lambda: kept[-1] if kept else None)
    fastest_s = []
    for _ in range(2):
        press(live, "Measure this CPU")
        rows = live.figure.spec["data"]["values"]
        fastest_s.append(min(row["cpu_s"] for row in rows))
    assert asked == [False, True]
    assert fastest_s[0] < 0.1
    assert fastest_s[1] >= 2.0


def headline(live):
    """Return the headline as it is drawn."""
    svg = vl_convert.vegalite_to_svg(live.figure.spec, vl_version="5.20")
    return re.search(r'font-size="(?:18|22)px"[^>]*>([^<]*)<', svg)[1]


def test_a_busy_machine_is_said_in_the_headline_and_the_curve_stays_predicted(live, measured, monkeypatch):
    busy = replace(measured, calibration=replace(measured.calibration, error=1.84, launch_overhead_s=1.0))

    def measure_this_cpu(**_):
        self_benchmark._done[2] = busy
        return busy

    monkeypatch.setattr(BUTTONS, "measure_this_cpu", measure_this_cpu)
    before, rows = headline(live), live.figure.spec["data"]["values"]
    press(live, "Measure this CPU")
    assert headline(live) == f"{before}: predicted, too busy to measure"
    assert live.figure.spec["data"]["values"] == rows
    assert "miss other times by up to 184%" in live.message.value
    for advice in ("Wait", "measure again", "recorded CPU"):  # what somebody on a shared machine can do
        assert advice in live.message.value
    assert not can_press(live, "Measure here")
    live.pickers["work"].value = "training step"
    assert "too busy" not in headline(live)
    self_benchmark._done[2] = measured  # the machine is quiet again
    monkeypatch.setattr(BUTTONS, "measure_this_cpu", lambda **_: measured)
    press(live, "Measure this CPU")
    assert "too busy" not in headline(live)
    assert live.picked()["cpu"] == measured.cpu


def test_times_that_spread_are_said_beside_the_figure(live, measured, monkeypatch):
    press(live, "Measure this CPU")
    unsteady = (0.2, 0.25, 0.3)
    monkeypatch.setattr(
        BUTTONS, "measure", lambda workload, budget_s: Measurement(workload, "Made-up CPU", 2, unsteady, (), 1)
    )
    press(live, "Measure here")
    assert "times measured here spread by more than 10%" in json.dumps(live.figure.spec)
    monkeypatch.setattr(machine_sources, "_measured_here", [])
    live.pick("cpu", measured.cpu)
    assert "spread by more than" not in json.dumps(live.figure.spec)
