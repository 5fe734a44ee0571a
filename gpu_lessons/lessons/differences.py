"""How a value differs from the expected one, in a few words that quote both."""

from __future__ import annotations

import math
import numbers
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from gpu_lessons.hardware.machines import Machine

__all__ = ["describe", "difference"]

_MOST_ITEMS = 8
_LONGEST_TEXT = 60
_FEWEST_DIGITS = 4

# A count is exact. As a float it may have been rounded on the way.
_COUNT_RTOL = 1e-12


def describe(value: object, digits: int = _FEWEST_DIGITS) -> str:
    """Return ``value`` in a few words: small ones in full with ``digits`` digits, large arrays by shape and dtype."""
    if isinstance(value, np.ndarray) and value.size <= _MOST_ITEMS:
        text = np.array2string(value, precision=digits, separator=", ", max_line_width=1000)
        return f"array({' '.join(text.split())})".replace("[ ", "[")
    if isinstance(value, list | tuple):
        opening, closing = "[]" if isinstance(value, list) else ("(", ",)" if len(value) == 1 else ")")
        shown = [describe(item, digits) for item in value[:_MOST_ITEMS]]
        if len(value) > _MOST_ITEMS:
            shown[3:] = [f"... {len(value)} items"]
        return f"{opening}{', '.join(shown)}{closing}"
    if isinstance(value, float | np.floating):
        return _rounded(float(value), digits)
    if isinstance(value, np.generic):
        return str(value)
    if isinstance(value, Machine):
        return f'gl.machine("{value.slug}")'
    if hasattr(value, "shape") and hasattr(value, "dtype"):  # large, or on a device: its numbers would cross the bus
        return f"array of shape {value.shape}, {value.dtype}"
    return _short_repr(value)


def _rounded(number: float, digits: int) -> str:
    """Return a float with ``digits`` digits; a whole number keeps all of its own."""
    if number.is_integer() and abs(number) < 1e15:
        return repr(number)
    text = f"{number:.{digits}g}"
    return text if "e" in text or not math.isfinite(number) else repr(float(text))


def _short_repr(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # the learner's own __repr__ may be broken
        text = "<"
    if text.startswith("<"):  # "<__main__.Layer object at 0x7f...>" differs from run to run
        return _kind(value)
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 3]}..."


def _kind(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def difference(got: object, expected: object, *, rtol: float) -> str:
    """Return how ``got`` differs from ``expected``, or an empty text if it does not.

    Parameters
    ----------
    got : object
        Anything a learner may have computed.
    expected : number, text, bool, array, or tuple or list of these
        A tuple is compared item by item; a list of numbers also accepts a tuple or an array.
    rtol : float
        Allowed difference, relative to the largest number expected. Whole numbers must be met exactly.
    """
    if isinstance(expected, tuple):
        return _tuple_difference(got, expected, rtol)
    if isinstance(expected, bool | np.bool_ | str):
        same_kind = isinstance(got, str if isinstance(expected, str) else (bool, np.bool_))
        return "" if same_kind and got == expected else _both(got, expected)
    if isinstance(got, Fraction | Decimal):
        got = float(got)
    if not _is_numeric(got, like=expected):
        return _both(got, expected)
    return _numeric_difference(np.asarray(got), np.asarray(expected), got, expected, rtol)


def _both(got: object, expected: object) -> str:
    """Return both in as many digits as it takes to tell them apart, and their kinds if no digits do."""
    for digits in (_FEWEST_DIGITS, 6, 9, 17):
        texts = describe(expected, digits), describe(got, digits)
        if texts[0] != texts[1]:
            formats = [f" in {each.dtype}" if isinstance(each, np.ndarray) else "" for each in (expected, got)]
            if digits == _FEWEST_DIGITS or formats[0] == formats[1]:
                formats = ["", ""]
            return f"expected {texts[0]}{formats[0]}, got {texts[1]}{formats[1]}"
    kinds = _kind(expected), _kind(got)
    if kinds[0] == kinds[1]:
        return f"expected {texts[0]}, got another {type(got).__name__} that looks alike"
    return f"expected {texts[0]}, {kinds[0]}, got {texts[1]}, {kinds[1]}"


def _tuple_difference(got: object, expected: tuple[object, ...], rtol: float) -> str:
    if not isinstance(got, tuple | list) or len(got) != len(expected):
        return f"expected {len(expected)} values, got {describe(got)}"
    for position, (one, other) in enumerate(zip(got, expected, strict=True), start=1):
        found = difference(one, other, rtol=rtol)
        if found:
            return f"value {position} of {len(expected)}: {found}"
    return ""


def _is_numeric(got: object, *, like: object) -> bool:
    """Return whether ``got`` is made of numbers and of the kind of ``like``: number, list or array."""
    if isinstance(got, bool | np.matrix):
        return False
    allowed: tuple[type, ...] = (np.ndarray, numbers.Number)
    if isinstance(like, list):
        allowed = (list, tuple, np.ndarray)
    if not isinstance(got, allowed):
        return False
    try:
        dtype = np.asarray(got).dtype
    except Exception:  # ragged lists, arrays of a device, classes of the learner's
        return False
    if np.issubdtype(dtype, np.complexfloating):
        return np.issubdtype(np.asarray(like).dtype, np.complexfloating)
    return np.issubdtype(dtype, np.number)


def _numeric_difference(
    got: npt.NDArray[Any], expected: npt.NDArray[Any], shown_got: object, shown_expected: object, rtol: float
) -> str:
    if got.shape != expected.shape:
        return f"expected {_shape(expected, shown_expected)}, got {_shape(got, shown_got)}"
    if np.issubdtype(expected.dtype, np.integer):
        rtol = min(rtol, _COUNT_RTOL)
    scale = float(np.max(np.abs(expected[np.isfinite(expected)]), initial=0.0)) or 1.0
    close = np.isclose(got, expected, rtol=0.0, atol=rtol * scale, equal_nan=True)
    if close.all():
        return ""
    if expected.size <= _MOST_ITEMS:
        return _both(shown_got, shown_expected)
    first = tuple(int(index) for index in np.argwhere(~close)[0])
    wrong = f"{np.count_nonzero(~close):,} of {close.size:,} numbers differ"
    return f"{wrong}, the first at {list(first)}: {_both(got[first], expected[first])}"


def _shape(array: npt.NDArray[Any], shown: object) -> str:
    if array.size <= _MOST_ITEMS:
        return f"{describe(shown)} of shape {array.shape}" if array.shape else f"the number {describe(shown)}"
    return f"shape {array.shape}"
