"""Fields of a file from a stranger: each is checked, and refused in one sentence that names it."""

from __future__ import annotations

import datetime
import difflib
import json
import math
import re
import reprlib
from collections.abc import Iterator
from typing import Any, NoReturn

__all__ = [
    "RecordingError",
    "checked_count",
    "checked_date",
    "checked_flag",
    "checked_list",
    "checked_object",
    "checked_slug",
    "checked_text",
    "checked_times",
    "is_slug",
    "parse_text",
]

_MOST_LEVELS = 8
_LONGEST_TEXT = 300
_LONGEST_SLUG = 100
_LONGEST_SENTENCE = 400
_MOST_TIMES = 1000
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# More digits than a 64-bit integer has are no count of anything here.
_MOST_DIGITS = 18


class RecordingError(ValueError):
    """A recording that cannot be read or written; one sentence with the file, the field and the reason."""

    def __init__(self, sentence: str) -> None:
        if len(sentence) > _LONGEST_SENTENCE:  # a file can hold a name of a million letters
            sentence = f"{sentence[:_LONGEST_SENTENCE]} ..."
        super().__init__(sentence)


def parse_text(text: str) -> object:
    """Return what JSON text holds, as dicts, lists, texts and numbers.

    Raises
    ------
    RecordingError
        If it is no JSON, is nested deeper than any recording, or holds text that must not reach a screen.
    """
    try:
        content: object = json.loads(text, parse_int=_whole_number, object_pairs_hook=_unique)
    except RecursionError:
        raise RecordingError(f"nested deeper than {_MOST_LEVELS} levels, which no recording is") from None
    except json.JSONDecodeError as error:
        raise RecordingError(f"not valid JSON in line {error.lineno}, column {error.colno}: {error.msg}") from None
    _check_inside("", content, _MOST_LEVELS)
    return content


def _whole_number(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RecordingError(f"the field {reprlib.repr(twice)} is given twice in one object")
    return content


def _check_inside(where: str, value: object, levels: int) -> None:
    """Refuse deep nesting and unprintable text wherever they are, before any of it can land in a message."""
    if isinstance(value, str):
        checked_text(where, value)
        return
    if not isinstance(value, dict | list):
        return
    if levels == 0:
        raise RecordingError(f"{where} is nested deeper than {_MOST_LEVELS} levels, which no recording is")
    if isinstance(value, list):
        for i, each in enumerate(value):
            if isinstance(each, str | dict | list):
                _check_inside(f"{where}[{i}]", each, levels - 1)
        return
    for name, each in value.items():
        checked_text(f"a field's name in {where or 'the recording'}", name)
        if isinstance(each, str | dict | list):
            _check_inside(f"{where}.{name}" if where else name, each, levels - 1)


def checked_object(
    where: str, value: object, required: tuple[str, ...], optional: tuple[str, ...] = (), *, inside: str | None = None
) -> dict[str, Any]:
    """Return ``value`` if it is an object with these fields and no others.

    ``inside`` begins the names of its fields in messages: ``where`` and a dot, if it is not given.
    """
    if not isinstance(value, dict):
        _refuse(where, "an object", value)
    inside = f"{where}." if inside is None else inside
    for name in required:
        if name not in value:
            raise RecordingError(f"{inside}{name} is missing")
    for name in value:
        if name not in required and name not in optional:
            [near] = difflib.get_close_matches(name, required + optional, n=1, cutoff=0.0)
            raise RecordingError(f"{inside}{name} is unknown; the nearest field is {near}")
    return value


def checked_list(where: str, value: object) -> Iterator[tuple[str, Any]]:
    """Yield the place and the value of every entry of a list that is not empty."""
    if not isinstance(value, list) or not value:
        _refuse(where, "a list with at least one entry", value)
    yield from ((f"{where}[{i}]", each) for i, each in enumerate(value))


def checked_text(where: str, value: object) -> str:
    """Return a short printable text; ``<`` and ``>`` are refused, as a name may be shown on a page."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable() or "<" in value or ">" in value:
        _refuse(where, "printable text without < and >", value)
    if len(value) > _LONGEST_TEXT:
        raise RecordingError(f"{where} must be at most {_LONGEST_TEXT} letters long, got {len(value)}")
    return value


def checked_slug(where: str, value: object) -> str:
    """Return a text of lower-case words and digits with dashes."""
    if not isinstance(value, str) or not is_slug(value):
        _refuse(where, "lower-case words and digits with dashes, such as amd-epyc-2-cores-2026-11-24", value)
    return value


def is_slug(text: str) -> bool:
    """Return whether a recording, and so its file, may be called that."""
    return len(text) <= _LONGEST_SLUG and _SLUG.fullmatch(text) is not None


def checked_date(where: str, value: object) -> str:
    """Return a day such as 2026-11-24."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        try:
            datetime.date.fromisoformat(value)
        except ValueError:
            pass
        else:
            return value
    _refuse(where, "a day such as 2026-11-24", value)


def checked_count(where: str, value: object, *, at_least: int = 1) -> int:
    """Return a whole number."""
    if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
        _refuse(where, f"a whole number of at least {at_least}", value)
    return value


def checked_flag(where: str, value: object) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        _refuse(where, "true or false", value)
    return value


def checked_times(where: str, value: object) -> tuple[float, ...]:
    """Return seconds, at least one and each finite and above 0."""
    if not isinstance(value, list) or not value or len(value) > _MOST_TIMES:
        _refuse(where, f"a list of 1 to {_MOST_TIMES} times in seconds", value)
    for i, time_s in enumerate(value):
        is_number = isinstance(time_s, int | float) and not isinstance(time_s, bool)
        if not (is_number and math.isfinite(time_s) and time_s > 0):
            _refuse(f"{where}[{i}]", "a finite number of seconds above 0", time_s)
    return tuple(map(float, value))


def _refuse(where: str, allowed: str, value: object) -> NoReturn:
    raise RecordingError(f"{where} must be {allowed}, got {reprlib.repr(value)}")
