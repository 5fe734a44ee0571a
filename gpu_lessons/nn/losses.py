"""Losses: one number that says how wrong a batch of outputs is."""

from __future__ import annotations

from array_api_compat import array_namespace

from gpu_lessons.nn.shapes import Array, dtype_name, require_floats, require_library, require_shape

__all__ = ["SoftmaxCrossEntropy"]


class SoftmaxCrossEntropy:
    """The mean over the batch of ``-log(softmax(logits)[label])``, the loss of a classifier.

    Examples
    --------
    >>> import numpy as np
    >>> loss = SoftmaxCrossEntropy()
    >>> logits = np.zeros((2, 4), dtype="float32")  # four classes, all equally likely
    >>> round(loss.forward(logits, np.asarray([3, 0])), 4)  # log(4)
    1.3863
    >>> loss.backward()
    array([[ 0.125,  0.125,  0.125, -0.375],
           [-0.375,  0.125,  0.125,  0.125]], dtype=float32)
    """

    def __init__(self) -> None:
        self._log_softmax: Array = None
        self._is_label: Array = None

    def forward(self, logits: Array, labels: Array) -> float:
        """Return the mean loss as a Python float; reading it waits for the device.

        Parameters
        ----------
        logits : array, shape (batch_size, n_classes)
            The network's outputs, any real numbers.
        labels : integer array, shape (batch_size,)
            The right class of each sample, 0 to n_classes - 1.

        Raises
        ------
        TypeError, ValueError
            If an array is of another kind or shape, or a label names no class.
        """
        xp = require_floats("logits", logits)
        require_shape("logits", logits, ("batch_size", "n_classes"))
        labels = _require_labels(labels, logits)
        # exp of at most 0 cannot overflow; the softmax does not change when a row is shifted.
        shifted = logits - xp.max(logits, axis=1, keepdims=True)
        log_sum = xp.log(xp.sum(xp.exp(shifted), axis=1, keepdims=True))  # (batch_size, 1)
        self._log_softmax = shifted - log_sum  # (batch_size, n_classes)
        # Compare instead of look up: a GPU does every class at once and no thread jumps through memory.
        classes = xp.arange(logits.shape[1], dtype=xp.int64, device=logits.device)
        self._is_label = labels[:, None] == classes[None, :]  # (batch_size, n_classes)
        total = xp.sum(xp.where(self._is_label, self._log_softmax, 0.0))
        return float(-total / logits.shape[0])

    def backward(self) -> Array:
        """Return the gradient for the logits, ``(softmax - one_hot) / batch_size``.

        Raises
        ------
        RuntimeError
            If there was no forward pass.
        """
        if self._log_softmax is None:
            raise RuntimeError("SoftmaxCrossEntropy.backward needs a forward pass: call forward first")
        xp = array_namespace(self._log_softmax)
        one_hot = xp.astype(self._is_label, self._log_softmax.dtype)
        # The mean divides every sample's share by the batch size, here and nowhere else.
        return (xp.exp(self._log_softmax) - one_hot) / one_hot.shape[0]


def _require_labels(labels: Array, logits: Array) -> Array:
    """Return ``labels`` as int64, or refuse them."""
    xp = array_namespace(logits)
    require_library("labels", labels, "logits", logits)
    if not xp.isdtype(labels.dtype, "integral"):
        raise TypeError(f"labels must hold integers, one class index a sample, got dtype {dtype_name(labels)}")
    require_shape("labels", labels, (logits.shape[0],))
    labels = xp.astype(labels, xp.int64)  # an 8-bit label cannot be compared with class 300
    n_classes = logits.shape[1]
    if bool(xp.any((labels < 0) | (labels >= n_classes))):
        raise ValueError(
            f"labels must lie between 0 and {n_classes - 1}, as logits have {n_classes} classes,"
            f" got {int(xp.min(labels))} to {int(xp.max(labels))}"
        )
    return labels
