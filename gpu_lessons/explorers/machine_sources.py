"""Where the numbers of a machine in an explorer come from: its recording, this session's clock, or the catalogue."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from gpu_lessons.charts.grid import Dot
from gpu_lessons.hardware.machines import Machine, machine
from gpu_lessons.measuring.self_benchmark import this_cpu_if_measured
from gpu_lessons.model import Calibration, calibrate
from gpu_lessons.recorded import Recording, load_recording, published, recordings
from gpu_lessons.records import WIDE_SPREAD, Counted, Measurement
from gpu_lessons.work import DenseForward, DenseTrainStep, MatrixProduct

__all__ = [
    "calibration_of",
    "dots_of",
    "find_machine",
    "is_measured_here",
    "keep_measured",
    "name_of",
    "recorded_machines",
    "recording_of",
    "source_of",
    "was_too_busy",
]

#: Measured numbers that miss the times they have not seen by more come from a machine that did something else as well.
POOR_FIT = 0.3
#: What *Measure here* has timed in this session.
_measured_here: list[Measurement] = []


def _recordings() -> dict[str, Recording]:
    return {slug: load_recording(slug) for slug in recordings()}


def recording_of(found: Machine) -> Recording | None:
    """Return the recording that a machine comes from; None for a machine of the catalogue."""
    return _recordings().get(found.slug)


def recorded_machines(kind: str) -> list[Machine]:
    """Return the GPUs or CPUs (``kind``) of the recordings here."""
    both = ((recording.cpu, recording.gpu) for recording in _recordings().values())
    return [each for pair in both for each in pair if each is not None and each.kind == kind]


def find_machine(slug: str, kind: str) -> Machine:
    """Return the GPU or CPU of a recording, or the machine of the catalogue, that ``slug`` names.

    Raises
    ------
    TypeError, UnknownMachineError
        If neither has it.
    """
    return next((each for each in recorded_machines(kind) if each.slug == slug), None) or machine(slug)


def is_measured_here(found: Machine) -> bool:
    """Return whether this is the CPU that this session has measured."""
    benchmark = this_cpu_if_measured()
    return benchmark is not None and found == benchmark.cpu


def was_too_busy(found: Machine) -> bool:
    """Return whether this session has measured a machine, and its times fit together too badly to draw a curve."""
    benchmark = this_cpu_if_measured()
    return benchmark is not None and found == benchmark.cpu and benchmark.calibration.error > POOR_FIT


def calibration_of(found: Machine, dtype: str) -> Calibration:
    """Return a machine's sustained numbers: measured in this session, else of its recording or the catalogue.

    Raises
    ------
    ValueError
        If the catalogue knows too little of it.
    """
    benchmark = this_cpu_if_measured()
    if benchmark is None or found != benchmark.cpu or was_too_busy(found):
        return calibrate(found, dtype)
    return benchmark.calibration


def source_of(found: Machine, dtype: str = "float32") -> str:
    """Return in words where the curve of a machine comes from, and whether its clock was ever compared with it."""
    if was_too_busy(found):
        return "predicted, too busy to measure"
    if is_measured_here(found):
        return "fitted to measurements here"
    recording = recording_of(found)
    if recording is not None:
        return f"fitted to its recording of {recording.provenance.date}"
    what = {"gpu": "card", "cpu": "CPU"}[found.kind]
    return "predicted" + (f", not tested on this {what}" if calibration_of(found, dtype).tested is None else "")


def name_of(found: Machine) -> str:
    """Return who a machine is and where its numbers come from, as it stands in a figure."""
    return f"{found.kind.upper()}  {found.name}, {source_of(found)}"


def keep_measured(measurement: Measurement) -> None:
    """Let every explorer of this session draw a time that was measured here."""
    _measured_here.append(measurement)


def dots_of(found: Machine, work: type[DenseForward] | type[DenseTrainStep], dtype: str) -> Iterator[Dot]:
    """Yield the times known of a machine for layers as wide as their inputs, a power of two.

    Parameters
    ----------
    found : Machine
        Of a CPU's recording, the times on all threads count. What others published of its matrix products counts
        as forward passes: only the bias is missing.
    work, dtype
        Which layers.
    """
    for each in _clocked(found):
        size = _size(each.workload) if type(each.workload) is work else None
        if size and size.dtype == dtype:
            said = "measured here" if each.recorded_on is None else f"recorded {each.recorded_on}"
            said += f", spread by {each.spread:.0%}" if each.spread > WIDE_SPREAD else ""
            yield Dot(size.batch_log2, size.width_log2, each.median_s, found.kind, each.source, said)
    for other in published() if work is DenseForward else ():
        size = _size(other.workload) if other.card == found.slug else None
        if size and size.dtype == dtype and other.time_s is not None:
            said = f"published by {other.credit}"
            yield Dot(size.batch_log2, size.width_log2, other.time_s, found.kind, other.source, said)


def _clocked(found: Machine) -> list[Measurement]:
    """Return the times of a machine's recording, and those measured in this session."""
    recording = recording_of(found)
    times = list(recording.measurements) if recording else []
    most = None if found.kind == "gpu" else max((each.threads or 0 for each in times), default=None)
    return [each for each in times if each.threads == most] + (_measured_here if is_measured_here(found) else [])


class _Size(NamedTuple):
    batch_log2: float
    width_log2: int
    dtype: str


def _size(work: Counted | None) -> _Size | None:
    """Return where a layer stands in a figure, if it is as wide as its inputs, and the figure has such a width."""
    match work:
        case DenseForward(batch, n_in, n_out, dtype) | DenseTrainStep(batch, n_in, n_out, dtype):
            pass
        case MatrixProduct(batch, n_out, n_in, 1, dtype):
            pass
        case _:
            return None
    if n_in != n_out or n_in.bit_count() != 1:
        return None
    return _Size(math.log2(batch), n_in.bit_length() - 1, dtype)
