"""Which machine of the catalogue is the one found here? Its peaks are then known; what was found stays."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from gpu_lessons.hardware.machines import Machine, machines

__all__ = ["Found", "known_cpu", "known_gpu", "sister_gpu", "with_found"]

_NOISE = frozenset(("nvidia", "geforce", "tesla", "gpu", "intel", "amd", "apple", "r", "tm", "cpu"))
_FORM_FACTORS = frozenset(("pcie", "sxm"))
#: CUDA counts the "16 GB" of one card as 15.8e9 bytes, those of another as 17.1e9.
_MEMORY_TOLERANCE = 0.12


class Found(NamedTuple):
    """A value found on this machine, and by what."""

    value: Any
    source: str


def known_gpu(name: str, sm_count: int | None, memory_bytes: int | None) -> Machine | None:
    """Return the GPU of the catalogue that CUDA calls ``name``, or None.

    Names alone are not enough: "NVIDIA H100 80GB HBM3" does not say SXM, and a name can be sold with several
    chips. So the number of SMs and the memory must agree too.

    Examples
    --------
    >>> known_gpu("Tesla T4", sm_count=40, memory_bytes=15_843_721_216).slug
    'nvidia-t4'
    """
    return _only(
        each
        for each in machines()
        if each.kind == "gpu"
        and _model(each.name) == _model(name)
        and len(_form_factors(each.name) | _form_factors(name)) <= 1
        and each.sm_count == sm_count
        and each.memory_bytes is not None
        and memory_bytes is not None
        and abs(memory_bytes / each.memory_bytes - 1) <= _MEMORY_TOLERANCE
    )


def sister_gpu(compute_capability: str) -> Machine | None:
    """Return some GPU of the catalogue with this compute capability: its SMs are built alike."""
    return next((each for each in machines() if each.compute_capability == compute_capability), None)


def known_cpu(name: str, cores: int | None) -> Machine | None:
    """Return the CPU of the catalogue whose name is part of ``name``, or None.

    A virtual machine with a few cores of a big CPU is not that CPU: the number of cores must agree.

    Examples
    --------
    >>> known_cpu("AMD Ryzen 9 7950X 16-Core Processor", cores=16).slug
    'amd-ryzen-9-7950x'
    """
    words = f" {' '.join(_words(name))} "
    return _only(
        each
        for each in machines()
        if each.kind == "cpu" and each.cores in (None, cores) and f" {' '.join(_words(each.name))} " in words
    )


def with_found(base: Machine, found: Mapping[str, Found]) -> Machine:
    """Return ``base`` with what was found here over it, and the sources to match.

    Parameters
    ----------
    base : Machine
        A machine of the catalogue under its new slug, or one of which only the name is known.
    found : mapping of field, or ``"field.dtype"``, to Found
        A value of None is left out.
    """
    values: dict[str, Any] = {}
    sources = dict(base.sources)
    for key, (value, source) in found.items():
        if value is None:
            continue
        sources[key] = source
        name, _, dtype = key.partition(".")
        if dtype:
            values[name] = MappingProxyType({**values.get(name, getattr(base, name)), dtype: value})
        else:
            values[name] = value
    return replace(base, **values, sources=MappingProxyType(sources))


def _words(name: str) -> list[str]:
    return [word for word in re.findall(r"[a-z0-9]+", name.lower()) if word not in _NOISE]


def _model(name: str) -> list[str]:
    """Return what names the chip: no memory, no form factor. "NVIDIA A100-SXM4-40GB" is ["a100"]."""
    spaced = re.sub(r"\b(\d+) ?gb\b|\bhbm\d\w?\b|\bpcie\b|\bsxm\d?\b", " ", name.lower())
    return _words(spaced)


def _form_factors(name: str) -> set[str]:
    return set(re.findall(r"[a-z]+", name.lower())) & _FORM_FACTORS


def _only(candidates: Iterable[Machine]) -> Machine | None:
    found = list(candidates)
    return found[0] if len(found) == 1 else None
