"""Files of [[blocks]] in TOML that carry other people's numbers: each field is checked, and named where it is wrong."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from typing import Any

from gpu_lessons.arguments import shown

__all__ = ["blocks_of", "choice_of", "is_above_zero", "parse_toml", "require_known", "text_of"]


def parse_toml(name: str, content: bytes) -> dict[str, Any]:
    """Return what a file of this name holds; a ``ValueError`` says where it is no TOML."""
    try:
        return tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{name}: not valid TOML: {' '.join(str(error).split())}") from error


def blocks_of(name: str, content: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """Return the blocks of a file, of which there is one at least."""
    blocks = content.get(key)
    if not isinstance(blocks, list) or not blocks or not all(isinstance(each, dict) for each in blocks):
        raise ValueError(f"{name}: {key} must be [[{key}]] blocks, got {shown(blocks)}")
    return blocks


def require_known(where: str, content: Mapping[str, Any], known: set[str]) -> None:
    """Refuse a field that is none here."""
    for key in sorted(content.keys() - known):
        raise ValueError(f"{where}: {key} is not a field here; known: {', '.join(sorted(known))}")


def text_of(where: str, content: Mapping[str, Any], key: str) -> str:
    """Return a text that is not empty."""
    value = content.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{where}: {key} must be text, got {value!r}")
    return value


def choice_of(where: str, content: Mapping[str, Any], key: str, known: tuple[str, ...]) -> str:
    """Return one of a few texts."""
    value = content.get(key)
    if value not in known:
        raise ValueError(f"{where}: {key} must be one of {', '.join(known)}, got {value!r}")
    return str(value)


def is_above_zero(value: object) -> bool:
    """Return whether a value is a finite number above 0."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0
