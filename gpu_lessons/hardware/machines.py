"""The catalogue of machines: one TOML file a GPU or CPU, every number with its source."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gpu_lessons.arguments import shown
from gpu_lessons.hardware.course import course_root
from gpu_lessons.units import DTYPE_BYTES

__all__ = ["Machine", "UnknownMachineError", "load_machine", "machine", "machines", "parse_machine"]


def _no_numbers() -> Mapping[str, float]:
    return MappingProxyType({})


def _no_sources() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Machine:
    """One GPU or CPU: what its makers state, and what others measured.

    Units end the names and are SI. A value nobody could source is None, or a missing key in a table by dtype.

    Attributes
    ----------
    slug, name, kind, vendor : str
        ``slug`` names it in code, ``name`` in text; ``kind`` is ``"gpu"`` or ``"cpu"``.
    peak_flops_per_s : mapping of dtype to float
        FLOP/s of a matrix product: float16 and, where they exist for it, float64 on tensor cores.
        For a CPU all cores at base clock.
    sustained_share_of_peak, sustained_flops_per_s : mapping of dtype to float
        What large matrix products reached, measured by others. Above 1 where a card boosts past its rated clock.
    memory_bytes, memory_bandwidth_bytes_per_s : int, float
        Capacity and data-sheet bandwidth; the ``sustained`` names beside them are measured by others.
        A stencil reaches less than plain reading and writing does.
    throttles_after_s, throttled_share, unaligned_share, long_row_share : float
        As in `gpu_lessons.model.GpuCalibration`.
    cache_bytes, cache_bandwidth_bytes_per_s : int, float
        L2 of a GPU, last level of a CPU.
    link_name, link_bandwidth_bytes_per_s : str, float
        Link between CPU and GPU, nominal, one direction; ``sustained_...`` is measured with pinned memory.
    launch_overhead_s : float
        From the call to the host seeing an empty kernel done: launching and waiting, one after the other.
    sm_count, lanes_per_sm, l1_bytes_per_sm, max_threads_per_sm : int
        Of a GPU. ``lanes_per_sm`` counts float32 lanes ("CUDA cores").
    clock_hz, base_clock_hz : float
        Boost and base clock.
    cores, threads, max_memory_bytes, simd
        Of a CPU.
    sources : mapping of str to str
        Where each value comes from: ``sources["sm_count"]``, ``sources["peak_flops_per_s.float32"]``.
    """

    slug: str
    name: str
    kind: str
    vendor: str
    architecture: str | None = None
    launch_date: str | None = None
    peak_flops_per_s: Mapping[str, float] = field(default_factory=_no_numbers)
    sustained_share_of_peak: Mapping[str, float] = field(default_factory=_no_numbers)
    sustained_flops_per_s: Mapping[str, float] = field(default_factory=_no_numbers)
    memory_bytes: int | None = None
    memory_bandwidth_bytes_per_s: float | None = None
    sustained_share_of_memory_bandwidth: float | None = None
    stencil_share_of_memory_bandwidth: float | None = None
    sustained_memory_bandwidth_bytes_per_s: float | None = None
    cache_bytes: int | None = None
    cache_bandwidth_bytes_per_s: float | None = None
    link_name: str | None = None
    link_bandwidth_bytes_per_s: float | None = None
    sustained_link_bandwidth_bytes_per_s: float | None = None
    launch_overhead_s: float | None = None
    throttles_after_s: float | None = None
    throttled_share: float | None = None
    unaligned_share: float | None = None
    long_row_share: float | None = None
    sm_count: int | None = None
    lanes_per_sm: int | None = None
    clock_hz: float | None = None
    base_clock_hz: float | None = None
    l1_bytes_per_sm: int | None = None
    max_threads_per_sm: int | None = None
    compute_capability: str | None = None
    shares_memory_with_cpu: bool = False
    cores: int | None = None
    threads: int | None = None
    max_memory_bytes: int | None = None
    simd: str | None = None
    power_w: float | None = None
    launch_price_usd: float | None = None
    notes: str | None = None
    sources: Mapping[str, str] = field(default_factory=_no_sources)

    def __hash__(self) -> int:
        return hash(self.slug)


_IDENTITY = {"name", "kind", "vendor", "notes"}
#: What a source can state, and its annotation: a new field of the dataclass is at once read and checked.
_FIELDS = {each.name: each.type for each in fields(Machine) if each.name not in _IDENTITY | {"slug", "sources"}}

#: Cards that boost past their rated clock reach 1.16 of their rated peak; 1.25 and more is a slip of the pen.
_LARGEST_SHARE = 1.25
_LAUNCH_DATE = re.compile(r"(\d{4})(?:-Q([1-4])|-(\d{2})-(\d{2}))?")


class UnknownMachineError(KeyError):
    """No machine of the catalogue has this slug; the message names the nearest ones."""

    def __init__(self, slug: str, known: Sequence[str]) -> None:
        super().__init__(slug)
        self._sentence = f"no machine {shown(slug)} in the catalogue; nearest: {', '.join(_nearest(slug, known))}"

    def __str__(self) -> str:  # KeyError would show the message in quotes
        return self._sentence


def _nearest(slug: str, known: Sequence[str]) -> list[str]:
    words = re.findall(r"[a-z0-9]+", slug.lower())
    with_all_words = [each for each in known if words and set(words) <= set(each.split("-"))]
    return with_all_words[:4] or difflib.get_close_matches(slug.lower(), known, n=3, cutoff=0.0)


def machines() -> list[Machine]:
    """Return the catalogue: GPUs first, then CPUs, each by launch date and name.

    Examples
    --------
    >>> {found.kind for found in machines()} == {"gpu", "cpu"}
    True
    """
    return sorted(map(_from_catalogue, _slugs()), key=_catalogue_order)


def machine(slug: str) -> Machine:
    """Return one machine of the catalogue.

    Raises
    ------
    TypeError
        If ``slug`` is not a string.
    UnknownMachineError
        If the catalogue has no such machine; a ``KeyError``.

    Examples
    --------
    >>> machine("nvidia-t4").sm_count
    40
    """
    if not isinstance(slug, str):
        raise TypeError(f"slug must be a string such as 'nvidia-t4', got {shown(slug)}")
    if slug not in _slugs():
        raise UnknownMachineError(slug, _slugs())
    return _from_catalogue(slug)


@cache
def _slugs() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in (course_root() / "data" / "machines").glob("*.toml")))


@cache
def _from_catalogue(slug: str) -> Machine:
    return load_machine(course_root() / "data" / "machines" / f"{slug}.toml")


def _catalogue_order(found: Machine) -> tuple[bool, tuple[int, int, int], str]:
    match = _LAUNCH_DATE.fullmatch(found.launch_date or "")
    if match is None:
        return found.kind == "cpu", (9999, 0, 0), found.name
    year, quarter, month, day = (int(part or 0) for part in match.groups())
    return found.kind == "cpu", (year, month or 3 * quarter, day), found.name


def load_machine(path: Path) -> Machine:
    """Read and check one machine file; its slug is the file's name.

    Parameters
    ----------
    path : Path
        A TOML file with ``name``, ``kind``, ``vendor``, perhaps ``notes``, and ``[[facts]]`` blocks: each a
        ``source`` and the values that this source states.

    Raises
    ------
    ValueError
        If the file is not valid TOML, lacks a source, or holds an unknown field or an impossible value. The
        message names the file and the field.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name}: not valid TOML: {error}") from error
    return parse_machine(path.name, path.stem, content)


