"""The CUDA path: on a stand-in for CuPy that keeps a virtual clock and a log, and for real where there is a device."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from test_detect import FakeCudaError, fake_cupy

from gpu_lessons.devices import CudaGpu
from gpu_lessons.hardware import detect
from gpu_lessons.hardware.arrays import cuda_status, cupy_namespace, pinned_array
from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.hardware.driver import Driver, ask_driver
from gpu_lessons.hardware.graphics import this_gpu
from gpu_lessons.measuring import measure
from gpu_lessons.measuring.cuda import stopwatch
from gpu_lessons.nn import Conv2d
from gpu_lessons.work import Conv2dForward, Copy, DenseForward, DependentChain, Elementwise, TrainEpoch, Workload

on_cuda = pytest.mark.skipif(not cuda_status()[0], reason=cuda_status()[1])


class OutOfMemoryError(MemoryError):
    """Stands for CuPy's, which is a MemoryError too."""


class StandIn:
    """A CUDA device in virtual time: a launch returns at once, and the stream does the work later."""

    def __init__(self, *, launch_s=1e-6, work_s=1e-4, free_bytes=10**9):
        self.host_s = self.done_s = 0.0
        self.launch_s, self.work_s = launch_s, work_s
        self.log = []
        self.limit_bytes = 0
        self.pool = SimpleNamespace(
            held=[], free_all_blocks=lambda: self.log.append("free_all_blocks"), set_limit=self.set_limit,
            used_bytes=lambda: sum(self.pool.held), total_bytes=lambda: 4096,
        )  # fmt: skip
        self.cupy = self.make_cupy(free_bytes)

    def make_cupy(self, free_bytes):
        cupy = fake_cupy()
        cupy.__version__ = "14.2.0"
        cupy.get_default_memory_pool = lambda: self.pool
        cuda = cupy.cuda
        stream = SimpleNamespace(synchronize=self.synchronize)
        cuda.runtime.CUDARuntimeError = FakeCudaError
        cuda.memory = SimpleNamespace(OutOfMemoryError=OutOfMemoryError)
        cuda.get_current_stream = lambda: stream
        cuda.Stream = lambda non_blocking: ("stream", non_blocking)
        cuda.Device = lambda: SimpleNamespace(
            mem_info=(free_bytes, 15_843_721_216), synchronize=lambda: self.log.append("device")
        )
        device = self

        class Event:
            def __init__(self):
                self.time_s = None
                self.is_waited_for = False

            def record(self, recorded_in):
                assert recorded_in is stream
                device.log.append("record")
                device.host_s += device.launch_s
                device.done_s = max(device.done_s, device.host_s)
                self.time_s = device.done_s
                self.is_waited_for = False

            def synchronize(self):
                device.log.append("wait")
                device.host_s = max(device.host_s, self.time_s)
                self.is_waited_for = True

        def get_elapsed_time(start, stop):
            assert stop.is_waited_for, "CUDA refuses to tell the time of an event that has not happened"
            return (stop.time_s - start.time_s) * 1e3

        cuda.Event, cuda.get_elapsed_time = Event, get_elapsed_time
        return cupy

    def set_limit(self, size):
        self.limit_bytes = size

    def synchronize(self):
        self.log.append("synchronize")
        self.host_s = max(self.host_s, self.done_s)

    def call(self):
        self.log.append("call")
        self.host_s += self.launch_s
        self.done_s = max(self.done_s, self.host_s) + self.work_s


@pytest.fixture
def install(monkeypatch):
    """Return a function that makes this process believe in a stand-in."""

    def put(device):
        monkeypatch.setitem(sys.modules, "cupy", device.cupy)
        monkeypatch.setitem(sys.modules, "pynvml", None)
        return device

    cuda_status.cache_clear()
    detect._hardware.cache_clear()
    yield put
    cuda_status.cache_clear()
    detect._hardware.cache_clear()


class Made(Workload):
    """A workload whose call is given; it holds memory of the pool as long as anything refers to it."""

    def __init__(self, device, call=None, memory_bytes=1000):
        self.device = device
        self.call = call or device.call
        self.size_bytes = memory_bytes

    memory_bytes = property(lambda self: self.size_bytes)

    def __repr__(self):
        return "the workload"

    def make(self, xp):
        assert xp is self.device.cupy
        held = HeldMemory(self.device.pool, self.size_bytes)
        return lambda: (held, self.call())


