"""Which code is the learner's: what it has not filled in yet, where it failed, and how many steps it takes."""

from __future__ import annotations

import dis
import linecache
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import CodeType, FrameType, FunctionType, TracebackType
from typing import Any

import numpy as np

__all__ = [
    "count_steps",
    "empty_helpers",
    "has_empty_body",
    "is_library",
    "is_placeholder",
    "is_unfinished",
    "line_of",
    "mentions",
]

_PACKAGE = Path(__file__).resolve().parents[1]
_LIBRARIES = (str(_PACKAGE), *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")))

# What the compiler makes of a body such as "..." or "pass", in any version of Python that runs the course.
_DOES_NOTHING = {"CACHE", "COPY_FREE_VARS", "LOAD_CONST", "NOP", "POP_TOP", "RESUME", "RETURN_CONST", "RETURN_VALUE"}

# Functions of NumPy that call another one for each row, in Python.
_LOOPS_OF_NUMPY = {"apply_along_axis", "_vectorize_call_with_signature"}


def is_library(code: CodeType) -> bool:
    """Return whether ``code`` was installed: Python's, a package's or the course's own."""
    return code.co_filename.startswith(("<frozen", *_LIBRARIES))


def is_placeholder(value: object) -> bool:
    """Return whether ``value`` is what an exercise holds before anything was written into it."""
    if value is None or value is ...:
        return True
    # A stub such as total = ... may have passed through NumPy, which wraps it in an array of objects.
    return isinstance(value, np.ndarray) and value.dtype.kind == "O" and any(item is ... for item in value.flat)


def has_empty_body(function: object) -> bool:
    """Return whether a function does nothing at all: its body is a docstring, ``...`` or ``pass``."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if not isinstance(code, CodeType):
        return False
    steps = list(dis.get_instructions(code))
    constants = [step.argval for step in steps if step.opname in ("LOAD_CONST", "RETURN_CONST")]
    return {step.opname for step in steps} <= _DOES_NOTHING and all(value in (None, ...) for value in constants)


def is_unfinished(error: BaseException) -> bool:
    """Return whether ``error`` comes from a stub: a ``...`` met halfway, or ``raise NotImplementedError``."""
    if isinstance(error, NotImplementedError):
        # A library may raise it too, for something it cannot do.
        frames = list(_frames(error.__traceback__))
        return bool(frames) and not is_library(frames[-1].tb_frame.f_code)
    # "unsupported operand type(s) for +: 'ellipsis' and 'int'"
    return isinstance(error, TypeError | AttributeError) and "'ellipsis'" in str(error)


def empty_helpers(function: object) -> list[str]:
    """Return the names of functions of the learner's that ``function`` uses and whose bodies are empty."""
    if not isinstance(function, FunctionType):
        return []
    known = [function.__globals__.get(name) for name in _names(function.__code__)]
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # a name that is still to be bound
            known.append(cell.cell_contents)
    helpers = (each for each in known if each is not function and has_empty_body(each))
    return sorted({getattr(each, "__name__", "") for each in helpers})


def mentions(function: object, name: str) -> bool:
    """Return whether a Python function of the learner's uses the global name or attribute ``name``."""
    return isinstance(function, FunctionType) and name in _names(function.__code__)


def _names(code: CodeType) -> set[str]:
    """Return the names of globals and attributes in ``code`` and the functions inside it."""
    inside = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*map(_names, inside))


def _frames(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback:
        yield traceback
        traceback = traceback.tb_next


def line_of(error: BaseException) -> str:
    """Return ``", in line 3: return total / 0"``: the deepest line of the learner's cell that saw ``error``."""
    own = [each for each in _frames(error.__traceback__) if not is_library(each.tb_frame.f_code)]
    if not own:
        return ""
    filename = own[0].tb_frame.f_code.co_filename
    number = [each.tb_lineno for each in own if each.tb_frame.f_code.co_filename == filename][-1]
    if number is None:  # an instruction that Python added
        return ""
    source = linecache.getline(filename, number).strip()
    return f", in line {number}: {source}" if source else f", in line {number}"


def count_steps(function: Callable[..., object], arguments: tuple[object, ...]) -> int:
    """Return how many steps Python takes in the learner's own code during one call; it is called twice.

    Each bytecode instruction is a step, also those of NumPy's own loops over rows, and so are each call into a library
    and each item that ``map`` hands out. Code
    without a loop takes as many steps for a large array as for a small one, whatever NumPy does inside.
    """
    steps = 0

    def step(_frame: FrameType, _event: str, _argument: Any) -> Any:  # noqa: ANN401
        nonlocal steps
        steps += 1
        return step

    def begin(frame: FrameType, event: str, argument: Any) -> Any:  # noqa: ANN401
        nonlocal steps
        if not is_library(frame.f_code) or frame.f_code.co_name in _LOOPS_OF_NUMPY:
            frame.f_trace_opcodes = True
            return step(frame, event, argument)
        steps += frame.f_back is not None and not is_library(frame.f_back.f_code)
        return None

    def counted_map(each: Callable[..., object], *iterables: Any) -> Iterator[object]:  # noqa: ANN401
        nonlocal steps
        for items in zip(*iterables, strict=False):
            steps += 1
            yield each(*items)

    before = sys.gettrace()
    watched = _with_map(function, counted_map)
    sys.settrace(begin)
    try:
        watched(*arguments)  # from Python 3.12 on, the instructions of a function are shown from its second call on
        steps = 0
        watched(*arguments)
    finally:
        sys.settrace(before)
    return steps


def _with_map(function: Callable[..., object], counted: Callable[..., object]) -> Callable[..., object]:
    """Return ``function`` as it would be if ``map`` were ``counted``; what has no Python code stays as it is."""
    if not isinstance(function, FunctionType) or "map" in function.__globals__:
        return function
    namespace = function.__globals__ | {"map": counted}
    copy = FunctionType(function.__code__, namespace, function.__name__, function.__defaults__, function.__closure__)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy
