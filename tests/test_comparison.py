"""The figure of lesson 00, and the line every lesson starts with."""

import dataclasses
import math

import pytest

import gpu_lessons as gl
from gpu_lessons.charts.bundle import VEGA_LITE
from gpu_lessons.hardware.detect import this_machine

GPU, CPU = gl.machine("nvidia-rtx-3090"), gl.machine("intel-core-i9-10900k")


def row(rows, quantity):
    return next(each for each in rows if each["quantity"].startswith(quantity))


def test_each_bar_is_the_ratio_of_two_values_of_the_catalogue():
    rows = gl.compare_machines(GPU, CPU).table()
    for quantity, of_gpu, of_cpu in (
        ("cores", GPU.sm_count, CPU.cores),
        ("clock", GPU.clock_hz, CPU.clock_hz),
        ("memory bandwidth", GPU.memory_bandwidth_bytes_per_s, CPU.memory_bandwidth_bytes_per_s),
        ("memory size", GPU.memory_bytes, CPU.max_memory_bytes),
        ("the link", GPU.link_bandwidth_bytes_per_s, CPU.memory_bandwidth_bytes_per_s),
    ):
        assert 10 ** row(rows, quantity)["log10"] == pytest.approx(
            of_gpu / of_cpu, rel=2e-3
        )  # four digits of the logarithm


def test_a_quantity_unknown_of_one_machine_is_left_out():
    without_clock = dataclasses.replace(CPU, clock_hz=None)
    kept = [each["quantity"] for each in gl.compare_machines(GPU, without_clock).table()]
    assert "clock" not in kept
    assert "memory size" in kept


def test_the_figure_holds_its_rows_and_says_them_in_one_sentence():
    figure = gl.compare_machines(GPU, CPU)
    data, _ = figure._repr_mimebundle_()
    assert set(data) == {VEGA_LITE, "image/png", "text/plain"}
    assert data["text/plain"] == figure.sentence()
    for each in figure.table():
        assert f"{each['quantity']} {each['factor']} ({each['gpu']} against {each['cpu']})" in figure.sentence()
        assert math.isfinite(each["log10"])


def test_the_figure_says_at_which_clock_and_with_how_much_memory_its_makers_count():
    figure = gl.compare_machines(GPU, CPU)
    counted = " ".join(figure.chart().to_dict()["title"]["subtitle"])
    for words in ("clocks: boost", "arithmetic of the CPU: at base clock", "memory of the CPU: the most it supports"):
        assert words in counted
        assert words in figure.sentence()


@pytest.mark.parametrize("cpu", [each for each in gl.machines() if each.kind == "cpu"], ids=lambda cpu: cpu.slug)
def test_what_is_said_of_the_cpu_s_arithmetic_is_so(cpu):
    source = cpu.sources.get("peak_flops_per_s.float32", "base clock")
    assert "base" in source or cpu.base_clock_hz is None


@pytest.mark.parametrize(("gpu", "cpu", "words"), [(CPU, CPU, "gpu must be a GPU"), (GPU, GPU, "cpu must be a CPU")])
def test_machines_in_the_wrong_places_are_refused(gpu, cpu, words):
    with pytest.raises(ValueError, match=words):
        gl.compare_machines(gpu, cpu)


def test_machines_with_nothing_in_common_are_refused():
    nothing = {each.name: None for each in dataclasses.fields(CPU) if each.default is None}
    empty = dataclasses.replace(CPU, peak_flops_per_s={}, **nothing)
    with pytest.raises(ValueError, match="knows no quantity of both"):
        gl.compare_machines(GPU, empty)


def test_a_lesson_starts_by_saying_both_devices_and_their_sources(capsys):
    gl.say_devices(gl.machine("nvidia-t4"))
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert this_machine().cpu.name in said
    assert "NVIDIA T4, predicted" in said
    assert this_machine().gpu_status in said


def test_what_is_no_machine_is_refused_in_one_sentence():
    with pytest.raises(TypeError, match=r"^cpu must be a Machine such as gl.machine\('nvidia-t4'\), got None$"):
        gl.compare_machines(gl.machine("nvidia-t4"), None)
    with pytest.raises(TypeError, match=r"^gpu must be a Machine or what gl.gpu\(\) returns, got None$"):
        gl.say_devices(None)
