"""The clock: with a fake one, so that nothing here depends on how fast this machine is."""

import math
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from threading import Event

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from gpu_lessons.hardware.arrays import cuda_status
from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.hardware.machines import machine
from gpu_lessons.measuring import measure, measure_this_cpu, self_benchmark, timing
from gpu_lessons.measuring.refusal import refuse_measurement
from gpu_lessons.measuring.threads import threads_verified
from gpu_lessons.measuring.timing import sample_times
from gpu_lessons.model import calibrate, predict
from gpu_lessons.work import Copy, DenseForward, Elementwise, Workload

LAYER = DenseForward(batch_size=2, n_in=3, n_out=4)


class FakeDevice:
    """A device and a clock in virtual time: a launch returns at once, the work is done later."""

    def __init__(self, work_s, launch_s=1e-7, first_s=0.0):
        self.host_s = self.done_s = 0.0
        self.work_s, self.launch_s, self.first_s = work_s, launch_s, first_s
        self.calls = 0
        self.log = []

    def call(self):
        extra_s = self.first_s if self.calls == 0 else 0.0
        self.calls += 1
        self.log.append("call")
        self.host_s += self.launch_s
        self.done_s = max(self.done_s, self.host_s) + self.work_s + extra_s

    def synchronize(self):
        self.log.append("synchronize")
        self.host_s = max(self.host_s, self.done_s)

    def clock(self):
        self.log.append("clock")
        return self.host_s

    def sample(self, budget_s):
        return sample_times(self.call, budget_s, self.synchronize, self.clock)


def test_the_device_is_waited_for_so_that_the_work_is_timed_and_not_the_launch():
    device = FakeDevice(work_s=5e-3, launch_s=1e-6)
    samples_s, _, _ = device.sample(0.1)
    assert samples_s == pytest.approx([5.001e-3] * len(samples_s))


def test_every_reading_of_the_clock_comes_right_after_waiting():
    device = FakeDevice(work_s=1e-4)
    device.sample(0.01)
    readings = [i for i, what in enumerate(device.log) if what == "clock"]
    assert len(readings) >= 2 * (2 + 3)
    assert {device.log[i - 1] for i in readings} == {"synchronize"}


def test_warm_ups_are_kept_apart():
    device = FakeDevice(work_s=2e-3, first_s=1.0)
    samples_s, warmup_s, _ = device.sample(0.1)
    assert warmup_s == pytest.approx([1.002, 0.002], rel=1e-3)
    assert max(samples_s) < 3e-3


@pytest.mark.parametrize("work_s", [1e-7, 3e-6, 4e-4, 9.9e-4])
def test_a_sample_of_short_calls_lasts_a_millisecond(work_s):
    device = FakeDevice(work_s=work_s, launch_s=0.0)
    samples_s, _, calls = device.sample(0.05)
    assert samples_s == pytest.approx([work_s] * len(samples_s))
    assert calls * work_s * (1 + 1e-9) >= 1e-3
    assert (calls - 1) * work_s < 1e-3


def test_a_long_call_is_one_sample():
    assert FakeDevice(work_s=0.5).sample(10.0)[2] == 1


def test_at_least_three_samples_are_taken_however_long_they_last():
    samples_s, warmup_s, _ = FakeDevice(work_s=60.0).sample(0.1)
    assert (len(samples_s), len(warmup_s)) == (3, 2)


def test_at_most_two_hundred_samples_are_taken():
    assert len(FakeDevice(work_s=1e-3).sample(1e6)[0]) == 200


@pytest.mark.parametrize("budget_s", [0.02, 0.05, 0.1])
def test_samples_fill_the_budget_and_pass_it_by_less_than_one_sample(budget_s):
    samples_s, _, calls = FakeDevice(work_s=2e-3, launch_s=0.0).sample(budget_s)
    spent_s = sum(samples_s) * calls
    assert budget_s <= spent_s * (1 + 1e-9)
    assert spent_s < budget_s + samples_s[-1] * calls * 1.001


def test_a_clock_that_stands_still_does_not_divide_by_zero(monkeypatch):
    monkeypatch.setattr(timing, "_MOST_SAMPLES", 3)
    samples_s, _, calls = sample_times(lambda: None, 1e-6, clock=lambda: 0.0)
    assert samples_s == (0.0, 0.0, 0.0)
    assert calls <= 10**6


# `measure` on this machine


