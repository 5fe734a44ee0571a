"""Two ways to keep less for the backward pass: compute it again, or keep it in half as many bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from array_api_compat import array_namespace

from gpu_lessons.nn.network import Layer, Network, forget
from gpu_lessons.nn.shapes import Array

__all__ = ["KeptAsFloat16", "Recomputed"]


class Recomputed(Network):
    """Layers that keep only the input of the first: ``backward`` runs ``forward`` again before it goes back.

    A deep network cut into segments of this kind keeps the input of each segment, and inside one segment at a time.
    With as many layers in a segment as there are segments, the square root of the depth, both are least.

    Takes the parameters of `Network`.

    Attributes
    ----------
    kept : array or None
        The input of the last forward pass.

    Examples
    --------
    >>> import numpy as np
    >>> from gpu_lessons.nn import Dense, ReLU
    >>> layers = [Dense(8, 8, seed=seed) for seed in range(4)]
    >>> network = Network([Recomputed(layers[:2]), Recomputed(layers[2:])])
    >>> y = network.forward(np.ones((5, 8), dtype="float32"))
    >>> [layer.kept is None for layer in layers]
    [True, True, True, True]
    >>> network.backward(np.ones((5, 8), dtype="float32")).shape
    (5, 8)
    """

    def forward(self, x: Array) -> Array:
        """Return the last layer's output; of what the layers need for ``backward``, keep ``x`` alone."""
        self.kept = x
        for layer in self.layers:
            x = layer.forward(x)
            forget(layer)
        return x

    def backward(self, dy: Array, *, accumulate: bool = False) -> Array:
        """Return the gradient for the input, after a second forward pass through all layers.

        Takes the parameters of `Network.backward`.

        Raises
        ------
        RuntimeError
            If there was no forward pass.
        """
        if self.kept is None:
            raise RuntimeError("Recomputed.backward needs the x of a forward pass: call forward first")
        Network.forward(self, self.kept)
        return super().backward(dy, accumulate=accumulate)

    def _backward_of(self, layer: Layer, dy: Array, *, accumulate: bool) -> Array:
        dy = super()._backward_of(layer, dy, accumulate=accumulate)
        forget(layer)
        return dy


class KeptAsFloat16(Network):
    """Layers that keep in float16 what they need for ``backward``, and compute in their own format.

    What was rounded makes the gradients differ by about one part in a thousand; a number above 65,504 does not fit.

    Takes the parameters of `Network`; the layers of a network among them are kept so one by one.

    Examples
    --------
    >>> import numpy as np
    >>> from gpu_lessons.nn import Dense, ReLU
    >>> network = KeptAsFloat16([Dense(8, 8, seed=1), ReLU(), Dense(8, 2, seed=2)])
    >>> network.forward(np.ones((5, 8), dtype="float32")).dtype
    dtype('float32')
    >>> network.layers[2].kept.dtype
    dtype('float16')
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        super().__init__(tuple(_flat(layers)))

    def forward(self, x: Array) -> Array:
        """Return the last layer's output.

        Raises
        ------
        TypeError
            If the library of ``x`` has no float16.
        """
        float16 = _float16_of(x)
        first = x  # the batch itself: whoever gave it holds it anyway
        half = None  # of x, once it is made: a ReLU's output and the next layer's input are one array
        for layer in self.layers:
            y, half_y = layer.forward(x), None
            if layer.kept is y:
                layer.kept = half_y = _astype(y, float16)
            elif layer.kept is x and x is not first:
                layer.kept = half = _astype(x, float16) if half is None else half
            elif layer.kept is not first:
                layer.kept = _astype(layer.kept, float16)
            x, half = y, half_y
        return x

    def _backward_of(self, layer: Layer, dy: Array, *, accumulate: bool) -> Array:
        half = layer.kept
        layer.kept = _astype(half, dy.dtype)
        dy = super()._backward_of(layer, dy, accumulate=accumulate)
        layer.kept = half
        return dy


def _flat(layers: Sequence[Layer]) -> Iterator[Layer]:
    for layer in layers:
        if type(layer) is Network:
            yield from _flat(layer.layers)
        else:
            yield layer


def _float16_of(x: Array) -> object:
    xp = array_namespace(x)
    if not hasattr(xp, "float16"):
        raise TypeError(f"activations cannot be kept as float16: {xp.__name__} has no such number format")
    return xp.float16


def _astype(kept: Array, dtype: object) -> Array:
    """Return what a layer kept as floating-point numbers in another format; the rest, or nothing, as it is."""
    if kept is None:
        return None
    xp = array_namespace(kept)
    return xp.astype(kept, dtype, copy=False) if xp.isdtype(kept.dtype, "real floating") else kept
