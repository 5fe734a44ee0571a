"""The figure of lesson 07: what a training step keeps at every batch, and what each way back needs and costs."""

from __future__ import annotations

from typing import Any

import altair as alt

from gpu_lessons.charts.composition import Panels, chosen_row, same_axis
from gpu_lessons.charts.theme import (
    COMPUTE,
    GPU,
    INK,
    LAUNCH,
    MEMORY_BLUES,
    MUTED,
    WARNING,
    count_label,
    text_style,
    vega_amount,
    vega_time,
)

__all__ = ["memory_limits_chart"]

_LEFT, _RIGHT, _GAP = 384, 290, 83
_HEIGHT, _ROW, _EDGE_WORDS = 420, 36, 54
_HERE = chosen_row("batch_log2", "width_log2", "depth")
_NO_FRAME = alt.ViewConfig(stroke="transparent")
#: What is kept: Vega expression, name and colour, from the bottom up.
_PARTS = (
    ("weights", "weights", MEMORY_BLUES[0]),
    ("gradients", "gradients", MEMORY_BLUES[1]),
    ("optimizer", "optimizer", MEMORY_BLUES[2]),
    ("activations", "activations", MEMORY_BLUES[3]),
    ("passing", "in flight", LAUNCH),
)
#: How high the axis and a bar go, as a multiple of what the card holds; above the bars there is room for words.
_TOP, _CUT = 2.5, 2.1


def memory_limits_chart(grid: Any) -> Panels:  # noqa: ANN401
    """Return the panels of the figure.

    Parameters
    ----------
    grid : MemoryGrid
        Its rows, its ways to train, and the card. The parameters ``batch_log2``, ``width_log2`` and ``depth`` choose a
        row.
    """
    over = alt.when(f"datum.way0_bytes > {grid.memory_bytes}").then(alt.value(WARNING)).otherwise(alt.value(GPU))
    names = [way.name for way in grid.ways]
    return Panels(
        columns=[[_kept(grid)], [_needed(names, grid.memory_bytes), _times(names, grid.memory_bytes)]],
        width=_LEFT + _RIGHT + _GAP,
        names=[(GPU, grid.card), (MUTED, grid.source)],
        color=over,
        spacing=26,
    )


def _kept(grid: Any) -> alt.LayerChart:  # noqa: ANN401
    """Return a bar a batch of what a step keeps, the card's memory and the largest batch that fits."""
    card = grid.memory_bytes
    batches = sorted({point.batch_log2 for point in grid.points})
    first, last = batches[0] - 0.6, batches[-1] + 0.6
    x = alt.X(
        "left:Q",
        title="batch size",
        scale=alt.Scale(domain=[first, last], nice=False),
        axis=alt.Axis(grid=False, values=batches, labelExpr=count_label("datum.value"), labelOverlap=True),
    )
    y = alt.Y(
        "low:Q",
        title=None,
        scale=alt.Scale(domain=[0, _TOP * card], nice=False),
        axis=alt.Axis(
            values=[card * share for share in (0, 0.5, 1, 1.5, 2)], labelExpr=vega_amount("datum.value", "B")
        ),
    )
    network = alt.Chart().transform_filter("datum.width_log2 === width_log2 && datum.depth === depth")
    fields: list[str | alt.FieldName] = [field for field, *_ in _PARTS]
    colors = alt.Color("part:N", legend=None, scale=alt.Scale(domain=fields, range=[color for *_, color in _PARTS]))
    bars = (
        network.transform_calculate(gradients="datum.weights")
        .transform_fold(fields, as_=["part", "size"])
        .transform_calculate(place=f"indexof({fields}, datum.part)")
        .transform_stack(
            stack="size",
            as_=["from", "to"],
            groupby=["batch_log2"],
            sort=[alt.SortField("place", "ascending")],
        )
        .transform_calculate(
            left="datum.batch_log2 - 0.4",
            right="datum.batch_log2 + 0.4",
            low=f"min(datum.from, {_CUT * card})",
            high=f"min(datum.to, {_CUT * card})",
        )
        .mark_rect()
        .encode(x=x, x2="right:Q", y=y, y2="high:Q", color=colors)
    )
    layers = [bars, *_cliff(network, x, y, (first, last), card), *_card_line(grid, y), *_ledger()]
    return alt.layer(*layers).properties(width=_LEFT, height=_HEIGHT, title="What a training step keeps")


