"""One dense layer: its forward pass, and a step of its training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

from gpu_lessons.arguments import require_count, require_dtype
from gpu_lessons.units import DTYPE_BYTES
from gpu_lessons.work.kernels import Kernel, elementwise_kernel, matmul_kernel
from gpu_lessons.work.workload import Workload, random_numbers, require_layer_dtype

__all__ = ["DenseForward", "DenseTrainStep", "backward_kernels", "forward_kernels", "update_kernels"]


def forward_kernels(batch: int, n_in: int, n_out: int, dtype: str) -> tuple[Kernel, ...]:
    """Return the kernels of ``x @ w + b``: the product, then the bias added in place."""
    n = batch * n_out
    return (
        matmul_kernel("x @ w", batch, n_out, n_in, dtype),
        elementwise_kernel("+ b", n, read=n + n_out, written=n, dtype=dtype, rows=batch),
    )


def backward_kernels(batch: int, n_in: int, n_out: int, dtype: str) -> tuple[Kernel, ...]:
    """Return the kernels of the three gradients of a dense layer."""
    n = batch * n_out
    return (
        matmul_kernel("x.T @ dy", n_in, n_out, batch, dtype, sums_along_rows=False),
        elementwise_kernel("sum(dy)", n, read=n, written=n_out, dtype=dtype, rows=batch, python_steps=1),
        matmul_kernel("dy @ w.T", batch, n_in, n_out, dtype),
    )


def update_kernels(n_in: int, n_out: int, dtype: str) -> tuple[Kernel, ...]:
    """Return the kernels of an SGD update of a dense layer: scale and subtract, for weights and biases."""
    return tuple(
        elementwise_kernel(name, n, read=read * n, written=n, dtype=dtype)
        for n in (n_in * n_out, n_out)
        for name, read in (("lr * gradient", 1), ("parameter -= ...", 2))
    )


@dataclass(frozen=True, slots=True)
class _Dense(Workload):
    batch_size: int
    n_in: int
    n_out: int
    dtype: str = "float32"

    def __post_init__(self) -> None:
        for name in ("batch_size", "n_in", "n_out"):
            object.__setattr__(self, name, require_count(name, getattr(self, name)))
        object.__setattr__(self, "dtype", require_dtype(self.dtype))

    @property
    def _sizes(self) -> tuple[int, int, int, str]:
        return self.batch_size, self.n_in, self.n_out, self.dtype

    def _layer_and_input(self, xp: Any) -> tuple[Any, Any]:  # noqa: ANN401
        from gpu_lessons.nn import Dense

        require_layer_dtype(self.dtype)
        layer = Dense(self.n_in, self.n_out, xp=xp, dtype=self.dtype, seed=0)
        x = random_numbers(1, (self.batch_size, self.n_in), self.dtype)
        return layer, xp.asarray(x)


@dataclass(frozen=True, slots=True)
class DenseForward(_Dense):
    """Forward pass of one dense layer, ``y = x @ w + b``.

    Parameters
    ----------
    batch_size, n_in, n_out : int
        Samples in the batch, numbers in a sample, neurons.
    dtype : {"float16", "float32", "float64"}
        Number format.

    Raises
    ------
    TypeError, ValueError
        If a size is no integer of at least 1 or the dtype is another.
    """

    label: ClassVar[str] = "dense forward"

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """The product, then the bias added in place."""
        return forward_kernels(*self._sizes)

    @property
    def memory_bytes(self) -> int:
        """``x``, ``w``, ``b`` and ``y``."""
        batch, n_in, n_out = self.batch_size, self.n_in, self.n_out
        return (batch * n_in + n_in * n_out + n_out + batch * n_out) * DTYPE_BYTES[self.dtype]

    def make(self, xp: ModuleType | Any) -> Callable[[], object]:  # noqa: ANN401
        """Return the forward pass of a `gpu_lessons.nn.Dense` on random data."""
        layer, x = self._layer_and_input(xp)
        return lambda: layer.forward(x)


@dataclass(frozen=True, slots=True)
class DenseTrainStep(_Dense):
    """Forward pass, backward pass and SGD update of one dense layer.

    Takes the parameters of `DenseForward`.
    """

    label: ClassVar[str] = "dense training step"

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """Three products, the bias and its gradient, and two kernels an update (scale, subtract)."""
        return (
            *forward_kernels(*self._sizes),
            *backward_kernels(*self._sizes),
            *update_kernels(self.n_in, self.n_out, self.dtype),
        )

    @property
    def memory_bytes(self) -> int:
        """``x``, ``y``, ``dy``, ``dx``, and three times the weights: themselves, gradients, scaled gradients."""
        batch, n_in, n_out = self.batch_size, self.n_in, self.n_out
        return (2 * batch * (n_in + n_out) + 3 * (n_in * n_out + n_out)) * DTYPE_BYTES[self.dtype]

    def make(self, xp: ModuleType | Any) -> Callable[[], object]:  # noqa: ANN401
        """Return a training step of a `gpu_lessons.nn.Dense`, with a fixed random gradient coming from above."""
        from gpu_lessons.nn import SGD

        layer, x = self._layer_and_input(xp)
        dy = xp.asarray(random_numbers(2, (self.batch_size, self.n_out), self.dtype))
        # A tiny rate: thousands of timed steps must not run the weights into infinity.
        optimizer = SGD(1e-9)

        def step() -> object:
            layer.forward(x)
            dx = layer.backward(dy)
            optimizer.step(layer)
            return dx

        return step