@pytest.mark.parametrize("bad", [0, 0.0, -1, math.nan, math.inf])
def test_a_budget_that_is_no_time_is_refused(bad):
    with pytest.raises(ValueError, match=r"^budget_s must be a number of seconds above 0, got "):
        measure(LAYER, budget_s=bad)


@pytest.mark.parametrize("bad", [True, "1", None])
def test_a_budget_that_is_no_number_is_refused(bad):
    with pytest.raises(TypeError, match=r"^budget_s must be a number of seconds above 0, got "):
        measure(LAYER, budget_s=bad)


def test_threads_of_a_gpu_are_refused():
    with pytest.raises(ValueError, match=r"^threads are those of the CPU; leave them out with device='cuda', got 2$"):
        measure(DenseForward(batch_size=1, n_in=1, n_out=1), "cuda", threads=2)


@pytest.mark.parametrize("bad", ["gpu", "CPU", None, 0])
def test_an_unknown_device_is_refused_with_the_known_ones(bad):
    with pytest.raises(ValueError, match=r"^device must be one of cpu, cuda, webgpu, got "):
        measure(LAYER, bad)


def test_something_else_than_a_workload_is_refused():
    with pytest.raises(TypeError, match=r"^workload must be a workload such as DenseForward, got "):
        measure(lambda: None)


def test_more_threads_than_cores_are_refused():
    cores = this_machine().usable_cores
    with pytest.raises(
        ValueError, match=f"^threads must be at most {cores}, the threads usable here, got {cores + 1}$"
    ):
        measure(LAYER, threads=cores + 1)


@pytest.mark.parametrize(("bad", "error"), [(0, ValueError), (1.0, TypeError), (True, TypeError)])
def test_threads_are_a_count(bad, error):
    with pytest.raises(error, match=r"^threads must be an integer of at least 1, got "):
        measure(LAYER, threads=bad)


@pytest.fixture
def little_memory(monkeypatch):
    """Let this machine have one megabyte free."""
    here = replace(this_machine(), available_memory_bytes=10**6)
    for module in ("gpu_lessons.measuring.timing", "gpu_lessons.measuring.refusal"):
        monkeypatch.setattr(sys.modules[module], "this_machine", lambda: here)


class NeverMade(Elementwise):
    """Fails if anything is allocated."""

    __slots__ = ()

    def make(self, xp):
        raise AssertionError("it was made before memory was checked")


@pytest.mark.usefixtures("little_memory")
def test_arrays_that_do_not_fit_are_refused_before_they_are_made():
    with pytest.raises(MemoryError, match=r"needs 8 GB and 1 MB are free here; choose a smaller") as error:
        measure(NeverMade(10**9))
    assert "\n" not in str(error.value)


def test_without_a_cuda_device_the_sentence_says_why(monkeypatch):
    here = replace(this_machine(), gpu=None, gpu_status="no CUDA device here: the fan is loud")
    monkeypatch.setattr(timing, "this_machine", lambda: here)
    with pytest.raises(RuntimeError, match=r"^no CUDA device here: the fan is loud; measure with device='cpu'"):
        measure(LAYER, "cuda")


def test_a_copy_cannot_be_timed_on_the_host():
    with pytest.raises(ValueError, match="a copy needs a device"):
        measure(Copy(8))