def parse_machine(where: str, slug: str, content: Mapping[str, Any]) -> Machine:
    """Check and return a machine read from a file; ``where`` begins every message.

    Raises
    ------
    ValueError
        As in `load_machine`.
    """
    identity = _checked_identity(where, content)
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for key, value, source in _facts(where, content):
        if key in sources:
            raise ValueError(f"{where}: {key} is given twice, by {sources[key]!r} and by {source!r}")
        sources[key] = source
        name, _, dtype = key.partition(".")
        if dtype:
            values.setdefault(name, {})[dtype] = value
        else:
            values[name] = value
    values = {name: MappingProxyType(v) if isinstance(v, dict) else v for name, v in values.items()}
    return Machine(slug=slug, **identity, **values, sources=MappingProxyType(sources))


def _checked_identity(file: str, content: Mapping[str, Any]) -> dict[str, Any]:
    for key in content.keys() - _IDENTITY - {"facts"}:
        raise ValueError(f"{file}: {key} stands outside a [[facts]] block, so it has no source")
    for key in sorted(_IDENTITY - {"notes"} | content.keys() & {"notes"}):
        value = content.get(key)
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{file}: {key} must be text, got {value!r}")
    if content["kind"] not in ("gpu", "cpu"):
        raise ValueError(f"{file}: kind must be 'gpu' or 'cpu', got {content['kind']!r}")
    return {key: content[key] for key in _IDENTITY & content.keys()}


