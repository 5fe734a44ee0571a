"""The explorer of lesson 02 by its data: what was simulated, what is drawn at every position, and the live display."""

import itertools
import json
import re
from html import unescape

import pytest
import vl_convert

from gpu_lessons.charts.call_record import CLOCKS, Block, Call, CallRecord
from gpu_lessons.explorers import explore_timeline
from gpu_lessons.explorers.timed_calls import BATCHES_LOG2, WIDTHS, call_record
from gpu_lessons.hardware.machines import UnknownMachineError, machine, machines
from gpu_lessons.model import predict
from gpu_lessons.units import format_time
from gpu_lessons.work import Copy, DenseForward

POSITIONS = list(itertools.product(BATCHES_LOG2, range(len(CLOCKS))))
CORNERS = list(itertools.product((BATCHES_LOG2[0], BATCHES_LOG2[-1]), range(len(CLOCKS))))
NOT_WAITING, WAITING, COPIES = range(len(CLOCKS))
GPUS = [each.slug for each in machines() if each.kind == "gpu" and each.memory_bytes is not None]
WIDTH = 1024


@pytest.fixture(scope="module")
def record():
    return call_record("nvidia-t4", WIDTH)


@pytest.fixture(scope="module")
def spec(record):
    return explore_timeline().drawn(record, {"batch_log2": 10, "clock": NOT_WAITING}).to_dict()


def layer(batch_log2):
    return DenseForward(batch_size=2**batch_log2, n_in=WIDTH, n_out=WIDTH)


# What was simulated


def test_there_is_one_call_for_every_batch_and_way_of_timing(record):
    assert sorted((call.batch_log2, call.clock) for call in record.calls) == POSITIONS


@pytest.mark.parametrize("batch_log2", BATCHES_LOG2)
def test_a_clock_that_does_not_wait_reads_two_launches_whatever_the_batch(record, batch_log2):
    assert record.at(batch_log2, NOT_WAITING).stop_s == pytest.approx(2 * record.launch_s)


@pytest.mark.parametrize("batch_log2", BATCHES_LOG2)
def test_a_clock_that_waits_reads_what_the_model_predicts_for_the_layer(record, batch_log2):
    predicted_s = predict(layer(batch_log2), machine("nvidia-t4"), launch_overhead_s=record.launch_s).seconds
    call = record.at(batch_log2, WAITING)
    # The second launch may hide behind the first kernel.
    assert call.stop_s == pytest.approx(predicted_s, abs=1.001 * record.launch_s)
    assert call.stop_s == pytest.approx(call.done_s)
    assert call.done_s == pytest.approx(record.at(batch_log2, NOT_WAITING).done_s)


@pytest.mark.parametrize("batch_log2", BATCHES_LOG2)
def test_the_copies_are_those_of_pageable_memory_and_are_added(record, batch_log2):
    copy_s = predict(Copy(2**batch_log2 * WIDTH * 4, pinned=False), machine("nvidia-t4")).seconds
    added_s = record.at(batch_log2, COPIES).stop_s - record.at(batch_log2, WAITING).stop_s
    # The first copy runs while both kernels are launched, and the last kernel while the second copy is.
    assert added_s == pytest.approx(2 * copy_s, abs=3.001 * record.launch_s)
    # The launch of a copy is a part of its time.
    assert record.at(batch_log2, COPIES).copies_s == pytest.approx(2 * (copy_s - record.launch_s))


@pytest.mark.parametrize("position", POSITIONS)
def test_a_row_does_one_thing_at_a_time_and_nothing_runs_before_it_is_launched(record, position):
    blocks = record.at(*position).blocks
    for row in ("host", "device"):
        ordered = [block for block in blocks if block.row == row]
        assert ordered[0].start_s >= 0
        for block, after in itertools.pairwise(ordered):
            assert block.start_s < block.end_s <= after.start_s + 1e-12
    launched_s = {block.name: block.end_s for block in blocks if block.kind == "launch"}
    for block in blocks:
        assert block.row == "host" or block.start_s >= launched_s[f"launch {block.name}"] - 1e-12


def test_only_a_clock_that_waits_has_waits_in_it(record):
    for batch_log2, clock in POSITIONS:
        kinds = [block.kind for block in record.at(batch_log2, clock).blocks]
        assert ("wait" in kinds) == (clock != NOT_WAITING)
        assert ("copy in" in kinds) == ("copy out" in kinds) == (clock == COPIES)
        assert kinds.count("kernels") == 2


# Words


def call(*, stop_s, clock=NOT_WAITING, copy_s=0.0):
    blocks = (
        Block("launch matmul", "host", "launch", 0.0, 1e-3),
        Block("copy in", "device", "copy in", 0.0, copy_s),
        Block("matmul", "device", "kernels", 1e-3, 0.1),
    )
    return Call(batch_log2=3, clock=clock, blocks=blocks, stop_s=stop_s)


@pytest.mark.parametrize(
    ("one", "headline", "line"),
    [
        (
            call(stop_s=1e-3),
            "Your clock said 1 ms: it read the host",
            "the result existed only after 100 ms, 100 times as long",
        ),
        (
            call(stop_s=0.1, clock=WAITING),
            "Your clock said 100 ms: it read the device",
            "the result existed when the clock was read",
        ),
        (
            call(stop_s=0.1, clock=COPIES, copy_s=0.025),
            "Your clock said 100 ms: it read the device",
            "the result was back on the host; 25% of the time went into the bus",
        ),
    ],
)
def test_the_headline_says_which_time_was_read_and_the_line_what_was_missed(one, headline, line):
    record = CallRecord(calls=[one], gpu="a card (predicted)", width=64, launch_s=1e-3)
    assert record.headline(one) == headline
    assert record.second_line(one) == line
    assert record.setting(one) == "batch 8, width 64"


