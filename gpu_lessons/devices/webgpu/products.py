"""The matrix product on a WebGPU device: tiles in the memory of a workgroup, sixteen numbers a thread."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from gpu_lessons.devices.room import product_shape
from gpu_lessons.devices.webgpu.arrays import WebGpuArray
from gpu_lessons.devices.webgpu.elementwise import assign
from gpu_lessons.devices.webgpu.formats import format_of, result_format
from gpu_lessons.devices.webgpu.shaders import Shader

if TYPE_CHECKING:
    from gpu_lessons.devices.webgpu.gpu import WebGpu

__all__ = ["matmul"]

#: A workgroup of 16 x 16 threads computes a tile of this many rows and columns, this many terms at a time.
_SIDE, _DEPTH = 16, 16
#: Numbers that a thread computes along each side: more where there are enough tiles to keep a GPU busy.
_LARGE = 4


def matmul(gpu: WebGpu, a: Any, b: Any, *, out: WebGpuArray | None = None) -> WebGpuArray:  # noqa: ANN401
    """Return the matrix product: one kernel.

    Raises
    ------
    TypeError
        If an operand lives on the host, in the words of CuPy.
    ValueError
        If the shapes do not fit, or an operand is a scalar.
    """
    for name, value in (("a", a), ("b", b)):
        if isinstance(value, np.ndarray):
            raise TypeError(
                f"Argument '{name}' has incorrect type (expected gpu_lessons.WebGpuArray, got numpy.ndarray)"
            )
        if not isinstance(value, WebGpuArray) or not value.ndim:
            raise ValueError("matmul: an operand is a scalar; multiply with * instead")
        value.require_on(gpu)
    batch, m, _, n, kept = product_shape(a.shape, b.shape)
    rows = a if a.ndim > 1 else a.reshape(1, -1)  # (..., m, k)
    columns = b if b.ndim > 1 else b.reshape(-1, 1)  # (..., k, n)
    made = gpu.new_array((*batch, m, n), result_format(np.result_type(a.dtype, b.dtype)))
    if made.size:
        _launch_in_parts(gpu, _stacked(rows, batch), _stacked(columns, batch), made.reshape(-1, m, n))
    found: WebGpuArray = made if made.shape == kept else made.reshape(kept)
    if out is None:
        return found
    assign(gpu, out, found)
    return out


def _stacked(x: WebGpuArray, batch: tuple[int, ...]) -> WebGpuArray:
    """Return a view with one axis before the last two; a copy where strides do not allow one."""
    if not math.prod(x.shape[:-2]) > 1:
        own = x.reshape(1, *x.shape[-2:])
        return own._view((math.prod(batch), *own.shape[1:]), (0, *own._strides[1:]))
    wide: WebGpuArray = x._xp.broadcast_to(x, (*batch, *x.shape[-2:]))
    return wide.reshape(-1, *x.shape[-2:])


def _launch_in_parts(gpu: WebGpu, a: WebGpuArray, b: WebGpuArray, out: WebGpuArray) -> None:
    """Run the kernel, in halves as long as the grid is larger than the device takes."""
    most = int(gpu.engine.limits["max-compute-workgroups-per-dimension"])
    count, m, n = out.shape
    if count > most:
        parts = [(a[half], b[half], out[half]) for half in _halves(count)]
    elif m > most * _SIDE:
        parts = [(a[:, half], b, out[:, half]) for half in _halves(m)]
    elif n > most * _SIDE:
        parts = [(a, b[..., half], out[..., half]) for half in _halves(n)]
    else:
        _launch(gpu, a, b, out)
        return
    for part in parts:
        _launch_in_parts(gpu, *part)


def _halves(length: int) -> tuple[slice, slice]:
    return slice(None, length // 2), slice(length // 2, None)


def _launch(gpu: WebGpu, a: WebGpuArray, b: WebGpuArray, out: WebGpuArray) -> None:
    """Run the kernel: a of shape (batch, m, k), b (batch, k, n), out (batch, m, n)."""
    count, m, n = out.shape
    large = _SIDE * _LARGE
    each = _LARGE if m >= large // 2 and n >= large // 2 else 1
    tile = _SIDE * each
    kind = format_of(out.dtype).kind
    shader = Shader()
    shader.writes(out)
    sizes = [shader.integer(size) for size in (m, n, a.shape[2])]
    shader.lines += [f"let m = {sizes[0]}; let n = {sizes[1]}; let k = {sizes[2]};"]
    shader.lines += ["let layer = i32(group.z);", f"let top = i32(group.y) * {tile}; let left = i32(group.x) * {tile};"]
    shader.lines += ["let row = i32(local.y); let column = i32(local.x);", f"let me = row * {_SIDE} + column;"]
    sums = [f"sum_{i}_{j}" for i in range(each) for j in range(each)]  # variables, which stay in registers
    shader.lines += [
        *(f"var {name}: {kind} = {kind}(0);" for name in sums),
        f"for (var step = 0; step < k; step += {_DEPTH}) {{",
    ]
    # Neighbouring threads read neighbouring numbers, whichever axis these lie along.
    _load_tile(shader, a, "m", "rows", ("top", tile), ("step", _DEPTH), kind, turned=a._strides[1] < a._strides[2])
    _load_tile(shader, b, "n", "columns", ("left", tile), ("step", _DEPTH), kind, turned=b._strides[2] <= b._strides[1])
    shader.lines += [
        "workgroupBarrier();",
        f"for (var t = 0; t < {_DEPTH}; t++) {{",
        *(f"let b{j} = columns[t * {tile} + column + {j * _SIDE}];" for j in range(each)),
        *(f"let a{i} = rows[t * {tile} + row + {i * _SIDE}];" for i in range(each)),
        *(f"sum_{i}_{j} += a{i} * b{j};" for i in range(each) for j in range(each)),
        "}",
        "workgroupBarrier();",
        "}",
    ]
    for i in range(each):
        for j in range(each):
            shader.lines.append(f"{{ let y = top + row + {i * _SIDE}; let x = left + column + {j * _SIDE};")
            shader.lines.append("if (y < m && x < n) {")
            at = shader.place(out, zip(("layer", "y", "x"), out._strides, strict=True))
            shader.store(out, at, f"sum_{i}_{j}", kind)
            shader.lines.append("} }")
    numbers = _DEPTH * tile
    before = f"var<workgroup> rows: array<{kind}, {numbers}>;\nvar<workgroup> columns: array<{kind}, {numbers}>;"
    groups = (-(-n // tile), -(-m // tile), count)
    shader.run(gpu.engine, groups, before=before, size=f"{_SIDE}, {_SIDE}")


def _load_tile(
    shader: Shader,
    x: WebGpuArray,
    edge: str,
    name: str,
    along: tuple[str, int],
    terms: tuple[str, int],
    kind: str,
    *,
    turned: bool,
) -> None:
    """Let the threads of a workgroup fetch a tile of ``x``: for each term, the numbers along the result's side."""
    (begin, tile), (step, depth) = along, terms
    shader.lines.append(f"for (var f = me; f < {tile * depth}; f += {_SIDE * _SIDE}) {{")
    if turned:  # the side is the fast axis in memory
        shader.lines.append(f"let s = f % {tile}; let t = f / {tile};")
    else:
        shader.lines.append(f"let t = f % {depth}; let s = f / {depth};")
    shader.lines.append(f"let side = {begin} + s; let term = {step} + t; var value: {kind} = {kind}(0);")
    axes = ("layer", "side", "term") if name == "rows" else ("layer", "term", "side")
    at = shader.place(x, zip(axes, x._strides, strict=True))
    shader.lines.append(f"if (side < {edge} && term < k) {{ value = {shader.load(x, at, kind)}; }}")
    shader.lines.append(f"{name}[t * {tile} + s] = value; }}")
