"""How far the learner is: which predictions, exercises and claims of each lesson are done."""

from __future__ import annotations

import ast
import html
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gpu_lessons.hardware.course import ANSWERS, course_root
from gpu_lessons.lessons.claims import CLAIMS
from gpu_lessons.lessons.progress import Progress, progress_here

__all__ = ["HEADINGS", "CourseProgress", "LessonProgress", "my_progress"]

#: What a lesson calls to ask, and the shelf of the learner's file on which the answer lies.
_SHELVES = {"ask": "guesses", "choose": "choices"}
HEADINGS = ("Lesson", "Predictions", "Exercises", "Still to do")
_CHECK = "check_"


@dataclass(frozen=True)
class LessonProgress:
    """One lesson: what it asks and sets, in its order, each with whether it is done."""

    lesson: str
    predictions: dict[str, bool]
    exercises: dict[str, bool]

    def row(self) -> tuple[str, str, str, str]:
        """Return name, counts and what is left as texts."""
        done = {**self.predictions, **self.exercises}
        left = ", ".join(name for name, is_done in done.items() if not is_done)
        if not any(done.values()):
            left = "all of it"
        return self.lesson, _counted(self.predictions), _counted(self.exercises), left or "nothing"


@dataclass(frozen=True)
class CourseProgress:
    """All lessons; in a notebook it shows as a table."""

    lessons: tuple[LessonProgress, ...]
    claims_rated: int
    note: str = ""

    def _last_lines(self) -> list[str]:
        return [f"Claims rated: {self.claims_rated} of {len(CLAIMS)}.", *filter(None, [self.note])]

    def __repr__(self) -> str:
        rows = [HEADINGS, *(lesson.row() for lesson in self.lessons)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return "\n".join([*lines, *self._last_lines()])

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col" style="text-align:left">{heading}</th>' for heading in HEADINGS)
        body = "".join(_table_row(lesson.row()) for lesson in self.lessons)
        last = "<br>".join(map(html.escape, self._last_lines()))
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{last}</p>"


def my_progress(folder: Path | None = None) -> CourseProgress:
    """Return which lessons, predictions and exercises are done, as a table.

    An exercise is done once its check has said "right"; a prediction, once it was made.

    Parameters
    ----------
    folder : Path, optional
        The learner's folder. In a lesson it is found, and a static display shows the course with nothing done.
    """
    mine = progress_here() if folder is None else Progress(folder / ANSWERS)
    lessons = tuple(_judged(path, mine) for path in sorted((course_root() / "notebooks").glob("[0-9][0-9]_*.ipynb")))
    rated = sum(bool((mine.recall("claims", claim.key) or {}).get("belief")) for claim in CLAIMS)
    return CourseProgress(lessons, rated, mine.take_note())


def _judged(path: Path, mine: Progress) -> LessonProgress:
    asked, checked = _asked_and_checked(path)
    predictions = {key: mine.recall(shelf, key) is not None for key, shelf in asked.items()}
    exercises = {name: mine.recall("exercises", name) is not None for name in checked}
    return LessonProgress(path.stem, predictions, exercises)


@cache
def _asked_and_checked(path: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return what a lesson asks, with the shelf of each answer, and the exercises that it checks."""
    asked: dict[str, str] = {}
    checked: dict[str, None] = {}
    for call in _calls(path):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name.startswith(_CHECK):
            checked[name.removeprefix(_CHECK)] = None
        elif name in _SHELVES and call.args and isinstance(call.args[0], ast.Constant):
            asked[str(call.args[0].value)] = _SHELVES[name]
    return asked, tuple(checked)


def _calls(path: Path) -> Iterator[ast.Call]:
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            # In the order of the page; `ast.walk` visits what stands deeper later.
            found = [node for node in ast.walk(ast.parse("".join(cell["source"]))) if isinstance(node, ast.Call)]
            yield from sorted(found, key=lambda call: (call.lineno, call.col_offset))


def _counted(done: dict[str, bool]) -> str:
    return f"{sum(done.values())} of {len(done)}" if done else "none"


def _table_row(row: tuple[str, str, str, str]) -> str:
    lesson, *counts = map(html.escape, row)
    cells = [f'<a href="{lesson}.ipynb">{lesson}</a>', *counts]
    return "<tr>" + "".join(f'<td style="text-align:left">{cell}</td>' for cell in cells) + "</tr>"
