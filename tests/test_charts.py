"""The main figure by its data: rows, headlines, the break-even line, and what Vega makes of the texts."""

import base64
import itertools
import json
import math
import re
from dataclasses import replace
from html import unescape

import altair as alt
import pytest
import vl_convert

from gpu_lessons.charts.batch_and_width import end_names
from gpu_lessons.charts.bundle import VEGA_LITE, Figure, static_bundle
from gpu_lessons.charts.display import is_live
from gpu_lessons.charts.grid import Dot, Grid, Point, Series
from gpu_lessons.charts.markers import time_marks
from gpu_lessons.charts.panels import break_even
from gpu_lessons.explorers import explore_batch_and_width
from gpu_lessons.explorers.layer_grid import BATCHES_LOG2, WIDTHS_LOG2, layer_grid
from gpu_lessons.hardware.machines import machine, machines
from gpu_lessons.model import predict
from gpu_lessons.work import Copy, DenseForward, DenseTrainStep, memory_needed

WORK = {"forward": DenseForward, "training step": DenseTrainStep}
CORNERS = list(itertools.product((BATCHES_LOG2[0], BATCHES_LOG2[-1]), (WIDTHS_LOG2[0], WIDTHS_LOG2[-1])))


def question(gpu="nvidia-t4", cpu="amd-ryzen-9-7950x", dtype="float32", work="forward"):
    return {"gpu": machine(gpu), "cpu": machine(cpu), "dtype": dtype, "work": work}


def chart_of(grid, batch_log2=8, width_log2=11):
    explorer = explore_batch_and_width()
    return explorer.drawn(grid, {"batch_log2": batch_log2, "width_log2": width_log2})


@pytest.fixture(scope="module")
def grid():
    return layer_grid(**question())


@pytest.fixture(scope="module")
def spec(grid):
    return chart_of(grid).to_dict()


def point(**changes):
    """Return a point whose numbers are easy to follow: one second on the CPU, half on the GPU."""
    numbers = {
        "batch_log2": 3,
        "width_log2": 6,
        "cpu_s": 1.0,
        "gpu_s": 0.5,
        "cpu_factor": 1.2,
        "gpu_factor": 1.5,
        "launch_s": 1e-5,
        "copy_in_s": 0.05,
        "copy_out_s": 0.05,
        "regime": "compute",
        "layer_bytes": 10**9,
        "weights_bytes": 1,
        "gradients_bytes": 1,
        "optimizer_bytes": 2,
        "activations_bytes": 4,
        "largest_batch": 64,
    }
    return Point(**(numbers | changes))


def grid_of(*points, memory_bytes=16e9):
    return Grid(
        points=points,
        cpu=Series("the CPU", "predicted"),
        gpu=Series("the GPU", "predicted"),
        gpu_memory_bytes=memory_bytes,
        work="float32, forward pass",
        depth=24,
    )


# Rows


@pytest.mark.parametrize("work", sorted(WORK))
def test_there_is_one_row_for_every_batch_and_width(work):
    rows = layer_grid(**question(work=work)).rows()
    places = [(row["batch_log2"], row["width_log2"]) for row in rows]
    assert sorted(places) == sorted(itertools.product(BATCHES_LOG2, WIDTHS_LOG2))


@pytest.mark.parametrize(("dtype", "work"), [("float32", "forward"), ("float16", "training step")])
def test_a_row_holds_what_the_model_and_the_ledger_say(dtype, work):
    asked = question(dtype=dtype, work=work)
    for row in layer_grid(**asked).rows()[::17]:
        batch, width = 2 ** row["batch_log2"], 2 ** row["width_log2"]
        layer = WORK[work](batch_size=batch, n_in=width, n_out=width, dtype=dtype)
        on_cpu = WORK[work](batch_size=batch, n_in=width, n_out=width, dtype="float32")
        gpu, cpu = predict(layer, asked["gpu"]), predict(on_cpu, asked["cpu"])
        crossing = predict(Copy(batch * width * (2 if dtype == "float16" else 4)), asked["gpu"])
        ledger = memory_needed(batch_size=batch, layer_sizes=[width] * 25, optimizer="adam", dtype=dtype)
        expected = {
            "gpu_s": gpu.seconds,
            "cpu_s": cpu.seconds,
            "gpu_factor": gpu.high_s / gpu.seconds,
            "cpu_factor": cpu.high_s / cpu.seconds,
            "launch_s": gpu.launch_s,
            "work_s": gpu.seconds - gpu.launch_s,
            "copy_in_s": crossing.seconds,
            "copy_out_s": crossing.seconds,
            "bus_s": gpu.seconds + 2 * crossing.seconds,
            "speedup_log10": math.log10(cpu.seconds / gpu.seconds),
            "training_bytes": ledger.total_bytes,
            "largest_batch": ledger.largest_batch(asked["gpu"].memory_bytes),
        }
        assert {name: row[name] for name in expected} == pytest.approx(expected, rel=5.1e-4, abs=1e-12)


