"""The memory ledger of a training step: what must be on the card, in bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gpu_lessons.arguments import require_choice, require_count, require_dtype, shown
from gpu_lessons.units import DTYPE_BYTES, format_bytes
from gpu_lessons.work.training_memory import OPTIMIZER_COPIES, TrainingStep

__all__ = ["MemoryLedger", "memory_needed", "require_layer_sizes"]


@dataclass(frozen=True, slots=True)
class MemoryLedger:
    """Bytes a training step needs at its worst moment.

    Attributes
    ----------
    step : TrainingStep
        What was counted.
    """

    step: TrainingStep

    @property
    def batch_size(self) -> int:
        """Samples in the batch."""
        return self.step.batch_size

    @property
    def weights_bytes(self) -> int:
        """Weights and biases; like the two below, the same for every batch."""
        return self.step.parameters * self.step.size_bytes

    @property
    def gradients_bytes(self) -> int:
        """A gradient for every weight and bias."""
        return self.weights_bytes

    @property
    def optimizer_bytes(self) -> int:
        """What the optimizer keeps from step to step."""
        return OPTIMIZER_COPIES[self.step.optimizer] * self.weights_bytes

    @property
    def activations_bytes(self) -> int:
        """The batch with its labels, what every layer keeps for its backward pass, and the output."""
        return self.step.kept_bytes()

    @property
    def in_flight_bytes(self) -> int:
        """The largest arrays that come and go: two layers' numbers, a new gradient, an update."""
        return self.step.passing_bytes()

    @property
    def total_bytes(self) -> int:
        """Sum of all entries."""
        fixed_bytes = self.weights_bytes + self.gradients_bytes + self.optimizer_bytes
        return fixed_bytes + self.activations_bytes + self.in_flight_bytes

    def largest_batch(self, memory_bytes: float) -> int:
        """Return the largest batch that fits into ``memory_bytes``; 0 if not even one sample a part does.

        Raises
        ------
        ValueError
            If ``memory_bytes`` is no finite number.
        """
        if not math.isfinite(memory_bytes):
            raise ValueError(f"memory_bytes must be a finite number, got {memory_bytes}")
        parts, limit = self.step.micro_batches, math.floor(memory_bytes)

        def total(samples: int) -> int:
            return replace(self, step=replace(self.step, batch_size=samples * parts)).total_bytes

        # The total is the largest of straight lines, so from above Newton's steps never jump below the answer.
        samples = max(1, limit)
        while samples and (above := total(samples) - limit) > 0:
            samples = max(0, samples + -above // (total(samples) - total(samples - 1)))
        return samples * parts

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
    *,
    batch_size: int,
    layer_sizes: Sequence[int],
    optimizer: str = "sgd",
    dtype: str = "float32",
    activation_dtype: str | None = None,
    recompute_segment: int | None = None,
    micro_batches: int = 1,
) -> MemoryLedger:
    """Count the memory of one training step of a network of dense layers with ReLU between them.

    The step is that of `gpu_lessons.nn`, from the second one on: the loss is `SoftmaxCrossEntropy`. Every layer keeps
    its input for the backward pass. A ReLU keeps its output, which is the next layer's input and is counted once.

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
    activation_dtype : {"float16", "float32", "float64"}, optional
        Number format of what the layers keep for the backward pass, if it is another: `nn.KeptAsFloat16`.
    recompute_segment : int, optional
        Dense layers in a segment of which only the input is kept: `nn.Recomputed`. By default nothing is computed
        again.
    micro_batches : int
        Parts the batch is cut into, one after another, their gradients added up.

    Returns
    -------
    MemoryLedger
        Counts in bytes. A memory pool rounds each array up, a framework adds its own context and workspaces.

    Raises
    ------
    TypeError, ValueError
        If a size is no integer of at least 1, there are fewer than two sizes, a name is unknown, or there are more
        parts than samples.

    Examples
    --------
    >>> memory_needed(batch_size=1, layer_sizes=[2, 3]).weights_bytes  # (2 x 3 weights + 3 biases) x 4 bytes
    36
    >>> deep = {"batch_size": 8192, "layer_sizes": [1024] * 17}
    >>> whole, spared = memory_needed(**deep), memory_needed(**deep, recompute_segment=4)
    >>> whole.total_bytes > 1.3 * spared.total_bytes
    True
    """
    sizes = require_layer_sizes(layer_sizes)
    dtype = require_dtype(dtype)
    if activation_dtype is not None:
        require_choice("activation_dtype", activation_dtype, ("float16", dtype))
    if recompute_segment is not None:
        recompute_segment = require_count("recompute_segment", recompute_segment)
    batch_size = require_count("batch_size", batch_size)
    micro_batches = require_count("micro_batches", micro_batches)
    if micro_batches > batch_size:
        raise ValueError(f"micro_batches must be at most the batch_size of {batch_size}, got {micro_batches}")
    return MemoryLedger(
        TrainingStep(
            batch_size=batch_size,
            layer_sizes=tuple(sizes),
            optimizer=require_choice("optimizer", optimizer, tuple(OPTIMIZER_COPIES)),
            size_bytes=DTYPE_BYTES[dtype],
            kept_size_bytes=DTYPE_BYTES[activation_dtype or dtype],
            segment=recompute_segment,
            micro_batches=micro_batches,
        )
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
