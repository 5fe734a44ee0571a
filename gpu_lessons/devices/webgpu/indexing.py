"""Picking numbers out of an array on a WebGPU device: views by slices, kernels by arrays of integers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from gpu_lessons.devices.unknown import UnknownOperationError
from gpu_lessons.devices.webgpu.arrays import WHO, WebGpuArray
from gpu_lessons.devices.webgpu.elementwise import assign, elementwise, operand
from gpu_lessons.devices.webgpu.formats import format_of
from gpu_lessons.devices.webgpu.shaders import Shader
from gpu_lessons.devices.webgpu.shaping import viewed

if TYPE_CHECKING:
    from gpu_lessons.devices.webgpu.gpu import WebGpu

__all__ = ["get_item", "set_item", "take"]


def get_item(gpu: WebGpu, x: WebGpuArray, index: Any) -> WebGpuArray:  # noqa: ANN401
    """Return what ``index`` names: a view for integers and slices, a copy for arrays of integers.

    Raises
    ------
    IndexError
        If it lies outside.
    UnknownOperationError
        If it is a mask, or an array of integers behind a slice that is not whole.
    """
    parts = index if isinstance(index, tuple) else (index,)
    if _is_basic(parts):
        return _view(gpu, x, parts)
    while _is_whole(parts[-1]):
        parts = parts[:-1]
    *before, last = parts
    if all(isinstance(each, slice) and _is_whole(each) for each in before):
        return take(gpu, x, _integers(gpu, last), axis=len(before))
    arrays = [_integers(gpu, each) for each in parts]
    rows, place = x.reshape(math.prod(x.shape[: len(parts)]), *x.shape[len(parts) :]), None
    for length, each in zip(x.shape, arrays, strict=False):
        inside = elementwise(gpu, "remainder", each, length)
        wide = inside if place is None else elementwise(gpu, "multiply", place, length)
        place = inside if place is None else elementwise(gpu, "add", wide, inside)
    return take(gpu, rows, place, axis=0)


def set_item(gpu: WebGpu, x: WebGpuArray, index: Any, value: object) -> None:  # noqa: ANN401
    """Write ``value`` into what integers and slices name: one kernel.

    Raises
    ------
    ValueError
        If ``value`` is a NumPy array, in the words of CuPy.
    UnknownOperationError
        If the index holds an array.
    """
    parts = index if isinstance(index, tuple) else (index,)
    if not _is_basic(parts):
        raise UnknownOperationError("writing by an array of indices", ["where"], who=WHO)
    if isinstance(value, np.ndarray | list | tuple):
        if np.ndim(value):
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        value = np.asarray(value).item()
    assign(gpu, _view(gpu, x, parts), value)


def take(gpu: WebGpu, x: WebGpuArray, indices: Any, axis: int | None = None) -> WebGpuArray:  # noqa: ANN401
    """Return the entries that ``indices`` name, along an axis, or of all numbers in a row: one kernel.

    Indices beyond the axis come in again at its other end, as on CuPy.
    """
    operand(gpu, x)
    x, axis = (x.reshape(-1), 0) if axis is None else (x, axis)
    if not -x.ndim <= axis < x.ndim:
        raise np.exceptions.AxisError(axis, x.ndim)
    axis %= x.ndim
    index = _packed(_integers(gpu, indices))
    source = _packed(x)
    inner = math.prod(x.shape[axis + 1 :])
    out = gpu.new_array((*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]), x.dtype)
    if not out.size:
        return out
    if not x.shape[axis]:
        raise IndexError(f"an axis without entries has none to take; its shape is {x.shape}")
    shader = Shader()
    shader.writes(out)
    width, count, length = (shader.integer(value) for value in (inner, index.size, x.shape[axis]))
    chosen = shader.load(index, shader.place(index, [(f"((i / {width}) % {count})", 1)]), "i32")
    shader.lines += [f"let given = {chosen} % {length};", f"let entry = select(given, given + {length}, given < 0);"]
    shader.lines.append(f"let from_i = ((i / ({width} * {count})) * {length} + entry) * {width} + i % {width};")
    kind = format_of(x.dtype).kind
    value = shader.load(source, shader.place(source, [("from_i", 1)]), kind)
    shader.store(out, shader.place(out, [("i", 1)]), value, kind)
    shader.run_for_each(gpu.engine, out.size)
    return out


def _is_whole(part: object) -> bool:
    return part is ... or (isinstance(part, slice) and part == slice(None))


def _is_basic(parts: tuple[Any, ...]) -> bool:
    return all(
        part is None or part is ... or (isinstance(part, int | slice | np.integer) and not isinstance(part, bool))
        for part in parts
    )


def _view(gpu: WebGpu, x: WebGpuArray, parts: tuple[Any, ...]) -> WebGpuArray:
    return viewed(gpu, x, lambda each: each[parts if ... in parts else (*parts, ...)])


def _integers(gpu: WebGpu, part: Any) -> WebGpuArray:  # noqa: ANN401
    """Return indices on the device; lists and NumPy arrays of them are copied there, as CuPy does."""
    if isinstance(part, list | tuple | np.ndarray | int | np.integer) and not isinstance(part, bool):
        numbers = np.asarray(part)
        part = gpu.to_device(numbers if numbers.size else numbers.astype(np.int32))
    if not isinstance(part, WebGpuArray):
        raise IndexError("only integers, slices (`:`), ellipsis (`...`), `None` and integer arrays are valid indices")
    part.require_on(gpu)
    if part.dtype.kind == "b":
        raise UnknownOperationError("an index of truth values", ["where"], who=WHO)
    if part.dtype.kind not in "iu":
        raise IndexError(f"arrays used as indices must be of integer or boolean type (actual: {part.dtype.type})")
    return part


def _packed(x: WebGpuArray) -> WebGpuArray:
    return x if x.is_packed else x.copy()
