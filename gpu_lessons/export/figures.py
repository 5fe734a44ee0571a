"""What a cell has shown, as HTML: charts that live on the page, pictures, tables and text."""

from __future__ import annotations

import json
import re
from itertools import count
from typing import Any

from markupsafe import Markup

from gpu_lessons.charts.bundle import VEGA_LITE
from gpu_lessons.charts.composition import names_in
from gpu_lessons.explorers.controls import Buttons, Control, controls_of
from gpu_lessons.export.browser_times import with_browser_times
from gpu_lessons.export.prose import Prose
from gpu_lessons.export.templates import filled

__all__ = ["Shown", "as_script"]

#: What Matplotlib says of a figure of which nobody has said more.
_NO_WORDS = re.compile(r"<Figure size \S+ with \d+ Axes>")
#: Not for a table: sentences of the head.
_SAID = ("headline", "line")


class Shown:
    """What the cells of one page have shown.

    Parameters
    ----------
    prose : Prose
        Rewrites the links in it.
    """

    def __init__(self, prose: Prose) -> None:
        self._prose = prose
        self._numbers = count(1)
        self.has_charts = False

    def html(self, output: dict[str, Any], section: str) -> Markup:
        """Return one output; ``section`` is the heading above it.

        Raises
        ------
        ValueError
            If the output is an error.
        """
        if output["output_type"] == "error":
            raise ValueError(f"{output['ename']}: {output['evalue']}")
        if output["output_type"] == "stream":
            return filled("text.html", text=output["text"].rstrip("\n"))
        data = output["data"]
        for mime, show in (
            (VEGA_LITE, self._chart),
            ("text/html", self._markup),
            ("image/svg+xml", self._drawing),
            ("image/png", self._picture),
        ):
            if mime in data:
                return show(data, section)
        return filled("text.html", text=data.get("text/plain", ""))

    def _markup(self, data: dict[str, Any], section: str) -> Markup:
        return filled("markup.html", body=Markup(self._prose.with_links(data["text/html"])), section=section)

    def _drawing(self, data: dict[str, Any], section: str) -> Markup:
        return filled("drawing.html", body=Markup(data["image/svg+xml"]), words=_words(data, section))

    def _picture(self, data: dict[str, Any], section: str) -> Markup:
        return filled("picture.html", picture=_one_line(data["image/png"]), words=_words(data, section))

    def _chart(self, data: dict[str, Any], section: str) -> Markup:
        self.has_charts = True
        spec = dict(data[VEGA_LITE])
        controls = controls_of(spec.get("params", ()))
        number = next(self._numbers)
        return filled(
            "chart.html",
            number=number,
            section=section,
            sentence=_words(data, section),
            picture=_one_line(data.get("image/png", "")),
            controls=[_input(each, f"chart-{number}-{each.parameter}") for each in controls],
            figure=_figure(spec, controls),
        )


def _words(data: dict[str, Any], section: str) -> str:
    """Return the alternative text that a figure came with, or at least where it stands."""
    said = str(data.get("text/plain", "")).strip()
    return f"Figure of the section “{section}”, which came without words." if _NO_WORDS.fullmatch(said) else said


def _one_line(base64: str) -> str:
    return "".join(base64.split())


def _input(control: Control, name: str) -> dict[str, Any]:
    kind = "choice" if isinstance(control, Buttons) else "slider"
    return {"id": name, "kind": kind, "control": control, "place": control.values.index(control.start)}


def _figure(spec: dict[str, Any], controls: list[Control]) -> Markup:
    """Return what the page needs to let a chart live, as JSON: its inputs are the page's, which set its signals."""
    own = {f"{each.parameter}{part}" for each in controls for part in ("", "_place", "_said")}
    rest = [each for each in spec.get("params", ()) if each["name"] not in own]
    signals = [{"name": each.parameter, "value": each.start} for each in controls]
    rows = spec.get("data", {}).get("values") or []
    columns = [name for name in (rows[0] if rows else ()) if name not in _SAID and _is_flat(name, rows)]
    return as_script(
        {
            "spec": with_browser_times(spec) | {"params": [*signals, *rest]},
            "controls": [_declared(each) for each in controls],
            "names": names_in(spec) if controls else [],
            "columns": columns,
            "unsaid": [each.parameter for each in controls if not _is_said(each, controls, rows)],
        }
    )


def _declared(control: Control) -> dict[str, Any]:
    said = {"parameter": control.parameter, "label": control.label, "values": control.values, "words": control.words}
    return said | {"start": control.start}


def _is_said(control: Control, controls: list[Control], rows: list[dict[str, Any]]) -> bool:
    """Return whether the words in the head of a figure ever depend on ``control``."""
    others = [each.parameter for each in controls if each is not control]
    said: dict[tuple[Any, ...], set[tuple[Any, ...]]] = {}
    for row in rows:
        said.setdefault(tuple(row[name] for name in others), set()).add(tuple(row[name] for name in _SAID))
    return any(len(texts) > 1 for texts in said.values())


def _is_flat(name: str, rows: list[dict[str, Any]]) -> bool:
    return not any(isinstance(row.get(name), list | dict) for row in rows)


def as_script(value: object) -> Markup:
    """Return JSON that may stand in a script element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))
