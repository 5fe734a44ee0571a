"""The recorder: what it measures, in which order and time, and what is left when it is stopped. In virtual time."""

import datetime
import io
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from fake_cuda import FakeCuda

from gpu_lessons import __version__, cli
from gpu_lessons.hardware.arrays import cuda_status
from gpu_lessons.hardware.course import DELIVERED
from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.hardware.graphics import CudaSoftware
from gpu_lessons.hardware.machines import machine
from gpu_lessons.measuring import measure, provenance, recorder
from gpu_lessons.measuring.latency import measure_launch_latency, sample_single_calls
from gpu_lessons.measuring.peaks import measure_peak_bytes
from gpu_lessons.measuring.progress import ProgressLine, record_with_progress
from gpu_lessons.measuring.provenance import usual_path
from gpu_lessons.measuring.recorder import Progress, record
from gpu_lessons.measuring.sweeps import Point, PointPlan, all_points, choose_points, point_of
from gpu_lessons.model import calibrate, predict
from gpu_lessons.recorded import RecordingError, files, read_recording
from gpu_lessons.records import Measurement
from gpu_lessons.work import Copy, DenseForward, DenseTrainStep, Elementwise

CPU = machine("intel-core-i9-10900k")
T4 = machine("nvidia-t4")


class FakeMachine:
    """A machine in virtual time that takes what the model says for a Core i9, times ``slowness``.

    ``off``: how much longer than predicted everything takes.
    """

    def __init__(self, gpu=None, slowness=1.0, off=1.0, cores=10):
        self.here = replace(
            this_machine(),
            cpu=CPU,
            gpu=gpu,
            usable_cores=cores,
            available_memory_bytes=16 * 10**9,
            cuda=gpu and CudaSoftware("13.6.0", "12.9", "580.65.06", "13.0"),
        )
        self.slowness, self.off = slowness, off
        self.now_s = 0.0
        self.log = []
        self.keeps_to = range(1, cores + 1)  # threads to which its BLAS keeps
        self.pauses_s = {}  # in which call of `measure` how long
        self.failing = {}  # which call of `measure` raises what

    def benchmark(self, budget_s, threads):
        threads = threads or self.here.usable_cores
        self.now_s += budget_s
        known = calibrate(CPU)
        slower = {name: rate / self.slowness / 10 * threads for name, rate in known.flops_per_s.items()}
        bandwidths = [name for name in known.__slots__ if name.endswith("_bytes_per_s")]
        return SimpleNamespace(
            calibration=replace(
                known,
                flops_per_s=slower,
                launch_overhead_s=known.launch_overhead_s * self.slowness,
                **{name: getattr(known, name) / self.slowness for name in bandwidths},
            )
        )

    def measure(self, workload, device="cpu", budget_s=0.5, *, threads=None):
        self.log.append(Point(workload, device, threads))
        if error := self.failing.get(len(self.log)):
            raise error
        if device == "cuda":
            call_s = predict(workload, T4).seconds * self.off
        else:
            calibration = self.benchmark(0.0, threads).calibration
            call_s = predict(workload, CPU, calibration=calibration).seconds * self.off
        calls = max(1, round(1e-3 / call_s))
        samples = max(3, round(budget_s / (calls * call_s)))
        self.now_s += workload.memory_bytes * 4e-9 + call_s * (2 + calls * samples)
        if device == "cpu":
            threads = threads or self.here.usable_cores
            threads = threads if threads in self.keeps_to else 0
        name = CPU.name if device == "cpu" else self.here.gpu.name
        samples_s = [call_s] * samples
        samples_s[-1] += self.pauses_s.get(len(self.log), 0.0) / calls
        return Measurement(workload, name, threads, tuple(samples_s), (call_s,) * 2, calls)

    def launch_latency(self, budget_s, device):
        return replace(self.measure(Elementwise(1), device, budget_s), calls_per_sample=1)

    def peak(self, workload, device):
        self.now_s += workload.memory_bytes * 4e-9
        return workload.memory_bytes

    def clock(self):
        return self.now_s