def test_a_band_is_as_wide_as_the_model_is_off_where_the_time_is_spent():
    grid = layer_grid(**question("nvidia-t4"))
    widest = {regime: max(p.gpu_factor for p in grid.points if p.regime == regime) for regime in ("launch", "compute")}
    assert 1.05 < widest["compute"] < widest["launch"]


def test_numbers_have_at_most_four_significant_digits(grid):
    for row in grid.rows():
        for name, value in row.items():
            if isinstance(value, float):
                assert float(f"{value:.3e}") == value, name


def test_the_parts_of_the_gpu_s_time_add_up(grid):
    for row in grid.rows():
        parts = row["copy_in_s"] + row["launch_s"] + row["work_s"] + row["copy_out_s"]
        assert parts == pytest.approx(row["bus_s"], rel=2e-3)


# Words


@pytest.mark.parametrize(
    ("changes", "headline"),
    [
        ({}, "2× faster on the GPU"),
        ({"gpu_s": 1 / 84.2}, "84× faster on the GPU"),
        ({"gpu_s": 4.0}, "4× faster on the CPU"),
        ({"gpu_s": 1.0}, "Equally fast on both"),
        ({"gpu_s": 1.04}, "Equally fast on both"),
        ({"gpu_s": 0.96}, "Equally fast on both"),
        ({"gpu_s": 1.1}, "1.1× faster on the CPU"),
        ({"layer_bytes": 17 * 10**9}, "Does not fit: 17 GB on 16 GB"),
        ({"layer_bytes": 16 * 10**9}, "2× faster on the GPU"),
    ],
)
def test_the_headline_says_who_is_faster_or_that_it_does_not_fit(changes, headline):
    assert grid_of(point()).headline(point(**changes)) == headline


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "1.7× faster on the GPU when every batch crosses the bus"),
        (
            {"copy_in_s": 2.0, "copy_out_s": 1.5},
            "4× faster on the CPU when every batch crosses the bus",
        ),
        ({"copy_in_s": 0.25, "copy_out_s": 0.25}, "Equally fast on both when every batch crosses the bus"),
        ({"copy_in_s": 0.0, "copy_out_s": 0.0}, "no bus to cross: CPU and GPU share one memory"),
        ({"layer_bytes": 17 * 10**9}, "no time to compare: too large for the card"),
    ],
)
def test_the_second_line_counts_the_bus(changes, line):
    assert grid_of(point()).second_line(point(**changes)) == line


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "8 B of 16 GB   ·   largest batch that fits: 64"),
        ({"activations_bytes": 20 * 10**9}, "20 GB of 16 GB   ·   largest batch that would fit: 64"),
        ({"weights_bytes": 20 * 10**9, "largest_batch": 0}, "20 GB of 16 GB: not even one sample fits"),
    ],
)
def test_the_memory_line_says_the_largest_batch(changes, words):
    assert grid_of(point(**changes)).rows()[0]["memory"] == words


def test_the_largest_batch_and_the_gauge_agree_everywhere(grid):
    for each in grid.points:
        fits = each.training_bytes <= grid.gpu_memory_bytes
        assert fits == (2**each.batch_log2 <= each.largest_batch)


