"""`record`: measure this machine's CPU and GPU over many sizes into one file that can be shown anywhere."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from gpu_lessons.hardware.arrays import cupy_namespace
from gpu_lessons.hardware.detect import ThisMachine, this_machine
from gpu_lessons.measuring.cuda import free_memory_bytes
from gpu_lessons.measuring.latency import measure_launch_latency
from gpu_lessons.measuring.peaks import measure_peak_bytes
from gpu_lessons.measuring.provenance import provenance_of_today
from gpu_lessons.measuring.self_benchmark import measure_this_cpu
from gpu_lessons.measuring.sweeps import Point, PointPlan, all_points, choose_points, point_of
from gpu_lessons.measuring.threads import threads_verified
from gpu_lessons.measuring.timing import measure
from gpu_lessons.measuring.webgpu import webgpu_here
from gpu_lessons.model import predict
from gpu_lessons.recorded import (
    Recording,
    RecordingError,
    only_writer,
    read_recording,
    require_room,
    write_recording,
)
from gpu_lessons.records import UNKNOWN_THREADS, Measurement, Sweep
from gpu_lessons.units import format_time
from gpu_lessons.work import Copy

__all__ = ["Progress", "record"]

# What the sizes are chosen for; the least a point takes can push the real time somewhat beyond.
_LIMIT_S, _QUICK_LIMIT_S = 210.0, 42.0
# To find out how fast a CPU is; `measure_this_cpu` takes no less.
_CPU_BUDGET_S = 2.0
# Of the memory that is free: an operation needs space for its result beside its operands.
_SHARE_OF_MEMORY = 0.4
# Where the model knows nothing of a GPU's link: that of an old laptop.
_SLOW_LINK_BYTES_PER_S = 1e9
# A sample so many times as long as the others, and longer by so much, is no busy machine: it slept, or was stopped.
_FAR, _PAUSE_S = 3.0, 0.25
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a recording is: points done, points in all, seconds left as far as one knows, and what comes next."""

    done: int
    total: int
    left_s: float | None
    what: str


def record(
    path: Path,
    *,
    quick: bool = False,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_remade: Callable[[str], None] = lambda text: None,
) -> Recording:
    """Measure this machine into ``path``, or go on with what is there.

    The file is written after every point, so that Ctrl-C or a kill loses at most the one in flight.

    Parameters
    ----------
    path : Path
        File to write; its name without ``.json`` is the recording's slug.
    quick : bool
        A minute instead of about four: fewer sizes.
    on_progress : callable
        Called before every point.
    on_remade : callable
        Called with a sentence for every point that is measured again, because the machine paused meanwhile.

    Returns
    -------
    Recording
        The complete one, as the file holds it.

    Raises
    ------
    RecordingError
        Before anything is measured, if the file cannot be written, or holds something that cannot be gone on with,
        or another process records into the same folder; later only if the disk fills up, and the file then holds what
        was written last.
    """
    with only_writer(path):
        return _record(path, quick, on_progress, on_remade)


def _record(
    path: Path, quick: bool, on_progress: Callable[[Progress], None], on_remade: Callable[[str], None]
) -> Recording:
    require_room(path)
    here = this_machine()
    recording = _begun(path, here, quick=quick)
    measured = {point_of(each, recording.provenance.gpu_device): each for each in recording.measurements}
    limit_s = _QUICK_LIMIT_S if quick else _LIMIT_S
    start_s = time.perf_counter()
    plans = _plan(here, limit_s, quick=quick, on_progress=on_progress)
    order = [plan.point for plan in plans]
    left = [plan for plan in plans if plan.point not in measured]
    # Mixed, so that a slow minute of the machine does not hit one workload only.
    random.Random(recording.provenance.seed).shuffle(left)
    schedule = _Schedule(left, limit_s - (time.perf_counter() - start_s))
    for done, plan in enumerate(left):
        on_progress(Progress(len(plans) - len(left) + done, len(plans), schedule.left_s, str(plan.point)))
        measurement = _without_pauses(plan, schedule.next_budget_s(), on_remade)
        if measurement is None:
            continue
        measured[plan.point] = replace(measurement, recorded_on=recording.provenance.date, clock=None)
        recording = replace(recording, sweeps=_sweeps(measured, order))
        write_recording(path, recording)
    if not measured:
        raise RecordingError(f"{path.name}: nothing could be measured within the free memory of this machine")
    on_progress(Progress(len(plans), len(plans), 0.0, "done"))
    recording = replace(recording, provenance=replace(recording.provenance, complete=True))
    write_recording(path, recording)
    return read_recording(path)


