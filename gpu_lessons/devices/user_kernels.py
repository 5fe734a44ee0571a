"""Kernels that a learner writes: ``ElementwiseKernel``, ``ReductionKernel``, ``fuse``; and why not ``RawKernel``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from gpu_lessons.devices.arrays import DeviceArray
from gpu_lessons.devices.calls import without_warnings
from gpu_lessons.devices.charging import charge
from gpu_lessons.devices.expressions import Program, parse
from gpu_lessons.devices.memory import allocate
from gpu_lessons.devices.operations import new_array, operand
from gpu_lessons.devices.room import broadcast_shape
from gpu_lessons.work.fused import multiply_adds_by_blocks

if TYPE_CHECKING:
    from gpu_lessons.devices.simulated import SimulatedGpu

__all__ = ["ElementwiseKernel", "RawKernel", "RawModule", "ReductionKernel", "fuse", "multiply_adds"]

Host = np.ndarray[Any, Any]

_TYPES = {"float": "float32", "double": "float64", "int": "int32", "long long": "int64", "half": "float16"}


class _Parameters:
    """``"T x, float32 y"``: a number format, or a letter for one that the arguments decide, and a name each."""

    def __init__(self, text: str) -> None:
        self.types: list[str] = []
        self.names: list[str] = []
        for part in filter(None, map(str.strip, text.split(","))):
            kind, _, name = part.rpartition(" ")
            if kind.startswith("raw ") or not kind:
                raise NotImplementedError(
                    f"the simulated GPU has no {part!r} among a kernel's parameters: one number of each array at a "
                    "time, as in 'T x'; use a CUDA device for more"
                )
            self.types.append(kind.strip())
            self.names.append(name)

    def formats(self, letters: dict[str, np.dtype[Any]]) -> list[np.dtype[Any]]:
        """Return the number formats, where ``letters`` says what the letters stand for."""
        found = []
        for kind in self.types:
            if len(kind) == 1 and kind not in letters:
                raise TypeError(f"Type {kind} of the kernel cannot be told from its arguments")
            found.append(letters[kind] if len(kind) == 1 else np.dtype(_TYPES.get(kind, kind)))
        return found

    def letters(self, numbers: Sequence[Any]) -> dict[str, np.dtype[Any]]:
        """Return what each letter stands for, as the arrays among the arguments tell."""
        told: dict[str, np.dtype[Any]] = {}
        ordered = sorted(zip(self.types, numbers, strict=True), key=lambda pair: not isinstance(pair[1], np.ndarray))
        for kind, value in ordered:
            dtype = np.asarray(value).dtype
            if isinstance(value, np.ndarray):
                expected = told.setdefault(kind, dtype) if len(kind) == 1 else np.dtype(_TYPES.get(kind, kind))
                if expected != dtype:
                    raise TypeError(f"Type is mismatched. {kind} is {expected}, the argument is {dtype}")
            elif len(kind) == 1:
                told.setdefault(kind, dtype)
        return told


class ElementwiseKernel:
    """A kernel of one's own, number by number.

    Parameters
    ----------
    gpu : SimulatedGpu
        Where it runs.
    in_params, out_params : str
        Such as ``"float32 x, float32 y"`` and ``"T z"``.
    operation : str
        Assignments of arithmetic, such as ``"z = (x - y) * (x - y)"``.
    name : str
        What the timeline calls it.

    Raises
    ------
    NotImplementedError
        If it is more than the simulated GPU reads; one sentence.
    """

    def __init__(
        self,
        gpu: SimulatedGpu,
        in_params: str,
        out_params: str,
        operation: str,
        name: str = "kernel",
        **options: object,
    ) -> None:
        _refuse(options)
        self._gpu = gpu
        self._inputs, self._outputs = _Parameters(in_params), _Parameters(out_params)
        self.operation = operation
        self.name = self.__name__ = name
        self.nin, self.nout = len(self._inputs.names), len(self._outputs.names)
        # What is written may be read too, as in "y += x", where it is given.
        self._program = parse(operation, frozenset((*self._inputs.names, *self._outputs.names)))
        for missing in set(self._outputs.names) - self._program.assigned:
            raise ValueError(f"kernel {name!r} never gives {missing} a value")

    @without_warnings
    def __call__(self, *args: Any, size: int | None = None) -> Any:  # noqa: ANN401
        """Return the results; they may be given as the last arguments, to be written into."""
        if len(args) not in (self.nin, self.nin + self.nout):
            raise TypeError(f"Wrong number of arguments for '{self.name}': it takes {self.nin}, got {len(args)}")
        numbers = [operand(self._gpu, value) for value in args[: self.nin]]
        letters = self._inputs.letters(numbers)
        given = _named(self._inputs, numbers, letters)
        outs = list(args[self.nin :])
        if not outs:
            shape = broadcast_shape(numbers)
            outs = [new_array(self._gpu, shape, dtype) for dtype in self._outputs.formats(letters)]
        written = {name: operand(self._gpu, out) for name, out in zip(self._outputs.names, outs, strict=True)}
        values = self._program.run({**given, **written})
        for name, out in zip(self._outputs.names, outs, strict=True):
            np.copyto(operand(self._gpu, out), values[name], casting="unsafe")
        charge(self._gpu, self.name, args[: self.nin], outs, outs[0].size * max(1, self._program.operations))
        return outs[0] if len(outs) == 1 else tuple(outs)


class ReductionKernel:
    """A reduction of one's own.

    Parameters
    ----------
    gpu : SimulatedGpu
        Where it runs.
    in_params, out_params : str
        Such as ``"T x"`` and ``"T y"``.
    map_expr, reduce_expr, post_map_expr : str
        What each number becomes, ``"x * x"``; how two of these, a and b, are put together, ``"a + b"``; what is done
        with the last one, a, ``"y = sqrt(a)"``.
    identity : str or number
        The result of no numbers.
    name : str
        What the timeline calls it.

    Raises
    ------
    NotImplementedError
        If it is more than the simulated GPU reads; one sentence.
    """

    def __init__(
        self,
        gpu: SimulatedGpu,
        in_params: str,
        out_params: str,
        map_expr: str,
        reduce_expr: str,
        post_map_expr: str,
        identity: Any = None,  # noqa: ANN401
        name: str = "reduce_kernel",
        **options: object,
    ) -> None:
        _refuse(options)
        self._gpu = gpu
        self._inputs, self._outputs = _Parameters(in_params), _Parameters(out_params)
        self.name = self.__name__ = name
        self._identity = identity
        self._map = parse(map_expr, frozenset(self._inputs.names), "a")
        self._reduce = parse(reduce_expr, frozenset({"a", "b"}), "a")
        self._post = parse(post_map_expr, frozenset({"a"}))

    @without_warnings
    def __call__(self, *args: Any, out: DeviceArray | None = None, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: ANN401
        """Return the result along ``axis``, or of all numbers."""
        nin = len(self._inputs.names)
        if len(args) != nin:
            raise TypeError(f"Wrong number of arguments for '{self.name}': it takes {nin}, got {len(args)}")
        numbers = [operand(self._gpu, value) for value in args]
        letters = self._inputs.letters(numbers)
        mapped = self._map.run(_named(self._inputs, numbers, letters))["a"]
        mapped = np.broadcast_to(mapped, broadcast_shape(numbers))
        reduced = _folded(mapped, axis, self._reduce, self._identity)
        if keepdims:
            reduced = np.expand_dims(reduced, axis if axis is not None else tuple(range(mapped.ndim)))
        name, [dtype] = self._outputs.names[0], self._outputs.formats(letters)
        result = np.asarray(self._post.run({"a": reduced})[name]).astype(dtype)
        if out is None:
            out = DeviceArray(self._gpu, result, allocate(self._gpu, result.nbytes))
        else:
            np.copyto(operand(self._gpu, out), result)
        operations = 1 + self._map.operations + self._reduce.operations
        charge(self._gpu, self.name, args, [out], mapped.size * operations)
        return out


def _named(parameters: _Parameters, numbers: Sequence[Any], letters: dict[str, np.dtype[Any]]) -> dict[str, Any]:
    formats = parameters.formats(letters)
    return {
        name: np.asarray(value, dtype) for name, value, dtype in zip(parameters.names, numbers, formats, strict=True)
    }


def _folded(x: Host, axis: Any, step: Program, identity: Any) -> Host:  # noqa: ANN401
    """Put the numbers along an axis together in pairs, and the results in pairs, until one is left."""
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    x = np.moveaxis(x, tuple(axes), range(-len(axes), 0)).reshape(*_kept(x, axes), -1)
    if not x.shape[-1]:
        if identity is None:
            raise ValueError("zero-size array to a reduction that has no identity")
        return np.full(x.shape[:-1], float(identity))
    while x.shape[-1] > 1:
        half = x.shape[-1] // 2
        put = step.run({"a": x[..., :half], "b": x[..., half : 2 * half]})["a"]
        x = np.concatenate([put, x[..., 2 * half :]], axis=-1)
    return x[..., 0]


def _kept(x: Host, axes: Sequence[int]) -> list[int]:
    gone = {axis % x.ndim for axis in axes}
    return [length for axis, length in enumerate(x.shape) if axis not in gone]


def _refuse(options: dict[str, object]) -> None:
    for option in options:
        if option not in ("reduce_dims", "return_tuple", "no_return", "options"):
            raise NotImplementedError(f"the simulated GPU knows no {option}= of a kernel; use a CUDA device for it")


def fuse(gpu: SimulatedGpu, *args: Any, kernel_name: str | None = None) -> Any:  # noqa: ANN401
    """Return a function whose operations are one kernel, as a decorator: ``@xp.fuse()``."""
    if args and callable(args[0]):
        return _fused(gpu, args[0], kernel_name)
    return lambda function: _fused(gpu, function, kernel_name)


def _fused(gpu: SimulatedGpu, function: Callable[..., Any], name: str | None) -> Callable[..., Any]:
    called = name or str(getattr(function, "__name__", "fused"))

    @functools.wraps(function)
    def run(*args: Any) -> Any:  # noqa: ANN401
        with gpu.fusing() as kernels:
            result = function(*args)
        results = result if isinstance(result, tuple) else (result,)
        outputs = [each for each in results if isinstance(each, DeviceArray)]
        inputs = [each for each in args if isinstance(each, DeviceArray)]
        if kernels:  # none for NumPy arrays: NumPy works on them, as with CuPy
            charge(gpu, called, inputs, outputs or inputs[:1], sum(kernel.flops for kernel in kernels))
        return result

    return run


def RawKernel(gpu: SimulatedGpu, *_: object, **__: object) -> NoReturn:  # noqa: N802 - CuPy's name
    """Refuse: it is compiled by NVIDIA's compiler, for a device.

    Raises
    ------
    NotImplementedError
        One sentence.
    """
    raise NotImplementedError(
        f"RawKernel is CUDA C++ and needs a CUDA device; the simulated {gpu.machine.name} runs functions of xp, "
        "ElementwiseKernel and ReductionKernel"
    )


RawModule = RawKernel


@without_warnings
def multiply_adds(gpu: SimulatedGpu, x: DeviceArray, times: int) -> DeviceArray:
    """Return ``x + x/2 + x/4 + ...`` of ``times`` terms, for a row of numbers: one kernel."""
    out = new_array(gpu, x.shape, x.dtype)
    out._numbers[...] = multiply_adds_by_blocks(operand(gpu, x), times)
    charge(gpu, "multiply_adds", (x,), [out], 2 * times * x.size)
    return out
