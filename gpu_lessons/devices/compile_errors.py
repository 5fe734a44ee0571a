"""What a compiler says of a kernel of one's own, with the line it means and a caret below the place."""

from __future__ import annotations

__all__ = ["compile_message"]


def compile_message(text: str, what: str, row: int | None, column: int | None = None) -> str:
    """Return what is wrong with a text, its line, and a caret.

    Parameters
    ----------
    text : str
        The kernel.
    what : str
        What the compiler says.
    row : int or None
        The line from 1, if it tells one.
    column : int, optional
        The place in the line from 0, if it tells one.
    """
    lines = text.splitlines()
    if row is None or not 1 <= row <= len(lines):
        return f"the kernel does not compile: {what}"
    label = f"{row}: "
    message = f"line {row} of the kernel does not compile: {what}\n{label}{lines[row - 1]}"
    return message if column is None else f"{message}\n{' ' * (len(label) + column)}^"
