"""Weights before the first step of training: random, and of a size that keeps a deep network's numbers in range."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gpu_lessons.arguments import require_count

__all__ = ["he_weights"]


def he_weights(shape: tuple[int, ...], n_terms: int, dtype: str, seed: int) -> np.ndarray[Any, Any]:
    """Return random weights on the host: one seed, the same weights for every device.

    Parameters
    ----------
    shape : tuple of int
        Of the weights.
    n_terms : int
        Weights that are summed up into one output.
    dtype : {"float32", "float64"}
        Number format.
    seed : int
        At least 0.

    Raises
    ------
    TypeError, ValueError
        If the dtype is another, or the seed no integer of at least 0.
    """
    if not isinstance(dtype, str) or dtype not in ("float32", "float64"):
        raise ValueError(f"dtype must be 'float32' or 'float64', got {dtype!r}")
    rng = np.random.default_rng(require_count("seed", seed, at_least=0))
    weights: np.ndarray[Any, Any] = rng.standard_normal(shape, dtype=dtype)  # type: ignore[call-overload]
    # He initialization: a ReLU drops half of its input, the 2 gives it back, so depth keeps the scale.
    weights *= math.sqrt(2.0 / n_terms)
    return weights
