"""Functions number by number on a WebGPU device: a table of expressions, one generated kernel each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gpu_lessons.devices.room import broadcast_shape
from gpu_lessons.devices.webgpu.arrays import WebGpuArray
from gpu_lessons.devices.webgpu.formats import format_of, result_format
from gpu_lessons.devices.webgpu.shaders import Shader, collapsed

if TYPE_CHECKING:
    from gpu_lessons.devices.webgpu.gpu import WebGpu

__all__ = ["EXPRESSIONS", "assign", "elementwise", "operand", "select"]

_NAMES = "abc"
_SCALARS = (bool, int, float, np.bool_, np.integer, np.floating)


class _Row(NamedTuple):
    """What a function computes.

    ``kind`` says of which formats: "same" as NumPy mixes them; "float" at least float32; "compare" mixes and gives
    truth values; "truth" computes with truth values; "test" asks of float32; "integer" allows no other.
    """

    kind: str
    real: str = ""
    whole: str = ""
    unsigned: str = ""


def _same(expression: str, whole: str = "", unsigned: str = "") -> _Row:
    return _Row("same", expression, whole or expression, unsigned or whole or expression)


#: A NumPy function to its expression in WGSL, of floating-point numbers, of integers, of integers without a sign.
EXPRESSIONS = {
    "add": _same("a + b"),
    "subtract": _same("a - b"),
    "multiply": _same("a * b"),
    "divide": _Row("float", "a / b"),
    "floor_divide": _same("floor(a / b)", "quotient(a, b)", "a / b"),
    "remainder": _same("a - floor(a / b) * b", "a - quotient(a, b) * b", "a % b"),
    "pow": _same("power(a, b)", "integer_power(a, b)", "u32(integer_power(i32(a), i32(b)))"),
    "maximum": _same("larger(a, b)", "max(a, b)"),
    "minimum": _same("smaller(a, b)", "min(a, b)"),
    "less": _Row("compare", "a < b", "a < b", "a < b"),
    "less_equal": _Row("compare", "a <= b", "a <= b", "a <= b"),
    "greater": _Row("compare", "a > b", "a > b", "a > b"),
    "greater_equal": _Row("compare", "a >= b", "a >= b", "a >= b"),
    "equal": _Row("compare", "a == b", "a == b", "a == b"),
    "not_equal": _Row("compare", "!(a == b)", "a != b", "a != b"),
    "logical_and": _Row("truth", "a && b"),
    "logical_or": _Row("truth", "a || b"),
    "logical_xor": _Row("truth", "a != b"),
    "logical_not": _Row("truth", "!a"),
    "bitwise_and": _Row("integer", "", "a & b", "a & b"),
    "bitwise_or": _Row("integer", "", "a | b", "a | b"),
    "bitwise_xor": _Row("integer", "", "a ^ b", "a ^ b"),
    "bitwise_invert": _Row("integer", "", "~a", "~a"),
    "left_shift": _Row("integer", "", "a << u32(b)", "a << b"),
    "right_shift": _Row("integer", "", "a >> u32(b)", "a >> b"),
    "negative": _same("-a", "-a", "~a + 1u"),
    "positive": _same("a"),
    "abs": _same("abs(a)", "abs(a)", "a"),
    "sign": _same("select(sign(a), a, is_nan(a))", "sign(a)", "min(a, 1u)"),
    "square": _same("a * a"),
    "floor": _same("floor(a)", "a"),
    "ceil": _same("ceil(a)", "a"),
    "trunc": _same("trunc(a)", "a"),
    "rint": _Row("float", "round(a)"),
    "reciprocal": _Row("float", "1.0 / a"),
    "sqrt": _Row("float", "sqrt(a)"),
    "exp": _Row("float", "exp(a)"),
    "exp2": _Row("float", "exp2(a)"),
    "log": _Row("float", "log(a)"),
    "log2": _Row("float", "log2(a)"),
    "log10": _Row("float", "log(a) * 0.4342944819"),
    "tanh": _Row("float", "hyperbolic(a)"),
    "sin": _Row("float", "sin(a)"),
    "cos": _Row("float", "cos(a)"),
    "tan": _Row("float", "tan(a)"),
    "arctan": _Row("float", "atan(a)"),
    "arctan2": _Row("float", "atan2(a, b)"),
    "hypot": _Row("float", "sqrt(a * a + b * b)"),
    "isnan": _Row("test", "is_nan(a)"),
    "isinf": _Row("test", "is_inf(a)"),
    "isfinite": _Row("test", "is_finite(a)"),
    # The work of `gpu_lessons.Elementwise(n, multiply_adds=...)`, in one kernel.
    "multiply_adds": _Row("float", "multiply_adds(a, b)"),
}
#: Kinds of formats for which NumPy refuses a function.
_UNDEFINED = {"subtract": "b", "negative": "b"}
EXPRESSIONS |= {
    "absolute": EXPRESSIONS["abs"],
    "true_divide": EXPRESSIONS["divide"],
    "mod": EXPRESSIONS["remainder"],
    "power": EXPRESSIONS["pow"],
    "invert": EXPRESSIONS["bitwise_invert"],
}


def operand(gpu: WebGpu, value: object) -> Any:  # noqa: ANN401 - an array, or a number
    """Return an array of this device or a number, as it is.

    Raises
    ------
    TypeError
        If ``value`` lives on the host, in the words of CuPy.
    ValueError, RuntimeError
        If it lives on another GPU, or its memory was freed.
    """
    if isinstance(value, WebGpuArray):
        value.require_on(gpu)
        return value
    if isinstance(value, _SCALARS):
        return value
    raise TypeError(f"Unsupported type {type(value)}")


def elementwise(gpu: WebGpu, name: str, *values: object, out: Any = None, dtype: Any = None) -> WebGpuArray:  # noqa: ANN401
    """Return a function of arrays and numbers, broadcast: one kernel.

    Raises
    ------
    TypeError
        If there are too few or too many values, one lives on the host, or the function is not defined for its format.
    """
    row = EXPRESSIONS[name]
    count = 2 if "b" in _words(row) else 1
    if len(values) == count + 1:
        values, out = values[:-1], values[-1]
    if len(values) != count:
        raise TypeError(f"Wrong number of arguments for {name}: it takes {count}, got {len(values)}")
    numbers = [operand(gpu, value) for value in values]
    mixed = _mixed(numbers)
    if mixed.kind == "b" and row is EXPRESSIONS["bitwise_invert"]:
        return elementwise(gpu, "logical_not", *numbers, out=out)
    compute, result = _formats(name, row, mixed)
    kind = {"f32": row.real, "i32": row.whole, "u32": row.unsigned, "bool": row.real}[compute]
    if not isinstance(out, WebGpuArray):
        given = out[0] if isinstance(out, tuple) else out
        shape = broadcast_shape([np.broadcast_to(0, getattr(each, "shape", ())) for each in numbers])
        out = gpu.new_array(shape, result if dtype is None else dtype) if given is None else operand(gpu, given)
    elif not np.can_cast(result, out.dtype, "same_kind"):
        raise TypeError(f"Cannot cast ufunc {name} output from {result} to {out.dtype} with casting rule 'same_kind'")
    operand(gpu, out)
    gives = "bool" if row.kind in ("compare", "truth", "test") else compute
    _launch(gpu, kind, numbers, [compute] * count, out, gives)
    return out  # type: ignore[no-any-return]


def select(gpu: WebGpu, condition: object, x: object, y: object) -> WebGpuArray:
    """Return numbers of ``x`` where ``condition`` holds, of ``y`` elsewhere: one kernel."""
    numbers = [operand(gpu, each) for each in (condition, x, y)]
    result = result_format(_mixed(numbers[1:]))
    shape = broadcast_shape([np.broadcast_to(0, getattr(each, "shape", ())) for each in numbers])
    out = gpu.new_array(shape, result)
    compute = format_of(result).kind
    _launch(gpu, "select(c, b, a)", numbers, ["bool", compute, compute], out, compute)
    return out


def assign(gpu: WebGpu, target: WebGpuArray, value: object) -> None:
    """Write ``value``, broadcast and converted, into ``target``: one kernel."""
    number = operand(gpu, value)
    source = number.dtype if isinstance(number, WebGpuArray) else target.dtype
    compute = format_of(source).kind
    if isinstance(number, WebGpuArray):
        broadcast_shape([np.broadcast_to(0, number.shape), np.broadcast_to(0, target.shape)])
        if len(number.shape) > target.ndim:
            number = number.reshape(number.shape[number.ndim - target.ndim :])
        if np.broadcast_shapes(number.shape, target.shape) != target.shape:
            raise ValueError(f"could not broadcast input array from shape {number.shape} into shape {target.shape}")
    _launch(gpu, "a", [number], [compute], target, compute)


def _launch(
    gpu: WebGpu, expression: str, values: Sequence[Any], kinds: Sequence[str], out: WebGpuArray, gives: str
) -> None:
    if not out.size:
        return
    values = [_apart(gpu, each, out) for each in values]
    arrays = [each for each in values if isinstance(each, WebGpuArray)]
    steps = [_broadcast_strides(each, out.shape) for each in (out, *arrays)]
    lengths, steps = collapsed(out.shape, steps)
    shader = Shader()
    shader.writes(out)
    axes = shader.spread("i", lengths, "i")
    strides = dict(zip(map(id, arrays), steps[1:], strict=True))
    for name, value, kind in zip(_NAMES, values, kinds, strict=False):
        if isinstance(value, WebGpuArray):
            at = shader.place(value, zip(axes, strides[id(value)], strict=True))
            found = shader.load(value, at, kind)
        else:
            found = shader.number(value, kind)
        shader.lines.append(f"let {name} = {found};")
    at = shader.place(out, zip(axes, steps[0], strict=True))
    shader.store(out, at, f"({expression})", gives)
    shader.run_for_each(gpu.engine, out.size)


def _apart(gpu: WebGpu, value: Any, out: WebGpuArray) -> Any:  # noqa: ANN401
    """Return ``value``, as a copy if another thread could overwrite what is read of it."""
    if not isinstance(value, WebGpuArray) or value._memory is not out._memory:
        return value
    same = (value._offset, value._shape, value._strides) == (out._offset, out._shape, out._strides)
    return value if same else value.copy()


def _broadcast_strides(x: WebGpuArray, shape: Sequence[int]) -> list[int]:
    missing = len(shape) - x.ndim
    own = zip(x._shape, x._strides, shape[missing:], strict=True)
    return [0] * missing + [0 if length == 1 and wanted != 1 else stride for length, stride, wanted in own]


def _mixed(numbers: Sequence[Any]) -> np.dtype[Any]:
    """Return the format that NumPy mixes to; a number of Python or NumPy adapts itself to the arrays."""
    plain = [_plain(each) for each in numbers]
    return np.result_type(*(np.dtype(bool) if isinstance(each, bool) else each for each in plain))


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, WebGpuArray):
        return value.dtype
    return value.item() if isinstance(value, np.generic) else value


def _formats(name: str, row: _Row, mixed: np.dtype[Any]) -> tuple[str, np.dtype[Any]]:
    """Return what a shader computes with, and the format of the result."""
    if row.kind == "truth":
        return "bool", np.dtype(bool)
    if row.kind == "test":
        return "f32", np.dtype(bool)
    if row.kind == "float":
        return "f32", mixed if mixed == np.float16 else np.dtype(np.float32)
    if mixed.kind in _UNDEFINED.get(name, "f" if row.kind == "integer" else ""):
        raise TypeError(f"{name} is not defined for {mixed}")
    found = result_format(mixed)
    return format_of(found).kind, np.dtype(bool) if row.kind == "compare" else found


def _words(row: _Row) -> set[str]:
    text = " ".join(row[1:])
    return {each for each in _NAMES if f" {each} " in f" {''.join(c if c.isalnum() else ' ' for c in text)} "}
