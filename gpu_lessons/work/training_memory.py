"""Which arrays of a training step are alive together: what stays from step to step, and what comes and goes.

Followed line by line through `gpu_lessons.nn`: a layer holds what it kept until its next forward pass replaces it, so
the kept arrays are always all there, and the worst moment is that of the largest passing ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["OPTIMIZER_COPIES", "TrainingStep"]

#: Extra copies of the weights each optimizer keeps: one velocity, or Adam's two moments.
OPTIMIZER_COPIES = {"sgd": 0, "momentum": 1, "adam": 2}
# Arrays of a parameter's size that an update makes and drops.
_UPDATE_ARRAYS = {"sgd": 1, "momentum": 1, "adam": 2}
_LABEL_BYTES, _BOOL_BYTES = 8, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingStep:
    """A step of a network of dense layers with ReLU between them; see `memory_needed` for the parameters."""

    batch_size: int
    layer_sizes: tuple[int, ...]
    optimizer: str
    size_bytes: int
    kept_size_bytes: int
    segment: int | None
    micro_batches: int

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return sum(n_in * n_out + n_out for n_in, n_out in pairwise(self.layer_sizes))

    def kept_bytes(self) -> int:
        """Return the bytes of the samples with their labels, of what the layers keep, and of what the loss keeps."""
        n_in, *inner = self.layer_sizes[:-1]
        if self.segment is not None:  # the input of each segment; that of the first is the batch
            inner = inner[self.segment - 1 :: self.segment]
        classes = self.layer_sizes[-1]
        loss = classes * (self.size_bytes + _BOOL_BYTES) + _LABEL_BYTES
        return self._samples * (n_in * self.size_bytes + sum(inner) * self.kept_size_bytes + loss)

    def passing_bytes(self) -> int:
        """Return the bytes of the arrays that come and go at the worst moment."""
        layers = pairwise(self.layer_sizes)
        largest = max(n_in * n_out for n_in, n_out in layers)
        update = _UPDATE_ARRAYS[self.optimizer] * largest * self.size_bytes
        classes = self.layer_sizes[-1]
        loss = self._samples * (classes * 3 * self.size_bytes + _LABEL_BYTES)
        passes = self._one_by_one() if self.segment is None else self._segments(self.segment)
        return max(update, loss, *passes)

    @property
    def _samples(self) -> int:
        return -(-self.batch_size // self.micro_batches)

    def _backward(self, n_in: int, n_out: int) -> int:
        """Return the bytes of a dense layer going back: ``dy``, and beside it a new gradient or ``dx``."""
        weights = n_in * n_out
        if self.micro_batches > 1:  # the sum so far waits beside them
            return (weights + n_out + self._samples * (n_in + n_out)) * self.size_bytes
        return (self._samples * n_out + max(weights, self._samples * n_in)) * self.size_bytes

    def _one_by_one(self) -> Iterator[int]:
        """Yield the passing bytes of each layer, forward and backward."""
        samples, size = self._samples, self.size_bytes
        halved = self.kept_size_bytes != size
        last = len(self.layer_sizes) - 2
        for i, (n_in, n_out) in enumerate(pairwise(self.layer_sizes)):
            # Of what is kept in another format, the copy in the layer's own comes and goes too.
            again = samples * n_in * size if halved and i else 0
            yield samples * (n_in + n_out) * size + (samples * n_in * self.kept_size_bytes if halved and i else 0)
            yield again + self._backward(n_in, n_out)
            if i < last:  # a ReLU
                yield samples * n_out * (2 * size + (self.kept_size_bytes if halved else 0))
                yield samples * n_out * (3 + halved) * size

    def _segments(self, length: int) -> Iterator[int]:
        """Yield the passing bytes inside each segment: forward, forward again, and backward."""
        samples, size = self._samples, self.size_bytes
        halved = self.kept_size_bytes != size
        layers = list(pairwise(self.layer_sizes))
        for start in range(0, len(layers), length):
            inside = layers[start : start + length]
            is_last = start + length >= len(layers)
            entry = samples * inside[0][0] * size if halved and start else 0  # in the layers' own format
            dy = samples * inside[-1][1] * size  # waits until the segment is done
            kept = 0
            for i, (n_in, n_out) in enumerate(inside):
                before, n = kept, samples * n_out * size
                has_relu = not (is_last and i == len(inside) - 1)
                yield entry + (samples * n_in * size if i else 0) + n * (2 if has_relu else 1)
                yield entry + dy + before + n * (2 if has_relu else 1)
                going_back = self._backward(n_in, n_out) + (0 if i == len(inside) - 1 and not has_relu else dy)
                yield entry + before + going_back
                if has_relu:
                    kept += n
                    yield entry + kept + 3 * n + (0 if i == len(inside) - 1 else dy)
