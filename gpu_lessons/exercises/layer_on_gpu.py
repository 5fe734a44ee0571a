"""Checks of lesson 02."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gpu_lessons.devices import SimulatedGpu
from gpu_lessons.hardware.arrays import to_numpy
from gpu_lessons.hardware.machines import machine
from gpu_lessons.lessons.checks import LateAnswerError, WrongAnswerError, check, compare
from gpu_lessons.nn import Dense

__all__ = ["check_epoch_on_gpu", "check_time_forward"]

# Large enough that the launch is little of the time: the average of many calls is right too.
_SIZE, _RTOL = 1024, 0.02
_Case = tuple[SimulatedGpu, Dense, Any]


def _fresh() -> _Case:
    """Return a GPU on which nothing has run yet, and a layer and a batch on it."""
    gpu = SimulatedGpu(machine("nvidia-t4"))
    return gpu, Dense(_SIZE, _SIZE, xp=gpu.xp), gpu.xp.ones((_SIZE, _SIZE), dtype="float32")


def _busy() -> _Case:
    """Return a GPU that has compiled everything and still works on something else."""
    gpu, layer, x = _fresh()
    layer.forward(x.copy())
    for _ in range(4):
        layer.forward(x)
    return gpu, layer, x


def _readings() -> dict[str, float]:
    """Return what a clock says of the forward pass, read in each of the ways a learner may choose."""
    gpu, layer, x = _fresh()

    def seconds_of(call: Callable[[], object], wait: Callable[[], None] = gpu.synchronize) -> float:
        gpu.synchronize()
        start_s = gpu.perf_counter()
        call()
        wait()
        return gpu.perf_counter() - start_s

    return {
        "first call": seconds_of(lambda: layer.forward(x)),
        "right": seconds_of(lambda: layer.forward(x)),
        "product": seconds_of(lambda: x @ layer.weight),
        "copy": seconds_of(lambda: layer.forward(x).get()),
        "launch": seconds_of(lambda: layer.forward(x), wait=lambda: None),
    }


_EXPLANATIONS = {
    "launch": "That is the launch. Wait for the device before the second reading too.",
    "busy": "The device was still busy when the clock started. Wait for it before the first reading too.",
    "first call": "That is the first call, in which kernels are compiled. Call the layer once before the clock starts.",
    "product": "That is the product without the bias. Time layer.forward(x).",
    "copy": "That is the layer and a copy to the host. Wait for the device without moving anything.",
    "other clock": "That is another clock. Read gpu.perf_counter().",
    "unit": "That is the right time in another unit. Return seconds, as the clock gives them.",
    "sign": "That is the first reading minus the second.",
}


@check(
    hints=(
        "Call the layer once before anything is timed, so that its kernels are compiled.",
        "Whenever you read the clock the device may still be busy. Which line waits for it?",
        "In this order: forward, synchronize, read the clock, forward, synchronize, read the clock.",
    )
)
def check_time_forward(time_forward: object) -> str:
    """Judge an honest timer by the virtual clock of two GPUs: one still busy, one on which nothing has run yet."""
    readings = _readings()
    for case in (_busy, _fresh):
        try:
            compare(time_forward, case(), expected=_rounded(readings["right"]), rtol=_RTOL, seen=_rounded)
        except LateAnswerError:  # calling it again would take as long again
            raise
        except WrongAnswerError as wrong:
            raise WrongAnswerError(f"{wrong} {_explanation(time_forward, case, readings)}".rstrip()) from None
    return "Warm, and waited for on both sides: that is the time of the layer."


def _rounded(time_s: Any) -> Any:  # noqa: ANN401 - a float, or whatever the learner gives
    return float(f"{time_s:.4g}") if isinstance(time_s, float) else time_s


def _explanation(time_forward: Any, case: Callable[[], _Case], readings: dict[str, float]) -> str:  # noqa: ANN401
    """Return which reading the learner took, if it is one of those known."""
    try:
        got, again = (_rounded(float(time_forward(*case()))) for _ in range(2))
    except Exception:  # the verdict quotes the error already
        return ""
    if got != again:  # virtual time repeats itself
        return _EXPLANATIONS["other clock"]
    right_s = readings["right"]
    in_other_units = [("unit", 1e3 * right_s), ("unit", 1e6 * right_s), ("sign", -right_s)]
    for name, time_s in [*readings.items(), *in_other_units]:
        if abs(got - time_s) <= _RTOL * abs(time_s):
            return _EXPLANATIONS.get(name, "")
    # Whatever was queued before is over after the time of four more calls.
    return _EXPLANATIONS["busy"] if case is _busy and right_s < got < 6 * right_s else ""


def _epoch(weight: Any, x: Any, target: Any) -> Any:  # noqa: ANN401 - arrays of either side
    for start in range(0, len(x), 64):
        rows = slice(start, start + 64)
        error = x[rows] @ weight - target[rows]
        weight = weight - 0.001 * (x[rows].T @ error)
    return weight


@check(
    hints=(
        "The error names numpy.ndarray. Which array in the line with the minus has never been moved?",
        "x crosses the bus once, before the loop. Treat target the same way.",
        "Before the loop: target = gpu.to_device(target). The rest stays as it is.",
    )
)
def check_epoch_on_gpu(epoch: object) -> str:
    """Judge one epoch of training that stays on the GPU: its numbers, where they are, and what crossed the bus."""
    for samples, features in ((256, 8), (192, 3)):
        rng = np.random.default_rng(samples)
        x, target, weight = (
            rng.standard_normal(shape, dtype="float32") for shape in ((samples, features), (samples, 2), (features, 2))
        )
        gpu = SimulatedGpu(machine("nvidia-t4"))
        arguments = (gpu, gpu.to_device(weight), x, target)
        gpu.timeline.spans.clear()

        def seen(got: Any, gpu: SimulatedGpu = gpu) -> tuple[str, object]:  # noqa: ANN401
            places = [span.place for span in gpu.timeline.spans]
            copies = f"copies: {places.count('copy in')} in, {places.count('copy out')} out"
            where = "GPU" if isinstance(got, gpu.xp.ndarray) else "host"
            return f"weight on the {where}; {copies}", to_numpy(got)

        expected = ("weight on the GPU; copies: 2 in, 0 out", _epoch(weight, x, target))
        compare(epoch, arguments, expected=expected, rtol=1e-4, seen=seen)
    return "Two copies in, and everything after them stays where the work is."
