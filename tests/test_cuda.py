"""The CUDA path: its promises on a fake CuPy in virtual time, and the same for real where there is a CUDA device."""

import sys
import weakref
from dataclasses import replace
from statistics import median

import numpy as np
import pytest
from fake_cuda import CUDARuntimeError, FakeCuda, OutOfMemoryError

import gpu_lessons as gl
from gpu_lessons.devices import CudaGpu, cuda
from gpu_lessons.hardware.arrays import cuda_status, cupy_namespace
from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.hardware.machines import machine
from gpu_lessons.hardware.pools import WatchedPool
from gpu_lessons.measuring import measure, peaks, timing
from gpu_lessons.measuring.cuda import free_memory_bytes
from gpu_lessons.measuring.latency import sample_single_calls
from gpu_lessons.measuring.peaks import measure_peak_bytes
from gpu_lessons.work import (
    Conv2dForward,
    Copy,
    DenseForward,
    DenseTrainStep,
    DependentChain,
    Elementwise,
    RecurrentForward,
    TrainEpoch,
    Workload,
)

T4 = machine("nvidia-t4")


class Work(Workload):
    """Computes for ``work_s`` with ``memory_bytes`` of arrays, or raises ``error()`` at call ``fails_at``."""

    label = "work"

    def __init__(self, work_s=1e-3, memory_bytes=1024, launch_s=1e-6, error=None, fails_at=1):
        self.work_s, self.launch_s, self.error, self.fails_at = work_s, launch_s, error, fails_at
        self.size_bytes = memory_bytes
        self.arrays = []

    memory_bytes = property(lambda self: self.size_bytes)

    def __str__(self):
        return "Work()"

    def make(self, xp):
        held = xp.alloc(self.size_bytes)
        self.arrays.append(weakref.ref(held))
        calls = 0

        def call():
            nonlocal calls
            calls += 1
            if self.error and calls == self.fails_at:
                raise self.error()
            xp.launch(self.work_s, self.launch_s)
            return held

        return call


@pytest.fixture
def install(monkeypatch):
    """Return a function that puts a fake CuPy under `measure` and `CudaGpu`, on a T4."""

    def put(xp):
        here = replace(this_machine(), gpu=replace(T4, slug="this-gpu"), available_memory_bytes=8 * 10**9)
        for name in ("gpu_lessons.measuring.timing", "gpu_lessons.measuring.cuda", "gpu_lessons.devices.cuda"):
            monkeypatch.setattr(sys.modules[name], "this_machine", lambda: here)
        for module in (timing, cuda, peaks):
            monkeypatch.setattr(module, "cupy_namespace", lambda: xp)
        return xp

    return put


# The clock


@pytest.mark.parametrize("work_s", [5e-6, 3e-4, 2e-2])
def test_the_devices_own_clock_tells_the_work(install, work_s):
    install(FakeCuda())
    record = measure(Work(work_s), "cuda", budget_s=0.05)
    # The first launch of a sample reaches the idle device a little after the event.
    assert record.median_s == pytest.approx(work_s + 1e-6 / record.calls_per_sample)
    assert (record.machine, record.threads, record.source) == ("NVIDIA T4", None, "measured")
    assert len(record.warmup_s) == 2


def test_a_sample_is_calls_between_two_events_on_an_idle_device_read_after_the_second(install):
    xp = install(FakeCuda())
    record = measure(Work(1e-4), "cuda", budget_s=0.01)
    text = " ".join(xp.log)
    samples = text.removesuffix(" free blocks free blocks").split(" read")
    assert samples.pop() == ""
    assert len(samples) == 2 + 1 + len(
        record.samples_s
    )  # warm-ups, and a trial that tells how many calls fill a sample
    for sample in samples[-len(record.samples_s) :]:
        calls = " call" * record.calls_per_sample
        assert sample.strip() == f"synchronize record{calls} record synchronize event"


def test_the_events_stand_in_the_stream_that_computes(install):
    xp = install(FakeCuda())
    with xp.cuda.Stream():
        assert measure(Work(2e-3), "cuda", budget_s=0.01).median_s == pytest.approx(2.001e-3)


