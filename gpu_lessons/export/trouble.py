"""What stops an export."""

__all__ = ["ExportError"]


class ExportError(Exception):
    """What is wrong, in one sentence that names the lesson and the cell, or the file."""
