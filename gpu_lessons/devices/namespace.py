"""The namespace ``gpu.xp`` of a simulated GPU: CuPy's names, most of them rows of a table."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from gpu_lessons.devices import indexing, operations, products
from gpu_lessons.devices.arrays import DeviceArray
from gpu_lessons.devices.calls import call
from gpu_lessons.devices.cuda_words import Cuda
from gpu_lessons.devices.memory import Shape, empty_pinned, sizes_of
from gpu_lessons.devices.pools import DevicePool, PinnedPool
from gpu_lessons.devices.random import Random
from gpu_lessons.devices.rows import names
from gpu_lessons.devices.tables import ROWS
from gpu_lessons.devices.tables.numbers import UFUNCS
from gpu_lessons.devices.ufuncs import Ufunc
from gpu_lessons.devices.unknown import UnknownOperationError
from gpu_lessons.devices.user_kernels import (
    ElementwiseKernel,
    RawKernel,
    RawModule,
    ReductionKernel,
    fuse,
    multiply_adds,
)
from gpu_lessons.devices.words import ByIndex, NamespaceInfo, Words, call_row

if TYPE_CHECKING:
    from gpu_lessons.devices.cuda_words import Device
    from gpu_lessons.devices.simulated import SimulatedGpu

__all__ = ["Namespace"]

Host = np.ndarray[Any, Any]

#: Taken from NumPy as they are: number formats, constants, and questions about formats.
_SHARED = names("""
    bool bool_ byte cdouble complex128 complex64 complexfloating csingle double dtype e euler_gamma finfo
    float16 float32 float64 floating format_float_positional generic half iinfo index_exp inexact inf int16
    int32 int64 int8 int_ intc integer intp isdtype issubdtype iterable longlong nan ndindex newaxis number pi
    promote_types s_ short signedinteger single ubyte uint uint16 uint32 uint64 uint8 uintc uintp ulonglong
    unsignedinteger ushort binary_repr base_repr get_printoptions printoptions set_printoptions
