"""Arrays that live on a simulated GPU: they behave as CuPy's do, and refuse to mix with NumPy's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from gpu_lessons.devices.memory import Allocation
from gpu_lessons.devices.unknown import UnknownOperationError

if TYPE_CHECKING:
    from gpu_lessons.devices.namespace import Namespace
    from gpu_lessons.devices.simulated import Device, SimulatedGpu
    from gpu_lessons.devices.timeline import Stream

__all__ = ["DeviceArray"]

_IMPLICIT = (
    "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array explicitly."
)
#: Methods that a namespace function of the same name does.
_METHODS = ("all", "any", "argmax", "argmin", "clip", "dot", "max", "mean", "min", "prod", "ravel", "squeeze", "sum")


class DeviceArray:
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

    __slots__ = ("_gpu", "_memory", "_numbers")
    __hash__ = None  # type: ignore[assignment]  # == compares number by number

    def __init__(self, gpu: SimulatedGpu, numbers: np.ndarray[Any, Any], memory: Allocation) -> None:
        self._gpu = gpu
        self._numbers = numbers
        self._memory = memory

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        shape: tuple[int, ...] = self._numbers.shape
        return shape

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
        self, stream: Stream | None = None, *, out: np.ndarray[Any, Any] | None = None, blocking: bool = True
    ) -> np.ndarray[Any, Any]:
        """Return a NumPy copy on the host: wait for the device, then cross the bus.

        Parameters
        ----------
        stream : Stream, optional
            Where to queue the copy; the current one otherwise.
        out : numpy.ndarray, optional
            Where to put the numbers; of the same shape and dtype.
        blocking : bool
            False returns while the copy into a pinned ``out`` still runs.
        """
        return self._gpu.copy_out(self, stream=stream, out=out, blocking=blocking)

    def set(self, numbers: np.ndarray[Any, Any], stream: Stream | None = None) -> None:
        """Overwrite with a NumPy array of the same shape and dtype, over the bus."""
        self._gpu.copy_into(self, numbers, stream=stream)

    def item(self) -> Any:  # noqa: ANN401 - any number
        """Return the only number, on the host."""
        return self.get().item()

    def tolist(self) -> Any:  # noqa: ANN401 - a number, or lists of them
        """Return the numbers as lists, on the host."""
        return self.get().tolist()

    def astype(self, dtype: Any, *, copy: bool = True) -> DeviceArray:  # noqa: ANN401
        """Return the numbers in another format: one kernel."""
        return self._xp.astype(self, dtype, copy=copy)

    def reshape(self, *shape: Any) -> DeviceArray:  # noqa: ANN401 - sizes, or one tuple of them
        """Return a view of another shape, or a copy where strides do not allow one."""
        return self._xp.reshape(self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: int) -> DeviceArray:
        """Return a view with its axes in another order."""
        return self._view(self._numbers.transpose(*axes))

    def copy(self) -> DeviceArray:
        """Return a copy on the device."""
        return self._xp.asarray(self, copy=True)

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
        return DeviceArray(self._gpu, numbers, self._memory)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name in _METHODS:
            function = getattr(self._xp, name)
            return lambda *arguments, **options: function(self, *arguments, **options)
        if name.startswith("_"):
            raise AttributeError(f"a device array has no attribute {name!r}")
        raise UnknownOperationError(f"ndarray.{name}", [*_METHODS, *(each for each in dir(self) if each[0] != "_")])

    def __array__(self, *_: object, **__: object) -> NoReturn:
        raise TypeError(_IMPLICIT)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: object, **options: object) -> DeviceArray:
        """Take over where NumPy's own functions and arrays meet a device array."""
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        if "out" in options:  # NumPy hands it over as a tuple
            [options["out"]] = options["out"]  # type: ignore[misc]
        return getattr(self._xp, name)(*inputs, **options)  # type: ignore[no-any-return]

    def __array_function__(self, function: Any, _: object, arguments: Any, options: Any) -> Any:  # noqa: ANN401
        return getattr(self._xp, function.__name__)(*arguments, **options)

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[DeviceArray]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self.get())

    def __int__(self) -> int:
        return int(self.get())

    def __index__(self) -> int:
        return self.get().__index__()

    def __float__(self) -> float:
        return float(self.get())

    def __repr__(self) -> str:
        return repr(self.get())

    def __str__(self) -> str:
        return str(self.get())

    def __format__(self, form: str) -> str:
        return format(self.get(), form)

    def __getitem__(self, index: Any) -> DeviceArray:  # noqa: ANN401
        return self._xp.get_item(self, index)

    def __setitem__(self, index: Any, value: object) -> None:  # noqa: ANN401
        self._xp.set_item(self, index, value)


def _operator(name: str, *, reflected: bool = False) -> Any:  # noqa: ANN401
    def operate(self: DeviceArray, *other: object) -> Any:  # noqa: ANN401
        arguments = (*other, self) if reflected else (self, *other)
        return getattr(self._xp, name)(*arguments)

    return operate


def _in_place(name: str) -> Any:  # noqa: ANN401
    def operate(self: DeviceArray, other: object) -> DeviceArray:
        getattr(self._xp, name)(self, other, out=self)
        return self

    return operate


for _symbol, _name in (
    ("add", "add"),
    ("sub", "subtract"),
    ("mul", "multiply"),
    ("truediv", "divide"),
    ("floordiv", "floor_divide"),
    ("mod", "remainder"),
    ("pow", "pow"),
    ("and", "bitwise_and"),
    ("or", "bitwise_or"),
    ("xor", "bitwise_xor"),
    ("lshift", "left_shift"),
    ("rshift", "right_shift"),
):
    setattr(DeviceArray, f"__{_symbol}__", _operator(_name))
    setattr(DeviceArray, f"__r{_symbol}__", _operator(_name, reflected=True))
    setattr(DeviceArray, f"__i{_symbol}__", _in_place(_name))
for _symbol, _name in (
    ("eq", "equal"),
    ("ne", "not_equal"),
    ("lt", "less"),
    ("le", "less_equal"),
    ("gt", "greater"),
    ("ge", "greater_equal"),
    ("neg", "negative"),
    ("pos", "positive"),
    ("divmod", "divmod"),
    ("round", "round"),
    ("abs", "abs"),
    ("invert", "bitwise_invert"),
    ("matmul", "matmul"),
):
    setattr(DeviceArray, f"__{_symbol}__", _operator(_name))
DeviceArray.__rmatmul__ = _operator("matmul", reflected=True)  # type: ignore[attr-defined]
