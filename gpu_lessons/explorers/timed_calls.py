"""Fill the timeline figure: run a layer on a simulated GPU and take down what host and device did."""

from __future__ import annotations

from functools import lru_cache

from gpu_lessons.charts.call_record import Block, Call, CallRecord
from gpu_lessons.devices import SimulatedGpu
from gpu_lessons.devices.timeline import Span
from gpu_lessons.hardware.machines import machine
from gpu_lessons.nn import Dense

__all__ = ["BATCHES_LOG2", "WIDTHS", "call_record"]

BATCHES_LOG2 = range(12)
WIDTHS = (256, 512, 1024, 2048)


@lru_cache(maxsize=8)
def call_record(gpu: str, width: int) -> CallRecord:
    """Run one layer at every batch size, timed in every way.

    Parameters
    ----------
    gpu : str
        Slug of the card.
    width : int
        Inputs and neurons of the layer.
    """
    device = SimulatedGpu(machine(gpu))
    layer = Dense(width, width, xp=device.xp)
    for rows in (1, 2):  # the first call compiles; adding the bias to one row is another kernel than to many
        layer.forward(device.xp.ones((rows, width), dtype="float32"))
    return CallRecord(
        calls=[call for batch_log2 in BATCHES_LOG2 for call in _calls(device, layer, batch_log2)],
        gpu=f"{device.machine.name} (simulated, times predicted)",
        width=width,
        launch_s=device.call_overhead_s,
    )


def _calls(gpu: SimulatedGpu, layer: Dense, batch_log2: int) -> list[Call]:
    x = gpu.xp.ones((2**batch_log2, layer.weight.shape[0]), dtype="float32")
    start_s = _begin(gpu)
    y = layer.forward(x)
    asked = _call(gpu, batch_log2, 0, start_s)
    gpu.synchronize()
    waited = _call(gpu, batch_log2, 1, start_s)

    batch = x.get()
    del x, y
    start_s = _begin(gpu)
    layer.forward(gpu.to_device(batch)).get()
    return [asked, waited, _call(gpu, batch_log2, 2, start_s)]


def _begin(gpu: SimulatedGpu) -> float:
    gpu.synchronize()
    gpu.timeline.spans.clear()
    return gpu.perf_counter()


def _call(gpu: SimulatedGpu, batch_log2: int, clock: int, start_s: float) -> Call:
    """Read the clock, and return what has happened since ``start_s`` or is queued."""
    blocks = tuple(_block(span, start_s) for span in gpu.timeline.spans)
    return Call(batch_log2=batch_log2, clock=clock, blocks=blocks, stop_s=gpu.perf_counter() - start_s)


def _block(span: Span, start_s: float) -> Block:
    if span.place == "host":
        return Block(span.name, "host", span.name.partition(" ")[0], span.start_s - start_s, span.end_s - start_s)
    return Block(span.name, "device", span.place, span.start_s - start_s, span.end_s - start_s)