""")
#: Made by NumPy on the host and copied, as CuPy does.
_FROM_HOST = names("frombuffer fromfile fromfunction fromiter fromstring genfromtxt loadtxt")
_BY_INDEX = frozenset({"c_", "mgrid", "ogrid", "r_"})
_PRODUCTS = frozenset({"dot", "inner", "tensordot", "vdot", "vecdot"})
_USER_KERNELS: dict[str, Any] = {
    "ElementwiseKernel": ElementwiseKernel,
    "RawKernel": RawKernel,
    "RawModule": RawModule,
    "ReductionKernel": ReductionKernel,
    "fuse": fuse,
    "multiply_adds": multiply_adds,
}


class _ArrayType(type):
    """The type of arrays on one GPU: ``xp.ndarray(shape, dtype)`` makes one of any content."""

    of: SimulatedGpu

    def __instancecheck__(cls, x: object) -> bool:
        return isinstance(x, DeviceArray)

    def __call__(cls, shape: Shape, dtype: Any = float, *, order: Any = "C") -> DeviceArray:  # noqa: ANN401
        return operations.new_array(cls.of, sizes_of(shape), np.dtype(dtype), order)


class Namespace:
    """Functions on the arrays of one simulated GPU, under the names NumPy and CuPy use.

    A name it does not know raises `UnknownOperationError`, a ``NotImplementedError`` that names one it knows where one
    is near; nothing is computed on the host in silence. ``gpu.cupyx`` stands in for ``import cupyx``.
    """

    ufunc = Ufunc
    __version__ = "14.2.0"  # the one whose behaviour is followed
    __array_api_version__ = "2024.12"

    def __init__(self, gpu: SimulatedGpu) -> None:
        self.__name__ = f"simulated {gpu.machine.name}"  # array-api-compat compares namespaces by their names
        self._gpu = gpu
        self.ndarray = _ArrayType("ndarray", (DeviceArray,), {"__slots__": (), "of": gpu})
        self.random = Random(gpu)
        self.cuda = Cuda(gpu)
        products_of: dict[str, Any] = {name: partial(products.tensor_product, gpu, name) for name in _PRODUCTS}
        self.linalg = Words(gpu, "linalg", {**products_of, "matmul": self.matmul, "LinAlgError": np.linalg.LinAlgError})
        self.fft = Words(gpu, "fft", {})
        self._pools = DevicePool(gpu), PinnedPool()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name in UFUNCS:
            return Ufunc(self._gpu, name)
        if name in ROWS:
            return partial(call_row, self._gpu, ROWS[name])
        if name in _PRODUCTS:
            return partial(products.tensor_product, self._gpu, name)
        if name in _USER_KERNELS:
            return partial(_USER_KERNELS[name], self._gpu)
        if name in _BY_INDEX:
            return ByIndex(self._gpu, name)
        if name in _FROM_HOST:
            return lambda *given, **options: self.asarray(getattr(np, name)(*given, **options))
        if name in _SHARED:
            return getattr(np, name)
        if name.startswith("_"):
            raise AttributeError(f"the namespace of a simulated GPU has no attribute {name!r}")
        raise UnknownOperationError(name, self.__dir__())

    def __dir__(self) -> list[str]:
        own = (name for name in (*vars(type(self)), *vars(self)) if name[0] != "_")
        rows = (name for name in ROWS if "." not in name)
        return sorted({*own, *UFUNCS, *rows, *_PRODUCTS, *_USER_KERNELS, *_BY_INDEX, *_FROM_HOST, *_SHARED})

    def __repr__(self) -> str:
        return f"<array namespace of the simulated {self._gpu.machine.name}>"

    def __array_namespace_info__(self) -> NamespaceInfo:
        return NamespaceInfo(self._gpu)

    def asarray(
        self,
        a: Any,  # noqa: ANN401
        /,
        dtype: Any = None,  # noqa: ANN401
        order: Any = None,  # noqa: ANN401
        *,
        device: Device | None = None,
        copy: bool | None = None,
        blocking: bool = False,
    ) -> DeviceArray:
        """Return ``a`` on the device: a host array or list crosses the bus, a device array stays as it is."""
        self._gpu.require_device(device)
        if not isinstance(a, DeviceArray):
            if _holds_arrays(a):
                stacked = self.stack([self.asarray(each) for each in a])
                return stacked if dtype is None else self.astype(stacked, dtype, copy=False)
            if copy is False:
                raise ValueError("Unable to avoid a copy: the array lives on the host")
            with np.errstate(all="ignore"):
                return self._gpu.to_device(np.asarray(a, dtype, order=order))
        a.require_on(self._gpu)
        wanted = a.dtype if dtype is None else np.dtype(dtype)
        if wanted != a.dtype and copy is False:
            raise ValueError(f"Unable to avoid a copy: {a.dtype} becomes {wanted}")
        flags = a._numbers.flags
        turned = (order == "C" and not flags.c_contiguous) or (order == "F" and not flags.f_contiguous)
        return self._converted(a, wanted, order) if copy or turned or wanted != a.dtype else a

    def array(
        self,
        obj: Any,  # noqa: ANN401
        dtype: Any = None,  # noqa: ANN401
        copy: bool | None = True,
        order: Any = "K",  # noqa: ANN401
        subok: bool = False,
        ndmin: int = 0,
        *,
        blocking: bool = False,
    ) -> DeviceArray:
        """Return a copy of ``obj`` on the device."""
        if copy is False and not isinstance(obj, DeviceArray):
            raise ValueError("Unable to avoid a copy: the array lives on the host")
        made = self.asarray(obj, dtype, order, copy=copy if isinstance(obj, DeviceArray) else None)
        return made._view(np.array(made._numbers, ndmin=ndmin, copy=None)) if made.ndim < ndmin else made

    asanyarray = asarray

    def asnumpy(
        self,
        a: Any,  # noqa: ANN401
        stream: Any = None,  # noqa: ANN401
        order: Any = "C",  # noqa: ANN401
        out: Host | None = None,
        *,
        blocking: bool = True,
    ) -> Host:
        """Return ``a`` as a NumPy array on the host; a device array crosses the bus."""
        if isinstance(a, DeviceArray):
            return a.get(stream, order, out, blocking=blocking)
        return np.asarray(a)

    def get_array_module(self, *args: object) -> Any:  # noqa: ANN401
        """Return this namespace if any argument lives on the device, else NumPy."""
        return self if any(isinstance(each, DeviceArray) for each in args) else np

    def empty_pinned(self, shape: Shape, dtype: Any = "float32") -> Host:  # noqa: ANN401
        """Return a NumPy array in pinned host memory; CuPy has this as ``cupyx.empty_pinned``."""
        return empty_pinned(shape, dtype)

    def get_default_memory_pool(self) -> DevicePool:
        """Return the pool that arrays come from."""
        return self._pools[0]

    def get_default_pinned_memory_pool(self) -> PinnedPool:
        """Return the pool of pinned host memory."""
        return self._pools[1]

    def is_available(self) -> bool:
        """Return True: this GPU is always there."""
        return True

    def matmul(self, a: Any, b: Any, /, out: DeviceArray | None = None) -> DeviceArray:  # noqa: ANN401
        """Return the matrix product."""
        return products.matmul(self._gpu, a, b, out=out)

    def einsum(self, *operands: Any, **options: Any) -> DeviceArray:  # noqa: ANN401
        """Return the sum of products that the first argument names, as in ``"ij,jk->ik"``."""
        return products.einsum(self._gpu, *operands, **options)

    def astype(self, x: DeviceArray, dtype: Any, /, *, copy: bool = True, device: Device | None = None) -> DeviceArray:  # noqa: ANN401
        """Return the numbers of ``x`` in another format: one kernel."""
        self._gpu.require_device(device)
        wanted = np.dtype(dtype)
        return x if wanted == x.dtype and not copy else self._converted(x, wanted)

    def where(self, condition: Any, x: Any = None, y: Any = None, /) -> Any:  # noqa: ANN401
        """Return numbers of ``x`` where ``condition`` holds, of ``y`` elsewhere; with neither, where it holds."""
        if (x is None) != (y is None):
            raise ValueError("Must provide both 'x' and 'y' or neither.")
        if x is None:
            return self.nonzero(condition)
        return call(self._gpu, _WHERE, (condition, x, y), {})

    def take(self, a: DeviceArray, indices: Any, /, axis: int | None = None, out: Any = None) -> DeviceArray:  # noqa: ANN401
        """Return the entries of ``a`` that ``indices`` name, along an axis, or of all its numbers in a row."""
        taken = indexing.take(self._gpu, a, indices, axis)
        return taken if out is None else self._copied(out, taken)

    def copyto(self, dst: DeviceArray, src: Any, casting: Any = "same_kind", where: Any = None) -> None:  # noqa: ANN401
        """Write ``src``, broadcast, into ``dst``; only where ``where`` holds, if it is given."""
        src = self.asarray(src) if isinstance(src, np.ndarray) else src
        single = np.ones((), src.dtype) if isinstance(src, DeviceArray) else src
        np.copyto(np.empty((), dst.dtype), single, casting)  # NumPy says whether the formats allow it
        operations.assign(self._gpu, "copyto", dst, src if where is None else self.where(where, src, dst))

    def result_type(self, *arrays_and_dtypes: object) -> np.dtype[Any]:
        """Return the number format that results from mixing."""
        formats: list[Any] = [x.dtype if isinstance(x, DeviceArray) else x for x in arrays_and_dtypes]
        return np.result_type(*formats)

    def _get_item(self, x: DeviceArray, index: Any) -> DeviceArray:  # noqa: ANN401
        return indexing.get_item(self._gpu, x, index)

    def _set_item(self, x: DeviceArray, index: Any, value: object) -> None:  # noqa: ANN401
        indexing.set_item(self._gpu, x, index, value)

    def _copied(self, out: DeviceArray, x: DeviceArray) -> DeviceArray:
        operations.assign(self._gpu, "copy", out, x)
        return out

    def _converted(self, x: DeviceArray, dtype: np.dtype[Any], order: Any = "K") -> DeviceArray:  # noqa: ANN401
        numbers = x._numbers
        turned = order == "F" or (order in ("K", "A", None) and numbers.flags.f_contiguous)
        out = operations.new_array(self._gpu, x.shape, dtype, "F" if turned and numbers.ndim > 1 else "C")
        operations.assign(self._gpu, "copy" if dtype == x.dtype else "astype", out, x)
        return out


def _holds_arrays(a: object) -> bool:
    return isinstance(a, list | tuple) and any(isinstance(each, DeviceArray) or _holds_arrays(each) for each in a)


_WHERE = ROWS["where"]
