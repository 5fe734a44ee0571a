"""Optimizers: how a gradient changes a parameter."""

from __future__ import annotations

import math
from numbers import Real

from gpu_lessons.nn.network import Layer

__all__ = ["SGD"]


class SGD:
    """Stochastic gradient descent, ``w -= learning_rate * dw``.

    Parameters
    ----------
    learning_rate : float
        Length of a step, positive and finite.

    Raises
    ------
    TypeError, ValueError
        If the rate is no number, or not positive and finite.

    Examples
    --------
    >>> import numpy as np
    >>> from gpu_lessons.nn import Dense
    >>> layer = Dense(1, 1)
    >>> x = dy = np.ones((1, 1), dtype="float32")
    >>> y = layer.forward(x)
    >>> dx = layer.backward(dy)
    >>> SGD(learning_rate=0.5).step(layer)
    >>> layer.bias
    array([-0.5], dtype=float32)
    """

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = _require_rate(learning_rate)

    def __repr__(self) -> str:
        return f"SGD({self.learning_rate!r})"

    def step(self, model: Layer) -> None:
        """Update every parameter of a layer or network in place.

        Raises
        ------
        RuntimeError
            If a parameter has no gradient yet; then nothing is changed.
        """
        pairs = list(model.parameters())
        if any(gradient is None for _, gradient in pairs):
            raise RuntimeError("SGD.step needs gradients: call forward and backward first")
        for parameter, gradient in pairs:
            parameter -= self.learning_rate * gradient


def _require_rate(value: object) -> float:
    """Return ``value`` as a Python float: unlike a NumPy float64 it never widens the array it meets."""
    allowed = f"learning_rate must be a positive, finite number, got {value!r}"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(allowed)
    rate = float(value)
    if not (rate > 0 and math.isfinite(rate)):
        raise ValueError(allowed)
    return rate
