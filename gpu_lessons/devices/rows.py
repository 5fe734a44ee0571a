"""What a table of functions says of each: its arguments, as CuPy takes them, and how its work is charged."""

from __future__ import annotations

import ast
import inspect
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

__all__ = ["KINDS", "Kind", "Row", "names", "read_rows"]

Host = np.ndarray[Any, Any]
Flops = Callable[[Sequence[Host], Sequence[Host]], float]


@dataclass(frozen=True, slots=True)
class Kind:
    """How the functions of one kind are charged.

    Attributes
    ----------
    flops : callable
        Operations of arrays read and arrays written, of all kernels together.
    compiles : bool
        Whether CuPy compiles the kernel at its first call; otherwise it ships in a library.
    waits : bool
        Whether the host reads a number of the device before it goes on, as the size of a result that depends on the
        numbers.
    """

    flops: Flops
    compiles: bool = True
    waits: bool = False


def _written(_: Sequence[Host], written: Sequence[Host]) -> int:
    return written[0].size if written else 0


def _read(read: Sequence[Host], _: Sequence[Host]) -> int:
    return sum(x.size for x in read)


def _sorted(read: Sequence[Host], _: Sequence[Host]) -> float:
    return sum(x.size * math.log2(max(2, x.size)) for x in read)


def _transformed(read: Sequence[Host], written: Sequence[Host]) -> float:
    """5 n log2 n, the usual count of a fast Fourier transform."""
    size = max((x.size for x in (*read, *written)), default=0)
    return 5 * size * math.log2(max(2, size))


def _decomposed(read: Sequence[Host], _: Sequence[Host]) -> float:
    """Two thirds of n³ for each matrix: an LU decomposition, the least of its kind (Golub and Van Loan)."""
    return math.fsum(2 / 3 * x.size * min(x.shape[-2:]) for x in read if x.ndim > 1)


def _factored(read: Sequence[Host], _: Sequence[Host]) -> float:
    """9 n³ for each matrix, about what eigenvalues and singular values with their vectors take (Golub and Van Loan)."""
    return math.fsum(9 * x.size * min(x.shape[-2:]) for x in read if x.ndim > 1)


#: Every kind of function that the tables name.
KINDS = {
    "elementwise": Kind(_written),
    "reduction": Kind(_read),
    "scan": Kind(_read),
    "movement": Kind(_written),
    "creation": Kind(_written),
    "memset": Kind(_written, compiles=False),
    "sorting": Kind(_sorted, compiles=False),
    "selection": Kind(_read, waits=True),
    "product": Kind(_written, compiles=False),
    "solving": Kind(_decomposed, compiles=False),
    "factoring": Kind(_factored, compiles=False),
    "transform": Kind(_transformed, compiles=False),
    "random": Kind(_written, compiles=False),
    "writing": Kind(_written),
    "question": Kind(_written),
}


@dataclass(frozen=True)
class Row:
    """One function of the simulated GPU.

    Attributes
    ----------
    name : str
        CuPy's, with its module: ``"linalg.norm"``.
    arguments : str
        As CuPy takes them.
    kind : str
        One of ``KINDS``.
    kernels : int
        Launches of one call; 0 where nothing is launched.
    """

    name: str
    arguments: str
    kind: str
    kernels: int

    @cached_property
    def signature(self) -> inspect.Signature:
        """The arguments, ready to be bound."""
        [function] = ast.parse(f"def f({self.arguments}): ...").body
        assert isinstance(function, ast.FunctionDef)
        return inspect.Signature(list(_parameters(function.args)))

    def bind(self, arguments: Sequence[object], options: dict[str, object]) -> inspect.BoundArguments:
        """Return the arguments by their names.

        Raises
        ------
        TypeError
            If CuPy does not take them, in Python's words.
        """
        try:
            return self.signature.bind(*arguments, **options)
        except TypeError as error:
            raise TypeError(f"{self.name}() {error}") from None


def _parameters(arguments: ast.arguments) -> Iterator[inspect.Parameter]:
    kinds = inspect.Parameter
    places = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(places) - len(arguments.defaults)) + list(arguments.defaults)
    for place, (argument, default) in enumerate(zip(places, defaults, strict=True)):
        only = place < len(arguments.posonlyargs)
        yield _parameter(argument.arg, kinds.POSITIONAL_ONLY if only else kinds.POSITIONAL_OR_KEYWORD, default)
    if arguments.vararg:
        yield kinds(arguments.vararg.arg, kinds.VAR_POSITIONAL)
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield _parameter(argument.arg, kinds.KEYWORD_ONLY, default)
    if arguments.kwarg:
        yield kinds(arguments.kwarg.arg, kinds.VAR_KEYWORD)


def _parameter(name: str, kind: Any, default: ast.expr | None) -> inspect.Parameter:  # noqa: ANN401
    """Return one parameter; a default only says that it may be left out, for NumPy has the same ones."""
    return inspect.Parameter(name, kind, default=inspect.Parameter.empty if default is None else None)


def names(text: str) -> frozenset[str]:
    """Return the words of ``text``, a list of names that is read more easily without quotes."""
    return frozenset(text.split())


_LINE = re.compile(r"(?P<name>[\w.]+)\((?P<arguments>.*)\)(?: x(?P<kernels>\d+))?")


def read_rows(kind: str, text: str) -> dict[str, Row]:
    """Return the rows of a table: one line a function, ``name(arguments)``, and ``x2`` behind it for two kernels."""
    rows = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        found = _LINE.fullmatch(line)
        assert found is not None, line
        name = found["name"]
        rows[name] = Row(name, found["arguments"], kind, int(found["kernels"] or 1))
    return rows
