"""Read a number as people type it: 84×, 1 000, 20k, half, 1/2, 50 %, 6 µs."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

__all__ = ["read_number"]

# fmt: off
_SECONDS = {
    "second": 1.0, "sec": 1.0, "millisecond": 1e-3, "microsecond": 1e-6, "nanosecond": 1e-9, "minute": 60.0,
    "min": 60.0, "hour": 3600.0, "hr": 3600.0, "day": 86400.0, "week": 604800.0,
}
# fmt: on
_TIMES = (
    {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "μs": 1e-6, "us": 1e-6, "ns": 1e-9, "h": 3600.0}
    | _SECONDS
    | {f"{word}s": seconds for word, seconds in _SECONDS.items()}
)
_SIZES = {"b": 1.0, "byte": 1.0, "bytes": 1.0} | {
    prefix + form: factor
    for prefix, factor, binary in (("k", 1e3, 2**10), ("m", 1e6, 2**20), ("g", 1e9, 2**30), ("t", 1e12, 2**40))
    for form, factor in (("", factor), ("b", factor), ("ib", float(binary)))
}
_FACTORS = dict.fromkeys(("×", "x", "time", "times", "fold", "-fold"), 1.0)
_PERCENT = dict.fromkeys(("%", "percent", "per cent", "pct"), 1.0)

#: What may stand after "20", before the unit. Where "m" is a unit of its own, it is that.
_MULTIPLES = {
    "hundred": 1e2,
    "k": 1e3,
    "thousand": 1e3,
    "m": 1e6,
    "mio": 1e6,
    "million": 1e6,
    "bn": 1e9,
    "billion": 1e9,
}

# fmt: off
_WORDS = {
    "zero": 0.0, "tenth": 0.1, "quarter": 0.25, "third": 1 / 3, "half": 0.5, "one": 1.0, "once": 1.0, "two": 2.0,
    "twice": 2.0, "double": 2.0, "three": 3.0, "triple": 3.0, "four": 4.0, "five": 5.0, "six": 6.0, "seven": 7.0,
    "eight": 8.0, "nine": 9.0, "ten": 10.0, "eleven": 11.0, "twelve": 12.0, "fifteen": 15.0, "twenty": 20.0,
    "thirty": 30.0, "forty": 40.0, "fifty": 50.0, "sixty": 60.0, "seventy": 70.0, "eighty": 80.0, "ninety": 90.0,
}
# fmt: on

_SIGNS = {"½": " 1/2", "⅓": " 1/3", "⅔": " 2/3", "¼": " 1/4", "¾": " 3/4", "⅛": " 1/8", "⁄": "/", "’": "'", "·": "."}
_ABOUT = re.compile(r"^(?:[~≈≃+]|(?:about|around|roughly|approximately|approx\.?|circa|ca\.?|maybe)\s)\s*")
_COMPARED = re.compile(
    r"\s*(?:as (?:fast|much|many|long|large)|faster|more|longer|higher|larger|bigger|greater)(?: as)?$"
)
_NUMBER = re.compile(
    r"(?P<whole>\d+ )?(?P<top>\d+) ?/ ?(?P<bottom>\d+)"
    r"|(?P<base>\d+) ?(?:\^|\*\*) ?(?P<power>\d+)"
    r"|(?P<digits>\d{1,3}(?: \d{3})+(?:[.,]\d+)?|[\d.,'_]*\d[\d.,'_]*)(?P<exponent>e[+-]?\d+)?"
)


def read_number(text: str, unit: str, allows: Callable[[float], bool]) -> float:
    """Return the number in ``text``, in ``unit``.

    Parameters
    ----------
    text : str
        What was typed.
    unit : str
        ``"×"``, ``"%"``, a unit of time or size such as ``"s"`` or ``"B"``, or a plural noun.
    allows : callable
        Tells whether the question allows a number. It decides between the two readings of "1.000".

    Raises
    ------
    ValueError
        If ``text`` is no number of this unit, or can be read in two ways; the text of the error completes the
        sentence "got ...".
    """
    clean = " ".join("".join(_SIGNS.get(sign, sign) for sign in text.lower()).split())
    clean = _COMPARED.sub("", _ABOUT.sub("", clean)) if unit == "×" else _ABOUT.sub("", clean)
    readings, rest = _leading_number(clean)
    factor = _factor(rest.strip(), unit)
    if factor is None or not readings:
        raise ValueError(f'"{text}"{_other_kind(rest.strip())}')
    numbers = [factor * number for number in readings]
    if not all(map(math.isfinite, numbers)):
        raise ValueError(f'"{text}"')
    allowed = [number for number in numbers if allows(number)]
    if len(allowed) > 1:
        raise ValueError(f'"{text}", which can mean {readings[0]:g} or {readings[1]:,.0f}; type one of these')
    return (allowed or numbers)[0]


def _leading_number(clean: str) -> tuple[list[float], str]:
    """Return the number at the start, in each way it can be read, and the text after it; none if there is none."""
    match = _NUMBER.match(clean)
    if not match:
        article, word, rest = re.match(r"((?:an?|one) (?=[a-z]))?([a-z]*)(?: an? | of | )?(.*)", clean).groups()  # type: ignore[union-attr]
        if word in _WORDS:
            return [_WORDS[word]], rest
        return ([1.0], clean.removeprefix(article)) if article else ([], clean)
    try:
        return _values(match), clean[match.end() :]
    except (ArithmeticError, ValueError):
        return [], clean


def _values(match: re.Match[str]) -> list[float]:
    if match["top"]:
        return [float(match["whole"] or 0) + int(match["top"]) / int(match["bottom"])]
    if match["base"]:
        return [float(match["base"]) ** float(match["power"])]
    digits = re.sub(r"[ '_]", "", match["digits"])
    return [float(each + (match["exponent"] or "")) for each in _decimals(digits)]


def _decimals(digits: str) -> list[str]:
    """Return what Python reads, for a number with points and commas; two texts where a point can group or not."""
    if "," in digits and "." in digits:  # the last one is decimal
        group, decimal = (",", ".") if digits.rindex(",") < digits.rindex(".") else (".", ",")
        if not re.fullmatch(rf"\d{{1,3}}(\{group}\d{{3}})+\{decimal}\d*", digits):
            raise ValueError
        return [digits.replace(group, "").replace(decimal, ".")]
    if re.fullmatch(r"[1-9]\d{0,2}(,\d{3})+|[1-9]\d{0,2}(\.\d{3}){2,}", digits):  # a comma groups in this course
        return [re.sub("[.,]", "", digits)]
    if re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", digits):
        return [digits, digits.replace(".", "")]
    return [digits.replace(",", ".")]


def _factor(rest: str, unit: str) -> float | None:
    """Return by how much a number with ``rest`` after it is to be multiplied; None if that is no such unit."""
    units = _units(unit)
    if rest in units:
        return units[rest]
    for word, multiple in sorted(_MULTIPLES.items(), key=lambda item: -len(item[0])):
        after = rest.removeprefix(word)
        if after != rest and not (len(word) > 1 and after[:1].isalpha()) and after.strip().removeprefix("s ") in units:
            return multiple * units[after.strip().removeprefix("s ")]
    return None


def _units(unit: str) -> dict[str, float]:
    """Return what may be typed for ``unit``, in lower case, and what it stands for; nothing is the unit itself."""
    own = unit.lower()
    if unit == "×":
        return {"": 1.0} | _FACTORS | dict.fromkeys(_PERCENT, 0.01)
    if unit == "%":
        return {"": 1.0} | _PERCENT
    for known in (_TIMES, _SIZES):
        if own in known:
            return {"": 1.0} | {name: factor / known[own] for name, factor in known.items()}
    return dict.fromkeys(("", own, own.removesuffix("s"), own.removesuffix("es")), 1.0)


def _other_kind(rest: str) -> str:
    kinds = (("a time", _TIMES), ("a size", _SIZES), ("a factor", _FACTORS), ("a percentage", _PERCENT))
    return next((f", which is {kind}" for kind, units in kinds if rest in units), "")
