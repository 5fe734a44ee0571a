"""What a simulated GPU can do: NumPy computes the numbers, the model charges the time, the pool the memory."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gpu_lessons.devices.arrays import DeviceArray
from gpu_lessons.devices.charging import charge, counted_as, read_bytes
from gpu_lessons.devices.memory import Allocation, require_host_room
from gpu_lessons.devices.unknown import UnknownOperationError
from gpu_lessons.work.kernels import Kernel, matmul_kernel

if TYPE_CHECKING:
    from gpu_lessons.devices.simulated import SimulatedGpu

__all__ = [
    "assign",
    "creation",
    "elementwise",
    "join",
    "matmul",
    "new_array",
    "operand",
    "pointwise",
    "reduction",
    "take",
]

Host = np.ndarray[Any, Any]

# A GPU raises no warning when it divides by zero, or when a number is too large for its format.
_without_warnings = np.errstate(all="ignore")
# Type codes of the number formats that CuPy's arrays can have.
_FORMATS = "?bhilqBHILQefdFD"


def operand(gpu: SimulatedGpu, value: object) -> Any:  # noqa: ANN401 - NumPy's array, or a scalar
    """Return what NumPy computes with: the numbers of a device array, or a scalar.

    Raises
    ------
    TypeError
        If ``value`` lives on the host, in the words of CuPy.
    ValueError, RuntimeError
        If it lives on another GPU, or its memory was freed.
    """
    if isinstance(value, DeviceArray):
        value.require_on(gpu)
        return value._numbers
    if isinstance(value, bool | int | float | complex | np.generic):
        return value
    raise TypeError(f"Unsupported type {type(value)}")


def new_array(gpu: SimulatedGpu, shape: tuple[int, ...], dtype: np.dtype[Any]) -> DeviceArray:
    """Return an array of any content.

    Raises
    ------
    ValueError
        If ``dtype`` is no number format of a GPU, in the words of CuPy.
    OutOfMemoryError
        If it does not fit on the device.
    MemoryError
        If it would fit there, but this machine, which holds its numbers, has no room.
    """
    if dtype.char not in _FORMATS:
        raise ValueError(f"Unsupported dtype {dtype}")
    memory = _allocated(gpu, math.prod(shape) * dtype.itemsize)
    return DeviceArray(gpu, np.empty(shape, dtype), memory)


@_without_warnings
def elementwise(
    gpu: SimulatedGpu, name: str, ufunc: np.ufunc, *values: object, out: DeviceArray | None = None, **options: object
) -> DeviceArray:
    """Return ``ufunc`` of device arrays and scalars, broadcast: one kernel, one operation a number."""
    _refuse(name, options)
    if len(values) == ufunc.nin + 1 and out is None:
        *values, out = values  # type: ignore[assignment]  # `operand` below refuses what is no array
    if len(values) != ufunc.nin:
        raise TypeError(f"Wrong number of arguments for {name}: it takes {ufunc.nin}, got {len(values)}")
    numbers = [operand(gpu, value) for value in values]
    shape = _broadcast_shape(numbers)
    if out is None:
        dtypes = [_format_of(each) for each in numbers]
        out = new_array(gpu, shape, ufunc.resolve_dtypes((*dtypes, *[None] * ufunc.nout))[-1])
    ufunc(*numbers, out=operand(gpu, out))
    charge(gpu, name, values, [out])
    return out


@_without_warnings
def pointwise(gpu: SimulatedGpu, name: str, function: Callable[..., Any], *values: object) -> DeviceArray:
    """Return what ``function``, which is no ufunc, makes of device arrays and scalars, broadcast: one kernel."""
    numbers = [operand(gpu, value) for value in values]
    # Of one number each it tells the format, so that an array with no room is refused before it is made.
    single = (np.ones((1,) * np.ndim(x), x.dtype) if isinstance(x, np.ndarray) else x for x in numbers)
    out = new_array(gpu, _broadcast_shape(numbers), np.asarray(function(*single)).dtype)
    out._numbers[...] = function(*numbers)
    charge(gpu, name, values, [out])
    return out


@_without_warnings
def assign(gpu: SimulatedGpu, name: str, target: DeviceArray, value: object) -> None:
    """Write ``value``, broadcast and converted, into ``target``: one kernel."""
    np.copyto(operand(gpu, target), operand(gpu, value), casting="unsafe")
    charge(gpu, name, (value,), [target])


@_without_warnings
def reduction(
    gpu: SimulatedGpu, name: str, function: Callable[..., Any], x: DeviceArray, **options: object
) -> DeviceArray:
    """Return ``function(x, axis=..., keepdims=...)``: one kernel that reads ``x`` and writes the result."""
    _refuse(name, {option: value for option, value in options.items() if option not in ("axis", "dtype", "keepdims")})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of the mean of no numbers
        numbers = np.asarray(function(operand(gpu, x), **options))
    out = DeviceArray(gpu, numbers, _allocated(gpu, numbers.nbytes))
    charge(gpu, name, (x,), [out], x.size)
    return out


@_without_warnings
def matmul(gpu: SimulatedGpu, a: object, b: object) -> DeviceArray:
    """Return the matrix product: one kernel of the library, counted with its true sizes.

    Raises
    ------
    TypeError
        If an operand lives on the host, in the words of CuPy.
    ValueError
        If the shapes do not fit, or an operand is a scalar.
    """
    for name, value in (("a", a), ("b", b)):
        if isinstance(value, np.ndarray):  # CuPy's products do not say it as its other operations do
            raise TypeError(f"Argument '{name}' has incorrect type (expected DeviceArray, got numpy.ndarray)")
    x, w = operand(gpu, a), operand(gpu, b)
    if np.ndim(x) == 0 or np.ndim(w) == 0:
        raise ValueError("matmul: an operand is a scalar; multiply with * instead")
    rows = x if x.ndim > 1 else x[None, :]  # (..., m, k)
    columns = w if w.ndim > 1 else w[:, None]  # (..., k, n)
    if rows.shape[-1] != columns.shape[-2]:
        raise ValueError(f"matmul: shapes {x.shape} and {w.shape} do not fit: {rows.shape[-1]} != {columns.shape[-2]}")
    batch = np.broadcast_shapes(rows.shape[:-2], columns.shape[:-2])
    m, k, n = rows.shape[-2], rows.shape[-1], columns.shape[-1]
    out = new_array(gpu, (*batch, m, n), np.result_type(x, w))
    np.matmul(rows, columns, out=out._numbers)
    counted = counted_as(gpu, out.dtype)
    if out.size and k:
        product = matmul_kernel("matmul", math.prod(batch) * m, n, k, counted)
        # Every matrix of a batch is read, not only one.
        read = read_bytes(each for each in (a, b) if isinstance(each, DeviceArray))
        gpu.launch(replace(product, bytes_read=read, bytes_written=out.nbytes))
    else:  # sums of nothing are zeros
        gpu.launch(Kernel("zeros", 0, 0, out.nbytes, counted))
    kept = (*batch, *((m,) if x.ndim > 1 else ()), *((n,) if w.ndim > 1 else ()))
    return out if out.shape == kept else out.reshape(kept)


def take(gpu: SimulatedGpu, x: DeviceArray, index: Any) -> DeviceArray:  # noqa: ANN401
    """Return ``x[index]`` for an index that holds device arrays: one kernel that reads what it writes."""
    numbers = operand(gpu, x)
    arrays = [part for part in index if isinstance(part, np.ndarray)]
    others = numbers[tuple(slice(1) if isinstance(part, np.ndarray) else part for part in index)]
    memory = _allocated(gpu, others.nbytes * math.prod(_broadcast_shape(arrays)))
    out = DeviceArray(gpu, numbers[index], memory)
    charge(gpu, "take", (out,), [out])
    return out


def join(gpu: SimulatedGpu, name: str, function: Callable[..., Host], xs: Sequence[object], axis: int) -> DeviceArray:
    """Return the arrays ``xs`` put together along an axis: one kernel that reads and writes every number."""
    numbers = [operand(gpu, x) for x in xs]
    itemsize = np.result_type(*numbers).itemsize if numbers else 0
    memory = _allocated(gpu, itemsize * sum(np.size(each) for each in numbers))
    out = DeviceArray(gpu, function(numbers, axis=axis), memory)
    charge(gpu, name, xs, [out])
    return out


@_without_warnings
def creation(
    gpu: SimulatedGpu,
    name: str,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    make: Callable[[], Host],
    *,
    compiles: bool = True,
) -> DeviceArray:
    """Return an array that a kernel fills on the device, such as zeros: nothing crosses the bus."""
    out = new_array(gpu, shape, dtype)
    out._numbers = make()
    charge(gpu, name, (), [out], compiles=compiles)
    return out


def _format_of(value: object) -> Any:  # noqa: ANN401 - a dtype, or the type of a Python number, which adapts itself
    if isinstance(value, bool):
        return np.dtype(bool)
    return value.dtype if isinstance(value, np.ndarray | np.generic) else type(value)


def _allocated(gpu: SimulatedGpu, size_bytes: int) -> Allocation:
    memory = gpu.memory.allocate(size_bytes)
    require_host_room(size_bytes, f"the simulated {gpu.machine.name} keeps its numbers in this machine's memory")
    return memory


def _broadcast_shape(numbers: Sequence[Any]) -> tuple[int, ...]:
    """Return the common shape; CuPy's words where there is none."""
    shapes = [np.shape(each) for each in numbers]
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        told = " ".join(map(str, shapes))
        raise ValueError(f"operands could not be broadcast together with shapes {told}") from None


def _refuse(name: str, options: Mapping[str, object]) -> None:
    for option in options:
        raise UnknownOperationError(f"{name} with {option}=", [name])
