"""Checks of lesson 12."""

from __future__ import annotations

import inspect
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from gpu_lessons.devices.threads import ThreadCounts, ThreadError, run_threads
from gpu_lessons.lessons.checks import NotAttemptedError, WrongAnswerError, call, check, compare_cases
from gpu_lessons.lessons.differences import difference
from gpu_lessons.lessons.learners_code import has_empty_body

__all__ = ["check_place", "check_tiled", "check_turns"]

_TILE, _BANKS = 16, 32
_RTOL = 1e-4


def _place(block_x: int, block_y: int, me: int) -> tuple[int, int]:
    return _TILE * block_y + me // _TILE, _TILE * block_x + me % _TILE


def _turned(place: Callable[..., tuple[int, int]]) -> Callable[..., tuple[int, int]]:
    return lambda *where: place(*where)[::-1]


_PLACE_MISTAKES = (
    (
        lambda block_x, block_y, me: (_TILE * block_y + me % _TILE, _TILE * block_x + me // _TILE),
        "That is the kernel from before: threads 0 and 1 get one column. They are to get one row.",
    ),
    (_turned(_place), "Return the row first, then the column."),
    (
        lambda block_x, block_y, me: (_TILE * block_x + me // _TILE, _TILE * block_y + me % _TILE),
        "block_y counts blocks down the rows, block_x along the columns.",
    ),
    (lambda block_x, block_y, me: (me // _TILE, me % _TILE), "That is the place in the block. Where does it begin?"),
    (
        lambda block_x, block_y, me: (block_y + me // _TILE, block_x + me % _TILE),
        "A block is 16 rows high and 16 columns wide, so the next one begins 16 further.",
    ),
)


@check(
    hints=(
        "Forget the block first. 256 threads fill 16 rows of 16. Which thread begins the second row?",
        "Thread 16 begins the second row: me // 16 is the row in the block, me % 16 the column. "
        "How many rows lie above the block?",
        "16 * block_y + me // 16, 16 * block_x + me % 16",
    )
)
def check_place(place: object) -> str:
    """Judge the row and column of C that a thread computes, in blocks of 16 x 16 numbers."""
    rng = random.Random("place")
    cases = [(0, 0, 0), (0, 0, 1), (0, 0, 16), (0, 0, 255), (1, 0, 0), (0, 1, 0)]
    cases += [(rng.randrange(9), rng.randrange(9), rng.randrange(256)) for _ in range(8)]
    compare_cases(place, cases, _place, mistakes=_PLACE_MISTAKES)
    return "Threads with numbers in a row get numbers in a row."


@check(
    hints=(
        "Which lines write into shared memory, and which read what other threads have written?",
        "No thread may read a tile before all have written it. And no thread may write the next tile before all have "
        "read this one.",
        "Copy the kernel. One yield stands before the loop over t, one after it, as far to the left as that loop.",
    )
)
def check_tiled(tiled: object) -> str:
    """Judge a tiled kernel with blocks of 16 x 16 threads: right numbers, in whatever order the warps run."""
    if has_empty_body(tiled):
        raise NotAttemptedError
    if not callable(tiled):
        raise WrongAnswerError(f"Expected a function, got {tiled!r}.")
    for m, n, k in ((16, 16, 32), (32, 16, 48)):
        rng = np.random.default_rng(m)
        a, b = rng.standard_normal((m, k), np.float32), rng.standard_normal((k, n), np.float32)
        expected = a.astype("float64") @ b
        for order in range(3):
            answer = call(_launched(tiled, order), (a, b), expected=expected)
            if isinstance(answer.got, ThreadError):
                if re.search("(stores|returns) Ellipsis", str(answer.got)):
                    raise NotAttemptedError
                raise WrongAnswerError(f"{answer.text} raised ThreadError: {answer.got}.")
            c, counts = answer.got
            _require_stores(answer.text, tiled, counts)
            found = difference(c, expected, rtol=_RTOL) or answer.changed
            if found:
                raise WrongAnswerError(f"{answer.text}: {found}. {_usual(tiled, a, b, c, counts)}".rstrip())
    return "Right in every order of the warps: no thread runs ahead of the others."


def _launched(kernel: Callable[..., Any], order: int) -> Callable[..., Any]:
    def launched(a: Any, b: Any) -> Any:  # noqa: ANN401
        (m, k), n = a.shape, b.shape[1]
        c = np.full((m, n), np.nan, np.float32)
        try:
            return c, run_threads(kernel, (n // _TILE, m // _TILE), a, b, c, m, n, k, seed=order)
        except ThreadError as error:  # it names the line by itself
            return error

    launched.__name__ = getattr(kernel, "__name__", "tiled")
    return launched


def _name_of_c(kernel: Callable[..., Any]) -> str:
    return list(inspect.signature(kernel).parameters)[3]


def _require_stores(text: str, kernel: Callable[..., Any], counts: ThreadCounts) -> None:
    name = _name_of_c(kernel)
    if name in counts.stores_of:
        return
    if counts.stores_of:
        raise WrongAnswerError(f"{text}: expected numbers in {name}, got them in {' and '.join(counts.stores_of)}.")
    raise NotAttemptedError(f"Your function stored nothing into {name}.")


def _usual(kernel: Callable[..., Any], a: Any, b: Any, got: Any, counts: ThreadCounts) -> str:  # noqa: ANN401
    """Return what a wrong result usually means."""
    name = _name_of_c(kernel)
    if name in counts.loads_of:
        return f"Your kernel loads from {name}, where anything may stand at first. Add up in a variable of the thread."
    if np.isnan(got).any():
        return f"Some numbers of {name} were never written."
    if not counts.shared_of:
        return "It uses no shared memory: what a thread keeps elsewhere, no other thread sees."
    others = [_launched(kernel, order)(a, b) for order in range(10, 14)]
    if any(not isinstance(other, tuple) or not np.array_equal(other[0], got) for other in others):
        return (
            "In another order of the warps other numbers come out: a thread reads what another has yet to write, or "
            "writes over what another has yet to read."
        )
    return ""


def _turns(words: Iterable[int]) -> int:
    return max(Counter(word % _BANKS for word in set(words)).values())


_TURNS_MISTAKES = (
    (
        lambda words: max(Counter(word % _BANKS for word in words).values()),
        "Threads that read the same word need one turn together.",
    ),
    (lambda words: len({word % _BANKS for word in words}), "That is how many banks are asked, not how long one is."),
    (lambda words: len(set(words)), "Words in different banks are read in the same turn."),
    (
        lambda words: sum(count - 1 for count in Counter(word % _BANKS for word in set(words)).values()),
        "The banks work side by side: the busiest one decides.",
    ),
)


@check(
    hints=(
        "Which bank does word 70 lie in? The remainder after division by 32 tells.",
        "Drop repeated words first: set(words). Then count how many of them lie in each bank.",
        "max(Counter(word % 32 for word in set(words)).values()), with Counter from collections",
    )
)
def check_turns(turns: object) -> str:
    """Judge how many turns the banks of shared memory need for the words that a warp reads."""
    rng = random.Random("turns")
    cases = [list(range(32)), [7] * 32, [32 * lane for lane in range(32)], [2 * lane for lane in range(32)]]
    cases += [[33 * lane for lane in range(32)], [lane % 8 * 32 for lane in range(32)]]
    cases += [[rng.randrange(1024) for _ in range(32)] for _ in range(4)]
    cases += [[rng.choice((0, 32, 5, 37)) for _ in range(32)] for _ in range(2)]
    compare_cases(turns, [(words,) for words in cases], _turns, mistakes=_TURNS_MISTAKES)
    return "The busiest bank decides, and a word that many read is read once."
