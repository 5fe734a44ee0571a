"""The error for what a simulated GPU cannot do."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

__all__ = ["UnknownOperationError"]


class UnknownOperationError(NotImplementedError, AttributeError):
    """The simulated GPU does not know an operation; the message names the nearest one it knows.

    It is an ``AttributeError`` too, so that ``hasattr`` answers.
    """

    def __init__(self, name: str, known: Sequence[str]) -> None:
        [nearest] = difflib.get_close_matches(name.rpartition(".")[2], known, n=1, cutoff=0.0)
        super().__init__(f"the simulated GPU does not know {name}; the nearest operation it knows is {nearest}")
