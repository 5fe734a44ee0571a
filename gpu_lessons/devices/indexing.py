"""Reading and writing parts of a device array, by any index that NumPy knows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from gpu_lessons.devices.arrays import DeviceArray
from gpu_lessons.devices.calls import without_warnings
from gpu_lessons.devices.charging import charge
from gpu_lessons.devices.memory import allocate, require_room
from gpu_lessons.devices.operations import assign, operand
from gpu_lessons.devices.room import broadcast_shape

if TYPE_CHECKING:
    from gpu_lessons.devices.simulated import SimulatedGpu

__all__ = ["get_item", "set_item", "take"]

Host = np.ndarray[Any, Any]

# A selection by truth values: count them in two passes, then gather. The host reads the count, 8 bytes.
_MASK_KERNELS, _COUNT_BYTES = 3, 8


def get_item(gpu: SimulatedGpu, x: DeviceArray, index: Any) -> DeviceArray:  # noqa: ANN401
    """Return ``x[index]``: a view for numbers and slices, a kernel for integers on the device, three for a mask."""
    parts = index if isinstance(index, tuple) else (index,)
    if _is_basic(parts):
        # Without the dots an index that names one number would give a copy of it.
        return x._view(x._numbers[parts if ... in parts else (*parts, ...)])
    arrays = [_on_device(gpu, part) for part in parts]
    place = tuple(_wrapped(arrays, x.shape))
    require_room(gpu, _size_of(place, x))
    picked = np.asarray(x._numbers[place])
    out = DeviceArray(gpu, picked, allocate(gpu, picked.nbytes))
    indices = [part for part in arrays if isinstance(part, DeviceArray)]
    if any(part.dtype.kind == "b" for part in indices):
        charge(gpu, "select", [*indices, out], [out], x.size, kernels=_MASK_KERNELS)
        gpu.read_number(_COUNT_BYTES)
    else:
        charge(gpu, "take", [*indices, out], [out])
    return out


@without_warnings
def set_item(gpu: SimulatedGpu, x: DeviceArray, index: Any, value: object, operation: Any = None) -> None:  # noqa: ANN401
    """Write ``value`` into ``x[index]``: one kernel.

    Parameters
    ----------
    gpu, x, index, value : SimulatedGpu, DeviceArray, index, number or DeviceArray
        What is written, and where.
    operation : numpy.ufunc, optional
        Combine with what is there instead, also where an index comes twice: ``numpy.add`` for ``add.at``.

    Raises
    ------
    ValueError
        If ``value`` is a NumPy array and the index holds no array, in the words of CuPy.
    """
    parts = index if isinstance(index, tuple) else (index,)
    basic = _is_basic(parts)
    if isinstance(value, np.ndarray | list | tuple):
        if basic and np.ndim(value):
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        value = gpu.to_device(np.asarray(value, x.dtype))
    if basic and operation is None:
        target = x._view(x._numbers[parts if ... in parts else (*parts, ...)])
        assign(gpu, "fill", target, value)
        return
    arrays = [_on_device(gpu, part) for part in parts]
    place = tuple(_wrapped(arrays, x.shape))
    numbers = operand(gpu, value)
    if operation is None:
        x._numbers[place] = numbers
    else:
        operation.at(x._numbers, place, np.asarray(numbers).astype(x.dtype, copy=False))
    # Only its size counts: as many numbers as the index names.
    written = x._view(np.lib.stride_tricks.as_strided(x._numbers, (_entries(place, x),), (x.itemsize,)))
    indices = [part for part in arrays if isinstance(part, DeviceArray)]
    charge(gpu, "scatter", [*indices, value], [written])


def take(gpu: SimulatedGpu, x: DeviceArray, indices: Any, axis: int | None = None) -> DeviceArray:  # noqa: ANN401
    """Return the entries of ``x`` that ``indices`` name, along an axis, or of all its numbers in a row."""
    x, axis = (x.ravel(), 0) if axis is None else (x, axis)
    if not -x.ndim <= axis < x.ndim:
        raise np.exceptions.AxisError(axis, x.ndim)
    if isinstance(indices, int | np.integer | list | tuple):
        indices = gpu.to_device(np.asarray(indices, np.int64))
    operand(gpu, indices)
    return get_item(gpu, x, (*[slice(None)] * (axis % x.ndim), indices))


def _is_basic(parts: tuple[Any, ...]) -> bool:
    return all(
        part is None or part is ... or (isinstance(part, int | slice | np.integer) and not isinstance(part, bool))
        for part in parts
    )


def _on_device(gpu: SimulatedGpu, part: Any) -> Any:  # noqa: ANN401
    """Return a part of an index with lists and NumPy arrays copied to the device, as CuPy does."""
    if isinstance(part, DeviceArray):
        part.require_on(gpu)
        return part
    if isinstance(part, list | tuple | np.ndarray | bool | np.bool_):
        numbers = np.asarray(part)
        if not numbers.size and isinstance(part, list | tuple):
            numbers = numbers.astype(np.int32)  # an empty list names nothing; it is no mask
        if numbers.dtype.kind not in "biu":
            raise IndexError(
                f"arrays used as indices must be of integer or boolean type (actual: {numbers.dtype.type})"
            )
        return gpu.to_device(numbers)
    if part is None or part is ... or isinstance(part, int | slice | np.integer):
        return part
    raise IndexError(
        "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean arrays are valid "
        "indices"
    )


def _wrapped(parts: list[Any], shape: tuple[int, ...]) -> Iterator[Any]:
    """Give each part to NumPy; integers beyond an axis come in again at its other end, as on CuPy."""
    named = sum(part.ndim if _is_mask(part) else 1 for part in parts if part is not None and part is not ...)
    axis = 0
    for part in parts:
        if part is ...:
            axis += len(shape) - named
        elif isinstance(part, DeviceArray) and not _is_mask(part):
            if part.dtype.kind not in "iu":
                raise IndexError(
                    f"arrays used as indices must be of integer or boolean type (actual: {part.dtype.type})"
                )
            length = shape[axis] if axis < len(shape) else 0
            axis += 1
            yield part._numbers % length if length else part._numbers
            continue
        elif part is not None:
            axis += part.ndim if _is_mask(part) else 1
        yield part._numbers if isinstance(part, DeviceArray) else part


def _is_mask(part: object) -> bool:
    return isinstance(part, DeviceArray) and part.dtype.kind == "b"


def _entries(place: tuple[Any, ...], x: DeviceArray) -> int:
    """Return how many numbers an index names, without picking them."""
    arrays = [part for part in place if isinstance(part, np.ndarray)]
    masks = [part for part in arrays if part.dtype.kind == "b"]
    if masks:
        share = math.prod(np.count_nonzero(mask) / max(1, mask.size) for mask in masks)
        return min(x.size, math.ceil(x.size * share))
    one = tuple(slice(1) if isinstance(part, np.ndarray) else part for part in place)
    return int(np.size(x._numbers[one])) * math.prod(broadcast_shape(arrays))


def _size_of(place: tuple[Any, ...], x: DeviceArray) -> int:
    return _entries(place, x) * x.itemsize
