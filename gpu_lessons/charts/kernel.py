"""The figure of lesson 12: a ladder of kernels against the library, their roofs, and what a block takes of an SM."""

from __future__ import annotations

from typing import Any

import altair as alt

from gpu_lessons.charts.composition import Panels, chosen_row, same_axis
from gpu_lessons.charts.theme import (
    GPU,
    GRID,
    INK,
    LAUNCH,
    MUTED,
    WARNING,
    four_digits,
    text_style,
    vega_time,
)

__all__ = ["kernel_chart"]

_LEFT, _RIGHT, _GAP = 350, 330, 106
_HERE = chosen_row("step", "tile")
_NO_FRAME = alt.ViewConfig(stroke="transparent")
#: Pixels of a rung: its name, and the bar below.
_RUNG, _NAME_AT, _BAR_AT, _BAR = 42, 12, 28, 12
#: The other steps: lighter, in grey as well.
_OTHER = "#a7d8d2"
_RING = {"filled": True, "fill": "white", "stroke": INK, "strokeWidth": 2.5, "size": 110, "opacity": 1}
#: FLOP a byte at both ends of the axis.
_FEWEST, _MOST = 0.06, 200.0
#: A Vega expression that writes ``datum.share``.
_PER_CENT = "format(datum.share, datum.share < 0.0995 ? '.1%' : '.0%')"
_PARTS = (
    ("arithmetic_s", "arithmetic"),
    ("requests_s", "load and store requests"),
    ("passes_s", "their lines and banks"),
    ("l2_s", "L2 cache"),
    ("memory_s", "memory"),
)


def kernel_chart(grid: Any) -> Panels:  # noqa: ANN401
    """Return the panels of the figure.

    Parameters
    ----------
    grid : KernelGrid
        Its ladder, its roofs, the limits of an SM, and who is predicted. The parameters ``step`` and ``tile`` choose a
        row.
    """
    color = alt.when("datum.misfit !== null").then(alt.value(WARNING)).otherwise(alt.value(GPU))
    return Panels(
        columns=[[_ladder(grid), _block(grid)], [_roofs(grid), _parts()]],
        width=_LEFT + _RIGHT + _GAP,
        names=[(GPU, grid.gpu_name)],
        color=color,
        spacing=22,
    )


def _here() -> alt.Chart:
    return alt.Chart().transform_filter(_HERE)


def _ladder(grid: Any) -> alt.LayerChart:  # noqa: ANN401
    """Return a bar for each step; the chosen one has the chosen tile, the others those of the lesson."""
    rungs, published_by = grid.ladder, grid.published_by
    bottom = _RUNG * len(rungs)
    height = bottom + (24 if published_by else 6)
    x = alt.X(
        "share:Q",
        title="share of the library's speed",
        scale=alt.Scale(domain=[0, 1], nice=False),
        axis=alt.Axis(grid=False, values=[0, 0.25, 0.5, 0.75, 1], format=".0%"),
    )
    y = alt.Y("at:Q", axis=None, scale=alt.Scale(domain=[height, 0], nice=False))

    def down(rows: alt.Chart, number: str) -> alt.Chart:
        above = f"{_RUNG} * (datum.{number} - 1)"
        placed: alt.Chart = rows.transform_calculate(at=f"{above} + {_BAR_AT}", name_at=f"{above} + {_NAME_AT}")
        return placed.transform_calculate(said=f"datum.title + (isValid(datum.share) ? ':  ' + {_PER_CENT} : '')")

    every = down(alt.Chart(alt.Data(values=rungs)), "rung")
    others, here = every.transform_filter("datum.rung !== step"), down(_here(), "step")
    misfit = here.transform_filter("datum.misfit !== null")
    layers = []
    for rows, color, weight in ((others, _OTHER, "normal"), (here, GPU, "bold")):
        bar = rows.transform_filter("isValid(datum.share)").mark_bar(color=color, size=_BAR)
        name = rows.mark_text(**text_style(INK, 12, dx=2, weight=weight))
        layers += [
            bar.encode(x=x, x2=alt.X2Datum(0), y=y),
            name.encode(x=alt.value(0), y=same_axis(y, "name_at:Q"), text="said:N", description="said:N"),
        ]
    why = misfit.mark_text(**text_style(WARNING, 12, dx=2))
    layers.append(why.encode(x=alt.value(0), y=y, text="misfit:N", description="misfit:N"))
    if published_by:
        diamond = {"shape": "diamond", "fill": "white", "stroke": INK, "strokeWidth": 1.5, "size": 70, "opacity": 1}
        credit = alt.Chart(alt.Data(values=[{"at": bottom + 12, "who": f"published by {published_by}; other tiles"}]))
        told = every.transform_calculate(told="datum.title + ', published: ' + format(datum.published, '.2~p')")
        layers += [
            told.mark_point(**diamond).encode(x=same_axis(x, "published:Q"), y=y, description="told:N"),
            credit.mark_point(**diamond).encode(x=alt.value(8), y=y),
            credit.mark_text(**text_style(MUTED, 11, dx=18)).encode(x=alt.value(0), y=y, text="who:N"),
        ]
    return alt.layer(*layers).properties(width=_LEFT, height=height, title="The ladder")


