"""The learner's own small file: what was predicted, seen and rated, kept beside the lessons."""

from __future__ import annotations

import contextlib
import datetime
import itertools
import json
import math
import os
from pathlib import Path
from typing import Any

from gpu_lessons.arguments import shown
from gpu_lessons.charts.display import is_live
from gpu_lessons.hardware.course import ANSWERS, learners_folder

__all__ = ["Progress", "progress_here", "put_aside"]

#: Version 1: {"schema": 1, shelf: {key: answer}}; the shelves are "guesses", "choices", "outcomes", "claims",
#: "first claims", "last claims", "evidence" and "exercises".
SCHEMA = 1

_LARGEST_BYTES = 1_000_000
_KEPT_IN_MEMORY = "your answers are kept only until this kernel stops."

#: One answer: a flat object of text, numbers and null.
Answer = dict[str, Any]
_Shelves = dict[str, dict[str, Answer]]


class _UnusableError(ValueError):
    """Why a file is set aside; completes the sentence "... because it is not ..."."""


class _NotOursError(Exception):
    """Why a file is left alone; completes the sentence "left untouched because ..."."""


class Progress:
    """The answers of one learner, in a file where there is one to use, else in memory.

    Parameters
    ----------
    path : Path or None
        The learner's file, which need not exist yet; None keeps everything in memory.
    note : str
        What the learner must know from the start.
    """

    def __init__(self, path: Path | None, note: str = "") -> None:
        # Through a link, as to a folder that is kept in step elsewhere, its target is written, not the link replaced.
        self._path = None if path is None else Path(os.path.realpath(path))
        self._unsaved: _Shelves = {}
        self._said: set[str] = set()
        self._note = note

    def recall(self, shelf: str, key: str) -> Answer | None:
        """Return the answer last given to ``key``, or None if there is none."""
        unsaved = self._unsaved.get(shelf, {}).get(key)
        return unsaved or (self._read() or {}).get(shelf, {}).get(key)

    def shelf(self, name: str) -> dict[str, Answer]:
        """Return all answers of a shelf by their keys."""
        return (self._read() or {}).get(name, {}) | self._unsaved.get(name, {})

    def remember(self, shelf: str, key: str, answer: Answer) -> None:
        """Keep ``answer``, on disk if possible; ``take_note`` says so if it was not."""
        shelves = self._read()
        if shelves is not None:
            # Read again before each write: another lesson's kernel may have written in between.
            shelves.setdefault(shelf, {})[key] = answer
            if self._write(shelves):
                self._unsaved.get(shelf, {}).pop(key, None)
                return
        self._unsaved.setdefault(shelf, {})[key] = answer

    def take_note(self) -> str:
        """Return the sentence the learner has not read yet about their file, or an empty text."""
        note, self._note = self._note, ""
        return note

    def _read(self) -> _Shelves | None:
        """Return what the file holds; None means there is no file that may be used."""
        if self._path is None:
            return None
        try:
            return _load(self._path)
        except FileNotFoundError:
            return {}
        except OSError as error:
            self._say(f"{ANSWERS} cannot be read ({error.strerror}); {_KEPT_IN_MEMORY}")
            return None
        except _NotOursError as reason:
            self._say(f"{ANSWERS} is left untouched because {reason}; {_KEPT_IN_MEMORY}")
            return None
        except (ValueError, RecursionError) as error:
            return self._begin_anew(error if isinstance(error, _UnusableError) else "it is not readable JSON")

    def _begin_anew(self, reason: object) -> _Shelves | None:
        """Give a file that holds no answers another name, so that nothing of it is lost, and begin with none."""
        assert self._path is not None
        try:
            aside = put_aside(self._path)
        except OSError:
            self._say(f"{ANSWERS} is left untouched because {reason}; {_KEPT_IN_MEMORY}")
            return None
        self._say(f"{ANSWERS} was set aside as {aside.name} because {reason}; a fresh one is begun.")
        return {} if self._write({}) else None

    def _write(self, shelves: _Shelves) -> bool:
        """Replace the file in one step, so that a kill at any moment leaves the old or the new one."""
        assert self._path is not None
        text = json.dumps({"schema": SCHEMA, **shelves}, indent=1, ensure_ascii=False, allow_nan=False)
        unfinished = self._path.with_name(f".{ANSWERS}.{os.getpid()}")
        try:
            unfinished.write_text(text + "\n", encoding="utf-8")
            unfinished.replace(self._path)
        except OSError as error:
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)
            self._say(f"{ANSWERS} cannot be written here ({error.strerror}); {_KEPT_IN_MEMORY}")
            return False
        return True

    def _say(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            self._note = f"{self._note} {sentence}".strip()


def _load(path: Path) -> _Shelves:
    """Read the learner's file as data, with limits on its size and shape."""
    if os.path.lexists(path) and not path.is_file():  # a pipe would never end
        raise _NotOursError("it is not a file")
    with path.open("rb") as file:
        content = file.read(_LARGEST_BYTES + 1)
    if len(content) > _LARGEST_BYTES:
        raise _UnusableError("it is larger than 1 MB")
    document = json.loads(content, parse_constant=_finite, parse_float=_finite)
    if not isinstance(document, dict):
        raise _UnusableError("it does not hold a JSON object")
    schema = document.pop("schema", None)
    if type(schema) is int and schema > SCHEMA:  # a newer course wrote it, and can read it
        raise _NotOursError(f"its schema is {schema} and this course reads {SCHEMA}")
    if schema != SCHEMA or isinstance(schema, bool):
        raise _UnusableError(f"its schema is {shown(schema)} and not {SCHEMA}")
    for shelf in document.values():
        if not isinstance(shelf, dict) or not all(isinstance(answer, dict) for answer in shelf.values()):
            raise _UnusableError("its answers are not where this course puts them")
    return document


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _UnusableError(f"it holds {text}, which is not a finite number")
    return number


_opened: dict[Path | None, Progress] = {}


def progress_here() -> Progress:
    """Return the progress of the learner whose folder this kernel runs in; without one it stays in memory.

    The folder that was found first stays, wherever a cell may go. A static display neither reads nor writes.
    """
    if not is_live():
        return _opened.setdefault(None, Progress(None))
    found = next((path for path in _opened if path is not None), None)
    if found is None:
        folder = learners_folder()
        if folder is None:
            return _opened.setdefault(None, Progress(None, f"{_why_no_folder()}, so {_KEPT_IN_MEMORY}"))
        found = folder / ANSWERS
    return _opened.setdefault(found, Progress(found))


def _why_no_folder() -> str:
    try:
        return f"{Path.cwd()} is no folder of the course (gpu-lessons lab DIR makes one)"
    except FileNotFoundError:
        return "The folder of this lesson is no longer there"


def put_aside(answers: Path) -> Path:
    """Give a file of answers a name with today's date, so that the learner begins anew, and return that name.

    Raises
    ------
    OSError
        If it cannot be renamed.
    """
    for number in itertools.count(1):
        again = "" if number == 1 else f"-{number}"
        kept = answers.with_name(f"{answers.stem}.{datetime.date.today().isoformat()}{again}.json")
        if not os.path.lexists(kept):
            return answers.rename(kept)
    raise AssertionError("there is a next number")
