"""What stands in for NumPy's function of the same name, where CuPy's takes other arguments or does something else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gpu_lessons.devices.rows import names

__all__ = ["RUN_ON_HOST", "SUBSTITUTES", "integer_power"]

Host = np.ndarray[Any, Any]

#: CuPy asks the array for its own method, so that a NumPy array is worked on by NumPy (seen with CuPy 14.2).
RUN_ON_HOST = names("""
    amax amin argsort clip copy diagonal max mean min prod ravel repeat reshape sort squeeze std sum swapaxes
    trace transpose var
""")


def integer_power(base: Any, exponent: Any) -> Host:  # noqa: ANN401
    """Return integers to the power of integers; 1 over an integer is 0, but for 1 and -1."""
    base, exponent = np.broadcast_arrays(base, exponent)
    whole = np.power(base, np.maximum(exponent, 0))
    sign = np.where(exponent % 2 == 0, 1, -1)
    inverse = np.where(base == 1, 1, np.where(base == -1, sign, 0))
    return np.where(exponent < 0, inverse, whole).astype(whole.dtype)


def _clip(
    a: Host,
    a_min: Any = None,  # noqa: ANN401
    a_max: Any = None,  # noqa: ANN401
    *,
    min: Any = None,  # noqa: ANN401
    max: Any = None,  # noqa: ANN401
) -> Host:
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    if low is None and high is None:
        return a.copy()
    return np.clip(a, low, high)


def _turned(x: Host, axis: int, *, descending: bool) -> Host:
    return np.flip(x, axis) if descending else x


def _sort(
    a: Host, axis: int | None = -1, kind: str | None = None, *, descending: bool = False, stable: bool = True
) -> Host:
    a, axis = (a.ravel(), -1) if axis is None else (a, axis)
    if a.ndim == 0:
        raise np.exceptions.AxisError("Sorting arrays with the rank of zero is not supported")
    return _turned(np.sort(a, axis=axis, kind="stable"), axis, descending=descending).copy()


def _argsort(
    a: Host, axis: int | None = -1, kind: str | None = None, *, descending: bool = False, stable: bool = True
) -> Host:
    a, axis = (a.ravel(), -1) if axis is None else (a, axis)
    if not descending:
        return np.argsort(a, axis=axis, kind="stable")
    # Of equal numbers the first one stays first.
    backwards = np.argsort(np.flip(a, axis), axis=axis, kind="stable")
    return np.flip(a.shape[axis] - 1 - backwards, axis).copy()


def _with_correction(function: Callable[..., Any]) -> Callable[..., Any]:
    def spread(a: Host, *arguments: Any, correction: float | None = None, **options: Any) -> Any:  # noqa: ANN401
        if correction is not None:
            options["ddof"] = correction
        return function(a, *arguments, **options)

    return spread


def _without_dtype(function: Callable[..., Any]) -> Callable[..., Any]:
    def found(a: Host, axis: Any = None, dtype: Any = None, **options: Any) -> Any:  # noqa: ANN401
        result = function(a, axis=axis, **options)
        return result if dtype is None else np.asarray(result).astype(dtype)

    return found


def _like(function: Callable[..., Any]) -> Callable[..., Any]:
    def made(a: Host, *arguments: Any, subok: None = None, **options: Any) -> Any:  # noqa: ANN401
        if subok is not None:
            raise TypeError("subok is not supported yet")
        return function(a, *arguments, **options)

    return made


def _percentile(function: Callable[..., Any]) -> Callable[..., Any]:
    def found(a: Host, q: Any, *arguments: Any, interpolation: str | None = None, **options: Any) -> Any:  # noqa: ANN401
        if interpolation is not None:
            options["method"] = interpolation
        return function(a, q, *arguments, **options)

    return found


def _bincount(x: Host, weights: Host | None = None, minlength: int | None = None) -> Host:
    return np.bincount(x, weights, minlength or 0)


def _matrix_rank(M: Host, tol: Any = None, *, rtol: Any = None) -> Any:  # noqa: ANN401, N803
    return np.linalg.matrix_rank(M, tol) if rtol is None else np.linalg.matrix_rank(M, rtol=rtol)


def _piecewise(x: Host, condlist: Any, funclist: Any) -> Host:  # noqa: ANN401
    if any(map(callable, funclist)):
        raise NotImplementedError("Callable functions are not supported currently")
    return np.piecewise(x, condlist, funclist)


def _ravel_multi_index(multi_index: Any, dims: Any, mode: str = "wrap", order: Any = "C") -> Host:  # noqa: ANN401
    return np.ravel_multi_index(tuple(multi_index), dims, mode=mode, order=order)  # type: ignore[call-overload,no-any-return]


def _histogram2d(x: Host, y: Host, bins: Any = 10, range: Any = None, weights: Any = None, density: Any = None) -> Any:  # noqa: ANN401
    return np.histogram2d(x, y, bins, range, density=density, weights=weights)


def _histogramdd(sample: Any, bins: Any = 10, range: Any = None, weights: Any = None, density: Any = None) -> Any:  # noqa: ANN401
    return np.histogramdd(sample, bins, range, density=density, weights=weights)


def _unpackbits(a: Host, axis: int | None = None, bitorder: Any = "big") -> Host:  # noqa: ANN401
    return np.unpackbits(a, axis=axis, bitorder=bitorder)


def _arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Host:  # noqa: ANN401
    return np.arange(start, stop, step, dtype=dtype)


def _corrcoef(
    a: Host,
    y: Host | None = None,
    rowvar: bool = True,
    bias: None = None,
    ddof: None = None,
    *,
    dtype: str | None = None,
) -> Host:
    return np.asarray(np.corrcoef(a, y, rowvar, dtype=dtype))  # CuPy ignores the other two as well


def _in1d(ar1: Host, ar2: Host, assume_unique: bool = False, invert: bool = False) -> Host:
    return np.isin(np.ravel(ar1), ar2, assume_unique=assume_unique, invert=invert)


def _roots(p: Host) -> Host:
    first = np.atleast_1d(p).nonzero()[0]
    kept = p[first[0] :] if first.size else p[:0]
    if kept.size > 1:
        companion = np.diag(np.ones(kept.size - 2, kept.dtype), -1)
        companion[0] = -kept[1:] / kept[0]
        if not np.array_equal(companion, companion.conj().T):
            raise NotImplementedError("Only complex Hermitian and real symmetric 2d arrays are allowed")
    return np.roots(p)


SUBSTITUTES: dict[str, Callable[..., Any]] = {
    "arange": _arange,
    "argmax": _without_dtype(np.argmax),
    "argmin": _without_dtype(np.argmin),
    "argsort": _argsort,
    "bincount": _bincount,
    "c_": lambda key: np.c_[key],
    "clip": _clip,
    "corrcoef": _corrcoef,
    "empty_like": _like(np.empty_like),
    "full_like": _like(np.full_like),
    "histogram2d": _histogram2d,
    "histogramdd": _histogramdd,
    "in1d": _in1d,
    "linalg.matrix_rank": _matrix_rank,
    "mgrid": lambda key: np.mgrid[key],
    "nanargmax": _without_dtype(np.nanargmax),
    "nanargmin": _without_dtype(np.nanargmin),
    "ogrid": lambda key: np.ogrid[key],
    "ones_like": _like(np.ones_like),
    "percentile": _percentile(np.percentile),
    "piecewise": _piecewise,
    "quantile": _percentile(np.quantile),
    "r_": lambda key: np.r_[key],
    "ravel_multi_index": _ravel_multi_index,
    "roots": _roots,
    "sort": _sort,
    "std": _with_correction(np.std),
    "unique_values": lambda x: np.unique(x, equal_nan=False),
    "unpackbits": _unpackbits,
    "var": _with_correction(np.var),
    "zeros_like": _like(np.zeros_like),
}
