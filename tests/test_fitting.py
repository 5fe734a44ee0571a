"""The fit: numbers that made times are found again, wild rows do not move it, and its error is a tested one."""

import math
import statistics
from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from made_up_cpu import CPU, MEBI, TRUE, WORK, made_up_times, measured
from recording_mutations import PROVENANCE

from gpu_lessons.hardware.machines import machine
from gpu_lessons.model import CpuCalibration, calibrate, calibrate_from, calibration, predict
from gpu_lessons.model.fitting import row_of, row_time
from gpu_lessons.model.measured import halves
from gpu_lessons.recorded import Recording, files, read_recording, write_recording
from gpu_lessons.records import Sweep
from gpu_lessons.work import Copy, DenseForward, DenseTrainStep

T4 = machine("nvidia-t4")
CPU_NUMBERS = [name for name in CpuCalibration.__slots__ if isinstance(getattr(TRUE, name), float) and name != "error"]


def numbers_of(device):
    return {name: getattr(device, name) for name in CPU_NUMBERS} | dict(device.flops_per_s)


# The numbers that made the times


def test_the_numbers_that_made_the_times_are_found_again():
    found = calibrate_from(made_up_times(TRUE), CPU)
    assert numbers_of(found) == pytest.approx(numbers_of(TRUE), rel=0.05)
    assert found.error < 0.02


def test_noise_of_5_percent_moves_the_numbers_by_little_more():
    found = calibrate_from(made_up_times(TRUE, noise=0.05), CPU)
    assert numbers_of(found) == pytest.approx(numbers_of(TRUE), rel=0.15)
    assert 0.03 < found.error < 0.12  # four of five draws of such noise lie within 6.4 %


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_one_wild_time_in_ten_hardly_moves_the_numbers(seed):
    times = made_up_times(TRUE, noise=0.05, wild=0.1, seed=seed)
    found = calibrate_from(times, CPU)
    assert numbers_of(found) == pytest.approx(numbers_of(TRUE), rel=0.25)
    errors = [
        predict(each, CPU, calibration=found).seconds / predict(each, CPU, calibration=TRUE).seconds - 1
        for each in WORK
    ]
    assert statistics.median(map(abs, errors)) < 0.03


@pytest.mark.parametrize("last_level_mebi", [8, 32, 128, 512])
@pytest.mark.parametrize("cache_mebi", [1, 2, 4, 5, 8, 16, 24, 32])
def test_the_size_of_the_cache_is_found_whatever_the_last_level_holds(cache_mebi, last_level_mebi):
    true = replace(TRUE, cache_bytes=cache_mebi * float(MEBI))
    found = calibrate_from(made_up_times(true, noise=0.03), replace(CPU, cache_bytes=last_level_mebi * MEBI))
    assert found.cache_bytes == pytest.approx(true.cache_bytes, rel=0.1)


def test_threads_that_nothing_was_measured_with_are_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"^measurements must hold at least 8 of .+ with threads=7 to fit, got 0$"):
        calibrate_from(made_up_times(TRUE), CPU, threads=7)


factor = st.floats(0.5, 2.0)


@settings(max_examples=8, deadline=None)
@given(st.tuples(*[factor] * 6), st.sampled_from([1, 2]))
# A cache of 5 MiB, and a fit that stopped at 8, where one of the matrices fills it.
@example((1.0, 1.0, 1.0, 0.5, 1.75, 0.5), 1)
def test_predictions_of_work_never_seen_are_right_for_any_machine(factors, threads):
    rates = MappingProxyType({name: rate * factors[0] for name, rate in TRUE.flops_per_s.items()})
    true = replace(
        TRUE,
        launch_overhead_s=TRUE.launch_overhead_s * factors[1],
        python_step_s=TRUE.python_step_s * factors[2],
        flops_per_s=rates,
        one_thread_share=1.0 if threads == 1 else 0.5,
        read_bandwidth_bytes_per_s=TRUE.read_bandwidth_bytes_per_s * factors[3],
        cached_read_bandwidth_bytes_per_s=TRUE.cached_read_bandwidth_bytes_per_s * max(1.0, factors[3]),
        pack_bandwidth_bytes_per_s=TRUE.pack_bandwidth_bytes_per_s * factors[4],
        cached_pack_bandwidth_bytes_per_s=TRUE.cached_pack_bandwidth_bytes_per_s * max(1.0, factors[4]),
        cache_bytes=TRUE.cache_bytes * factors[5],
        threads=threads,
    )
    found = calibrate_from(made_up_times(true, noise=0.03, threads=threads), CPU)
    others = [
        DenseForward(batch_size=batch, n_in=n_in, n_out=n_out)
        for batch, n_in, n_out in [(1, 700, 300), (3, 1500, 1500), (40, 96, 200), (100, 784, 512), (500, 3000, 1000)]
    ]
    for each in others:
        expected_s = predict(each, CPU, calibration=true).seconds
        assert predict(each, CPU, calibration=found).seconds == pytest.approx(expected_s, rel=0.08)


