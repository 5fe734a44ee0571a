"""The namespace ``gpu.xp`` on WebGPU: those of CuPy's names that the course needs; what is missing is named."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from gpu_lessons.devices.memory import Shape, sizes_of
from gpu_lessons.devices.pools import DevicePool
from gpu_lessons.devices.rows import names
from gpu_lessons.devices.unknown import UnknownOperationError
from gpu_lessons.devices.webgpu import indexing, products, shaping
from gpu_lessons.devices.webgpu.arrays import WHO, WebGpuArray
from gpu_lessons.devices.webgpu.elementwise import EXPRESSIONS, assign, elementwise, operand, select
from gpu_lessons.devices.webgpu.formats import narrowed, on_host, result_format
from gpu_lessons.devices.webgpu.reductions import REDUCTIONS, reduce
from gpu_lessons.devices.webgpu.user_kernels import WgslKernel

if TYPE_CHECKING:
    from gpu_lessons.devices.webgpu.gpu import WebGpu

__all__ = ["Namespace"]

Host = np.ndarray[Any, Any]

#: Taken from NumPy as they are. Without float64 and complex numbers, which no shader has.
_SHARED = names("""
    bool bool_ dtype e finfo float16 float32 floating iinfo inf int16 int32 int64 int8 integer isdtype
    issubdtype nan newaxis number pi promote_types signedinteger uint16 uint32 uint64 uint8 unsignedinteger
""")
_SHAPING = names("""
    broadcast_to concat concatenate expand_dims flip moveaxis permute_dims ravel reshape squeeze stack swapaxes
    transpose
