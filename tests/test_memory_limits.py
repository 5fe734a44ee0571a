"""The figure of lesson 07: bytes as a memory pool counts them, times as a run takes them, and what is drawn of both."""

import itertools
import json
import re
from dataclasses import replace
from html import unescape
from itertools import chain

import numpy as np
import pytest
import vl_convert

from gpu_lessons.charts.bundle import VEGA_LITE
from gpu_lessons.devices import SimulatedGpu
from gpu_lessons.explorers import explore_memory_limits
from gpu_lessons.explorers.memory_limits import BATCHES_LOG2, DEPTHS, WIDTHS_LOG2, memory_grid
from gpu_lessons.explorers.training_ways import PARTS, WAYS, Network, ledger_of, step_seconds
from gpu_lessons.hardware.machines import UnknownMachineError, machine, machines
from gpu_lessons.model import calibrate
from gpu_lessons.nn import SGD, Adam, Dense, KeptAsFloat16, Momentum, Recomputed, ReLU, SoftmaxCrossEntropy
from gpu_lessons.nn import Network as Layers
from gpu_lessons.units import DTYPE_BYTES, format_bytes, format_time
from gpu_lessons.work import memory_needed

T4 = machine("nvidia-t4")
OPTIMIZERS = {"sgd": SGD, "momentum": Momentum, "adam": Adam}
GPUS = [each.slug for each in machines() if each.kind == "gpu"]
CORNERS = list(
    itertools.product((BATCHES_LOG2[0], BATCHES_LOG2[-1]), (WIDTHS_LOG2[0], WIDTHS_LOG2[-1]), (DEPTHS[0], DEPTHS[-1]))
)
EVERY_WAY = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)


@pytest.fixture(scope="module")
def grid():
    return memory_grid(gpu=T4, optimizer="adam", dtype="float32")


@pytest.fixture(scope="module")
def spec(grid):
    return explore_memory_limits().drawn(grid, {"batch_log2": 13, "width_log2": 11, "depth": 16}).to_dict()


