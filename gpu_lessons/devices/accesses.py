"""Memory as a kernel sees it that is run thread by thread: every load and store is checked and written down."""

from __future__ import annotations

import linecache
import operator
from collections.abc import Iterator, Sequence
from sys import _getframe
from types import CodeType, FrameType
from typing import cast

import numpy as np

from gpu_lessons.arguments import shown
from gpu_lessons.devices.requests import FOUR, INDEX_BITS

__all__ = ["Numbers", "ThreadError", "line_at"]

#: What a thread may load or store between two barriers: far more than a matrix product that ends needs.
MOST_ACCESSES = 2**18
Log = list[int]
_REAL = (int, float, np.integer, np.floating, np.bool_)


class ThreadError(RuntimeError):
    """A kernel that is run thread by thread did what a GPU does not allow; one sentence."""


class Numbers:
    """An array as a kernel sees it, flat. ``x[i]`` loads a number and ``x[i] = value`` stores one.

    Parameters
    ----------
    name : str
        What messages call it.
    numbers : list of float
        Its numbers.

    Attributes
    ----------
    loads, stores : list of int
        What the thread at work did since they were last taken.
    """

    __slots__ = ("_thread", "loads", "name", "numbers", "stores")

    def __init__(self, name: str, numbers: list[float], thread: list[str]) -> None:
        self.name, self.numbers = name, numbers
        self._thread = thread
        self.loads: Log = []
        self.stores: Log = []

    @property
    def fours(self) -> _Fours:
        """The same numbers four at a time: ``x.fours[i]`` loads the numbers 4 i to 4 i + 3 as a list, at once."""
        return _Fours(self)

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[float]:
        name = self.name
        raise ThreadError(f"{self._thread[0]} goes through {name} as a whole: load one number at a time, {name}[i]")

    def __getitem__(self, i: int) -> float:
        if i.__class__ is not int or not 0 <= i < len(self.numbers):
            i = self._checked("loads", i, len(self.numbers), "")
        loads = self.loads
        loads.append(_getframe(1).f_lineno << INDEX_BITS | i)
        if len(loads) > MOST_ACCESSES:
            self._refuse(_getframe(1))
        return self.numbers[i]

    def __setitem__(self, i: int, value: float) -> None:
        if i.__class__ is not int or not 0 <= i < len(self.numbers):
            i = self._checked("stores", i, len(self.numbers), "")
        stores = self.stores
        stores.append(_getframe(1).f_lineno << INDEX_BITS | i)
        if len(stores) > MOST_ACCESSES:
            self._refuse(_getframe(1))
        self.numbers[i] = value if value.__class__ is float else self._number(value, _getframe(1))

    def _number(self, value: object, frame: FrameType) -> float:
        """Return a number of another type than ``float``; refuse what is none."""
        if not isinstance(value, _REAL):
            raise ThreadError(
                f"{self._thread[0]} stores {shown(value)} in {self.name}, which holds real numbers{where(frame)}"
            )
        return cast("float", value)  # an integer stays one: it may be an index

    def _checked(self, verb: str, i: object, size: int, of: str) -> int:
        """Return an index of another type than ``int``; refuse one that is none, or lies outside."""
        frame = _getframe(2)
        try:
            index = operator.index(i)  # type: ignore[arg-type]  # the TypeError is what is asked for
        except TypeError:
            raise ThreadError(
                f"{self._thread[0]} {verb} {self.name}[{shown(i)}]{of}, and an index is a whole number{where(frame)}"
            ) from None
        if not 0 <= index < size:
            they = f"the indexes of {self.name} end at {size - 1}" if size else f"{self.name} is empty"
            raise ThreadError(f"{self._thread[0]} {verb} {self.name}[{index}]{of}, and {they}{where(frame)}")
        return index

    def _refuse(self, frame: FrameType) -> None:
        raise ThreadError(
            f"{self._thread[0]} has used {self.name} {MOST_ACCESSES:,} times without a barrier: look for a loop "
            f"without an end{where(frame)}"
        )


class _Fours:
    """An array four numbers at a time, as a vector of four is loaded and stored."""

    __slots__ = ("_of",)

    def __init__(self, of: Numbers) -> None:
        self._of = of

    def __len__(self) -> int:
        return len(self._of.numbers) // 4

    def __getitem__(self, i: int) -> list[float]:
        of = self._of
        if i.__class__ is not int or not 0 <= i < len(self):
            i = of._checked("loads", i, len(self), " of four numbers each")
        of.loads.append((_getframe(1).f_lineno | FOUR) << INDEX_BITS | 4 * i)
        if len(of.loads) > MOST_ACCESSES:
            of._refuse(_getframe(1))
        return of.numbers[4 * i : 4 * i + 4]

    def __setitem__(self, i: int, values: Sequence[float]) -> None:
        of = self._of
        if i.__class__ is not int or not 0 <= i < len(self):
            i = of._checked("stores", i, len(self), " of four numbers each")
        frame = _getframe(1)
        if not isinstance(values, list | tuple | np.ndarray):
            raise ThreadError(f"{of._thread[0]} stores {shown(values)} as four numbers{where(frame)}")
        if len(values) != 4:
            raise ThreadError(f"{of._thread[0]} stores {len(values)} numbers as four{where(frame)}")
        of.stores.append((frame.f_lineno | FOUR) << INDEX_BITS | 4 * i)
        if len(of.stores) > MOST_ACCESSES:
            of._refuse(frame)
        of.numbers[4 * i : 4 * i + 4] = [of._number(value, frame) for value in values]


def where(frame: FrameType) -> str:
    """Return ``" (line 4: total += a[i])"``: the line of the kernel, counted from its ``def``."""
    return line_at(frame.f_code, frame.f_lineno)


def line_at(code: CodeType, number: int) -> str:
    """Return the words for a line of a kernel."""
    source = linecache.getline(code.co_filename, number).strip()
    text = f": {source}" if source else ""
    return f" (line {number - code.co_firstlineno + 1} of the kernel{text})"
