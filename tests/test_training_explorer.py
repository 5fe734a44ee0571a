"""The explorer of whole trainings: its numbers against a division made apart, and its words."""

import json
import re

import pytest
import vl_convert

import gpu_lessons as gl
from gpu_lessons.charts.bundle import VEGA_LITE
from gpu_lessons.explorers import explore_training
from gpu_lessons.explorers.training import CARDS, PARAMETERS, TOKENS, UTILISATIONS, format_long_time, power_of_ten

A100 = gl.machine("nvidia-a100-sxm-80gb")


@pytest.fixture(scope="module")
def rows():
    return {(row["size"], row["data"], row["cards"], row["use"]): row for row in explore_training().table()}


def row_of(rows, parameters, tokens, cards, use):
    return rows[list(PARAMETERS).index(parameters), list(TOKENS).index(tokens), cards, use]


def test_there_is_a_row_for_every_combination_and_words_say_their_numbers(rows):
    assert len(rows) == len(PARAMETERS) * len(TOKENS) * len(CARDS) * len(UTILISATIONS)
    units = {"million": 1e6, "billion": 1e9, "trillion": 1e12}
    for words, value in {**PARAMETERS, **TOKENS}.items():
        number, unit = words.split()
        assert float(number) * units[unit] == pytest.approx(value)


def test_every_time_is_six_flop_a_parameter_and_token_over_what_the_cards_keep_up(rows):
    parameters, tokens = list(PARAMETERS.values()), list(TOKENS.values())
    for (size, data, cards, use), row in rows.items():
        expected = 6 * parameters[size] * tokens[data] / (cards * 312e12 * use / 100)
        assert row["time_s"] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "parameters", "tokens", "cards"),
    [
        ("GPT-3", "175 billion", "300 billion", 1024),
        ("ResNet-50, one A100", "25.6 million", "18.4 billion", 1),
    ],
)
def test_the_sliders_reach_published_trainings_and_are_within_twice_their_times(rows, name, parameters, tokens, cards):
    run = next(each for each in gl.trainings() if each.name == name)
    assert (run.cards, run.card) == (cards, A100.slug)
    assert 0.5 <= row_of(rows, parameters, tokens, cards, 30)["time_s"] / run.time_s <= 2


def test_mlperfs_resnet_on_eight_h100_is_within_twice_its_time():
    run = next(each for each in gl.trainings() if each.name == "ResNet-50, MLPerf")
    grid = explore_training(gpu=run.card).answer
    chosen = {"size": list(PARAMETERS).index("25.6 million"), "cards": run.cards, "use": 30}
    per_token_s = grid.seconds(data=list(TOKENS).index("100 million"), **chosen) / 1e8
    assert 0.5 <= per_token_s * run.uses * run.samples / run.time_s <= 2


def test_what_no_memory_holds_is_said_not_to_fit(rows):
    assert row_of(rows, "175 billion", "300 billion", 1, 30)["headline"] == "Does not fit: 2.8 TB needed"
    assert row_of(rows, "175 billion", "300 billion", 64, 30)["headline"].endswith("days")
    for row in rows.values():
        needed = 16 * list(PARAMETERS.values())[row["size"]]
        assert row["headline"].startswith("Does not fit") == (needed > row["cards"] * A100.memory_bytes)


def test_the_sentence_says_choice_time_and_source():
    said = explore_training(parameters="175 billion", tokens="300 billion", cards=1024).sentence()
    assert said.startswith("175 billion parameters and 300 billion tokens on 1,024 × NVIDIA A100 SXM 80 GB at 30%")
    assert "38 days, predicted" in said


def test_the_figure_names_every_published_training_and_its_time():
    data, _ = explore_training()._repr_mimebundle_()
    svg = vl_convert.vegalite_to_svg(data[VEGA_LITE], vl_version="5.20")
    drawn = set(re.findall(r">([^<]+)<", svg))
    for run in gl.trainings():
        assert any(text.endswith(run.name) for text in drawn), run.name
    assert {"34 days", "14 hours", "13.5 minutes"} <= drawn


def test_the_ratio_drawn_is_the_time_by_the_rule_over_the_published_one():
    explorer = explore_training()
    for run in explorer.answer.runs:
        published = next(each for each in gl.trainings() if each.name == run.name)
        peak = gl.machine(published.card).peak_flops_per_s["float16"]
        by_rule_s = published.flops / (published.cards * peak * 0.3)
        assert run.utilisation / 0.3 == pytest.approx(by_rule_s / published.time_s)


def test_the_band_of_the_others_holds_seven_of_nine_trainings():
    shares = sorted(run.utilisation for run in gl.trainings())
    others = [shares[:place] + shares[place + 1 :] for place in range(len(shares))]
    inside = [min(rest) <= share <= max(rest) for share, rest in zip(shares, others, strict=True)]
    assert sum(inside) >= 7 / 9 * len(shares)


def test_a_card_whose_float16_peak_nobody_knows_is_declined_by_name():
    with pytest.raises(ValueError, match="float16 peak of NVIDIA GTX 1080 Ti"):
        explore_training(gpu="nvidia-gtx-1080-ti")


def test_the_chart_is_small_enough_for_a_page():
    data, _ = explore_training()._repr_mimebundle_()
    assert len(json.dumps(data[VEGA_LITE]).encode()) < 200_000


@pytest.mark.parametrize(
    ("argument", "value"),
    [("parameters", "2 billion"), ("tokens", "1"), ("cards", 3), ("cards", True), ("utilisation", 42)],
)
def test_a_start_that_no_control_has_is_refused_by_name(argument, value):
    with pytest.raises(ValueError, match=argument):
        explore_training(**{argument: value})


@pytest.mark.parametrize(
    ("time_s", "said"),
    [(50_400, "14 hours"), (3.2e6, "37 days"), (3.2e9, "101 years"), (1.2e14, "3,800,000 years"), (7e7, "2.22 years")],
)
def test_long_times_are_said_in_years(time_s, said):
    assert format_long_time(time_s) == said


def test_large_counts_are_powers_of_ten():
    assert [power_of_ten(value) for value in (3.15e23, 6e12, 1e10)] == ["3.15×10²³", "6×10¹²", "1×10¹⁰"]
