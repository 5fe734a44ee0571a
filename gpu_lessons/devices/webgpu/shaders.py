"""Writes the text of a compute shader: its buffers, its numbers, and where each thread finds its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gpu_lessons.devices.webgpu.formats import format_of

if TYPE_CHECKING:
    from gpu_lessons.devices.webgpu.arrays import WebGpuArray
    from gpu_lessons.devices.webgpu.engine import Engine

__all__ = ["THREADS", "Shader", "collapsed", "converted"]

#: Threads of a workgroup.
THREADS = 256

#: Functions that WGSL lacks, or leaves open for NaN; a shader holds those that it calls.
_FUNCTIONS = {
    "half": """
fn half(word: u32, at: i32) -> f32 {
  let pair = unpack2x16float(word);
  return select(pair.x, pair.y, (at & 1) == 1);
}""",
    "is_nan": "fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }",
    "is_inf": "fn is_inf(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) == 0x7f800000u; }",
    "is_finite": "fn is_finite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u; }",
    "larger": """
fn larger(a: f32, b: f32) -> f32 { return select(select(b, a, a > b), a + b, is_nan(a) || is_nan(b)); }""",
    "smaller": """
fn smaller(a: f32, b: f32) -> f32 { return select(select(b, a, a < b), a + b, is_nan(a) || is_nan(b)); }""",
    "hyperbolic": "fn hyperbolic(x: f32) -> f32 { return select(tanh(clamp(x, -15.0, 15.0)), x, is_nan(x)); }",
    "power": """
fn power(a: f32, b: f32) -> f32 {
  if (b == 2.0) { return a * a; }
  let size = select(pow(abs(a), b), 1.0, b == 0.0);
  let whole = trunc(b) == b;
  let odd = whole && trunc(b * 0.5) * 2.0 != b;
  return select(size, select(sqrt(a), select(size, -size, odd), whole), a < 0.0);
}""",
    "integer_power": """
fn integer_power(a: i32, b: i32) -> i32 {
  if (b < 0) { return select(0, select(1, a, (b & 1) == 1), a == 1 || a == -1); }
  var result = 1;
  for (var i = 0; i < b; i++) { result *= a; }
  return result;
}""",
    "quotient": """
fn quotient(a: i32, b: i32) -> i32 {
  if (b == 0) { return 0; }
  return a / b - select(0, 1, a % b != 0 && (a < 0) != (b < 0));
}""",
    "multiply_adds": """
