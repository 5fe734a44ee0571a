"""The live display of the main explorer: ipywidgets around the same chart."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import Any

import altair as alt
import ipywidgets as widgets

from gpu_lessons.charts.batch_and_width import batch_and_width_chart
from gpu_lessons.charts.grid import Dot
from gpu_lessons.explorers.controls import chart_widget, let_set, say_errors, slider, widget_view
from gpu_lessons.explorers.layer_grid import BATCHES_LOG2, WIDTHS_LOG2, WORKS, LayerQuestion, cpu_dtype, layer_grid
from gpu_lessons.explorers.recorded_machines import recorded_machines, recording_of, source_of
from gpu_lessons.hardware.machines import Machine, machines
from gpu_lessons.measuring.refusal import refuse_measurement
from gpu_lessons.measuring.self_benchmark import CpuBenchmark, measure_this_cpu, this_cpu_if_measured
from gpu_lessons.measuring.timing import measure
from gpu_lessons.model import calibrate
from gpu_lessons.units import DTYPE_BYTES

__all__ = ["LiveBatchAndWidth"]

#: Seconds one measurement under the sliders may take.
MEASURE_BUDGET_S = 5.0
_HERE = "this machine"


class LiveBatchAndWidth:
    """Sliders, pickers and measuring buttons around the figure.

    Moving a slider only sets a parameter of the chart, which picks another row it already holds; a picker fills
    the grid anew. Nothing here raises into a callback unseen: every refusal is a sentence under the buttons.
    """

    def __init__(self, question: LayerQuestion, batch_log2: int, width_log2: int) -> None:
        self.question = question
        self._dots: list[tuple[LayerQuestion, Dot]] = []
        self._restoring = False
        self.batch = slider("batch size", _powers_of_two(BATCHES_LOG2), batch_log2)
        self.width = slider("layer width", _powers_of_two(WIDTHS_LOG2), width_log2)
        self.gpu = _picker("GPU", _named(_usable("gpu")), question.gpu, "255px")
        self.cpu = _picker("CPU", _named(_usable("cpu")), question.cpu, "310px")
        self.dtype = _picker("numbers", [(name, name) for name in DTYPE_BYTES], question.dtype, "165px")
        self.work = _picker("work", [(name, name) for name in WORKS], question.work, "175px")
        self.measure_cpu = widgets.Button(description="Measure this CPU (20 s at most)", layout={"width": "auto"})
        self.measure_here = widgets.Button(description="Measure here", disabled=True)
        self.progress = widgets.FloatProgress(max=1.0, layout={"visibility": "hidden"})
        self.message = widgets.HTML()
        self.figure = chart_widget(self._chart(question))
        self._connect()
        benchmark = this_cpu_if_measured()
        if benchmark is not None:
            self._offer(benchmark)

    def view(self) -> dict[str, Any]:
        """Return the widget view a mime bundle holds."""
        return widget_view(
            [
                widgets.HBox([self.batch, self.width], layout={"flex_flow": "row wrap"}),
                widgets.HBox([self.gpu, self.cpu, self.dtype, self.work], layout={"flex_flow": "row wrap"}),
                widgets.HBox([self.measure_cpu, self.measure_here, self.progress]),
                self.message,
                self.figure,
            ]
        )

    def _connect(self) -> None:
        let_set(self.batch, "batch_log2", self.figure, self.message)
        let_set(self.width, "width_log2", self.figure, self.message)
        for picker in (self.gpu, self.cpu, self.dtype, self.work):
            picker.observe(lambda _: say_errors(self.message, self._ask_again), "value")
        self.measure_cpu.on_click(lambda _: say_errors(self.message, self._measure_cpu))
        self.measure_here.on_click(lambda _: say_errors(self.message, self._measure_here))

    def _chart(self, question: LayerQuestion) -> alt.TopLevelSpec:
        grid = layer_grid(question)
        return batch_and_width_chart(grid, batch_log2=self.batch.value, width_log2=self.width.value, sliders=False)

    def _ask_again(self) -> None:
        if self._restoring:
            return
        try:
            question = self._chosen()
            chart = self._chart(question)
        except Exception:
            self._restore_pickers()
            raise
        self.question = question
        self.figure.chart = chart

    def _chosen(self) -> LayerQuestion:
        benchmark = this_cpu_if_measured()
        cpu: Machine = self.cpu.value
        here = benchmark is not None and cpu is benchmark.cpu
        question = replace(
            self.question,
            gpu=self.gpu.value,
            cpu=cpu,
            dtype=self.dtype.value,
            work=self.work.value,
            cpu_calibration=benchmark.calibration
            if here and benchmark
            else calibrate(cpu, cpu_dtype(self.dtype.value)),
            cpu_source="fitted to measurements here" if here else source_of(cpu),
            dots=(),
        )
        same = [dot for asked, dot in self._dots if _same_work(asked, question)] if here else []
        return replace(question, dots=tuple(same))

    def _restore_pickers(self) -> None:
        """Let the pickers say again what the figure shows."""
        self._restoring = True
        try:
            self.gpu.value, self.cpu.value = self.question.gpu, self.question.cpu
            self.dtype.value, self.work.value = self.question.dtype, self.question.work
        finally:
            self._restoring = False

    def _measure_cpu(self) -> None:
        self.measure_cpu.disabled = True
        self.progress.layout.visibility = "visible"
        try:
            benchmark = measure_this_cpu(again=this_cpu_if_measured() is not None, on_progress=self._report)
        finally:
            self.measure_cpu.disabled = False
            self.progress.layout.visibility = "hidden"
        self._offer(benchmark)
        if self.cpu.value is benchmark.cpu:
            self._ask_again()  # the same CPU with new numbers
        self.cpu.value = benchmark.cpu
        self.message.value = f"{benchmark.cpu.name}: {benchmark.calibration.basis}"

    def _report(self, share: float, what: str) -> None:
        self.progress.value = share
        self.message.value = f"Measuring this CPU: {what}"

    def _offer(self, benchmark: CpuBenchmark) -> None:
        self.measure_here.disabled = False
        if benchmark.cpu not in [cpu for _, cpu in self.cpu.options]:
            self.cpu.options = [(f"{_HERE}: {benchmark.cpu.name}", benchmark.cpu), *self.cpu.options]

    def _measure_here(self) -> None:
        benchmark = measure_this_cpu()
        if self.cpu.value is not benchmark.cpu:
            self.cpu.value = benchmark.cpu
        point = (self.batch.value, self.width.value)
        workload = self.question.workload(*point, self.question.cpu_dtype)
        refusal = refuse_measurement(workload, benchmark.calibration, MEASURE_BUDGET_S)
        if refusal:
            self.message.value = refusal
            return
        measurement = measure(workload, budget_s=MEASURE_BUDGET_S / 5)
        self._dots.append((self.question, Dot(*point, measurement.median_s)))
        self._ask_again()
        self.message.value = escape(str(measurement), quote=False).replace("\n", "<br>")


def _same_work(a: LayerQuestion, b: LayerQuestion) -> bool:
    return (a.cpu_dtype, a.work) == (b.cpu_dtype, b.work)


def _powers_of_two(exponents: range) -> list[tuple[str, int]]:
    return [(f"{2**exponent:,}", exponent) for exponent in exponents]


def _picker(description: str, options: list[tuple[str, Any]], value: object, width: str) -> widgets.Dropdown:
    return widgets.Dropdown(
        description=description,
        options=options,
        value=value,
        layout={"width": width},
        style={"description_width": "60px"},
    )


def _named(choices: list[Machine]) -> list[tuple[str, Machine]]:
    recorded = {choice: recording_of(choice) for choice in choices}
    return [
        (choice.name if recording is None else f"{choice.name}, recorded {recording.provenance.date}", choice)
        for choice, recording in recorded.items()
    ]


def _usable(kind: str) -> list[Machine]:
    """Return the machines of recordings and of the catalogue that the model has numbers for."""
    usable = []
    for candidate in (*recorded_machines(kind), *machines()):
        if candidate.kind != kind or (kind == "gpu" and candidate.memory_bytes is None):
            continue
        try:
            calibrate(candidate)
        except ValueError:  # the catalogue does not know enough of it
            continue
        usable.append(candidate)
    return usable
