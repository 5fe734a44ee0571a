"""A workload: the same object is run by `measure` and counted by `predict`, so both mean the same work.

>>> from gpu_lessons.work import DenseForward
>>> layer = DenseForward(batch_size=256, n_in=2048, n_out=2048)
>>> layer.flops
2148007936
>>> round(layer.arithmetic_intensity, 1)
85.3
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from gpu_lessons.work.kernels import Kernel

__all__ = ["Workload", "random_numbers", "require_few_steps", "require_layer_dtype"]

# A workload lists its kernels one by one: 10**10 steps would fill the memory before anything is counted.
_MOST_STEPS = 100_000


class Workload:
    """One call of something worth timing.

    A workload lists its kernels in the order a device runs them, one for every array operation that is not a mere
    view; FLOP and bytes are their sums. A library may run an operation as two kernels, or on idle units beside another.
    """

    @property
    def label(self) -> str:
        """What it is called in a sentence."""
        raise NotImplementedError

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """The kernels of one call, in order."""
        raise NotImplementedError

    @property
    def memory_bytes(self) -> int:
        """Bytes of all arrays alive at the worst moment of a call."""
        raise NotImplementedError

    def make(self, xp: ModuleType | Any) -> Callable[[], object]:  # noqa: ANN401 - a namespace may be any object
        """Return a function without arguments that does the work once, on random data, with namespace ``xp``."""
        raise NotImplementedError

    @property
    def flops(self) -> int:
        """Floating-point operations of one call."""
        return sum(kernel.flops for kernel in self.kernels)

    @property
    def bytes_moved(self) -> int:
        """Bytes read and written by one call, every operand of every kernel once."""
        return sum(kernel.bytes_moved for kernel in self.kernels)

    @property
    def arithmetic_intensity(self) -> float:
        """FLOP a byte moved."""
        return self.flops / self.bytes_moved


def random_numbers(seed: int, shape: tuple[int, ...], dtype: str) -> Any:  # noqa: ANN401
    """Return random numbers on the host, never zeros: some hardware is faster on zeros."""
    import numpy as np

    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32).astype(dtype)


def require_layer_dtype(dtype: str) -> None:
    """Refuse a number format that can be counted but not run."""
    if dtype not in ("float32", "float64"):
        raise ValueError(f"a layer runs in float32 or float64, got dtype {dtype!r}; float16 can be predicted")


def require_few_steps(steps: int) -> None:
    """Refuse work of more steps one after another than can be listed."""
    if steps > _MOST_STEPS:
        raise ValueError(f"at most {_MOST_STEPS:,} steps one after another can be counted, got {steps:,}")
