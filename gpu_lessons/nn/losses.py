"""How wrong a classifier is."""

from __future__ import annotations

from typing import Any

from gpu_lessons.hardware.arrays import array_namespace

Array = Any

__all__ = ["SoftmaxCrossEntropy"]


class SoftmaxCrossEntropy:
    """Mean over the batch of ``-log p(label)``, where ``p`` is the softmax of the logits."""

    def __init__(self) -> None:
        self._p: Array | None = None
        self._one_hot: Array | None = None

    def forward(self, logits: Array, labels: Array) -> Array:
        """Return the mean loss as an array without dimensions.

        Parameters
        ----------
        logits : array, shape (batch_size, n_classes)
        labels : integer array, shape (batch_size,)
            Index of the right class of each sample.

        Raises
        ------
        ValueError
            If the shapes do not belong together, the labels are no integers or name no class.
        """
        xp = array_namespace(logits)
        _require(xp, logits, labels)
        # Subtracting the largest logit changes no probability and keeps exp from overflowing.
        shifted = logits - xp.max(logits, axis=1, keepdims=True)
        log_sum = xp.log(xp.sum(xp.exp(shifted), axis=1, keepdims=True))
        log_p = shifted - log_sum  # (batch_size, n_classes)
        # One comparison a number instead of an index a row: the same instruction for all of them.
        classes = xp.arange(logits.shape[1], dtype=labels.dtype)
        self._one_hot = xp.astype(labels[:, None] == classes[None, :], logits.dtype)
        self._p = xp.exp(log_p)
        return -xp.sum(xp.where(self._one_hot > 0, log_p, xp.zeros((), dtype=logits.dtype))) / logits.shape[0]

    def backward(self) -> Array:
        """Return the gradient of the mean loss by the logits, shape (batch_size, n_classes).

        Raises
        ------
        RuntimeError
            If there was no forward pass.
        """
        if self._p is None or self._one_hot is None:
            raise RuntimeError("backward needs a forward pass; call forward(logits, labels) first")
        return (self._p - self._one_hot) / self._p.shape[0]


def _require(xp: Any, logits: Array, labels: Array) -> None:  # noqa: ANN401 - a namespace may be any object
    if logits.ndim != 2 or 0 in logits.shape:
        raise ValueError(f"logits must have the shape (batch_size, n_classes), got {tuple(logits.shape)}")
    if getattr(labels, "shape", None) != (logits.shape[0],):
        got = getattr(labels, "shape", type(labels).__name__)
        raise ValueError(f"labels must have the shape ({logits.shape[0]},), one class index a sample, got {got}")
    if not xp.isdtype(labels.dtype, "integral"):
        raise ValueError(f"labels must be integers, got {labels.dtype}")
    low, high = int(xp.min(labels)), int(xp.max(labels))
    if low < 0 or high >= logits.shape[1]:
        raise ValueError(f"labels must lie between 0 and {logits.shape[1] - 1}, got {low if low < 0 else high}")