fn multiply_adds(x: f32, times: f32) -> f32 {
  var sum = 0.0;
  for (var i = 0; i < i32(times); i++) { sum = fma(sum, 0.5, x); }
  return sum;
}""",
}


def converted(value: str, given: str, wanted: str) -> str:
    """Return an expression of one type as another."""
    return value if given == wanted else f"{wanted}({value})"


def collapsed(shape: Sequence[int], strides: Sequence[Sequence[int]]) -> tuple[list[int], list[list[int]]]:
    """Return the same places with as few axes as possible: axes of length 1 go, axes that follow each other join.

    Parameters
    ----------
    shape : sequence of int
        Lengths of the axes.
    strides : sequence of sequences of int
        For each array, the distances of neighbours along each axis.
    """
    lengths: list[int] = []
    steps: list[list[int]] = [[] for _ in strides]
    for axis, length in enumerate(shape):
        if length == 1:
            continue
        if lengths and all(kept[-1] == given[axis] * length for kept, given in zip(steps, strides, strict=True)):
            lengths[-1] *= length
            for kept, given in zip(steps, strides, strict=True):
                kept[-1] = given[axis]
        else:
            lengths.append(length)
            for kept, given in zip(steps, strides, strict=True):
                kept.append(given[axis])
    return lengths, steps


class Shader:
    """A compute shader in the making.

    What changes from call to call is a number in the buffer ``form``, so that one text, compiled once, serves all.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._form: list[int] = []
        self._names: dict[int, str] = {}
        self._arrays: list[tuple[WebGpuArray, bool]] = []

    def integer(self, value: int) -> str:
        """Return the expression of an integer that is given at the call."""
        self._form.append(int(np.uint32(value & 0xFFFFFFFF).view(np.int32)))
        return f"form[{len(self._form) - 1}]"

    def number(self, value: Any, kind: str) -> str:  # noqa: ANN401
        """Return the expression of a number of one type that is given at the call."""
        if kind == "f32":
            with np.errstate(all="ignore"):
                bits = np.float32(value).view(np.int32)
            return f"bitcast<f32>({self.integer(int(bits))})"
        low, high = (0, 2**32) if kind == "u32" else (-(2**31), 2**31)
        if not low <= int(value) < high:
            raise OverflowError(f"an integer of 32 bits lies from {low} to {high - 1}, got {int(value)}")
        return converted(self.integer(int(value)), "i32", kind)

    def writes(self, array: WebGpuArray) -> None:
        """Name an array that is written, before anything is read."""
        self._name(array, written=True)

    def load(self, array: WebGpuArray, at: str, kind: str) -> str:
        """Return the expression of the number at a place of an array's buffer, as ``kind``."""
        name, form = self._name(array), format_of(array.dtype)
        if not form.is_packed:
            return converted(f"{name}[{at}]", form.kind, kind)
        word = f"{name}[({at}) / {32 // form.bits}]"
        if self._is_written(array):
            word = f"atomicLoad(&{word})"
        return converted(form.read.format(word=word, at=f"({at})"), form.kind, kind)

    def store(self, array: WebGpuArray, at: str, value: str, kind: str) -> None:
        """Write a number of one type to a place of an array's buffer."""
        name, form = self._name(array), format_of(array.dtype)
        if array.dtype.kind == "b":
            value, kind = f"u32(bool({value}))", "u32"
        value = converted(value, kind, form.kind)
        if not form.is_packed:
            self.lines.append(f"{name}[{at}] = {value};")
            return
        # Threads share the word, and each changes its own bits only.
        per_word, ones = 32 // form.bits, f"{2**form.bits - 1}u"
        word = f"{name}[({at}) / {per_word}]"
        self.lines += [
            f"let shift = {form.bits}u * u32(({at}) & {per_word - 1});",
            f"atomicAnd(&{word}, ~({ones} << shift));",
            f"atomicOr(&{word}, ({form.bits_of.format(value=value)} & {ones}) << shift);",
        ]

    def spread(self, index: str, lengths: Sequence[int], prefix: str) -> list[str]:
        """Take a running number apart into one index an axis, and return their names, the first axis first."""
        if len(lengths) < 2:
            return [index] * len(lengths)
        names = [f"{prefix}{axis}" for axis in range(len(lengths))]
        self.lines.append(f"var {prefix}rest = {index};")
        for name, length in zip(names[:0:-1], list(lengths)[:0:-1], strict=True):
            size = self.integer(length)
            self.lines.append(f"let {name} = {prefix}rest % {size}; {prefix}rest /= {size};")
        self.lines.append(f"let {names[0]} = {prefix}rest;")
        return names

    def place(self, array: WebGpuArray, terms: Iterable[tuple[str, int]]) -> str:
        """Return where an array's number lies: its offset and, for every axis, index times stride."""
        parts = [self.integer(array._offset)]
        parts += [f"{name} * {self.integer(stride)}" for name, stride in terms]
        return " + ".join(parts)

    def run(self, engine: Engine, groups: tuple[int, int, int], *, before: str = "", size: str = f"{THREADS}") -> None:
        """Run it: as many workgroups, each of ``size`` threads."""
        engine.run(self._text(before, size), [array._memory.buffer for array, _ in self._arrays], self._form, groups)

    def run_for_each(self, engine: Engine, count: int) -> None:
        """Run it with one thread for each of ``count`` numbers; ``i`` is the thread's."""
        begin = f"let i = i32(id.x + id.y * groups.x * {THREADS}u);"
        self.lines[:0] = [begin, f"if (i >= {self.integer(count)}) {{ return; }}"]
        self.run(engine, engine.groups_for(-(-count // THREADS)))

    def _name(self, array: WebGpuArray, *, written: bool = False) -> str:
        key = id(array._memory)
        if key not in self._names:
            self._names[key] = f"x{len(self._arrays)}"
            self._arrays.append((array, written))
        return self._names[key]

    def _is_written(self, array: WebGpuArray) -> bool:
        return any(written and each._memory is array._memory for each, written in self._arrays)

    def _text(self, before: str, size: str) -> str:
        body = "\n  ".join(self.lines)
        bindings = ["@group(0) @binding(0) var<storage, read> form: array<i32>;"]
        for place, (array, written) in enumerate(self._arrays):
            form = format_of(array.dtype)
            word = f"atomic<{form.word}>" if written and form.is_packed else form.word
            access = "read_write" if written else "read"
            bindings.append(f"@group(0) @binding({place + 1}) var<storage, {access}> x{place}: array<{word}>;")
        return "\n".join([*bindings, before, *_called(before + body), _MAIN.format(size=size, body=body)])


def _called(body: str) -> list[str]:
    """Return the functions that a text calls, and those that they call."""
    called: dict[str, str] = {}
    found = [body]
    while found:
        text = found.pop()
        for name, function in _FUNCTIONS.items():
            if name not in called and re.search(rf"\b{name}\(", text):
                called[name] = function
                found.append(function)
    return [called[name] for name in sorted(called)]


_MAIN = """
@compute @workgroup_size({size})
fn main(
  @builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>
) {{
  {body}
}}"""
