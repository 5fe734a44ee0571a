"""The main explorer at every corner, and its live display driven without a kernel."""

import itertools
import json
import re
import sys
from dataclasses import replace
from types import MappingProxyType

import pytest

from gpu_lessons.charts.bundle import VEGA_LITE
from gpu_lessons.explorers import explore_batch_and_width, explore_inside_the_gpu, explore_timeline
from gpu_lessons.explorers.layer_grid import BATCHES_LOG2, WIDTHS_LOG2, WORKS
from gpu_lessons.explorers.live import MEASURE_BUDGET_S
from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.hardware.machines import UnknownMachineError, machine, machines
from gpu_lessons.measuring import self_benchmark
from gpu_lessons.measuring.self_benchmark import CpuBenchmark
from gpu_lessons.model import calibrate
from gpu_lessons.records import Measurement
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
    "explore", [explore_batch_and_width, explore_inside_the_gpu, explore_timeline], ids=lambda explore: explore.__name__
)


@every_explorer
def test_the_static_display_needs_no_widgets(monkeypatch, explore):
    monkeypatch.setenv("GPU_LESSONS_DISPLAY", "static")
    explorer = explore(width=512)
    data, _ = explorer._repr_mimebundle_()
    assert set(data) == {VEGA_LITE, "image/png", "text/plain"}
    assert data["text/plain"] == explorer.sentence()
    assert re.search(r"\b512\b", explorer.sentence())


@every_explorer
def test_the_live_display_keeps_the_static_chart_for_a_reader_without_kernel(monkeypatch, explore):
    monkeypatch.setenv("GPU_LESSONS_DISPLAY", "live")
    data, _ = explore(width=512)._repr_mimebundle_()
    assert set(data) == {VEGA_LITE, "image/png", "text/plain", WIDGET}
    assert "bind" in data[VEGA_LITE]["params"][0]
    assert data[WIDGET]["model_id"]


# The live display


LIVE = sys.modules["gpu_lessons.explorers.live"]


@pytest.fixture(autouse=True)
def no_benchmark_yet(monkeypatch):
    monkeypatch.setattr(self_benchmark, "_done", {})


@pytest.fixture
def live():
    return explore_batch_and_width().live()


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
    monkeypatch.setattr(LIVE, "measure_this_cpu", measure_this_cpu)
    monkeypatch.setattr(LIVE, "measure", measure)
    return benchmark


def test_the_sliders_show_real_numbers_and_cover_the_grid(live):
    for slider, exponents in ((live.batch, BATCHES_LOG2), (live.width, WIDTHS_LOG2)):
        assert [int(label.replace(",", "")) for label, _ in slider.options] == [2**e for e in exponents]
        assert [value for _, value in slider.options] == list(exponents)


@pytest.mark.parametrize("corner", CORNERS)
def test_moving_the_sliders_moves_the_parameters_of_the_chart_and_nothing_else(live, corner):
    chart = live.figure.chart
    live.batch.value, live.width.value = corner
    assert (live.figure.params.batch_log2, live.figure.params.width_log2) == corner
    assert live.figure.chart is chart
    assert live.message.value == ""


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
    live.batch.value, live.width.value = 3, 9
    before = live.figure.chart
    getattr(live, picker).value = choice
    assert live.message.value == ""
    assert live.figure.chart is not before
    assert said in json.dumps(live.figure.chart.to_dict(), ensure_ascii=False)
    assert (live.figure.params.batch_log2, live.figure.params.width_log2) == (3, 9)


def test_the_pickers_offer_only_machines_the_model_knows(live):
    for picker in (live.gpu, live.cpu):
        assert len(picker.options) >= 10
        for _, offered in picker.options:
            calibrate(offered)


def test_an_impossible_choice_says_why_and_figure_and_pickers_still_agree(live):
    live.dtype.value = "float16"
    chart = live.figure.chart
    live.gpu.value = machine("nvidia-rtx-4060-laptop")  # no float16 rate is known
    assert live.message.value == "no float16 rate is known for NVIDIA RTX 4060 Laptop; known: float32, float64"
    assert live.figure.chart is chart
    assert (live.gpu.value, live.question.gpu) == (machine("nvidia-t4"), machine("nvidia-t4"))
    assert (live.dtype.value, live.question.dtype) == ("float16", "float16")
    live.work.value = "training step"  # and the explorer goes on
    assert live.message.value == ""
    assert live.question.work == "training step"


def test_an_impossible_number_format_is_taken_back_too(live):
    live.gpu.value = machine("nvidia-rtx-4060-laptop")
    live.dtype.value = "float16"
    assert live.message.value.startswith("no float16 rate is known")
    assert (live.dtype.value, live.question.dtype) == ("float32", "float32")


def test_measuring_needs_a_measured_cpu_first(live):
    assert live.measure_here.disabled
    assert not live.measure_cpu.disabled


def test_measuring_this_cpu_offers_it_and_chooses_it(live, measured):
    live.measure_cpu.click()
    assert live.cpu.value is measured.cpu
    assert live.cpu.options[0] == ("this machine: Made-up CPU", measured.cpu)
    assert live.message.value == "Made-up CPU: Sustained rates: made up."
    assert not live.measure_here.disabled
    assert not live.measure_cpu.disabled
    assert live.progress.layout.visibility == "hidden"
    assert "CPU  Made-up CPU, fitted to measurements here" in json.dumps(live.figure.chart.to_dict())
    live.measure_cpu.click()
    assert [cpu for _, cpu in live.cpu.options].count(measured.cpu) == 1


