"""This CPU's numbers: on a made-up machine whose true numbers are known, then once for real."""

import statistics
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
from made_up_cpu import CPU, MEBI, TRUE

from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.measuring import CpuBenchmark, measure_this_cpu, self_benchmark
from gpu_lessons.model import CpuCalibration, predict
from gpu_lessons.records import Measurement

RATES = [name for name in CpuCalibration.__slots__ if name.endswith("bandwidth_bytes_per_s")]


@pytest.fixture(autouse=True)
def no_benchmark_yet(monkeypatch):
    monkeypatch.setattr(self_benchmark, "_done", {})


@pytest.fixture
def made_up(monkeypatch):
    """Let `measure` take the true time of a made-up CPU, on held-out layers times a factor."""
    calls = []
    factors = {}

    def measure(workload, *, budget_s, threads):
        calls.append((workload, budget_s, threads))
        time_s = predict(workload, CPU, calibration=measure.true).seconds * factors.get(workload, 1.0)
        return Measurement(workload, CPU.name, threads, (time_s,) * 3, (time_s,) * 2, 1)

    here = replace(this_machine(), cpu=CPU, usable_cores=2)
    monkeypatch.setattr(self_benchmark, "measure", measure)
    monkeypatch.setattr(self_benchmark, "this_machine", lambda: here)
    measure.calls, measure.factors, measure.true = calls, factors, TRUE
    return measure


@pytest.mark.parametrize("cache_mebi", [5, 8, 10, 16, 24, 32])
def test_the_fit_finds_the_true_numbers_within_a_few_percent(made_up, cache_mebi):
    made_up.true = replace(TRUE, cache_bytes=cache_mebi * MEBI)
    found = measure_this_cpu().calibration
    assert found.cache_bytes == pytest.approx(made_up.true.cache_bytes, rel=0.05)
    assert found.launch_overhead_s == pytest.approx(TRUE.launch_overhead_s, rel=0.05)
    assert found.python_step_s == pytest.approx(TRUE.python_step_s, rel=0.05)
    assert found.one_thread_share == pytest.approx(TRUE.one_thread_share, rel=0.05)
    assert dict(found.flops_per_s) == pytest.approx(dict(TRUE.flops_per_s), rel=0.05)
    fitted = {name: getattr(found, name) for name in RATES}
    assert fitted == pytest.approx({name: getattr(TRUE, name) for name in RATES}, rel=0.05)
    assert found.threads == 2
    assert found.error < 0.1


def test_the_band_holds_five_of_the_six_layers_the_fit_has_not_seen(made_up):
    seen = measure_this_cpu()
    fitted = [predict(each.workload, CPU, calibration=seen.calibration).seconds for each in seen.held_out]
    self_benchmark._done.clear()
    for index, factor in ((2, 3.0), (4, 0.5)):  # only held-out layers: the fit itself cannot know
        made_up.factors[seen.held_out[index].workload] = factor
    benchmark = measure_this_cpu()
    assert replace(benchmark.calibration, error=0, basis="") == replace(seen.calibration, error=0, basis="")
    ratios = [time_s / each.median_s for time_s, each in zip(fitted, benchmark.held_out, strict=True)]
    errors = sorted(max(ratio, 1 / ratio) - 1 for ratio in ratios)
    assert benchmark.calibration.error == pytest.approx(errors[-2])
    assert errors[-2:] == pytest.approx([1.0, 2.0], rel=0.25)
    said = f"off by {statistics.median(errors):.0%} (median) on {len(errors)} times not fitted"
    assert said in benchmark.calibration.basis


def test_no_layer_both_makes_and_checks_the_fit(made_up):
    benchmark = measure_this_cpu()
    fitted, held_out = ({each.workload for each in part} for part in (benchmark.fitted, benchmark.held_out))
    assert fitted.isdisjoint(held_out)
    assert [call[0] for call in made_up.calls] == [each.workload for each in benchmark.fitted + benchmark.held_out]


@pytest.mark.usefixtures("made_up")
def test_progress_runs_from_nothing_to_all_and_names_every_step():
    told = []
    measure_this_cpu(on_progress=lambda share, text: told.append((share, text)))
    shares = [share for share, _ in told]
    assert shares == sorted(set(shares))
    assert (shares[0], told[-1]) == (0.0, (1.0, "done"))
    assert all(text for _, text in told)


def test_the_second_call_measures_nothing(made_up):
    first = measure_this_cpu()
    count = len(made_up.calls)
    assert measure_this_cpu() is first
    assert self_benchmark.this_cpu_if_measured() is first
    assert len(made_up.calls) == count


