"""Many numbers at once, each for itself; and the opposite, one step after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

from gpu_lessons.arguments import require_count, require_dtype
from gpu_lessons.units import DTYPE_BYTES
from gpu_lessons.work.fused import BLOCK_BYTES, multiply_adds
from gpu_lessons.work.kernels import Kernel, elementwise_kernel
from gpu_lessons.work.workload import Workload, random_numbers, require_few_steps

__all__ = ["DependentChain", "Elementwise"]


@dataclass(frozen=True, slots=True)
class Elementwise(Workload):
    """One operation on each of ``n`` numbers, ``max(x, 0)``, or so many multiply-adds on each of them.

    However many there are, every number is read once and written once: the bytes stay, the arithmetic grows.

    Parameters
    ----------
    n : int
        Numbers.
    dtype : {"float16", "float32", "float64"}
        Number format.
    multiply_adds : int
        0 for ``max(x, 0)``; otherwise ``y = x + x/2 + x/4 + ...`` of so many terms, at most 100,000.

    Raises
    ------
    TypeError, ValueError
        If a size is no integer, or too small or too large, or the dtype is another.

    Examples
    --------
    >>> once, often = Elementwise(10**6, multiply_adds=1), Elementwise(10**6, multiply_adds=1024)
    >>> (once.bytes_moved, often.bytes_moved)
    (8000000, 8000000)
    >>> (once.arithmetic_intensity, often.arithmetic_intensity)
    (0.25, 256.0)
    """

    n: int
    dtype: str = "float32"
    multiply_adds: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", require_count("n", self.n))
        object.__setattr__(self, "dtype", require_dtype(self.dtype))
        object.__setattr__(self, "multiply_adds", require_count("multiply_adds", self.multiply_adds, at_least=0))
        require_few_steps(self.multiply_adds)

    @property
    def label(self) -> str:
        """What it is called: a model that was tested on the one kind was not on the other."""
        return "multiply-adds" if self.multiply_adds else "elementwise"

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """One kernel: read ``x``, write ``y``."""
        n, times = self.n, self.multiply_adds
        if not times:
            return (elementwise_kernel("max(x, 0)", n, read=n, written=n, dtype=self.dtype, scalar_ops=n),)
        size = DTYPE_BYTES[self.dtype]
        return (
            Kernel(
                "multiply-adds",
                2 * n * times,
                n * size,
                n * size,
                self.dtype,
                python_steps=-(-n * size // BLOCK_BYTES),  # a call for each block
                cached_bytes=3 * n * times * size,  # a number, its sum so far, and its sum
            ),
        )

    @property
    def memory_bytes(self) -> int:
        """``x`` and ``y``."""
        return 2 * self.n * DTYPE_BYTES[self.dtype]

    def make(self, xp: ModuleType | Any) -> Callable[[], object]:  # noqa: ANN401
        """Return the operation on random numbers of both signs."""
        x = xp.asarray(random_numbers(1, (self.n,), self.dtype))
        if self.multiply_adds:
            return lambda: multiply_adds(xp, x, self.multiply_adds)
        return lambda: xp.maximum(x, 0.0)


@dataclass(frozen=True, slots=True)
class DependentChain(Workload):
    """``x = x * a``, again and again: each step needs the one before, so no two can run side by side.

    Parameters
    ----------
    steps : int
        Multiplications one after another, at most 100,000.
    width : int
        Numbers that take each step together.
    dtype : {"float16", "float32", "float64"}
        Number format.

    Raises
    ------
    TypeError, ValueError
        If a size is no integer of at least 1, the steps are too many, or the dtype is another.
    """

    steps: int
    width: int
    dtype: str = "float32"

    label: ClassVar[str] = "dependent chain"

    def __post_init__(self) -> None:
        for name in ("steps", "width"):
            object.__setattr__(self, name, require_count(name, getattr(self, name)))
        require_few_steps(self.steps)
        object.__setattr__(self, "dtype", require_dtype(self.dtype))

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """One kernel a step; ``a`` comes with the launch."""
        step = elementwise_kernel("x * a", self.width, read=self.width, written=self.width, dtype=self.dtype)
        return (step,) * self.steps

    @property
    def memory_bytes(self) -> int:
        """The first ``x``, and from the second step on one that is read beside the one that is written."""
        return min(self.steps + 1, 3) * self.width * DTYPE_BYTES[self.dtype]

    def make(self, xp: ModuleType | Any) -> Callable[[], object]:  # noqa: ANN401
        """Return the chain on random numbers."""
        start = xp.asarray(random_numbers(1, (self.width,), self.dtype))

        def chain() -> object:
            x = start
            for _ in range(self.steps):
                x = x * -1.0  # a factor that keeps any number of steps from overflow and underflow
            return x

        return chain
