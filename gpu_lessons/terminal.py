"""What a command says in a terminal: its answer, or the user's mistake."""

from __future__ import annotations

import os
import sys

__all__ = ["UserError", "say"]


class UserError(Exception):
    """What the user should change, in one sentence."""


def say(text: str) -> None:
    """Print the answer; if nobody reads it, as after ``| head -1``, that is no error.

    Raises
    ------
    UserError
        If it cannot be written, as on a full disk.
    """
    try:
        print(text, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python would try again at the end
        if not isinstance(error, BrokenPipeError):
            raise UserError(f"the answer cannot be written: {error.strerror}") from error