def test_a_sample_lasts_a_millisecond_though_calls_in_a_row_are_shorter_than_one(install):
    install(FakeCuda())
    work_s, launch_s = 1e-6, 9e-6  # one call takes both, calls in a row hide the work behind the next launch
    record = measure(Work(work_s, launch_s=launch_s), "cuda", budget_s=0.05)
    assert record.warmup_s[-1] == pytest.approx(work_s + launch_s)
    assert record.calls_per_sample * record.median_s >= 1e-3
    assert record.median_s == pytest.approx(launch_s, rel=0.01)


# Memory


def test_what_does_not_fit_is_refused_in_one_sentence_before_anything_is_made(install):
    install(FakeCuda(memory_bytes=10**9, free_bytes=6 * 10**8))
    work = Work(memory_bytes=7 * 10**8)
    with pytest.raises(MemoryError) as error:
        measure(work, "cuda")
    assert str(error.value) == (
        "Work() needs 700 MB and 600 MB are free on the NVIDIA T4; choose a smaller batch or width"
    )
    assert work.arrays == []


def test_numbers_that_this_machine_cannot_draw_are_refused_too(install):
    install(FakeCuda(memory_bytes=10**11))
    with pytest.raises(MemoryError, match=r"^Work\(\) needs 9 GB and 8 GB are free in this machine, where its numbers"):
        measure(Work(memory_bytes=9 * 10**9), "cuda")


@pytest.mark.parametrize(("cached", "limit", "free"), [(0, 0, 600), (300, 0, 900), (300, 500, 400), (0, 50, 0)])
def test_memory_that_the_pool_keeps_is_free_and_its_limit_counts(cached, limit, free):
    xp = FakeCuda(memory_bytes=1000, free_bytes=600)
    xp.pool.used, xp.pool.cached, xp.pool.limit = 100, cached, limit
    assert free_memory_bytes(xp) == free


@pytest.mark.parametrize("fails_at", [1, 3, 9])
@pytest.mark.parametrize("error", [lambda: OutOfMemoryError("x"), lambda: CUDARuntimeError(2)], ids=["pool", "driver"])
def test_out_of_memory_is_one_sentence_and_the_memory_comes_back(install, error, fails_at):
    xp = install(FakeCuda())
    work = Work(memory_bytes=10**6, error=error, fails_at=fails_at)
    with pytest.raises(MemoryError) as caught:
        measure(work, "cuda")
    assert str(caught.value) == (
        "the NVIDIA T4 ran out of memory: Work() needs 1 MB and 1 GB are free there; choose a smaller batch or width"
    )
    assert caught.value.__context__ is None
    assert work.arrays[0]() is None
    assert (xp.pool.used, xp.pool.cached) == (0, 0)
    assert measure(Work(), "cuda", budget_s=0.01).median_s > 0


@pytest.mark.parametrize("error", [CUDARuntimeError(700), ValueError("a bug"), KeyboardInterrupt()])
def test_another_error_keeps_its_words(install, error):
    install(FakeCuda())
    with pytest.raises(type(error)) as caught:
        measure(Work(error=lambda: error), "cuda")
    assert caught.value is error


def test_after_a_measurement_no_memory_is_held(install):
    xp = install(FakeCuda())
    measure(Work(memory_bytes=10**6), "cuda", budget_s=0.01)
    assert (xp.pool.used, xp.pool.cached) == (0, 0)


def test_the_account_of_a_gpu_is_not_kept_while_the_clock_runs(install):
    xp = install(FakeCuda())
    gpu = CudaGpu()
    measure(Work(memory_bytes=10**6), "cuda", budget_s=0.01)
    assert gpu.memory.peak_bytes == 0
    held = xp.alloc(10**6)
    assert gpu.memory.peak_bytes >= held.size_bytes


def test_the_peak_of_a_call_counts_its_arrays_and_no_one_elses(install):
    class Passing(Work):
        def make(self, xp):
            held = xp.alloc(2048)

            def call():
                xp.alloc(512)
                passing = [xp.alloc(1024), xp.alloc(1024)]
                return held, len(passing)

            return call

    xp = install(FakeCuda())
    somebody = xp.alloc(10**6)
    assert measure_peak_bytes(Passing(), "cuda") == 2048 + 2 * 1024
    assert xp.pool.used == somebody.size_bytes


