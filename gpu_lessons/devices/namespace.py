"""The namespace ``gpu.xp`` of a simulated GPU: the functions of NumPy and the array API that the course uses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from gpu_lessons.devices import operations
from gpu_lessons.devices.arrays import DeviceArray
from gpu_lessons.devices.memory import Shape, empty_pinned, sizes_of
from gpu_lessons.devices.random import Random
from gpu_lessons.devices.unknown import UnknownOperationError

if TYPE_CHECKING:
    from gpu_lessons.devices.simulated import Device, SimulatedGpu

__all__ = ["Namespace"]

Host = np.ndarray[Any, Any]

# fmt: off
#: One kernel each, one operation a number.
_ELEMENTWISE: dict[str, np.ufunc] = {
    name: getattr(np, name)
    for name in (
        "abs", "absolute", "add", "bitwise_and", "bitwise_invert", "bitwise_or", "bitwise_xor", "ceil", "cos", "divide",
        "equal", "exp", "expm1", "floor", "floor_divide", "greater", "greater_equal", "invert", "isfinite", "isinf",
        "isnan", "less", "less_equal", "log", "log10", "log1p", "log2", "logical_and", "logical_not", "logical_or",
        "logical_xor", "maximum", "minimum", "multiply", "negative", "not_equal", "positive", "pow", "power",
        "reciprocal", "remainder", "rint", "sign", "sin", "sqrt", "square", "subtract", "tan", "tanh", "true_divide",
        "trunc",
    )
}
#: One kernel each; ``axis`` and ``keepdims`` as in NumPy.
_REDUCTIONS: dict[str, Any] = {
    name: getattr(np, name) for name in ("all", "any", "argmax", "argmin", "max", "mean", "min", "prod", "sum")
}
#: Free: another way to look at the same memory.
_VIEWS: dict[str, Any] = {
    name: getattr(np, name)
    for name in (
        "broadcast_to", "expand_dims", "flip", "matrix_transpose", "moveaxis", "permute_dims", "squeeze", "swapaxes",
        "transpose",
    )
}
_JOINS: dict[str, Any] = {"concat": np.concatenate, "concatenate": np.concatenate, "stack": np.stack}
#: Taken from NumPy as they are: number formats, constants, and questions about formats.
_SHARED = (
    "bool", "bool_", "can_cast", "dtype", "e", "finfo", "float16", "float32", "float64", "iinfo", "inf", "int16",
    "int32", "int64", "int8", "isdtype", "nan", "newaxis", "pi", "uint16", "uint32", "uint64", "uint8",
)
# fmt: on


class _Ufunc(partial[Any]):
    """A function number by number; the ways NumPy has beside calling it, such as ``add.reduce``, are unknown."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        own = self.args[1]
        if name.startswith("_"):
            raise AttributeError(f"{own} has no attribute {name!r}")
        raise UnknownOperationError(f"{own}.{name}", [own])


