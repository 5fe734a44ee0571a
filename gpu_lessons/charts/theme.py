"""One look for every chart: few colours, each with one meaning, told apart in grey as well."""

from __future__ import annotations

from typing import Any

__all__ = [
    "COMPUTE",
    "COPY_IN",
    "COPY_OUT",
    "CPU",
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
    "four_digits",
    "text_style",
    "vega_time",
]

INK, MUTED, GRID = "#1f2937", "#6b7280", "#e2e8f0"
# CPU and GPU are orange and teal everywhere; the pair differs in lightness and for every kind of colour blindness.
CPU, GPU = "#d97706", "#0f766e"
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


def count_label(exponent: str) -> str:
    """Return a Vega expression that writes two to the power of ``exponent`` as `units.format_count` does."""
    return f"({exponent} < 10 ? format(pow(2, {exponent}), ',') : format(pow(2, {exponent} - 10), ',') + 'k')"


def text_style(
    color: str, size: int, *, dx: int = 0, dy: int = 0, weight: str = "normal", align: str = "left"
) -> dict[str, Any]:
    """Return the properties of a text mark."""
    return {
        "color": color,
        "fontSize": size,
        "dx": dx,
        "dy": dy,
        "fontWeight": weight,
        "align": align,
        "baseline": "middle",
    }
