"""Sums, maxima and their kind on a WebGPU device: a workgroup adds up in a tree, or each thread a column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gpu_lessons.devices.webgpu.arrays import WebGpuArray, packed_strides
from gpu_lessons.devices.webgpu.elementwise import operand
from gpu_lessons.devices.webgpu.formats import format_of, result_format
from gpu_lessons.devices.webgpu.shaders import THREADS, Shader, collapsed

if TYPE_CHECKING:
    from gpu_lessons.devices.webgpu.gpu import WebGpu

__all__ = ["REDUCTIONS", "reduce"]

#: From so many results on, each thread takes one; below, a workgroup takes one.
_MANY = 4096
#: Longer ones are first reduced in parts, so that more than one workgroup is busy.
_LONG, _PARTS = 2**15, 256


class _Row(NamedTuple):
    """How two numbers become one; what changes nothing, for each kind of number; what the result counts in."""

    real: str
    whole: str
    start: tuple[float, int, int]
    result: str = "same"  # "total": at least 32 bits; "truth"; "place"


_LOW, _HIGH, _MOST = -(2**31), 2**31 - 1, 2**32 - 1
REDUCTIONS = {
    "sum": _Row("a + b", "a + b", (0.0, 0, 0), "total"),
    "prod": _Row("a * b", "a * b", (1.0, 1, 1), "total"),
    "max": _Row("larger(a, b)", "max(a, b)", (-math.inf, _LOW, 0)),
    "min": _Row("smaller(a, b)", "min(a, b)", (math.inf, _HIGH, _MOST)),
    "any": _Row("", "a | b", (0.0, 0, 0), "truth"),
    "all": _Row("", "a & b", (0.0, 0, 1), "truth"),
    "argmax": _Row("b > a || (is_nan(b) && !is_nan(a))", "b > a", (-math.inf, _LOW, 0), "place"),
    "argmin": _Row("b < a || (is_nan(b) && !is_nan(a))", "b < a", (math.inf, _HIGH, _MOST), "place"),
}


def reduce(
    gpu: WebGpu,
    name: str,
    x: Any,  # noqa: ANN401
    axis: int | Sequence[int] | None = None,
    dtype: Any = None,  # noqa: ANN401
    out: WebGpuArray | None = None,
    keepdims: bool = False,
) -> WebGpuArray:
    """Return the numbers of ``x`` reduced along axes, or all of them.

    Raises
    ------
    TypeError, ValueError
        If ``x`` lives on the host; if it is empty and the function has no value then, in the words of NumPy.
    """
    row = REDUCTIONS[name]
    array = gpu.asarray_here(operand(gpu, x))
    axes = _axes(axis, array.ndim)
    if not all(array.shape[each] for each in axes) and row.result in ("same", "place"):
        raise ValueError(f"zero-size array to reduction operation {name} which has no identity")
    kept = [each for each in range(array.ndim) if each not in axes]
    made = gpu.new_array(tuple(array.shape[each] for each in kept), _result(row, array.dtype, dtype))
    if made.size:
        _reduce_into(gpu, row, array, kept, axes, made)
    shape = tuple(1 if each in axes else length for each, length in enumerate(array.shape)) if keepdims else made.shape
    made = made._view(shape, packed_strides(shape)) if shape != made.shape else made
    if out is None:
        return made
    out[...] = made
    return out


def _reduce_into(
    gpu: WebGpu, row: _Row, x: WebGpuArray, kept: Sequence[int], axes: Sequence[int], out: WebGpuArray
) -> None:
    length = math.prod(x.shape[each] for each in axes)
    if row.result != "place" and length > _LONG and out.size < _PARTS:
        parts = gpu.new_array((*out.shape, _PARTS), _between(row, x.dtype, out.dtype))
        _launch(gpu, row, x, kept, axes, parts, parts=_PARTS)
        _launch(gpu, row, parts, range(out.ndim), [out.ndim], out)
    else:
        _launch(gpu, row, x, kept, axes, out)


def _launch(
    gpu: WebGpu,
    row: _Row,
    x: WebGpuArray,
    kept: Sequence[int],
    axes: Sequence[int],
    out: WebGpuArray,
    *,
    parts: int = 1,
) -> None:
    compute = _computes(row, x.dtype, out.dtype)
    by_group = out.size < _MANY
    step = THREADS if by_group else 1
    shader = Shader()
    shader.writes(out)
    if by_group:
        shader.lines += [
            "let i = i32(group.x + group.y * groups.x);",
            f"if (i >= {shader.integer(out.size)}) {{ return; }}",
        ]
    shader.lines += [f"let row = i / {parts};", f"let part = i % {parts};"]
    outer, (outer_steps,) = collapsed([x.shape[each] for each in kept], [[x._strides[each] for each in kept]])
    inner, (inner_steps,) = collapsed([x.shape[each] for each in axes], [[x._strides[each] for each in axes]])
    names = shader.spread("row", outer, "o")
    start = shader.place(x, zip(names, outer_steps, strict=True))
    first = shader.number(row.start[("f32", "i32", "u32").index(compute)], compute)
    length = shader.integer(math.prod(inner))
    shader.lines += [f"let begin = {start};", f"var a: {compute} = {first};", "var place: i32 = 0x7fffffff;"]
    begin = f"part * {step}" + (" + i32(local.x)" if by_group else "")
    shader.lines.append(f"for (var r = {begin}; r < {length}; r += {step * parts}) {{")
    names = shader.spread("r", inner, "r")
    terms = [f"{name} * {shader.integer(stride)}" for name, stride in zip(names, inner_steps, strict=True)]
    value = shader.load(x, " + ".join(["begin", *terms]), "bool" if row.result == "truth" else compute)
    shader.lines += [
        f"let b = {f'u32({value})' if row.result == 'truth' else value};",
        *_joined(row, compute, "r"),
        "}",
    ]
    before = ""
    if by_group:
        before = f"var<workgroup> values: array<{compute}, {THREADS}>;\nvar<workgroup> places: array<i32, {THREADS}>;"
        shader.lines += _tree(row, compute)
    shader.store(out, shader.place(out, [("i", 1)]), "place" if row.result == "place" else "a", _gives(row, compute))
    if by_group:
        shader.lines.append("}")
        shader.run(gpu.engine, gpu.engine.groups_for(out.size), before=before)
    else:
        shader.run_for_each(gpu.engine, out.size)


def _joined(row: _Row, compute: str, place: str) -> list[str]:
    """Return the lines that take ``b`` into ``a``; for a place, the first of equal ones stays."""
    expression = row.real if compute == "f32" else row.whole
    if row.result != "place":
        return [f"a = {expression};"]
    equal = "(a == b || (is_nan(a) && is_nan(b)))" if compute == "f32" else "a == b"
    return [f"if (({expression}) || ({equal} && {place} < place)) {{ a = b; place = {place}; }}"]


def _tree(row: _Row, compute: str) -> list[str]:
    """Return the lines in which a workgroup makes one number of its threads' numbers, halving them step by step."""
    return [
        "let me = local.x;",
        "values[me] = a; places[me] = place;",
        "workgroupBarrier();",
        f"for (var half_way = {THREADS // 2}u; half_way > 0u; half_way /= 2u) {{",
        "if (me < half_way) { let b = values[me + half_way]; let other = places[me + half_way];",
        *_joined(row, compute, "other"),
        "values[me] = a; places[me] = place; }",
        "workgroupBarrier();",
        "}",
        "if (me == 0u) {",
    ]


