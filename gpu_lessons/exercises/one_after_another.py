"""Checks of lesson 08."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from gpu_lessons.devices import SimulatedGpu
from gpu_lessons.hardware.arrays import to_numpy
from gpu_lessons.hardware.machines import machine
from gpu_lessons.lessons.checks import WrongAnswerError, check, compare
from gpu_lessons.lessons.differences import describe

__all__ = ["check_crossover_width", "check_one_kernel", "check_side_by_side", "launches"]

_RTOL = 1e-4
#: Kernels that one time step may launch: five, and some for those who write it in another way.
_MOST_LAUNCHES = 8


def launches(gpu: SimulatedGpu) -> int:
    """Return how many kernels were launched since the timeline of ``gpu`` was last cleared."""
    return sum(span.place == "kernels" for span in gpu.timeline.spans)


def _crossover(steps: int, launch_s: float, call_s: float, number_s: float) -> float:
    return max(0.0, (launch_s - call_s) / number_s)


_CANCELS = "Both machines pay for every step, so the number of steps cancels."
_CROSSOVER_MISTAKES = (
    (lambda steps, *costs: steps * _crossover(steps, *costs), _CANCELS),
    (lambda steps, *costs: _crossover(steps, *costs) / steps, _CANCELS),
    (lambda steps, launch_s, call_s, number_s: launch_s / number_s, "The CPU pays call_s for each step, too."),
    (
        lambda steps, launch_s, call_s, number_s: (launch_s + call_s) / number_s,
        "call_s is a time of the CPU: it comes off the launch.",
    ),
    (
        lambda steps, launch_s, call_s, number_s: (launch_s - call_s) / number_s,
        "No width is below 0. Where a launch is cheaper than a call, the GPU wins from the start: return 0.",
    ),
)


@check(
    hints=(
        "Write down the time of one step on either machine. At the crossover both are equal.",
        "One step takes launch_s on the GPU, and call_s + width * number_s on the CPU. Solve for width.",
        "(launch_s - call_s) / number_s, and 0 where that is negative: max(0, ...)",
    )
)
def check_crossover_width(crossover_width: object) -> str:
    """Judge the width at which a chain takes equally long on both machines; a rounded width is as good."""
    rng = random.Random("crossover_width")
    cases = [(1000, 12e-6, 0.6e-6, 0.1e-9), (1, 12e-6, 0.6e-6, 0.1e-9), (10, 5e-6, 1e-6, 0.4e-9)]
    cases += [
        (rng.randint(2, 5000), rng.uniform(5e-6, 3e-5), rng.uniform(3e-7, 2e-6), rng.uniform(1e-10, 5e-10))
        for _ in range(4)
    ]
    cases.append((100, 0.4e-6, 0.9e-6, 0.2e-9))  # a launch cheaper than a call: the GPU wins at any width
    for case in cases:
        exact = _crossover(*case)

        def seen(got: Any, exact: float = exact) -> Any:  # noqa: ANN401
            is_number = isinstance(got, int | float | np.number) and not isinstance(got, bool)
            return exact if is_number and abs(float(got) - exact) <= 1 else got

        compare(crossover_width, case, expected=exact, seen=seen, mistakes=_CROSSOVER_MISTAKES)
    return "The length of the chain cancels: what one step costs decides."


class _OnDevice:
    """Arrays on a simulated GPU, and what was launched and copied until the answer was looked at."""

    def __init__(self, *arrays: np.ndarray[Any, Any]) -> None:
        self.gpu = SimulatedGpu(machine("nvidia-t4"))
        self.arrays = [self.gpu.to_device(array) for array in arrays]
        self.launched = 0

    def arguments(self) -> tuple[Any, ...]:
        """Return what the answer is called with, and count from here."""
        self.gpu.timeline.spans.clear()
        return (self.gpu.xp, *self.arrays)

    def numbers(self, got: Any) -> Any:  # noqa: ANN401
        """Return the numbers of an array that never left the GPU."""
        copies_out = sum(span.place == "copy out" for span in self.gpu.timeline.spans)
        self.launched = launches(self.gpu)
        if not isinstance(got, self.gpu.xp.ndarray):
            raise WrongAnswerError(f"expected an array on the GPU, got {describe(got)}")
        if copies_out:
            raise WrongAnswerError(f"expected nothing to leave the GPU on the way, got {copies_out} copies out")
        if got.dtype != np.float32:
            raise WrongAnswerError(f"expected numbers of float32, got {got.dtype}")
        return to_numpy(got)


def _judge(
    function: object, given: _OnDevice, expected: np.ndarray[Any, Any], most: int, said: str, instead: str
) -> None:
    """Judge numbers first, then how many kernels they took; ``said`` and ``instead`` end two sentences."""
    before = [to_numpy(array) for array in given.arrays]
    compare(function, given.arguments, expected=expected, rtol=_RTOL, seen=given.numbers)
    if given.launched > most:
        raise WrongAnswerError(
            f"The numbers are right: expected {said}, got {given.launched:,} kernels launched. {instead}"
        )
    for number, (was, array) in enumerate(zip(before, given.arrays, strict=True), start=2):
        if not np.array_equal(was, to_numpy(array)):
            raise WrongAnswerError(
                f"The numbers are right: expected input {number} to stay as it was, got it changed in place."
            )


def _states(x: Any, w: Any, u: Any, b: Any, start: Any) -> Any:  # noqa: ANN401
    h = start
    for now in x:
        h = np.tanh(now @ w + h @ u + b)
    return h


@check(
    hints=(
        "x[t] holds the inputs of all sequences at time t: shape (batch, n_in). What shape has x[t] @ w?",
        "Drop the loop over the sequences. The states of all of them are one array: h = start, (batch, n_out).",
        "h = start, then for t in range(len(x)): h = xp.tanh(x[t] @ w + h @ u + b), and return h",
    )
)
def check_side_by_side(side_by_side: object) -> str:
    """Judge a recurrence whose sequences go side by side: its last states, and how many kernels they took."""
    for steps, batch, n_in, n_out in ((6, 24, 5, 8), (12, 16, 7, 3), (1, 33, 4, 4)):
        rng = np.random.default_rng(steps)
        shapes = ((steps, batch, n_in), (n_in, n_out), (n_out, n_out), (n_out,), (batch, n_out))
        arrays = [(0.5 * rng.standard_normal(shape)).astype("float32") for shape in shapes]
        most = _MOST_LAUNCHES * steps
        said = f"at most {most} kernels for {steps} time steps"
        instead = "Does a loop still go over the sequences? Only the time steps wait for each other."
        _judge(side_by_side, _OnDevice(*arrays), _states(*arrays), most, said, instead)
    return "The steps wait for each other, the sequences do not: as many launches for one sequence as for all."


def _bend(x: Any, tanh: Callable[[Any], Any] = np.tanh) -> Any:  # noqa: ANN401
    inner = 0.8 * (x + 0.045 * x * x * x)
    return x + 0.5 * x * (1 + tanh(inner))


@check(
    hints=(
        "xp.fuse() makes one kernel of a function that holds nothing but operations number by number.",
        "It is a decorator: write @xp.fuse() above a function of x inside one_kernel. What stands in that function?",
        "fused = xp.fuse()(lambda x: ten_kernels(xp, x)), and return fused(x)",
    )
)
def check_one_kernel(one_kernel: object) -> str:
    """Judge ten operations in one kernel: the numbers, and what was launched."""
    for shape in ((1000,), (64, 33), (1,)):
        x = np.random.default_rng(len(shape)).normal(0, 2, shape).astype("float32")
        instead = "Each operation of xp outside of a fused function is a kernel of its own."
        _judge(one_kernel, _OnDevice(x), _bend(x), 1, "1 kernel", instead)
    return "One launch instead of ten, and each number is read once and written once."
