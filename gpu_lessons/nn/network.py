"""Layers one after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

Array = Any

__all__ = ["Layer", "Network"]


class Layer(Protocol):
    """What a network needs of a layer."""

    def forward(self, x: Array) -> Array:
        """Return the output for ``x``."""

    def backward(self, dy: Array) -> Array:
        """Return the gradient by the input, given the one by the output."""

    def parameters(self) -> list[tuple[Array, Array | None]]:
        """Return each parameter with its gradient."""


class Network:
    """Layers one after another; itself a layer.

    Parameters
    ----------
    layers : sequence of Layer
        At least one. The output of each is the input of the next.

    Raises
    ------
    ValueError
        If there is no layer.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = list(layers)
        if not self.layers:
            raise ValueError("layers must hold at least one layer, got none")

    def forward(self, x: Array) -> Array:
        """Return the output of the last layer."""
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dy: Array) -> Array:
        """Return the gradient by the input of the first layer: the chain rule, last layer first."""
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy

    def parameters(self) -> list[tuple[Array, Array | None]]:
        """Return the parameters of all layers, first layer first, each with its gradient."""
        return [pair for layer in self.layers for pair in layer.parameters()]
