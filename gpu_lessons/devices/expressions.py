"""The small part of C that a course writes in a kernel: assignments of arithmetic, parsed, never run as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gpu_lessons.devices.rows import names

__all__ = ["Program", "parse"]

Values = dict[str, Any]
Term = Callable[[Values], Any]

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fFuUlL]*)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign><<|>>|<=|>=|==|!=|&&|\|\||\+=|-=|\*=|/=|[-+*/%<>=!?:(),;&|^~]))"
)
_TYPES = names("""
    float double int long short bool auto const unsigned half T float32 float64 int32 int64
""")

_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in names("exp exp2 expm1 log log2 log10 log1p sqrt cbrt sin cos tan")},
    **{name: getattr(np, name) for name in names("sinh cosh tanh floor ceil trunc rint hypot isnan isinf fmod")},
    "abs": np.abs,
    "acos": np.arccos,
    "asin": np.arcsin,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "fabs": np.abs,
    "fmax": np.fmax,
    "fmin": np.fmin,
    "max": np.maximum,
    "min": np.minimum,
    "pow": np.power,
    "rsqrt": lambda x: 1 / np.sqrt(x),
}


def _divided(a: Any, b: Any) -> Any:  # noqa: ANN401
    """Divide as C does: of integers the whole part."""
    if np.asarray(a).dtype.kind in "biu" and np.asarray(b).dtype.kind in "biu":
        return np.trunc(np.true_divide(a, b)).astype(np.result_type(a, b))
    return np.true_divide(a, b)


#: From the loosest to the tightest.
_LEVELS: tuple[Mapping[str, Callable[..., Any]], ...] = (
    {"||": np.logical_or},
    {"&&": np.logical_and},
    {"|": np.bitwise_or},
    {"^": np.bitwise_xor},
    {"&": np.bitwise_and},
    {"==": np.equal, "!=": np.not_equal},
    {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal},
    {"<<": np.left_shift, ">>": np.right_shift},
    {"+": np.add, "-": np.subtract},
    {"*": np.multiply, "/": _divided, "%": np.fmod},
)
_UNARY: Mapping[str, Callable[..., Any]] = {"-": np.negative, "+": np.positive, "!": np.logical_not, "~": np.invert}


class Program:
    """Assignments in order.

    Attributes
    ----------
    operations : int
        Operations for one number.
    assigned : frozenset of str
        Names that it gives a value.
    """

    def __init__(self, steps: list[tuple[str, Term]], operations: int) -> None:
        self._steps = steps
        self.operations = operations
        self.assigned = frozenset(name for name, _ in steps)

    def run(self, values: Values) -> Values:
        """Return all names with their values after the last assignment."""
        values = dict(values)
        for name, term in self._steps:
            values[name] = term(values)
        return values


def parse(text: str, known: frozenset[str], result: str | None = None) -> Program:
    """Return the program that ``text`` is.

    Parameters
    ----------
    text : str
        ``"z = (x - y) * (x - y)"``, several of them with ``;`` between, or with ``result`` an expression alone.
    known : frozenset of str
        Names that have a value.
    result : str, optional
        The name that an expression alone is given to.

    Raises
    ------
    NotImplementedError
        If it is no arithmetic of these names; one sentence that says where.
    """
    parser = _Parser(text, set(known))
    if result is not None:
        steps = [(result, parser.expression())]
        parser.end()
    else:
        steps = parser.assignments()
    return Program(steps, parser.operations)


class _Parser:
    def __init__(self, text: str, known: set[str]) -> None:
        self._text = text
        self._known = known
        self._tokens = self._read(text)
        self._at = 0
        self.operations = 0

    def _read(self, text: str) -> list[tuple[str, str]]:
        tokens, at, end = [], 0, len(text.rstrip())
        while at < end:
            found = _TOKEN.match(text, at)
            if found is None:
                raise self._refusal(text[at:].strip()[:20])
            tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
            at = found.end()
        return [*tokens, ("end", "")]

    def _refusal(self, where: str) -> NotImplementedError:
        return NotImplementedError(
            f"the simulated GPU reads assignments of arithmetic in a kernel, not {where or 'its end'!r} in "
            f"{' '.join(self._text.split())!r}; write it with functions of xp, or use a CUDA device"
        )

    def _next(self) -> tuple[str, str]:
        self._at += 1
        return self._tokens[self._at - 1]

    def _is(self, *signs: str) -> bool:
        kind, value = self._tokens[self._at]
        return kind == "sign" and value in signs

    def _expect(self, sign: str) -> None:
        if not self._is(sign):
            raise self._refusal(self._tokens[self._at][1])
        self._at += 1

    def end(self) -> None:
        if self._is(";"):
            self._at += 1
        if self._tokens[self._at][0] != "end":
            raise self._refusal(self._tokens[self._at][1])

    def assignments(self) -> list[tuple[str, Term]]:
        steps = []
        while self._tokens[self._at][0] != "end":
            steps.append(self._assignment())
            if self._is(";"):
                self._at += 1
            else:
                self.end()
        return steps

    def _assignment(self) -> tuple[str, Term]:
        while self._tokens[self._at][1] in _TYPES and self._tokens[self._at + 1][0] == "name":
            self._at += 1
        kind, name = self._next()
        if kind != "name" or not self._is("=", "+=", "-=", "*=", "/="):
            raise self._refusal(name)
        sign = self._next()[1]
        value = self.expression()
        if sign != "=":
            combine = next(level[sign[0]] for level in _LEVELS if sign[0] in level)
            before = self._named(name)
            self.operations += 1
            return name, lambda values: combine(before(values), value(values))
        self._known.add(name)
        return name, value

    def expression(self) -> Term:
        condition = self._binary(0)
        if not self._is("?"):
            return condition
        self._at += 1
        first = self.expression()
        self._expect(":")
        second = self.expression()
        self.operations += 1
        return lambda values: np.where(condition(values), first(values), second(values))

    def _binary(self, level: int) -> Term:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while self._is(*_LEVELS[level]):
            left = self._combined(_LEVELS[level][self._next()[1]], left, self._binary(level + 1))
        return left

    def _combined(self, operate: Callable[..., Any], *terms: Term) -> Term:
        self.operations += 1
        return lambda values: operate(*(term(values) for term in terms))

    def _unary(self) -> Term:
        if self._is(*_UNARY):
            return self._combined(_UNARY[self._next()[1]], self._unary())
        kind, value = self._next()
        if kind == "number":
            number = _number(value)
            return lambda _: number
        if kind == "name":
            return self._call(value) if self._is("(") else self._named(value)
        if value != "(":
            raise self._refusal(value)
        inside = self.expression()
        self._expect(")")
        return inside

    def _named(self, name: str) -> Term:
        if name not in self._known:
            raise self._refusal(name)
        return lambda values: values[name]

    def _call(self, name: str) -> Term:
        function = _FUNCTIONS.get(name) or _FUNCTIONS.get(name.removesuffix("f"))
        if function is None:
            raise self._refusal(name)
        self._expect("(")
        terms = [self.expression()]
        while self._is(","):
            self._at += 1
            terms.append(self.expression())
        self._expect(")")
        return self._combined(function, *terms)


def _number(text: str) -> Any:  # noqa: ANN401
    plain = text.rstrip("fFuUlL")
    if re.fullmatch(r"\d+", plain) and not text.lower().endswith("f"):
        return int(plain)
    return np.float32(plain) if text.lower().endswith("f") else np.float64(plain)
