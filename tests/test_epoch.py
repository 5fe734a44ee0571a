"""The explorer of an epoch: its numbers against predictions made apart, and its words."""

import json

import pytest

import gpu_lessons as gl
from gpu_lessons.charts.bundle import VEGA_LITE
from gpu_lessons.explorers import explore_epoch
from gpu_lessons.explorers.epoch import BATCHES_LOG2, CLASSES, SAMPLES, SIDES_LOG2, WIDTHS_LOG2

GPU, CPU = gl.machine("nvidia-t4"), gl.machine("amd-ryzen-9-7950x")


@pytest.fixture(scope="module")
def rows():
    return {(row["batch_log2"], row["side_log2"], row["width_log2"]): row for row in explore_epoch().table()}


def test_there_is_a_row_for_every_combination(rows):
    assert len(rows) == len(BATCHES_LOG2) * len(SIDES_LOG2) * len(WIDTHS_LOG2)
    assert all(SAMPLES % 2**batch_log2 == 0 for batch_log2 in BATCHES_LOG2)


@pytest.mark.parametrize(("batch_log2", "side_log2", "width_log2"), [(5, 3, 6), (10, 7, 13), (8, 5, 9)])
def test_times_are_those_of_a_whole_epoch(rows, batch_log2, side_log2, width_log2):
    row = rows[batch_log2, side_log2, width_log2]
    side = 2**side_log2
    epoch = gl.TrainEpoch(SAMPLES, 2**batch_log2, (side * side, 2**width_log2, CLASSES))
    for who, machine in (("gpu", GPU), ("cpu", CPU)):
        whole = gl.predict(epoch, machine)
        assert row[f"{who}_s"] == pytest.approx(whole.seconds, rel=0.01)
        assert row[f"{who}_low_s"] <= row[f"{who}_s"] <= row[f"{who}_high_s"]


def test_the_cpu_wins_on_small_digits_and_the_gpu_on_large_images_in_wide_layers(rows):
    assert rows[5, 3, 6]["cpu_s"] < 0.5 * rows[5, 3, 6]["gpu_s"]
    assert rows[5, 7, 13]["gpu_s"] < 0.5 * rows[5, 7, 13]["cpu_s"]


def test_the_headline_says_who_wins(rows):
    for row in rows.values():
        if "either" not in row["headline"] and row["fits"]:
            assert ("faster" in row["headline"]) == (row["gpu_s"] < row["cpu_s"])


def test_a_larger_batch_never_makes_the_gpus_epoch_longer_while_launches_decide(rows):
    times = [rows[batch_log2, 3, 6]["gpu_s"] for batch_log2 in BATCHES_LOG2]
    assert times == sorted(times, reverse=True)
    assert times[0] > 50 * times[-1]


def test_what_does_not_fit_says_how_much_it_needs():
    small = explore_epoch(gpu="nvidia-jetson-orin-nano-8gb")
    needed = gl.TrainEpoch(SAMPLES, 1024, (128 * 128, 8192, CLASSES)).memory_bytes
    row = next(row for row in small.table() if (row["batch_log2"], row["side_log2"], row["width_log2"]) == (10, 7, 13))
    assert row["fits"] == (needed <= gl.machine("nvidia-jetson-orin-nano-8gb").memory_bytes)


def test_the_chart_is_small_enough_for_a_page():
    data, _ = explore_epoch()._repr_mimebundle_()
    assert len(json.dumps(data[VEGA_LITE]).encode()) < 200_000


@pytest.mark.parametrize(("argument", "value"), [("batch_size", 7), ("side", 28), ("width", 100)])
def test_a_start_that_no_control_has_is_refused_by_name(argument, value):
    with pytest.raises(ValueError, match=argument):
        explore_epoch(**{argument: value})