@pytest.fixture
def install(monkeypatch):
    """Return a function that puts a fake machine under the recorder."""

    def put(fake):
        monkeypatch.setattr(recorder, "this_machine", lambda: fake.here)
        monkeypatch.setattr(recorder, "threads_verified", lambda asked: asked if asked in fake.keeps_to else 0)
        monkeypatch.setattr(recorder, "measure_this_cpu", fake.benchmark)
        monkeypatch.setattr(recorder, "measure", fake.measure)
        monkeypatch.setattr(recorder, "measure_launch_latency", fake.launch_latency)
        monkeypatch.setattr(recorder, "measure_peak_bytes", fake.peak)
        monkeypatch.setattr(recorder, "time", SimpleNamespace(perf_counter=fake.clock))
        xp = FakeCuda(memory_bytes=16 * 10**9, free_bytes=15 * 10**9)
        monkeypatch.setattr(recorder, "cupy_namespace", lambda: xp)
        return fake

    return put


@pytest.fixture
def few(monkeypatch):
    """Let a recording hold six small points for every number of threads."""
    monkeypatch.setattr(recorder, "all_points", few_points)


def few_points(device, threads, *, quick):
    workloads = [*(Elementwise(10**i) for i in range(4)), DenseForward(2, 3, 4), DenseTrainStep(2, 3, 4)]
    return [Point(workload, device, threads) for workload in workloads]