def _cliff(network: alt.Chart, x: alt.X, y: alt.Y, ends: tuple[float, float], card: int) -> list[alt.Chart]:
    """Shade the batches that do not fit, draw the largest that does, and outline the chosen one."""
    here = network.transform_filter("datum.batch_log2 === batch_log2")
    first, last = ends
    at = f"datum.largest > 0 ? log(datum.largest) / LN2 : {first}"
    edge = here.transform_calculate(edge=f"clamp({at}, {first}, {last})", end=f"{last}")
    beside = text_style(WARNING, 12) | {
        "align": alt.expr("datum.edge > 13 ? 'right' : 'left'"),
        "dx": alt.expr("datum.edge > 13 ? -6 : 6"),
    }
    said = edge.transform_calculate(
        said="datum.largest > 0 ? 'largest batch that fits: ' + format(datum.largest, ',') : 'no batch fits'"
    )
    chosen = {"fillOpacity": 0, "stroke": INK, "strokeWidth": 2.5}
    box = here.transform_calculate(
        left="datum.batch_log2 - 0.4",
        right="datum.batch_log2 + 0.4",
        low="0",
        high=f"min(datum.way0_bytes, {_CUT * card})",
    )
    return [
        edge.mark_rect(color=WARNING, opacity=0.09).encode(
            x=same_axis(x, "edge:Q"), x2="end:Q", y=alt.value(0), y2=alt.value(_HEIGHT)
        ),
        edge.transform_filter(f"datum.edge < {last}")
        .mark_rule(color=WARNING, strokeWidth=1.5)
        .encode(x=same_axis(x, "edge:Q"), y=alt.value(0), y2=alt.value(_HEIGHT)),
        said.mark_text(**beside, stroke="white", strokeWidth=4).encode(
            x=same_axis(x, "edge:Q"), y=alt.value(_EDGE_WORDS), text="said:N"
        ),
        said.mark_text(**beside).encode(x=same_axis(x, "edge:Q"), y=alt.value(_EDGE_WORDS), text="said:N"),
        box.mark_rect(**chosen).encode(x=x, x2="right:Q", y=y, y2="high:Q"),
    ]


def _card_line(grid: Any, y: alt.Y) -> list[alt.Chart]:  # noqa: ANN401
    card = alt.Chart(alt.Data(values=[{"low": grid.memory_bytes, "said": grid.card}]))
    name = text_style(WARNING, 12, dx=4, dy=-9, weight="bold")
    return [
        card.mark_rule(color=WARNING, strokeWidth=2.5).encode(y=y),
        card.mark_text(**name, stroke="white", strokeWidth=4).encode(x=alt.value(0), y=y, text="said:N"),
        card.mark_text(**name).encode(x=alt.value(0), y=y, text="said:N"),
    ]


def _ledger() -> list[alt.Chart]:
    """Return the entries of the chosen step, each beside a square of its colour."""
    here = alt.Chart().transform_filter(_HERE).transform_calculate(gradients="datum.weights")
    layers = []
    for place, (field, name, color) in enumerate(_PARTS):
        x = 8 + 78 * place
        entry = here.transform_calculate(name=f"'{name}'", said=vega_amount(f"datum.{field}", "B"))
        for style, row, text in ((text_style(MUTED, 11, dx=12), 14, "name:N"), (text_style(INK, 12), 32, "said:N")):
            layers.append(entry.mark_text(**style).encode(x=alt.value(x - 5), y=alt.value(row), text=text))
        layers.append(entry.mark_square(size=70, opacity=1, color=color).encode(x=alt.value(x), y=alt.value(14)))
    return layers


