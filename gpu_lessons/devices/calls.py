"""The one mechanism behind every row of the tables: NumPy computes, the model charges the time, the pool the memory."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gpu_lessons.devices.arrays import DeviceArray
from gpu_lessons.devices.charging import charge
from gpu_lessons.devices.memory import allocate, require_room
from gpu_lessons.devices.room import bytes_needed
from gpu_lessons.devices.rows import KINDS, Row
from gpu_lessons.devices.substitutes import RUN_ON_HOST, SUBSTITUTES
from gpu_lessons.model import typical

if TYPE_CHECKING:
    from gpu_lessons.devices.simulated import SimulatedGpu

__all__ = ["call", "lowered", "on_device", "without_warnings"]

Host = np.ndarray[Any, Any]

# A GPU raises no warning when it divides by zero, or when a number is too large for its format.
without_warnings = np.errstate(all="ignore")
# Type codes of the number formats that CuPy's arrays can have.
_FORMATS = "?bhilqBHILQefdFD"
# Kinds and names of first arguments that need not, and must, be an array.
_TAKES_ANYTHING = ("creation", "memset", "question", "random")
_TAKES_LISTS = ("choose", "diag", "diagflat", "ix_", "meshgrid", "tril", "triu", "vander")
_ARRAYS = ("a", "arr", "ary", "array", "x", "v", "m", "z", "ar", "filt", "A")
# Of the size of a result that depends on the numbers.
_SIZE_BYTES = 8


def call(gpu: SimulatedGpu, row: Row, arguments: Sequence[Any], options: dict[str, Any]) -> Any:  # noqa: ANN401
    """Do what a row says: return arrays on the device, or for a question its answer.

    Raises
    ------
    TypeError
        If CuPy does not take such an argument, or an array lives on the host.
    OutOfMemoryError
        If a result does not fit on the device; nothing is charged then.
    """
    function = SUBSTITUTES.get(row.name) or _numpy_function(row.name)
    if row.name in RUN_ON_HOST and arguments and isinstance(arguments[0], np.ndarray):
        return _on_host(gpu, row.name, function, arguments, options)
    bound = row.bind(arguments, options)
    gpu.require_device(bound.arguments.pop("device", None))
    out = bound.arguments.pop("out", None)
    read: list[DeviceArray] = []
    for name, value in bound.arguments.items():
        bound.arguments[name] = lowered(gpu, value, read, refuse=row.kind != "question")
    _require_arrays(row, bound.arguments)
    require_room(gpu, bytes_needed(row.name, row.kind, bound))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = function(*bound.args, **bound.kwargs)
    if row.kind == "question":
        return result
    if row.kind == "writing":
        _charge(gpu, row, read[1:], read[:1])
        return None
    fresh: list[DeviceArray] = []
    wrapped = on_device(gpu, result, read, fresh)
    if out is not None:
        wrapped, fresh = _written(gpu, wrapped, out), [out]
    _charge(gpu, row, read, fresh)
    return wrapped


def _require_arrays(row: Row, given: dict[str, Any]) -> None:
    """Refuse a list where CuPy wants an array; it is no function of lists, but for those that join or make arrays.

    Raises
    ------
    TypeError
        In the words of CuPy.
    """
    if row.kind in _TAKES_ANYTHING or not given:
        return
    name, first = next(iter(given.items()))
    if name in _ARRAYS and isinstance(first, list | tuple) and row.name not in _TAKES_LISTS:
        raise TypeError(f"Unsupported type {type(first)}")


def lowered(gpu: SimulatedGpu, value: Any, read: list[DeviceArray], *, refuse: bool = True) -> Any:  # noqa: ANN401
    """Return ``value`` with the numbers of device arrays in their place, which are put into ``read``.

    Raises
    ------
    TypeError
        If an array lives on the host, in the words of CuPy, and ``refuse`` is true.
    """
    if isinstance(value, DeviceArray):
        value.require_on(gpu)
        read.append(value)
        return value._numbers
    if isinstance(value, np.ndarray) and refuse:
        raise TypeError(f"Unsupported type {type(value)}")
    if type(value) in (list, tuple):
        return type(value)(lowered(gpu, each, read, refuse=refuse) for each in value)
    return value


def on_device(gpu: SimulatedGpu, result: Any, read: Iterable[DeviceArray], fresh: list[DeviceArray]) -> Any:  # noqa: ANN401
    """Return what NumPy gave as arrays on the device: views where it is one, else new ones, put into ``fresh``."""
    if isinstance(result, tuple) and hasattr(result, "_fields"):
        return type(result)(*(on_device(gpu, each, read, fresh) for each in result))
    if isinstance(result, list | tuple):
        return type(result)(on_device(gpu, each, read, fresh) for each in result)
    if isinstance(result, bool | np.generic):
        result = np.asarray(result)
    if not isinstance(result, np.ndarray):
        return result
    for source in read:
        if result is source._numbers:
            return source
        if np.may_share_memory(result, source._numbers):
            return source._view(_writeable(result))
    if result.dtype.char not in _FORMATS:
        raise ValueError(f"Unsupported dtype {result.dtype}")
    made = DeviceArray(gpu, result, allocate(gpu, result.nbytes))
    fresh.append(made)
    return made


def _writeable(view: Host) -> Host:
    """Return a view that may be written to, where NumPy would rather not: CuPy lets it be."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of NumPy, for a view that repeats its numbers
        return view if view.flags.writeable else np.lib.stride_tricks.as_strided(view, writeable=True)


def _numpy_function(name: str) -> Callable[..., Any]:
    function: Any = np
    for part in name.split("."):
        function = getattr(function, part)
    return function  # type: ignore[no-any-return]


def _on_host(
    gpu: SimulatedGpu, name: str, function: Callable[..., Any], arguments: Sequence[Any], options: dict[str, Any]
) -> Any:  # noqa: ANN401
    """Compute with NumPy on the host, as CuPy does where it asks the array itself, and let the host pay for it."""
    size_bytes = sum(x.nbytes for x in arguments if isinstance(x, np.ndarray))
    gpu.timeline.host_works(f"{name} on the host", typical.NUMPY_CALL_S + size_bytes / typical.STREAM_BYTES_PER_S)
    return function(*arguments, **options)


def _written(gpu: SimulatedGpu, result: DeviceArray, out: Any) -> DeviceArray:  # noqa: ANN401
    if not isinstance(out, DeviceArray):
        raise TypeError(f"return arrays must be of the device's ndarray, got {type(out)}")
    out.require_on(gpu)
    if result.shape != out.shape:
        raise ValueError(f"Output shape mismatch: the result is {result.shape}, out is {out.shape}")
    with np.errstate(all="ignore"):
        np.copyto(out._numbers, result._numbers, casting="unsafe")
    return out


def _charge(gpu: SimulatedGpu, row: Row, read: list[DeviceArray], written: list[DeviceArray]) -> None:
    if not (written and row.kernels):
        return
    kind = KINDS[row.kind]
    flops = int(kind.flops([x._numbers for x in read], [x._numbers for x in written]))
    # What is moved is read once, however large the array that it is picked from.
    moved = row.kind == "movement" and sum(x.nbytes for x in written) < sum(x.nbytes for x in read)
    charge(
        gpu,
        row.name.rpartition(".")[2],
        written if moved else read,
        written,
        flops,
        kernels=row.kernels,
        compiles=kind.compiles,
    )
    if kind.waits:
        gpu.read_number(_SIZE_BYTES)
