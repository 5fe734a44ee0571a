"""One question to a strange system, which may refuse to answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["asked"]


def asked(question: Callable[[], Any]) -> Any:  # noqa: ANN401  (the question's own type)
    """Return the answer, or None: what a strange system cannot tell stays unknown, and the lesson goes on."""
    try:
        return question()
    except Exception:
        return None