def _begun(path: Path, here: ThisMachine, *, quick: bool) -> Recording:
    """Return the recording in ``path``, if this run may go on with it, or a new one without points."""
    slug = path.name.removesuffix(".json")
    provenance = provenance_of_today(here, quick=quick, seed=secrets.randbelow(2**31))
    found = here.gpu or here.webgpu
    gpu = None if found is None else replace(found, slug=slug)
    new = Recording(slug, provenance, replace(here.cpu, slug=slug), gpu, ())
    if not path.exists():
        return new
    try:
        old = read_recording(path)
    except RecordingError as error:
        raise RecordingError(f"{error}; {_OTHERWISE}") from error
    if difference := _difference(old, new):
        raise RecordingError(f"{path.name}: {difference}; {_OTHERWISE}")
    return old


_OTHERWISE = "name another file, or remove this one to record again"


def _difference(old: Recording, new: Recording) -> str | None:
    """Return why ``new`` cannot go on with ``old``, or None if it can."""
    was, now = old.provenance, new.provenance
    if was.complete:
        return "it is complete"
    if (was_on := _described(old)) != (now_on := _described(new)):
        return f"it was begun on {was_on}, and this is {now_on}"
    if was.date != now.date:
        return f"it was begun on {was.date}, and a recording is of one day"
    if was.quick != now.quick:
        return f"it was begun by {was.command!r}"
    if was.versions != now.versions:
        names = {**was.versions, **now.versions}
        name = next(name for name in names if was.versions.get(name) != now.versions.get(name))
        return f"it was begun with {name} {was.versions.get(name)}, and here is {now.versions.get(name)}"
    return None


def _described(recording: Recording) -> str:
    cpu, gpu = recording.cpu, recording.gpu
    text = f"{cpu.name} with {recording.provenance.usable_cores} usable of {cpu.threads} threads"
    return text if gpu is None else f"{text} and {gpu.name} with {gpu.sm_count or 'unknown'} SMs"


def _plan(
    here: ThisMachine, limit_s: float, *, quick: bool, on_progress: Callable[[Progress], None]
) -> list[PointPlan]:
    threads = [count for count in sorted({1, here.usable_cores}) if threads_verified(count)] or [UNKNOWN_THREADS]
    points = [point for count in threads for point in all_points("cpu", count, quick=quick)]
    free_bytes = {"cpu": here.available_memory_bytes * _SHARE_OF_MEMORY}
    if here.gpu is not None:
        points += all_points("cuda", None, quick=quick)
        free_bytes["cuda"] = free_memory_bytes(cupy_namespace()) * _SHARE_OF_MEMORY
    elif here.webgpu is not None:
        points += all_points("webgpu", None, quick=quick)
        room_bytes = webgpu_here().memory.capacity_bytes
        free_bytes["webgpu"] = min(room_bytes, here.available_memory_bytes) * _SHARE_OF_MEMORY
    calibrations = {}
    for count in threads:
        on_progress(Progress(0, len(points), None, "finding out how fast this CPU is"))
        calibrations[count] = measure_this_cpu(_CPU_BUDGET_S, threads=count or None).calibration

    def call_s(point: Point) -> float:
        if point.device == "cuda" and here.gpu is not None:
            with suppress(ValueError):  # the catalogue may not know this GPU
                return predict(point.workload, here.gpu).seconds
        if isinstance(point.workload, Copy):
            return point.workload.n_bytes / _SLOW_LINK_BYTES_PER_S
        # Where nothing is known of a GPU, it is taken for as fast as the CPU beside it.
        calibration = calibrations[threads[-1] if point.threads is None else point.threads]
        return predict(point.workload, here.cpu, calibration=calibration).seconds

    return choose_points(points, call_s, limit_s, free_bytes)


