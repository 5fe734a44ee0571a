"""The figure of lesson 04: tiles dealt as a simulation deals them, stairs where they must be, live and static."""

import heapq
import itertools
import json
import re
from collections import Counter
from html import unescape

import pytest
import vl_convert

from gpu_lessons.charts.bundle import VEGA_LITE
from gpu_lessons.charts.tile_grid import Card, Deal, TileGrid, TilePoint
from gpu_lessons.explorers import explore_inside_the_gpu
from gpu_lessons.explorers.inside_the_gpu import CARDS
from gpu_lessons.explorers.tile_deals import BATCH_SIZE, N_IN, NEURONS, tile_grid
from gpu_lessons.hardware.machines import UnknownMachineError, machine, machines
from gpu_lessons.model import calibrate, predict
from gpu_lessons.units import format_time
from gpu_lessons.work import DenseForward

GPUS = [each.slug for each in machines() if each.kind == "gpu"]
CORNERS = list(itertools.product((0, len(CARDS) - 1), (NEURONS[0], NEURONS[-1])))
DARK, LIGHT, LIGHTER = "#0f766e", "#a7d8d2", "#d3ece9"


@pytest.fixture(scope="module")
def explorer():
    return explore_inside_the_gpu()


@pytest.fixture(scope="module")
def grid():
    return tile_grid([machine(slug) for slug in CARDS])


@pytest.fixture(scope="module")
def spec(grid):
    return explore_inside_the_gpu().drawn(grid, {"card": 1, "neurons": 1408}).to_dict()


def dealt_one_by_one(blocks, sm_count):
    """Let SMs take blocks of one second, each as soon as it is free; return when each block starts."""
    free_at = [0] * sm_count
    starts = []
    for _ in range(blocks):
        start = heapq.heappop(free_at)
        heapq.heappush(free_at, start + 1)
        starts.append(start)
    return starts


def drawn(spec, card, neurons):
    """Return the SVG once the sliders stand there."""
    moved = json.loads(json.dumps(spec))
    for parameter in moved["params"]:
        parameter |= {"card": {"value": card}, "neurons": {"value": neurons}}.get(parameter["name"], {})
    return vl_convert.vegalite_to_svg(moved, vl_version="5.20")


def texts(svg):
    return [unescape(text) for text in re.findall(r"<(?:text|tspan)[^>]*>([^<]+)<", svg)]


def filled(svg):
    """Return how many shapes have each color; the band, which is transparent, is none of them."""
    shapes = [shape for shape in re.findall(r"<path[^>]*>", svg) if ' opacity="0.15"' not in shape]
    return Counter(color for shape in shapes for color in re.findall(r'fill="(#\w+)"', shape))


# The numbers


def test_there_is_one_row_for_every_card_and_width(explorer):
    places = [(row["card"], row["neurons"]) for row in explorer.table()]
    assert sorted(places) == sorted(itertools.product(range(len(CARDS)), NEURONS))
    sm_counts = dict.fromkeys(row["sm_count"] for row in explorer.table())
    assert list(sm_counts) == sorted({machine(slug).sm_count for slug in CARDS})


def test_blocks_fall_on_sms_as_if_each_free_sm_took_the_next_one(grid):
    for point in grid.points:
        sm_count = grid.cards[point.card].sm_count
        for deal in (point.fixed, point.chosen):
            starts = dealt_one_by_one(deal.blocks, sm_count)
            assert deal.waves == max(starts) + 1
            assert deal.in_last_wave(sm_count) == starts.count(max(starts))
            assert deal.busy(sm_count) == pytest.approx(deal.blocks / (sm_count * (max(starts) + 1)))


def test_tiles_cover_the_output_once_and_no_tile_lies_outside(grid):
    for point in grid.points:
        for deal in (point.fixed, point.chosen):
            corners = [
                (top, left) for top in range(0, BATCH_SIZE, deal.rows) for left in range(0, point.neurons, deal.columns)
            ]
            assert deal.blocks == len(corners) * deal.split_k


def test_the_simple_picture_has_tiles_of_128_and_whole_sums(grid):
    assert {(p.fixed.rows, p.fixed.columns, p.fixed.split_k) for p in grid.points} == {(128, 128, 1)}


def test_libraries_are_shown_with_more_than_one_shape_and_with_split_sums(grid):
    assert len({(point.chosen.rows, point.chosen.columns) for point in grid.points}) >= 5
    assert max(point.chosen.split_k for point in grid.points) >= 4


def test_what_libraries_choose_is_never_slower_than_the_one_shape(grid):
    assert all(point.chosen.time_s <= point.fixed.time_s for point in grid.points)


