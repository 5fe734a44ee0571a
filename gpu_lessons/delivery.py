"""The learner's own copy of the course: new lessons arrive in it, and what the learner has worked in is left alone."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any

from gpu_lessons.charts.display import WIDGET_VIEW
from gpu_lessons.hardware.course import DELIVERED, RECORDINGS

__all__ = ["deliver"]

_TAKEN_ALONG = ("[0-9][0-9]_*.ipynb", "glossary.ipynb", "README.md")
_SOLUTIONS = ("solutions/*.ipynb",)
_SCHEMA = 1


def deliver(notebooks: Path, folder: Path, *, solutions: bool = True) -> list[str]:
    """Bring the lessons in ``folder`` up to date; return what the learner should be told, a sentence each.

    Of every file that is delivered its digest is kept, so that a later start can tell what the learner has touched:

    - a missing file is put there;
    - a file as it was delivered is replaced by a newer one;
    - any other file is left alone, and a newer one is laid beside it, such as 03_batch_and_width.newer.ipynb.

    A lesson that was only opened and saved is as delivered. One that was run is the learner's, even if nothing was
    typed: what its outputs show may have been measured on a machine that they no longer have.

    Parameters
    ----------
    notebooks : Path
        The lessons of the course, as they ship.
    folder : Path
        The learner's folder; it is made if there is none.
    solutions : bool
        Whether the solutions are delivered too. Those delivered before stay as they are.

    Raises
    ------
    OSError
        If something cannot be written; what stood there stays.
    """
    record = _read_record(folder / DELIVERED)
    known = dict(record)
    told: dict[str, list[str]] = {"new": [], "refreshed": [], "beside": []}
    (folder / RECORDINGS).mkdir(parents=True, exist_ok=True)
    patterns = _TAKEN_ALONG + _SOLUTIONS * solutions
    for source in [path for pattern in patterns for path in sorted(notebooks.glob(pattern))]:
        name = source.relative_to(notebooks).as_posix()
        done = _deliver_one(source, folder, name, record)
        if done:
            told[done[0]].append(done[1])
    if record != known:
        _replace(folder / DELIVERED, json.dumps({"schema": _SCHEMA, "files": record}, indent=1).encode())
    return list(_sentences(told, is_first=not known))


def _deliver_one(source: Path, folder: Path, name: str, record: dict[str, str]) -> tuple[str, str] | None:
    """Bring one file up to date, and ``record`` with it; return what was done and the name of the file written."""
    target, newest = folder / name, _digest(source)
    if not os.path.lexists(target):
        done = "new"
    elif (found := _digest_of_copy(target)) == newest:
        record[name] = newest
        return None
    elif found is not None and found == record.get(name):
        done = "refreshed"
    elif record.get(name) == newest:
        return None  # touched, and there is nothing newer
    else:
        return _lay_beside(source, folder, name, record)
    _replace(target, source.read_bytes())
    record[name] = newest
    return done, name


def _lay_beside(source: Path, folder: Path, name: str, record: dict[str, str]) -> tuple[str, str] | None:
    newest = _digest(source)
    for number in count(1):
        beside = str(PurePosixPath(name).with_suffix(f".newer{'' if number == 1 else f'-{number}'}{source.suffix}"))
        if record.get(beside) == newest:
            return None  # it was laid there before, and is there, or was worked in, or was thrown away
        target = folder / beside
        if os.path.lexists(target) and _digest_of_copy(target) != record.get(beside, ""):
            continue  # the learner has begun to work in it
        _replace(target, source.read_bytes())
        record[beside] = newest
        return "beside", beside
    raise AssertionError("there is a next number")


def _sentences(told: dict[str, list[str]], *, is_first: bool) -> Iterator[str]:
    if told["new"] and not is_first:
        yield f"New: {', '.join(told['new'])}."
    if told["refreshed"]:
        yield f"Brought up to date: {', '.join(told['refreshed'])}."
    if told["beside"]:
        yield f"What you have worked in stays as it is; the newer version lies beside it: {', '.join(told['beside'])}."


def _digest_of_copy(path: Path) -> str | None:
    """Return the digest of a file in the learner's folder; None for what is not ours: a link, a folder, unreadable."""
    if path.is_symlink() or not path.is_file():
        return None
    try:
        return _digest(path)
    except OSError:
        return None


def _digest(path: Path) -> str:
    """Return what tells two versions of a file apart."""
    content = path.read_bytes()
    if path.suffix == ".ipynb":
        with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
            document = json.loads(content, parse_int=_as_javascript, parse_float=_as_javascript)
            content = json.dumps([_what_counts(cell) for cell in document["cells"]], sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()


def _as_javascript(number: str) -> float:
    """Return a number as JupyterLab saves it: 1.0 becomes 1 there, and -0.0 becomes 0."""
    return float(number) + 0.0


def _what_counts(cell: dict[str, Any]) -> list[Any]:
    """Return of a cell what a learner reads or types: not how often it ran, nor what a widget needs of its kernel."""
    outputs = [
        {
            key: {mime: _joined(data) for mime, data in value.items() if mime != WIDGET_VIEW}
            if key == "data"
            else _joined(value)
            for key, value in output.items()
            if key not in ("execution_count", "metadata")
        }
        for output in cell.get("outputs", [])
    ]
    return [cell["cell_type"], _joined(cell["source"]), outputs]


def _joined(text: object) -> object:
    """Return text that a notebook may hold as a list of lines in one piece."""
    if isinstance(text, list) and all(isinstance(line, str) for line in text):
        return "".join(text)
    return text


def _read_record(path: Path) -> dict[str, str]:
    """Return the digests kept of what was delivered; a file that cannot be used counts as none."""
    try:
        document = json.loads(path.read_bytes())
        if document["schema"] == _SCHEMA:
            return {str(name): str(digest) for name, digest in document["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    return {}


def _replace(target: Path, content: bytes) -> None:
    """Write a file in one step: one cut short must not look like a learner's file at the next start."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
