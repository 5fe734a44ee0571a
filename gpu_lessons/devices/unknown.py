"""The error for what a simulated GPU cannot do."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

__all__ = ["UnknownOperationError"]

#: What does the same or the nearest, where the letters do not tell; the last ones are habits from PyTorch.
_MEANT = {
    "cuda": "gpu.synchronize and gpu.stream",
    "cumsum": "sum",
    "einsum": "matmul",
    "flatten": "ravel",
    "get_default_memory_pool": "gpu.memory",
    "inner": "matmul",
    "left_shift": "multiply",
    "linalg": "matmul",
    "outer": "matmul",
    "right_shift": "floor_divide",
    "round": "rint",
    "std": "mean",
    "var": "mean",
    "vstack": "concatenate",
    "ndarray.cpu": "get",
    "ndarray.cuda": "gpu.to_device",
    "ndarray.numpy": "get",
    "ndarray.to": "gpu.to_device",
}


class UnknownOperationError(NotImplementedError, AttributeError):
    """The simulated GPU does not know an operation; the message names the nearest one it knows.

    It is an ``AttributeError`` too, so that ``hasattr`` answers.
    """

    def __init__(self, name: str, known: Sequence[str]) -> None:
        word = name.rpartition(".")[2]
        nearest = _MEANT.get(name) or _MEANT.get(word) or difflib.get_close_matches(word, known, n=1, cutoff=0.0)[0]
        super().__init__(f"the simulated GPU does not know {name}; the nearest operation it knows is {nearest}")
