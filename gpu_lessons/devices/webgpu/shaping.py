"""Views of other shapes on a WebGPU device, and arrays put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gpu_lessons.devices.webgpu.arrays import WebGpuArray
from gpu_lessons.devices.webgpu.elementwise import assign, operand
from gpu_lessons.devices.webgpu.formats import result_format

if TYPE_CHECKING:
    from gpu_lessons.devices.webgpu.gpu import WebGpu

__all__ = [
    "broadcast_to",
    "concat",
    "concatenate",
    "expand_dims",
    "flip",
    "moveaxis",
    "permute_dims",
    "ravel",
    "reshape",
    "squeeze",
    "stack",
    "swapaxes",
    "transpose",
]


def viewed(gpu: WebGpu, x: Any, look: Any) -> WebGpuArray:  # noqa: ANN401
    """Return the view that ``look`` makes of a NumPy array with the same shape and strides, which holds no numbers."""
    array: WebGpuArray = operand(gpu, x)
    stand_in = np.lib.stride_tricks.as_strided(np.zeros(0, np.int8), array._shape, array._strides, writeable=False)
    found = look(stand_in)
    start = found.__array_interface__["data"][0] - stand_in.__array_interface__["data"][0] if found.size else 0
    return array._view(found.shape, found.strides, array._offset + start)


def permute_dims(gpu: WebGpu, x: Any, /, axes: Sequence[int]) -> WebGpuArray:  # noqa: ANN401
    """Return a view with the axes in another order."""
    return viewed(gpu, x, lambda a: np.transpose(a, tuple(axes)))


def transpose(gpu: WebGpu, a: Any, axes: Sequence[int] | None = None) -> WebGpuArray:  # noqa: ANN401
    """Return a view with the axes in another order, or in reverse."""
    return viewed(gpu, a, lambda each: np.transpose(each, axes))


def swapaxes(gpu: WebGpu, a: Any, axis1: int, axis2: int) -> WebGpuArray:  # noqa: ANN401
    """Return a view with two axes exchanged."""
    return viewed(gpu, a, lambda each: np.swapaxes(each, axis1, axis2))


def moveaxis(gpu: WebGpu, a: Any, source: Any, destination: Any) -> WebGpuArray:  # noqa: ANN401
    """Return a view with axes moved to other places."""
    return viewed(gpu, a, lambda each: np.moveaxis(each, source, destination))


def expand_dims(gpu: WebGpu, a: Any, axis: Any = 0) -> WebGpuArray:  # noqa: ANN401
    """Return a view with axes of length 1 put in."""
    return viewed(gpu, a, lambda each: np.expand_dims(each, axis))


def squeeze(gpu: WebGpu, a: Any, axis: Any = None) -> WebGpuArray:  # noqa: ANN401
    """Return a view without axes of length 1."""
    return viewed(gpu, a, lambda each: np.squeeze(each, axis))


def flip(gpu: WebGpu, m: Any, axis: Any = None) -> WebGpuArray:  # noqa: ANN401
    """Return a view with the numbers in reverse along axes."""
    return viewed(gpu, m, lambda each: np.flip(each, axis))


def broadcast_to(gpu: WebGpu, array: Any, shape: Any) -> WebGpuArray:  # noqa: ANN401
    """Return a view in which numbers come again along new axes and those of length 1."""
    return viewed(gpu, array, lambda each: np.broadcast_to(each, shape))


def reshape(gpu: WebGpu, a: Any, shape: Any, *, copy: bool | None = None) -> WebGpuArray:  # noqa: ANN401
    """Return a view of another shape; a copy where strides do not allow a view.

    Raises
    ------
    ValueError
        If the shape has another number of entries, in the words of NumPy; or a copy is needed and not allowed.
    """
    array: WebGpuArray = operand(gpu, a)
    np.broadcast_to(np.int8(0), array.shape).reshape(shape)  # refuses a shape that does not fit
    if copy:
        array = array.copy()
    try:
        return viewed(gpu, array, lambda each: np.reshape(each, shape, copy=False))
    except ValueError:
        if copy is False:
            raise ValueError("Unable to avoid a copy: the strides allow no view of this shape") from None
    return viewed(gpu, array.copy(), lambda each: np.reshape(each, shape, copy=False))


def ravel(gpu: WebGpu, a: Any) -> WebGpuArray:  # noqa: ANN401
    """Return the numbers along one axis."""
    return reshape(gpu, a, -1)


def concatenate(gpu: WebGpu, arrays: Sequence[Any], /, *, axis: int | None = 0) -> WebGpuArray:
    """Return arrays put together along an axis they have: one kernel for each.

    Raises
    ------
    ValueError
        If they do not fit, in the words of NumPy.
    """
    given = [operand(gpu, each) for each in arrays]
    if axis is None:
        given, axis = [each.reshape(-1) for each in given], 0
    stand_ins = [np.broadcast_to(np.int8(0), each.shape) for each in given]
    shape = np.concatenate([each[:0] if each.ndim == 0 else each for each in stand_ins], axis).shape
    out = gpu.new_array(shape, result_format(np.result_type(*(each.dtype for each in given))))
    begin = 0
    for each in given:
        length = each.shape[axis]
        assign(gpu, out[(*[slice(None)] * (axis % each.ndim), slice(begin, begin + length))], each)
        begin += length
    return out


concat = concatenate


def stack(gpu: WebGpu, arrays: Sequence[Any], /, *, axis: int = 0) -> WebGpuArray:
    """Return arrays of one shape put together along a new axis."""
    given = [operand(gpu, each) for each in arrays]
    if len({each.shape for each in given}) > 1:
        raise ValueError("all input arrays must have the same shape")
    return concatenate(gpu, [expand_dims(gpu, each, axis) for each in given], axis=axis)