""")


class _ArrayType(type):
    """The type of arrays on one device: ``xp.ndarray(shape, dtype)`` makes one of any content."""

    of: WebGpu

    def __instancecheck__(cls, x: object) -> bool:
        return isinstance(x, WebGpuArray)

    def __call__(cls, shape: Shape, dtype: Any = np.float32) -> WebGpuArray:  # noqa: ANN401
        return cls.of.new_array(sizes_of(shape), narrowed(dtype))


class Namespace:
    """Functions on the arrays of one WebGPU device, under the names NumPy and CuPy use.

    Floating-point numbers are float32 unless another format is asked for. A name it does not know raises
    `UnknownOperationError`; nothing is computed on the host in silence.
    """

    __array_api_version__ = "2024.12"
    WgslKernel: type[WgslKernel]

    def __init__(self, gpu: WebGpu) -> None:
        self.__name__ = f"WebGPU on {gpu.machine.name}"  # array-api-compat compares namespaces by their names
        self._gpu = gpu
        self.ndarray = _ArrayType("ndarray", (WebGpuArray,), {"__slots__": (), "of": gpu})
        self._pool = DevicePool(gpu)  # type: ignore[arg-type]  # it asks for the account only

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name in EXPRESSIONS:
            return partial(elementwise, self._gpu, name)
        if name in REDUCTIONS:
            return partial(reduce, self._gpu, name)
        if name in _SHAPING:
            return partial(getattr(shaping, name), self._gpu)
        if name in _SHARED:
            return getattr(np, name)
        if name == "WgslKernel":
            return partial(WgslKernel, self._gpu)
        if name.startswith("_"):
            raise AttributeError(f"the namespace of WebGPU has no attribute {name!r}")
        raise UnknownOperationError(name, self.__dir__(), who=WHO)

    def __dir__(self) -> list[str]:
        own = (name for name in (*vars(type(self)), *vars(self)) if name[0] != "_")
        return sorted({*own, *EXPRESSIONS, *REDUCTIONS, *_SHAPING, *_SHARED, "WgslKernel"})

    def __repr__(self) -> str:
        return f"<array namespace of {self.__name__}>"

    def asarray(
        self,
        a: Any,  # noqa: ANN401
        /,
        dtype: Any = None,  # noqa: ANN401
        *,
        device: Any = None,  # noqa: ANN401
        copy: bool | None = None,
    ) -> WebGpuArray:
        """Return ``a`` on the device: a host array or list is copied there, a device array stays as it is."""
        self._gpu.require_device(device)
        if isinstance(a, WebGpuArray):
            a.require_on(self._gpu)
            wanted = a.dtype if dtype is None else narrowed(dtype)
            if wanted != a.dtype and copy is False:
                raise ValueError(f"Unable to avoid a copy: {a.dtype} becomes {wanted}")
            return self._converted(a, wanted) if copy or wanted != a.dtype else a
        if isinstance(a, list | tuple) and any(isinstance(each, WebGpuArray) for each in a):
            return self.asarray(self.stack([self.asarray(each) for each in a]), dtype)
        if copy is False:
            raise ValueError("Unable to avoid a copy: the array lives on the host")
        return self._gpu.to_device(on_host(a, dtype))

    def array(self, obj: Any, dtype: Any = None, copy: bool | None = True) -> WebGpuArray:  # noqa: ANN401
        """Return a copy of ``obj`` on the device."""
        return self.asarray(obj, dtype, copy=copy if isinstance(obj, WebGpuArray) or not copy else None)

    def ascontiguousarray(self, a: Any, dtype: Any = None) -> WebGpuArray:  # noqa: ANN401
        """Return ``a`` with its numbers one after another; a copy where they are not."""
        found = self.asarray(a, dtype)
        return found if found.is_packed else found.copy()

    def asnumpy(self, a: Any, *, out: Host | None = None, blocking: bool = True) -> Host:  # noqa: ANN401
        """Return ``a`` as a NumPy array on the host."""
        return a.get(out=out) if isinstance(a, WebGpuArray) else np.asarray(a)

    def get_array_module(self, *args: object) -> Any:  # noqa: ANN401
        """Return this namespace if any argument lives on the device, else NumPy."""
        return self if any(isinstance(each, WebGpuArray) for each in args) else np

    def empty_pinned(self, shape: Shape, dtype: Any = "float32") -> Host:  # noqa: ANN401
        """Return a NumPy array in ordinary memory, with a warning: WebGPU has no pinned memory."""
        return self._gpu.empty_pinned(shape, dtype)

    def get_default_memory_pool(self) -> DevicePool:
        """Return the pool that arrays come from."""
        return self._pool

    def is_available(self) -> bool:
        """Return True: the device is there."""
        return True

    def empty(self, shape: Shape, dtype: Any = np.float32, *, device: Any = None) -> WebGpuArray:  # noqa: ANN401
        """Return an array of any content."""
        self._gpu.require_device(device)
        return self._gpu.new_array(sizes_of(shape), narrowed(dtype))

    def full(self, shape: Shape, fill_value: Any, dtype: Any = None, *, device: Any = None) -> WebGpuArray:  # noqa: ANN401
        """Return an array of one value: one kernel."""
        operand(self._gpu, fill_value)
        wanted = result_format(np.result_type(fill_value)) if dtype is None else dtype
        out = self.empty(shape, wanted, device=device)
        assign(self._gpu, out, fill_value)
        return out

    def zeros(self, shape: Shape, dtype: Any = np.float32, *, device: Any = None) -> WebGpuArray:  # noqa: ANN401
        """Return an array of zeros."""
        return self.full(shape, 0, dtype, device=device)

    def ones(self, shape: Shape, dtype: Any = np.float32, *, device: Any = None) -> WebGpuArray:  # noqa: ANN401
        """Return an array of ones."""
        return self.full(shape, 1, dtype, device=device)

    def empty_like(self, a: WebGpuArray, dtype: Any = None) -> WebGpuArray:  # noqa: ANN401
        """Return an array of any content in the form of another."""
        return self.empty(a.shape, a.dtype if dtype is None else dtype)

    def full_like(self, a: WebGpuArray, fill_value: Any, dtype: Any = None) -> WebGpuArray:  # noqa: ANN401
        """Return an array of one value in the form of another."""
        return self.full(a.shape, fill_value, a.dtype if dtype is None else dtype)

    def zeros_like(self, a: WebGpuArray, dtype: Any = None) -> WebGpuArray:  # noqa: ANN401
        """Return zeros in the form of another array."""
        return self.full_like(a, 0, dtype)

    def ones_like(self, a: WebGpuArray, dtype: Any = None) -> WebGpuArray:  # noqa: ANN401
        """Return ones in the form of another array."""
        return self.full_like(a, 1, dtype)

    def arange(
        self,
        start: float,
        stop: float | None = None,
        step: float = 1,
        dtype: Any = None,  # noqa: ANN401
        *,
        device: Any = None,  # noqa: ANN401
    ) -> WebGpuArray:
        """Return numbers from ``start`` in steps, drawn up on the host as on CuPy's and copied."""
        self._gpu.require_device(device)
        begin, end = (0, start) if stop is None else (start, stop)
        return self._gpu.to_device(on_host(np.arange(begin, end, step), dtype))

    def linspace(self, start: float, stop: float, num: int = 50, dtype: Any = np.float32) -> WebGpuArray:  # noqa: ANN401
        """Return ``num`` numbers from ``start`` to ``stop`` at equal distances, copied from the host."""
        return self._gpu.to_device(np.linspace(start, stop, num).astype(narrowed(dtype)))

    def eye(self, n: int, dtype: Any = np.float32) -> WebGpuArray:  # noqa: ANN401
        """Return the identity matrix."""
        row = self.arange(n)
        return self.astype(row[:, None] == row[None, :], dtype)

    def astype(self, x: WebGpuArray, dtype: Any, /, *, copy: bool = True, device: Any = None) -> WebGpuArray:  # noqa: ANN401
        """Return the numbers of ``x`` in another format: one kernel."""
        self._gpu.require_device(device)
        wanted = narrowed(dtype)
        return x if wanted == x.dtype and not copy else self._converted(x, wanted)

    def where(self, condition: Any, x: Any = None, y: Any = None, /) -> WebGpuArray:  # noqa: ANN401
        """Return numbers of ``x`` where ``condition`` holds, of ``y`` elsewhere."""
        if x is None or y is None:
            raise UnknownOperationError("where without x and y", ["where"], who=WHO)
        return select(self._gpu, condition, x, y)

    def clip(self, a: WebGpuArray, a_min: Any = None, a_max: Any = None, out: Any = None) -> WebGpuArray:  # noqa: ANN401
        """Return the numbers of ``a`` kept between two bounds, of which either may be left out."""
        found = operand(self._gpu, a)
        for bound, name in ((a_min, "maximum"), (a_max, "minimum")):
            found = found if bound is None else elementwise(self._gpu, name, found, bound)
        if out is None:
            return found.copy() if found is a else found
        out[...] = found
        return out  # type: ignore[no-any-return]

    def matmul(self, a: Any, b: Any, /, out: WebGpuArray | None = None) -> WebGpuArray:  # noqa: ANN401
        """Return the matrix product: one kernel."""
        return products.matmul(self._gpu, a, b, out=out)

    def dot(self, a: Any, b: Any, out: WebGpuArray | None = None) -> WebGpuArray:  # noqa: ANN401
        """Return the product of vectors or matrices."""
        if max(getattr(a, "ndim", 0), getattr(b, "ndim", 0)) > 2:
            raise UnknownOperationError("dot of more than two axes", ["matmul"], who=WHO)
        return self.matmul(a, b, out=out)

    def mean(self, a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> WebGpuArray:  # noqa: ANN401
        """Return the mean along axes, or of all numbers."""
        operand(self._gpu, a)
        wide = a if a.dtype.kind == "f" else self.astype(a, np.float32)
        count = math.prod(a.shape) if axis is None else math.prod(np.take(a.shape, axis).reshape(-1).tolist())
        total = reduce(self._gpu, "sum", wide, axis, np.float32, keepdims=keepdims)
        elementwise(self._gpu, "divide", total, float(count) if count else math.nan, out=total)
        wanted = wide.dtype if dtype is None else narrowed(dtype)
        found = self.astype(total, wanted, copy=False)
        return found if out is None else self._copied(out, found)

    def var(self, a: Any, axis: Any = None, keepdims: bool = False) -> WebGpuArray:  # noqa: ANN401
        """Return the mean square of the distances from the mean."""
        return self.mean(self.square(a - self.mean(a, axis, keepdims=True)), axis, keepdims=keepdims)

    def std(self, a: Any, axis: Any = None, keepdims: bool = False) -> WebGpuArray:  # noqa: ANN401
        """Return the root of `var`."""
        return self.sqrt(self.var(a, axis, keepdims))  # type: ignore[no-any-return]

    def isclose(self, a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8) -> WebGpuArray:  # noqa: ANN401
        """Return whether numbers agree within ``atol + rtol * |b|``; an infinity agrees with itself."""
        near = self.abs(self.subtract(a, b)) <= atol + rtol * self.abs(b)
        return near & self.isfinite(b) | self.equal(a, b)  # type: ignore[no-any-return]

    def allclose(self, a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8) -> WebGpuArray:  # noqa: ANN401
        """Return whether all numbers agree; see `isclose`."""
        return self.all(self.isclose(a, b, rtol, atol))  # type: ignore[no-any-return]

    def array_equal(self, a: WebGpuArray, b: WebGpuArray) -> bool | WebGpuArray:
        """Return whether shapes and numbers are the same."""
        return a.shape == b.shape and self.all(a == b)

    def round(self, a: WebGpuArray, decimals: int = 0) -> WebGpuArray:
        """Return the numbers rounded to so many decimals."""
        if operand(self._gpu, a).dtype.kind != "f":
            return a.copy()
        return self.divide(self.rint(self.multiply(a, 10.0**decimals)), 10.0**decimals)  # type: ignore[no-any-return]

    def take(self, a: WebGpuArray, indices: Any, /, axis: int | None = None) -> WebGpuArray:  # noqa: ANN401
        """Return the entries of ``a`` that ``indices`` name, along an axis, or of all its numbers in a row."""
        return indexing.take(self._gpu, a, indices, axis)

    def result_type(self, *arrays_and_dtypes: object) -> np.dtype[Any]:
        """Return the number format that results from mixing."""
        given: list[Any] = [x.dtype if isinstance(x, WebGpuArray) else x for x in arrays_and_dtypes]
        return result_format(np.result_type(*given))

    def _get_item(self, x: WebGpuArray, index: Any) -> WebGpuArray:  # noqa: ANN401
        return indexing.get_item(self._gpu, x, index)

    def _set_item(self, x: WebGpuArray, index: Any, value: object) -> None:  # noqa: ANN401
        indexing.set_item(self._gpu, x, index, value)

    def _copied(self, out: WebGpuArray, x: WebGpuArray) -> WebGpuArray:
        assign(self._gpu, out, x)
        return out

    def _converted(self, x: WebGpuArray, dtype: np.dtype[Any]) -> WebGpuArray:
        return self._copied(self._gpu.new_array(x.shape, dtype), x)
