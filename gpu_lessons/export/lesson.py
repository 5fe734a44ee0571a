"""One lesson as one page: sections, each a few steps of a lecture, and in them what the cells say and show."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from gpu_lessons.export.figures import Shown, as_script
from gpu_lessons.export.prose import Prose, highlighted, in_sections
from gpu_lessons.export.questions import Question, Reveal, called, question_in, reveal_in
from gpu_lessons.export.templates import filled
from gpu_lessons.export.trouble import ExportError
from gpu_lessons.lessons.answers import CONFIDENCES, Guess
from gpu_lessons.lessons.claims import BELIEFS, CLAIMS

__all__ = ["Lesson", "Section", "read_lesson"]

_HEADING = re.compile(r"#{1,2} (.+)")
#: Cells whose code would answer the question, or is only plumbing: it is folded away.
_FOLDED = {"setup", "predict", "reveal"}


@dataclass
class Section:
    """What stands below one heading: steps of the lecture, each a list of parts in HTML."""

    title: str
    steps: list[list[Markup]] = field(default_factory=list)


@dataclass
class Lesson:
    """One page: its title, its sections, and what it holds."""

    name: str
    title: str = ""
    sections: list[Section] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    has_charts: bool = False


def read_lesson(name: str, notebook: dict[str, Any], prose: Prose) -> Lesson:
    """Return the page of an executed notebook.

    Raises
    ------
    ExportError
        If a cell has failed, was not run, or asks or shows something that cannot be put on a page; it names both.
    """
    reader = _Reader(Lesson(name), prose)
    for number, cell in enumerate(notebook["cells"], start=1):
        try:
            reader.read(cell)
        except ValueError as error:
            first_line = cell["source"].strip().partition("\n")[0]
            raise ExportError(f"{name}, cell {number} ({first_line}): {error}") from error
    reader.end_section()
    reader.lesson.has_charts = reader.shown.has_charts
    return reader.lesson


class _Reader:
    """Reads one cell after another into a lesson."""

    def __init__(self, lesson: Lesson, prose: Prose) -> None:
        self.lesson, self.prose, self.shown = lesson, prose, Shown(prose)
        self._follows_code = False
        self._remarks: set[int] = set()  # steps of the section that are nothing but text

    def read(self, cell: dict[str, Any]) -> None:
        if cell["cell_type"] == "markdown":
            for text in in_sections(cell["source"]):
                self._read_text(text)
        elif cell["cell_type"] == "code" and cell["source"].strip():
            self._read_code(cell)

    def _read_text(self, text: str) -> None:
        heading = _HEADING.match(text)
        if heading or not self.lesson.sections:
            self.end_section()
            title = _plain(self.prose.html(heading[1] if heading else self.lesson.name))
            self.lesson.sections.append(Section(title))
            self.lesson.title = self.lesson.title or title
        steps = self.lesson.sections[-1].steps
        if not steps or self._follows_code:
            self._remarks.add(len(steps))
            steps.append([])
        steps[-1].append(filled("prose.html", body=Markup(self.prose.html(text))))
        self._follows_code = False

    def _read_code(self, cell: dict[str, Any]) -> None:
        if not self.lesson.sections:
            self._read_text(f"# {self.lesson.name}")
        if cell.get("execution_count") is None:
            raise ValueError("it was not run; a page is made of a lesson that has run")
        tags = cell["metadata"].get("tags", ())
        source = Markup(highlighted(cell["source"]))
        steps = self.lesson.sections[-1].steps
        if "explorer" in tags:  # it has the screen to itself
            steps.append([])
        self._remarks.discard(len(steps) - 1)
        steps[-1].append(filled("code.html", source=source, is_open=not _FOLDED.intersection(tags)))
        steps[-1].extend(self._outputs(cell, tags))
        self._follows_code = True

    def end_section(self) -> None:
        """Let a remark stay on the screen of what it is about."""
        steps = self.lesson.sections[-1].steps if self.lesson.sections else []
        for place in sorted(self._remarks - {0}, reverse=True):
            if not any("figure" in part and "controls" in part for part in steps[place - 1]):
                steps[place - 1].extend(steps.pop(place))
        self._remarks.clear()

    def _outputs(self, cell: dict[str, Any], tags: list[str]) -> list[Markup]:
        printed = "".join(each["text"] for each in cell["outputs"] if each["output_type"] == "stream")
        asked = question_in(cell["source"], printed, len(self.lesson.questions))
        if asked is not None:
            self.lesson.questions.append(asked)
            return [_question(asked)]
        if any(called(cell["source"], ("rate_claims",))):
            return [filled("ratings.html", claims=CLAIMS, beliefs=BELIEFS, confidences=CONFIDENCES)]
        said = reveal_in(cell["source"], printed, self.lesson.questions)
        outputs = [each for each in cell["outputs"] if said is None or each["output_type"] != "stream"]
        shown = [self.shown.html(each, self.lesson.sections[-1].title) for each in outputs]
        if said is not None:
            return [filled("reveal.html", reveal=said, shown=shown, facts=_facts(said))]
        if "reveal" in tags and shown:
            return [filled("later.html", shown=shown)]
        return shown


def _plain(markup: str) -> str:
    return Markup(markup).striptags()


def _question(question: Question) -> Markup:
    answer = question.answer
    facts: dict[str, Any] = {
        "key": question.key,
        "code": question.code,
        "kind": "guess" if isinstance(answer, Guess) else "choice",
    }
    if isinstance(answer, Guess):
        facts |= {"steps": answer.steps, "confidences": CONFIDENCES}
    return filled(
        "question.html",
        question=question,
        is_guess=isinstance(answer, Guess),
        middle=len(question.options) // 2,
        confidences=CONFIDENCES,
        facts=as_script(facts | {"words": question.options}),
    )


def _facts(reveal: Reveal) -> Markup:
    return as_script({"key": reveal.question.key, "truth": reveal.truth, "was": reveal.was, "then": reveal.then})