@pytest.fixture
def written_once(monkeypatch):
    """Write a long recording when it is complete only: a test of its sizes need not wait for hundreds of files."""
    monkeypatch.setattr(
        recorder, "write_recording", lambda path, each: each.provenance.complete and files.write_recording(path, each)
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some-host.json"


# What is measured


def test_every_point_is_measured_once_and_stands_in_the_file(install, few, path):
    fake = install(FakeMachine())
    recording = record(path)
    assert recording == read_recording(path)
    assert sorted(map(str, fake.log)) == sorted(
        map(str, few_points("cpu", 1, quick=False) + few_points("cpu", 10, quick=False))
    )
    assert [(len(sweep.points), sweep.points[0].threads) for sweep in recording.sweeps] == [
        (4, 1), (1, 1), (1, 1), (4, 10), (1, 10), (1, 10),
    ]  # fmt: skip
    assert [point.workload.n for point in recording.sweeps[0].points] == [1, 10, 100, 1000]


def test_the_provenance_says_how_it_came_about_and_names_nobody(install, few, path):
    install(FakeMachine())
    provenance = record(path, quick=True).provenance
    assert provenance.date == datetime.date.today().isoformat()
    assert provenance.command == "gpu-lessons record --quick"
    assert (provenance.quick, provenance.complete, provenance.usable_cores) == (True, True, 10)
    assert provenance.versions["gpu_lessons"] in (__version__, "not installed")
    assert provenance.versions["numpy"] == np.__version__
    text = path.read_text()
    assert str(path.parent) not in text
    assert str(Path.home()) not in text or Path.home() == Path("/")


def test_only_a_training_step_has_its_memory_measured(install, few, path):
    install(FakeMachine())
    for point in record(path).measurements:
        expected = point.workload.memory_bytes if isinstance(point.workload, DenseTrainStep) else None
        assert point.peak_bytes == expected


def test_the_order_is_mixed_and_decided_by_the_seed(install, few, tmp_path, monkeypatch):
    orders = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        fake = install(FakeMachine())
        monkeypatch.setattr(recorder.secrets, "randbelow", lambda _limit, seed=seed: seed)
        assert record(tmp_path / f"{name}.json").provenance.seed == seed
        orders.append(fake.log)
    assert orders[0] == orders[1] != orders[2]
    assert {point.threads for point in orders[0][:6]} == {1, 10}


def test_with_one_core_nothing_is_measured_twice(install, few, path):
    fake = install(FakeMachine(cores=1))
    record(path)
    assert {point.threads for point in fake.log} == {1}


def test_a_gpu_is_measured_beside_the_cpu_with_copies_and_the_latency_of_a_launch(install, written_once, path):
    fake = install(FakeMachine(gpu=replace(T4, slug="this-gpu")))
    recording = record(path)
    assert recording.machine.name == "NVIDIA T4"
    assert recording.machine.slug == recording.cpu.slug == "some-host"
    on_gpu = [point for point in recording.measurements if point.threads is None]
    copies = {(each.workload.direction, each.workload.pinned) for each in on_gpu if isinstance(each.workload, Copy)}
    assert copies == {("h2d", True), ("h2d", False), ("d2h", True), ("d2h", False)}
    calls = sorted(point.calls_per_sample for point in on_gpu if point.workload == Elementwise(1))
    assert calls[0] == 1 < calls[1]
    assert {point.threads for point in fake.log} == {None, 1, 10}
    told = recording.provenance.versions
    assert (told["cupy"], told["cuda_runtime"], told["driver"]) == ("13.6.0", "12.9", "580.65.06")


def test_a_gpu_that_the_catalogue_does_not_know_is_measured_too(install, path):
    unknown = replace(T4, slug="this-gpu", name="Some GPU", peak_flops_per_s={}, sources={})
    with pytest.raises(ValueError, match="rate"):
        predict(Elementwise(1), unknown)
    install(FakeMachine(gpu=unknown))
    assert any(point.threads is None for point in record(path, quick=True).measurements)


def test_the_latency_of_a_launch_holds_the_wait_for_every_call():
    log, now = [], [0.0]

    def call():
        log.append("call")
        now[0] += 1e-6  # the launch returns at once

    def synchronize():
        if log and log[-1] == "call":
            now[0] += 9e-6
        log.append("wait")

    samples_s, warmup_s = sample_single_calls(call, 1e-4, synchronize, lambda: now[0])
    assert samples_s == pytest.approx([1e-5] * 10, rel=1e-6) or samples_s == pytest.approx([1e-5] * 11, rel=1e-6)
    assert warmup_s == pytest.approx([1e-5] * 2)
    assert log == ["wait", "call", "wait"] * (len(samples_s) + 2)


@pytest.mark.parametrize(("keeps_to", "held"), [((1,), {1}), ((10,), {10}), ((), {0}), ((1, 10), {1, 10})])
def test_threads_to_which_the_blas_does_not_keep_are_not_written_as_if_they_differed(
    install, few, path, keeps_to, held
):
    """As with Debian's libblas, or a library under another name, that threadpoolctl does not find."""
    fake = install(FakeMachine())
    fake.keeps_to = keeps_to
    recording = record(path)
    assert {each.threads for each in recording.measurements} == held
    assert len(recording.measurements) == 6 * len(held)
    assert ("threads unknown" in str(recording)) == (held == {0})
    assert read_recording(path) == recording


def test_a_recording_of_unknown_threads_is_gone_on_with(install, few, path):
    fake = install(FakeMachine())
    fake.keeps_to = ()
    fake.failing = {4: KeyboardInterrupt()}
    with pytest.raises(KeyboardInterrupt):
        record(path)
    fake.failing, fake.log = {}, []
    assert len(record(path).measurements) == 6
    assert len(fake.log) == 3


def test_a_point_in_which_the_machine_paused_is_measured_again_and_named(install, few, path):
    fake = install(FakeMachine(cores=1))
    fake.pauses_s = {2: 20.0, 5: 0.6}
    said = []
    recording = record(path, on_remade=said.append)
    assert len(fake.log) == 6 + 2
    assert (fake.log[1], fake.log[4]) == (fake.log[2], fake.log[5])
    assert max(each.spread for each in recording.measurements) == 0
    assert len(said) == 2
    assert str(fake.log[1].workload) in said[0]
    assert "1 thread" in said[0]
    assert said[0].endswith("measured again: the machine paused")


def test_a_machine_that_pauses_at_every_try_has_its_far_samples_left_out(install, few, path):
    fake = install(FakeMachine(cores=1))
    fake.pauses_s = dict.fromkeys((1, 2, 3), 5.0)
    said = []
    recording = record(path, on_remade=said.append)
    assert len(fake.log) == 6 + 2
    assert [each.rpartition(": ")[0].endswith("left out") for each in said] == [False, False, True]
    assert all(max(each.samples_s) < 2 * each.median_s for each in recording.measurements)
    assert all(each.samples_s for each in recording.measurements)


def test_a_busy_machine_is_not_a_pause(install, few, path):
    """A sample of a millisecond that waits for its turn takes ten times as long; that spread is worth knowing."""
    fake = install(FakeMachine(cores=1))
    fake.pauses_s = dict.fromkeys(range(1, 7), 0.02)
    record(path, on_remade=lambda text: pytest.fail(text))
    assert len(fake.log) == 6


def test_what_was_measured_again_is_said_above_the_line(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    stream = Terminal()
    line = ProgressLine(stream)
    line(Progress(5, 10, 130.0, "dense forward, 1 thread"))
    line.say("one sentence")
    line(Progress(6, 10, 120.0, "dense forward, 1 thread"))
    line.close()
    assert stream.getvalue().split("\n")[1] == "one sentence"


def test_at_least_three_and_at_most_two_hundred_launches_are_waited_for():
    now = [0.0]

    def synchronize():
        now[0] += 1.0

    for budget_s, count in ((1e-9, 3), (1e9, 200)):
        assert len(sample_single_calls(lambda: None, budget_s, synchronize, lambda: now[0])[0]) == count


@pytest.mark.gpu
def test_a_launch_that_is_waited_for_takes_longer_than_a_queued_one():
    usable, reason = cuda_status()
    if not usable:
        pytest.skip(reason)
    waited = measure_launch_latency(0.05)
    assert waited.calls_per_sample == 1
    assert waited.median_s > measure(Elementwise(1), "cuda", 0.05).median_s


# Time and memory


@pytest.mark.parametrize("gpu", [None, replace(T4, slug="this-gpu")], ids=["cpu", "gpu"])
@pytest.mark.parametrize(("slowness", "off"), [(0.1, 1), (1, 1), (1, 2), (10, 1), (100, 1), (1000, 1)])
@pytest.mark.parametrize(("quick", "limit_s"), [(False, 300), (True, 60)])
def test_a_recording_stays_within_its_time_on_fast_and_slow_machines(
    install, written_once, path, gpu, slowness, off, quick, limit_s
):
    fake = install(FakeMachine(gpu=gpu, slowness=slowness, off=off, cores=2))
    recording = record(path, quick=quick)
    assert fake.now_s < limit_s
    assert len(recording.measurements) > 25
    assert path.stat().st_size < 1_000_000


def test_a_slower_machine_leaves_out_the_longest_points_only(install, written_once, tmp_path):
    held = {}
    for slowness in (1, 30):
        install(FakeMachine(slowness=slowness))
        held[slowness] = {point_of(each) for each in record(tmp_path / f"s-{slowness}.json").measurements}
    assert held[30] < held[1]
    left_out = held[1] - held[30]
    flops = {True: [], False: []}
    for point in held[1]:
        if point.threads == 10 and isinstance(point.workload, DenseForward):
            flops[point in left_out].append(point.workload.flops)
    assert np.median(flops[True]) > np.median(flops[False])
    assert max(flops[True]) > max(flops[False])


def test_what_does_not_fit_into_the_memory_is_not_planned(install, path):
    fake = install(FakeMachine())
    fake.here = replace(fake.here, available_memory_bytes=10**6)
    assert max(point.workload.memory_bytes for point in record(path).measurements) <= 400_000


def test_a_point_that_runs_out_of_memory_all_the_same_is_left_out(install, few, path):
    fake = install(FakeMachine())
    fake.failing = {3: MemoryError("out of memory")}
    recording = record(path)
    assert recording.provenance.complete
    assert len(recording.measurements) == 11
    assert fake.log[2] not in map(point_of, recording.measurements)


def test_a_machine_on_which_nothing_fits_says_so(install, few, path):
    fake = install(FakeMachine())
    fake.failing = {i: MemoryError() for i in range(100)}
    with pytest.raises(RecordingError, match=r"some-host\.json: nothing could be measured within the free memory"):
        record(path)


def test_the_points_chosen_are_the_cheapest_of_each_place():
    points = [Point(Elementwise(n), "cpu", threads) for threads in (1, 2) for n in (4, 1, 3, 2)]
    chosen = choose_points(points, lambda point: float(point.workload.n * point.threads), 210.0, {"cpu": 1e9})
    assert [(plan.point.threads, plan.point.workload.n) for plan in chosen] == [(1, 1)]
    chosen = choose_points(points, lambda point: float(point.workload.n * point.threads), 840.0, {"cpu": 1e9})
    assert [(plan.point.threads, plan.point.workload.n) for plan in chosen] == [
        (1, 4), (1, 1), (1, 3), (1, 2), (2, 1), (2, 2),
    ]  # fmt: skip


def test_a_plan_counts_preparation_warm_up_samples_and_the_look_at_memory():
    forward = PointPlan(Point(DenseForward(2, 3, 4), "cpu", 1), call_s=0.1)
    assert forward.budget_s(0.0) == pytest.approx(0.3)
    assert forward.budget_s(1.0) == pytest.approx(3.0)
    assert forward.expected_s(0.0) == pytest.approx(0.2 + 0.3, rel=1e-3)
    step = PointPlan(Point(DenseTrainStep(2, 3, 4), "cpu", 1), call_s=0.1)
    assert step.expected_s(0.0) == pytest.approx(0.4 + 0.3, rel=1e-3)


def test_the_full_version_holds_every_size_of_the_quick_one():
    for device, threads in (("cpu", 1), ("cuda", None)):
        assert set(all_points(device, threads, quick=True)) < set(all_points(device, threads, quick=False))


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_no_point_is_there_twice(device):
    points = all_points(device, None, quick=False)
    assert len(points) == len(set(points))


# Stopped and gone on with


def test_the_file_is_valid_after_every_point(install, few, path):
    install(FakeMachine())
    held = []

    def look(progress):
        held.append(len(read_recording(path).measurements) if path.exists() else 0)
        if progress.left_s is not None:
            assert progress.done == held[-1]
            assert not path.exists() or progress.what == "done" or not read_recording(path).provenance.complete

    record(path, on_progress=look)
    assert held[-13:] == [*range(12), 12]


@pytest.mark.parametrize("at", [1, 2, 7, 12])
def test_ctrl_c_keeps_what_is_done_and_the_next_run_does_the_rest(install, few, path, at):
    fake = install(FakeMachine())
    fake.failing = {at: KeyboardInterrupt()}
    with pytest.raises(KeyboardInterrupt):
        record(path)
    first = read_recording(path) if at > 1 else None
    assert (len(first.measurements) if first else 0) == at - 1
    again = install(FakeMachine())
    recording = record(path)
    assert len(again.log) == 12 - (at - 1)
    assert len(recording.measurements) == 12
    assert recording.provenance.complete
    if first:
        assert not first.provenance.complete
        assert recording.provenance.seed == first.provenance.seed
        assert set(first.measurements) <= set(recording.measurements)


def stopped(install, path, **changes):
    fake = install(FakeMachine())
    fake.failing = {5: KeyboardInterrupt()}
    with pytest.raises(KeyboardInterrupt):
        record(path)
    text = path.read_text()
    for old, new in changes.pop("text", {}).items():
        assert old in text
        path.write_text(text := text.replace(old, new))
    return path.read_bytes()


@pytest.mark.parametrize(
    ("fake", "quick", "text", "says"),
    [
        (FakeMachine(cores=4), False, {}, "on Intel Core i9-10900K with 10 usable of 20 threads, and this"),
        (FakeMachine(gpu=replace(T4, slug="this-gpu")), False, {}, "and NVIDIA T4 with 40 SMs"),
        (FakeMachine(), True, {}, "it was begun by 'gpu-lessons record'"),
        (FakeMachine(), False, {f'"numpy": "{np.__version__}"': '"numpy": "1.0"'}, "begun with numpy 1.0, and here"),
        (FakeMachine(), False, {datetime.date.today().isoformat(): "2020-02-20"}, "and a recording is of one day"),
        (FakeMachine(), False, {'"complete": false': '"complete": true'}, "it is complete"),
        (FakeMachine(), False, {'"schema": 2': '"schema": 99'}, "schema is version 99"),
        (FakeMachine(), False, {"]": ""}, "not valid JSON"),
    ],
)  # fmt: skip
def test_what_cannot_be_gone_on_with_is_said_before_measuring_and_stays(install, few, path, fake, quick, text, says):
    before = stopped(install, path, text=text)
    install(fake)
    fake.log.clear()
    with pytest.raises(RecordingError, match=r"name another file, or remove this one to record again$") as error:
        record(path, quick=quick)
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    assert fake.log == []
    assert path.read_bytes() == before


def test_a_disk_that_fills_up_leaves_the_last_valid_file(install, few, path, monkeypatch):
    install(FakeMachine())
    real, left = files.os.fsync, [6]  # one to try out the room, five points

    def fsync(number):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        real(number)

    monkeypatch.setattr(files.os, "fsync", fsync)
    with pytest.raises(RecordingError, match="cannot be written: No space left on device"):
        record(path)
    assert len(read_recording(path).measurements) == 5
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["missing/x.json", "x.txt"])
def test_a_place_that_cannot_be_written_is_said_before_measuring(install, few, tmp_path, name):
    fake = install(FakeMachine())
    with pytest.raises(RecordingError):
        record(tmp_path / name)
    assert fake.log == []
    assert fake.now_s == 0


# For real, in processes of their own: small points, the real clock, the real file system.

RECORD_FEW = """
import signal
import sys
from types import SimpleNamespace
from gpu_lessons import cli
from gpu_lessons.hardware.graphics import CudaSoftware
from gpu_lessons.hardware.machines import machine
from gpu_lessons.measuring import recorder
from gpu_lessons.measuring.sweeps import Point
from gpu_lessons.model import calibrate
from gpu_lessons.work import DenseTrainStep, Elementwise

def few_points(device, threads, *, quick):
    workloads = [*(Elementwise(2**i) for i in range(12)), *(DenseTrainStep(2**i, 8, 8) for i in range(8))]
    return [Point(workload, device, threads) for workload in workloads]

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts the tests with & has it ignored
recorder.all_points = few_points
known = SimpleNamespace(calibration=calibrate(machine("intel-core-i9-10900k")))
recorder.measure_this_cpu = lambda budget_s, threads: known
sys.exit(cli.main(["record", "--output", sys.argv[1]]))
"""


def start(path):
    command = [sys.executable, "-c", RECORD_FEW, str(path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kill_at_random_moments(path, kills, seed, within_s=0.15):
    """Kill recorders one after another, check what each leaves, and return the points after each kill.

    Each is killed up to ``within_s`` after the first point it writes; one in five is killed so soon after its start.
    """
    rng = random.Random(seed)
    known, counts = {}, []
    for _ in range(kills):
        process, is_early = start(path), rng.random() < 0.2
        deadline_s = time.monotonic() + 30
        begun = path.stat().st_mtime_ns if path.exists() else 0
        while not is_early and time.monotonic() < deadline_s and process.poll() is None:
            if path.exists() and path.stat().st_mtime_ns != begun:
                break
            time.sleep(0.002)
        time.sleep(rng.uniform(0.0, within_s))
        process.kill()
        process.communicate()
        if path.exists():
            held = {point_of(each): each for each in read_recording(path).measurements}
            assert known.items() <= held.items(), "a point that was there is gone"
            known = held
        counts.append(len(known))
    return counts


def test_killed_at_any_moment_a_valid_file_is_left_and_the_next_run_ends_it(path):
    counts = kill_at_random_moments(path, kills=3, seed=4)
    assert counts == sorted(counts)
    assert counts[-1] > 0
    process = start(path)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert read_recording(path).provenance.complete
    assert len(read_recording(path).measurements) == 20 * len({1, this_machine().usable_cores})
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def has_a_point(path):
    return path.exists() and len(read_recording(path).measurements) > 0


# As threadpoolctl looks libraries up: a function of Python that C calls, whose exceptions are lost.
CALLED_BACK = """
import ctypes, signal

def look_up():
    called = []

    def back(number):
        called.append(number)
        signal.raise_signal(signal.SIGINT)
        return 0

    ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(back)(1)
    return called
"""


def test_ctrl_c_is_not_lost_where_c_has_called_python_back(path, monkeypatch):
    names, begun = {}, []
    exec(compile(CALLED_BACK, "threadpoolctl.py", "exec"), names)

    def look_up(path, *, quick, on_progress, on_remade):
        begun.extend(names["look_up"]())
        on_progress(Progress(0, 1, None, "the first point"))
        raise AssertionError("the recorder went on")

    monkeypatch.setattr("gpu_lessons.measuring.progress.record", look_up)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        stream = io.StringIO()
        with pytest.raises(KeyboardInterrupt):
            record_with_progress(path, stream, quick=True)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert begun
    assert stream.getvalue() == "Stopped; nothing was measured yet.\n"


def test_ctrl_c_in_the_terminal_says_what_is_kept_and_the_same_command_goes_on(path):
    process = start(path)
    deadline_s = time.monotonic() + 120
    while not has_a_point(path) and process.poll() is None and time.monotonic() < deadline_s:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    kept = int(re.search(r"Stopped; .*some-host\.json keeps the (\d+) points measured so far, and the same", err)[1])
    assert len(read_recording(path).measurements) == kept
    process = start(path)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert str(path) in out
    assert "pull request" in out


# Memory, as far as it can be seen here


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_peak_of_a_training_step_lies_between_its_operands_and_all_its_arrays(dtype, device):
    usable, reason = cuda_status()
    if device == "cuda" and not usable:
        pytest.skip(reason)
    step = DenseTrainStep(300, 200, 100, dtype)
    weights = 200 * 100 + 100
    size = 4 if dtype == "float32" else 8
    least = (300 * 200 + 300 * 100 + 300 * 200 + 2 * weights) * size  # x, dy, dx, parameters and gradients
    # A GPU's pool takes whole blocks, and cuBLAS a workspace out of it.
    most = 1.05 * step.memory_bytes + (64 * 2**20 if device == "cuda" else 0)
    assert least <= measure_peak_bytes(step, device) <= most


# The command


def test_the_usual_name_says_machine_and_day(monkeypatch, tmp_path):
    today = datetime.date.today().isoformat()
    monkeypatch.setattr(provenance, "recordings_folder", lambda: tmp_path / "recordings")
    monkeypatch.setattr(provenance, "course_root", lambda: tmp_path)
    here = FakeMachine(cores=2).here
    assert usual_path(here) == Path(f"intel-core-i9-10900k-2-threads-{today}.json")
    assert usual_path(replace(here, gpu=T4)) == Path(f"nvidia-t4-{today}.json")
    assert usual_path(replace(here, usable_cores=1)).name == f"intel-core-i9-10900k-1-thread-{today}.json"
    (tmp_path / "pyproject.toml").touch()
    assert usual_path(here) == tmp_path / "recordings" / f"intel-core-i9-10900k-2-threads-{today}.json"


def test_in_a_learners_folder_a_recording_goes_into_its_own_recordings(monkeypatch, tmp_path):
    (tmp_path / DELIVERED).write_text("{}")
    (tmp_path / "solutions").mkdir()
    monkeypatch.chdir(tmp_path / "solutions")
    assert usual_path(FakeMachine(cores=2).here).parent == tmp_path / "recordings"
    assert (tmp_path / "recordings").is_dir()


def test_the_command_says_where_the_file_is_what_it_holds_and_how_to_contribute(install, few, path, capsys):
    install(FakeMachine())
    assert cli.main(["record", "--quick", "--output", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{path}, ")
    assert lines[1].startswith("Intel Core i9-10900K, recorded ")
    assert lines[1].endswith(": 12 points")
    assert len([line for line in lines if re.match(r"  \d\. ", line)]) == 4


def test_a_mistake_is_one_sentence_and_exit_code_two(install, few, tmp_path, capsys):
    install(FakeMachine())
    assert cli.main(["record", "--output", str(tmp_path / "missing" / "x.json")]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(
        r"gpu-lessons: .*x\.json cannot be written: there is no folder .*missing; make it first\n", printed.err
    )


def test_stopped_before_the_first_point_it_says_so(install, few, path, capsys):
    install(FakeMachine()).failing = {1: KeyboardInterrupt()}
    assert cli.main(["record", "--output", str(path)]) == 130
    assert capsys.readouterr().err.endswith("Stopped; nothing was measured yet.\n")


def test_help_and_contributing_tell_the_same_four_steps(capsys):
    with pytest.raises(SystemExit):
        cli.main(["record", "--help"])
    told = capsys.readouterr().out
    page = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    steps = [line.strip() for line in told.splitlines() if re.match(r"  \d\. ", line)]
    assert len(steps) == 4
    assert [step for step in steps if step not in page] == []


# The progress line


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_on_a_terminal_the_line_is_drawn_over_and_never_wider(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    stream = Terminal()
    line = ProgressLine(stream)
    line(Progress(0, 10, None, "finding out how fast this CPU is"))
    line(Progress(5, 10, 130.0, "dense forward, 1 thread"))
    line.close()
    line.close()
    drawn = stream.getvalue().removesuffix("\n").split("\r")[1:]
    assert [len(each) for each in drawn] == [59, 59]
    assert drawn[1].startswith("[############............] 5 of 10 points, about 2 minutes")
    assert stream.getvalue().count("\n") == 1


def test_on_a_narrow_terminal_the_time_left_is_shown_instead_of_the_bar(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    stream = Terminal()
    ProgressLine(stream)(Progress(16, 123, 27.0, "dense forward, 1 thread"))
    assert stream.getvalue() == "\r16 of 123 points, 27 s left: dense forw"


def test_elsewhere_a_line_is_written_now_and_then():
    stream, now = io.StringIO(), [0.0]
    line = ProgressLine(stream, clock=lambda: now[0])
    for i in range(100):
        now[0] = float(i)
        line(Progress(i, 100, 100.0 - i, "elementwise, GPU"))
    line.close()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 7
    assert lines[1] == "15 of 100 points, 85 s left: elementwise, GPU"
