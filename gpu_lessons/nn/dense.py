"""The dense layer: every neuron sees every input, and a batch of them is one matrix product."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from array_api_compat import array_namespace

from gpu_lessons.arguments import require_count
from gpu_lessons.nn.initialization import he_weights
from gpu_lessons.nn.shapes import Array, Namespace, require_like, require_shape

__all__ = ["Dense"]


class Dense:
    """A dense layer, ``y = x @ weight + bias``.

    Parameters
    ----------
    n_in, n_out : int
        Numbers in a sample, neurons in the layer.
    xp : array namespace
        Where the weights live: ``numpy``, ``cupy``, ``gl.gpu().xp``.
    dtype : {"float32", "float64"}
        Number format of the weights, and of every array the layer takes and gives.
    seed : int
        Draws the weights, on the host: one seed, the same weights on every device. Layers of the same
        shape in one network each need their own.

    Attributes
    ----------
    weight, dweight : array, shape (n_in, n_out)
        The weights, and the gradient of the loss with respect to them (None before ``backward``).
    bias, dbias : array, shape (n_out,)
        The biases, zero at first, and their gradient.

    Raises
    ------
    TypeError, ValueError
        If a size or the seed is no integer, or too small, or the dtype is another.

    Examples
    --------
    >>> import numpy as np
    >>> layer = Dense(3, 2, seed=0)
    >>> x = np.ones((4, 3), dtype="float32")
    >>> layer.forward(x).shape
    (4, 2)
    >>> layer.backward(np.ones((4, 2), dtype="float32")).shape
    (4, 3)
    >>> layer.dbias
    array([4., 4.], dtype=float32)
    """

    def __init__(self, n_in: int, n_out: int, *, xp: Namespace = np, dtype: str = "float32", seed: int = 0) -> None:
        n_in = require_count("n_in", n_in)
        n_out = require_count("n_out", n_out)
        self.weight: Array = xp.asarray(he_weights((n_in, n_out), n_in, dtype, seed))
        self.bias: Array = xp.asarray(np.zeros(n_out, dtype=dtype))
        self.dweight: Array = None
        self.dbias: Array = None
        self.kept: Array = None

    def __repr__(self) -> str:
        n_in, n_out = self.weight.shape
        return f"Dense({n_in}, {n_out})"

    def forward(self, x: Array) -> Array:
        """Return ``x @ weight + bias``, shape (batch_size, n_out).

        Parameters
        ----------
        x : array, shape (batch_size, n_in)
            Kept, not copied, until the next forward pass: do not write into it before ``backward``.

        Raises
        ------
        TypeError, ValueError
            If ``x`` is of another library, dtype or shape.
        """
        require_like("x", x, "the layer's weight", self.weight)
        require_shape("x", x, ("batch_size", self.weight.shape[0]))
        y = x @ self.weight  # (batch_size, n_out)
        y += self.bias  # in place: a second array of this size would cost one more trip through memory
        self.kept = x
        return y

    def backward(self, dy: Array) -> Array:
        """Return the gradient for the input, shape (batch_size, n_in); keep ``dweight`` and ``dbias``.

        Parameters
        ----------
        dy : array, shape (batch_size, n_out)
            The gradient of the loss with respect to the output of the last forward pass.

        Raises
        ------
        RuntimeError
            If there was no forward pass.
        TypeError, ValueError
            If ``dy`` is of another library or dtype, or not of the output's shape.
        """
        if self.kept is None:
            raise RuntimeError("Dense.backward needs the x of a forward pass: call forward first")
        require_like("dy", dy, "the layer's weight", self.weight)
        require_shape("dy", dy, (self.kept.shape[0], self.weight.shape[1]))
        xp = array_namespace(dy)
        self.dweight = self.kept.T @ dy  # (n_in, n_out): sums over the batch, like the loss does
        self.dbias = xp.sum(dy, axis=0)  # (n_out,)
        return dy @ self.weight.T  # (batch_size, n_in)

    def parameters(self) -> Iterator[tuple[Array, Array]]:
        """Yield weight and bias, each with its gradient (None before ``backward``)."""
        yield self.weight, self.dweight
        yield self.bias, self.dbias
