"""One kernel: one pass of a device over its data, with its exact counts."""

from __future__ import annotations

from dataclasses import dataclass

from gpu_lessons.units import DTYPE_BYTES

__all__ = ["Kernel", "elementwise_kernel", "matmul_kernel"]


@dataclass(frozen=True, slots=True)
class Kernel:
    """What one launch does.

    ``bytes_read`` and ``bytes_written`` count every operand once: the least a kernel can move.
    ``matmul`` is (m, n, k) for a product of shapes (m, k) and (k, n), else ``None``.
    """

    name: str
    flops: int
    bytes_read: int
    bytes_written: int
    dtype: str
    matmul: tuple[int, int, int] | None = None

    @property
    def bytes_moved(self) -> int:
        """Bytes read and written."""
        return self.bytes_read + self.bytes_written


def matmul_kernel(name: str, m: int, n: int, k: int, dtype: str) -> Kernel:
    """Return the kernel of an (m, k) by (k, n) product: m n k multiplications and as many additions.

    The first addition of each sum adds to zero; counting it is the convention of the field (2 m n k).
    """
    size = DTYPE_BYTES[dtype]
    return Kernel(name, 2 * m * n * k, (m * k + k * n) * size, m * n * size, dtype, (m, n, k))


def elementwise_kernel(name: str, n: int, *, read: int, written: int, dtype: str) -> Kernel:
    """Return a kernel of ``n`` operations that reads and writes the given numbers of elements."""
    size = DTYPE_BYTES[dtype]
    return Kernel(name, n, read * size, written * size, dtype)
