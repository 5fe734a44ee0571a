"""A network: layers one after another, each fed by the one before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from gpu_lessons.nn.shapes import Array

__all__ = ["Layer", "Network", "forget"]


class Layer(Protocol):
    """What a network asks of a layer; a network is one itself.

    Attributes
    ----------
    kept : array or None
        What ``forward`` keeps for ``backward``: most of the memory of a training step.
    """

    kept: Array

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

    Attributes
    ----------
    layers : tuple of layers
        As given.
    kept : None
        Its layers keep what they need, it keeps nothing itself.

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
        self.kept: Array = None
        if not self.layers:
            raise ValueError("layers must hold at least one layer, got none")

    def __repr__(self) -> str:
        return f"{type(self).__name__}([{', '.join(map(repr, self.layers))}])"

    def forward(self, x: Array) -> Array:
        """Return the last layer's output for a batch ``x``, shape (batch_size, n_in of the first layer)."""
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dy: Array, *, accumulate: bool = False) -> Array:
        """Return the gradient for the input; the chain rule runs the layers in reverse.

        Parameters
        ----------
        dy : array
            The gradient of the loss with respect to the output of the last forward pass.
        accumulate : bool
            Add the gradients of the parameters to those that are there, instead of taking their place: so the parts of
            a batch that is too large for the memory give the gradients of the whole.
        """
        for layer in reversed(self.layers):
            dy = self._backward_of(layer, dy, accumulate=accumulate)
        return dy

    def parameters(self) -> Iterator[tuple[Array, Array]]:
        """Yield each parameter with its gradient, first layer first."""
        for layer in self.layers:
            yield from layer.parameters()

    def _backward_of(self, layer: Layer, dy: Array, *, accumulate: bool) -> Array:
        if isinstance(layer, Network):
            return layer.backward(dy, accumulate=accumulate)
        before = [gradient for _, gradient in layer.parameters()] if accumulate else []
        dy = layer.backward(dy)
        for gradient, (_, new) in zip(before, layer.parameters(), strict=False):
            if gradient is not None:
                new += gradient  # in place: what the layer holds is the sum
        return dy


def forget(layer: Layer) -> None:
    """Let a layer, or all layers of a network, drop what ``forward`` kept: its memory is free for something else."""
    layer.kept = None
    for inner in getattr(layer, "layers", ()):
        forget(inner)