class HeldMemory:
    def __init__(self, pool, size_bytes):
        self.pool, self.size_bytes = pool, size_bytes
        pool.held.append(size_bytes)

    def __del__(self):
        self.pool.held.remove(self.size_bytes)


# The clock


def test_events_stand_right_around_the_calls_and_are_waited_for_before_they_are_read(install):
    device = install(StandIn())
    stopwatch(device.call, device.cupy)(3)
    assert device.log == ["synchronize", "record", "call", "call", "call", "record", "wait"]


def test_a_sample_is_the_time_of_the_device_and_not_that_of_the_launches(install):
    device = install(StandIn(launch_s=1e-6, work_s=2e-3))
    record = measure(Made(device), "cuda", budget_s=0.05)
    # the launch of the first call is waited for, those of the others run while the device works
    assert record.samples_s == pytest.approx([2.001e-3] * len(record.samples_s))
    assert (record.machine, record.threads, record.source) == ("NVIDIA T4", None, "measured")
    assert record.calls_per_sample == 1
    assert len(record.warmup_s) == 2


def test_where_launches_are_slower_than_the_work_they_are_the_time(install):
    device = install(StandIn(launch_s=1e-5, work_s=1e-6))
    record = measure(Made(device), "cuda", budget_s=0.05)
    assert record.calls_per_sample > 10
    assert record.median_s == pytest.approx(1e-5, rel=0.05)


def test_the_first_call_is_a_warm_up(install):
    device = install(StandIn(work_s=1e-3))
    calls = []

    def call():
        calls.append(None)
        device.host_s += 0.5 if len(calls) == 1 else 0.0  # compiling
        device.call()

    record = measure(Made(device, call), "cuda", budget_s=0.02)
    assert record.warmup_s[0] == pytest.approx(0.501, rel=1e-3)
    assert max(record.samples_s) < 2e-3


# Memory


def test_what_does_not_fit_on_the_device_is_refused_before_it_is_made(install):
    device = install(StandIn(free_bytes=10**9))
    work = Made(device, memory_bytes=2 * 10**9)
    work.make = lambda xp: pytest.fail("made before memory was checked")
    with pytest.raises(
        MemoryError, match=r"^the workload needs 2 GB and 1 GB are free on NVIDIA T4; choose a smaller one$"
    ):
        measure(work, "cuda")
    assert device.log == ["free_all_blocks"]  # what the pool keeps for later is free too


@pytest.mark.parametrize(
    ("kind", "argument"), [(OutOfMemoryError, "Out of memory allocating"), (FakeCudaError, 2)], ids=["pool", "runtime"]
)
def test_a_memory_that_runs_out_is_one_sentence_and_free_again(install, kind, argument):
    device = install(StandIn())
    held_when_freed = []

    def call():
        raise kind(argument)

    def free_all_blocks():
        held_when_freed.append(list(device.pool.held))

    device.pool.free_all_blocks = free_all_blocks
    with pytest.raises(
        MemoryError,
        match=r"^the memory of NVIDIA T4 ran out during the workload and is free again; choose a smaller one$",
    ):
        measure(Made(device, call), "cuda")
    # before it was made, and afterwards: nothing refers to the arrays any more, so the pool can return them
    assert held_when_freed == [[], []]


def test_another_error_of_cuda_is_not_called_a_full_memory(install):
    device = install(StandIn())

    def call():
        raise FakeCudaError(700)

    with pytest.raises(FakeCudaError):
        measure(Made(device, call), "cuda")


def test_without_a_device_the_sentence_says_why(install):
    install(SimpleNamespace(cupy=fake_cupy(error=FakeCudaError(35))))
    for ask in (lambda: measure(Elementwise(1), "cuda"), CudaGpu):
        with pytest.raises(RuntimeError, match=r"^no CUDA device here: CuPy is installed but finds no NVIDIA driver"):
            ask()


# What the driver tells