class Namespace:
    """Functions on the arrays of one simulated GPU, under the names NumPy and CuPy use.

    A function it does not know raises `UnknownOperationError`, a ``NotImplementedError`` that names the nearest one
    it knows; nothing is computed on the host in silence.
    """

    ndarray = DeviceArray

    def __init__(self, gpu: SimulatedGpu) -> None:
        self.__name__ = f"simulated {gpu.machine.name}"  # array-api-compat compares namespaces by their names
        self._gpu = gpu
        self.random = Random(gpu)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name in _ELEMENTWISE:
            return _Ufunc(operations.elementwise, self._gpu, name, _ELEMENTWISE[name])
        if name in _REDUCTIONS:
            return partial(self._reduce, name)
        if name in _VIEWS:
            return partial(self._look, _VIEWS[name])
        if name in _JOINS:
            return partial(self._join, name)
        if name in _SHARED:
            return getattr(np, name)
        if name.startswith("_"):
            raise AttributeError(f"the namespace of a simulated GPU has no attribute {name!r}")
        raise UnknownOperationError(name, self.__dir__())

    def __dir__(self) -> list[str]:
        own = (name for name in (*vars(type(self)), "random") if name[0] != "_" and not name.endswith("_item"))
        return sorted({*own, *_ELEMENTWISE, *_REDUCTIONS, *_VIEWS, *_JOINS, *_SHARED})

    def __repr__(self) -> str:
        return f"<array namespace of the simulated {self._gpu.machine.name}>"

    def asarray(
        self,
        obj: object,
        /,
        dtype: Any = None,  # noqa: ANN401
        *,
        device: Device | None = None,
        copy: bool | None = None,
    ) -> DeviceArray:
        """Return ``obj`` on the device: a host array or list crosses the bus, a device array stays as it is."""
        self._gpu.require_device(device)
        if not isinstance(obj, DeviceArray):
            if isinstance(obj, list | tuple) and any(isinstance(each, DeviceArray) for each in obj):
                raise UnknownOperationError("an array of arrays on the device", ["stack"])
            with np.errstate(all="ignore"):
                return self._gpu.to_device(np.asarray(obj, dtype))
        obj.require_on(self._gpu)
        wanted = obj.dtype if dtype is None else np.dtype(dtype)
        return self.astype(obj, wanted) if copy or wanted != obj.dtype else obj

    def array(self, obj: object, dtype: Any = None, *, copy: bool = True) -> DeviceArray:  # noqa: ANN401
        """Return a copy of ``obj`` on the device."""
        return self.asarray(obj, dtype, copy=copy)

    def asnumpy(self, x: object, *, out: Host | None = None, blocking: bool = True) -> Host:
        """Return ``x`` as a NumPy array on the host; a device array crosses the bus."""
        return x.get(out=out, blocking=blocking) if isinstance(x, DeviceArray) else np.asarray(x)

    def empty_pinned(self, shape: Shape, dtype: Any = "float32") -> Host:  # noqa: ANN401
        """Return a NumPy array in pinned host memory; CuPy has this as ``cupyx.empty_pinned``."""
        return empty_pinned(shape, dtype)

    def empty(self, shape: Shape, dtype: Any = float, *, device: Device | None = None) -> DeviceArray:  # noqa: ANN401
        """Return an array with any numbers in it: no kernel."""
        self._gpu.require_device(device)
        return operations.new_array(self._gpu, sizes_of(shape), np.dtype(dtype))

    def zeros(self, shape: Shape, dtype: Any = float, *, device: Device | None = None) -> DeviceArray:  # noqa: ANN401
        """Return an array of zeros, filled on the device."""
        return self._filled("zeros", shape, dtype, device, lambda: np.zeros(shape, dtype))

    def ones(self, shape: Shape, dtype: Any = float, *, device: Device | None = None) -> DeviceArray:  # noqa: ANN401
        """Return an array of ones, filled on the device."""
        return self._filled("ones", shape, dtype, device, lambda: np.ones(shape, dtype))

    def full(
        self,
        shape: Shape,
        fill_value: complex,
        dtype: Any = None,  # noqa: ANN401
        *,
        device: Device | None = None,
    ) -> DeviceArray:
        """Return an array of one number, filled on the device."""
        if isinstance(fill_value, DeviceArray):
            raise UnknownOperationError("full of an array", ["broadcast_to"])
        dtype = np.result_type(fill_value) if dtype is None else dtype
        return self._filled("full", shape, dtype, device, lambda: np.full(shape, fill_value, dtype))

    def arange(
        self,
        start: float,
        /,
        stop: float | None = None,
        step: float = 1,
        *,
        dtype: Any = None,  # noqa: ANN401
        device: Device | None = None,
    ) -> DeviceArray:
        """Return evenly spaced numbers, made on the device."""
        numbers: Any = (0, start, step) if stop is None else (start, stop, step)
        begin, end, _ = numbers
        dtype = np.result_type(*numbers) if dtype is None else dtype
        count = max(0, math.ceil((end - begin) / step))
        return self._filled("arange", count, dtype, device, lambda: np.arange(*numbers, dtype=dtype))

    def empty_like(self, x: DeviceArray, dtype: Any = None) -> DeviceArray:  # noqa: ANN401
        """Return an array with any numbers in it, shaped as ``x``."""
        return self.empty(x.shape, dtype or x.dtype)

    def zeros_like(self, x: DeviceArray, dtype: Any = None) -> DeviceArray:  # noqa: ANN401
        """Return zeros, shaped as ``x``."""
        return self.zeros(x.shape, dtype or x.dtype)

    def ones_like(self, x: DeviceArray, dtype: Any = None) -> DeviceArray:  # noqa: ANN401
        """Return ones, shaped as ``x``."""
        return self.ones(x.shape, dtype or x.dtype)

    def matmul(self, a: DeviceArray, b: DeviceArray, /) -> DeviceArray:
        """Return the matrix product."""
        return operations.matmul(self._gpu, a, b)

    def dot(self, a: DeviceArray, b: DeviceArray, /) -> DeviceArray:
        """Return the product of vectors and matrices; with more axes NumPy's ``dot`` is no matrix product."""
        if max(getattr(a, "ndim", 0), getattr(b, "ndim", 0)) > 2:
            raise UnknownOperationError("dot with more than two axes", ["matmul"])
        return self.matmul(a, b)

    def astype(self, x: DeviceArray, dtype: Any, /, *, copy: bool = True) -> DeviceArray:  # noqa: ANN401
        """Return the numbers of ``x`` in another format: one kernel."""
        wanted = np.dtype(dtype)
        if wanted == x.dtype and not copy:
            return x
        out = operations.new_array(self._gpu, x.shape, wanted)
        operations.assign(self._gpu, "copy" if wanted == x.dtype else "astype", out, x)
        return out

    def reshape(self, x: DeviceArray, /, shape: Shape) -> DeviceArray:
        """Return ``x`` in another shape: a view, or a copy by one kernel where strides do not allow one."""
        numbers = x._numbers.reshape(shape)
        if np.may_share_memory(numbers, x._numbers) or not x.size:
            return x._view(numbers)
        out = operations.new_array(self._gpu, x.shape, x.dtype)
        operations.assign(self._gpu, "copy", out, x)
        return out._view(out._numbers.reshape(shape))

    def ravel(self, x: DeviceArray, /) -> DeviceArray:
        """Return ``x`` with one axis."""
        return self.reshape(x, (-1,))

    def clip(self, x: DeviceArray, /, min: object = None, max: object = None) -> DeviceArray:
        """Return ``x`` with the numbers outside of a bound moved onto it; a bound may be left out."""
        if min is None or max is None:
            bound = "maximum" if max is None else "minimum"
            return getattr(self, bound)(x, min if max is None else max)  # type: ignore[no-any-return]
        return operations.pointwise(self._gpu, "clip", np.clip, x, min, max)

    def where(self, condition: object, /, *values: object) -> DeviceArray:
        """Return the numbers of the first of two values where ``condition`` holds, and of the second elsewhere."""
        if len(values) != 2:
            raise UnknownOperationError("where without two values", ["where"])
        return operations.pointwise(self._gpu, "where", np.where, condition, *values)

    def isclose(self, a: object, b: object, rtol: float = 1e-5, atol: float = 1e-8) -> DeviceArray:
        """Return for each number whether the two are close."""
        close: Any = partial(np.isclose, rtol=rtol, atol=atol)
        return operations.pointwise(self._gpu, "isclose", close, a, b)

    def allclose(self, a: object, b: object, rtol: float = 1e-5, atol: float = 1e-8) -> DeviceArray:
        """Return whether all numbers are close, still on the device: ``bool`` of it waits and copies."""
        return self._reduce("all", self.isclose(a, b, rtol, atol))

    def take(self, x: DeviceArray, indices: object, /, axis: int | None = None) -> DeviceArray:
        """Return the entries of ``x`` that ``indices`` name, along an axis, or of all its numbers in a row."""
        if isinstance(indices, list | tuple):
            indices = self.asarray(indices)
        operations.operand(self._gpu, indices)
        x, axis = (self.ravel(x), 0) if axis is None else (x, axis)
        return self.get_item(x, (*[slice(None)] * (axis % x.ndim), indices))

    def result_type(self, *arrays_and_dtypes: object) -> np.dtype[Any]:
        """Return the number format that results from mixing."""
        formats: list[Any] = [x.dtype if isinstance(x, DeviceArray) else x for x in arrays_and_dtypes]
        return np.result_type(*formats)

    def get_item(self, x: DeviceArray, index: Any) -> DeviceArray:  # noqa: ANN401
        """Return ``x[index]``: a view for numbers and slices, one kernel for integer arrays."""
        parts = index if isinstance(index, tuple) else (index,)
        if all(part is None or part is ... or isinstance(part, int | slice | np.integer) for part in parts):
            # Without the dots an index that names one number would give a copy of it.
            return x._view(x._numbers[parts if ... in parts else (*parts, ...)])
        for part in parts:
            kind = part.dtype.kind if isinstance(part, DeviceArray) else None
            if isinstance(part, DeviceArray) and kind == "b":
                raise UnknownOperationError("an index of truth values", ["where"])
            if not (part is None or part is ... or isinstance(part, int | slice | np.integer) or kind in ("i", "u")):
                raise UnknownOperationError(f"an index of type {type(part).__name__}", ["take"])
        return operations.take(
            self._gpu, x, tuple(operations.operand(self._gpu, p) if isinstance(p, DeviceArray) else p for p in parts)
        )

    def set_item(self, x: DeviceArray, index: Any, value: object) -> None:  # noqa: ANN401
        """Write ``value`` into ``x[index]``: one kernel."""
        if isinstance(value, np.ndarray) and value.ndim:
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        target = self.get_item(x, index)
        if not np.may_share_memory(target._numbers, x._numbers):
            raise UnknownOperationError("writing through an index of integers", ["where"])
        operations.assign(self._gpu, "fill", target, value)

    def _filled(self, name: str, shape: Shape, dtype: Any, device: Device | None, make: Any) -> DeviceArray:  # noqa: ANN401
        self._gpu.require_device(device)
        # Zeros are the copy engine's memset: nothing is compiled for them.
        return operations.creation(self._gpu, name, sizes_of(shape), np.dtype(dtype), make, compiles=name != "zeros")

    def _reduce(self, name: str, x: DeviceArray, axis: Any = None, **options: Any) -> DeviceArray:  # noqa: ANN401
        return operations.reduction(self._gpu, name, _REDUCTIONS[name], x, axis=axis, **options)

    def _look(self, function: Any, x: DeviceArray, *arguments: Any, **options: Any) -> DeviceArray:  # noqa: ANN401
        operations.operand(self._gpu, x)
        return x._view(function(x._numbers, *arguments, **options))

    def _join(self, name: str, arrays: Sequence[DeviceArray], axis: int = 0) -> DeviceArray:
        return operations.join(self._gpu, name, _JOINS[name], arrays, axis)
