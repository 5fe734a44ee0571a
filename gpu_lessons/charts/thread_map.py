"""From one neuron's value to the whole GPU: thread, warp, block and layer above the lanes and SMs they run on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import altair as alt

from gpu_lessons.arguments import shown
from gpu_lessons.charts.bundle import Figure
from gpu_lessons.charts.theme import GPU, INK, MUTED, chart_config, text_style
from gpu_lessons.hardware.machines import Machine

__all__ = ["plot_thread_map"]

WARP = 32
# The shape of many float32 products: 256 threads compute a tile, each of them 8 x 8 of its numbers.
TILE, BLOCK_THREADS, THREAD_RESULTS = 128, 256, 8
BATCH_SIZE = 1024
_DOWN = BATCH_SIZE // TILE

_BOX, _GAP, _LEFT = 160, 28, 60
_PICTURE, _WORK_TOP, _MACHINE_TOP, _LARGEST_CELL = 100, 24, 216, 40
_STEP, _HIGH = _BOX + _GAP, 376
_WORK, _MACHINE = ("#a7d8d2", GPU), ("#cbd5e1", INK)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Panel:
    """One picture: cells of which the first ``dark`` are marked, a name above, a note below."""

    name: str
    note: str
    cells: int
    columns: int
    dark: int


def plot_thread_map(gpu: Machine) -> Figure:
    """Draw how the values of a layer's neurons become threads, warps and blocks, and what of a GPU runs them.

    Parameters
    ----------
    gpu : Machine
        A GPU whose SMs, lanes and threads the catalogue knows. The layer has as many blocks as fit on its SMs.

    Raises
    ------
    TypeError
        If it is no machine.
    ValueError
        If ``gpu`` is no GPU, or the catalogue lacks one of these numbers.
    """
    if not isinstance(gpu, Machine):
        raise TypeError(f"gpu must be a Machine such as gl.machine('nvidia-t4'), got {shown(gpu)}")
    if gpu.kind != "gpu":
        raise ValueError(f"gpu must be a GPU of the catalogue, got {gpu.name}")
    for name in ("sm_count", "lanes_per_sm", "max_threads_per_sm"):
        if getattr(gpu, name) is None:
            raise ValueError(f"the catalogue has no {name} for {gpu.name}; choose another GPU")
    work, machine = _work(gpu), _machine(gpu)
    steps = [f"{above.name} ({above.note.replace(chr(10), ' ')})" for above in work]
    places = [f"{below.name} ({below.note.replace(chr(10), ' ')})" for below in machine]
    sentence = f"From a neuron to {gpu.name}: {', '.join(steps)}; they run on {', '.join(places)}."
    rows = [
        {"work": above.name, "of_work": above.note, "machine": below.name, "of_machine": below.note}
        for above, below in zip(work, machine, strict=True)
    ]
    return Figure(partial(_chart, work, machine, sentence), sentence, rows, needed=826)


def _blocks(sm_count: int) -> int:
    """Return the blocks of the widest layer that gives no SM a second one."""
    return _DOWN * max(1, sm_count // _DOWN)


def _work(gpu: Machine) -> list[_Panel]:
    assert gpu.sm_count is not None
    blocks = _blocks(gpu.sm_count)
    across = blocks // _DOWN
    sizes = f"{BATCH_SIZE:,} samples × {TILE * across:,} neurons"
    results = THREAD_RESULTS**2
    warps = BLOCK_THREADS // WARP
    return [
        _Panel(
            name="thread",
            note=f"{results} values; the dark one is\none neuron, one sample",
            cells=results,
            columns=THREAD_RESULTS,
            dark=1,
        ),
        _Panel(name="warp", note=f"{WARP} threads,\none instruction at a time", cells=WARP, columns=8, dark=1),
        _Panel(
            name="block", note=f"{warps} warps, one tile\nof {TILE} × {TILE} values", cells=warps, columns=4, dark=1
        ),
        _Panel(name="layer", note=f"{blocks} blocks,\n{sizes}", cells=blocks, columns=across, dark=1),
    ]


def _machine(gpu: Machine) -> list[_Panel]:
    assert gpu.sm_count is not None
    assert gpu.lanes_per_sm is not None
    assert gpu.max_threads_per_sm is not None
    slots = gpu.max_threads_per_sm // WARP
    warps = gpu.lanes_per_sm // WARP
    return [
        _Panel(name="lane", note="a “CUDA core”:\none multiply-add a clock", cells=1, columns=1, dark=1),
        _Panel(
            name=f"{gpu.lanes_per_sm} lanes",
            note=f"in each SM: enough\nfor {warps} warps a clock",
            cells=gpu.lanes_per_sm,
            columns=8 if gpu.lanes_per_sm <= 64 else 16,
            dark=min(WARP, gpu.lanes_per_sm),
        ),
        _Panel(
            name="SM",
            note=f"holds at most {slots} warps,\n{gpu.max_threads_per_sm:,} threads",
            cells=slots,
            columns=8,
            dark=min(slots, BLOCK_THREADS // WARP),
        ),
        _Panel(
            name="GPU",
            note=f"{gpu.sm_count} SMs,\n{gpu.name}",
            cells=gpu.sm_count,
            columns=max(8, -(-gpu.sm_count // 10)),
            dark=_blocks(gpu.sm_count),
        ),
    ]


def _chart(work: list[_Panel], machine: list[_Panel], sentence: str) -> alt.LayerChart:
    cells: list[dict[str, Any]] = []
    texts: list[dict[str, Any]] = []
    for panels, top, colors in ((work, _WORK_TOP, _WORK), (machine, _MACHINE_TOP, _MACHINE)):
        for place, panel in enumerate(panels):
            here = {"place": place}
            cells += [here | cell for cell in _cells(panel, top, colors)]
            texts += [
                here | {"x": 0, "y": top - 12, "text": panel.name, "style": "name"},
                here | {"x": 0, "y": top + _PICTURE + 18, "text": panel.note, "style": "note"},
            ]
            if place:
                arrow = {"x": -_GAP / 2 - 4, "y": top + _PICTURE / 2, "text": "→", "style": "arrow"}
                texts.append(here | arrow)
    texts += [
        {"place": place, "x": -_LEFT, "y": top - 12, "text": text, "style": "row"}
        for text, top in (("the work", _WORK_TOP), ("runs on", _MACHINE_TOP))
        for place in (0, 2)
    ]
    x = alt.X("at:Q", scale=alt.Scale(domain=[0, _HIGH], range=[0, _HIGH]), axis=None)
    y = alt.Y("down:Q", scale=alt.Scale(domain=[0, _HIGH], range=[0, _HIGH]), axis=None)
    rects = _placed(cells, "x2", "y2").mark_rect().encode(x=x, x2="at_x2:Q", y=y, y2="down_y2:Q", color=_own_color())
    styles = {
        "name": text_style(INK, 14, weight="bold"),
        "note": text_style(INK, 12),
        "arrow": text_style(MUTED, 18, align="center"),
        "row": text_style(MUTED, 13),
    }
    words = _placed(texts).transform_filter("datum.style !== 'row' || narrow || datum.place === 0")
    written = [
        words.transform_filter(f"datum.style === '{style}'")
        .mark_text(**properties, lineBreak="\n", lineHeight=17)
        .encode(x=x, y=y, text="text:N")
        for style, properties in styles.items()
    ]
    figure: alt.LayerChart = (
        alt.layer(rects, *written)
        .properties(
            width=1,
            height=_HIGH,
            description=sentence,
            padding=6,
            view=alt.ViewConfig(stroke=None),
            title={
                "text": "From one neuron to the whole GPU",
                "subtitle": ["above, dark is the picture to its left;", "below, dark is what the work above takes"],
                "subtitleColor": MUTED,
                "subtitlePadding": 6,
            },
        )
        .configure(**chart_config())
    )
    return figure


def _placed(values: list[dict[str, Any]], *ends: str) -> alt.Chart:
    """Return rows with their pixels in the figure: four pictures beside each other, or two above two."""
    left = f"{_LEFT} + datum.place % (narrow ? 2 : 4) * {_STEP}"
    top = f"(narrow ? floor(datum.place / 2) * {_HIGH + 20} : 0)"
    chart = alt.Chart(alt.Data(values=values)).transform_calculate(at=f"{left} + datum.x", down=f"{top} + datum.y")
    for end in ends:
        name, start = ("at_x2", left) if end == "x2" else ("down_y2", top)
        chart = chart.transform_calculate(**{name: f"{start} + datum.{end}"})
    return chart


def _own_color() -> alt.Color:
    return alt.Color("color:N", scale=None)


def _cells(panel: _Panel, top: float, colors: tuple[str, str]) -> list[dict[str, Any]]:
    """Return the cells of one picture, as large as fits its box, square, one pixel apart."""
    rows = -(-panel.cells // panel.columns)
    side = min(_BOX / panel.columns, _PICTURE / rows, _LARGEST_CELL)
    gap = 2 if side > 12 else 1
    return [
        {
            "x": round(place % panel.columns * side, 1),
            "x2": round((place % panel.columns + 1) * side - gap, 1),
            "y": round(top + place // panel.columns * side, 1),
            "y2": round(top + (place // panel.columns + 1) * side - gap, 1),
            "color": colors[place < panel.dark],
        }
        for place in range(panel.cells)
    ]