def _computes(row: _Row, given: np.dtype[Any], result: np.dtype[Any]) -> str:
    if row.result == "truth":
        return "u32"
    return format_of(given if row.result == "place" else result).kind


def _gives(row: _Row, compute: str) -> str:
    return "i32" if row.result == "place" else compute


def _result(row: _Row, given: np.dtype[Any], dtype: Any) -> np.dtype[Any]:  # noqa: ANN401
    if dtype is not None:
        return result_format(np.dtype(dtype))
    if row.result == "truth":
        return np.dtype(bool)
    if row.result == "place":
        return np.dtype(np.int32)
    if row.result == "total" and given.kind != "f":
        return np.dtype(np.uint32 if given.kind == "u" else np.int32)
    return given


def _between(row: _Row, given: np.dtype[Any], result: np.dtype[Any]) -> np.dtype[Any]:
    """Return the format of parts: never rounded on the way."""
    kinds = {"f32": np.float32, "i32": np.int32, "u32": np.uint32}
    return np.dtype(kinds[_computes(row, given, result)])


def _axes(axis: int | Sequence[int] | None, ndim: int) -> list[int]:
    if axis is None:
        return list(range(ndim))
    given = [axis] if isinstance(axis, int | np.integer) else list(axis)
    for each in given:
        if not -ndim <= each < ndim:
            raise np.exceptions.AxisError(int(each), ndim)
    return sorted(each % ndim for each in given)
