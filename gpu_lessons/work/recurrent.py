"""A recurrent layer: the state of every time step needs that of the step before."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

from gpu_lessons.arguments import require_count, require_dtype
from gpu_lessons.units import DTYPE_BYTES
from gpu_lessons.work.kernels import Kernel, elementwise_kernel, matmul_kernel
from gpu_lessons.work.workload import Workload, random_numbers, require_few_steps, require_layer_dtype

__all__ = ["RecurrentForward"]


@dataclass(frozen=True, slots=True)
class RecurrentForward(Workload):
    """Forward pass of a recurrent layer, ``h = tanh(x[t] @ w + h @ u + b)`` for one time step after another.

    The steps wait for each other; the samples of the batch do not.

    Parameters
    ----------
    steps, batch_size : int
        Time steps, and sequences that go through them side by side.
    n_in, n_out : int
        Numbers of a sample in one time step, and numbers of its state.
    dtype : {"float16", "float32", "float64"}
        Number format.

    Raises
    ------
    TypeError, ValueError
        If a size is no integer of at least 1, the steps are more than 20,000, or the dtype is another.

    Examples
    --------
    >>> one, many = (RecurrentForward(steps=100, batch_size=batch, n_in=64, n_out=256) for batch in (1, 64))
    >>> len(one.kernels) == len(many.kernels)  # as many launches
    True
    >>> many.flops // one.flops
    64
    """

    steps: int
    batch_size: int
    n_in: int
    n_out: int
    dtype: str = "float32"

    label: ClassVar[str] = "recurrent forward"

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "n_in", "n_out"):
            object.__setattr__(self, name, require_count(name, getattr(self, name)))
        object.__setattr__(self, "dtype", require_dtype(self.dtype))
        require_few_steps(self.steps * len(self._step))

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """Five kernels a time step."""
        return self._step * self.steps

    @property
    def memory_bytes(self) -> int:
        """All time steps of ``x``, weights and biases, the first state, and three states of one step."""
        n_in, n_out, n = self.n_in, self.n_out, self.batch_size * self.n_out
        passing = 2 if self.steps == 1 else 3
        numbers = self.steps * self.batch_size * n_in + (n_in + n_out + 1) * n_out + (1 + passing) * n
        return numbers * DTYPE_BYTES[self.dtype]

    def make(self, xp: ModuleType | Any) -> Callable[[], object]:  # noqa: ANN401
        """Return the pass on random numbers; it gives the last state, shape (batch_size, n_out)."""
        require_layer_dtype(self.dtype)
        dtype, n_in, n_out = self.dtype, self.n_in, self.n_out
        x = xp.asarray(random_numbers(1, (self.steps, self.batch_size, n_in), dtype))
        # Weights of a size that neither lets the states die out nor drives all of them to 1 or -1.
        w = xp.asarray(random_numbers(2, (n_in, n_out), dtype) / math.sqrt(n_in))
        u = xp.asarray(random_numbers(3, (n_out, n_out), dtype) / math.sqrt(n_out))
        b, start = (xp.asarray(random_numbers(4, shape, dtype)) for shape in ((n_out,), (self.batch_size, n_out)))

        def forward() -> object:
            h = start
            for t in range(self.steps):
                z = x[t, ...] @ w  # (batch_size, n_out)
                z += h @ u
                z += b
                h = xp.tanh(z)
            return h

        return forward

    @property
    def _step(self) -> tuple[Kernel, ...]:
        batch, n_out, dtype, n = self.batch_size, self.n_out, self.dtype, self.batch_size * self.n_out
        return (
            matmul_kernel("x @ w", batch, n_out, self.n_in, dtype, python_steps=0),
            matmul_kernel("h @ u", batch, n_out, n_out, dtype, python_steps=0),
            elementwise_kernel("+ h @ u", n, read=2 * n, written=n, dtype=dtype),
            elementwise_kernel("+ b", n, read=n + n_out, written=n, dtype=dtype, rows=batch),
            elementwise_kernel("tanh", n, read=n, written=n, dtype=dtype),
        )
