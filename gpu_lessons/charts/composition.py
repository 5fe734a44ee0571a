"""Put panels together to one figure over one table of rows, with parameters for its sliders."""

from __future__ import annotations

from typing import Any

import altair as alt

from gpu_lessons.charts.theme import chart_config

__all__ = ["compose", "same_axis"]


def compose(
    headline: alt.LayerChart,
    columns: list[list[alt.LayerChart]],
    *,
    rows: list[dict[str, Any]],
    parameters: list[alt.VariableParameter],
    sentence: str,
    spacing: int = 14,
) -> alt.TopLevelSpec:
    """Return the figure: ``headline`` above ``columns`` of panels side by side.

    Parameters
    ----------
    headline : LayerChart
        What stands above everything.
    columns : list of lists of LayerChart
        Panels from top to bottom, columns from left to right.
    rows : list of dict
        Data of every layer that has none of its own.
    parameters : list of VariableParameter
        What the sliders set.
    sentence : str
        The figure in one sentence, for those who do not see it.
    spacing : int
        Pixels between the panels of a column.
    """
    # Altair copies every part at every step of a composition, which takes seconds here; as dicts they are put
    # together at once.
    own_colors = {"scale": {"color": "independent"}}
    stacks = [_stacked([_plain(panel) for panel in column], spacing, own_colors) for column in columns]
    spec: dict[str, Any] = {
        "$schema": alt.SCHEMA_URL,
        "config": chart_config(),
        "description": sentence,
        "padding": 6,
        "data": {"values": rows},
        "params": parameters,
        "vconcat": [_plain(headline), {"hconcat": stacks, "spacing": 20}],
        "spacing": 6,
        "resolve": own_colors,
    }
    return alt.TopLevelVConcatSpec(**spec)


def same_axis(x: alt.X, field: str) -> alt.X:
    """Return another field on the axis of ``x``."""
    same = x.copy()
    same.shorthand = field
    return same


def _stacked(panels: list[dict[str, Any]], spacing: int, resolve: dict[str, Any]) -> dict[str, Any]:
    return panels[0] if len(panels) == 1 else {"vconcat": panels, "spacing": spacing, "resolve": resolve}


def _plain(panel: alt.LayerChart) -> dict[str, Any]:
    """Return a panel as a part of a larger figure, whose data its layers use where they have none of their own."""
    spec: dict[str, Any] = panel.to_dict(validate=False)  # the figure is checked as a whole
    datasets = spec.get("datasets", {})  # where Altair puts data, unless somebody has told it otherwise
    for part in (spec, *spec["layer"]):
        data = part.pop("data", {})
        values = datasets.get(data.get("name"), data.get("values"))
        if values not in (None, [{}]):  # what Altair writes for a chart without data
            part["data"] = {"values": values}
    return {key: value for key, value in spec.items() if key not in ("$schema", "config", "datasets")}
