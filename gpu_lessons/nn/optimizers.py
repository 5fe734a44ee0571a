"""Optimizers: how a gradient changes a parameter."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from numbers import Real
from typing import Any

from array_api_compat import array_namespace

from gpu_lessons.arguments import shown
from gpu_lessons.nn.network import Layer
from gpu_lessons.nn.shapes import Array

__all__ = ["SGD", "Adam", "Momentum"]


class _Optimizer(ABC):
    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = _require_rate(learning_rate)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.learning_rate!r})"

    def step(self, model: Layer) -> None:
        """Update every parameter of a layer or network in place.

        Raises
        ------
        RuntimeError
            If a parameter has no gradient yet; then nothing is changed.
        """
        pairs = list(model.parameters())
        if any(gradient is None for _, gradient in pairs):
            name = type(self).__name__
            raise RuntimeError(f"{name}.step needs gradients: call forward and backward first")
        self._update(pairs)

    @abstractmethod
    def _update(self, pairs: list[tuple[Array, Array]]) -> None: ...


class SGD(_Optimizer):
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

    def _update(self, pairs: list[tuple[Array, Array]]) -> None:
        for parameter, gradient in pairs:
            parameter -= self.learning_rate * gradient


class Momentum(_Optimizer):
    """Gradient descent with momentum, ``v = momentum * v + dw`` and ``w -= learning_rate * v``, as a ball rolls.

    Parameters
    ----------
    learning_rate : float
        Length of a step, positive and finite.
    momentum : float
        Share of the velocity ``v`` that is left after a step, from 0 to below 1. ``v`` begins at 0.

    Raises
    ------
    TypeError, ValueError
        If a number is none, or outside its range.
    """

    def __init__(self, learning_rate: float, momentum: float = 0.9) -> None:
        super().__init__(learning_rate)
        self.momentum = _require_share("momentum", momentum)
        self._velocity = _Memory(1)

    def _update(self, pairs: list[tuple[Array, Array]]) -> None:
        for (parameter, gradient), (velocity,) in self._velocity.beside(pairs):
            velocity *= self.momentum
            velocity += gradient
            parameter -= self.learning_rate * velocity


class Adam(_Optimizer):
    """Adam (Kingma and Ba, 2015): each weight has a step of its own, its mean gradient over that gradient's size.

    ``m`` and ``v`` are the moving means of ``dw`` and ``dw ** 2``, divided by what they lack for having begun at 0;
    then ``w -= learning_rate * m / (sqrt(v) + epsilon)``.

    Parameters
    ----------
    learning_rate : float
        Length of a step, positive and finite.
    beta1, beta2 : float
        Share of the old mean that stays in ``m`` and in ``v``, from 0 to below 1.
    epsilon : float
        Keeps the division from 0, positive and finite.

    Raises
    ------
    TypeError, ValueError
        If a number is none, or outside its range.
    """

    def __init__(
        self, learning_rate: float = 1e-3, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8
    ) -> None:
        super().__init__(learning_rate)
        self.beta1, self.beta2 = _require_share("beta1", beta1), _require_share("beta2", beta2)
        self.epsilon = _require_rate(epsilon, "epsilon")
        self._moments = _Memory(2)
        self._steps = 0

    def _update(self, pairs: list[tuple[Array, Array]]) -> None:
        moments = self._moments.beside(pairs)
        self._steps += 1
        rate = self.learning_rate / (1 - self.beta1**self._steps)
        scale = 1 / math.sqrt(1 - self.beta2**self._steps)
        for (parameter, gradient), (m, v) in moments:
            xp = array_namespace(gradient)
            m *= self.beta1
            m += (1 - self.beta1) * gradient
            square = gradient * gradient
            square *= 1 - self.beta2
            v *= self.beta2
            v += square
            del square
            size = xp.sqrt(v)
            size *= scale
            size += self.epsilon
            change = m / size
            change *= rate
            parameter -= change


class _Memory:
    """Arrays of zeros beside each parameter, made at the first step, that an optimizer keeps from step to step."""

    def __init__(self, copies: int) -> None:
        self._copies = copies
        self._arrays: list[tuple[Array, ...]] = []

    def beside(self, pairs: list[tuple[Array, Array]]) -> Iterator[tuple[tuple[Array, Array], tuple[Any, ...]]]:
        """Return each parameter and gradient with what is kept for it."""
        if not self._arrays:
            self._arrays = [tuple(_zeros_like(parameter) for _ in range(self._copies)) for parameter, _ in pairs]
        shapes = [parameter.shape for parameter, _ in pairs]
        if shapes != [arrays[0].shape for arrays in self._arrays]:
            raise ValueError("an optimizer belongs to one model; make a new one for a model of other parameters")
        return zip(pairs, self._arrays, strict=True)


def _zeros_like(parameter: Array) -> Array:
    xp = array_namespace(parameter)
    return xp.zeros(tuple(parameter.shape), dtype=parameter.dtype, device=parameter.device)


def _require_rate(value: object, name: str = "learning_rate") -> float:
    """Return ``value`` as a Python float: unlike a NumPy float64 it never widens the array it meets."""
    rate = _require_number(value, f"{name} must be a positive, finite number, got {shown(value)}")
    if not (rate > 0 and math.isfinite(rate)):
        raise ValueError(f"{name} must be a positive, finite number, got {shown(value)}")
    return rate


def _require_share(name: str, value: object) -> float:
    allowed = f"{name} must be a number from 0 to below 1, got {shown(value)}"
    share = _require_number(value, allowed)
    if not 0 <= share < 1:
        raise ValueError(allowed)
    return share


def _require_number(value: object, allowed: str) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(allowed)
    return float(value)