def test_the_sentence_is_one_sentence_with_both_machines_their_sources_and_the_headline(grid):
    for corner in CORNERS:
        sentence = grid.sentence(batch_log2=corner[0], width_log2=corner[1])
        assert sentence.endswith(f"{grid.headline(grid.at(*corner))}.")
        assert sentence.count(". ") == 0
        assert "\n" not in sentence
        for name in ("AMD Ryzen 9 7950X (predicted", "NVIDIA T4 (predicted"):
            assert name in sentence


def test_a_float16_layer_says_that_the_cpu_computes_in_float32():
    assert layer_grid(**question(dtype="float16")).cpu.name == "AMD Ryzen 9 7950X in float32"


# The break-even line


@pytest.mark.parametrize(
    ("gpu", "cpu"), [("nvidia-t4", "amd-ryzen-9-7950x"), ("nvidia-h200-sxm", "intel-core-i7-9700k")]
)
def test_the_break_even_line_runs_where_both_machines_take_equally_long(gpu, cpu):
    grid = layer_grid(**question(gpu, cpu))

    def gain(batch_log2, width_log2):
        width = round(2**width_log2)
        layer = DenseForward(batch_size=2**batch_log2, n_in=width, n_out=width)
        return math.log(predict(layer, machine(cpu)).seconds / predict(layer, machine(gpu)).seconds)

    *rows, foot = break_even(grid)
    assert len(rows) >= 3
    assert foot["level"] == WIDTHS_LOG2[0]
    assert gain(math.floor(foot["middle"]), foot["level"]) < 0 <= gain(math.ceil(foot["middle"]), foot["level"])
    for row in rows:
        below, above = math.floor(row["level"]), math.ceil(row["level"])
        assert gain(row["middle"], below) <= 0 <= gain(row["middle"], above)
        low, high = float(below), float(above)
        for _ in range(20):
            middle = (low + high) / 2
            low, high = (middle, high) if gain(row["middle"], middle) < 0 else (low, middle)
        # Steps lie inside an octave: a tile more on the GPU, on the CPU the size from which BLAS packs.
        assert row["level"] == pytest.approx(low, abs=0.6)


def test_a_batch_without_a_crossing_has_no_point_on_the_line():
    faster, slower = ([point(width_log2=width, gpu_s=gpu_s) for width in (6, 7, 8)] for gpu_s in (0.5, 2.0))
    assert break_even(grid_of(*faster)) == []
    assert break_even(grid_of(*slower)) == []


def test_between_two_widths_the_speed_up_is_a_power_of_the_width():
    crossing = [point(width_log2=width, gpu_s=gpu_s) for width, gpu_s in ((6, 4.0), (7, 2.0), (8, 0.5))]
    assert break_even(grid_of(*crossing)) == [{"middle": 3, "level": 7.5}]


# The chart


def test_the_chart_is_valid_small_and_says_what_it_shows(grid, spec):
    assert spec["$schema"].startswith("https://vega.github.io/schema/vega-lite/v5.")
    assert spec["description"] == grid.sentence(batch_log2=8, width_log2=11)
    assert len(json.dumps(spec)) < 200_000


@pytest.mark.parametrize("work", sorted(WORK))
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_every_chart_stays_below_200_kb(dtype, work):
    dots = [Dot(batch, width, 1.234e-3) for batch, width in itertools.product(BATCHES_LOG2, WIDTHS_LOG2)]
    grid = replace(layer_grid(**question("nvidia-a100-sxm-80gb", dtype=dtype, work=work)), dots=dots)
    made = chart_of(grid)
    assert len(json.dumps(made.to_dict()).encode()) < 200_000


def test_the_rows_are_in_the_chart_once(grid, spec):
    [rows] = [values for values in data_of(spec) if len(values) == len(grid.points)]
    assert rows == grid.rows()


def data_of(node):
    """Yield every list of rows a spec holds."""
    if isinstance(node, dict):
        if "values" in node.get("data", {}) if isinstance(node.get("data"), dict) else False:
            yield node["data"]["values"]
        for name, values in node.get("datasets", {}).items() if isinstance(node.get("datasets"), dict) else ():
            assert name
            yield values
        for key, value in node.items():
            if key not in ("datasets", "data"):
                yield from data_of(value)
    elif isinstance(node, list):
        for value in node:
            yield from data_of(value)