def _block(grid: Any) -> alt.LayerChart:  # noqa: ANN401
    """Return what a block takes of what an SM, or a thread, has."""
    limits = grid.limits
    room = limits["shared_bytes"]
    words = {
        "shared_bytes": f"'shared memory: ' + format(datum.taken / 1024, ',~') + ' of {room // 1024:,} KiB'",
        "threads": f"'threads: ' + format(datum.taken, ',') + ' of {limits['threads']:,}'",
        "numbers": f"'numbers a thread keeps: ' + format(datum.taken, ',') + ' of {limits['numbers']:,} registers'",
    }
    fields = list(limits)
    said = " : ".join(f"datum.field === '{field}' ? {text}" for field, text in words.items()) + " : ''"
    taken = (
        _here()
        .transform_fold(fields, as_=["field", "taken"])
        .transform_calculate(place=f"indexof({fields}, datum.field)", said=said)
        .transform_calculate(
            share=f"datum.taken / {list(limits.values())}[datum.place]",
            at="40 * datum.place + 26",
            above="40 * datum.place + 10",
        )
        .transform_calculate(to="min(1, datum.share)", all="1")
    )
    x = alt.X("all:Q", axis=None, scale=alt.Scale(domain=[0, 1], nice=False))
    y = alt.Y("at:Q", axis=None, scale=alt.Scale(domain=[3 * 40, 0], nice=False))
    color = alt.when("datum.share > 1").then(alt.value(WARNING)).otherwise(alt.value(LAUNCH))
    ink = alt.when("datum.share > 1").then(alt.value(WARNING)).otherwise(alt.value(INK))
    zero = alt.X2Datum(0)
    layers = [
        taken.mark_bar(color="#f1f5f9", stroke=GRID, size=10).encode(x=x, x2=zero, y=y),
        taken.mark_bar(size=10).encode(x=same_axis(x, "to:Q"), x2=zero, y=y, color=color),
        taken.mark_text(**text_style(INK, 12)).encode(
            x=alt.value(0), y=same_axis(y, "above:Q"), text="said:N", color=ink, description="said:N"
        ),
    ]
    return alt.layer(*layers).properties(
        width=_LEFT, height=3 * 40, title="What a block takes, and what there is", view=_NO_FRAME
    )


