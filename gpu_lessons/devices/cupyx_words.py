"""``gpu.cupyx`` of a simulated GPU: what a program imports from ``cupyx``."""

from __future__ import annotations

import math
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from gpu_lessons.devices.arrays import DeviceArray
from gpu_lessons.devices.calls import call
from gpu_lessons.devices.memory import Shape, empty_pinned
from gpu_lessons.devices.profiler import benchmark
from gpu_lessons.devices.rows import read_rows
from gpu_lessons.devices.substitutes import SUBSTITUTES
from gpu_lessons.devices.unknown import UnknownOperationError

if TYPE_CHECKING:
    from gpu_lessons.devices.simulated import SimulatedGpu

__all__ = ["Cupyx"]

Host = np.ndarray[Any, Any]

_ELEMENTWISE = """
rsqrt(x)
scipy.special.entr(x)
scipy.special.erf(x)
scipy.special.erfc(x)
scipy.special.expit(x)
scipy.special.gamma(x)
scipy.special.gammaln(x)
scipy.special.log_softmax(x, axis=None) x4
scipy.special.logit(x)
scipy.special.softmax(x, axis=None) x4
scipy.special.xlogy(x, y)
"""
_REDUCTIONS = """
scipy.special.logsumexp(a, axis=None, b=None, keepdims=False, return_sign=False) x4
"""
_ROWS = {**read_rows("elementwise", _ELEMENTWISE), **read_rows("reduction", _REDUCTIONS)}


def _by_math(function: Any) -> Any:  # noqa: ANN401
    """Return a function of Python's ``math`` for arrays; NumPy has none of that name."""
    one_by_one = np.frompyfunc(function, 1, 1)

    def of_array(x: Host) -> Host:
        form = np.result_type(x, np.float32) if x.dtype.kind != "f" else x.dtype
        return np.asarray(one_by_one(x)).astype(form)

    return of_array


def _softmax(x: Host, axis: Any = None) -> Host:  # noqa: ANN401
    raised = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return raised / np.sum(raised, axis=axis, keepdims=True)  # type: ignore[no-any-return]


def _logsumexp(a: Host, axis: Any = None, keepdims: bool = False) -> Host:  # noqa: ANN401
    top = np.max(a, axis=axis, keepdims=True)
    total = np.log(np.sum(np.exp(a - top), axis=axis, keepdims=True)) + top
    return total if keepdims else np.squeeze(total, axis)  # type: ignore[no-any-return]


def _xlogy(x: Host, y: Host) -> Host:
    return np.where(x == 0, x * 0, x * np.log(np.where(x == 0, 1, y)))


SUBSTITUTES.update(
    {
        "rsqrt": lambda x: 1 / np.sqrt(x),
        "scipy.special.entr": lambda x: -_xlogy(x, x),
        "scipy.special.erf": _by_math(math.erf),
        "scipy.special.erfc": _by_math(math.erfc),
        "scipy.special.expit": lambda x: 1 / (1 + np.exp(-x)),
        "scipy.special.gamma": _by_math(math.gamma),
        "scipy.special.gammaln": _by_math(math.lgamma),
        "scipy.special.log_softmax": lambda x, axis=None: x - _logsumexp(x, axis, keepdims=True),
        "scipy.special.logit": lambda x: np.log(x / (1 - x)),
        "scipy.special.logsumexp": _logsumexp,
        "scipy.special.softmax": _softmax,
        "scipy.special.xlogy": _xlogy,
    }
)


class _Module:
    """The rows whose names begin with one module's."""

    def __init__(self, gpu: SimulatedGpu, path: str) -> None:
        self._gpu = gpu
        self._path = path

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        row = _ROWS.get(f"{self._path}{name}")
        if row is not None:
            return lambda *given, **options: call(self._gpu, row, given, options)
        if name.startswith("_"):
            raise AttributeError(f"cupyx.{self._path} has no attribute {name!r}")
        raise UnknownOperationError(f"cupyx.{self._path}{name}", [f"cupyx.{each}" for each in _ROWS])


class Cupyx(_Module):
    """``cupyx``: pinned memory, scattering, the profiler, and the special functions of ``cupyx.scipy``."""

    def __init__(self, gpu: SimulatedGpu) -> None:
        super().__init__(gpu, "")
        self.profiler = SimpleNamespace(benchmark=partial(benchmark, gpu))
        self.scipy = SimpleNamespace(special=_Module(gpu, "scipy.special."))

    def empty_pinned(self, shape: Shape, dtype: Any = float, order: Any = "C") -> Host:  # noqa: ANN401
        """Return a NumPy array in pinned host memory."""
        return empty_pinned(shape, dtype)

    zeros_pinned = empty_pinned

    def empty_like_pinned(self, a: Any, dtype: Any = None) -> Host:  # noqa: ANN401
        """Return a NumPy array in pinned host memory, shaped as ``a``."""
        return empty_pinned(a.shape, dtype or a.dtype)

    zeros_like_pinned = empty_like_pinned

    def scatter_add(self, a: DeviceArray, slices: Any, value: object) -> None:  # noqa: ANN401
        """Add ``value`` where ``slices`` name numbers, each as often as it is named."""
        self._gpu.xp.add.at(a, slices, value)

    def scatter_max(self, a: DeviceArray, slices: Any, value: object) -> None:  # noqa: ANN401
        """Write the larger of ``value`` and what is there."""
        self._gpu.xp.maximum.at(a, slices, value)

    def scatter_min(self, a: DeviceArray, slices: Any, value: object) -> None:  # noqa: ANN401
        """Write the smaller of ``value`` and what is there."""
        self._gpu.xp.minimum.at(a, slices, value)