class SeesThreads(Workload):
    """Notes how many BLAS threads are allowed while it runs."""

    memory_bytes = 0

    def __init__(self):
        self.seen = set()

    def make(self, xp):
        assert xp is np
        return lambda: self.seen.update(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")


@pytest.mark.parametrize("threads", range(1, this_machine().usable_cores + 1))
def test_blas_runs_on_the_stated_threads_and_gets_its_own_back(threads):
    np.ones((2, 2)) @ np.ones((2, 2))
    before = threadpool_info()
    work = SeesThreads()
    record = measure(work, budget_s=0.001, threads=threads)
    assert record.threads == threads
    assert work.seen == {threads}
    assert threadpool_info() == before


@pytest.fixture
def ask_afresh():
    threads_verified.cache_clear()
    yield
    threads_verified.cache_clear()


@pytest.mark.usefixtures("ask_afresh")
@pytest.mark.parametrize(
    ("limit", "asked", "said"),
    [(1, 1, "1 thread"), (2, 2, "2 threads"), (2, 1, "threads unknown"), (1, 2, "threads unknown")],
)
@pytest.mark.skipif(this_machine().usable_cores < 2, reason="one thread is all there is")
def test_threads_are_those_that_a_product_used_and_not_those_asked_for(monkeypatch, limit, asked, said):
    """A BLAS that threadpoolctl does not know runs as it likes: on all cores as Accelerate, or on one."""
    with threadpool_limits(limit):
        monkeypatch.setattr("threadpoolctl.threadpool_limits", lambda count: nullcontext())
        record = measure(LAYER, budget_s=0.001, threads=asked)
    assert str(record).splitlines()[0].endswith(f"measured on {this_machine().cpu.name}, {said}")
    assert record.threads == (0 if said == "threads unknown" else asked)


@pytest.mark.usefixtures("ask_afresh")
@pytest.mark.parametrize(
    ("asked", "used", "known"),
    [
        (1, 1.0, 1),
        (1, 1.92, 0),
        (2, 1.0, 0),
        (2, 1.9, 2),
        (4, 2.0, 0),
        (4, 3.8, 4),
        (8, 4.0, 0),
        (64, 61.0, 64),
        (4, 8.0, 0),
    ],
)
def test_a_number_of_threads_is_known_if_about_as_many_computed(monkeypatch, asked, used, known):
    monkeypatch.setattr("gpu_lessons.measuring.threads._threads_used", lambda limit: used)
    assert threads_verified(asked) == known


@pytest.mark.usefixtures("ask_afresh")
def test_a_cpu_whose_threads_are_unknown_is_calibrated_all_the_same(monkeypatch):
    monkeypatch.setattr("gpu_lessons.measuring.threads._threads_used", lambda limit: 99.0)
    monkeypatch.setattr(self_benchmark, "_done", {})
    benchmark = measure_this_cpu(2.0)
    assert "measured here, threads unknown" in benchmark.calibration.basis
    assert benchmark.calibration.flops_per_s["float32"] > 0


def test_measurements_on_two_threads_take_turns(monkeypatch):
    """JupyterLab runs a widget's callback on a thread of its own while a cell computes."""
    order, met = [], Event()

    def sample_times(call, budget_s):
        order.append("begin")
        if len(order) > 1:
            met.set()
        met.wait(0.2)  # long enough for the other one to come in, if nothing holds it back
        order.append("end")
        return (1.0,), (1.0,), 1

    monkeypatch.setattr(timing, "sample_times", sample_times)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(measure, (LAYER, LAYER)))
    assert order == ["begin", "end"] * 2


def test_without_a_number_all_usable_cores_compute_and_the_record_says_so():
    record = measure(LAYER, budget_s=0.001)
    assert record.threads == this_machine().usable_cores
    assert record.machine == this_machine().cpu.name
    assert record.workload is LAYER
    assert (record.source, len(record.warmup_s)) == ("measured", 2)
    assert len(record.samples_s) >= 3
    assert all(time_s > 0 for time_s in record.samples_s)


@pytest.mark.gpu
@pytest.mark.skipif(not cuda_status()[0], reason=cuda_status()[1])
def test_a_layer_is_timed_on_the_gpu():
    record = measure(DenseForward(batch_size=512, n_in=1024, n_out=1024), "cuda", budget_s=0.1)
    assert record.threads is None
    assert record.machine == this_machine().gpu.name


# Before a slider measures


CPU = machine("amd-ryzen-9-7950x")


@pytest.fixture
def known_machine(monkeypatch):
    """Let this machine be a catalogue CPU with 8 GB free."""
    here = replace(this_machine(), cpu=CPU, available_memory_bytes=8 * 10**9)
    monkeypatch.setattr(sys.modules["gpu_lessons.measuring.refusal"], "this_machine", lambda: here)


@pytest.mark.usefixtures("known_machine")
def test_a_layer_that_needs_more_than_half_the_free_memory_is_declined():
    sentence = refuse_measurement(Elementwise(10**9), calibrate(CPU), budget_s=1e9)
    assert sentence.startswith("Not measured: it needs 8 GB of memory, more than half of the 8 GB free here.")


@pytest.mark.usefixtures("known_machine")
def test_five_calls_must_fit_into_the_budget():
    layer = DenseForward(batch_size=4096, n_in=4096, n_out=4096)
    call_s = predict(layer, CPU).seconds
    assert refuse_measurement(layer, calibrate(CPU), budget_s=5.001 * call_s) is None
    sentence = refuse_measurement(layer, calibrate(CPU), budget_s=4.999 * call_s)
    assert sentence.startswith("Not measured: it would take about ")
    assert "set aside. Choose a smaller batch or width." in sentence


def test_threads_counted_by_numpy_are_written_down_as_a_plain_number():
    assert type(measure(Elementwise(1), budget_s=0.001, threads=np.int64(1)).threads) is int