def fake_nvml(**answers):
    def unknown(*_):
        raise OSError("not supported")

    names = {
        "nvmlSystemGetDriverVersion": "580.65.06",
        "nvmlSystemGetCudaDriverVersion_v2": 13000,
        "nvmlDeviceGetHandleByPciBusId": "gpu",
        "nvmlDeviceGetMaxPcieLinkGeneration": 4,
        "nvmlDeviceGetCurrPcieLinkWidth": 16,
        **answers,
    }
    functions = {name: unknown if value is None else (lambda *_, value=value: value) for name, value in names.items()}
    clocks = {1: 1590, 2: 5001}
    functions.setdefault("nvmlDeviceGetClockInfo", lambda _, which: clocks[which])
    return SimpleNamespace(
        **functions, NVML_CLOCK_SM=1, NVML_CLOCK_MEM=2, nvmlInit=lambda: None, nvmlShutdown=lambda: None
    )


def test_the_driver_tells_its_version_and_the_clocks_of_this_moment(install, monkeypatch):
    install(StandIn())
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml())
    here = this_machine()
    assert here.driver == Driver("580.65.06", "13.0", 1.59e9, 5.001e9, 4, 16)
    assert (here.cupy_version, here.cuda_runtime_version) == ("14.2.0", "12.9")
    line = "CUDA    CuPy 14.2.0, CUDA 12.9; driver 580.65.06, for CUDA up to 13.0; SMs at 1.59 GHz now"
    assert line in str(here).splitlines()
    assert here.gpu.link_name == "PCIe 4.0 x16"


@pytest.mark.parametrize(
    "hidden", ["nvmlSystemGetDriverVersion", "nvmlDeviceGetClockInfo", "nvmlDeviceGetCurrPcieLinkWidth"]
)
def test_a_question_the_driver_does_not_answer_hides_no_other(monkeypatch, hidden):
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml(**{hidden: None}))
    told = ask_driver("0000:00:04.0")
    assert (told.version is None) == (hidden == "nvmlSystemGetDriverVersion")
    assert (told.clock_hz is None) == (hidden == "nvmlDeviceGetClockInfo")
    assert (told.link_lanes is None) == (hidden == "nvmlDeviceGetCurrPcieLinkWidth")
    assert told.cuda_version == "13.0"


