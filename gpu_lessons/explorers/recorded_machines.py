"""Machines of recordings, offered beside those of the catalogue: their names, their source, their times."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from gpu_lessons.charts.grid import Dot
from gpu_lessons.hardware.machines import Machine, machine
from gpu_lessons.recorded import Recording, load_recording, recordings
from gpu_lessons.work import DenseForward, DenseTrainStep

__all__ = ["find_machine", "recorded_dots", "recorded_machines", "recording_of", "source_of"]


@cache
def _recordings() -> dict[str, Recording]:
    return {slug: load_recording(slug) for slug in recordings()}


def recording_of(found: Machine) -> Recording | None:
    """Return the recording that a machine comes from; None for a machine of the catalogue."""
    return _recordings().get(found.slug)


def recorded_machines(kind: str) -> list[Machine]:
    """Return the GPUs or CPUs (``kind``) of the recordings that ship."""
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


def source_of(found: Machine) -> str:
    """Return where the curve of a machine comes from: its own recording, or the catalogue's numbers."""
    recording = recording_of(found)
    return "predicted" if recording is None else f"fitted to its recording of {recording.provenance.date}"


def recorded_dots(found: Machine, work: type[DenseForward] | type[DenseTrainStep], dtype: str) -> Iterator[Dot]:
    """Yield the times recorded on a machine for square layers whose sizes are powers of two.

    Parameters
    ----------
    found : Machine
        Of a CPU, the times on all threads count.
    work, dtype
        Which layers.
    """
    recording = recording_of(found)
    times = [each for each in recording.measurements if type(each.workload) is work] if recording else []
    most = None if found.kind == "gpu" else max((each.threads or 0 for each in times), default=None)
    for each in times:
        layer = each.workload
        assert isinstance(layer, DenseForward | DenseTrainStep)
        batch, width = layer.batch_size, layer.n_in
        is_square = width == layer.n_out and batch.bit_count() == width.bit_count() == 1
        if each.threads == most and layer.dtype == dtype and is_square:
            yield Dot(batch.bit_length() - 1, width.bit_length() - 1, each.median_s, found.kind, each.recorded_on)