def test_the_numbers_of_a_gpu_are_found_again_from_calls_queued_in_a_row():
    true = replace(
        calibrate(T4),
        call_overhead_s=9e-6,
        flops_per_s=MappingProxyType({"float32": 3e12}),
        throttles_after_s=math.inf,  # a fit knows no power limit
        throttled_share=1.0,
        error=0.0,
        tested=None,
    )
    work = [each for each in WORK if each.dtype == "float32"]
    times = []
    for calls, workload in zip([1, 10, 100] * len(work), work, strict=False):
        time_s = true.call_time(workload.kernels, calls=calls).total_s
        times.append(measured(workload, time_s, threads=None, calls=calls))
    for n_bytes in (10**3, 10**5, 10**7, 10**9):
        for pinned in (True, False):
            workload = Copy(n_bytes, pinned=pinned)
            times.append(measured(workload, true.copy_time(n_bytes, pinned=pinned), threads=None))
    found = calibrate_from(times, T4)
    names = ("call_overhead_s", "memory_bandwidth_bytes_per_s")
    links = ("link_bandwidth_bytes_per_s", "pageable_share", "copy_latency_s")
    for name in names + links:
        assert getattr(found, name) == pytest.approx(getattr(true, name), rel=0.05), name
    # Few of these layers wait for the L2, and then only in part.
    assert found.cache_bandwidth_bytes_per_s == pytest.approx(true.cache_bandwidth_bytes_per_s, rel=0.15)
    assert found.flops_per_s["float32"] == pytest.approx(3e12, rel=0.05)
    assert found.sm_count == T4.sm_count


def test_a_call_queued_behind_others_is_fitted_as_such():
    row = row_of(measured(DenseForward(batch_size=1, n_in=64, n_out=64), 1e-5, threads=None, calls=1000))
    gpu = calibrate(T4)
    assert row_time(row, gpu) == pytest.approx(2 * gpu.call_overhead_s + gpu.python_step_s, rel=0.01)


def test_a_number_nothing_was_measured_of_stays_where_the_fit_began():
    small = [each for each in WORK if each.memory_bytes < 10**6]
    found = calibrate_from(made_up_times(TRUE, work=small), CPU)
    shifted = calibrate_from(made_up_times(replace(TRUE, stream_bandwidth_bytes_per_s=1e9), work=small), CPU)
    assert found.stream_bandwidth_bytes_per_s == shifted.stream_bandwidth_bytes_per_s


# What is fitted, and what tests it


def test_the_halves_are_disjoint_complete_and_always_the_same():
    times = made_up_times(TRUE)
    first, second = halves(times)
    assert sorted(map(id, [*first, *second])) == sorted(map(id, times))
    assert abs(len(first) - len(second)) <= 1
    assert halves(times) == (first, second)