def test_a_watched_pool_knows_its_peak_exactly():
    pool = FakeCuda().pool
    watched = WatchedPool(pool)
    rng = np.random.default_rng(3)
    held, peak = [], 0
    for _ in range(200):
        if held and rng.random() < 0.5:
            held.pop(int(rng.integers(len(held))))
        else:
            held.append(watched.malloc(int(rng.integers(1, 5000))))
        peak = max(peak, sum(each.size_bytes for each in held))
        assert watched.used_bytes == sum(each.size_bytes for each in held)
        assert watched.peak_bytes == peak
    watched.reset_peak()
    assert watched.peak_bytes == watched.used_bytes


# The GPU object


def test_the_gpu_says_what_it_is_in_one_line(install):
    install(FakeCuda())
    gpu = CudaGpu()
    assert str(gpu) == "NVIDIA T4, times measured"
    assert (gpu.source, gpu.machine.name) == ("measured", "NVIDIA T4")
    assert gpu.out_of_memory_error is OutOfMemoryError


def test_memory_is_counted_and_its_end_can_be_brought_nearer(install):
    xp = install(FakeCuda())
    gpu = CudaGpu(memory_bytes=10**6)
    held = xp.alloc(600_000)
    with pytest.raises(gpu.out_of_memory_error):
        xp.alloc(600_000)
    assert gpu.memory.used_bytes == held.size_bytes
    del held
    assert gpu.memory.used_bytes == 0
    assert str(gpu.memory) == "0 B in use of 1 MB, 600 kB at the peak"
    assert CudaGpu().memory.capacity_bytes == 10**9
    xp.alloc(2 * 10**6)  # the limit is gone with the new one


def test_no_more_memory_is_promised_than_the_card_has(install):
    install(FakeCuda(memory_bytes=10**9))
    assert CudaGpu(memory_bytes=10**12).memory.capacity_bytes == 10**9


@pytest.mark.parametrize(("bad", "error"), [(0, ValueError), (-5, ValueError), (1.5, TypeError), (True, TypeError)])
def test_memory_that_is_no_count_is_refused(install, bad, error):
    install(FakeCuda())
    with pytest.raises(error, match=r"^memory_bytes must be an integer of at least 1, got "):
        CudaGpu(memory_bytes=bad)


def test_synchronizing_waits_for_every_stream_and_a_reading_of_the_clock_for_none(install):
    xp = install(FakeCuda())
    gpu = CudaGpu()
    with gpu.stream() as stream:
        assert stream.non_blocking
        xp.launch(1.0)
    gpu.perf_counter()
    assert xp.host_s < 1.0
    gpu.synchronize()
    assert xp.host_s >= 1.0


def test_arrays_go_there_and_back(install):
    xp = install(FakeCuda())
    gpu = CudaGpu()
    numbers = np.arange(3.0)
    there = gpu.to_device(numbers)
    assert xp.log == ["asarray"]
    np.testing.assert_array_equal(gpu.to_host(there), numbers)


