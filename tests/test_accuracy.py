"""The accuracy page: right for times whose errors are known, and in step with the recordings that ship."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_cpu import CPU, TRUE, made_up_times
from recording_mutations import PROVENANCE

from benchmarks import accuracy
from gpu_lessons.hardware.machines import machine
from gpu_lessons.model import predict
from gpu_lessons.model.accuracy import Residual, accuracy_of, residuals
from gpu_lessons.model.fitting import row_of
from gpu_lessons.model.measured import halves
from gpu_lessons.model.roofline import roofline_of
from gpu_lessons.recorded import Recording, load_recording, recordings
from gpu_lessons.records import Sweep
from gpu_lessons.work import Copy, DenseForward, DenseTrainStep, Elementwise

T4 = machine("nvidia-t4")
LAYER = DenseForward(batch_size=2, n_in=3, n_out=5)


def residual(predicted_s, roofline_s=None, workload=LAYER):
    return Residual(workload, "compute", 1.0, predicted_s, roofline_s)


# Errors


def test_errors_are_shares_of_the_measured_time_either_way():
    [found] = accuracy_of([residual(0.9, 0.5), residual(1.3, 0.4), residual(1.0, 1.0)], lambda _: "all")
    assert (found.group, found.count) == ("all", 3)
    assert found.median == pytest.approx(0.1)
    assert found.mean == pytest.approx(0.4 / 3)
    assert found.roofline_median == pytest.approx(0.5)
    assert found.roofline_mean == pytest.approx(1.1 / 3)


def test_copies_have_no_roofline():
    [found] = accuracy_of([residual(1.1, None, Copy(8))], lambda each: each.workload.label)
    assert (found.group, found.roofline_median, found.roofline_mean) == ("copy", None, None)


def test_each_group_holds_its_own_residuals():
    groups = accuracy_of([residual(1.5), residual(1.0, None, Copy(8)), residual(1.5)], lambda each: each.workload.label)
    assert {each.group: (each.count, each.median) for each in groups} == {"dense forward": (2, 0.5), "copy": (1, 0.0)}


def test_the_model_finds_its_own_times_and_plain_roofline_does_not():
    found, _ = residuals(made_up_times(TRUE), CPU)
    [all_of_them] = accuracy_of(found, lambda _: "all")
    assert all_of_them.median < 0.01
    assert all_of_them.roofline_median > 0.1


def test_only_the_half_that_was_not_fitted_is_scored():
    times = made_up_times(TRUE)
    _, held_out = halves(times)
    found, _ = residuals(times, CPU)
    assert [each.workload for each in found] == [each.workload for each in held_out]
    assert [each.measured_s for each in found] == [each.median_s for each in held_out]
    assert {each.regime for each in found} <= {"launch", "memory", "compute"}


# Plain roofline


def test_without_a_data_sheet_the_roofline_is_the_best_that_was_seen():
    times = made_up_times(TRUE)
    rows = [row_of(each) for each in times]
    roofline = roofline_of(CPU, rows, 2)
    assert roofline.flops_per_s["float32"] == max(
        each.workload.flops / each.median_s for each in times if each.workload.dtype == "float32"
    )
    large = [each for each in times if each.workload.memory_bytes > CPU.cache_bytes]
    assert roofline.bandwidth_bytes_per_s == max(each.workload.bytes_moved / each.median_s for each in large)
    assert roofline.origin.count("the best seen") == 2


def test_with_a_data_sheet_the_roofline_is_that_share_of_it_which_the_threads_have():
    cpu = machine("amd-epyc-9654")
    rows = [row_of(each) for each in made_up_times(TRUE)]
    one, every = (roofline_of(cpu, rows, threads) for threads in (1, cpu.cores))
    assert every.flops_per_s["float32"] == cpu.peak_flops_per_s["float32"]
    assert one.flops_per_s["float32"] == pytest.approx(cpu.peak_flops_per_s["float32"] / cpu.cores)
    assert every.bandwidth_bytes_per_s == cpu.memory_bandwidth_bytes_per_s


def test_the_roofline_is_the_longer_of_arithmetic_and_traffic():
    rows = [row_of(each) for each in made_up_times(TRUE)]
    roofline = replace(roofline_of(CPU, rows, 2), flops_per_s={"float32": 1e9}, bandwidth_bytes_per_s=1e9)
    wide = DenseForward(batch_size=1000, n_in=1000, n_out=1000)
    assert roofline.seconds(wide) == wide.flops / 1e9
    assert roofline.seconds(Elementwise(1000)) == 8000 / 1e9


# The page


def recording(times, gpu=None):
    kinds = dict.fromkeys((type(each.workload), each.threads) for each in times)
    sweeps = [Sweep(tuple(t for t in times if (type(t.workload), t.threads) == kind)) for kind in kinds]
    return Recording("made-up-cpu-2026-11-24", PROVENANCE, CPU, gpu, tuple(sweeps))


def test_the_page_has_a_section_for_each_number_of_threads_and_for_the_gpu():
    one = made_up_times(replace(TRUE, one_thread_share=1.0), threads=1)
    gpu = [
        replace(each, threads=None, machine=T4.name, samples_s=(predict(each.workload, T4).seconds,) * 3)
        for each in one
        if isinstance(each.workload, DenseForward | DenseTrainStep) and each.workload.dtype == "float32"
    ]
    text = accuracy.page([recording([*made_up_times(TRUE), *one, *gpu], T4)])
    text, published = text.split("## GPUs, by other people's clocks")
    heads = re.findall("^## .*$", text, re.MULTILINE)
    assert [head.split(", ")[1] for head in heads] == ["1 thread", "2 threads", "GPU"]
    rows = re.findall(r"^\| dense forward \| \d+ \| .*$", text, re.MULTILINE)
    assert len(rows) == 3
    assert published.count("### NVIDIA T4") == 2  # with its own times, and without them


def test_without_a_recording_the_page_says_so():
    assert "No recording ships yet" in accuracy.page([])


def test_make_accuracy_writes_the_page_and_prints_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(accuracy, "PAGE", tmp_path / "docs" / "accuracy.md")
    monkeypatch.setattr(accuracy, "recordings", list)
    accuracy.main()
    assert (tmp_path / "docs" / "accuracy.md").read_text(encoding="utf-8") in capsys.readouterr().out


def test_the_published_page_is_what_the_recordings_that_ship_give():
    published = accuracy.PAGE.read_text(encoding="utf-8")
    expected = accuracy.page([load_recording(slug) for slug in recordings()])
    number = re.compile(r"\d+\.\d+(?=%)")
    assert number.sub("?", published) == number.sub("?", expected), "run make accuracy"
    # Another build of NumPy may end a fit a little earlier or later.
    pairs = zip(number.findall(published), number.findall(expected), strict=True)
    assert all(abs(float(a) - float(b)) <= 0.5 for a, b in pairs), "run make accuracy"


def test_the_page_stands_where_readers_find_it():
    assert Path(__file__).parents[1] / "docs" / "accuracy.md" == accuracy.PAGE
