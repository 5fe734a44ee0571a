"""Checks of lesson 06."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gpu_lessons.devices import SimulatedGpu
from gpu_lessons.hardware.arrays import to_numpy
from gpu_lessons.hardware.machines import machine
from gpu_lessons.lessons.checks import LateAnswerError, WrongAnswerError, check, compare
from gpu_lessons.lessons.differences import describe

__all__ = ["check_fit_copies", "check_quiet_epoch", "crossings", "fit_copies"]

#: Samples of one step, and the rate at which the weights follow their gradients.
_BATCH, _RATE = 64, 0.01
_UNSAID = " float(), bool(), print() and `if` on a device array are copies too."


def fit_copies(sizes: Sequence[int], times_s: Sequence[float]) -> tuple[float, float]:
    """Return latency in seconds and bandwidth in bytes a second of the link that copies of these sizes crossed.

    The line time = latency + size / bandwidth with the least squares of the relative errors.
    """
    slope, latency_s = np.polyfit(sizes, times_s, 1, w=1 / np.asarray(times_s))
    return float(latency_s), float(1 / slope)


def _four_digits(number: Any) -> Any:  # noqa: ANN401 - whatever the learner gives
    return float(f"{number:.4g}") if isinstance(number, float) else number


@check(
    hints=(
        "The straight line is: time = slope * size + start. Which of the two has something to do with the bandwidth?",
        "np.polyfit(sizes, times, 1) gives slope and start. Give it w=1 / np.asarray(times): then each point counts "
        "by its relative error.",
        "slope, latency_s = np.polyfit(sizes, times, 1, w=1 / np.asarray(times)), and the bandwidth is 1 / slope.",
    )
)
def check_fit_copies(fit_copies: object) -> str:
    """Judge latency and bandwidth of a link, fitted to copies that follow the line, and to some that scatter."""
    rng = np.random.default_rng(6)
    links = [(10e-6, 12e9), (30e-6, 25e9), *zip(rng.uniform(3e-6, 60e-6, 2), rng.uniform(5e9, 60e9, 2), strict=True)]
    for smallest, (latency_s, bandwidth) in zip((10, 15, 14, 12), links, strict=True):
        sizes = [2**power for power in range(smallest, 29, 2)]  # the smallest copies are not all latency
        times_s = [_four_digits(float(latency_s + size / bandwidth)) for size in sizes]
        _compare_fit(fit_copies, sizes, times_s, (float(latency_s), float(bandwidth)), rtol=0.02)
    sizes = [2**power for power in range(10, 29, 2)]
    # The shortest and the longest copy were interrupted. A line through these two alone knows nothing of the others;
    # one on which every second counts alike is bent by the longest, and misses the latency.
    times_s = [10e-6 + size / 12e9 for size in sizes]
    times_s[0], times_s[-1] = 1.5 * times_s[0], 1.5 * times_s[-1]
    _compare_fit(fit_copies, sizes, [_four_digits(time_s) for time_s in times_s], (10e-6, 12e9), rtol=0.25)
    return "Two numbers stand for all sizes: what any copy costs, and what a byte costs."


def _compare_fit(
    fit_copies: object, sizes: list[int], times_s: list[float], link: tuple[float, float], *, rtol: float
) -> None:
    """Judge latency and bandwidth each by its own size: beside the bandwidth any latency is nothing."""
    expected = tuple(float(f"{value:.3g}") for value in link)

    def seen(got: Any) -> Any:  # noqa: ANN401
        if not isinstance(got, tuple | list | np.ndarray) or len(got) != 2:
            return got
        values = [float(value) for value in got]
        return tuple(
            right if abs(value - right) <= rtol * right else float(f"{value:.3g}")
            for value, right in zip(values, expected, strict=True)
        )

    compare(fit_copies, (sizes, times_s), expected=expected, rtol=0.0, seen=seen)


def crossings(gpu: SimulatedGpu) -> tuple[int, int]:
    """Return how many copies went in and how many came out since the timeline of ``gpu`` was last cleared."""
    places = [span.place for span in gpu.timeline.spans]
    return places.count("copy in"), places.count("copy out")


def _chatty_epoch(gpu: Any, w1: Any, w2: Any, x: Any, target: Any) -> tuple[Any, Any, list[float]]:  # noqa: ANN401
    """Train for the epoch that the lesson shows, with its eleven crossings a step."""
    losses = []
    for start in range(0, len(x), _BATCH):
        batch, goal = x[start : start + _BATCH], target[start : start + _BATCH]
        hidden = (gpu.to_device(batch) @ w1).get()
        hidden = np.maximum(hidden, 0)
        error = (gpu.to_device(hidden) @ w2).get() - goal
        losses.append(float(np.mean(error**2)))
        back = (gpu.to_device(error) @ w2.T).get() * (hidden > 0)
        w2 = w2 - _RATE * (gpu.to_device(hidden).T @ gpu.to_device(error)) / len(batch)
        w1 = w1 - _RATE * (gpu.to_device(batch).T @ gpu.to_device(back)) / len(batch)
        if not np.isfinite(w1.get()).all():
            raise FloatingPointError("the weights have left the range of float32")
    return w1, w2, losses


@check(
    hints=(
        "Everything that needs no number on the host can be done with gpu.xp: gpu.xp.maximum, gpu.xp.mean, hidden > 0.",
        "float(loss) and `if` on a device array each bring a number to the host, though neither says get. Keep the "
        "losses in a list of device arrays; look at the weights once, after the loop.",
        "In the loop: batch = gpu.to_device(...), goal = gpu.to_device(...), and no other crossing. After it: "
        "gpu.xp.stack(losses).get().tolist()",
    )
)
def check_quiet_epoch(quiet_epoch: object) -> str:
    """Judge an epoch that crosses the bus twice a step: its numbers, and what the timeline says of its copies."""
    for samples, n_in in ((256, 16), (192, 24)):
        rng = np.random.default_rng(samples)
        host = [
            (rng.standard_normal(shape) * scale).astype("float32")
            for shape, scale in (((n_in, 32), 0.2), ((32, 4), 0.2), ((samples, n_in), 1.0), ((samples, 4), 1.0))
        ]
        plain = SimulatedGpu(machine("nvidia-t4"))
        right_w1, right_w2, right_losses = _chatty_epoch(plain, *map(plain.to_device, host[:2]), *host[2:])
        gpu = SimulatedGpu(machine("nvidia-t4"))
        weights = [gpu.to_device(weight) for weight in host[:2]]
        gpu.timeline.spans.clear()
        steps = samples // _BATCH

        def seen(got: Any, gpu: SimulatedGpu = gpu, steps: int = steps) -> Any:  # noqa: ANN401
            went_in, came_out = crossings(gpu)
            copies = "at most 2 copies in a step, and 2 out an epoch"
            if went_in > 2 * steps or came_out > 2:
                copies = f"{went_in} copies in and {came_out} out in {steps} steps"
            if not isinstance(got, tuple | list) or len(got) != 3:
                raise WrongAnswerError(f"expected the two weights and the list of losses, got {describe(got)}")
            w1, w2, losses = got
            where = "weights on the device" if isinstance(w1, gpu.xp.ndarray) else "weights on the host"
            return copies, where, to_numpy(w1), to_numpy(w2), losses

        expected = (
            "at most 2 copies in a step, and 2 out an epoch",
            "weights on the device",
            to_numpy(right_w1),
            to_numpy(right_w2),
            right_losses,
        )
        try:
            compare(quiet_epoch, (gpu, *weights, *host[2:]), expected=expected, rtol=1e-4, seen=seen)
        except LateAnswerError:
            raise
        except WrongAnswerError as wrong:
            hint = (
                " float(), bool(), print() and `if` on a device array are copies too." if "out in" in str(wrong) else ""
            )
            raise WrongAnswerError(f"{wrong}{hint}") from None
    return "Two crossings a step instead of eleven, and the same weights."
