"""Matrix products of a simulated GPU: kernels of a library, counted with their true sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gpu_lessons.devices.arrays import DeviceArray
from gpu_lessons.devices.calls import lowered, without_warnings
from gpu_lessons.devices.charging import charge, counted_as, read_bytes
from gpu_lessons.devices.memory import allocate
from gpu_lessons.devices.operations import new_array, operand
from gpu_lessons.devices.room import product_shape
from gpu_lessons.work.kernels import Kernel, matmul_kernel

if TYPE_CHECKING:
    from gpu_lessons.devices.simulated import SimulatedGpu

__all__ = ["einsum", "matmul", "tensor_product"]

Host = np.ndarray[Any, Any]

# Four real multiply-adds make a complex one.
_COMPLEX_TERMS = 4


@without_warnings
def matmul(gpu: SimulatedGpu, a: Any, b: Any, *, out: DeviceArray | None = None) -> DeviceArray:  # noqa: ANN401
    """Return the matrix product: one kernel of the library.

    Raises
    ------
    TypeError
        If an operand lives on the host, in the words of CuPy.
    ValueError
        If the shapes do not fit, or an operand is a scalar.
    """
    x, w = _operands(gpu, a, b)
    if np.ndim(x) == 0 or np.ndim(w) == 0:
        raise ValueError("matmul: an operand is a scalar; multiply with * instead")
    batch, m, k, n, kept = product_shape(x.shape, w.shape)
    rows = x if x.ndim > 1 else x[None, :]  # (..., m, k)
    columns = w if w.ndim > 1 else w[:, None]  # (..., k, n)
    made = new_array(gpu, (*batch, m, n), np.result_type(x, w))
    np.matmul(rows, columns, out=made._numbers)
    count = math.prod(batch) if columns.ndim > 2 else 1  # one matrix for all rows is one product
    _launch(gpu, "matmul", (a, b), made, (math.prod(batch) // max(1, count) * m, n, k), count)
    return _into(gpu, made if made.shape == kept else made.reshape(kept), out)


@without_warnings
def tensor_product(
    gpu: SimulatedGpu,
    name: str,
    a: Any,  # noqa: ANN401
    b: Any,  # noqa: ANN401
    *arguments: Any,  # noqa: ANN401
    out: DeviceArray | None = None,
    **options: Any,  # noqa: ANN401
) -> DeviceArray:
    """Return ``dot``, ``inner``, ``vdot``, ``vecdot`` or ``tensordot``: one product of two matrices with the same sums.

    The result has m n numbers and the operands m k and k n, so that k is known from their sizes.
    """
    x, w = _operands(gpu, a, b)
    if name == "dot" and out is not None:
        wanted = np.result_type(x, w)
        if out.dtype != wanted or not out.flags.c_contiguous:
            raise ValueError(f"output array is not acceptable: dot writes {wanted} in the order of C")
    result = np.asarray(getattr(np, name)(x, w, *arguments, **options))
    made = DeviceArray(gpu, result, allocate(gpu, result.nbytes))
    x_size, w_size = np.size(x), np.size(w)
    if name == "vecdot" and result.size:
        _launch(gpu, name, (a, b), made, (1, 1, x_size // result.size), result.size)
    elif result.size and x_size and w_size:
        terms = max(1, round(math.sqrt(x_size * w_size / result.size)))
        m = max(1, min(result.size, x_size // terms))
        _launch(gpu, name, (a, b), made, (m, -(-result.size // m), terms))
    else:
        charge(gpu, "zeros", (), [made], compiles=False)
    return _into(gpu, made, out)


@without_warnings
def einsum(gpu: SimulatedGpu, *operands: Any, out: DeviceArray | None = None, **options: Any) -> DeviceArray:  # noqa: ANN401
    """Return the sum of products that the subscripts name; two operands with a sum are one matrix product."""
    read: list[DeviceArray] = []
    given = [lowered(gpu, each, read) for each in operands]
    for option in options.keys() - {"dtype", "optimize", "order", "casting"}:
        raise TypeError(f"Did not understand the following kwargs: {option}")
    result = np.asarray(np.einsum(*given, **{**options, "optimize": len(read) > 2}))
    for x in read:
        if np.may_share_memory(result, x._numbers):
            return x._view(result)
    made = DeviceArray(gpu, result, allocate(gpu, result.nbytes))
    sizes = _summed(given[0], given[1:], result) if isinstance(given[0], str) else None
    if sizes is None:
        terms = max((x.size for x in read), default=0)
        charge(gpu, "einsum", read, [made], len(read) * max(terms, result.size))
    else:
        _launch(gpu, "einsum", read, made, *sizes)
    return _into(gpu, made, out)


def _summed(subscripts: str, numbers: Sequence[Host], result: Host) -> tuple[tuple[int, int, int], int] | None:
    """Return (m, n, k) of two operands that are multiplied and summed, and how many such; None for anything else."""
    letters = subscripts.replace(" ", "").partition("->")[0].split(",")
    if len(letters) != 2 or "." in subscripts or not result.size:
        return None
    length = {
        letter: n for name, x in zip(letters, numbers, strict=True) for letter, n in zip(name, x.shape, strict=True)
    }
    kept = subscripts.replace(" ", "").partition("->")[2]
    if "->" not in subscripts:
        both = "".join(letters)
        kept = "".join(letter for letter in sorted(set(both)) if both.count(letter) == 1)
    k = math.prod(n for letter, n in length.items() if letter not in kept)
    if k == 1:
        return None
    first, second = (set(name) & set(kept) for name in letters)
    batch = math.prod(length[letter] for letter in first & second)
    return (
        math.prod(length[letter] for letter in first - second),
        math.prod(length[letter] for letter in second - first),
        k,
    ), batch


def _operands(gpu: SimulatedGpu, a: object, b: object) -> tuple[Any, Any]:
    for name, value in (("a", a), ("b", b)):
        if isinstance(value, np.ndarray):  # CuPy's products do not say it as its other operations do
            raise TypeError(f"Argument '{name}' has incorrect type (expected DeviceArray, got numpy.ndarray)")
    return operand(gpu, a), operand(gpu, b)


def _launch(
    gpu: SimulatedGpu,
    name: str,
    operands: Sequence[Any],
    out: DeviceArray,
    sizes: tuple[int, int, int],
    count: int = 1,
) -> None:
    m, n, k = sizes
    counted = counted_as(gpu, out.dtype)
    if not (out.size and k):  # sums of nothing are zeros
        gpu.launch(Kernel("zeros", 0, 0, out.nbytes, counted))
        return
    terms = k * (_COMPLEX_TERMS if out.dtype.kind == "c" else 1)
    product = matmul_kernel(name, m, n, terms, counted, count, sums_along_rows=_in_rows(operands[0]))
    # Every matrix of a batch is read, not only one.
    read = read_bytes(x for x in operands if isinstance(x, DeviceArray))
    gpu.launch(replace(product, bytes_read=read, bytes_written=out.nbytes))


def _in_rows(x: Host | DeviceArray) -> bool:
    """Return whether a first operand lies in memory row by row; a transposed one does not."""
    numbers = x._numbers if isinstance(x, DeviceArray) else x
    return numbers.ndim < 2 or numbers.strides[-1] == numbers.itemsize


def _into(gpu: SimulatedGpu, result: DeviceArray, out: DeviceArray | None) -> DeviceArray:
    if out is None:
        return result
    if not np.can_cast(result.dtype, operand(gpu, out).dtype, "same_kind"):
        raise ValueError(f"output array is not acceptable: the result is {result.dtype}, out is {out.dtype}")
    if out.shape != result.shape:
        raise ValueError(f"Output shape mismatch: the result is {result.shape}, out is {out.shape}")
    np.copyto(out._numbers, result._numbers, casting="same_kind")
    return out
