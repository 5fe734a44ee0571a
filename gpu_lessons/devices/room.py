"""How much memory a result needs, known before NumPy makes it: so that one with no room is refused at once."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from gpu_lessons.devices.memory import sizes_of

__all__ = ["ProductShape", "broadcast_shape", "bytes_needed", "product_shape"]

Host = np.ndarray[Any, Any]


def bytes_needed(name: str, kind: str, bound: inspect.BoundArguments) -> int:
    """Return the bytes of what a call makes, at least; 0 where that is no more than what it reads."""
    count = _BY_NAME.get(name)
    if count is not None:
        return int(count(bound.arguments))
    if kind in ("creation", "memset") and "shape" in bound.arguments:
        return _shaped(bound.arguments)
    if name in _BROADCAST:
        arrays = list(_arrays(bound.arguments.values()))
        return math.prod(broadcast_shape(arrays)) * max((x.itemsize for x in arrays), default=0)
    return 0


def broadcast_shape(arrays: Iterable[Any]) -> tuple[int, ...]:
    """Return the common shape; CuPy's words where there is none."""
    shapes = [np.shape(each) for each in arrays]
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        told = " ".join(map(str, shapes))
        raise ValueError(f"operands could not be broadcast together with shapes {told}") from None


class ProductShape(NamedTuple):
    """A stack of matrix products (m, k) @ (k, n), and the shape of what is handed out."""

    batch: tuple[int, ...]
    m: int
    k: int
    n: int
    kept: tuple[int, ...]


def product_shape(x: tuple[int, ...], w: tuple[int, ...]) -> ProductShape:
    """Return how ``x @ w`` is computed, for shapes of one axis or more.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    *stack, m, k = x if len(x) > 1 else (1, *x)
    *other, terms, n = w if len(w) > 1 else (*w, 1)
    if k != terms:
        raise ValueError(f"matmul: shapes {x} and {w} do not fit: {k} != {terms}")
    batch = np.broadcast_shapes(tuple(stack), tuple(other))
    return ProductShape(batch, m, k, n, (*batch, *((m,) if len(x) > 1 else ()), *((n,) if len(w) > 1 else ())))


def _arrays(values: Iterable[object]) -> Iterator[Host]:
    for value in values:
        if isinstance(value, np.ndarray):
            yield value
        elif isinstance(value, list | tuple):
            yield from _arrays(value)


def _shaped(given: dict[str, Any]) -> int:
    shape, like = given["shape"], given.get("a", given.get("prototype"))
    if shape is None and like is not None:
        shape = like.shape
    dtype = given.get("dtype") or (like.dtype if like is not None else np.float64)
    return math.prod(sizes_of(shape)) * np.dtype(dtype).itemsize


def _joined(given: dict[str, Any]) -> int:
    return sum(x.nbytes for x in _arrays(given.values()))


def _all_pairs(given: dict[str, Any]) -> int:
    arrays = list(_arrays(given.values()))
    return math.prod(x.size for x in arrays) * max((x.itemsize for x in arrays), default=0)


def _square(given: dict[str, Any]) -> int:
    rows: int = given["N"] if "N" in given else given["n"]
    return rows * (given.get("M") or rows) * np.dtype(given.get("dtype") or float).itemsize


def _repeated(given: dict[str, Any]) -> int:
    repeats = given["repeats"]
    return given["a"].nbytes * repeats if isinstance(repeats, int) else 0


def _tiled(given: dict[str, Any]) -> int:
    reps = given["reps"]
    return given["A"].nbytes * math.prod(reps if isinstance(reps, tuple | list) else (reps,))  # type: ignore[no-any-return]


def _counted(given: dict[str, Any]) -> int:
    start, stop, step = given["start"], given.get("stop"), given.get("step", 1)
    begin, end = (0, start) if stop is None else (start, stop)
    return max(0, math.ceil((end - begin) / step)) * np.dtype(given.get("dtype") or np.int64).itemsize if step else 0


def _spaced(given: dict[str, Any]) -> int:
    return int(given.get("num", 50)) * np.dtype(given.get("dtype") or float).itemsize


# Whose arguments are broadcast against each other; others, as `interp`, take tables of another length.
_BROADCAST = frozenset({"clip", "isclose", "where"})
_BY_NAME: dict[str, Callable[[dict[str, Any]], int]] = {
    "append": _joined,
    "arange": _counted,
    "column_stack": _joined,
    "concat": _joined,
    "concatenate": _joined,
    "dstack": _joined,
    "eye": _square,
    "hstack": _joined,
    "identity": _square,
    "kron": _all_pairs,
    "linspace": _spaced,
    "logspace": _spaced,
    "outer": _all_pairs,
    "repeat": _repeated,
    "stack": _joined,
    "tile": _tiled,
    "tri": _square,
    "vstack": _joined,
}
