"""The functions of the simulated GPU: one line each, by kind, with the arguments that CuPy 14 takes.

A number behind a line, ``x2``, is how many kernels a call launches. For functions that CuPy builds from others it
counts the passes over the data in CuPy's source; sorting takes a pass for every byte of a number (radix sort).
"""

from __future__ import annotations

from gpu_lessons.devices.rows import Row
from gpu_lessons.devices.tables import linear_algebra, movement, numbers, selection

__all__ = ["ROWS"]

#: Every function that is charged by its row.
ROWS: dict[str, Row] = {**numbers.ROWS, **movement.ROWS, **selection.ROWS, **linear_algebra.ROWS}