def _ways(names: list[str], unit: str) -> alt.Chart:
    """Return one row a way of the chosen network: its place, its name, what it needs and what it costs."""
    fields: list[str | alt.FieldName] = [f"way{place}_{unit}" for place in range(len(names))]
    ways: alt.Chart = (
        alt.Chart()
        .transform_filter(_HERE)
        .transform_fold(fields, as_=["field", "size"])
        .transform_calculate(place=f"indexof({fields}, datum.field)", end="0")
        .transform_calculate(
            name=f"{names}[datum.place]",
            needed=f"[{', '.join(f'datum.way{place}_bytes' for place in range(len(names)))}][datum.place]",
        )
    )
    return ways


def _needed(names: list[str], card: int) -> alt.LayerChart:
    """Return the bytes of each way, and the card's memory as a line."""
    ways = _ways(names, "bytes")
    y = alt.Y("place:O", axis=None, scale=alt.Scale(domain=list(range(len(names)))))
    x = alt.X("shown:Q", axis=None, scale=alt.Scale(domain=[0, 1.5 * card], nice=False))
    color = alt.when(f"datum.size > {card}").then(alt.value(WARNING)).otherwise(alt.value(MEMORY_BLUES[2]))
    ends = ways.transform_calculate(shown=f"min(datum.size, {1.2 * card})", said=vega_amount("datum.size", "B"))
    bars = ends.mark_bar(height=13, yOffset=8).encode(x=x, x2="end:Q", y=y, color=color)
    rule = alt.Chart(alt.Data(values=[{"shown": card}])).mark_rule(color=WARNING, strokeWidth=2).encode(x=x)
    style, words = text_style(INK, 12, dx=5, dy=8), {"x": x, "y": y, "text": "said:N"}
    halo = ends.mark_text(**style, stroke="white", strokeWidth=4).encode(**words)
    value = ends.mark_text(**style).encode(**words, color=_color_of(card))
    layers = [bars, rule, _names(ways, y), halo, value]
    return alt.layer(*layers).properties(
        width=_RIGHT, height=_ROW * len(names), title="As it is, and four ways back", view=_NO_FRAME
    )


def _times(names: list[str], card: int) -> alt.LayerChart:
    """Return the predicted time of a step for each way that fits, as a bar and beside the first one's."""
    ways = _ways(names, "s").transform_calculate(share="datum.size / datum.way0_s", fits=f"datum.needed <= {card}")
    y = alt.Y("place:O", axis=None, scale=alt.Scale(domain=list(range(len(names)))))
    x = alt.X("share:Q", axis=None, scale=alt.Scale(domain=[0, 2.6], nice=False, clamp=True))
    bars = ways.transform_filter("datum.fits").mark_bar(height=13, yOffset=8, color=COMPUTE)
    said = ways.transform_calculate(
        shown="datum.fits ? datum.share : 0",
        said=f"datum.fits ? {vega_time('datum.size')} + ', ' + format(datum.share, '.0%') : 'cannot run'",
    )
    value = said.mark_text(**text_style(INK, 12, dx=5, dy=8)).encode(
        x=same_axis(x, "shown:Q"), y=y, text="said:N", color=_color_of(card)
    )
    layers = [bars.encode(x=x, x2="end:Q", y=y), _names(ways, y), value]
    return alt.layer(*layers).properties(
        width=_RIGHT, height=_ROW * len(names), title="Time of a step, as it is = 100%", view=_NO_FRAME
    )


def _color_of(card: int) -> Any:  # noqa: ANN401
    """Return the colour of words about a way: a warning where it does not fit."""
    return alt.when(f"datum.needed > {card}").then(alt.value(WARNING)).otherwise(alt.value(INK))


def _names(ways: alt.Chart, y: alt.Y) -> alt.Chart:
    named: alt.Chart = ways.mark_text(**text_style(INK, 12, dy=-7)).encode(x=alt.value(0), y=y, text="name:N")
    return named