@pytest.mark.parametrize("corner", CORNERS)
def test_the_sentence_is_one_sentence_with_sizes_source_and_both_times(record, corner):
    sentence = record.sentence(batch_log2=corner[0], clock=corner[1])
    assert re.fullmatch(r"[^\n]+\.", sentence)
    assert ". " not in sentence
    for part in (f"batch {2 ** corner[0]:,}, width {WIDTH:,}", "NVIDIA T4 (simulated, times predicted)"):
        assert part in sentence
    assert f"timed {CLOCKS[corner[1]]}" in sentence


# The chart


def test_the_chart_is_valid_small_and_says_what_it_shows(record, spec):
    assert spec["$schema"].startswith("https://vega.github.io/schema/vega-lite/v5.")
    assert spec["description"] == record.sentence(batch_log2=10, clock=NOT_WAITING)
    assert spec["data"]["values"] == record.rows()
    assert len(json.dumps(spec)) < 200_000


def test_the_numbers_of_a_row_have_four_digits_and_its_blocks_lie_side_by_side(record):
    for row in record.rows():
        lists = [row[name] for name in ("name", "row", "kind", "took", "start_s", "end_s")]
        assert len({len(each) for each in lists}) == 1
        for number in (row["stop_s"], row["done_s"], *row["start_s"], *row["end_s"]):
            assert float(f"{number:.3e}") == number


def test_the_table_has_one_row_for_each_block(record):
    table = record.table()
    assert len(table) == sum(len(each.blocks) for each in record.calls)
    assert {row["clock"] for row in table} == set(CLOCKS)
    json.dumps(table, allow_nan=False)


def drawn(spec, batch_log2, clock):
    """Return what Vega draws once the controls stand there, as SVG."""
    moved = json.loads(json.dumps(spec))
    for parameter in moved["params"]:
        parameter |= {"batch_log2": {"value": batch_log2}, "clock": {"value": clock}}.get(parameter["name"], {})
    return vl_convert.vegalite_to_svg(moved, vl_version="5.20")


def texts_of(svg):
    return [unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


@pytest.mark.parametrize("corner", [*CORNERS, (10, NOT_WAITING)])
def test_the_controls_choose_the_headline_the_line_and_the_reading(record, spec, corner):
    texts = texts_of(drawn(spec, *corner))
    call = record.at(*corner)
    for text in (record.headline(call), f"{record.second_line(call)}   ·   {record.setting(call)}", record.gpu):
        assert texts.count(text) == 1
    assert [text for text in texts if text.startswith("your clock")] == 2 * [f"your clock: {format_time(call.stop_s)}"]


@pytest.mark.parametrize("corner", CORNERS)
def test_every_block_is_drawn_and_says_what_it_is_and_how_long_it_takes(record, spec, corner):
    said = re.findall(r'aria-label="([^",]*) on the (host|device), ([^"]*)"', drawn(spec, *corner))
    blocks = record.at(*corner).blocks
    enlarged = [block for block in blocks if block.start_s < 5 * record.launch_s * (1 - 1e-9)]
    assert sorted(said) == sorted(
        (block.name, block.row, format_time(block.end_s - block.start_s)) for block in (*blocks, *enlarged)
    )


def test_the_enlarged_part_names_both_launches_and_their_times(spec, record):
    texts = texts_of(drawn(spec, 10, NOT_WAITING))
    launch = format_time(record.launch_s)
    assert texts.count("launch matmul") == texts.count("launch add") == 1
    assert texts.count(launch) == 2


# The explorer


@pytest.mark.parametrize("gpu", GPUS)
def test_every_gpu_gives_a_figure_at_every_corner(gpu):
    explorer = explore_timeline(gpu=gpu, width=WIDTHS[0])
    record = call_record(gpu, WIDTHS[0])
    for corner in CORNERS:
        call = record.at(*corner)
        assert 0 < call.stop_s < 10
        assert record.headline(call)
    assert machine(gpu).name in explorer.sentence()


@pytest.mark.parametrize(
    ("choices", "error", "words"),
    [
        ({"gpu": "amd-epyc-9654"}, ValueError, "gpu must be a GPU of the catalogue, got the CPU 'amd-epyc-9654'"),
        ({"gpu": "nvidia-t5"}, UnknownMachineError, "no machine 'nvidia-t5' in the catalogue; nearest: nvidia-t4"),
        ({"batch_size": 100}, ValueError, "batch_size must be a power of two from 1 to 2,048, got 100"),
        ({"batch_size": 4096}, ValueError, "batch_size must be a power of two from 1 to 2,048, got 4096"),
        ({"batch_size": 0}, ValueError, "batch_size must be an integer of at least 1, got 0"),
        ({"width": 100}, ValueError, "width must be one of 256, 512, 1,024, 2,048, got 100"),
        ({"width": 2048.0}, TypeError, "width must be an integer of at least 1, got 2048.0"),
        ({"clock": "sometimes"}, ValueError, "clock must be one of not waiting, waiting, waiting, with both copies"),
    ],
)
def test_a_wrong_choice_is_refused_in_one_sentence(choices, error, words):
    with pytest.raises(error) as raised:
        explore_timeline(**choices)
    assert str(raised.value).startswith(words)
    assert "\n" not in str(raised.value)


def test_the_slider_shows_real_numbers_and_the_buttons_every_way_of_timing():
    batch, clock = explore_timeline().controls
    assert [int(words.replace(",", "")) for words in batch.words] == [2**e for e in BATCHES_LOG2]
    assert clock.words == list(CLOCKS)