def test_without_a_device_the_sentence_says_why(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    cuda_status.cache_clear()
    try:
        with pytest.raises(RuntimeError, match=r"^no CUDA device here: CuPy is not installed$"):
            CudaGpu()
    finally:
        cuda_status.cache_clear()


# For real

WORKLOADS = [
    DenseForward(batch_size=64, n_in=128, n_out=256),
    DenseForward(batch_size=64, n_in=128, n_out=256, dtype="float64"),
    DenseTrainStep(batch_size=64, n_in=128, n_out=256),
    Elementwise(2**20),
    Elementwise(2**20, multiply_adds=64),
    RecurrentForward(steps=20, batch_size=64, n_in=128, n_out=256),
    DependentChain(steps=20, width=1000),
    Conv2dForward(batch_size=2, c_in=3, c_out=8, height=32, width=32, kernel=3, padding=1),
    TrainEpoch(samples=200, batch_size=64, layer_sizes=(64, 128, 10)),
    *(Copy(2**20, direction, pinned) for direction in ("h2d", "d2h") for pinned in (True, False)),
]


@pytest.fixture
def xp():
    """Return CuPy; skip where no CUDA device computes."""
    usable, reason = cuda_status()
    if not usable:
        pytest.skip(reason)
    return cupy_namespace()


@pytest.mark.gpu
@pytest.mark.parametrize("workload", WORKLOADS, ids=str)
def test_every_workload_is_timed_on_the_gpu(xp, workload):
    record = measure(workload, "cuda", budget_s=0.05)
    assert record.machine == this_machine().gpu.name
    assert len(record.samples_s) >= 3
    assert min(record.samples_s) > 0
    assert max(record.samples_s) < 10


@pytest.mark.gpu
def test_events_and_the_host_agree_on_long_work(xp):
    workload = DenseForward(batch_size=4096, n_in=4096, n_out=4096)
    events_s = measure(workload, "cuda", budget_s=0.5).median_s
    samples_s, _ = sample_single_calls(workload.make(xp), 0.5, xp.cuda.Device().synchronize)
    assert median(samples_s) == pytest.approx(events_s, rel=0.2)


@pytest.mark.gpu
def test_no_faster_than_the_card_can(xp):
    gpu = this_machine().gpu
    copy = measure(Copy(2**28), "cuda", budget_s=0.5)
    if gpu.link_bandwidth_bytes_per_s is not None:
        assert copy.median_s > 0.9 * 2**28 / gpu.link_bandwidth_bytes_per_s
    if gpu.memory_bandwidth_bytes_per_s is not None:
        moved = Elementwise(2**26)
        time_s = measure(moved, "cuda", budget_s=0.5).median_s
        assert time_s > 0.9 * moved.bytes_moved / gpu.memory_bandwidth_bytes_per_s


@pytest.mark.gpu
def test_pinned_memory_is_copied_faster(xp):
    for direction in ("h2d", "d2h"):
        pinned, pageable = (measure(Copy(2**27, direction, each), "cuda", budget_s=0.5) for each in (True, False))
        assert pinned.median_s < pageable.median_s


@pytest.mark.gpu
def test_the_device_is_full_and_then_free_again(xp):
    held, free = [], free_memory_bytes(xp)
    held.append(xp.empty(free - 2**28, "uint8"))
    with pytest.raises(MemoryError, match=r"needs .* are free on the .*; choose a smaller batch or width$"):
        measure(Elementwise(2**28), "cuda")
    held.clear()
    assert measure(Elementwise(2**20), "cuda", budget_s=0.05).median_s > 0


@pytest.mark.gpu
def test_the_peak_of_a_training_step_holds_its_operands_and_little_more(xp):
    step = DenseTrainStep(3000, 2000, 1000)
    weights = 2000 * 1000 + 1000
    least = (3000 * 2000 + 3000 * 1000 + 3000 * 2000 + 2 * weights) * 4  # x, dy, dx, parameters and gradients
    assert least <= measure_peak_bytes(step, "cuda") <= 1.05 * step.memory_bytes


@pytest.mark.gpu
def test_this_machine_tells_its_gpu_and_the_software_under_it(xp):
    here = this_machine()
    assert here.gpu.sm_count > 0
    assert here.gpu.memory_bytes > 10**9
    assert here.gpu.clock_hz > 10**8
    assert here.cuda.cupy == xp.__version__
    assert float(here.cuda.runtime) >= 12
    assert here.cuda.driver is None or here.cuda.driver[0].isdigit()
    assert f"CUDA    {here.cuda}" in here.describe().splitlines()


@pytest.mark.gpu
def test_a_lesson_gets_the_real_gpu(xp, monkeypatch, capsys):
    monkeypatch.delenv("GPU_LESSONS_GPU", raising=False)
    gpu = gl.gpu()
    gl.say_devices(gpu)
    assert f"GPU: {this_machine().gpu.name}, times measured" in capsys.readouterr().out
