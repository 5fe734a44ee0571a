"""Numbers with SI units inside, text for people outside."""

from __future__ import annotations

import math
import sys

__all__ = [
    "DTYPE_BYTES",
    "format_bytes",
    "format_count",
    "format_counted",
    "format_factor",
    "format_rate",
    "format_share",
    "format_time",
]

#: Bytes of one element of each number format the course uses.
DTYPE_BYTES = {"float16": 2, "float32": 4, "float64": 8}

_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_TIMES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def _written(text: str) -> str:
    """Return ``text`` with u and x for µ and × where it could not be printed: a console in ASCII or cp932 has no µ."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return text.replace("µ", "u").replace("×", "x")
    return text


def _three_digits(value: float) -> str:
    """Return ``value`` with at least two and at most three significant digits, never in E notation."""
    if value == 0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _prefixed(value: float, unit: str) -> str:
    for factor, prefix in _PREFIXES:
        if abs(value) >= factor * 0.9995:  # 999.6 k would print as "1,000 k"
            return f"{_three_digits(value / factor)} {prefix}{unit}"
    return f"{_three_digits(value)} {unit}".rstrip()


def format_time(time_s: float) -> str:
    """Return a time in the unit people say: ``format_time(1.89e-4) == "189 µs"``.

    Parameters
    ----------
    time_s : float
        Seconds. From one minute on, minutes, hours and days are used.
    """
    if not math.isfinite(time_s):
        return "unknown"
    for limit_s, unit in ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if abs(time_s) >= 2 * limit_s:
            return f"{_three_digits(time_s / limit_s)} {unit}"
    for factor, unit in _TIMES:
        if abs(time_s) >= factor * 0.9995:
            return _written(f"{_three_digits(time_s / factor)} {unit}")
    return f"{_three_digits(time_s / 1e-9)} ns"


def format_bytes(size_bytes: float) -> str:
    """Return a size in decimal units: ``format_bytes(16e9) == "16 GB"`` (1 GB is 10**9 bytes)."""
    return _prefixed(size_bytes, "B")


def format_rate(rate_per_s: float, unit: str) -> str:
    """Return a rate: ``format_rate(8.14e12, "FLOP/s") == "8.14 TFLOP/s"``."""
    return _prefixed(rate_per_s, unit)


def format_count(count: int) -> str:
    """Return a count as an axis label says it: 256, 2k, 16k (k is 1,024 here, as sizes are powers of two)."""
    return f"{count // 1024}k" if count >= 1024 and count % 1024 == 0 else f"{count:,}"


def format_counted(count: int, noun: str) -> str:
    """Return a count with its noun: ``format_counted(1024, "block") == "1,024 blocks"``."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def format_share(share: float) -> str:
    """Return a part of 1 in per cent: ``format_share(0.128) == "13%"``, and with a digit more below a tenth."""
    return f"{share:.0%}" if share >= 0.0995 else f"{share:.1%}"


def format_factor(factor: float) -> str:
    """Return how many times as much: ``format_factor(84.2) == "84×"``; two digits are enough for a ratio."""
    if factor >= 10:
        digits = max(0, math.floor(math.log10(factor)) - 1)
        return _written(f"{round(factor, -digits):,.0f}×")
    return _written(f"{factor:.2g}×")
