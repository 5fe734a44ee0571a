"""The ledger at the end of the course: each claim with belief, evidence and verdict."""

from __future__ import annotations

import html
from dataclasses import dataclass

from gpu_lessons.lessons.claim_verdicts import CLAIM_VERDICTS, ClaimVerdict
from gpu_lessons.lessons.claims import CLAIMS, RATED_AGAIN, Claim, first_belief, recalled
from gpu_lessons.lessons.evidence import Evidence, evidence_for
from gpu_lessons.lessons.progress import progress_here

__all__ = ["VerdictLedger", "VerdictRow", "html_table", "verdict_ledger"]

_HEADINGS = ("Claim", "You said", "You found", "Verdict", "For which machines and years")


@dataclass(frozen=True)
class VerdictRow:
    """One claim: what the learner believed, found and believes, and what the course says."""

    number: int
    claim: Claim
    first: str
    evidence: tuple[Evidence, ...]
    last: str
    judged: ClaimVerdict

    @property
    def found(self) -> list[str]:
        """What the learner's own notebooks found, each with its lesson and source; else where to find it."""
        found = [f"Lesson {each.lesson}: {each}" for each in self.evidence]
        return found or [f"nothing yet: {self.claim.lesson} tests it"]

    def cells(self) -> tuple[list[str], ...]:
        """Return each column's lines."""
        return (
            [f"{self.number}. {self.claim.text}"],
            [f"at first: {self.first}", f"now: {self.last}"],
            self.found,
            [self.judged.verdict],
            [self.judged.reason, *self.judged.by_pair()],
        )


@dataclass(frozen=True)
class VerdictLedger:
    """The nine claims in their order; in a notebook it shows as a table."""

    rows: tuple[VerdictRow, ...]
    note: str = ""

    def __repr__(self) -> str:
        blocks = []
        for row in self.rows:
            claim, *columns = row.cells()
            blocks.append(claim[0])
            for heading, lines in zip(_HEADINGS[1:], columns, strict=True):
                blocks += [f"   {heading}:", *(f"      {line}" for line in lines)]
        return "\n".join([*blocks, *filter(None, [self.note])])

    def table(self) -> str:
        """Return the ledger as an HTML table."""
        return html_table(_HEADINGS, [row.cells() for row in self.rows])

    def _repr_html_(self) -> str:
        return self.table() + (f"<p>{html.escape(self.note)}</p>" if self.note else "")


def verdict_ledger() -> VerdictLedger:
    """Return each claim with what the learner believed and found, as far as their file tells, and its verdict."""
    rows = tuple(
        VerdictRow(
            number,
            claim,
            _said(first_belief(claim)),
            tuple(evidence_for(claim)),
            _said(recalled(claim, RATED_AGAIN)),
            CLAIM_VERDICTS[claim.key],
        )
        for number, claim in enumerate(CLAIMS, start=1)
    )
    return VerdictLedger(rows, progress_here().take_note())


def _said(rating: tuple[str | None, str | None]) -> str:
    belief, confidence = rating
    return ", ".join(filter(None, (belief, confidence))) if belief else "not rated"


def html_table(headings: tuple[str, ...], rows: list[tuple[list[str], ...]]) -> str:
    """Return a table of texts; a cell is a list of lines. Nothing in them is taken for HTML."""
    style = ' style="text-align:left;vertical-align:top;min-width:6.5em"'
    head = "".join(f'<th scope="col"{style}>{html.escape(heading)}</th>' for heading in headings)
    body = "".join(
        "<tr>" + "".join(f"<td{style}>{'<br>'.join(map(html.escape, lines))}</td>" for lines in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