def _facts(file: str, content: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Yield (``field`` or ``field.dtype``, checked value, source) for every value of the file."""
    blocks = content.get("facts", [])
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise ValueError(f"{file}: facts must be [[facts]] blocks, got {blocks!r}")
    for number, block in enumerate(blocks, start=1):
        source = block.get("source")
        values = {key: value for key, value in block.items() if key != "source"}
        if not isinstance(source, str) or not source.strip():
            raise ValueError(f"{file}: facts block {number} has no source for {', '.join(values) or 'its values'}")
        for key, value in values.items():
            if key not in _FIELDS:
                [near] = difflib.get_close_matches(key, _FIELDS, n=1, cutoff=0.0)
                raise ValueError(f"{file}: {key} is not a field of a machine; the nearest is {near}")
            if _FIELDS[key] == "Mapping[str, float]":
                yield from ((name, rate, source) for name, rate in _checked_table(file, key, value))
            else:
                yield key, _checked_value(file, key, value), source


def _checked_table(file: str, key: str, table: object) -> Iterator[tuple[str, float]]:
    if not isinstance(table, dict) or not table.keys() <= DTYPE_BYTES.keys():
        raise ValueError(f"{file}: {key} must be a table by {', '.join(DTYPE_BYTES)}, got {table!r}")
    for dtype, value in table.items():
        yield f"{key}.{dtype}", _checked_number(file, f"{key}.{dtype}", value)


def _checked_value(file: str, key: str, value: object) -> object:
    match _FIELDS[key]:
        case "bool":
            if not isinstance(value, bool):
                raise ValueError(f"{file}: {key} must be true or false, got {value!r}")
        case "str | None":
            if not isinstance(value, str) or not value.strip():
                raise ValueError(f"{file}: {key} must be text, got {value!r}")
            if key == "launch_date" and not _LAUNCH_DATE.fullmatch(value):
                raise ValueError(f"{file}: launch_date must be like 2018-09-13, 2018-Q3 or 2018, got {value!r}")
        case "int | None":
            _checked_number(file, key, value)
            if not isinstance(value, int):
                raise ValueError(f"{file}: {key} must be a whole number, got {value!r}")
        case _:
            return _checked_number(file, key, value)
    return value


def _checked_number(file: str, key: str, value: object) -> float:
    limit = _LARGEST_SHARE if "share_of" in key else math.inf
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if not (math.isfinite(number) and 0 < number <= limit):
        at_most = f" and at most {limit}" if limit < math.inf else ""
        raise ValueError(f"{file}: {key} must be a finite number above 0{at_most}, got {value!r}")
    return float(number)
