"""Put panels together to one figure over one table of rows, with parameters for its controls."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import altair as alt

from gpu_lessons.charts.bundle import own_data
from gpu_lessons.charts.theme import (
    GPU,
    MUTED,
    chart_config,
    prepare,
    text_style,
)

__all__ = ["BETWEEN", "Panels", "chosen_row", "compose", "names_in", "same_axis"]

_Axis = TypeVar("_Axis", alt.X, alt.Y)

#: Stands between two parts of a line of words; where there is little room, the line is broken there.
BETWEEN = "   ·   "
_HEAD_SIZE, _LINE_SIZE, _NAME_SIZE, _LINE_HEIGHT = 22, 13, 12, 18
# Width of a letter of the font over its size, bold and plain; a headline is seldom all wide letters.
_BOLD, _PLAIN = 0.66, 0.6
#: Letters of a name that is broken after the machine where there is little room.
_LONG_NAME = 46
#: Pixels left of the first panel for its axis, and right of the last.
_MARGINS = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Panels:
    """What stands where in a figure.

    Attributes
    ----------
    columns : list of lists of LayerChart
        Panels from top to bottom, columns from left to right; under each other where there is too little room.
    width : int
        Pixels that the columns take side by side, with axes and margins.
    names : sequence of (color, text)
        Who is shown and where the numbers come from; a text is a Vega expression over the chosen row.
    color : condition, optional
        Of the headline, where it is not that of the GPU.
    spacing : int
        Pixels between the panels of a column.
    """

    columns: list[list[alt.LayerChart]]
    width: int
    names: Sequence[tuple[str, str]]
    color: Any = None
    spacing: int = 14


class _Figure(alt.TopLevelVConcatSpec):
    """A figure with signals that Vega knows and Vega-Lite hands on, though its schema does not name them."""

    # Altair's own attributes are parts of the chart; these are not.
    _inputs: ClassVar[Sequence[dict[str, Any]]] = ()
    _width = 0

    def to_dict(self, *arguments: object, **options: object) -> dict[str, Any]:
        spec: dict[str, Any] = super().to_dict(*arguments, **options)  # type: ignore[arg-type]
        spec["params"] = self._inputs or spec["params"]
        prepare(spec, self._width)
        return spec


def compose(
    panels: Panels,
    *,
    rows: list[dict[str, Any]],
    parameters: dict[str, Any],
    inputs: Sequence[dict[str, Any]],
    sentence: str,
    warning: str = "",
) -> alt.TopLevelSpec:
    """Return the figure: a headline above the panels.

    Parameters
    ----------
    panels : Panels
        What stands where.
    rows : list of dict
        Data of every layer that has none of its own. ``headline`` and ``line`` are words for the head of the figure.
    parameters : dict
        What the controls set: a row is chosen where its columns of these names have these values.
    inputs : sequence of dict
        Signals that stand for the parameters where the chart has its own inputs.
    sentence : str
        The figure in one sentence, for those who do not see it.
    warning : str
        What every headline has to say besides, in a few words.
    """
    # Altair copies every part at every step of a composition, which takes seconds here; as dicts they are put
    # together at once.
    own_colors = {"scale": {"color": "independent"}}
    stacks = [_stacked([_plain(panel) for panel in column], panels.spacing, own_colors) for column in panels.columns]
    spec: dict[str, Any] = {
        "$schema": alt.SCHEMA_URL,
        "config": chart_config(),
        "description": sentence,
        "padding": 6,
        "data": {"values": rows},
        "params": [alt.VariableParameter(name=name, value=value) for name, value in parameters.items()],
        "vconcat": [_plain(_head(panels, rows, chosen_row(*parameters), warning)), {"concat": stacks, "spacing": 14}],
        "spacing": 12,
        "resolve": own_colors,
    }
    figure = _Figure(**spec)
    for name, value in (("_inputs", inputs), ("_width", panels.width)):
        object.__setattr__(figure, name, value)
    return figure


def chosen_row(*parameters: str) -> str:
    """Return the filter for the row the controls point at."""
    return " && ".join(f"datum.{name} === {name}" for name in parameters)


def _head(panels: Panels, rows: list[dict[str, Any]], chosen: str, warning: str) -> alt.LayerChart:
    """Return headline, line and names; with little room they stand under each other, broken at their joints."""
    here = alt.Chart().transform_filter(chosen)
    if warning:
        here = here.transform_calculate(headline=f"datum.headline + ': {warning}'")
        rows = [row | {"headline": f"{row['headline']}: {warning}"} for row in rows]
    size = _HEAD_SIZE - 4 * bool(warning)
    line_top = 44 + 26 * any(": " in row["headline"] for row in rows)
    line_parts = max(row["line"].count(BETWEEN) + row["line"].count("; ") for row in rows)
    broken = f"replace(replace(datum.line, regexp('{BETWEEN}', 'g'), '\\n'), '; ', ';\\n')"
    headline = (
        here.transform_calculate(said="narrow ? replace(datum.headline, ': ', ':\\n') : datum.headline")
        .mark_text(**text_style(GPU, size, weight="bold"), lineBreak="\n", lineHeight=26)
        .encode(x=alt.value(0), y=alt.value(14), text="said:N", description="headline:N")
        .encode(color=panels.color or alt.value(GPU))
    )
    line = (
        here.transform_calculate(said=f"narrow ? {broken} : datum.line")
        .mark_text(**text_style(MUTED, _LINE_SIZE), lineBreak="\n", lineHeight=_LINE_HEIGHT)
        .encode(x=alt.value(0), y=_if_narrow(line_top, 44), text="said:N", description="line:N")
    )
    headline_width = _BOLD * size * max(len(row["headline"]) for row in rows)
    names = _names(here, panels, rows, headline_width, line_top + 24 + _LINE_HEIGHT * line_parts)
    return alt.layer(headline, line, *names).properties(width=1, height=50, view=alt.ViewConfig(stroke=None))


def _names(
    here: alt.Chart, panels: Panels, rows: list[dict[str, Any]], headline_width: float, narrow_top: int
) -> list[alt.Chart]:
    """Return who is shown: right of the headline if there is room, else below the line."""
    longest = max(len(name) for _, text in panels.names for name in _texts(text, rows))
    right = panels.width - _MARGINS
    beside = headline_width + _PLAIN * _NAME_SIZE * longest < right
    lines = 1 + (longest > _LONG_NAME)
    layers = []
    for place, (color, text) in enumerate(panels.names):
        style = text_style(color, _NAME_SIZE) | ({"align": alt.expr("narrow ? 'left' : 'right'")} if beside else {})
        y = _if_narrow(narrow_top + _LINE_HEIGHT * lines * place, (6 if beside else 66) + _LINE_HEIGHT * place)
        layers.append(
            here.transform_calculate(who=_text(text, rows))
            .transform_calculate(said=f"narrow && {lines} > 1 ? replace(datum.who, ', ', ',\\n') : datum.who")
            .mark_text(**style, lineBreak="\n", lineHeight=_LINE_HEIGHT - 2)
            .encode(x=_if_narrow(0, right if beside else 0), y=y, text="said:N", description="who:N")
        )
    return layers


def _if_narrow(narrow: int, wide: int) -> dict[str, Any]:
    return {"value": alt.ExprRef(f"narrow ? {narrow} : {wide}")}


def _texts(text: str, rows: list[dict[str, Any]]) -> set[str]:
    """Return what ``text`` stands for: a column of the rows, or itself."""
    return {row.get(text, text) for row in rows}


def _text(text: str, rows: list[dict[str, Any]]) -> str:
    return f"datum.{text}" if text in rows[0] else json.dumps(text, ensure_ascii=False)


def names_in(spec: dict[str, Any]) -> list[dict[str, str]]:
    """Return who is named in the head of a figure that `compose` made: each a ``column`` of its rows, or a ``text``."""
    head = spec["vconcat"][0]["layer"]
    said = [step["calculate"] for layer in head for step in layer.get("transform", ()) if step.get("as") == "who"]
    return [{"text": json.loads(each)} if each[0] == '"' else {"column": each.removeprefix("datum.")} for each in said]


def same_axis(axis: _Axis, field: str) -> _Axis:
    """Return another field on the same axis."""
    same = axis.copy()
    same.shorthand = field
    return same


def _stacked(panels: list[dict[str, Any]], spacing: int, resolve: dict[str, Any]) -> dict[str, Any]:
    return panels[0] if len(panels) == 1 else {"vconcat": panels, "spacing": spacing, "resolve": resolve}


def _plain(panel: alt.LayerChart) -> dict[str, Any]:
    """Return a panel as a part of a larger figure, whose data its layers use where they have none of their own."""
    with own_data():
        spec: dict[str, Any] = panel.to_dict(validate=False)  # the figure is checked as a whole
    datasets = spec.get("datasets", {})  # where Altair puts data, unless somebody has told it otherwise
    for part in (spec, *spec["layer"]):
        data = part.pop("data", {})
        values = datasets.get(data.get("name"), data.get("values"))
        if values not in (None, [{}]):  # what Altair writes for a chart without data
            part["data"] = {"values": values}
    return {key: value for key, value in spec.items() if key not in ("$schema", "config", "datasets")}