def _roofs(grid: Any) -> alt.LayerChart:  # noqa: ANN401
    """Return the steps under the roofs of memory and caches, by FLOP for each byte that they ask for."""
    roof, ladder = grid.roof, grid.ladder
    peak = roof.flops_per_s
    lowest = min(row["rate"] for row in [*ladder, *grid.rows()] if row["rate"]) / 3e9
    x = alt.X(
        "intensity:Q",
        title="FLOP for each byte asked for",
        scale=alt.Scale(type="log", domain=[_FEWEST, _MOST], nice=False),
        axis=alt.Axis(values=[0.1, 1, 10, 100], labelExpr="format(datum.value, ',')"),
    )
    y = alt.Y(
        "gflops:Q",
        title="GFLOP/s",
        scale=alt.Scale(type="log", domain=[four_digits(lowest), four_digits(3 * peak / 1e9)], nice=False),
        axis=alt.Axis(values=[10.0**e for e in range(7)], labelExpr="format(datum.value, ',')"),
    )
    layers = []
    for name, bytes_per_s, style in (
        ("memory", roof.memory_bytes_per_s, {"strokeWidth": 3}),
        ("L2", roof.cache_bytes_per_s, {"strokeWidth": 1.5, "strokeDash": [6, 3]}),
        ("L1", grid.l1_bytes_per_s, {"strokeWidth": 1.5, "strokeDash": [2, 2]}),
    ):
        corners = [_corner(at, bytes_per_s, peak) for at in (_FEWEST, peak / bytes_per_s, _MOST)]
        # Memory right of its line and low, where no step is; the caches left of theirs and high.
        at, words = (0.55 * peak / bytes_per_s, text_style(GPU, 11, dx=-8, align="right"))
        if name == "memory":
            at, words = (1.8e9 * lowest / bytes_per_s, text_style(GPU, 11, dx=8))
        named = alt.Chart(alt.Data(values=[_corner(at, bytes_per_s, peak) | {"name": name}]))
        line = alt.Chart(alt.Data(values=corners)).mark_line(color=GPU, clip=True, **style)
        layers += [line.encode(x=x, y=y), named.mark_text(**words).encode(x=x, y=y, text="name:N")]
    path = alt.Chart().transform_filter("datum.step === step && datum.misfit === null")
    path = path.transform_calculate(gflops="datum.rate / 1e9", name="'tile ' + datum.tile")
    rungs = alt.Chart(alt.Data(values=ladder)).transform_calculate(gflops="datum.rate / 1e9")
    ends = path.transform_filter("datum.tile !== tile")
    above = f"datum.rate > datum.intensity * {roof.memory_bytes_per_s:.4g}"
    layers += [
        path.mark_line(color=INK, strokeWidth=1.5).encode(x=x, y=y, order="tile:Q"),
        path.mark_point(filled=True, color=INK, size=24, opacity=1).encode(x=x, y=y),
        rungs.mark_point(filled=True, color=LAUNCH, size=60, opacity=1).encode(x=x, y=y),
        path.transform_filter(_HERE).mark_point(**_RING).encode(x=x, y=y),
    ]
    # The smallest tile on that side of the roof of memory on which it is; the largest right of the others.
    for when, style in (
        (f"datum.end === 'smallest' && {above}", text_style(INK, 11, dy=13, align="right")),
        (f"datum.end === 'smallest' && !({above})", text_style(INK, 11, dy=13)),
        ("datum.end === 'largest'", text_style(INK, 11, dx=3, dy=12)),
    ):
        layers.append(ends.transform_filter(when).mark_text(**style).encode(x=x, y=y, text="name:N"))
    # Steps 4 and 5 lie close together, or on each other.
    for steps, style in (
        ((1, 2, 5), text_style(INK, 12, dy=-14, align="center", weight="bold")),
        ((3, 4), text_style(INK, 12, dx=9, dy=11, weight="bold")),
    ):
        number = rungs.transform_filter(f"indexof({list(steps)}, datum.rung) >= 0").mark_text(**style)
        layers.append(number.encode(x=x, y=y, text="rung:N"))
    return alt.layer(*layers).properties(width=_RIGHT, height=216, title="Under the roofs of memory and caches")


def _corner(intensity: float, bytes_per_s: float, peak: float) -> dict[str, float]:
    return {"intensity": four_digits(intensity), "gflops": four_digits(min(peak, intensity * bytes_per_s) / 1e9)}


def _parts() -> alt.LayerChart:
    """Return the seconds that each resource needs alone; the longest of them is the kernel's time."""
    fields: list[str | alt.FieldName] = [field for field, _ in _PARTS]
    parts = (
        _here()
        .transform_filter("datum.misfit === null")
        .transform_calculate(longest=f"max({', '.join(f'datum.{field}' for field in fields)})")
        .transform_fold(fields, as_=["part", "seconds"])
        .transform_calculate(
            place=f"indexof({fields}, datum.part)",
            share="datum.seconds / datum.longest",
            name=f"{[name for _, name in _PARTS]}[indexof({fields}, datum.part)]",
            said=vega_time("datum.seconds"),
        )
        .transform_calculate(at="24 * datum.place + 12", told="datum.name + ', ' + datum.said")
    )
    names = 160
    x = alt.X("share:Q", axis=None, scale=alt.Scale(domain=[0, 1], range=[names, _RIGHT - 60], nice=False))
    y = alt.Y("at:Q", axis=None, scale=alt.Scale(domain=[24 * len(fields), 0], nice=False))
    color = alt.when("datum.share === 1").then(alt.value(GPU)).otherwise(alt.value(_OTHER))
    no_time = (
        _here()
        .transform_filter("datum.misfit !== null")
        .mark_text(**text_style(MUTED, 12), text="none: it does not fit")
    )
    layers = [
        no_time.encode(x=alt.value(0), y=alt.value(12)),
        parts.mark_bar(size=10).encode(x=x, x2=alt.X2Datum(0), y=y, color=color),
        parts.mark_text(**text_style(INK, 12)).encode(x=alt.value(0), y=y, text="name:N"),
        parts.mark_text(**text_style(INK, 12, dx=5)).encode(x=x, y=y, text="said:N", description="told:N"),
    ]
    return alt.layer(*layers).properties(
        width=_RIGHT, height=24 * len(fields), title="Time of each alone: the longest decides", view=_NO_FRAME
    )
