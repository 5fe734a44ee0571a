"""Recorded machines in the explorer, and the model against recorded times: every number traced to the file."""

import statistics
from dataclasses import replace

import pytest

from gpu_lessons.charts.bundle import VEGA_LITE
from gpu_lessons.charts.residuals import HeldOut, residuals_figure
from gpu_lessons.explorers import explore_batch_and_width, machine_sources, plot_residuals
from gpu_lessons.explorers.machine_sources import dots_of, find_machine, recorded_machines, source_of
from gpu_lessons.hardware.course import DELIVERED
from gpu_lessons.hardware.machines import UnknownMachineError, machine
from gpu_lessons.model import calibrate, tested
from gpu_lessons.model.accuracy import residuals
from gpu_lessons.recorded import RecordingError, load_recording, recordings, write_recording
from gpu_lessons.work import DenseForward, DenseTrainStep

SLUG = "amd-epyc-2-cores-2026-11-25"
RECORDING = load_recording(SLUG)


def recorded_s(work, batch, width, dtype="float32", threads=2):
    layer = work(batch, width, width, dtype)
    [found] = [each for each in RECORDING.measurements if each.workload == layer and each.threads == threads]
    return found.median_s


def marks(chart, kind):
    """Yield (mark, rows) of every layer of a figure that draws one kind of mark over data of its own."""

    def parts(spec):
        yield spec
        for key in ("layer", "vconcat", "hconcat", "concat"):
            for part in spec.get(key, []):
                yield from parts(part)

    for part in parts(chart):
        mark = part.get("mark")
        if isinstance(mark, dict) and mark["type"] == kind and "time_s" in str(part.get("data", {})):
            yield mark, part["data"]["values"]


def test_every_complete_recording_is_offered():
    assert SLUG in recordings()
    assert [each.slug for each in recorded_machines("cpu")] == recordings()


def test_a_recording_laid_into_the_learners_folder_is_offered_at_once(tmp_path, monkeypatch):
    (tmp_path / "recordings").mkdir()
    (tmp_path / DELIVERED).write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert "of-my-teacher" not in [each.slug for each in recorded_machines("cpu")]
    handed_out = replace(RECORDING, slug="of-my-teacher", cpu=replace(RECORDING.cpu, slug="of-my-teacher"))
    write_recording(tmp_path / "recordings" / "of-my-teacher.json", handed_out)
    found = find_machine("of-my-teacher", "cpu")
    assert found in recorded_machines("cpu")
    assert source_of(found, "float32") == "fitted to its recording of 2026-11-25"


def test_a_recorded_gpu_is_offered_beside_the_catalogues_and_names_its_day():
    live = explore_batch_and_width().live()
    offered = [label for label, each in live.pickers["gpu"].options if each.slug in recordings()]
    assert offered == [f"NVIDIA {card} SXM, recorded 2026-11-26" for card in ("H100", "H200")]


def test_a_slug_names_a_recorded_machine_or_one_of_the_catalogue():
    assert find_machine(SLUG, "cpu") == RECORDING.cpu
    assert find_machine("nvidia-t4", "gpu") is machine("nvidia-t4")
    with pytest.raises(UnknownMachineError, match="no machine 'amd-epyc-of-mine'"):
        find_machine("amd-epyc-of-mine", "cpu")


def test_the_source_of_a_curve_is_said():
    assert source_of(RECORDING.cpu, "float32") == "fitted to its recording of 2026-11-25"


@pytest.mark.parametrize("compared", [True, False])
@pytest.mark.parametrize(("slug", "what"), [("nvidia-t4", "card"), ("amd-ryzen-9-7950x", "CPU")])
def test_a_predicted_curve_says_when_nobody_compared_it_with_a_clock(monkeypatch, slug, what, compared):
    numbers = replace(
        calibrate(machine(slug)), tested=tested.Tested.of([DenseForward(1, 64, 64)]) if compared else None
    )
    monkeypatch.setattr(machine_sources, "calibrate", lambda *_: numbers)
    said = source_of(machine(slug), "float32")
    assert said == ("predicted" if compared else f"predicted, not tested on this {what}")


