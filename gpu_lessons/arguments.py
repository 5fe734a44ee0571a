"""Refuse impossible sizes in one sentence, before anything is allocated."""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Sequence
from typing import TypeVar

from gpu_lessons.units import DTYPE_BYTES

__all__ = [
    "require_choice",
    "require_count",
    "require_dtype",
    "require_number_of",
    "require_power_of_two",
    "require_seconds",
    "shown",
]

# No size of anything is larger, and the products of a few such still fit into a float.
_LARGEST_COUNT = 2**63 - 1
_LONGEST_SHOWN = 80

_Number = TypeVar("_Number", bound=float)


def shown(value: object) -> str:
    """Return ``value`` as it may stand in a sentence: on one line and short, even a large array or a long text."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # an integer of more than 4,300 digits, an array whose memory was freed
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]} ..."


def require_count(name: str, value: object, *, at_least: int = 1) -> int:
    """Return ``value`` as an ``int``.

    Raises
    ------
    TypeError
        If it is no integer (a ``bool`` is none).
    ValueError
        If it is smaller than ``at_least``, or larger than a 64-bit integer.
    """
    allowed = f"{name} must be an integer of at least {at_least}, got {shown(value)}"
    if isinstance(value, bool) or str(getattr(value, "dtype", "")) == "bool":  # NumPy 2.0 still counts with its own
        raise TypeError(allowed)
    try:
        count = operator.index(value)  # type: ignore[arg-type]  # the TypeError is what is asked for
    except TypeError:
        raise TypeError(allowed) from None
    if count < at_least:
        raise ValueError(allowed)
    if count > _LARGEST_COUNT:
        raise ValueError(f"{name} must be an integer of at most 2**63 - 1, got {shown(value)}")
    return count


def require_seconds(name: str, value: object, *, at_least: float | None = None) -> float:
    """Return ``value`` as a ``float``: seconds above 0, or of at least ``at_least``.

    Raises
    ------
    TypeError
        If it is no number (a ``bool`` is none).
    ValueError
        If it is not finite, or too small.
    """
    bound = "above 0" if at_least is None else f"of at least {at_least:g}"
    allowed = f"{name} must be a number of seconds {bound}, got {shown(value)}"
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(allowed)
    try:
        seconds = float(value)
    except OverflowError:
        raise ValueError(allowed) from None
    if not math.isfinite(seconds) or not (seconds > 0 if at_least is None else seconds >= at_least):
        raise ValueError(allowed)
    return seconds


def require_power_of_two(name: str, value: object, exponents: range) -> int:
    """Return the exponent of ``value``, a power of two with one of ``exponents``.

    Raises
    ------
    TypeError, ValueError
        If it is another number, or none.
    """
    count = require_count(name, value)
    exponent = count.bit_length() - 1
    if 2**exponent != count or exponent not in exponents:
        raise ValueError(
            f"{name} must be a power of two from {2 ** exponents[0]:,} to {2 ** exponents[-1]:,}, got {shown(value)}"
        )
    return exponent


def require_choice(name: str, value: object, choices: tuple[str, ...]) -> str:
    """Return ``value`` if it is one of ``choices``; a ``ValueError`` names them otherwise."""
    if isinstance(value, str) and value in choices:
        return value
    raise ValueError(f"{name} must be one of {', '.join(choices)}, got {shown(value)}")


def require_number_of(name: str, value: object, choices: Sequence[_Number]) -> _Number:
    """Return the one of ``choices`` that equals ``value``; a ``ValueError`` names them otherwise."""
    if isinstance(value, bool) or value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(f'{each:g}' for each in choices)}, got {shown(value)}")
    return choices[choices.index(value)]


def require_dtype(dtype: object) -> str:
    """Return the name of a number format the course counts: float16, float32 or float64."""
    name = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", None) or getattr(dtype, "name", dtype)
    return require_choice("dtype", name, tuple(DTYPE_BYTES))
