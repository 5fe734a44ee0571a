"""The explorer of lesson 12 and the chart of a ladder: their numbers against counts done apart, and their words."""

import re

import pytest

import gpu_lessons as gl
from gpu_lessons.charts.bundle import VEGA_LITE
from gpu_lessons.explorers.kernel import SIZE, STEPS, TILES, explore_kernel

N = SIZE


@pytest.fixture(scope="module")
def explorer():
    return explore_kernel()


@pytest.fixture(scope="module")
def rows(explorer):
    return {(row["step"], row["tile"]): row for row in explorer.table()}


def test_there_is_a_row_for_every_step_and_tile(rows):
    assert set(rows) == {(step, tile) for step in STEPS for tile in TILES}


@pytest.mark.parametrize("tile", [8, 16, 32])
@pytest.mark.parametrize("step", [3, 4, 5])
def test_with_tiles_a_byte_asked_for_serves_a_quarter_of_the_tile(rows, step, tile):
    # Each block loads its rows of A and columns of B once: 2 N^3 FLOP over (N / tile)^2 blocks of 2 tile N numbers.
    assert rows[step, tile]["asked_bytes"] == (N // tile) ** 2 * 2 * tile * N * 4
    assert rows[step, tile]["intensity"] == pytest.approx(tile / 4)


def test_without_tiles_the_slider_changes_nothing(rows):
    for step in (1, 2):
        kept = [{k: v for k, v in rows[step, tile].items() if k != "tile"} for tile in TILES]
        assert all(each == kept[0] for each in kept)
    assert all(("no tile to choose" in row["line"]) == (step < 3) for (step, _), row in rows.items())
    # For each term a warp asks for 16 + 1 sectors, or for 2 + 2.
    assert rows[1, 16]["asked_bytes"] == N**3 // 32 * 17 * 32
    assert rows[2, 16]["asked_bytes"] == N**3 // 32 * 4 * 32


def test_the_longest_part_is_the_time_and_the_rate_is_under_the_roof_of_l1(explorer, rows):
    card = gl.machine("nvidia-rtx-a6000")
    for row in rows.values():
        if row["misfit"] is None:
            longest = max(row[f"{part}_s"] for part in ("arithmetic", "requests", "passes", "l2", "memory"))
            assert 2 * N**3 / row["rate"] == pytest.approx(longest, rel=0.002)
            assert row["rate"] <= 1.001 * row["intensity"] * explorer.answer.l1_bytes_per_s
            assert row["rate"] <= card.peak_flops_per_s["float32"]
            assert row["memory_bytes"] >= 3 * N * N * 4 * 0.999


def test_a_tile_that_does_not_fit_has_a_sentence_and_no_number(rows):
    row = rows[3, 64]
    assert row["misfit"] == "does not fit: 4,096 threads, a block has at most 1,024"
    assert row["share"] is row["rate"] is row["asked_bytes"] is None
    said = explore_kernel(step=3, tile=64).sentence()
    assert said.endswith("does not fit with a tile of 64 × 64: 4,096 threads, a block has at most 1,024.")


def test_the_headline_says_the_share_of_the_row(rows):
    for (step, _), row in rows.items():
        if row["misfit"] is None:
            digits = float(re.fullmatch(rf"Step {step}: ([\d.]+)% of the library, predicted", row["headline"])[1])
            assert digits / 100 == pytest.approx(row["share"], rel=0.051)


def test_the_published_ladder_is_drawn_on_its_card_alone():
    shown = str(explore_kernel()._repr_mimebundle_()[0][VEGA_LITE])
    assert "published by S. Boehm, SGEMM_CUDA; other tiles" in shown
    others = explore_kernel(gpu="nvidia-t4")
    assert "published" not in str(others._repr_mimebundle_()[0][VEGA_LITE])
    assert others.answer.gpu_name == "GPU  NVIDIA T4, predicted, not tested on this card"
    rungs = explore_kernel().answer.ladder
    assert [rung["published"] for rung in rungs] == [
        pytest.approx(share, abs=6e-4) for share in (0.013, 0.085, 0.128, 0.687, 0.784)
    ]


@pytest.mark.parametrize("gpu", ["nvidia-h200-sxm-2026-11-26", "nvidia-jetson-orin-nano-8gb", "nvidia-b200-sxm"])
def test_any_gpu_of_the_picker_has_its_ladder(gpu):
    answer = explore_kernel(gpu=gpu).answer
    shares = [rung["share"] for rung in answer.ladder]
    assert shares[0] < shares[1] < shares[2] < shares[3] <= 1


@pytest.mark.parametrize(("argument", "value"), [("step", 6), ("step", True), ("tile", 24), ("tile", "16")])
def test_a_start_that_no_control_has_is_refused_by_name(argument, value):
    with pytest.raises((TypeError, ValueError), match=argument):
        explore_kernel(**{argument: value})


# A ladder of given times

TIMES = [
    ("step 1", 0.1, "predicted"),
    ("step 1", 0.2, "measured"),
    ("mine", 0.04, "measured"),
    ("library", 0.01, "predicted"),
    ("library", 0.02, "measured"),
]


def test_a_share_is_against_the_library_of_the_same_source():
    found = gl.plot_ladder(TIMES, library="library", mine="mine")
    assert [(row["name"], row["source"], row["share"]) for row in found.table()] == [
        ("step 1", "predicted", 0.1),
        ("step 1", "measured", 0.1),
        ("mine", "measured", 0.5),
    ]
    assert found.sentence() == "Of the speed of library: step 1 10% predicted, 10% measured; mine 50% measured."


def test_a_kernel_faster_than_the_library_is_drawn_beyond_it():
    found = gl.plot_ladder([("mine", 1.0, "measured"), ("library", 2.0, "measured")], library="library")
    assert found.table()[0]["share"] == 2
    assert "'domain': [0, 2.0]" in str(found._repr_mimebundle_()[0][VEGA_LITE])


@pytest.mark.parametrize(
    ("rungs", "more", "said"),
    [
        (TIMES[:3], {}, "rungs must hold a predicted time of the library 'library', as of its kernels"),
        (TIMES[3:], {}, "rungs must hold a kernel beside the library 'library', got none"),
        ([], {}, "rungs must hold a kernel beside the library 'library', got none"),
        (TIMES, {"mine": "yours"}, "mine must be one of step 1, mine, got 'yours'"),
        ([*TIMES, TIMES[0]], {}, "rungs must name 'step 1' once for each source, got it twice as predicted"),
        ([("a", 0.0, "measured")], {}, "seconds must be above 0, got 0.0 for 'a'"),
        ([("a", 1.0, "guessed")], {}, "source must be"),
    ],
)
def test_times_that_are_no_ladder_are_refused_in_one_sentence(rungs, more, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        gl.plot_ladder(rungs, library="library", **more)


@pytest.mark.parametrize("rungs", [None, "abc", [("mine", 1.0)], [(3, 1.0, "measured")]], ids=str)
def test_what_is_no_ladder_is_refused(rungs):
    with pytest.raises(TypeError, match=r"^rungs must hold a name, seconds and a source each, got "):
        gl.plot_ladder(rungs, library="library")
