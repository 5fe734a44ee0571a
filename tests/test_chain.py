"""The explorer of lesson 08: its numbers against predictions and Amdahl's law computed apart, and its words."""

import re

import pytest

import gpu_lessons as gl
from gpu_lessons.explorers import explore_chain
from gpu_lessons.explorers.chain import SHARES, STEPS, WIDTHS_LOG2

GPU, CPU = gl.machine("nvidia-t4"), gl.machine("amd-ryzen-9-7950x")


@pytest.fixture(scope="module")
def rows():
    return {(row["steps"], row["width_log2"], row["share"]): row for row in explore_chain().table()}


def seconds(steps, width_log2, machine):
    return gl.predict(gl.DependentChain(steps, 2**width_log2), machine).seconds


def test_there_is_a_row_for_every_combination(rows):
    assert len(rows) == len(STEPS) * len(WIDTHS_LOG2) * len(SHARES)


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("width_log2", [0, 6, 17, 22])
def test_times_are_those_of_the_chain(rows, steps, width_log2):
    row = rows[steps, width_log2, 90.0]
    assert row["cpu_s"] == pytest.approx(seconds(steps, width_log2, CPU), rel=1e-3)
    assert row["gpu_s"] == pytest.approx(seconds(steps, width_log2, GPU), rel=1e-3)
    assert row["gpu_low_s"] <= row["gpu_s"] <= row["gpu_high_s"]


@pytest.mark.parametrize("steps", STEPS)
def test_the_gpu_wins_beyond_the_crossover_and_nowhere_before(rows, steps):
    for width_log2 in WIDTHS_LOG2:
        row = rows[steps, width_log2, 0.0]
        assert (row["gpu_s"] < row["cpu_s"]) == (width_log2 >= row["crossover_log2"])
        if "either" not in row["headline"]:
            assert ("faster" in row["headline"]) == (row["gpu_s"] < row["cpu_s"])


@pytest.mark.parametrize("share", SHARES)
def test_a_program_is_its_shared_part_in_wide_steps_and_its_rest_in_the_chain(rows, share):
    row, part = rows[100, 6, share], share / 100
    widest = WIDTHS_LOG2[-1]
    wide = part * seconds(100, widest, GPU) / seconds(100, widest, CPU)
    chain = (1 - part) * seconds(100, 6, GPU) / seconds(100, 6, CPU)
    assert row["wide"] == pytest.approx(wide, rel=1e-3)
    assert row["chain_there"] == pytest.approx(chain, rel=1e-3)


def test_amdahls_curve_rises_towards_its_limit_and_never_beyond():
    data, _ = explore_chain()._repr_mimebundle_()
    spec = str(data["application/vnd.vegalite.v5+json"])
    points = re.findall(r"'of': ([\d.]+), 'units_log2': (\d+), 'speedup': ([\d.]+)", spec)
    assert points
    for share, log2, speedup in points:
        part, units = float(share) / 100, 2 ** int(log2)
        assert float(speedup) == pytest.approx(units / (units * (1 - part) + part), rel=1e-6)
        assert float(speedup) <= 1 / (1 - part) + 1e-9


def test_the_sentence_names_the_limit():
    assert "never more than 20× as fast" in explore_chain(share=95.0).sentence()
    assert "no number of units helps" in explore_chain(share=0.0).sentence()


def test_where_the_cpu_wins_at_every_width_the_line_says_so():
    found = explore_chain(gpu="nvidia-jetson-orin-nano-8gb", cpu="amd-epyc-9654").table()
    beaten = {steps for steps in STEPS if any(row["gpu_s"] < row["cpu_s"] for row in found if row["steps"] == steps)}
    assert len(beaten) < len(STEPS)
    for row in found:
        assert ("the CPU wins at every width" in row["line"]) == (row["steps"] not in beaten)


@pytest.mark.parametrize(("argument", "value"), [("steps", 7), ("steps", True), ("width", 100), ("share", 42.0)])
def test_a_start_that_no_control_has_is_refused_by_name(argument, value):
    with pytest.raises(ValueError, match=argument):
        explore_chain(**{argument: value})


def test_an_upgrade_helps_more_where_more_of_a_step_can_use_it():
    found = [each for each in gl.published() if each.unit == "times as fast"]
    assert [each.at for each in found] == sorted(each.at for each in found)
    assert (found[0].value, found[-1].value) == (1.19, 2.03)
    assert all(each.time_s is None for each in found)