def test_asked_again_it_measures_again(made_up):
    first = measure_this_cpu()
    assert measure_this_cpu(again=True) is not first


def test_another_number_of_threads_is_another_benchmark(made_up):
    both, one = measure_this_cpu(), measure_this_cpu(threads=1)
    assert (both.calibration.threads, one.calibration.threads) == (2, 1)
    assert {threads for _, _, threads in made_up.calls} == {1, 2}
    assert "measured here, 1 thread;" in one.calibration.basis
    assert self_benchmark.this_cpu_if_measured() is both


@pytest.mark.parametrize("slower", [1.0, 10.0])
def test_samples_stay_within_the_budget_in_virtual_time(made_up, monkeypatch, slower):
    now_s = 0.0

    def measure(workload, *, budget_s, threads):
        nonlocal now_s
        call_s = slower * predict(workload, CPU, calibration=TRUE).seconds
        now_s += max(budget_s, 3 * call_s) + 2 * call_s
        return Measurement(workload, CPU.name, threads, (call_s,) * 3, (call_s,) * 2, 1)

    monkeypatch.setattr(self_benchmark, "measure", measure)
    monkeypatch.setattr(self_benchmark, "time", SimpleNamespace(perf_counter=lambda: now_s))
    measure_this_cpu(10.0)
    assert 2.0 < now_s <= 10.0


@pytest.mark.usefixtures("made_up")
def test_before_it_ran_there_is_no_benchmark():
    assert self_benchmark.this_cpu_if_measured() is None


def test_a_benchmark_that_is_interrupted_leaves_nothing_behind(made_up, monkeypatch):
    def broken(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(self_benchmark, "measure", broken)
    with pytest.raises(KeyboardInterrupt):
        measure_this_cpu()
    assert self_benchmark.this_cpu_if_measured() is None
    monkeypatch.setattr(self_benchmark, "measure", made_up)
    assert isinstance(measure_this_cpu(), CpuBenchmark)


def test_noise_that_leaves_no_time_for_memory_still_gives_finite_rates(made_up):
    measure_this_cpu()
    for workload in {call[0] for call in made_up.calls}:
        made_up.factors[workload] = 0.3 if workload.flops > 10**9 else 1.0
    self_benchmark._done.clear()
    found = measure_this_cpu().calibration
    assert all(0 < getattr(found, name) < 1e15 for name in RATES)


def test_a_call_slower_than_the_layer_after_it_still_gives_positive_rates(made_up):
    measure_this_cpu()
    tiniest = made_up.calls[0][0]
    made_up.factors[tiniest] = 1e4  # another program ran just then
    self_benchmark._done.clear()
    found = measure_this_cpu().calibration
    assert all(rate > 0 for rate in found.flops_per_s.values())
    assert all(getattr(found, name) > 0 for name in RATES)


@pytest.mark.parametrize("bad", [0, 1.99, -5, float("nan"), float("inf"), "20", None])
def test_a_budget_below_two_seconds_or_no_number_is_refused_in_one_sentence(bad):
    words = r"^budget_s must be a number of seconds of at least 2, got "
    with pytest.raises((TypeError, ValueError), match=words) as error:
        measure_this_cpu(bad)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("bad", "error"), [(0, ValueError), (1.5, TypeError), (True, TypeError)])
def test_threads_are_a_count(bad, error):
    with pytest.raises(error, match=r"^threads must be an integer of at least 1, got "):
        measure_this_cpu(threads=bad)


def test_this_cpu_is_measured_for_real_in_two_seconds():
    told = []
    benchmark = measure_this_cpu(2, on_progress=lambda share, text: told.append(share))
    assert benchmark.cpu.name == this_machine().cpu.name
    assert told[-1] == 1.0
    assert benchmark.calibration.threads == this_machine().usable_cores
    found = benchmark.calibration
    rates = [*found.flops_per_s.values(), *(getattr(found, name) for name in RATES)]
    assert all(1e7 < rate < 1e15 for rate in rates)
    assert found.error > 0
    predictions = [predict(each.workload, benchmark.cpu, calibration=found) for each in benchmark.held_out]
    # The fifth of six lies on the edge of the band, to the last digit or beside it.
    inside = [
        p.low_s * (1 - 1e-9) <= m.median_s <= p.high_s * (1 + 1e-9)
        for p, m in zip(predictions, benchmark.held_out, strict=True)
    ]
    assert sum(inside) >= len(inside) - 1


def test_the_module_is_the_one_the_package_offers():
    assert sys.modules["gpu_lessons.measuring"].measure_this_cpu is self_benchmark.measure_this_cpu
