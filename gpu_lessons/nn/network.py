"""A network: layers one after another, each fed by the one before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from gpu_lessons.nn.shapes import Array

__all__ = ["Layer", "Network"]


class Layer(Protocol):
    """What a network asks of a layer; a network is one itself."""

    def forward(self, x: Array, /) -> Array:
        """Return the output, and keep what ``backward`` needs."""

    def backward(self, dy: Array, /) -> Array:
        """Return the gradient for the input, and keep the gradients for the parameters."""

    def parameters(self) -> Iterator[tuple[Array, Array]]:
        """Yield each parameter with its gradient, always in the same order."""


class Network:
    """Layers one after another, used like one layer.

    Parameters
    ----------
    layers : sequence of layers
        First the one that sees the input. At least one.

    Examples
    --------
    >>> import numpy as np
    >>> from gpu_lessons.nn import Dense, ReLU
    >>> network = Network([Dense(64, 32, seed=1), ReLU(), Dense(32, 10, seed=2)])
    >>> network.forward(np.ones((5, 64), dtype="float32")).shape
    (5, 10)
    >>> sum(parameter.size for parameter, gradient in network.parameters())
    2410
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = tuple(layers)
        if not self.layers:
            raise ValueError("layers must hold at least one layer, got none")

    def __repr__(self) -> str:
        return f"Network([{', '.join(map(repr, self.layers))}])"

    def forward(self, x: Array) -> Array:
        """Return the last layer's output for a batch ``x``, shape (batch_size, n_in of the first layer)."""
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dy: Array) -> Array:
        """Return the gradient for the input; the chain rule runs the layers in reverse.

        Parameters
        ----------
        dy : array
            The gradient of the loss with respect to the output of the last forward pass.
        """
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy

    def parameters(self) -> Iterator[tuple[Array, Array]]:
        """Yield each parameter with its gradient, first layer first."""
        for layer in self.layers:
            yield from layer.parameters()