def test_the_time_is_the_model_s_time_of_the_product_without_its_launch(grid):
    for point in grid.points[::7]:
        card = machine(CARDS[point.card])
        layer = DenseForward(batch_size=BATCH_SIZE, n_in=N_IN, n_out=point.neurons)
        whole = predict(layer, card)
        bias = calibrate(card).kernel_time(layer.kernels[1]).total_s
        assert point.chosen.time_s == pytest.approx(whole.seconds - whole.launch_s - bias, rel=1e-9)


@pytest.mark.parametrize("card", range(len(CARDS)))
def test_both_staircases_only_climb_and_the_simple_one_climbs_only_with_a_new_wave(grid, card):
    line = [point for point in grid.points if point.card == card]
    for before, after in itertools.pairwise(line):
        assert after.chosen.time_s >= before.chosen.time_s * (1 - 1e-12)
        ratio = after.fixed.time_s / before.fixed.time_s
        if after.fixed.waves == before.fixed.waves:
            assert ratio == pytest.approx(1, rel=0.01)  # more bytes, which arithmetic hides nearly
        else:
            assert ratio > 1.05


@pytest.mark.parametrize("card", range(len(CARDS)))
def test_the_real_staircase_is_gentler(grid, card):
    line = [point for point in grid.points if point.card == card and point.neurons >= 256]
    steepest = {
        name: max(getattr(b, name).time_s / getattr(a, name).time_s for a, b in itertools.pairwise(line))
        for name in ("fixed", "chosen")
    }
    assert steepest["chosen"] < steepest["fixed"]


def test_a_small_layer_leaves_most_of_a_large_card_idle(grid):
    small = grid.at(len(CARDS) - 1, 64)
    assert grid.headline(small) == "8 tiles on 132 SMs: 1 wave, 6% full"


@pytest.mark.parametrize("gpu", GPUS)
def test_every_gpu_of_the_catalogue_joins_the_slider_and_is_shown_first(gpu):
    explorer = explore_inside_the_gpu(gpu=gpu)
    assert explorer.sentence().startswith(f"{machine(gpu).name} (predicted)")
    assert len({row["card"] for row in explorer.table()}) == len({*CARDS, gpu})
    json.dumps(explorer.table(), allow_nan=False)


# Words


def deal(**changes):
    return Deal(
        **({"rows": 128, "columns": 128, "split_k": 1, "blocks": 81, "waves": 3, "time_s": 1.234567e-3} | changes)
    )


def words(fixed, chosen=None, sm_count=40):
    point = TilePoint(0, 1234, fixed, chosen or fixed)
    return TileGrid(cards=[Card("A card", sm_count, 0.2)], points=[point], batch_size=1024, n_in=512), point


@pytest.mark.parametrize(
    ("changes", "headline"),
    [
        ({}, "81 tiles on 40 SMs: 3 waves, the last one 2% full"),
        ({"blocks": 80, "waves": 2}, "80 tiles on 40 SMs: 2 full waves"),
        ({"blocks": 40, "waves": 1}, "40 tiles on 40 SMs: 1 full wave"),
        ({"blocks": 1, "waves": 1}, "1 tile on 40 SMs: 1 wave, 2% full"),
        ({"blocks": 1240, "waves": 31}, "1,240 tiles on 40 SMs: 31 full waves"),
    ],
)
def test_the_headline_says_tiles_sms_waves_and_how_full_the_last_one_is(changes, headline):
    grid, point = words(deal(**changes))
    assert grid.headline(point) == headline


@pytest.mark.parametrize(("blocks", "percent"), [(1, "1%"), (398, "99%"), (399, "99%"), (200, "50%")])
def test_a_wave_is_neither_called_empty_nor_full_unless_it_is(blocks, percent):
    grid, point = words(deal(blocks=blocks, waves=1), sm_count=400)
    assert grid.headline(point).endswith(f"1 wave, {percent} full")


def test_the_second_line_says_how_busy_the_sms_are_and_with_what():
    grid, point = words(deal(blocks=60, waves=2))
    assert grid.second_line(point).startswith("SMs busy 75% of 1.23 ms ")
    assert grid.second_line(point).endswith("1,024 samples, 1,234 neurons of 512 inputs, float32")


def test_a_split_sum_is_said():
    assert str(deal(split_k=4, blocks=324, waves=9)) == "128 × 128, sums in 4 parts: 324 blocks, 9 waves"
    assert str(deal(blocks=1, waves=1)) == "128 × 128: 1 block, 1 wave"


def test_the_sentence_is_one_sentence_with_card_source_and_both_times():
    grid, _ = words(deal(), deal(rows=32, columns=64, blocks=640, waves=16, time_s=8e-4))
    sentence = grid.sentence(card=0, neurons=1234)
    assert sentence.startswith("A card (predicted), ")
    assert sentence.endswith("3 waves, the last one 2% full, 1.23 ms; as libraries choose, tiles of 32 × 64: "
                             "640 blocks, 16 waves, 800 µs.")  # fmt: skip
    assert sentence.count(". ") == 0


