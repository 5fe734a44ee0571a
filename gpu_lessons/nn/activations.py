"""What stands between two dense layers: without it they would be one dense layer."""

from __future__ import annotations

from typing import Any

from gpu_lessons.hardware.arrays import array_namespace

Array = Any

__all__ = ["ReLU"]


class ReLU:
    """``y = max(x, 0)``, element by element."""

    def __init__(self) -> None:
        self._y: Array | None = None

    def forward(self, x: Array) -> Array:
        """Return ``max(x, 0)`` in the shape of ``x``; keep it for the backward pass."""
        xp = array_namespace(x)
        self._y = xp.maximum(x, xp.zeros((), dtype=x.dtype))
        return self._y

    def backward(self, dy: Array) -> Array:
        """Return ``dy`` where the output was above 0, and 0 elsewhere.

        Raises
        ------
        RuntimeError
            If there was no forward pass.
        ValueError
            If ``dy`` is not shaped like the output.
        """
        if self._y is None:
            raise RuntimeError("backward needs the output of a forward pass; call forward(x) first")
        if getattr(dy, "shape", None) != self._y.shape:
            raise ValueError(f"dy must have the shape {self._y.shape} of the output, got {getattr(dy, 'shape', dy)}")
        xp = array_namespace(dy)
        return xp.where(self._y > 0, dy, xp.zeros((), dtype=dy.dtype))

    def parameters(self) -> list[tuple[Array, Array | None]]:
        """Return nothing: a ReLU learns nothing."""
        return []
