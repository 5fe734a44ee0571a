"""Room in a figure for times that its page measures in the reader's browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gpu_lessons.charts.theme import CPU, CPU_WORDS, GPU, text_style

__all__ = ["BROWSER_TIMES", "with_browser_times"]

#: The data of the figure that the page fills: ``batch_log2``, ``width_log2``, ``time_s``, ``kind``, ``name``, ``told``.
BROWSER_TIMES = "browser_times"
#: What the page can run.
_WORK = "float32, forward pass"
#: Pixels from the axis of batch sizes to the names of who was measured.
_BELOW = {"gpu": 52, "cpu": 70}
_COLORS = {"gpu": (GPU, GPU), "cpu": (CPU, CPU_WORDS)}


def with_browser_times(spec: dict[str, Any]) -> dict[str, Any]:
    """Return a figure of the time of one layer with room for measured times; every other figure as it is.

    Parameters
    ----------
    spec : dict
        A figure in Vega-Lite. Only one of float32 layers, run forward, over batch size and width gets more layers: the
        page measures nothing else.
    """
    rows = spec.get("data", {}).get("values") or [{}]
    if not str(rows[0].get("line", "")).endswith(_WORK):
        return spec
    return _grown(spec) | {"datasets": {BROWSER_TIMES: []}}


def _grown(part: dict[str, Any]) -> dict[str, Any]:
    """Return a figure or a part of one, in which every panel of times over batch sizes has the new layers."""
    grown: dict[str, Any] = {
        name: [_grown(each) for each in part[name]] for name in ("vconcat", "concat") if name in part
    }
    encodings = (layer.get("encoding", {}) for layer in part.get("layer", ()))
    curve = next((each for each in encodings if each.get("y", {}).get("field") == "gpu_s"), None)
    if curve:
        grown["layer"] = [*part["layer"], *_layers(curve["x"], curve["y"] | {"field": "time_s"}, part["height"])]
    return part | grown


def _layers(x: dict[str, Any], y: dict[str, Any], height: int) -> Iterator[dict[str, Any]]:
    for kind, (color, words) in _COLORS.items():
        own = {"filter": f"datum.kind === '{kind}'"}
        told = {"field": "told", "type": "nominal"}
        yield {
            "data": {"name": BROWSER_TIMES},
            "transform": [own, {"filter": "datum.width_log2 === width_log2"}],
            "mark": {"type": "point", "filled": True, "fill": color, "stroke": "white", "size": 70, "opacity": 1},
            "encoding": {"x": x, "y": y, "description": told, "tooltip": told},
        }
        said = {"field": "said", "type": "nominal"}
        yield {
            "data": {"name": BROWSER_TIMES},
            "transform": [
                own,
                {"aggregate": [{"op": "count", "as": "sizes"}], "groupby": ["name"]},
                {"calculate": "'● ' + datum.name + ', measured'", "as": "said"},
            ],
            "mark": {"type": "text"} | text_style(words, 12) | {"limit": 400},
            "encoding": {"x": {"value": 0}, "y": {"value": height + _BELOW[kind]}, "text": said, "description": said},
        }
