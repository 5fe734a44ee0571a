"""The explorer of lesson 06: its numbers against predictions made apart, and its words."""

import pytest

import gpu_lessons as gl
from gpu_lessons.explorers import explore_crossing
from gpu_lessons.explorers.crossing import BATCHES_LOG2, CROSSINGS, LAYERS, LINKS, STEPS_OF_EPOCH, WIDTHS_LOG2

GPU, CPU = "nvidia-rtx-4090", "amd-ryzen-9-7950x"


@pytest.fixture(scope="module")
def rows():
    return {
        (row["batch_log2"], row["width_log2"], row["link"], row["crossing"]): row for row in explore_crossing().table()
    }


def test_there_is_a_row_for_every_combination(rows):
    assert len(rows) == len(BATCHES_LOG2) * len(WIDTHS_LOG2) * len(LINKS) * len(CROSSINGS)


@pytest.mark.parametrize(("batch_log2", "width_log2"), [(0, 7), (9, 9), (12, 13)])
def test_times_are_those_of_eight_layers_and_their_copies(rows, batch_log2, width_log2):
    batch, width = 2**batch_log2, 2**width_log2
    layer = gl.DenseTrainStep(batch, width, width)
    on_card, on_cpu = (gl.predict(layer, gl.machine(slug)).seconds for slug in (GPU, CPU))
    # A copy of one byte is all latency: what is left of one of n bytes is n over the link's rate.
    latency_s = gl.predict(gl.Copy(1), gl.machine(GPU)).seconds
    carried = {"never": 0, "once an epoch": 4 * LAYERS * width * (width + 1), "each step": 4 * batch * width}
    carried["each layer"] = carried["each step"]
    copies = {"never": 0, "once an epoch": 1 / STEPS_OF_EPOCH, "each step": 2, "each layer": 4 * LAYERS}
    for link, (_, rate) in enumerate(LINKS):
        for crossing, way in enumerate(CROSSINGS):
            row = rows[batch_log2, width_log2, link, crossing]
            assert row["cpu_s"] == pytest.approx(LAYERS * on_cpu, rel=1e-3)
            assert row["work_s"] == pytest.approx(LAYERS * on_card, rel=1e-3)
            copies_s = copies[way] * (latency_s + carried[way] / rate) if rate else 0.0
            assert row["in_s"] + row["out_s"] == pytest.approx(copies_s, rel=1e-3, abs=1e-12)


def test_more_crossings_never_leave_more_of_the_speedup(rows):
    for batch_log2 in BATCHES_LOG2:
        for width_log2 in WIDTHS_LOG2:
            for link in range(len(LINKS)):
                step, layer = (rows[batch_log2, width_log2, link, CROSSINGS.index(way)] for way in CROSSINGS[2:])
                assert layer["in_s"] >= step["in_s"]
                assert layer["out_s"] >= step["out_s"]


def test_where_host_and_device_share_one_memory_nothing_shrinks(rows):
    one_memory = [link.name for link in LINKS].index("one memory")
    shrunk = [row for row in rows.values() if row["link"] == one_memory and "shrinks" in row["headline"]]
    assert not shrunk


def test_a_network_too_large_for_the_card_is_out_of_memory():
    small = explore_crossing(gpu="nvidia-jetson-orin-nano-8gb", batch_size=4096, width=8192)
    row = next(row for row in small.table() if (row["batch_log2"], row["width_log2"]) == (12, 13))
    needed = gl.memory_needed(batch_size=4096, layer_sizes=[8192] * (LAYERS + 1), optimizer="sgd").total_bytes
    assert row["fits"] == (needed <= gl.machine("nvidia-jetson-orin-nano-8gb").memory_bytes)
    assert row["fits"] or row["headline"].startswith("Out of memory")


@pytest.mark.parametrize(
    ("argument", "value"), [("batch_size", 3), ("width", 100), ("crossing", "always"), ("link", "PCIe 9")]
)
def test_a_start_that_no_control_has_is_refused_by_name(argument, value):
    with pytest.raises(ValueError, match=argument):
        explore_crossing(**{argument: value})
