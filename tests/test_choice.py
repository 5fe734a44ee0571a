"""The explorer of a choice: its numbers against another computation, who is chosen, and what is drawn."""

import itertools
import json
import math
import re
from dataclasses import replace
from html import unescape

import pytest
import vl_convert

import gpu_lessons as gl
from gpu_lessons.charts.bundle import VEGA_LITE
from gpu_lessons.charts.choice import rent_words
from gpu_lessons.explorers import explore_choice
from gpu_lessons.explorers.choice import BATCH, BUDGETS_USD, DEADLINES_S, LAYERS, SAMPLES, WIDTHS_LOG2
from gpu_lessons.hardware.machines import UnknownMachineError, machine
from gpu_lessons.units import format_rate, format_time

CPU = machine("amd-ryzen-9-7950x")


@pytest.fixture(scope="module")
def grid():
    return explore_choice().answer


@pytest.fixture(scope="module")
def spec():
    return explore_choice()._repr_mimebundle_()[0][VEGA_LITE]


EVERY = list(itertools.product(WIDTHS_LOG2, SAMPLES, DEADLINES_S, BUDGETS_USD))
CORNERS = list(
    itertools.product(*((each[0], each[-1]) for each in map(list, (WIDTHS_LOG2, SAMPLES, DEADLINES_S, BUDGETS_USD))))
)


def test_time_rent_and_energy_are_steps_times_seconds_rent_and_power():
    rents = {offer.machine.name: offer.usd_per_hour for offer in gl.prices()} | {CPU.name: 0}
    by_name = {each.name: each for each in gl.machines()}
    rows = explore_choice().table()
    assert len(rows) == len(rents) * len(WIDTHS_LOG2) * len(SAMPLES)
    for row in rows[::7]:
        found = by_name[row["machine"]]
        step = gl.TrainEpoch(10 * BATCH, BATCH, (row["width"],) * (LAYERS + 1))
        # Ten steps in a row, of which none begins with an idle device but the first.
        seconds = gl.predict(step, found).seconds / 10 * row["samples"] / BATCH
        assert row["time_s"] == pytest.approx(seconds, rel=0.05)
        assert row["rent_usd"] == pytest.approx(rents[row["machine"]] * row["time_s"] / 3600, rel=1e-3)
        assert row["energy_j"] == pytest.approx(found.power_w * row["time_s"], rel=1e-3)
        needed = gl.memory_needed(batch_size=BATCH, layer_sizes=[row["width"]] * (LAYERS + 1)).total_bytes
        assert row["fits"] == (found.kind == "cpu" or needed <= found.memory_bytes)


def test_a_card_that_is_too_small_is_left_out_and_a_larger_one_is_not(grid):
    able = {each.machine.name for each in grid.able(14)}
    assert "NVIDIA T4" not in able
    assert {"NVIDIA RTX 4090", CPU.name} <= able


@pytest.mark.parametrize(("width_log2", "samples", "deadline_s", "budget_usd"), EVERY[::5])
def test_the_cpu_is_taken_where_it_is_enough_else_the_cheapest_that_is_in_time_and_in_budget(
    grid, width_log2, samples, deadline_s, budget_usd
):
    rows = [row for row in grid.table() if (row["width"], row["samples"]) == (2**width_log2, samples)]
    good = [row for row in rows if row["fits"] and row["time_s"] <= deadline_s and row["rent_usd"] <= budget_usd]
    asked = {"width_log2": width_log2, "samples": samples, "deadline_s": deadline_s, "budget_usd": budget_usd}
    chosen, headline = grid.chosen(**asked), grid.headline(**asked)
    if not good:
        assert chosen is None
        assert headline.startswith(("Too late: ", "Too dear: ", "In time or in budget: ", "Nothing here: "))
    elif any(row["machine"] == CPU.name for row in good):
        assert headline.startswith("The CPU is enough: ")
        assert chosen.machine == CPU
    else:
        least = min(row["rent_usd"] for row in good)
        assert chosen.machine.name in {
            row["machine"] for row in good if math.isclose(row["rent_usd"], least, rel_tol=1e-3)
        }
        assert headline.startswith(f"{chosen.machine.name}: ")


