"""This CPU's numbers: on a made-up machine whose true numbers are known, then once for real."""

import statistics
import sys
from dataclasses import replace
from types import MappingProxyType

import pytest

from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.measuring import CpuBenchmark, measure_this_cpu, self_benchmark
from gpu_lessons.model import CpuCalibration, predict
from gpu_lessons.records import Measurement

MEBI = 2**20
CPU = replace(this_machine().cpu, name="Made-up CPU", cache_bytes=32 * MEBI)
TRUE = CpuCalibration(
    launch_overhead_s=2e-6,
    flops_per_s=MappingProxyType({"float32": 2e11, "float64": 9e10}),
    read_bandwidth_bytes_per_s=12e9,
    cached_read_bandwidth_bytes_per_s=40e9,
    copy_bandwidth_bytes_per_s=5e9,
    cached_copy_bandwidth_bytes_per_s=15e9,
    last_level_cache_bytes=32 * MEBI,
    second_level_cache_bytes=2 * MEBI,
    threads=2,
    error=0.0,
    basis="made up",
)
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
        time_s = predict(workload, CPU, calibration=TRUE).seconds * factors.get(workload, 1.0)
        return Measurement(workload, CPU.name, threads, (time_s,) * 3, (time_s,) * 2, 1)

    here = replace(this_machine(), cpu=CPU, usable_cores=2)
    monkeypatch.setattr(self_benchmark, "measure", measure)
    monkeypatch.setattr(self_benchmark, "this_machine", lambda: here)
    measure.calls, measure.factors = calls, factors
    return measure


@pytest.mark.usefixtures("made_up")
def test_the_fit_finds_the_true_numbers_within_a_few_percent():
    found = measure_this_cpu().calibration
    assert found.launch_overhead_s == pytest.approx(TRUE.launch_overhead_s, rel=0.05)
    assert dict(found.flops_per_s) == pytest.approx(dict(TRUE.flops_per_s), rel=0.05)
    fitted = {name: getattr(found, name) for name in RATES}
    assert fitted == pytest.approx({name: getattr(TRUE, name) for name in RATES}, rel=0.15)
    assert found.threads == 2
    assert found.error < 0.1


def test_the_band_is_the_largest_error_on_layers_the_fit_has_not_seen(made_up):
    seen = measure_this_cpu()
    without = [predict(each.workload, CPU, calibration=seen.calibration).seconds for each in seen.held_out]
    self_benchmark._done.clear()
    slowed = seen.held_out[2].workload
    made_up.factors[slowed] = 3.0  # only a held-out layer: the fit itself cannot know
    benchmark = measure_this_cpu()
    assert replace(benchmark.calibration, error=0, basis="") == replace(seen.calibration, error=0, basis="")
    ratios = [p / each.median_s for p, each in zip(without, benchmark.held_out, strict=True)]
    errors = [max(ratio, 1 / ratio) - 1 for ratio in ratios]
    assert benchmark.calibration.error == pytest.approx(max(errors))
    assert benchmark.calibration.error == pytest.approx(2.0, rel=0.2)
    assert (
        f"off by {statistics.median(errors):.0%} (median) on {len(errors)} other"
        in benchmark.calibration.basis
    )


def test_no_layer_both_makes_and_checks_the_fit(made_up):
    benchmark = measure_this_cpu()
    fitted, held_out = ({each.workload for each in part} for part in (benchmark.fitted, benchmark.held_out))
    assert fitted.isdisjoint(held_out)
    assert [call[0] for call in made_up.calls] == [
        each.workload for each in benchmark.fitted + benchmark.held_out
    ]


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


def test_another_number_of_threads_is_another_benchmark(made_up):
    both, one = measure_this_cpu(), measure_this_cpu(threads=1)
    assert (both.calibration.threads, one.calibration.threads) == (2, 1)
    assert {threads for _, _, threads in made_up.calls} == {1, 2}
    assert "measured here, 1 thread;" in one.calibration.basis
    assert self_benchmark.this_cpu_if_measured() is both


def test_all_samples_together_stay_within_the_budget(made_up):
    measure_this_cpu(10.0)
    assert sum(budget_s for _, budget_s, _ in made_up.calls) <= 10.0
    assert all(budget_s > 0 for _, budget_s, _ in made_up.calls)


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
    with pytest.raises(
        (TypeError, ValueError), match=r"^budget_s must be a number of seconds of at least 2, got "
    ) as error:
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
    rates = [
        *benchmark.calibration.flops_per_s.values(),
        *(getattr(benchmark.calibration, name) for name in RATES),
    ]
    assert all(1e7 < rate < 1e15 for rate in rates)
    assert benchmark.calibration.error > 0
    found = predict(benchmark.held_out[0].workload, benchmark.cpu, calibration=benchmark.calibration)
    assert (
        found.low_s <= benchmark.held_out[0].median_s <= found.high_s
    )  # the band holds what it was made from


def test_the_module_is_the_one_the_package_offers():
    assert sys.modules["gpu_lessons.measuring"].measure_this_cpu is self_benchmark.measure_this_cpu
