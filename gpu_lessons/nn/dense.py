"""A dense layer: every neuron multiplies every input by a weight of its own, and adds."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

Array = Any  # an array of any library that follows the array API standard

__all__ = ["Dense"]


class Dense:
    """``y = x @ weight + bias`` for a whole batch at once.

    Parameters
    ----------
    n_in, n_out : int
        Numbers in a sample, and neurons.
    xp : module
        Array namespace to compute with: NumPy, CuPy, or another that follows the array API standard.
    dtype : {"float32", "float64"}
        Number format of weights, inputs and outputs.
    seed : int
        The same seed gives the same weights in every namespace.

    Attributes
    ----------
    weight : array, shape (n_in, n_out)
        Drawn from a normal distribution of variance 2 / n_in, which keeps the size of the numbers through
        layers of ReLU (He et al. 2015, arXiv 1502.01852).
    bias : array, shape (n_out,)
        Zero at first.
    dweight, dbias : array or None
        Gradients of the loss, shaped like the above; ``None`` before the first backward pass.

    Raises
    ------
    TypeError, ValueError
        If a size is no integer of at least 1, or ``dtype`` is another.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        xp: Any = np,  # noqa: ANN401 - a namespace may be any object
        dtype: str = "float32",
        seed: int = 0,
    ) -> None:
        self.n_in, self.n_out = _size("n_in", n_in), _size("n_out", n_out)
        if dtype not in ("float32", "float64"):
            raise ValueError(f"dtype must be float32 or float64, got {dtype!r}")
        # Drawn on the host: every namespace starts from the same numbers.
        weight = np.random.default_rng(seed).standard_normal((self.n_in, self.n_out), dtype=dtype)  # type: ignore[arg-type]
        weight *= np.sqrt(2 / self.n_in).astype(dtype)
        self.weight: Array = xp.asarray(weight)
        self.bias: Array = xp.zeros((self.n_out,), dtype=self.weight.dtype)
        self.dweight: Array | None = None
        self.dbias: Array | None = None
        self._xp = xp
        self._x: Array | None = None

    def forward(self, x: Array) -> Array:
        """Return ``x @ weight + bias`` and keep ``x`` for the backward pass.

        Parameters
        ----------
        x : array, shape (batch_size, n_in)

        Returns
        -------
        array, shape (batch_size, n_out)

        Raises
        ------
        ValueError
            If ``x`` has another shape or dtype, or holds no sample.
        """
        self._require("x", x, self.n_in)
        self._x = x
        y = x @ self.weight  # (batch_size, n_out)
        y += self.bias  # in place: a second array of this size would cost more than the additions
        return y

    def backward(self, dy: Array) -> Array:
        """Return the gradient of the loss by ``x``; leave those by weight and bias in ``dweight`` and ``dbias``.

        Parameters
        ----------
        dy : array, shape (batch_size, n_out)
            Gradient of the loss by this layer's output.

        Returns
        -------
        array, shape (batch_size, n_in)

        Raises
        ------
        ValueError
            If ``dy`` is not shaped like the output, or has another dtype.
        RuntimeError
            If there was no forward pass.
        """
        if self._x is None:
            raise RuntimeError("backward needs the input of a forward pass; call forward(x) first")
        self._require("dy", dy, self.n_out)
        if dy.shape[0] != self._x.shape[0]:
            raise ValueError(f"dy must have the {self._x.shape[0]} rows of the last forward pass, got shape {dy.shape}")
        self.dweight = self._x.T @ dy  # (n_in, n_out): sums over the batch, as the loss does
        self.dbias = self._xp.sum(dy, axis=0)  # (n_out,)
        return dy @ self.weight.T  # (batch_size, n_in)

    def parameters(self) -> list[tuple[Array, Array | None]]:
        """Return each parameter with its gradient."""
        return [(self.weight, self.dweight), (self.bias, self.dbias)]

    def _require(self, name: str, array: Array, columns: int) -> None:
        shape = getattr(array, "shape", None)
        if shape is None or len(shape) != 2 or shape[1] != columns or shape[0] < 1:
            got = type(array).__name__ if shape is None else f"shape {tuple(shape)}"
            raise ValueError(f"{name} must be an array of shape (batch_size, {columns}), got {got}")
        if array.dtype != self.weight.dtype:
            raise ValueError(f"{name} must be {self.weight.dtype} like the weights, got {array.dtype}")


def _size(name: str, value: object) -> int:
    sentence = f"{name} must be an integer of at least 1, got {value!r}"
    try:
        size = operator.index(value)  # type: ignore[arg-type]  # the TypeError is what is asked for
    except TypeError:
        raise TypeError(sentence) from None
    if isinstance(value, bool):
        raise TypeError(sentence)
    if size < 1:
        raise ValueError(sentence)
    return size