def test_times_have_at_most_four_significant_digits_and_the_band_is_the_model_s(grid):
    for row in grid.rows():
        for name, value in row.items():
            if isinstance(value, float):
                assert float(f"{value:.3e}") == value, name
        error = grid.cards[row["card"]].error
        assert row["high_s"] / row["chosen_s"] == pytest.approx(1 + error, rel=2e-3)
        assert row["chosen_s"] / row["low_s"] == pytest.approx(1 + error, rel=2e-3)


# The chart


def test_the_chart_is_vega_lite_5_small_and_says_what_it_shows(grid, spec):
    assert spec["$schema"].startswith("https://vega.github.io/schema/vega-lite/v5.")
    assert spec["description"] == grid.sentence(card=1, neurons=1408)


def test_the_largest_chart_stays_below_200_kb():
    data, _ = explore_inside_the_gpu(gpu="nvidia-jetson-agx-orin-64gb")._repr_mimebundle_()
    assert len(json.dumps(data[VEGA_LITE]).encode()) < 200_000


@pytest.mark.parametrize(("card", "neurons"), [*CORNERS, (1, 1408), (3, 704)])
def test_the_drawn_tiles_sms_and_waves_are_those_of_the_simulation(grid, spec, card, neurons):
    sm_count = grid.cards[card].sm_count
    point = grid.at(card, neurons)
    starts = dealt_one_by_one(8 * -(-neurons // 128), sm_count)
    last = max(starts)
    colors = Counter(DARK if start == last else (LIGHT, LIGHTER)[start % 2] for start in starts)  # the tiles
    colors[DARK] += starts.count(last)  # the SMs with a tile
    for waves in (last + 1, point.chosen.waves):
        colors.update(DARK if wave == waves - 1 else (LIGHT, LIGHTER)[wave % 2] for wave in range(waves))
    shapes = filled(drawn(spec, card, neurons))
    assert {color: shapes[color] for color in (DARK, LIGHT, LIGHTER)} == {
        color: colors[color] for color in (DARK, LIGHT, LIGHTER)
    }


@pytest.mark.parametrize(("card", "neurons"), [*CORNERS, (1, 1408)])
def test_the_sliders_choose_headline_line_card_and_times(grid, spec, card, neurons):
    said = texts(drawn(spec, card, neurons))
    point = grid.at(card, neurons)
    idle = grid.cards[card].sm_count - point.fixed.in_last_wave(grid.cards[card].sm_count)
    expected = [
        grid.headline(point),
        grid.second_line(point),
        f"{grid.cards[card].name}, predicted",
        f"{point.fixed.in_last_wave(grid.cards[card].sm_count)} with a tile, {idle} idle",
        *f"one tile shape, {point.fixed}".replace(": ", ":\n").split("\n"),
        *f"as libraries choose, {point.chosen}".replace(": ", ":\n").split("\n"),
        format_time(point.fixed.time_s),
        format_time(point.chosen.time_s),
    ]
    assert [text for text in expected if text not in said] == []
    assert [text for text in said if " SMs: " in text] == [grid.headline(point)]


def test_no_parameter_has_a_name_vega_uses_itself(spec):
    assert {parameter["name"] for parameter in spec["params"]}.isdisjoint({"width", "height", "padding", "data"})


# Static and live


@pytest.mark.parametrize(
    ("choices", "error", "said"),
    [
        ({"width": 100}, ValueError, "width must be a multiple of 64 from 64 to 2,560, got 100"),
        ({"width": 0}, ValueError, "width must be an integer of at least 1, got 0"),
        ({"width": 2624}, ValueError, "width must be a multiple of 64 from 64 to 2,560, got 2624"),
        ({"width": 640.0}, TypeError, "width must be an integer of at least 1, got 640.0"),
        ({"gpu": "amd-epyc-9654"}, ValueError, "gpu must be a GPU of the catalogue, got the CPU 'amd-epyc-9654'"),
        ({"gpu": "nvidia-t5"}, UnknownMachineError, "no machine 'nvidia-t5' in the catalogue; nearest: nvidia-t4"),
    ],
)
def test_a_wrong_choice_is_refused_in_one_sentence(choices, error, said):
    with pytest.raises(error) as raised:
        explore_inside_the_gpu(**choices)
    assert str(raised.value).startswith(said)
    assert "\n" not in str(raised.value)


def test_the_sliders_say_widths_and_sm_counts(explorer):
    neurons, card = explorer.controls
    assert [(int(words.replace(",", "")), value) for words, value in neurons.options] == [(n, n) for n in NEURONS]
    assert card.options[1] == ("40, T4", 1)
