"""The memory ledger of a training step: what must be on the card, in bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from gpu_lessons.arguments import require_choice, require_count, require_dtype, shown
from gpu_lessons.units import DTYPE_BYTES, format_bytes

__all__ = ["MemoryLedger", "memory_needed", "require_layer_sizes"]

#: Extra copies of the weights each optimizer keeps: one velocity, or Adam's two moments.
_OPTIMIZER_COPIES = {"sgd": 0, "momentum": 1, "adam": 2}


@dataclass(frozen=True, slots=True)
class MemoryLedger:
    """Bytes a training step needs at its worst moment.

    Attributes
    ----------
    batch_size : int
        Samples in the batch.
    weights_bytes, gradients_bytes, optimizer_bytes : int
        These do not depend on the batch.
    activations_bytes : int
        What every layer keeps for its backward pass, and the output. Grows with the batch.
    in_flight_bytes : int
        The gradient coming into the widest layer and the one leaving it. Grows with the batch.
    """

    batch_size: int
    weights_bytes: int
    gradients_bytes: int
    optimizer_bytes: int
    activations_bytes: int
    in_flight_bytes: int

    @property
    def total_bytes(self) -> int:
        """Sum of all entries."""
        return self._fixed_bytes + self.activations_bytes + self.in_flight_bytes

    @property
    def _fixed_bytes(self) -> int:
        return self.weights_bytes + self.gradients_bytes + self.optimizer_bytes

    def largest_batch(self, memory_bytes: float) -> int:
        """Return the largest batch that fits into ``memory_bytes``; 0 if not even one sample does.

        Raises
        ------
        ValueError
            If ``memory_bytes`` is no finite number.
        """
        if not math.isfinite(memory_bytes):
            raise ValueError(f"memory_bytes must be a finite number, got {memory_bytes}")
        per_sample = (self.activations_bytes + self.in_flight_bytes) // self.batch_size
        return max(0, int(memory_bytes - self._fixed_bytes) // per_sample)

    def __str__(self) -> str:
        rows = (
            ("weights", self.weights_bytes),
            ("gradients", self.gradients_bytes),
            ("optimizer", self.optimizer_bytes),
            ("activations", self.activations_bytes),
            ("in flight", self.in_flight_bytes),
            ("total", self.total_bytes),
        )
        return "\n".join(f"{name:<12}{format_bytes(size):>10}" for name, size in rows)


def memory_needed(
    *, batch_size: int, layer_sizes: Sequence[int], optimizer: str = "sgd", dtype: str = "float32"
) -> MemoryLedger:
    """Count the memory of one training step of a network of dense layers with ReLU between them.

    Every layer keeps its input for the backward pass. A ReLU keeps its output, which is the next layer's
    input and is counted once.

    Parameters
    ----------
    batch_size : int
        Samples in the batch.
    layer_sizes : sequence of int
        Numbers in a sample, then the neurons of each layer: ``[784, 512, 10]`` has two layers.
    optimizer : {"sgd", "momentum", "adam"}
        Adam keeps two more numbers for every weight, momentum one.
    dtype : {"float16", "float32", "float64"}
        Number format of everything.

    Returns
    -------
    MemoryLedger
        Exact counts in bytes. A framework adds its own context and workspaces.

    Raises
    ------
    TypeError, ValueError
        If a size is no integer of at least 1, there are fewer than two sizes, or a name is unknown.

    Examples
    --------
    >>> memory_needed(batch_size=1, layer_sizes=[2, 3]).weights_bytes  # (2 x 3 weights + 3 biases) x 4 bytes
    36
    """
    batch_size = require_count("batch_size", batch_size)
    sizes = require_layer_sizes(layer_sizes)
    copies = _OPTIMIZER_COPIES[require_choice("optimizer", optimizer, tuple(_OPTIMIZER_COPIES))]
    size_bytes = DTYPE_BYTES[require_dtype(dtype)]
    layers = list(pairwise(sizes))
    weights_bytes = sum(n_in * n_out + n_out for n_in, n_out in layers) * size_bytes
    return MemoryLedger(
        batch_size=batch_size,
        weights_bytes=weights_bytes,
        gradients_bytes=weights_bytes,
        optimizer_bytes=copies * weights_bytes,
        activations_bytes=batch_size * sum(sizes) * size_bytes,
        in_flight_bytes=batch_size * max(n_in + n_out for n_in, n_out in layers) * size_bytes,
    )


def require_layer_sizes(layer_sizes: Sequence[int]) -> list[int]:
    """Return the sizes of a network's layers, input first, or refuse them in one sentence."""
    try:
        too_few = isinstance(layer_sizes, str | bytes) or len(layer_sizes) < 2
    except TypeError:
        raise TypeError(f"layer_sizes must be a sequence of sizes, got {shown(layer_sizes)}") from None
    if too_few:
        raise ValueError(f"layer_sizes must hold at least an input and an output size, got {shown(layer_sizes)}")
    return [require_count(f"layer_sizes[{i}]", size) for i, size in enumerate(layer_sizes)]
