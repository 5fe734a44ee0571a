"""Arrays that live on a simulated GPU: they behave as CuPy's do, and refuse to mix with NumPy's."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from gpu_lessons.devices.flat import Flat
from gpu_lessons.devices.memory import Allocation, DevicePointer
from gpu_lessons.devices.operators import Operators
from gpu_lessons.devices.rows import names
from gpu_lessons.devices.unknown import UnknownOperationError

if TYPE_CHECKING:
    from gpu_lessons.devices.cuda_words import Device
    from gpu_lessons.devices.namespace import Namespace
    from gpu_lessons.devices.simulated import SimulatedGpu
    from gpu_lessons.devices.timeline import Stream

__all__ = ["DeviceArray"]

#: Methods that a namespace function of the same name does.
_METHODS = names("""
    all any argmax argmin argpartition argsort choose clip compress conj conjugate cumprod cumsum diagonal dot
    max mean min nonzero prod ptp put ravel repeat round searchsorted squeeze std sum swapaxes take trace var
""")
#: Methods that change the array: what they do is written over it.
_IN_PLACE = frozenset({"partition", "sort"})
#: ``x.scatter_add(index, value)`` and its kin, by the function that combines.
_SCATTERS = {"scatter_add": "add", "scatter_max": "maximum", "scatter_min": "minimum"}


class DeviceArray(Operators):
    """An array in the memory of a simulated GPU. Make one with the functions of ``gpu.xp`` or ``gpu.to_device``.

    Operators and functions launch kernels, in virtual time; views cost nothing. Reading a number on the host, with
    ``get``, ``float`` or ``print``, waits for the device and copies.

    Attributes
    ----------
    shape, dtype, ndim, size, nbytes, itemsize
        As in NumPy.
    device : Device
        The GPU it lives on.
    """

    __slots__ = ("_base", "_gpu", "_memory", "_numbers")
    __hash__ = None  # type: ignore[assignment]  # == compares number by number

    __array_priority__ = 100

    _gpu: SimulatedGpu

    def __init__(self, gpu: SimulatedGpu, numbers: np.ndarray[Any, Any], memory: Allocation) -> None:
        self._gpu = gpu
        self._numbers = numbers
        self._memory = memory
        self._base: DeviceArray | None = None

    @property
    def base(self) -> DeviceArray | None:
        """The array that it is a view of."""
        return self._base

    @property
    def data(self) -> DevicePointer:
        """Where it lies on the device; ``data.ptr`` is the address of its first number."""
        return DevicePointer(self._numbers.ctypes.data, self._memory)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Number format."""
        dtype: np.dtype[Any] = self._numbers.dtype
        return dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self._numbers.ndim

    @property
    def size(self) -> int:
        """Number of numbers."""
        return self._numbers.size

    @property
    def itemsize(self) -> int:
        """Bytes of one number."""
        return self._numbers.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all numbers."""
        return self._numbers.nbytes

    @property
    def strides(self) -> tuple[int, ...]:
        """Bytes from one number to the next, along each axis."""
        return self._numbers.strides

    @property
    def flags(self) -> Any:  # noqa: ANN401 - NumPy's own object
        """How it lies in memory, as in NumPy."""
        return self._numbers.flags

    @property
    def real(self) -> DeviceArray:
        """The real part, a view; the array itself for real numbers."""
        return self._view(self._numbers.real) if self.dtype.kind == "c" else self

    @real.setter
    def real(self, value: object) -> None:
        self.real[...] = value

    @property
    def imag(self) -> DeviceArray:
        """The imaginary part, a view; zeros for real numbers."""
        return self._view(self._numbers.imag) if self.dtype.kind == "c" else self._xp.zeros_like(self)

    @imag.setter
    def imag(self, value: object) -> None:
        if self.dtype.kind != "c":
            raise TypeError("cannot set imag of real numbers")
        self._view(self._numbers.imag)[...] = value

    @property
    def flat(self) -> Flat:
        """Its numbers one after another."""
        return Flat(self)

    @property
    def device(self) -> Device:
        """The GPU it lives on."""
        return self._gpu.device

    @property
    def memory(self) -> Allocation:
        """The memory it shares with its views."""
        return self._memory

    @property
    def T(self) -> DeviceArray:  # noqa: N802 - NumPy's name
        """The transpose, a view."""
        return self._view(self._numbers.T)

    @property
    def mT(self) -> DeviceArray:  # noqa: N802 - the array API's name
        """The transpose of the last two axes, a view."""
        return self._view(self._numbers.mT)

    def require_on(self, gpu: SimulatedGpu) -> None:
        """Refuse to be used by another GPU, or after its memory was freed.

        Raises
        ------
        ValueError, RuntimeError
            One sentence each.
        """
        if self._gpu is not gpu:
            raise ValueError(
                "Array device must be same as the current device: "
                f"array device = {self._gpu.device} while current = {gpu.device}"
            )
        if self._memory.is_free:
            raise RuntimeError("the memory of this array was freed; make a new array instead of using it")

    def get(
        self,
        stream: Stream | None = None,
        order: Any = "C",  # noqa: ANN401
        out: np.ndarray[Any, Any] | None = None,
        *,
        blocking: bool = True,
    ) -> np.ndarray[Any, Any]:
        """Return a NumPy copy on the host: wait for the device, then cross the bus.

        Parameters
        ----------
        stream : Stream, optional
            Where to queue the copy; the current one otherwise.
        order : {"C", "F", "A"}
            How the copy lies in memory.
        out : numpy.ndarray, optional
            Where to put the numbers; of the same shape and dtype.
        blocking : bool
            False returns while the copy into a pinned ``out`` still runs.
        """
        host = self._gpu.copy_out(self, stream=stream, out=out, blocking=blocking)
        return host if out is not None or order == "C" else np.asarray(host, order=order)

    def set(self, arr: np.ndarray[Any, Any], stream: Stream | None = None) -> None:
        """Overwrite with a NumPy array of the same shape and dtype, over the bus."""
        self._gpu.copy_into(self, arr, stream=stream)

    def item(self) -> Any:  # noqa: ANN401 - any number
        """Return the only number, on the host."""
        return self.get().item()

    def tolist(self) -> Any:  # noqa: ANN401 - a number, or lists of them
        """Return the numbers as lists, on the host."""
        return self.get().tolist()

    def tobytes(self, order: Any = "C") -> bytes:  # noqa: ANN401
        """Return the numbers as bytes, on the host."""
        return self.get().tobytes(order)

    def astype(
        self,
        dtype: Any,  # noqa: ANN401
        order: Any = "K",  # noqa: ANN401
        casting: Any = None,  # noqa: ANN401
        subok: Any = None,  # noqa: ANN401
        copy: bool = True,
    ) -> DeviceArray:
        """Return the numbers in another format: one kernel."""
        if casting is not None and not np.can_cast(self.dtype, dtype, casting):
            raise TypeError(f"Cannot cast array data from {self.dtype} to {np.dtype(dtype)} according to {casting!r}")
        return self._xp.astype(self, dtype, copy=copy)

    def reshape(self, *shape: Any, order: Any = "C", copy: bool | None = None) -> DeviceArray:  # noqa: ANN401
        """Return a view of another shape, given as sizes or one tuple; a copy where strides do not allow a view."""
        sizes = shape[0] if len(shape) == 1 else shape
        return self._xp.reshape(self, sizes, order=order, copy=copy)  # type: ignore[no-any-return]

    def transpose(self, *axes: Any) -> DeviceArray:  # noqa: ANN401
        """Return a view with its axes in another order."""
        return self._view(self._numbers.transpose(*axes))

    def copy(self, order: Any = "C") -> DeviceArray:  # noqa: ANN401
        """Return a copy on the device."""
        return self._xp.asarray(self, order=order, copy=True)

    def flatten(self, order: Any = "C") -> DeviceArray:  # noqa: ANN401
        """Return a copy with one axis."""
        flat = self.ravel(order)
        return flat.copy() if np.may_share_memory(flat._numbers, self._numbers) else flat  # type: ignore[no-any-return]

    def fill(self, value: Any) -> None:  # noqa: ANN401
        """Overwrite every number with one: a kernel, or for zeros the copy engine's memset."""
        self[...] = value

    def view(self, dtype: Any = None) -> DeviceArray:  # noqa: ANN401
        """Return another look at the same memory, as other numbers if ``dtype`` is given."""
        return self._view(self._numbers.view() if dtype is None else self._numbers.view(dtype))

    def to_device(self, device: Device, /, *, stream: Any = None) -> DeviceArray:  # noqa: ANN401
        """Return the array itself: there is one device."""
        self._gpu.require_device(device)
        return self

    __copy__ = copy

    def __deepcopy__(self, _: object) -> DeviceArray:
        return self.copy()

    def __reduce__(self) -> NoReturn:
        raise UnknownOperationError("pickling an array", ["get"])

    def __array_namespace__(self, *, api_version: str | None = None) -> Namespace:
        return self._xp

    @property
    def _xp(self) -> Namespace:
        return self._gpu.xp

    def _view(self, numbers: np.ndarray[Any, Any]) -> DeviceArray:
        self.require_on(self._gpu)
        view = DeviceArray(self._gpu, numbers, self._memory)
        view._base = self if self._base is None else self._base
        return view

    def _overwrite(self, result: DeviceArray) -> None:
        self._numbers[...] = result._numbers

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name in ("conj", "conjugate") and self.dtype.kind != "c":
            return lambda: self
        if name in _METHODS:
            function = getattr(self._xp, name)
            return lambda *arguments, **options: function(self, *arguments, **options)
        if name in _IN_PLACE:
            function = getattr(self._xp, name)
            if not self._numbers.flags.c_contiguous:
                raise NotImplementedError("Sorting non-contiguous array is not supported.")
            return lambda *arguments, **options: self._overwrite(function(self, *arguments, **options))
        if name in _SCATTERS:
            return partial(getattr(self._xp, _SCATTERS[name]).at, self)
        if name.startswith("_"):
            raise AttributeError(f"a device array has no attribute {name!r}")
        raise UnknownOperationError(
            f"ndarray.{name}", [*_METHODS, *_IN_PLACE, *_SCATTERS, *(each for each in dir(self) if each[0] != "_")]
        )
