"""One epoch of training: every sample once, batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from types import ModuleType
from typing import Any, ClassVar

from gpu_lessons.arguments import require_count, require_dtype
from gpu_lessons.units import DTYPE_BYTES
from gpu_lessons.work.dense import backward_kernels, forward_kernels, update_kernels
from gpu_lessons.work.kernels import Kernel, elementwise_kernel
from gpu_lessons.work.memory import memory_needed, require_layer_sizes
from gpu_lessons.work.workload import Workload, random_numbers, require_few_steps, require_layer_dtype

__all__ = ["TrainEpoch", "loss_kernels"]

_LABEL_BYTES, _BOOL_BYTES = 8, 1


@dataclass(frozen=True, slots=True)
class TrainEpoch(Workload):
    """One epoch of a network of dense layers with ReLU between them, softmax cross-entropy and SGD.

    The numbers and the labels are random: it has the shape of a training, and learns nothing.

    Parameters
    ----------
    samples, batch_size : int
        Samples of the epoch, and of one batch; the last batch holds what is left over.
    layer_sizes : sequence of int
        Numbers in a sample, then the neurons of each layer; the last are the classes.
    dtype : {"float16", "float32", "float64"}
        Number format.

    Raises
    ------
    TypeError, ValueError
        If a size is no integer of at least 1, there are fewer than two layer sizes, batches times layer sizes are
        more than 100,000, or the dtype is another.

    Examples
    --------
    >>> digits = TrainEpoch(samples=1797, batch_size=64, layer_sizes=(64, 128, 10))
    >>> sum(kernel.name == "x @ w" for kernel in digits.kernels)  # 29 batches, 2 layers
    58
    """

    samples: int
    batch_size: int
    layer_sizes: tuple[int, ...]
    dtype: str = "float32"

    label: ClassVar[str] = "training epoch"

    def __post_init__(self) -> None:
        for name in ("samples", "batch_size"):
            object.__setattr__(self, name, require_count(name, getattr(self, name)))
        object.__setattr__(self, "layer_sizes", tuple(require_layer_sizes(self.layer_sizes)))
        require_few_steps(-(-self.samples // self.batch_size) * len(self.layer_sizes))
        object.__setattr__(self, "dtype", require_dtype(self.dtype))

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """The kernels of all batches: forward, loss, backward, update."""
        batches, left_over = divmod(self.samples, self.batch_size)
        last = self._batch_kernels(left_over) if left_over else ()
        return self._batch_kernels(self.batch_size) * batches + last

    @property
    def memory_bytes(self) -> int:
        """All samples and labels, beside what a training step of one batch needs."""
        batch = min(self.batch_size, self.samples)
        step = memory_needed(batch_size=batch, layer_sizes=self.layer_sizes, dtype=self.dtype)
        sample_bytes = self.layer_sizes[0] * DTYPE_BYTES[self.dtype] + _LABEL_BYTES
        return step.total_bytes + (self.samples - batch) * sample_bytes

    def make(self, xp: ModuleType | Any) -> Callable[[], float]:  # noqa: ANN401
        """Return the epoch on a hand-built `gpu_lessons.nn` network; it gives the loss of the last batch."""
        import numpy as np

        from gpu_lessons.nn import SGD, Dense, Network, ReLU, SoftmaxCrossEntropy

        require_layer_dtype(self.dtype)
        layers: list[Any] = []
        for seed, (n_in, n_out) in enumerate(pairwise(self.layer_sizes)):
            layers += [Dense(n_in, n_out, xp=xp, dtype=self.dtype, seed=seed), ReLU()]
        network = Network(layers[:-1])
        # A tiny rate: thousands of timed epochs must not run the weights into infinity.
        loss, optimizer = SoftmaxCrossEntropy(), SGD(1e-9)
        x = xp.asarray(random_numbers(1, (self.samples, self.layer_sizes[0]), self.dtype))
        labels = xp.asarray(np.random.default_rng(2).integers(self.layer_sizes[-1], size=self.samples))

        def epoch() -> float:
            mean_loss = 0.0
            for start in range(0, self.samples, self.batch_size):
                batch = slice(start, min(start + self.batch_size, self.samples))
                mean_loss = loss.forward(network.forward(x[batch, :]), labels[batch])
                network.backward(loss.backward())
                optimizer.step(network)
            return mean_loss

        return epoch

    def _batch_kernels(self, batch: int) -> tuple[Kernel, ...]:
        dtype = self.dtype
        layers = list(pairwise(self.layer_sizes))
        forward: list[Kernel] = []
        backward: list[Kernel] = []
        for i, (n_in, n_out) in enumerate(layers):
            n = batch * n_out
            activation: tuple[Kernel, ...] = ()
            gradient: tuple[Kernel, ...] = ()
            if i < len(layers) - 1:
                activation = (
                    elementwise_kernel("max(y, 0)", n, read=n, written=n, dtype=dtype, scalar_ops=n, python_steps=2),
                )
                gradient = _relu_backward(n, dtype)
            forward += [*forward_kernels(batch, n_in, n_out, dtype), *activation]
            backward = [*gradient, *backward_kernels(batch, n_in, n_out, dtype), *backward]
        updates = [kernel for n_in, n_out in layers for kernel in update_kernels(n_in, n_out, dtype)]
        return (*forward, *loss_kernels(batch, self.layer_sizes[-1], dtype), *backward, *updates)


def _relu_backward(n: int, dtype: str) -> tuple[Kernel, Kernel]:
    return (
        elementwise_kernel("sign(y)", n, read=n, written=n, dtype=dtype, scalar_ops=n, python_steps=1),
        elementwise_kernel("dy * sign(y)", n, read=2 * n, written=n, dtype=dtype),
    )


def loss_kernels(batch: int, classes: int, dtype: str) -> tuple[Kernel, ...]:
    """Return the kernels of `SoftmaxCrossEntropy`, forward and backward; what compares labels counts no FLOP."""
    n, size = batch * classes, DTYPE_BYTES[dtype]
    labels, bools, one_hot = batch * _LABEL_BYTES, batch * _BOOL_BYTES, n * _BOOL_BYTES

    def each(name: str, n: int, *, read: int, written: int, **on_a_cpu: int) -> Kernel:
        return elementwise_kernel(name, n, read=read, written=written, dtype=dtype, **on_a_cpu)

    return (
        Kernel("labels as int64", 0, labels, labels, dtype, python_steps=3),
        Kernel("labels < 0", 0, labels, bools, dtype),
        Kernel("labels >= classes", 0, labels, bools, dtype),
        Kernel("or", 0, 2 * bools, bools, dtype),
        Kernel("any", 0, bools, _BOOL_BYTES, dtype, python_steps=1),
        each("max over classes", n, read=n, written=batch, scalar_ops=n, rows=batch, python_steps=3),
        each("logits - max", n, read=n + batch, written=n, rows=batch),
        each("exp", n, read=n, written=n),
        each("sum over classes", n, read=n, written=batch, scalar_ops=n, rows=batch, python_steps=1),
        each("log", batch, read=batch, written=batch),
        each("shifted - log", n, read=n + batch, written=n, rows=batch),
        Kernel("arange", 0, 0, classes * _LABEL_BYTES, dtype),
        Kernel("labels == classes", 0, labels + classes * _LABEL_BYTES, one_hot, dtype, rows=batch),
        Kernel("where(label, log softmax, 0)", 0, one_hot + n * size, n * size, dtype, scalar_ops=3 * n),
        each("sum", n, read=n, written=1, python_steps=1),
        each("-total", 1, read=1, written=1),
        each("total / batch", 1, read=1, written=1),
        Kernel("label as number", 0, one_hot, n * size, dtype),
        each("exp", n, read=n, written=n),
        each("softmax - one hot", n, read=2 * n, written=n),
        each("/ batch", n, read=n, written=n),
    )
