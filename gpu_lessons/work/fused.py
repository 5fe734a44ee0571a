"""Many multiply-adds on every number while it is read and written once: one kernel, or blocks that stay in cache."""

from __future__ import annotations

from functools import cache
from typing import Any

from array_api_compat import is_cupy_namespace, is_numpy_namespace

__all__ = ["BLOCK_BYTES", "multiply_adds", "multiply_adds_by_blocks"]

#: A block and its result stay in the cache of one core, 256 KiB or more, while NumPy passes over them.
BLOCK_BYTES = 2**16

# One thread a number, which stays in a register. Each step needs the one before, so no compiler can shorten the loop.
_KERNEL = (
    "T x, T factor, int32 times",
    "T y",
    "T sum = 0; for (int i = 0; i < times; ++i) sum = sum * factor + x; y = sum;",
)


def multiply_adds(xp: Any, x: Any, times: int) -> Any:  # noqa: ANN401
    """Return ``x + x/2 + x/4 + ...``, of ``times`` terms: as many multiply-adds on every number of ``x``.

    A GPU runs one kernel that reads and writes each number once. NumPy has no such kernel: it works block by block,
    so that the passes stay in its cache. Any other library passes over the whole array ``times`` times.

    Parameters
    ----------
    xp : array namespace
        NumPy, CuPy, a simulated GPU's, or any of the array API.
    x : array, shape (n,)
        Floating-point numbers.
    times : int
        At least 1.
    """
    if hasattr(xp, "multiply_adds"):  # a simulated GPU
        return xp.multiply_adds(x, times)
    if is_cupy_namespace(xp):
        return _cupy_kernel(xp)(x, x.dtype.type(0.5), times)
    if is_numpy_namespace(xp):
        return multiply_adds_by_blocks(x, times)
    total = x
    for _ in range(times - 1):
        total = total * 0.5 + x
    return total


def multiply_adds_by_blocks(x: Any, times: int) -> Any:  # noqa: ANN401
    """Return the same sum for a NumPy array.

    One call does all multiply-adds of a block, ``weight * block`` added ``times`` times to its result. The weights are
    equal and have the sum of 1, 1/2, 1/4 ...: the small ones among those would be too small for the format, and a CPU
    computes with such numbers slowly.
    """
    import numpy as np

    weights = np.full(times, 2 * (1 - 0.5**times) / times, x.dtype)
    y = np.empty_like(x)
    size = BLOCK_BYTES // x.itemsize
    for start in range(0, len(x), size):
        block = slice(start, start + size)
        # In Fortran's order the numbers of the block are the inner loop, and the weights the outer one.
        np.einsum("k,n->n", weights, x[block], out=y[block], order="F")
    return y


@cache
def _cupy_kernel(xp: Any) -> Any:  # noqa: ANN401
    return xp.ElementwiseKernel(*_KERNEL)