class _Schedule:
    """Deals out the time: every point its least samples, and of what is left over, the same share of its wish."""

    def __init__(self, plans: list[PointPlan], limit_s: float) -> None:
        self._left = list(plans)
        self._start_s = time.perf_counter()
        self._limit_s = limit_s
        self._expected_s = 0.0  # of the points begun so far

    @property
    def left_s(self) -> float:
        """Seconds for the points left, if they go on as those before them."""
        expected_s, _ = self._expect()
        spent_s = time.perf_counter() - self._start_s
        return expected_s * (spent_s / self._expected_s if self._expected_s else 1.0)

    def next_budget_s(self) -> float:
        """Return the seconds for the samples of the next point."""
        _, share = self._expect()
        plan = self._left.pop(0)
        self._expected_s += plan.expected_s(share)
        return plan.budget_s(share)

    def _expect(self) -> tuple[float, float]:
        """Return the seconds of the points left, and the share of their wishes that fits into the time left."""
        least_s = sum(plan.expected_s(0.0) for plan in self._left)
        wish_s = sum(plan.expected_s(1.0) for plan in self._left) - least_s
        spare_s = self._limit_s - (time.perf_counter() - self._start_s) - least_s
        share = min(1.0, max(0.0, spare_s / wish_s)) if wish_s else 0.0
        return least_s + share * wish_s, share


def _without_pauses(plan: PointPlan, budget_s: float, on_remade: Callable[[str], None]) -> Measurement | None:
    """Return the measurement of a point, made again if the machine paused; what is far off in the last one is left out.

    A laptop that was closed, or a process that was stopped, would stand there as one sample of many seconds.
    """
    for tries_left in reversed(range(_TRIES)):
        measurement = _measured(plan, budget_s)
        if measurement is None or not (pauses := _pauses(measurement)):
            return measurement
        again = "measured again" if tries_left else "left out"
        longest_s, usual_s = max(pauses), measurement.median_s
        on_remade(
            f"{measurement.workload}, {plan.point.place}: a sample of {format_time(longest_s)} a call among others of "
            f"{format_time(usual_s)}, {again}: the machine paused"
        )
    assert measurement is not None
    kept = tuple(each for each in measurement.samples_s if each not in pauses)
    return replace(measurement, samples_s=kept)


def _pauses(measurement: Measurement) -> list[float]:
    """Return the samples, and the warm-up that the number of calls hangs on, in which the machine paused."""
    usual_s, calls = measurement.median_s, measurement.calls_per_sample
    least_s = max(_FAR * usual_s, usual_s + _PAUSE_S / calls)
    far = [each for each in measurement.samples_s if each > least_s]
    return far + [each for each in measurement.warmup_s[-1:] if each > max(_FAR * usual_s, usual_s + _PAUSE_S)]


def _measured(plan: PointPlan, budget_s: float) -> Measurement | None:
    """Return the measurement of a point; None if the machine has no memory left for it, or no clock fine enough."""
    point = plan.point
    try:
        if point.is_waited_for:
            measurement = measure_launch_latency(budget_s, point.device)
        else:
            measurement = measure(point.workload, point.device, budget_s, threads=point.threads or None)
        if point.looks_at_memory:
            measurement = replace(measurement, peak_bytes=measure_peak_bytes(point.workload, point.device))
    except MemoryError:
        return None
    return measurement if min(*measurement.samples_s, *measurement.warmup_s) > 0 else None


def _sweeps(measured: dict[Point, Measurement], order: list[Point]) -> tuple[Sweep, ...]:
    """Return the points by workload and place, in the order in which they were planned."""
    at = {point: i for i, point in enumerate(order)}
    sweeps: dict[tuple[str, str, int | None], list[Measurement]] = {}
    for point in sorted(measured, key=lambda each: at.get(each, len(at))):
        key = (type(point.workload).__name__, point.device, point.threads)
        sweeps.setdefault(key, []).append(measured[point])
    return tuple(Sweep(tuple(points)) for points in sweeps.values())