def test_each_kind_of_answer_is_given_somewhere(grid):
    said = {row["headline"].partition(":")[0] for row in grid.rows()}
    assert {"The CPU is enough", "Too late", "In time or in budget", "NVIDIA RTX 4090", "NVIDIA B200 SXM"} <= said


def test_where_even_the_cpu_is_rented_and_small_it_can_be_too_dear_or_too_small(tmp_path):
    mine = tmp_path / "mine.toml"
    offer = '[[offers]]\nmachine = "{}"\nusd_per_hour = 90000\ndate = "2026-11-26"\nsource = "me"\n'
    small = "intel-core-i7-12700h"
    mine.write_text(offer.format("nvidia-t4") + offer.format(small))
    answer = explore_choice(prices=mine, cpu=small).answer
    assert {"Too dear", "Too late"} <= {row["headline"].partition(":")[0] for row in answer.rows()}
    without_room = replace(answer.candidates[0], fits=dict.fromkeys(WIDTHS_LOG2, False))
    none = replace(answer, candidates=[without_room])
    asked = {"width_log2": 14, "samples": 10**6, "deadline_s": 600, "budget_usd": 100}
    assert none.headline(**asked) == "Nothing here: no machine has the memory"
    assert none.chosen(**asked) is None


def test_a_headline_says_why_nothing_will_do(grid):
    asked = {"width_log2": 14, "samples": 10**9, "deadline_s": 600, "budget_usd": 100}
    fastest_s = min(each.time_s(14, 10**9) for each in grid.able(14))
    assert grid.headline(**asked) == f"Too late: the fastest takes {format_time(fastest_s)}"


def test_the_picture_has_one_row_for_every_place_of_the_sliders(grid):
    rows = grid.rows()
    assert [tuple(row[name] for name in ("width_log2", "samples", "deadline_s", "budget_usd")) for row in rows] == EVERY
    json.dumps(rows, allow_nan=False)


@pytest.mark.parametrize("corner", CORNERS)
def test_the_figure_can_start_at_every_corner(grid, corner):
    chosen = dict(zip(("width_log2", "samples", "deadline_s", "budget_usd"), corner, strict=True))
    explorer = explore_choice(
        **({"width": 2 ** chosen["width_log2"]} | {k: v for k, v in chosen.items() if k != "width_log2"})
    )
    assert explorer.sentence() == grid.sentence(**chosen)
    assert f"{LAYERS} layers of {2 ** corner[0]:,} neurons on {SAMPLES[corner[1]]} samples" in explorer.sentence()


def test_a_chart_holds_at_most_200_kb():
    for choices in ({}, {"dtype": "float16", "cpu": "intel-xeon-platinum-8480-plus"}):
        assert len(json.dumps(explore_choice(**choices)._repr_mimebundle_()[0][VEGA_LITE])) < 200_000


