"""Pickers that any explorer can ask for: GPU, CPU and number format."""

from __future__ import annotations

from gpu_lessons.arguments import require_choice
from gpu_lessons.explorers.controls import Picker
from gpu_lessons.explorers.machine_sources import find_machine, recorded_machines, recording_of
from gpu_lessons.hardware.machines import Machine, machines
from gpu_lessons.model import calibrate
from gpu_lessons.recorded import Recording
from gpu_lessons.units import DTYPE_BYTES

__all__ = ["cpu_picker", "dtype_picker", "gpu_picker"]


def gpu_picker(start: str) -> Picker:
    """Return the picker ``gpu`` of every GPU the model has numbers for; ``start`` is a slug.

    Raises
    ------
    TypeError, ValueError, UnknownMachineError
        If ``start`` names no GPU.
    """
    return _machine_picker("gpu", start)


def cpu_picker(start: str) -> Picker:
    """Return the picker ``cpu`` of every CPU the model has numbers for; ``start`` is a slug.

    Raises
    ------
    TypeError, ValueError, UnknownMachineError
        If ``start`` names no CPU.
    """
    return _machine_picker("cpu", start)


def dtype_picker(start: str) -> Picker:
    """Return the picker ``dtype``.

    Raises
    ------
    ValueError
        If ``start`` is none of float16, float32, float64.
    """
    names = tuple(DTYPE_BYTES)
    return Picker("dtype", "numbers", [(name, name) for name in names], require_choice("dtype", start, names))


def _machine_picker(kind: str, start: str) -> Picker:
    found = find_machine(start, kind)
    if found.kind != kind:
        raise ValueError(f"{kind} must be a {kind.upper()} of the catalogue, got the {found.kind.upper()} {start!r}")
    usable = _usable(kind)
    choices = usable if found in usable else [found, *usable]
    found_in = {
        each.slug: recording_of(each) for each in recorded_machines(kind)
    }  # files are read: not for each choice
    options = [(_said(choice, found_in.get(choice.slug)), choice) for choice in choices]
    return Picker(kind, kind.upper(), options, found)


def _said(choice: Machine, recording: Recording | None) -> str:
    return choice.name if recording is None else f"{choice.name}, recorded {recording.provenance.date}"


def _usable(kind: str) -> list[Machine]:
    """Return the machines of recordings and of the catalogue that the model has numbers for."""
    usable = recorded_machines(kind)  # fitting the model to a recording takes seconds: only where it is chosen
    for candidate in machines():
        if candidate.kind != kind or (kind == "gpu" and candidate.memory_bytes is None):
            continue
        try:
            calibrate(candidate)
        except ValueError:  # the catalogue does not know enough of it
            continue
        usable.append(candidate)
    return usable
