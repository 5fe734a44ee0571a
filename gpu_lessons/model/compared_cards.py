"""How far the model was off where other people's clocks were read: data/accuracy/gpus.toml."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gpu_lessons.hardware.course import course_root
from gpu_lessons.model.tested import ComparedKernels
from gpu_lessons.units import format_counted

__all__ = ["ANY", "LEFT_OUT", "Bands", "accuracy_file", "bands_of", "read_tables"]

#: The machine of the rows that hold for cards nobody compared: every card, predicted from the others.
LEFT_OUT = "left out"
#: The kind and the bottleneck of a row that holds for all that have none of their own.
ANY = "any"
_TABLES: Mapping[str, Mapping[str, type | tuple[type, ...]]] = {
    "band": {"machine": str, "kind": str, "bottleneck": str, "times": int, "error": (int, float)},
    "compared": {
        "machine": str,
        "kind": str,
        "times": int,
        "least_flops": int,
        "most_flops": int,
        "least_bytes": int,
        "most_bytes": int,
    },
    "call": {"machine": str, "call": str, "overhead_s": (int, float)},
    "score": {
        "machine": str,
        "owner": str,
        "source": str,
        "kind": str,
        "bottleneck": str,
        "times": int,
        "median": (int, float),
        "mean": (int, float),
        "roofline_median": (int, float),
        "roofline_mean": (int, float),
        "inside": (int, float),
        "width": (int, float),
    },
}


@dataclass(frozen=True, slots=True)
class Bands:
    """Half-widths of one card's bands, what they come from as a sentence, and what was compared; None if nothing."""

    error: float
    errors: Mapping[tuple[str, str], float]
    basis: str
    compared: ComparedKernels | None


def accuracy_file() -> Path:
    """Return the file that holds the residual tables of GPUs as figures."""
    return course_root() / "data" / "accuracy" / "gpus.toml"


@cache
def bands_of(slug: str) -> Bands:
    """Return the bands of a card: from its own times, else from predicting other cards without theirs."""
    tables = _tables(accuracy_file())
    compared = [row for row in tables["compared"] if row["machine"] == slug]
    rows = [row for row in tables["band"] if row["machine"] == (slug if compared else LEFT_OUT)]
    # A kind's own row for any bottleneck stands in where there were too few times of one.
    errors = {(row["kind"], row["bottleneck"]): float(row["error"]) for row in rows}
    error = errors.pop((ANY, ANY))
    if not compared:
        basis = "Not tested on this card: its band comes from predicting other cards without their own times."
        return Bands(error, MappingProxyType(errors), basis, None)
    times = sum(row["times"] for row in compared)
    basis = f"Compared with {format_counted(times, 'published time')} of this card."
    return Bands(error, MappingProxyType(errors), basis, ComparedKernels.of_rows(compared))


@cache
def _tables(path: Path) -> dict[str, list[dict[str, Any]]]:
    return read_tables(path)  # once for all cards


def read_tables(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Read and check a file of residual tables.

    Raises
    ------
    ValueError
        If it is not valid TOML or a row lacks a field or has an impossible one; the message names file and field.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name}: not valid TOML: {error}") from error
    for name in content.keys() - _TABLES.keys():
        raise ValueError(f"{path.name}: {name} is no table of this file; known: {', '.join(_TABLES)}")
    tables = {name: content.get(name, []) for name in _TABLES}
    for name, rows in tables.items():
        if not isinstance(rows, list):
            raise ValueError(f"{path.name}: {name} must be [[{name}]] blocks, got {rows!r}")
        for number, row in enumerate(rows, start=1):
            _check_row(f"{path.name}: {name} {number}", row, _TABLES[name])
    return tables


def _check_row(where: str, row: Mapping[str, Any], fields: Mapping[str, type | tuple[type, ...]]) -> None:
    for key in row.keys() ^ fields.keys():
        raise ValueError(f"{where}: {key} is {'missing' if key in fields else 'not a field of this table'}")
    for key, kind in fields.items():
        value: Any = row[key]
        right = isinstance(value, kind) and not isinstance(value, bool)
        if not right or (kind is not str and not 0 <= value < math.inf):
            expected = "text" if kind is str else "a finite number of at least 0"
            raise ValueError(f"{where}: {key} must be {expected}, got {value!r}")