def drawn(spec, **chosen):
    """Return the texts of the picture with the sliders' parameters at ``chosen``."""
    moved = json.loads(json.dumps(spec))
    for signal in moved["params"]:
        if signal["name"] in chosen:
            signal.pop("update", None)
            signal["value"] = chosen[signal["name"]]
    svg = vl_convert.vegalite_to_svg(moved, vl_version="5.20")
    return [unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


@pytest.mark.parametrize("corner", [*CORNERS[::3], (10, 10**7, 3600, 1), (14, 10**9, 604800, 100)])
def test_what_is_drawn_says_time_rent_and_energy_of_every_machine_and_what_is_wrong_with_it(grid, spec, corner):
    width_log2, samples, deadline_s, budget_usd = corner
    texts = drawn(spec, width_log2=width_log2, samples=samples, deadline_s=deadline_s, budget_usd=budget_usd)
    assert grid.headline(width_log2=width_log2, samples=samples, deadline_s=deadline_s, budget_usd=budget_usd) in texts
    for each in grid.candidates:
        assert each.machine.name in texts
        if not each.fits[width_log2]:
            assert "too little memory" in texts
            continue
        time_s, rent_usd = each.time_s(width_log2, samples), each.rent_usd(width_log2, samples)
        assert format_time(time_s) + (", too late" if time_s > deadline_s else "") in texts
        # Python rounds halves to even, a browser away from zero.
        said = {
            rent_words(rent_usd * nudge) + (", too dear" if rent_usd > budget_usd else "") for nudge in (1, 1 + 1e-9)
        }
        assert said & set(texts)
        assert format_rate(each.energy_j(width_log2, samples), "J") in texts


def test_prices_of_one_s_own_change_the_rent_and_the_figure_says_whose_they_are(tmp_path):
    mine = tmp_path / "mine.toml"
    offer = '[[offers]]\nmachine = "{}"\nusd_per_hour = {}\ndate = "2026-11-{}"\nsource = "me"\n'
    mine.write_text(
        offer.format("nvidia-t4", 0, "01") + offer.format("nvidia-l4", 2, "26") + offer.format(CPU.slug, 0.5, "26")
    )
    answer = explore_choice(prices=mine).answer
    assert [each.machine.slug for each in answer.candidates] == [CPU.slug, "nvidia-t4", "nvidia-l4"]
    assert [each.usd_per_hour for each in answer.candidates] == [0.5, 0.0, 2.0]
    assert answer.gpu_name == "GPUs  predicted; rents from mine.toml, 2026-11-01 to 2026-11-26"


def test_an_unknown_card_in_one_s_own_prices_is_refused_by_its_name(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text('[[offers]]\nmachine = "nvidia-t5"\nusd_per_hour = 1\ndate = "2026-11-26"\nsource = "me"\n')
    with pytest.raises(ValueError, match=r"^mine.toml: offer 1: no machine 'nvidia-t5'"):
        explore_choice(prices=mine)


def test_a_machine_without_a_rate_for_the_format_computes_in_float32_and_says_so():
    answer = explore_choice(dtype="float16").answer
    assert answer.candidates[0].dtype == "float32"
    assert answer.bars()[0]["name"] == f"{CPU.name}, float32"
    h100 = next(each for each in answer.candidates if each.machine.slug == "nvidia-h100-sxm")
    in_single = next(each for each in explore_choice().answer.candidates if each.machine == h100.machine)
    assert h100.dtype == "float16"
    assert in_single.step_s[14] / h100.step_s[14] > 3


@pytest.mark.parametrize(
    ("choices", "error", "words"),
    [
        ({"width": 32}, ValueError, "width must be a power of two from 64 to 16,384, got 32"),
        ({"samples": 5}, ValueError, "samples must be one of 1e+06, 1e+07, 1e+08, 1e+09, got 5"),
        ({"deadline_s": True}, ValueError, "deadline_s must be one of 600, 3600, 86400, 604800, got True"),
        ({"budget_usd": 7}, ValueError, "budget_usd must be one of 0.1, 1, 10, 100, got 7"),
        ({"cpu": "nvidia-t4"}, ValueError, "cpu must be a CPU of the catalogue, got the GPU 'nvidia-t4'"),
        ({"cpu": "amd-ryzen"}, UnknownMachineError, "no machine 'amd-ryzen' in the catalogue"),
        ({"dtype": "int8"}, ValueError, "dtype must be one of float16, float32, float64, got 'int8'"),
        ({"prices": "none.toml"}, FileNotFoundError, "there is no price file none.toml"),
    ],
)
def test_a_wrong_choice_is_refused_in_one_sentence(choices, error, words):
    with pytest.raises(error) as raised:
        explore_choice(**choices)
    assert str(raised.value).startswith(words)
    assert "\n" not in str(raised.value)
