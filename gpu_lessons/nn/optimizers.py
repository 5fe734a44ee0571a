"""How gradients become new weights."""

from __future__ import annotations

import math

from gpu_lessons.nn.network import Layer

__all__ = ["SGD"]


class SGD:
    """Stochastic gradient descent: every parameter takes a step against its gradient.

    Parameters
    ----------
    learning_rate : float
        Length of the step, as a multiple of the gradient.

    Raises
    ------
    ValueError
        If the rate is not a positive number.
    """

    def __init__(self, learning_rate: float) -> None:
        if not (isinstance(learning_rate, (int, float)) and math.isfinite(learning_rate) and learning_rate > 0):
            raise ValueError(f"learning_rate must be a number above 0, got {learning_rate!r}")
        self.learning_rate = learning_rate

    def step(self, layer: Layer) -> None:
        """Update the parameters of a layer or a network in place.

        Raises
        ------
        RuntimeError
            If a gradient is missing, because there was no backward pass.
        """
        for parameter, gradient in layer.parameters():
            if gradient is None:
                raise RuntimeError("a step needs gradients; call backward first")
            parameter -= self.learning_rate * gradient  # in place: the layer holds this array
