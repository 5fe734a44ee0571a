"""The text of a recording, both ways: read strictly as data, written with one point a line."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from gpu_lessons.hardware.machines import Machine
from gpu_lessons.recorded.fields import (
    RecordingError,
    checked_count,
    checked_date,
    checked_flag,
    checked_list,
    checked_object,
    checked_slug,
    checked_text,
    checked_times,
    parse_text,
)
from gpu_lessons.recorded.machine_facts import checked_machine, machine_facts
from gpu_lessons.records import UNKNOWN_THREADS, WIDE_SPREAD, Measurement, Provenance, Sweep, format_threads
from gpu_lessons.units import format_counted
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

__all__ = ["SCHEMA", "Recording", "RecordingError", "format_recording", "parse_recording"]

# Versions of the schema. A field never gets another meaning; a new one gets a new version, and its reader still
# reads the old ones.
#   1  (2026-11)  slug, provenance, cpu, gpu, sweeps; a point has arguments, calls_per_sample, warmup_s, samples_s and
#                 perhaps peak_bytes.
#   2  (2026-11)  The arguments of Elementwise hold multiply_adds, which were 0 before; more kinds of workload.
#                 On a CPU whose BLAS does not keep to a number of threads, theirs is 0.
SCHEMA = 2

_WORKLOADS: dict[str, type[Workload]] = {
    each.__name__: each
    for each in (
        Conv2dForward,
        Copy,
        DenseForward,
        DenseTrainStep,
        DependentChain,
        Elementwise,
        RecurrentForward,
        TrainEpoch,
    )
}
# On an idle virtual machine 3 to 8 of 100 points spread widely.
_MANY = 0.25
# Of those that spread, as many as fit on a screen.
_NAMED = 10
_SINCE_2 = ("multiply_adds",)
_POINT = ("arguments", "calls_per_sample", "warmup_s", "samples_s")


@dataclass(frozen=True, slots=True)
class Recording:
    """What one machine took for many workloads on one day.

    Attributes
    ----------
    slug : str
        Name of its file, and the slug of its machines.
    provenance : Provenance
        How it came about.
    cpu, gpu : Machine
        As they were detected then; ``gpu`` is None if there was none.
    sweeps : tuple of Sweep
        Each holds one kind of workload on one device, on the CPU with one number of threads.
    """

    slug: str
    provenance: Provenance
    cpu: Machine
    gpu: Machine | None
    sweeps: tuple[Sweep, ...]

    @property
    def machine(self) -> Machine:
        """The GPU if there was one, else the CPU."""
        return self.cpu if self.gpu is None else self.gpu

    @property
    def measurements(self) -> tuple[Measurement, ...]:
        """The points of all sweeps."""
        return tuple(point for sweep in self.sweeps for point in sweep.points if isinstance(point, Measurement))

    def __str__(self) -> str:
        rows: dict[str, list[str]] = {}
        for sweep in self.sweeps:
            first = sweep.points[0]
            assert isinstance(first, Measurement)  # a recording holds no predictions
            place = "GPU" if first.threads is None else format_threads(first.threads)
            rows.setdefault(type(first.workload).__name__, []).append(f"{len(sweep.points)} on {place}")
        state = "" if self.provenance.complete else ", not complete"
        names = self.cpu.name if self.gpu is None else f"{self.cpu.name} and {self.gpu.name}"
        lines = [f"{names}, recorded {self.provenance.date}{state}: {len(self.measurements)} points"]
        width = max(map(len, rows), default=0) + 2
        lines += [f"  {name:<{width}}{', '.join(parts)}" for name, parts in rows.items()]
        lines += _spreading(self.measurements)
        return "\n".join(lines)


def _spreading(points: tuple[Measurement, ...]) -> Iterator[str]:
    """Yield a line about the points that spread and one for each of the widest, if there are any."""
    wide = sorted((point for point in points if point.spread > WIDE_SPREAD), key=lambda point: -point.spread)
    if not wide:
        return
    busy = len(wide) > _MANY * len(points)
    advice = ": the machine was busy; close other programs and record again." if busy else ":"
    yield f"The samples of {format_counted(len(wide), 'point')} spread by more than {WIDE_SPREAD:.0%}{advice}"
    for point in wide[:_NAMED]:
        place = "GPU" if point.threads is None else format_threads(point.threads)
        yield f"  {point.spread:.0%}  {point.workload}, {place}"
    if len(wide) > _NAMED:
        yield f"  and {format_counted(len(wide) - _NAMED, 'other')}"


def parse_recording(slug: str, text: str) -> Recording:
    """Return the recording that ``text`` holds.

    Parameters
    ----------
    slug : str
        The name the recording must bear, that of its file.
    text : str
        JSON.

    Raises
    ------
    RecordingError
        With the field and the reason, in one sentence.
    """
    content = parse_text(text)
    if isinstance(content, dict) and "schema" in content:  # first: a later version has other fields
        _check_schema(content["schema"])
    content = checked_object(
        "the recording", content, ("schema", "slug", "provenance", "cpu", "gpu", "sweeps"), inside=""
    )
    written = checked_slug("slug", content["slug"])
    if written != slug:
        raise RecordingError(f"slug is {written!r}, so the file must be called {written}.json: it was renamed")
    provenance = _provenance(content["provenance"])
    cpu = checked_machine("cpu", slug, content["cpu"])
    gpu = None if content["gpu"] is None else checked_machine("gpu", slug, content["gpu"])
    names = {"cpu": cpu.name} if gpu is None else {"cpu": cpu.name, provenance.gpu_device: gpu.name}
    sweeps: dict[tuple[str, str, int | None], Sweep] = {}
    for where, each in checked_list("sweeps", content["sweeps"]):
        key, sweep = _sweep(where, each, names, provenance.date)
        if key in sweeps:
            raise RecordingError(f"{where} repeats the workload, device and threads of a sweep before it")
        sweeps[key] = sweep
    return Recording(slug, provenance, cpu, gpu, tuple(sweeps.values()))


def _check_schema(version: object) -> None:
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise RecordingError(f"schema must be a version from 1 to {SCHEMA}, got {reprlib.repr(version)}")
    if version > SCHEMA:
        raise RecordingError(
            f"schema is version {version} and this gpu_lessons reads up to {SCHEMA}; install a newer gpu_lessons"
        )


def _provenance(content: object) -> Provenance:
    told = checked_object("provenance", content, tuple(each.name for each in fields(Provenance)))
    versions = told["versions"]
    if not isinstance(versions, dict):
        raise RecordingError(f"provenance.versions must be an object of texts, got {reprlib.repr(versions)}")
    return Provenance(
        date=checked_date("provenance.date", told["date"]),
        command=checked_text("provenance.command", told["command"]),
        seed=checked_count("provenance.seed", told["seed"], at_least=0),
        quick=checked_flag("provenance.quick", told["quick"]),
        complete=checked_flag("provenance.complete", told["complete"]),
        operating_system=checked_text("provenance.operating_system", told["operating_system"]),
        usable_cores=checked_count("provenance.usable_cores", told["usable_cores"]),
        versions={name: checked_text(f"provenance.versions.{name}", version) for name, version in versions.items()},
    )


def _sweep(
    where: str, content: object, names: Mapping[str, str], date: str
) -> tuple[tuple[str, str, int | None], Sweep]:
    told = checked_object(where, content, ("workload", "device", "threads", "points"))
    name, device, threads = told["workload"], told["device"], told["threads"]
    if not isinstance(name, str) or name not in _WORKLOADS:
        known = ", ".join(_WORKLOADS)
        raise RecordingError(f"{where}.workload must be one of {known}, got {reprlib.repr(name)}")
    if not isinstance(device, str) or device not in names:
        known = " or ".join(names)
        raise RecordingError(f"{where}.device must be {known} on this machine, got {reprlib.repr(device)}")
    if device == "cpu":
        if type(threads) is not int or threads != UNKNOWN_THREADS:
            checked_count(f"{where}.threads", threads)
    elif threads is not None:
        raise RecordingError(f"{where}.threads must be null on a GPU, got {reprlib.repr(threads)}")
    points = tuple(
        _point(at, point, _WORKLOADS[name], names[device], threads, date)
        for at, point in checked_list(f"{where}.points", told["points"])
    )
    return (name, device, threads), Sweep(points)


def _point(
    where: str, content: object, kind: type[Workload], machine: str, threads: int | None, date: str
) -> Measurement:
    told = checked_object(where, content, _POINT, optional=("peak_bytes",))
    peak_bytes = told.get("peak_bytes")
    return Measurement(
        workload=_workload(f"{where}.arguments", told["arguments"], kind),
        machine=machine,
        threads=threads,
        samples_s=checked_times(f"{where}.samples_s", told["samples_s"]),
        warmup_s=checked_times(f"{where}.warmup_s", told["warmup_s"]),
        calls_per_sample=checked_count(f"{where}.calls_per_sample", told["calls_per_sample"]),
        recorded_on=date,
        peak_bytes=None if peak_bytes is None else checked_count(f"{where}.peak_bytes", peak_bytes),
    )


def _workload(where: str, content: object, kind: type[Workload]) -> Workload:
    """Build the workload through its own constructor, which knows what is allowed."""
    wanted = {each.name: each.type for each in fields(kind)}  # type: ignore[arg-type]  # every workload is a dataclass
    first, later = ([name for name in wanted if (name in _SINCE_2) is is_later] for is_later in (False, True))
    told = dict(checked_object(where, content, tuple(first), tuple(later)))
    for name, value in told.items():
        if wanted[name] == "bool":
            checked_flag(f"{where}.{name}", value)
        elif isinstance(value, list):
            told[name] = tuple(value)  # JSON has no tuples
    try:
        return kind(**told)
    except (TypeError, ValueError, OverflowError) as error:
        raise RecordingError(f"{where}: {error}") from error


def format_recording(recording: Recording) -> str:
    """Return the text of a recording; seconds keep four significant digits."""
    head = {
        "schema": SCHEMA,
        "slug": recording.slug,
        "provenance": _provenance_as_json(recording.provenance),
        "cpu": machine_facts(recording.cpu),
        "gpu": None if recording.gpu is None else machine_facts(recording.gpu),
    }
    top = json.dumps(head, indent=1).removesuffix("\n}")
    sweeps = ",\n".join(
        map("".join, (_sweep_lines(each, recording.provenance.gpu_device) for each in recording.sweeps))
    )
    return f'{top},\n "sweeps": [\n{sweeps}\n ]\n}}\n'


def _provenance_as_json(provenance: Provenance) -> dict[str, Any]:
    told = {each.name: getattr(provenance, each.name) for each in fields(Provenance)}
    return told | {"versions": dict(provenance.versions)}


def _sweep_lines(sweep: Sweep, gpu_device: str) -> Iterator[str]:
    points = [point for point in sweep.points if isinstance(point, Measurement)]
    name, threads = type(points[0].workload).__name__, points[0].threads
    device = gpu_device if threads is None else "cpu"
    yield f'  {{"workload": "{name}", "device": "{device}", "threads": {json.dumps(threads)}, "points": [\n'
    yield ",\n".join(f"   {json.dumps(_point_as_json(point))}" for point in points)
    yield "\n  ]}"


def _point_as_json(point: Measurement) -> dict[str, Any]:
    workload: Any = point.workload
    told = {
        "arguments": {each.name: getattr(workload, each.name) for each in fields(workload)},
        "calls_per_sample": point.calls_per_sample,
        "warmup_s": _rounded(point.warmup_s),
        "samples_s": _rounded(point.samples_s),
    }
    return told if point.peak_bytes is None else told | {"peak_bytes": point.peak_bytes}


def _rounded(times_s: tuple[float, ...]) -> list[float]:
    return [float(f"{time_s:.4g}") for time_s in times_s]
