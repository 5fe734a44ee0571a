"""The error for what a simulated GPU, or the course on WebGPU, cannot do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["UnknownOperationError"]

#: What does the same, where the letters do not tell; the last ones are habits from PyTorch.
_MEANT = {
    "pickling an array": "get",
    "vectorize": "ElementwiseKernel",
    "apply_along_axis": "the axis= of a reduction",
    "ndarray.cpu": "get",
    "ndarray.cuda": "gpu.to_device",
    "ndarray.detach": "get",
    "ndarray.numpy": "get",
    "ndarray.to": "gpu.to_device",
}

# Below this share of letters in common (difflib's ratio) two names only look alike.
_NEAR = 0.75


class UnknownOperationError(NotImplementedError, AttributeError):
    """A GPU of the course does not know an operation; the message names one it knows, if one is near.

    It is an ``AttributeError`` too, so that ``hasattr`` answers.
    """

    def __init__(self, name: str, known: Iterable[str], *, who: str = "the simulated GPU") -> None:
        word = name.rpartition(".")[2]
        near = _MEANT.get(name) or _MEANT.get(word) or _nearest(word, known)
        hint = f"; the nearest operation it knows is {near}" if near else ""
        super().__init__(f"{who} does not know {name}{hint}")


def _nearest(word: str, known: Iterable[str]) -> str | None:
    by_word = {name.rpartition(".")[2]: name for name in known}
    found = difflib.get_close_matches(word, by_word, n=1, cutoff=_NEAR)
    return by_word[found[0]] if found and len(word) > 2 else None
