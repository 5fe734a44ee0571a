"""One look for every chart: few colours, each with one meaning, told apart in grey as well."""

from __future__ import annotations

import json
from typing import Any

__all__ = [
    "COMPUTE",
    "COPY_IN",
    "COPY_OUT",
    "CPU",
    "CPU_WORDS",
    "FITS",
    "GPU",
    "GRID",
    "INK",
    "LAUNCH",
    "MEMORY_BLUES",
    "MUTED",
    "NOTHING",
    "SELECTED",
    "WARNING",
    "chart_config",
    "count_label",
    "fit_to_page",
    "four_digits",
    "in_lines",
    "prepare",
    "text_style",
    "vega_amount",
    "vega_factor",
    "vega_time",
]

INK, MUTED, GRID = "#1f2937", "#5b6472", "#e2e8f0"
# CPU and GPU are orange and teal everywhere; the pair differs in lightness and for every kind of colour blindness.
CPU, GPU = "#d97706", "#0f766e"
#: Small words need more contrast than lines: the orange has 3.2 on white, and 4.5 are asked for.
CPU_WORDS = "#b45309"
LAUNCH, COMPUTE, COPY_IN, COPY_OUT = "#94a3b8", GPU, "#7c3aed", "#a78bfa"
MEMORY_BLUES = ("#1e3a8a", "#2563eb", "#60a5fa", "#93c5fd")
WARNING = "#b91c1c"
#: Where there is no number to show.
NOTHING = "#cbd5e1"
#: Filter for the row the sliders point at.
SELECTED = "datum.batch_log2 === batch_log2 && datum.width_log2 === width_log2"
#: Filter for rows whose layer fits on the card: elsewhere the GPU has no time to show.
FITS = "datum.fits"
FONT = "DejaVu Sans, Verdana, sans-serif"


def chart_config() -> dict[str, Any]:
    """Return the Vega-Lite configuration every chart shares."""
    axis = {
        "labelColor": MUTED,
        "titleColor": INK,
        "labelFont": FONT,
        "titleFont": FONT,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "gridColor": GRID,
        "domainColor": GRID,
        "tickColor": GRID,
    }
    return {
        "font": FONT,
        "background": "white",
        "axis": axis,
        "view": {"stroke": GRID},
        "legend": {"labelColor": MUTED, "labelFont": FONT, "labelFontSize": 11, "titleFont": FONT},
        "title": {
            "anchor": "start",
            "color": INK,
            "font": FONT,
            "fontSize": 13,
            "fontWeight": "bold",
            "offset": 8,
            "frame": "group",
        },
        "text": {"font": FONT, "color": INK, "fontSize": 12},
    }


def four_digits(value: float) -> float:
    """Round to four significant digits, so that other builds of NumPy and BLAS write the same chart."""
    return float(f"{value:.4g}")


def vega_amount(amount: str, unit: str) -> str:
    """Return a Vega expression that writes ``amount`` as `gpu_lessons.units.format_bytes` writes bytes."""
    text = f"format({amount}, ',.3~r') + ' {unit}'"
    for factor, prefix in ((1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T")):
        written = f"format({amount} / {factor:g}, ',.3~r') + ' {prefix}{unit}'"
        text = f"{amount} >= {factor * 0.9995:.6g} ? {written} : ({text})"
    return f"({text})"


def vega_time(seconds: str) -> str:
    """Return a Vega expression that writes the expression ``seconds`` as `gpu_lessons.units.format_time` does."""
    below = 0.9995  # as there: 999.6 µs is 1 ms
    steps = (
        (1e-6 * below, 1e-9, "ns"),
        (1e-3 * below, 1e-6, "µs"),
        (below, 1e-3, "ms"),
        (120, 1, "s"),
        (7200, 60, "minutes"),
        (172800, 3600, "hours"),
    )
    text = f"format({seconds} / 86400, ',.3~r') + ' days'"
    for limit, unit_s, unit in reversed(steps):
        text = f"{seconds} < {limit:.6g} ? format({seconds} / {unit_s:g}, ',.3~r') + ' {unit}' : ({text})"
    return f"({text})"


def vega_factor(ratio: str) -> str:
    """Return a Vega expression that writes a ratio as `gpu_lessons.units.formatvega_factor` does."""
    return f"format({ratio}, {ratio} >= 10 ? ',.2~r' : '.2~r') + '×'"


def count_label(exponent: str) -> str:
    """Return a Vega expression that writes two to the power of ``exponent`` as `units.format_count` does."""
    return f"({exponent} < 10 ? format(pow(2, {exponent}), ',') : format(pow(2, {exponent} - 10), ',') + 'k')"


def fit_to_page(spec: dict[str, Any], needed: int) -> None:
    """Let columns of a figure stand under each other where its page has fewer than ``needed`` pixels.

    ``needed`` is not more than the figure takes: a page that is no wider than its figure must not break it.
    Adds the signals ``room``, the pixels there are, and ``narrow``, whether they are too few; Vega-Lite hands them on
    to Vega, though its own schema knows no such signals.
    """
    # A picture has no page around it, and a figure that stands in none yet no width.
    there = "containerSize()[0] > 0 ? containerSize()[0]"
    events = [{"source": "window", "type": "resize"}, {"source": "window", "type": "pointermove", "throttle": 400}]
    spec["autosize"] = {"type": "pad", "resize": True}
    spec["params"] = [
        *spec.get("params", []),
        {"name": "room", "init": f"{there} : 2000", "on": [{"events": events, "update": f"{there} : room"}]},
        {"name": "narrow", "update": f"room < {needed}"},
    ]
    for part in (spec, *spec.get("vconcat", [])):
        if "concat" in part:
            part["columns"] = {"signal": f"narrow ? 1 : {len(part['concat'])}"}


def prepare(spec: dict[str, Any], needed: int) -> None:
    """Let a figure fit its page, as `fit_to_page` does, and complete what its marks do not say.

    A mark without a description is hidden from screen readers: a number without words helps nobody. An area is not
    stacked: JupyterLab's Vega-Lite 5.6 stacks a band along a linear axis.
    """
    fit_to_page(spec, needed)
    _complete_marks(spec)


def _complete_marks(spec: dict[str, Any]) -> None:
    for part in ("layer", "concat", "hconcat", "vconcat"):
        for each in spec.get(part, []):
            _complete_marks(each)
    if "mark" not in spec:
        return
    mark = {"type": spec["mark"]} if isinstance(spec["mark"], str) else spec["mark"]
    if "description" not in spec.get("encoding", {}):
        spec["mark"] = mark | {"aria": False}
    if mark["type"] == "area":
        spec["encoding"]["x"] = spec["encoding"]["x"] | {"stack": None}


def in_lines(*parts: str) -> dict[str, str]:
    """Return a title that is one line where the page has room for it, and else one line a part."""
    return {
        "expr": f"narrow ? {json.dumps(parts, ensure_ascii=False)} : {json.dumps(' '.join(parts), ensure_ascii=False)}"
    }


def text_style(
    color: str, size: int, *, dx: int = 0, dy: int = 0, weight: str = "normal", align: str = "left"
) -> dict[str, Any]:
    """Return the properties of a text mark."""
    return {
        "color": CPU_WORDS if color == CPU else color,
        "fontSize": size,
        "dx": dx,
        "dy": dy,
        "fontWeight": weight,
        "align": align,
        "baseline": "middle",
    }
