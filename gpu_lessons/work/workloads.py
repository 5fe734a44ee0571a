"""Workloads: the same object is run by `measure` and counted by `predict`, so both mean the same work.

>>> from gpu_lessons.work import DenseForward
>>> layer = DenseForward(batch_size=256, n_in=2048, n_out=2048)
>>> layer.flops
2148007936
>>> round(layer.arithmetic_intensity, 1)
85.3
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar, Literal

from gpu_lessons.arguments import require_choice, require_count, require_dtype
from gpu_lessons.units import DTYPE_BYTES
from gpu_lessons.work.kernels import Kernel, elementwise_kernel, matmul_kernel

__all__ = ["Copy", "DenseForward", "DenseTrainStep", "Elementwise", "Workload"]


def _normal(seed: int, shape: tuple[int, ...], dtype: str) -> Any:  # noqa: ANN401
    """Return random numbers, never zeros: some hardware is faster on zeros."""
    import numpy as np

    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32).astype(dtype)


class Workload:
    """One call of something worth timing.

    A workload lists its kernels in the order a device runs them; FLOP and bytes are their sums.
    """

    label: ClassVar[str]

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

    def _forward_kernels(self) -> tuple[Kernel, Kernel]:
        batch, n_out = self.batch_size, self.n_out
        return (
            matmul_kernel("x @ w", batch, n_out, self.n_in, self.dtype),
            elementwise_kernel(
                "+ b", batch * n_out, read=batch * n_out + n_out, written=batch * n_out, dtype=self.dtype
            ),
        )

    def _layer_and_input(self, xp: Any) -> tuple[Any, Any]:  # noqa: ANN401
        from gpu_lessons.nn import Dense

        if self.dtype not in ("float32", "float64"):
            raise ValueError(f"a layer runs in float32 or float64, got dtype {self.dtype!r}; float16 can be predicted")
        layer = Dense(self.n_in, self.n_out, xp=xp, dtype=self.dtype, seed=0)
        x = _normal(1, (self.batch_size, self.n_in), self.dtype)
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
        return self._forward_kernels()

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
        batch, n_in, n_out, dtype = self.batch_size, self.n_in, self.n_out, self.dtype
        updates = [
            elementwise_kernel(name, n, read=read * n, written=n, dtype=dtype)
            for n in (n_in * n_out, n_out)
            for name, read in (("lr * gradient", 1), ("parameter -= ...", 2))
        ]
        return (
            *self._forward_kernels(),
            matmul_kernel("x.T @ dy", n_in, n_out, batch, dtype),
            elementwise_kernel("sum(dy)", batch * n_out, read=batch * n_out, written=n_out, dtype=dtype),
            matmul_kernel("dy @ w.T", batch, n_in, n_out, dtype),
            *updates,
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
        dy = xp.asarray(_normal(2, (self.batch_size, self.n_out), self.dtype))
        # A tiny rate: thousands of timed steps must not run the weights into infinity.
        optimizer = SGD(1e-9)

        def step() -> object:
            layer.forward(x)
            dx = layer.backward(dy)
            optimizer.step(layer)
            return dx

        return step


@dataclass(frozen=True, slots=True)
class Elementwise(Workload):
    """``y = max(x, 0)`` over ``n`` numbers: one operation for every two numbers moved."""

    n: int
    dtype: str = "float32"

    label: ClassVar[str] = "elementwise"

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", require_count("n", self.n))
        object.__setattr__(self, "dtype", require_dtype(self.dtype))

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """One kernel: read ``x``, write ``y``."""
        return (elementwise_kernel("max(x, 0)", self.n, read=self.n, written=self.n, dtype=self.dtype),)

    @property
    def memory_bytes(self) -> int:
        """``x`` and ``y``."""
        return 2 * self.n * DTYPE_BYTES[self.dtype]

    def make(self, xp: ModuleType | Any) -> Callable[[], object]:  # noqa: ANN401
        """Return the operation on random numbers of both signs."""
        x = xp.asarray(_normal(1, (self.n,), self.dtype))
        zero = xp.zeros((), dtype=x.dtype)
        return lambda: xp.maximum(x, zero)


@dataclass(frozen=True, slots=True)
class Copy(Workload):
    """A copy between host and device memory, over the link.

    Parameters
    ----------
    n_bytes : int
        Bytes to copy.
    direction : {"h2d", "d2h"}
        Host to device or back.
    pinned : bool
        Whether the host array lies in pinned (page-locked) memory.
    """

    n_bytes: int
    direction: Literal["h2d", "d2h"] = "h2d"
    pinned: bool = True

    label: ClassVar[str] = "copy"

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_bytes", require_count("n_bytes", self.n_bytes))
        require_choice("direction", self.direction, ("h2d", "d2h"))

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """No kernel: a copy engine does the work."""
        return ()

    @property
    def bytes_moved(self) -> int:
        """Bytes that cross the link."""
        return self.n_bytes

    @property
    def memory_bytes(self) -> int:
        """Bytes on the device."""
        return self.n_bytes

    def make(self, xp: ModuleType | Any) -> Callable[[], object]:  # noqa: ANN401
        """Return the copy, for a namespace whose arrays live on a device.

        Raises
        ------
        ValueError
            If ``xp`` computes on the host: there is no link to cross.
        """
        raise ValueError("a copy needs a device: NumPy arrays never leave the host")
