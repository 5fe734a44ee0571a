"""How much of a lesson's work a slow GPU is given, so that nobody waits for it for minutes.

CUDA devices and simulated GPUs get all of it. A GPU of WebGPU may be a small one, or software; it gets what is done in
time, and the lesson says so.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from gpu_lessons.arguments import require_count
from gpu_lessons.devices import CudaGpu, SimulatedGpu, WebGpu
from gpu_lessons.devices import gpu as any_gpu
from gpu_lessons.hardware.machines import machine
from gpu_lessons.units import format_time

__all__ = ["gpu_in_time", "numbers_in_time", "samples_in_time"]

#: Of a layer that a lesson calls some twenty times, and of one of some hundred products of a training step.
_LAYER_S, _PRODUCT_S = 0.5, 0.05
#: Of an elementwise kernel, which is measured several times.
_KERNEL_S = 0.2
_FEWEST, _MORE = 16, 4
_FEWEST_NUMBERS = 2**12


def samples_in_time(gpu: CudaGpu | WebGpu | SimulatedGpu, samples: int, width: int) -> int:
    """Return ``samples``; fewer, and say so, where a layer with so many takes longer than half a second.

    Parameters
    ----------
    gpu : what `gpu_lessons.gpu` returns
        One of WebGPU multiplies a few samples, then more, as long as that is quick.
    samples : int
        What the lesson is written for.
    width : int
        Neurons of the layer, and its inputs.

    Raises
    ------
    TypeError, ValueError
        If ``samples`` or ``width`` is no integer of at least 1.
    """
    fitting, product_s = _fitting(gpu, samples, width, _LAYER_S)
    if fitting < samples:
        print(
            f"A layer of {width:,} neurons takes {format_time(product_s)} with {fitting} samples on {gpu}. "
            f"So this lesson goes on with {fitting} samples instead of {samples:,}."
        )
    return fitting


def numbers_in_time(gpu: CudaGpu | WebGpu | SimulatedGpu, numbers: int, multiply_adds: int) -> int:
    """Return ``numbers``; fewer, and say so, where so many multiply-adds on each take longer than a fifth of a second.

    Parameters
    ----------
    gpu : what `gpu_lessons.gpu` returns
        The peak of one of WebGPU was looked at when it was opened.
    numbers, multiply_adds : int
        What the lesson is written for; ``numbers`` a power of two.

    Raises
    ------
    TypeError, ValueError
        If one of them is no integer of at least 1.
    """
    numbers, multiply_adds = require_count("numbers", numbers), require_count("multiply_adds", multiply_adds)
    if gpu.kind != "webgpu":
        return numbers
    number_s = 2 * multiply_adds / gpu.machine.peak_flops_per_s["float32"]
    fitting = numbers
    while fitting > _FEWEST_NUMBERS and fitting * number_s > _KERNEL_S:
        fitting //= 2
    if fitting < numbers:
        print(
            f"{numbers:,} numbers with {multiply_adds:,} multiply-adds on each take about "
            f"{format_time(numbers * number_s)} on {gpu}. So its times are those of {fitting:,} numbers."
        )
    return fitting


def gpu_in_time(gpu: CudaGpu | WebGpu | SimulatedGpu, samples: int, width: int) -> Callable[..., Any]:
    """Return `gpu_lessons.gpu`; a maker of simulated GPUs, and say so, where the steps of a lesson would take minutes.

    Parameters
    ----------
    gpu : what `gpu_lessons.gpu` returns
        One of WebGPU multiplies a few samples, then more, as long as that is quick.
    samples, width : int
        Of the lesson's layers.

    Raises
    ------
    TypeError, ValueError
        If ``samples`` or ``width`` is no integer of at least 1.
    """
    fitting, product_s = _fitting(gpu, samples, width, _PRODUCT_S)
    if fitting == samples:
        return any_gpu
    card = machine("nvidia-t4")
    print(
        f"A layer of {width:,} neurons takes {format_time(product_s)} with {fitting} samples on {gpu}, and this lesson "
        f"has {samples:,} samples and many layers. So it trains on a simulated {card.name}, which counts memory alike."
    )
    return partial(SimulatedGpu, card)


def _fitting(gpu: Any, samples: int, width: int, most_s: float) -> tuple[int, float]:  # noqa: ANN401
    """Return how many samples are multiplied in time, and the seconds of that product."""
    samples, width = require_count("samples", samples), require_count("width", width)
    if gpu.kind != "webgpu":
        return samples, 0.0
    weight = gpu.xp.ones((width, width), dtype="float32")
    fitting = min(_FEWEST, samples)
    product_s = _product_s(gpu, fitting, weight)
    while fitting < samples:
        more = min(_MORE * fitting, samples)
        if product_s * more / fitting > most_s:
            break
        fitting, product_s = more, _product_s(gpu, more, weight)
    return fitting, product_s


def _product_s(gpu: Any, samples: int, weight: Any) -> float:  # noqa: ANN401
    x = gpu.xp.ones((samples, weight.shape[0]), dtype="float32")
    x @ weight  # compiles
    gpu.synchronize()
    start_s: float = gpu.perf_counter()
    x @ weight
    gpu.synchronize()
    return float(gpu.perf_counter() - start_s)
