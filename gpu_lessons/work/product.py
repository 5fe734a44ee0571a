"""A bare matrix product, and many of them by one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

from gpu_lessons.arguments import require_count, require_dtype
from gpu_lessons.units import DTYPE_BYTES
from gpu_lessons.work.kernels import Kernel, matmul_kernel
from gpu_lessons.work.workload import Workload, random_numbers

__all__ = ["MatrixProduct"]


@dataclass(frozen=True, slots=True)
class MatrixProduct(Workload):
    """``count`` products of matrices (m, k) and (k, n), each of matrices of its own, by one call.

    Parameters
    ----------
    m, n, k : int
        Rows and columns of a result, and terms of each of its sums.
    count : int
        Products; more than one are a stack, as in attention: one product for every head and sequence.
    dtype : {"float16", "float32", "float64"}
        Number format.

    Raises
    ------
    TypeError, ValueError
        If a size is no integer of at least 1 or the dtype is another.

    Examples
    --------
    >>> one, many = MatrixProduct(64, 64, 64), MatrixProduct(64, 64, 64, count=10)
    >>> many.bytes_moved == 10 * one.bytes_moved
    True
    """

    m: int
    n: int
    k: int
    count: int = 1
    dtype: str = "float32"

    label: ClassVar[str] = "matrix product"

    def __post_init__(self) -> None:
        for name in ("m", "n", "k", "count"):
            object.__setattr__(self, name, require_count(name, getattr(self, name)))
        object.__setattr__(self, "dtype", require_dtype(self.dtype))

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """One kernel."""
        return (matmul_kernel("a @ b", self.m, self.n, self.k, self.dtype, self.count, python_steps=0),)

    @property
    def memory_bytes(self) -> int:
        """The operands and the result."""
        m, n, k = self.m, self.n, self.k
        return (m * k + k * n + m * n) * self.count * DTYPE_BYTES[self.dtype]

    def make(self, xp: ModuleType | Any) -> Callable[[], object]:  # noqa: ANN401
        """Return the product of random matrices."""
        stack = (self.count,) if self.count > 1 else ()
        a = xp.asarray(random_numbers(1, (*stack, self.m, self.k), self.dtype))
        b = xp.asarray(random_numbers(2, (*stack, self.k, self.n), self.dtype))
        return lambda: a @ b
