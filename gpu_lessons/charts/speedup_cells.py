"""A map in cells: how many times as fast as the CPU, by two sizes, and the line where both take equally long."""

from __future__ import annotations

from typing import Any, NamedTuple

import altair as alt

from gpu_lessons.charts.composition import same_axis
from gpu_lessons.charts.theme import INK, NOTHING, text_style, vega_factor

__all__ = ["Side", "speedup_cells"]


class Side(NamedTuple):
    """One side of the map: the field of its powers of two, title, the exponents of its cells, Vega's label of one."""

    field: str
    title: str
    exponents: range
    label: str

    @property
    def half(self) -> float:
        """Half a cell."""
        step = self.exponents.step
        return step // 2 if step % 2 == 0 else step / 2

    def ends(self) -> list[float]:
        """Return where the outer cells end."""
        return [self.exponents[0] - self.half, self.exponents[-1] + self.half]


def speedup_cells(
    x: Side, y: Side, *, ratio: str, told: str, shown: str, chosen: str, level: list[dict[str, Any]]
) -> alt.LayerChart:
    """Return the map, without a size.

    Parameters
    ----------
    x, y : Side
        What lies along it, and what rises.
    ratio, told : str
        Vega expressions over a row: CPU time over GPU time, and the ratio that is written into its cell.
    shown, chosen : str
        Vega filters: the rows of the map as the controls stand, and among them the one they choose.
    level : list of dict
        Places of the break-even line: a value of ``x.field`` with its ``level``, and what ``shown`` asks for.
    """
    across = alt.X(
        "left:Q",
        title=x.title,
        scale=alt.Scale(domain=x.ends(), nice=False),
        axis=alt.Axis(grid=False, values=list(x.exponents), labelExpr=x.label),
    )
    up = alt.Y(
        "low:Q",
        title=y.title,
        scale=alt.Scale(domain=y.ends(), nice=False),
        axis=alt.Axis(grid=False, values=list(y.exponents), labelExpr=y.label),
    )
    cells = (
        alt.Chart()
        .transform_filter(shown)
        .transform_calculate(
            left=f"datum.{x.field} - {x.half}",
            right=f"datum.{x.field} + {x.half}",
            low=f"datum.{y.field} - {y.half}",
            high=f"datum.{y.field} + {y.half}",
            gain=f"log({ratio}) / LN10",
            factor=f"datum.fits ? {vega_factor(told)} : ''",
        )
    )
    scale = alt.Scale(domain=[-2, 2], scheme="brownbluegreen", clamp=True)
    color = alt.when("datum.fits").then(alt.Color("gain:Q", scale=scale, legend=None)).otherwise(alt.value(NOTHING))
    box = {"x": across, "x2": "right:Q", "y": up, "y2": "high:Q"}
    ink = alt.when("abs(datum.gain) > 1.3").then(alt.value("white")).otherwise(alt.value(INK))
    middle = same_axis(across, f"{x.field}:Q")
    said = cells.mark_text(**text_style(INK, 11, align="center")).encode(
        x=middle, y=alt.Y(f"{y.field}:Q"), text="factor:N", color=ink
    )
    frame = cells.transform_filter(chosen).mark_rect(fillOpacity=0, stroke=INK, strokeWidth=2.5)
    layers = [cells.mark_rect().encode(color=color, **box), said, frame.encode(**box)]
    if level:
        line = alt.Chart(alt.Data(values=level)).transform_filter(shown)
        border = line.mark_line(color=INK, strokeWidth=2, strokeDash=[5, 3], clip=True)
        layers.insert(2, border.encode(x=middle, y=alt.Y("level:Q")))
    return alt.layer(*layers).properties(title="Times as fast as the CPU, everywhere")