def test_a_cpu_measured_earlier_in_the_session_is_offered_at_once(measured):
    self_benchmark._done[2] = measured
    again = explore_batch_and_width().live()
    assert again.cpu.options[0][1] is measured.cpu
    assert not again.measure_here.disabled


def test_measure_here_drops_a_dot_at_the_point_under_the_sliders(live, measured):
    live.measure_cpu.click()
    live.batch.value, live.width.value = 4, 8
    live.measure_here.click()
    [dot] = live.question.dots
    assert (dot.batch_log2, dot.width_log2, dot.time_s) == (4, 8, 0.25)
    assert live.message.value == "250 ms (250 ms to 250 ms, 3 samples), measured on Made-up CPU, 2 threads"
    assert (live.figure.params.batch_log2, live.figure.params.width_log2) == (4, 8)


def test_dots_belong_to_their_machine_their_format_and_their_work(live, measured):
    live.measure_cpu.click()
    live.measure_here.click()
    live.cpu.value = machine("intel-core-i7-9700k")
    assert live.question.dots == ()
    live.cpu.value = measured.cpu
    assert len(live.question.dots) == 1
    live.work.value = "training step"
    assert live.question.dots == ()
    live.work.value = "forward"
    live.gpu.value = machine("nvidia-a100-sxm-80gb")  # the CPU's time does not depend on the GPU
    assert len(live.question.dots) == 1
    live.dtype.value = "float64"
    assert live.question.dots == ()


def test_a_point_that_takes_too_long_is_declined_and_nothing_is_run(live, measured, monkeypatch):
    live.measure_cpu.click()
    monkeypatch.setattr(LIVE, "measure", lambda *_, **__: pytest.fail("it was run"))
    live.batch.value, live.width.value = 14, 14
    live.measure_here.click()
    assert live.message.value.startswith("Not measured: it would take about ")
    assert f"more than the {MEASURE_BUDGET_S:.0f} s set aside" in live.message.value
    assert live.question.dots == ()


@pytest.mark.parametrize("error", [MemoryError("no room here"), RuntimeError("the fan is loud"), ZeroDivisionError()])
def test_an_error_in_a_callback_lands_under_the_buttons(live, measured, monkeypatch, error):
    def broken(*_, **__):
        raise error

    live.measure_cpu.click()
    monkeypatch.setattr(LIVE, "measure", broken)
    live.measure_here.click()
    assert live.message.value == (str(error) or "ZeroDivisionError")
    assert live.question.dots == ()


def test_a_benchmark_that_fails_gives_the_button_back(live, monkeypatch):
    def broken(**_):
        raise RuntimeError("the fan is loud")

    monkeypatch.setattr(LIVE, "measure_this_cpu", broken)
    live.measure_cpu.click()
    assert live.message.value == "the fan is loud"
    assert not live.measure_cpu.disabled
    assert live.measure_here.disabled
    assert live.progress.layout.visibility == "hidden"


def test_a_message_is_text_and_never_markup(live, monkeypatch):
    def broken(**_):
        raise RuntimeError("<b>a < b</b>")

    monkeypatch.setattr(LIVE, "measure_this_cpu", broken)
    live.measure_cpu.click()
    assert live.message.value == "&lt;b&gt;a &lt; b&lt;/b&gt;"


def test_a_format_this_cpu_was_not_measured_in_is_taken_back(live, measured):
    only_float32 = replace(measured.calibration, flops_per_s=MappingProxyType({"float32": 1e11}))
    self_benchmark._done[2] = replace(measured, calibration=only_float32)
    live._offer(self_benchmark._done[2])
    live.cpu.value = measured.cpu
    live.dtype.value = "float64"
    assert live.message.value.startswith("no float64 rate is known for Made-up CPU")
    assert live.dtype.value == "float32"


def test_measuring_this_cpu_again_replaces_its_numbers_in_the_figure(live, monkeypatch):
    numbers = calibrate(machine("amd-ryzen-9-7950x"))
    cpu = replace(machine("amd-ryzen-9-7950x"), slug="this-cpu", name="Made-up CPU")
    asked, kept = [], []

    def measure_this_cpu(*, again=False, on_progress=None):
        asked.append(again)
        launch_s = (1e-3, 1.0)[len(kept)]
        kept.append(CpuBenchmark(cpu, replace(numbers, launch_overhead_s=launch_s, threads=2, error=0.1), (), ()))
        return kept[-1]

    monkeypatch.setattr(LIVE, "measure_this_cpu", measure_this_cpu)
    monkeypatch.setattr(LIVE, "this_cpu_if_measured", lambda: kept[-1] if kept else None)
    fastest_s = []
    for _ in range(2):
        live.measure_cpu.click()
        rows = live.figure.chart.to_dict()["data"]["values"]
        fastest_s.append(min(row["cpu_s"] for row in rows))
    assert asked == [False, True]
    assert fastest_s[0] < 0.1
    assert fastest_s[1] >= 2.0
