"""The kernels that every program uses: functions number by number, and writing into an array."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gpu_lessons.devices.arrays import DeviceArray
from gpu_lessons.devices.calls import without_warnings
from gpu_lessons.devices.charging import charge
from gpu_lessons.devices.memory import allocate
from gpu_lessons.devices.room import broadcast_shape
from gpu_lessons.devices.substitutes import integer_power
from gpu_lessons.devices.unknown import UnknownOperationError

if TYPE_CHECKING:
    from gpu_lessons.devices.simulated import SimulatedGpu

__all__ = ["assign", "elementwise", "new_array", "operand"]

Host = np.ndarray[Any, Any]

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


def new_array(gpu: SimulatedGpu, shape: tuple[int, ...], dtype: np.dtype[Any], order: Any = "C") -> DeviceArray:  # noqa: ANN401
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
    memory = allocate(gpu, math.prod(shape) * dtype.itemsize)
    return DeviceArray(gpu, np.empty(shape, dtype, order), memory)


#: NumPy asks a complex number whether it is true, CuPy 14 does not (seen on an H100).
_NO_COMPLEX = {"logical_and", "logical_not", "logical_or", "logical_xor"}


@without_warnings
def elementwise(
    gpu: SimulatedGpu,
    name: str,
    *values: object,
    out: Any = None,  # noqa: ANN401 - an array, or a tuple of them
    dtype: Any = None,  # noqa: ANN401
    casting: Any = "same_kind",  # noqa: ANN401
    **options: object,
) -> Any:  # noqa: ANN401 - an array, or a tuple of them
    """Return a function of device arrays and scalars, broadcast: one kernel, one operation a number."""
    for option in options:
        raise UnknownOperationError(f"{name} with {option}=", [name])
    ufunc = getattr(np, name)
    inputs, given = values[: ufunc.nin], values[ufunc.nin :]
    if len(inputs) < ufunc.nin or len(given) > ufunc.nout:
        raise TypeError(f"Wrong number of arguments for {name}: it takes {ufunc.nin}, got {len(values)}")
    numbers = [operand(gpu, value) for value in inputs]
    if name in _NO_COMPLEX and any(np.iscomplexobj(each) for each in numbers):
        formats = ", ".join(str(np.result_type(each)) for each in numbers)
        raise TypeError(f"Wrong type ({formats}) of arguments for cupy_{name}")
    outs: Any = given or (out if isinstance(out, tuple) else (out,) if out is not None else ())
    if not outs or any(each is None for each in outs):
        made = _results(gpu, ufunc, numbers, dtype)
        outs = tuple(new if own is None else own for own, new in zip(outs or made, made, strict=True))
    targets = tuple(operand(gpu, each) for each in outs)
    if _is_integer_power(name, numbers, targets):
        np.copyto(targets[0], integer_power(*numbers), casting="unsafe")
    else:
        ufunc(*numbers, out=targets, dtype=dtype, casting=casting)
    charge(gpu, name, inputs, outs)
    return outs[0] if ufunc.nout == 1 else tuple(outs)


@without_warnings
def assign(gpu: SimulatedGpu, name: str, target: DeviceArray, value: object, *, compiles: bool = True) -> None:
    """Write ``value``, broadcast and converted, into ``target``: one kernel."""
    np.copyto(operand(gpu, target), operand(gpu, value), casting="unsafe")
    charge(gpu, name, (value,), [target], compiles=compiles)


def _results(gpu: SimulatedGpu, ufunc: np.ufunc, numbers: Sequence[Any], dtype: Any) -> tuple[DeviceArray, ...]:  # noqa: ANN401
    shape = broadcast_shape(numbers)
    wanted = [None] * ufunc.nout if dtype is None else [np.dtype(dtype)] * ufunc.nout
    options: dict[str, Any] = {} if dtype is None else {"signature": (*[None] * ufunc.nin, *wanted)}
    given = (*map(_format_of, numbers), *[None] * ufunc.nout)
    formats = ufunc.resolve_dtypes(given, casting="unsafe", **options)
    whole = [x for x in numbers if isinstance(x, np.ndarray) and x.shape == shape and x.ndim > 1]
    order = "F" if whole and all(x.flags.f_contiguous and not x.flags.c_contiguous for x in whole) else "C"
    return tuple(new_array(gpu, shape, each, order) for each in formats[ufunc.nin :])


def _format_of(value: object) -> Any:  # noqa: ANN401 - a dtype, or the type of a Python number, which adapts itself
    if isinstance(value, bool):
        return np.dtype(bool)
    return value.dtype if isinstance(value, np.ndarray | np.generic) else type(value)


def _is_integer_power(name: str, numbers: Sequence[Any], targets: Sequence[Host]) -> bool:
    """Return whether NumPy would refuse what CuPy answers: an integer to the power of a negative one."""
    if name not in ("pow", "power") or targets[0].dtype.kind not in "iu":
        return False
    return bool(np.any(np.less(numbers[1], 0)))