def test_two_builds_give_the_same_chart():
    first, second = (json.dumps(chart_of(layer_grid(**question())).to_dict()) for _ in range(2))
    assert first == second


def test_building_a_chart_minds_no_data_transformer_and_leaves_it_as_it_was(grid, spec):
    with alt.data_transformers.enable("json", prefix="rows"):
        assert chart_of(grid).to_dict() == spec
        assert (alt.data_transformers.active, alt.data_transformers.options) == ("json", {"prefix": "rows"})


def texts_at(spec, batch_log2, width_log2):
    """Return the texts Vega draws once the sliders stand there."""
    moved = json.loads(json.dumps(spec))
    for parameter in moved["params"]:
        parameter |= {"batch_log2": {"value": batch_log2}, "width_log2": {"value": width_log2}}.get(
            parameter["name"], {}
        )
    svg = vl_convert.vegalite_to_svg(moved, vl_version="5.20")
    return [unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


@pytest.mark.parametrize("corner", [*CORNERS, (8, 11)])
def test_the_sliders_choose_the_headline_the_line_and_the_memory(grid, spec, corner):
    texts = texts_at(spec, *corner)
    chosen = next(row for row in grid.rows() if (row["batch_log2"], row["width_log2"]) == corner)
    for name in ("headline", "line", "memory"):
        assert chosen[name] in texts
    headlines = [text for text in texts if re.search("faster on the|Equally|Does not fit", text) and " · " not in text]
    assert headlines == [chosen["headline"]]


def test_a_layer_that_does_not_fit_says_so_in_the_drawn_figure():
    small = layer_grid(**question("nvidia-jetson-orin-nano-8gb", work="training step", dtype="float64"))
    headline = small.headline(small.at(14, 14))
    assert headline.startswith("Does not fit: ")
    assert headline in texts_at(chart_of(small).to_dict(), 14, 14)


def test_both_machines_are_named_with_the_source_of_their_numbers(spec):
    texts = texts_at(spec, 8, 11)
    for name in ("CPU  AMD Ryzen 9 7950X, predicted", "GPU  NVIDIA T4, predicted"):
        assert [text for text in texts if text.startswith(name)]


def test_times_from_a_clock_are_drawn_at_their_width_only_and_say_where_they_come_from():
    dots = (
        Dot(3, 11, 0.125),
        Dot(4, 11, 0.25, "gpu", "recorded", "recorded 2026-01-02"),
        Dot(5, 11, 0.5, "gpu", "published", "published by somebody, 2020"),
        Dot(3, 9, 0.5),
    )
    spec = chart_of(replace(layer_grid(**question()), dots=dots)).to_dict()

    def told(width_log2):
        moved = json.loads(json.dumps(spec))
        moved["params"][1]["value"] = width_log2
        svg = vl_convert.vegalite_to_svg(moved, vl_version="5.20")
        return re.findall(r'aria-label="([CG]PU, [^"]*(?:measured|recorded|published)[^"]*)"', svg)

    assert sorted(told(11)) == [
        "CPU, 125 ms, measured here",
        "GPU, 250 ms, recorded 2026-01-02",
        "GPU, 500 ms, published by somebody, 2020",
    ]
    assert told(9) == ["CPU, 500 ms, measured here"]
    assert told(6) == []


@pytest.mark.parametrize(
    ("source", "shape", "hollow", "joined"),
    [("measured", "circle", False, False), ("recorded", "circle", False, True), ("published", "diamond", True, False)],
)
def test_the_mark_of_a_time_says_its_source(source, shape, hollow, joined):
    rows = [{"kind": "gpu", "source": source, "said": source, "time_s": 1.0, "at": 1}]
    layers = [each.to_dict() for each in time_marks(rows, "true", alt.X("at:Q"), alt.Y("time_s:Q"))]
    assert [each["mark"]["type"] for each in layers] == ["line"] * joined + ["point"]
    assert "strokeDash" not in layers[0]["mark"]
    point = layers[-1]["mark"]
    assert (point["shape"], point.get("fill") == "white") == (shape, hollow)


@pytest.mark.parametrize(
    ("batch_log2", "width_log2", "name"),
    [(14, 6, "inputs, outputs"), (6, 14, "weights"), (5, 6, "inputs, outputs"), (4, 6, "weights")],
)
def test_where_memory_decides_the_shading_names_what_is_more_to_move(batch_log2, width_log2, name):
    weights, batch = 4**width_log2, 2 * 2 ** (batch_log2 + width_log2)
    assert (name == "weights") == (weights > batch)
    [row] = grid_of(point(batch_log2=batch_log2, width_log2=width_log2, regime="memory")).rows()
    assert row["regime"] == name


@pytest.mark.parametrize("work", sorted(WORK))
@pytest.mark.parametrize("gpu", [each.slug for each in machines() if each.kind == "gpu"][::4])
def test_no_name_of_a_curve_stands_on_another(gpu, work):
    grid = layer_grid(**question(gpu, work=work))
    named = end_names(grid, 1.5)
    for width in WIDTHS_LOG2:
        ends = [row for row in named if row["width_log2"] == width]
        assert {"CPU"} <= {row["name"] for row in ends} <= {"CPU", "GPU", "GPU + bus"}
        for a, b in itertools.combinations(ends, 2):
            if a["batch_log2"] == b["batch_log2"]:
                assert max(a["at_s"], b["at_s"]) / min(a["at_s"], b["at_s"]) >= 1.499
        [cpu] = [row for row in ends if row["name"] == "CPU"]
        end_s = grid.at(BATCHES_LOG2[-1], width).cpu_s
        assert 0.999 < cpu["at_s"] / end_s < 1.5**2 * 1.001  # near its own curve


# The mime bundle


def test_the_bundle_holds_the_chart_a_picture_and_a_sentence(grid, spec):
    data, metadata = static_bundle(chart_of(grid), "One sentence.")
    assert set(data) == {VEGA_LITE, "image/png", "text/plain"}
    assert data[VEGA_LITE] == spec
    assert data["text/plain"] == "One sentence."
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG\r\n")
    assert set(metadata) == {VEGA_LITE}
    json.dumps(data)  # a notebook file is JSON


def test_a_figure_shows_its_chart_and_gives_its_sentence_and_numbers():
    drawn = alt.Chart(alt.Data(values=[{"x": 1}])).mark_point().encode(x="x:Q")
    figure = Figure(lambda: drawn, "One point.", [{"x": 1}])
    assert (figure.sentence(), figure.table()) == ("One point.", [{"x": 1}])
    assert figure._repr_mimebundle_()[0]["text/plain"] == "One point."


# Live or static


@pytest.mark.parametrize(("chosen", "live"), [("live", True), ("static", False)])
def test_the_environment_decides_the_display(monkeypatch, chosen, live):
    monkeypatch.setenv("GPU_LESSONS_DISPLAY", chosen)
    assert is_live() is live


def test_an_unknown_display_is_refused(monkeypatch):
    monkeypatch.setenv("GPU_LESSONS_DISPLAY", "paper")
    with pytest.raises(ValueError, match=r'must be "static" or "live", got "paper"'):
        is_live()


def test_without_a_kernel_the_display_is_static(monkeypatch):
    monkeypatch.delenv("GPU_LESSONS_DISPLAY", raising=False)
    assert is_live() is False


def test_a_layer_too_large_for_the_card_has_no_gpu_time_to_show():
    card = machine("nvidia-rtx-4060-laptop")
    grid = layer_grid(**question(gpu=card.slug, dtype="float64", work="training step"))
    needed = DenseTrainStep(batch_size=2**14, n_in=2**14, n_out=2**14, dtype="float64").memory_bytes
    assert needed > card.memory_bytes
    assert grid.sentence(batch_log2=14, width_log2=14).endswith(f"on {card.name} it does not fit.")
    fitting = {(row["batch_log2"], row["width_log2"]): row["fits"] for row in grid.rows()}
    assert not fitting[14, 14]
    assert fitting[0, 6]
    shown = texts_at(chart_of(grid).to_dict(), 14, 14)
    assert "GPU" in shown  # the curve and its name end at the last batch that fits
    assert not any(text.endswith("×") and text[0].isdigit() for text in shown)
