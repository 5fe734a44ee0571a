"""The learner's beliefs, evidence, predictions and progress as one page that needs no server and prints well."""

from __future__ import annotations

import datetime
import html
from dataclasses import dataclass
from pathlib import Path

from gpu_lessons.charts.display import is_live
from gpu_lessons.hardware.course import learners_folder
from gpu_lessons.lessons.calibration import my_calibration
from gpu_lessons.lessons.my_progress import HEADINGS, my_progress
from gpu_lessons.lessons.scores import scored_choices, scored_predictions
from gpu_lessons.lessons.verdict_ledger import html_table, verdict_ledger
from gpu_lessons.units import format_counted

__all__ = ["Report", "my_report"]

_NAME, _ENDINGS = "my_report.html", (".html", ".htm")
_PREDICTED = ("Lesson", "Question", "You said", "It was", "Off by")
_CHOSEN = ("Lesson", "Question", "You said", "It was")
# Nothing on the page runs or is fetched, whatever stands in the answers.
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>My GPU course</title>
<style>
:root {{ color-scheme: light; }}
body {{ font: 15px/1.45 sans-serif; color: #1f2937; background: white; }}
body {{ max-width: 62em; margin: 2em auto; padding: 0 1em; }}
h1 {{ font-size: 1.6em; }} h2 {{ font-size: 1.2em; margin-top: 2em; break-after: avoid; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ border-bottom: 1px solid #cbd5e1; padding: 5px 10px 5px 0; overflow-wrap: break-word; }}
tr {{ break-inside: avoid; }}
svg {{ max-width: 100%; height: auto; }}
@media print {{ body {{ font-size: 10.5px; margin: 0; max-width: none; }} }}
</style>
</head>
<body>
<main>
<h1>My GPU course</h1>
<p>{day}</p>
{body}
</main>
</body>
</html>
"""


@dataclass(frozen=True)
class Report:
    """The page; in a notebook it shows itself.

    Attributes
    ----------
    page : str
        The HTML document.
    body : str
        What is in it.
    summary : str
        The page in a sentence or two.
    path : Path or None
        Where it was written.
    """

    page: str
    body: str
    summary: str
    path: Path | None

    def _where(self) -> str:
        if self.path is None:
            return f'Not written to a file; gl.my_report("{_NAME}") writes it where you say.'
        return f"Written to {self.path.name}: open it in a browser to read, keep or print it."

    def __repr__(self) -> str:
        return f"{self.summary} {self._where()}"

    def _repr_html_(self) -> str:
        said = f"<p>{html.escape(self.summary)} <b>{html.escape(self._where())}</b></p>"
        return f"{said}<details><summary>Show it here</summary>{self.body}</details>"


def my_report(file: str | Path | None = None) -> Report:
    """Write what you believed, found, predicted and solved as one HTML page, and return it.

    Parameters
    ----------
    file : str or Path, optional
        Where to write; my_report.html in your course folder if it is not given. An older report there is replaced.

    Raises
    ------
    ValueError
        If ``file`` is no name of an HTML page: nothing else is ever replaced.
    OSError
        If the file cannot be written.
    """
    if file is not None and Path(file).suffix.lower() not in _ENDINGS:
        raise ValueError(f"file must end in .html, such as {_NAME!r}, got {str(file)!r}")
    body, summary = _body()
    page = _PAGE.format(day=datetime.date.today().isoformat(), body=body)
    path = _path(file)
    if path is not None:
        path.write_text(page, encoding="utf-8")
    return Report(page, body, summary, path)


def _path(file: str | Path | None) -> Path | None:
    if file is not None:
        return Path(file)
    folder = learners_folder() if is_live() else None  # a static display leaves the course as it is
    return None if folder is None else folder / _NAME


def _body() -> tuple[str, str]:
    """Return the parts of the page, and a summary."""
    progress, ledger = my_progress(), verdict_ledger()
    predictions, choices, calibration = scored_predictions(), scored_choices(), my_calibration()
    found = sum(bool(row.evidence) for row in ledger.rows)
    chosen = sum(each.is_right for each in choices)
    summary = (
        f"{found} of {len(ledger.rows)} claims have evidence from your notebooks. "
        f"Scored: {format_counted(len(predictions), 'prediction')}, {format_counted(len(choices), 'choice')}."
    )
    notes = " ".join(filter(None, (progress.note, ledger.note)))
    parts = [
        _text(summary),
        _text(notes) if notes else "",
        "<h2>The nine claims</h2>",
        ledger.table(),
        "<h2>How sure, and how often right</h2>",
        _text(calibration.sentence()),
        calibration.svg() if calibration else "",
        "<h2>Predictions</h2>",
        html_table(_PREDICTED, [tuple([cell] for cell in each.row()) for each in predictions])
        if predictions
        else _text("No prediction has met its truth yet."),
        "<h2>Choices</h2>",
        _text(f"{chosen} of {len(choices)} right." if choices else "Nothing was chosen yet."),
        html_table(_CHOSEN, [tuple([cell] for cell in each.row()) for each in choices]) if choices else "",
        "<h2>Lessons</h2>",
        html_table(HEADINGS, [tuple([cell] for cell in lesson.row()) for lesson in progress.lessons]),
    ]
    return "\n".join(filter(None, parts)), summary


def _text(text: str) -> str:
    return f"<p>{html.escape(text)}</p>"