def test_the_band_is_as_wide_as_the_error_on_the_half_that_was_not_fitted():
    times = made_up_times(TRUE)
    _, tests = halves(times)
    doubled = {each.workload for each in tests[: len(tests) // 2]}
    times = [replace(each, samples_s=(each.median_s * 2,) * 3) if each.workload in doubled else each for each in times]
    assert calibrate_from(times, CPU).error == pytest.approx(1.0, rel=0.1)  # the first half knows nothing of it


def test_only_times_with_the_threads_asked_for_are_fitted():
    other = replace(TRUE, flops_per_s=MappingProxyType({"float32": 1e11, "float64": 5e10}), one_thread_share=1.0)
    times = made_up_times(TRUE) + made_up_times(other, threads=1)
    assert calibrate_from(times, CPU).threads == 2
    found = calibrate_from(times, CPU, threads=1)
    assert (found.threads, found.one_thread_share) == (1, 1.0)
    assert found.flops_per_s["float32"] == pytest.approx(1e11, rel=0.05)


def test_the_basis_says_where_the_times_come_from_and_how_far_off_the_rest_was():
    times = made_up_times(TRUE, noise=0.05)
    assert "Sustained rates: measured here, 2 threads; off by " in calibrate_from(times, CPU).basis
    recorded = [replace(each, recorded_on="2026-11-24") for each in times]
    basis = calibrate_from(recorded, CPU).basis
    assert "recorded 2026-11-24, 2 threads" in basis
    assert f"on {len(times) // 2} times not fitted" in basis


def test_too_few_times_are_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"^measurements must hold at least 8 of Made-up CPU to fit, got 3$"):
        calibrate_from(made_up_times(TRUE)[:3], CPU)
    with pytest.raises(ValueError, match=r"got 0$"):
        calibrate_from(made_up_times(TRUE), CPU, threads=7)


def test_a_gpu_whose_sms_are_unknown_is_refused():
    times = [measured(each, 1e-3, threads=None) for each in WORK]
    with pytest.raises(ValueError, match=r"^the SMs of NVIDIA T4 are not known"):
        calibrate_from(times, replace(T4, sm_count=None))


# The tested range


def test_work_inside_the_tested_range_is_marked_as_tested():
    found = calibrate_from(made_up_times(TRUE), CPU)
    inside = predict(DenseForward(batch_size=100, n_in=600, n_out=600), CPU, calibration=found)
    assert inside.tested
    assert inside.basis == found.basis


@pytest.mark.parametrize(
    ("workload", "words"),
    [
        (DenseForward(batch_size=8192, n_in=16384, n_out=16384), "Outside the tested range: dense forward in float32"),
        (DenseForward(batch_size=1, n_in=2, n_out=2), "Outside the tested range: dense forward in float32"),
        (DenseTrainStep(batch_size=64, n_in=512, n_out=512, dtype="float64"), "Not tested for dense training step in"),
    ],
)
def test_work_outside_the_tested_range_says_so_where_it_is_printed(workload, words):
    found = predict(workload, CPU, calibration=calibrate_from(made_up_times(TRUE), CPU))
    assert not found.tested
    assert words in str(found)


def test_a_card_was_tested_if_others_timed_it():
    layer = DenseForward(batch_size=64, n_in=512, n_out=512)
    assert predict(layer, T4).tested
    assert not predict(layer, machine("nvidia-rtx-5090")).tested


# Recordings


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """Ship one recording of the made-up CPU."""
    slug = "made-up-cpu-2026-11-24"
    cpu = replace(CPU, slug=slug, peak_flops_per_s=MappingProxyType({}))
    dense = [each for each in made_up_times(TRUE) if isinstance(each.workload, DenseForward)]
    sweep = Sweep(tuple(replace(each, recorded_on="2026-11-24") for each in dense))
    write_recording(tmp_path / f"{slug}.json", Recording(slug, PROVENANCE, cpu, None, (sweep,)))
    monkeypatch.setattr(files, "recordings_folder", lambda: tmp_path)
    forget_calibrations()
    yield cpu, tmp_path / f"{slug}.json"
    forget_calibrations()


def forget_calibrations():
    calibrate.cache_clear()
    calibration._calibrate_recorded.cache_clear()


def test_a_recorded_machine_is_predicted_from_its_recording(recorded):
    cpu, _ = recorded
    found = predict(DenseForward(batch_size=256, n_in=2048, n_out=2048), cpu)
    assert "recorded 2026-11-24, 2 threads" in found.basis
    assert found.tested
    assert found.seconds == pytest.approx(predict(found.workload, cpu, calibration=TRUE).seconds, rel=0.05)


def test_a_recording_is_fitted_once_for_all_number_formats(recorded):
    cpu, _ = recorded
    assert calibrate(cpu, "float32") is calibrate(cpu, "float64")


def test_a_recording_of_seven_times_leaves_what_is_published_and_eight_are_fitted(recorded):
    cpu, path = recorded
    published = replace(cpu, peak_flops_per_s=MappingProxyType({"float32": 1e12}), memory_bandwidth_bytes_per_s=5e10)
    shipped = read_recording(path)
    for count, basis in ((7, "Sustained float32 rate: typical of CPUs."), (8, "Sustained rates: recorded 2026-11-24")):
        few = Sweep(tuple(shipped.measurements[:count]))
        write_recording(path, replace(shipped, sweeps=(few,)))
        forget_calibrations()
        assert calibrate(published).basis.startswith(basis)


def test_a_recording_that_cannot_be_read_leaves_what_is_published(recorded):
    cpu, path = recorded
    path.write_text("no recording", encoding="utf-8")
    with pytest.raises(ValueError, match="no arithmetic rate is known for Made-up CPU"):
        calibrate(cpu)
