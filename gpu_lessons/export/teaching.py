"""What TEACHING.md says of a lesson: minutes and a note for each section, and what to talk about."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gpu_lessons.export.prose import Prose

__all__ = ["Plan", "plan_for"]

_LESSON = r"(?ms)^## {}\n(.*?)(?=^## |\Z)"
_PART = re.compile(r"(?ms)^### (.+?)\n(.*?)(?=^### |\Z)")


@dataclass(frozen=True)
class Plan:
    """A lesson's section of the guide.

    Attributes
    ----------
    minutes : dict
        Of each section of the lesson, by its heading.
    notes : dict
        For the speaker, as HTML.
    beside : list of (str, str)
        The other parts of the guide: heading and HTML.
    """

    minutes: dict[str, float] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    beside: list[tuple[str, str]] = field(default_factory=list)


def plan_for(lesson: str, guide: str) -> Plan:
    """Return what the text of ``guide`` plans for ``lesson``; a lesson that it does not name has an empty plan."""
    found = re.search(_LESSON.format(re.escape(lesson)), guide)
    if found is None:
        return Plan()
    prose = Prose(lambda url: None)
    plan = Plan()
    for heading, text in _PART.findall(found[1]):
        if heading != "Minutes":
            plan.beside.append((heading, prose.html(text)))
            continue
        for section, minutes, note in _rows(text):
            plan.minutes[section] = float(minutes)
            plan.notes[section] = prose.html(note)
    return plan


def _rows(table: str) -> list[list[str]]:
    """Return the cells of the rows below the heading of a table of three columns, minutes in the second."""
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in table.splitlines()]
    return [row for row in rows if len(row) == 3 and re.fullmatch(r"\d+(\.\d+)?", row[1])]
