"""One kernel: one pass of a device over its data, with its exact counts."""

from __future__ import annotations

from dataclasses import dataclass

from gpu_lessons.units import DTYPE_BYTES

__all__ = ["Kernel", "elementwise_kernel", "matmul_kernel"]


@dataclass(frozen=True, slots=True)
class Kernel:
    """What one launch does.

    ``bytes_read`` and ``bytes_written`` count every operand once: the least a kernel can move.
    ``matmul`` is (m, n, k) for a product of shapes (m, k) and (k, n), else ``None``. ``batch`` is how many such
    products one launch computes. ``sums_along_rows`` says whether sums run along the first operand's rows as they lie
    in memory; in a transposed one they run across them.

    Three counts matter on a CPU only, where no thread is there for every number.
    ``scalar_ops`` are the numbers that NumPy takes one at a time, without vector instructions: a maximum with one
    number, a choice, a reduction of short rows, a copy that skips numbers, a column times a row. ``rows`` is how
    often its loop starts anew where numbers do not lie in one run: a bias added to each row, a copy of a window.
    ``cached_bytes`` are what NumPy moves through its cache beside: where a GPU keeps a
    number in a register, NumPy passes over a block of them once for every operation. ``python_steps`` is what Python
    does beside calling the kernel, on the host of a GPU too: the layer around a product, a reduction's wrapper, the
    pieces of a stack.
    """

    name: str
    flops: int
    bytes_read: int
    bytes_written: int
    dtype: str
    matmul: tuple[int, int, int] | None = None
    scalar_ops: int = 0
    rows: int = 0
    python_steps: int = 0
    cached_bytes: int = 0
    batch: int = 1
    sums_along_rows: bool = True

    @property
    def bytes_moved(self) -> int:
        """Bytes read and written."""
        return self.bytes_read + self.bytes_written


def matmul_kernel(
    name: str,
    m: int,
    n: int,
    k: int,
    dtype: str,
    batch: int = 1,
    *,
    python_steps: int = 1,
    sums_along_rows: bool = True,
) -> Kernel:
    """Return the kernel of ``batch`` products (m, k) by (k, n), each of matrices of its own.

    A product is m n k multiplications and as many additions. The first addition of each sum adds to zero; counting it
    is the convention of the field (2 m n k).
    """
    size = DTYPE_BYTES[dtype]
    # A column times a row never reaches BLAS: NumPy loads, multiplies and stores number by number.
    scalar_ops = 3 * m * n * batch if k == 1 and m > 1 and n > 1 else 0
    return Kernel(
        name,
        2 * m * n * k * batch,
        (m * k + k * n) * batch * size,
        m * n * batch * size,
        dtype,
        (m, n, k),
        scalar_ops=scalar_ops,
        python_steps=python_steps,
        batch=batch,
        sums_along_rows=sums_along_rows,
    )


def elementwise_kernel(
    name: str,
    n: int,
    *,
    read: int,
    written: int,
    dtype: str,
    scalar_ops: int = 0,
    rows: int = 0,
    python_steps: int = 0,
) -> Kernel:
    """Return a kernel of ``n`` operations that reads and writes the given numbers of elements."""
    size = DTYPE_BYTES[dtype]
    return Kernel(
        name,
        n,
        read * size,
        written * size,
        dtype,
        scalar_ops=scalar_ops,
        rows=rows,
        python_steps=python_steps,
    )
