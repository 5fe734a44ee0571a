"""Refuse impossible sizes in one sentence, before anything is allocated."""

from __future__ import annotations

import operator

from gpu_lessons.units import DTYPE_BYTES

__all__ = ["require_choice", "require_count", "require_dtype", "require_power_of_two"]


def require_count(name: str, value: object, *, at_least: int = 1) -> int:
    """Return ``value`` as an ``int``.

    Raises
    ------
    TypeError
        If it is no integer (a ``bool`` is none).
    ValueError
        If it is smaller than ``at_least``.
    """
    allowed = f"{name} must be an integer of at least {at_least}, got {value!r}"
    if isinstance(value, bool):
        raise TypeError(allowed)
    try:
        count = operator.index(value)  # type: ignore[arg-type]  # the TypeError is what is asked for
    except TypeError:
        raise TypeError(allowed) from None
    if count < at_least:
        raise ValueError(allowed)
    return count


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
            f"{name} must be a power of two from {2 ** exponents[0]:,} to {2 ** exponents[-1]:,}, got {value}"
        )
    return exponent


def require_choice(name: str, value: object, choices: tuple[str, ...]) -> str:
    """Return ``value`` if it is one of ``choices``; a ``ValueError`` names them otherwise."""
    if isinstance(value, str) and value in choices:
        return value
    raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


def require_dtype(dtype: object) -> str:
    """Return the name of a number format the course counts: float16, float32 or float64."""
    name = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", None) or getattr(dtype, "name", dtype)
    return require_choice("dtype", name, tuple(DTYPE_BYTES))