@pytest.mark.parametrize(
    ("work", "dtype"), [(DenseForward, "float32"), (DenseForward, "float64"), (DenseTrainStep, "float32")]
)
def test_dots_are_the_medians_on_all_threads(work, dtype):
    dots = list(dots_of(RECORDING.cpu, work, dtype))
    assert len(dots) > 10
    for dot in dots:
        expected_s = recorded_s(work, round(2**dot.batch_log2), 2**dot.width_log2, dtype)
        assert (dot.time_s, dot.kind, dot.source) == (expected_s, "cpu", "recorded")
        assert dot.said.startswith("recorded 2026-11-25")


def test_a_machine_of_the_catalogue_has_no_dots_of():
    assert list(dots_of(machine("amd-ryzen-9-7950x"), DenseForward, "float32")) == []


def test_the_figure_of_a_recorded_cpu_draws_its_times_solid_over_the_fitted_model():
    explorer = explore_batch_and_width(cpu=SLUG, width=1024)
    assert "AMD EPYC (fitted to its recording of 2026-11-25)" in explorer.sentence()
    data, _ = explorer._repr_mimebundle_()
    [(line, rows)] = marks(data[VEGA_LITE], "line")
    assert "strokeDash" not in line
    [drawn_s] = [row["time_s"] for row in rows if (row["batch_log2"], row["width_log2"]) == (8, 10)]
    assert drawn_s == pytest.approx(recorded_s(DenseForward, 256, 1024), rel=1e-3)
    [cpu_s] = [row["cpu_s"] for row in explorer.table() if (row["batch_log2"], row["width_log2"]) == (8, 10)]
    assert cpu_s == pytest.approx(drawn_s, rel=0.3)


def test_the_live_explorer_offers_the_recorded_machine_and_shows_it():
    live = explore_batch_and_width().live()
    [(label, recorded)] = [(label, each) for label, each in live.pickers["cpu"].options if each.slug == SLUG]
    assert label == "AMD EPYC, recorded 2026-11-25"
    live.pickers["cpu"].value = recorded
    assert live.message.value == ""
    assert "AMD EPYC, fitted to its recording of 2026-11-25" in str(live.figure.spec)
    assert list(marks(live.figure.spec, "line"))


@pytest.mark.parametrize("threads", [1, 2])
def test_the_residual_view_shows_the_held_out_half(threads):
    figure = plot_residuals(SLUG, threads=threads)
    expected, _ = residuals(RECORDING.measurements, RECORDING.cpu, threads=threads)
    found = {(row["measured_s"], row["model"]) for row in figure.table()}
    for each in expected:
        row = (float(f"{each.measured_s:.4g}"), float(f"{each.predicted_s / each.measured_s:.4g}"))
        assert row in found
    assert len(figure.table()) == len(expected)
    off = statistics.median(abs(each.predicted_s / each.measured_s - 1) for each in expected)
    assert f"the model is off by {off:.0%} (median)" in figure.sentence()
    assert f"{threads} thread" in figure.sentence()


def test_what_a_recording_does_not_hold_is_one_sentence():
    with pytest.raises(RecordingError, match="holds no GPU; its CPU is kind='cpu'"):
        plot_residuals(SLUG, "gpu")
    with pytest.raises(RecordingError, match="no recording 'none' here; there are: amd-epyc"):
        plot_residuals("none")
    with pytest.raises(ValueError, match="kind must be one of cpu, gpu, got 'tpu'"):
        plot_residuals(SLUG, "tpu")


def test_a_right_prediction_lies_on_the_line_and_a_wrong_one_beside_it():
    held_out = [HeldOut("a", 1e-3, 1e-3, 5e-4), HeldOut("b", 1e-3, 3e-3, 1e-9)]
    figure = residuals_figure(held_out, machine="M", kind="gpu", source="recorded 2026-01-01")
    assert [(row["model"], row["roofline"]) for row in figure.table()] == [(1.0, 0.5), (3.0, 1e-6)]
    assert figure.sentence().startswith(
        "2 times of M, recorded 2026-01-01, none of them fitted: the model is off by 100%"
    )
    data, _ = figure._repr_mimebundle_()
    scales = [panel["layer"][2]["encoding"]["y"]["scale"] for panel in data[VEGA_LITE]["concat"]]
    assert all(scale["clamp"] and scale["domain"][0] < 1 < scale["domain"][1] for scale in scales)
