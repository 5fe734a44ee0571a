"""A GPU beside a CPU: each quantity as how many times as much the GPU has."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import altair as alt

from gpu_lessons.arguments import shown
from gpu_lessons.charts.bundle import Figure
from gpu_lessons.charts.theme import CPU, GPU, INK, MUTED, chart_config, four_digits, in_lines, text_style
from gpu_lessons.hardware.machines import Machine
from gpu_lessons.units import format_bytes, format_count, format_factor, format_rate

__all__ = ["compare_machines"]

#: What the makers' numbers mean, which differs from what a machine does all day.
_COUNTED = ["clocks: boost; arithmetic of the CPU: at base clock;", "memory of the CPU: the most it supports"]
#: Pixels of the axis, a Vega expression.
_REACH = "(narrow ? 220 : 360)"


def compare_machines(gpu: Machine, cpu: Machine) -> Figure:
    """Draw what a GPU has beside what a CPU has; quantities the catalogue lacks are left out.

    Parameters
    ----------
    gpu, cpu : Machine
        From `gpu_lessons.machine`.

    Raises
    ------
    TypeError
        If one of them is no machine.
    ValueError
        If ``gpu`` is no GPU, ``cpu`` no CPU, or the two have no known quantity in common.
    """
    for name, machine in (("gpu", gpu), ("cpu", cpu)):
        if not isinstance(machine, Machine):
            raise TypeError(f"{name} must be a Machine such as gl.machine('nvidia-t4'), got {shown(machine)}")
        if machine.kind != name:
            raise ValueError(f"{name} must be a {name.upper()} of the catalogue, got {machine.name}")
    rows = _rows(gpu, cpu)
    if not rows:
        raise ValueError(f"the catalogue knows no quantity of both {gpu.name} and {cpu.name}; choose others")
    parts = [f"{row['quantity']} {row['factor']} ({row['gpu']} against {row['cpu']})" for row in rows]
    sentence = f"{gpu.name} against {cpu.name}, data sheets ({_COUNTED}): {', '.join(parts)}."
    return Figure(partial(_chart, gpu, cpu, rows, sentence), sentence, rows, needed=756)


def _rows(gpu: Machine, cpu: Machine) -> list[dict[str, Any]]:
    pairs = (
        ("cores (SMs on the GPU)", gpu.sm_count, cpu.cores, format_count),
        ("clock", gpu.clock_hz, cpu.clock_hz, lambda value: format_rate(value, "Hz")),
        (
            "float32 arithmetic",
            gpu.peak_flops_per_s.get("float32"),
            cpu.peak_flops_per_s.get("float32"),
            lambda value: format_rate(value, "FLOP/s"),
        ),
        (
            "memory bandwidth",
            gpu.memory_bandwidth_bytes_per_s,
            cpu.memory_bandwidth_bytes_per_s,
            lambda value: format_rate(value, "B/s"),
        ),
        ("memory size", gpu.memory_bytes, cpu.max_memory_bytes, format_bytes),
        (
            "the link, against CPU memory",
            gpu.link_bandwidth_bytes_per_s,
            cpu.memory_bandwidth_bytes_per_s,
            lambda value: format_rate(value, "B/s"),
        ),
    )
    return [
        {
            "place": place,
            "quantity": quantity,
            "log10": four_digits(math.log10(of_gpu / of_cpu)),
            "factor": format_factor(of_gpu / of_cpu),
            "gpu": write(of_gpu),
            "cpu": write(of_cpu),
        }
        for place, (quantity, of_gpu, of_cpu, write) in enumerate(pairs)
        if of_gpu is not None and of_cpu is not None
    ]


def _chart(gpu: Machine, cpu: Machine, rows: list[dict[str, Any]], sentence: str) -> alt.LayerChart:
    reach = max(1.0, *(abs(row["log10"]) for row in rows)) + 1
    marks = list(range(-math.floor(reach), math.floor(reach) + 1))
    x_axis = alt.Axis(
        values=marks,
        labelExpr="datum.value === 0 ? 'equal' : datum.value > 0 ? pow(10, datum.value) + '×' : "
        "'1/' + pow(10, -datum.value)",
    )
    scale = alt.Scale(domain=[-reach, reach], range=[0, alt.ExprRef(_REACH)])
    x = alt.X("log10:Q", title=None, scale=scale, axis=x_axis)
    y = alt.Y(
        "quantity:N",
        title=None,
        sort=alt.SortField("place"),
        axis=alt.Axis(labelLimit=300, labelColor=INK, grid=False),
    )
    more = alt.condition("datum.log10 >= 0", alt.value(GPU), alt.value(CPU))
    tooltip = [alt.Tooltip("gpu:N", title=gpu.name), alt.Tooltip("cpu:N", title=cpu.name)]
    base = alt.Chart(alt.Data(values=rows))
    told = base.transform_calculate(
        told="datum.quantity + ', ' + datum.factor + ' as much: ' + datum.gpu + ' against ' + datum.cpu"
    )
    bars = told.mark_bar(size=16).encode(x=x, x2=alt.datum(0), y=y, color=more, tooltip=tooltip, description="told:N")
    layers = [bars, base.mark_rule(color=INK).encode(x=alt.datum(0))]
    for align, dx, of in (("left", 8, ">="), ("right", -8, "<")):
        text = base.transform_filter(f"datum.log10 {of} 0")
        layers.append(
            text.mark_text(**text_style(INK, 13, dx=dx, weight="bold", align=align)).encode(x=x, y=y, text="factor:N")
        )
    values = base.transform_calculate(both="datum.gpu + '  against  ' + datum.cpu")
    # Right of the axis, or below the name of the quantity.
    beside = {"value": alt.ExprRef(f"narrow ? -5 : 10 + {_REACH}")}
    below = text_style(MUTED, 11) | {
        "dy": alt.expr("narrow ? 16 : 0"),
        "align": alt.expr("narrow ? 'right' : 'left'"),
    }
    layers.append(values.mark_text(**below).encode(x=beside, y=y, text="both:N"))
    figure: alt.LayerChart = (
        alt.layer(*layers)
        .properties(
            width=1,
            height=46 * len(rows),
            description=sentence,
            padding=6,
            title={
                "frame": "bounds",
                "text": in_lines(gpu.name, f"against {cpu.name}"),
                "subtitle": ["how many times as much the GPU has; data sheets", *_COUNTED],
                "subtitleColor": MUTED,
                "subtitlePadding": 6,
            },
        )
        .configure(**chart_config())
    )
    return figure