def test_without_a_driver_library_there_is_no_driver(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert ask_driver("0000:00:04.0") is None


# The device a lesson gets


def test_the_device_says_what_it_is_and_hands_out_what_cupy_has(install):
    device = install(StandIn())
    gpu = CudaGpu()
    assert (gpu.xp, gpu.source, gpu.machine.name) == (device.cupy, "measured", "NVIDIA T4")
    assert str(gpu) == "NVIDIA T4, CUDA device here: times are measured."
    assert gpu.stream() == ("stream", True)  # one that does not wait for the default stream
    assert gpu.out_of_memory_error is OutOfMemoryError
    gpu.synchronize()
    assert device.log == ["device"]


def test_memory_is_the_pools_and_a_peak_that_was_read_is_kept(install):
    device = install(StandIn())
    memory = CudaGpu().memory
    device.pool.held.append(512)
    device.pool.total_bytes = lambda: 2048
    assert (memory.used_bytes, memory.peak_bytes, memory.capacity_bytes) == (512, 2048, 15_843_721_216)
    device.pool.total_bytes = lambda: 512  # emptied
    assert memory.peak_bytes == 2048


def test_a_limit_holds_for_the_pool_until_the_next_device_lifts_it(install):
    device = install(StandIn())
    assert CudaGpu(memory_bytes=10**9).memory.capacity_bytes == device.limit_bytes == 10**9
    CudaGpu()
    assert device.limit_bytes == 0
    with pytest.raises(ValueError, match=r"^memory_bytes must be an integer of at least 1, got 0$"):
        CudaGpu(memory_bytes=0)


def test_pinned_memory_is_asked_of_the_library_that_has_it(monkeypatch):
    asked = []
    cupyx = ModuleType("cupyx")
    cupyx.empty_pinned = lambda shape, dtype: asked.append((shape, dtype)) or np.empty(shape, dtype)
    monkeypatch.setitem(sys.modules, "cupyx", cupyx)
    assert pinned_array(ModuleType("cupy"), (2, 3), "float64").shape == (2, 3)
    assert asked == [((2, 3), "float64")]
    with pytest.raises(ValueError, match=r"^xp must compute on a device to pin memory for it, got numpy$"):
        pinned_array(np, (2,), "float32")


# For real


@pytest.mark.gpu
@on_cuda
@pytest.mark.parametrize(
    "workload",
    [
        DenseForward(512, 1024, 1024),
        Elementwise(10**7),
        DependentChain(100, 1000),
        Conv2dForward(8, 16, 32, 32, 32, 3, padding=1),
        TrainEpoch(256, 64, (64, 128, 10)),
        *(Copy(10**7, direction, pinned=pinned) for direction in ("h2d", "d2h") for pinned in (True, False)),
    ],
    ids=str,
)
def test_every_workload_is_timed_on_the_device_here(workload):
    record = measure(workload, "cuda", budget_s=0.1)
    assert record.machine == this_machine().gpu.name
    assert record.threads is None
    assert all(0 < time_s < 10 for time_s in record.samples_s)
    assert min(record.samples_s) <= record.warmup_s[0]  # the first call loads and compiles


@pytest.mark.gpu
@on_cuda
def test_nothing_is_faster_than_the_memory_of_the_device_here():
    work = Elementwise(3 * 10**8)  # past every L2 cache
    gpu = this_machine().gpu
    if gpu.memory_bandwidth_bytes_per_s is None or gpu.memory_bytes < 2 * work.memory_bytes:
        pytest.skip(f"{gpu.name} does not tell its bandwidth or is too small")
    assert measure(work, "cuda").median_s > work.bytes_moved / gpu.memory_bandwidth_bytes_per_s


@pytest.mark.gpu
@on_cuda
def test_a_pinned_copy_is_not_slower_than_a_pageable_one_on_the_device_here():
    pinned, pageable = (measure(Copy(10**8, "d2h", pinned=pinned), "cuda").low_s for pinned in (True, False))
    assert pinned < pageable * 1.1


@pytest.mark.gpu
@on_cuda
def test_what_does_not_fit_on_the_device_here_is_refused_and_the_next_measurement_runs():
    xp = cupy_namespace()
    size_bytes = xp.cuda.Device().mem_info[1]
    with pytest.raises(MemoryError, match="choose a smaller one"):
        measure(Elementwise(size_bytes), "cuda")  # four times its memory
    assert measure(Elementwise(1000), "cuda", budget_s=0.01).median_s > 0


@pytest.mark.gpu
@on_cuda
def test_memory_that_runs_out_on_the_device_here_is_given_back():
    xp = cupy_namespace()
    free_before = xp.cuda.Device().mem_info[0]

    class Hungry(Elementwise):
        __slots__ = ()

        def make(self, xp):
            kept = []
            return lambda: kept.append(xp.empty(2**28, dtype="float32"))

    with pytest.raises(MemoryError, match="ran out during"):
        measure(Hungry(1), "cuda", budget_s=1e9)
    assert xp.cuda.Device().mem_info[0] > free_before - 2**28


@pytest.mark.gpu
@on_cuda
def test_this_machine_tells_the_gpu_here():
    here = this_machine()
    assert here.gpu.sm_count >= 1
    assert here.gpu.memory_bytes > 1e9
    assert here.gpu == this_gpu()
    assert None not in (here.cupy_version, here.cuda_runtime_version)
    assert here.driver is None or here.driver.version


@pytest.mark.gpu
@on_cuda
def test_a_convolution_on_the_device_here_is_that_of_numpy():
    x = np.random.default_rng(1).standard_normal((4, 3, 20, 17))
    xp = cupy_namespace()
    here, there = (
        Conv2d(3, 5, 3, stride=2, padding=1, dtype="float64"),
        Conv2d(3, 5, 3, stride=2, padding=1, xp=xp, dtype="float64"),
    )
    y = here.forward(x)
    np.testing.assert_allclose(there.forward(xp.asarray(x)).get(), y, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(there.backward(xp.asarray(y)).get(), here.backward(y), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(there.dweight.get(), here.dweight, rtol=1e-10, atol=1e-12)


@pytest.mark.gpu
@on_cuda
def test_pinned_memory_reaches_the_device_here_without_the_host_waiting():
    gpu = CudaGpu()
    host = gpu.empty_pinned((1000,))
    host[:] = np.arange(1000)
    assert gpu.xp.cuda.pinned_memory.is_memory_pinned(host.ctypes.data)
    np.testing.assert_array_equal(gpu.to_host(gpu.to_device(host)), host)
