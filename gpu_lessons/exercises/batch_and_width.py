"""Checks of lesson 03."""

from __future__ import annotations

from gpu_lessons.hardware.machines import Machine, machine
from gpu_lessons.lessons.checks import check, compare
from gpu_lessons.model import predict
from gpu_lessons.work import Copy, DenseForward

__all__ = ["check_break_even_batch", "check_speedup_with_bus"]


def _layer(batch_size: int, width: int) -> DenseForward:
    return DenseForward(batch_size=batch_size, n_in=width, n_out=width)


def _break_even_batch(width: int, gpu: Machine, cpu: Machine) -> int:
    batch = 1
    while predict(_layer(batch, width), gpu).seconds >= predict(_layer(batch, width), cpu).seconds:
        batch *= 2
    return batch


def _speedup_with_bus(batch: int, width: int, gpu: Machine, cpu: Machine) -> float:
    layer = _layer(batch, width)
    copies_s = 2 * predict(Copy(batch * width * 4), gpu).seconds
    return predict(layer, cpu).seconds / (predict(layer, gpu).seconds + copies_s)


@check(
    hints=(
        "Start at batch 1 and double it until the GPU needs less time than the CPU.",
        "while seconds(batch, width, gpu) >= seconds(batch, width, cpu): what changes inside the loop?",
        "Inside the loop: batch = 2 * batch. After it: return batch",
    )
)
def check_break_even_batch(break_even_batch: object) -> str:
    """Judge the smallest power of two from which the GPU is faster."""
    gpu, cpu = machine("nvidia-t4"), machine("amd-ryzen-9-7950x")
    for width in (128, 64, 2048):
        compare(break_even_batch, (width, gpu, cpu), expected=_break_even_batch(width, gpu, cpu))
    return "Narrow layers need a large batch before the launch pays; wide ones do not."


@check(
    hints=(
        "The batch goes in, the result comes back: two copies, each of batch x width numbers.",
        "A float32 number has 4 bytes: gl.Copy(batch * width * 4).",
        "Divide the CPU's seconds by the GPU's seconds plus twice gl.predict(gl.Copy(batch * width * 4), gpu).seconds",
    )
)
def check_speedup_with_bus(speedup_with_bus: object) -> str:
    """Judge the speed-up when input and output cross the bus."""
    gpu, cpu = machine("nvidia-t4"), machine("amd-ryzen-9-7950x")
    for batch, width in ((256, 2048), (16, 512), (4096, 4096)):
        expected = _speedup_with_bus(batch, width, gpu, cpu)
        compare(speedup_with_bus, (batch, width, gpu, cpu), expected=expected, rtol=1e-3)
    return "The wider the layer, the more arithmetic each copied number pays for."
