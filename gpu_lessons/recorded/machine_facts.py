"""A detected machine as it stands in a recording: facts by source, as in the files of the catalogue."""

from __future__ import annotations

import reprlib
from typing import Any

from gpu_lessons.hardware.machines import Machine, parse_machine
from gpu_lessons.recorded.fields import RecordingError

__all__ = ["checked_machine", "machine_facts"]


def machine_facts(machine: Machine) -> dict[str, Any]:
    """Return ``machine`` as JSON holds it: name, kind, vendor, and one block of facts a source."""
    blocks: dict[str, dict[str, Any]] = {}
    for key, source in machine.sources.items():
        block = blocks.setdefault(source, {"source": source})
        name, _, dtype = key.partition(".")
        if dtype:
            block.setdefault(name, {})[dtype] = getattr(machine, name)[dtype]
        else:
            block[name] = getattr(machine, name)
    told = {"name": machine.name, "kind": machine.kind, "vendor": machine.vendor}
    if machine.notes is not None:
        told["notes"] = machine.notes
    return told | {"facts": list(blocks.values())}


def checked_machine(where: str, slug: str, content: object) -> Machine:
    """Return the machine of the kind ``where``, ``"cpu"`` or ``"gpu"``, that ``machine_facts`` wrote.

    Raises
    ------
    RecordingError
        If a value is unknown, impossible or without a source.
    """
    if not isinstance(content, dict):
        raise RecordingError(
            f"{where} must be an object with name, kind, vendor and facts, got {reprlib.repr(content)}"
        )
    try:
        machine = parse_machine(where, slug, content)
    except ValueError as error:
        raise RecordingError(str(error)) from error
    if machine.kind != where:
        raise RecordingError(f"{where}.kind must be {where!r}, got {machine.kind!r}")
    return machine