def trained(network, way):
    """Run two steps on a simulated GPU; return the peak of its memory, and the seconds of the second step."""
    gpu = SimulatedGpu(T4)
    parts = PARTS if "micro_batches" in way.changes else 1
    blocks = [
        [Dense(network.width, network.width, xp=gpu.xp, dtype=network.dtype, seed=seed), ReLU()]
        for seed in range(network.depth)
    ]
    blocks[-1].pop()
    wrap = KeptAsFloat16 if "activation_dtype" in way.changes else Layers
    if "recompute_segment" in way.changes:
        root = round(network.depth**0.5)
        blocks = [[Recomputed(list(chain(*blocks[i : i + root])))] for i in range(0, network.depth, root)]
    layers, loss = wrap(list(chain(*blocks))), SoftmaxCrossEntropy()
    optimizer = OPTIMIZERS[way.changes.get("optimizer", network.optimizer)](1e-6)
    rng = np.random.default_rng(0)
    x = gpu.xp.asarray(rng.standard_normal((network.batch // parts, network.width)).astype(network.dtype))
    labels = gpu.xp.asarray(rng.integers(0, network.width, network.batch // parts))
    for _ in range(2):
        gpu.synchronize()
        start_s = gpu.perf_counter()
        for part in range(parts):
            loss.forward(layers.forward(x), labels)
            layers.backward(loss.backward() * (1 / parts), accumulate=part > 0)
        optimizer.step(layers)
        gpu.synchronize()
    return gpu.memory.peak_bytes, gpu.perf_counter() - start_s


@EVERY_WAY
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_each_way_needs_what_a_run_of_it_takes_from_the_pool(way, optimizer):
    network = Network(512, 256, 4, optimizer, "float32")
    assert ledger_of(network, way).total_bytes == pytest.approx(trained(network, way)[0], rel=0.05)


@EVERY_WAY
def test_each_way_costs_what_a_run_of_it_takes_beside_the_run_as_it_is(way):
    network = Network(2048, 512, 9, "adam", "float32")
    times = [step_seconds(network, each, calibrate(T4)) for each in (way, WAYS[0])]
    run_s = [trained(network, each)[1] for each in (way, WAYS[0])]
    assert times[0] / times[1] == pytest.approx(run_s[0] / run_s[1], rel=0.07)
    assert times[1] == pytest.approx(run_s[1], rel=0.07)


def test_recomputation_costs_a_third_where_arithmetic_decides():
    network = Network(65536, 4096, 16, "sgd", "float32")
    again = next(way for way in WAYS if "recompute_segment" in way.changes)
    seconds = [step_seconds(network, way, calibrate(T4)) for way in (again, WAYS[0])]
    assert seconds[0] / seconds[1] == pytest.approx(4 / 3, rel=0.02)


def test_the_table_holds_every_combination_of_the_sliders_once_with_the_ledger_of_each(grid):
    places = [(row["batch_log2"], row["width_log2"], row["depth"]) for row in grid.rows()]
    assert sorted(places) == sorted(itertools.product(BATCHES_LOG2, WIDTHS_LOG2, DEPTHS))
    for row in grid.rows()[::7]:
        sizes = [2 ** row["width_log2"]] * (row["depth"] + 1)
        ledger = memory_needed(batch_size=2 ** row["batch_log2"], layer_sizes=sizes, optimizer="adam")
        parts = 2 * row["weights"] + row["optimizer"] + row["activations"] + row["passing"]
        assert parts == row["way0_bytes"] == ledger.total_bytes
        assert row["largest"] == ledger.largest_batch(16e9)
        json.dumps(row, allow_nan=False)


def test_no_way_back_needs_more_than_the_network_as_it_is(grid):
    for point in grid.points:
        as_it_is, *others = (size for size, _ in point.ways)
        assert all(size <= as_it_is * 1.001 for size in others), point


@pytest.mark.parametrize(
    ("gpu", "dtype"), [*((gpu, "float32") for gpu in GPUS), *(("nvidia-l4", d) for d in DTYPE_BYTES)]
)
def test_every_gpu_and_every_number_format_gives_a_figure(gpu, dtype):
    explorer = explore_memory_limits(gpu=gpu, dtype=dtype)
    assert f"Adam, {dtype}, {machine(gpu).name}" in explorer.sentence()
    assert all(row[f"way{place}_s"] > 0 for row in explorer.table() for place in range(len(WAYS)))


def test_a_gpu_without_a_rate_for_the_number_format_is_refused_in_one_sentence():
    without = replace(calibrate(T4), flops_per_s={"float32": 1e12})
    with pytest.raises(ValueError, match=r"^no float64 rate is known for this GPU; known: float32$"):
        step_seconds(Network(256, 256, 4, "sgd", "float64"), WAYS[0], without)


@pytest.mark.parametrize(("batch_log2", "width_log2", "depth"), CORNERS)
def test_the_figure_can_start_at_every_corner(batch_log2, width_log2, depth):
    explorer = explore_memory_limits(batch_size=2**batch_log2, width=2**width_log2, depth=depth)
    assert f"{depth} layers of {2**width_log2:,} neurons, batch {2**batch_log2:,}, Adam" in explorer.sentence()


def drawn(spec, **chosen):
    """Return the SVG once the sliders stand there."""
    moved = json.loads(json.dumps(spec))
    for parameter in moved["params"]:
        if parameter["name"] in chosen:
            parameter["value"] = chosen[parameter["name"]]
    svg = vl_convert.vegalite_to_svg(moved, vl_version="5.20")
    return [unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


@pytest.mark.parametrize(("batch_log2", "width_log2", "depth"), [*CORNERS, (13, 11, 16), (17, 11, 16)])
def test_the_drawn_words_are_those_of_the_chosen_network(grid, spec, batch_log2, width_log2, depth):
    chosen = {"batch_log2": batch_log2, "width_log2": width_log2, "depth": depth}
    point, said = grid.at(**chosen), drawn(spec, **chosen)
    ledger = point.ledger
    largest = ledger.largest_batch(16e9)
    expected = [
        grid.headline(point),
        f"largest batch that fits: {largest:,}" if largest else "no batch fits",
        format_bytes(ledger.weights_bytes),
        format_bytes(ledger.optimizer_bytes),
        *(format_bytes(size) for size, _ in point.ways),
    ]
    assert [text for text in expected if text not in said] == []
    fitting = [time_s for size, time_s in point.ways if size <= 16e9]
    for time_s in fitting:
        percent = f"{time_s / point.ways[0][1]:.0%}"
        rounded_s = float(f"{time_s:.4g}")  # of its four digits, a last 5 may be rounded either way
        written = {f"{format_time(rounded_s * nudge)}, {percent}" for nudge in (1 - 1e-9, 1 + 1e-9)}
        assert written & set(said), percent
    assert said.count("cannot run") == len(WAYS) - len(fitting)


def test_out_of_memory_is_a_view_of_its_own(spec):
    assert "Fits: 2.43 GB of 16 GB" in drawn(spec, batch_log2=13)
    said = drawn(spec, batch_log2=17)
    assert "Out of memory: 22.8 GB needed" in said
    assert "cannot run" in said


def test_the_largest_chart_stays_below_200_kb():
    explorer = explore_memory_limits(gpu="nvidia-jetson-agx-orin-64gb", optimizer="momentum", dtype="float64")
    data, _ = explorer._repr_mimebundle_()
    assert len(json.dumps(data[VEGA_LITE]).encode()) < 200_000


@pytest.mark.parametrize(
    ("choices", "error", "said"),
    [
        ({"batch_size": 100}, ValueError, "batch_size must be a power of two from 256 to 131,072, got 100"),
        ({"width": 16384}, ValueError, "width must be a power of two from 256 to 8,192, got 16384"),
        ({"width": 512.0}, TypeError, "width must be an integer of at least 1, got 512.0"),
        ({"depth": 24}, ValueError, "depth must be one of 4, 16, 36, 64, got 24"),
        ({"depth": True}, ValueError, "depth must be one of 4, 16, 36, 64, got True"),
        ({"optimizer": "lion"}, ValueError, "optimizer must be one of sgd, momentum, adam, got 'lion'"),
        ({"dtype": "int8"}, ValueError, "dtype must be one of float16, float32, float64, got 'int8'"),
        ({"gpu": "amd-epyc-9654"}, ValueError, "gpu must be a GPU of the catalogue, got the CPU 'amd-epyc-9654'"),
        ({"gpu": "nvidia-t5"}, UnknownMachineError, "no machine 'nvidia-t5' in the catalogue; nearest: nvidia-t4"),
    ],
)
def test_a_wrong_choice_is_refused_in_one_sentence(choices, error, said):
    with pytest.raises(error) as raised:
        explore_memory_limits(**choices)
    assert str(raised.value).startswith(said)
    assert "\n" not in str(raised.value)
