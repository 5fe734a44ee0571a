"""Warps taking turns: lesson 04's scheduler against the card, and the picture of it, cell by cell."""

import itertools
import re
from collections import Counter
from html import unescape
from pathlib import Path

import pytest
import vl_convert

from gpu_lessons import plot_turns
from gpu_lessons.hardware.machines import machine

LESSON = Path(__file__).parents[1] / "notebooks" / "source" / "04_inside_the_gpu.py"
T4 = machine("nvidia-t4")
TURN, WAITS, HOLLOW, BUSY = "#0f766e", "#a7d8d2", "white", "#1f2937"


@pytest.fixture(scope="module")
def turns():
    """Return the scheduler as the lesson writes it."""
    [cell] = [cell for cell in LESSON.read_text(encoding="utf-8").split("# %%") if "\ndef turns(" in cell]
    names = {}
    exec(cell.partition("\n")[2], names)
    return names["turns"]


def issued(history):
    return sum(turn is not None for turn in history)


def drawn(history):
    """Return the colours of the squares below the legend."""
    [squares] = [
        layer["data"]["values"]
        for layer in plot_turns(history).chart().to_dict()["layer"]
        if layer["mark"]["type"] == "rect"
    ]
    return squares[4:]  # the first four are the legend's


def test_one_warp_issues_every_fourth_clock_and_two_already_fill_the_lanes(turns):
    assert [issued(turns(warps)) / 1600 for warps in (1, 2, 3, 4, 8)] == [0.25, 0.5, 0.5, 0.5, 0.5]


def test_eight_warps_are_never_faster_than_the_card_and_reach_its_peak(turns):
    rate = T4.sm_count * 4 * issued(turns(8)) / 1600 * T4.clock_hz * 32 * 2
    assert rate == pytest.approx(T4.peak_flops_per_s["float32"], rel=2e-3)


def test_no_warp_goes_on_before_its_result_and_the_lanes_take_one_instruction_at_a_time(turns):
    for warps in (1, 2, 3, 5, 8):
        history = turns(warps, clocks=200)
        clocks = [clock for clock, turn in enumerate(history) if turn is not None]
        assert min(after - before for before, after in itertools.pairwise(clocks)) >= 2
        for warp in range(warps):
            own = [clock for clock, turn in enumerate(history) if turn == warp]
            assert min(after - before for before, after in itertools.pairwise(own)) >= 4


def test_every_warp_gets_as_many_turns_as_the_others(turns):
    counts = Counter(turns(8))
    del counts[None]
    assert set(counts.values()) == {100}


def test_the_picture_has_a_row_for_each_warp_and_one_for_the_lanes(turns):
    squares = drawn({warps: turns(warps) for warps in (1, 2, 8)})
    assert len({square["y"] for square in squares}) == (1 + 1) + (2 + 1) + (8 + 1)
    assert len(squares) == 24 * 14
    places = {(square["x"], square["y"]) for square in squares}
    assert len(places) == len(squares)


def test_the_squares_are_the_history_clock_by_clock():
    squares = drawn({2: [0, None, None, 1, 0, None]})
    rows = [[s["color"] for s in squares if s["y"] == top] for top in sorted({s["y"] for s in squares})]
    assert rows == [
        [TURN, WAITS, WAITS, WAITS, TURN, WAITS],
        [HOLLOW, HOLLOW, HOLLOW, TURN, WAITS, WAITS],
        [BUSY, BUSY, HOLLOW, BUSY, BUSY, BUSY],
    ]


def test_shares_are_of_all_clocks_not_of_those_drawn():
    figure = plot_turns({1: [0] + 99 * [None]})
    assert figure.table() == [{"warps": 1, "issued": 0.01, "busy": 0.02}]
    assert "issued in 1% of the clocks and the lanes are at work in 2%" in figure.sentence()


def test_the_words_name_each_number_of_warps_and_the_chart_is_narrow_enough(turns):
    spec = plot_turns({warps: turns(warps) for warps in (1, 2, 8)}).chart().to_dict()
    svg = vl_convert.vegalite_to_svg(spec, vl_version="5.20")
    said = [unescape(text) for text in re.findall(r"<(?:text|tspan)[^>]*>([^<]+)<", svg)]
    assert "1 warp: issues in 25% of the clocks, lanes at work in 50%" in said
    assert "8 warps: issues in 50% of the clocks, lanes at work in 100%" in said
    assert said.count("lanes") == 3
    assert spec["width"] <= 600


@pytest.mark.parametrize(
    ("turns_of", "said"),
    [
        ({}, "turns must hold the history of at least one number of warps, got none"),
        ({2: []}, "the history of 2 warps must have at least one clock, got none"),
        ({2: [0, 2]}, "clock 1 must name one of 2 warps, counted from 0, or None, got 2"),
        ({2: [-1]}, "clock 0 must name one of 2 warps, counted from 0, or None, got -1"),
        ({1: ["a"]}, "clock 0 must name one of 1 warps, counted from 0, or None, got 'a'"),
    ],
)
def test_a_history_that_cannot_be_is_refused_in_one_sentence(turns_of, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        plot_turns(turns_of)
