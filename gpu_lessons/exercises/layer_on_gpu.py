"""Checks of lesson 02."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from gpu_lessons.devices import SimulatedGpu
from gpu_lessons.hardware.arrays import to_numpy
from gpu_lessons.hardware.machines import Machine, machine
from gpu_lessons.lessons.checks import LateAnswerError, WrongAnswerError, call, check, compare
from gpu_lessons.lessons.differences import describe
from gpu_lessons.nn import Dense, Network

__all__ = ["check_epoch_on_gpu", "check_time_forward"]

# A layer so small that NumPy needs one thread, on a card made this much slower: a launch is little of its time, and
# a hundred calls return soon.
_BATCH, _N_IN, _N_OUT, _SLOWER = 128, 8, 128, 400

# Virtual time repeats itself; what is left are the roundings of a sum.
_RTOL = 0.01

_Timing = tuple[SimulatedGpu, Any, Any]


class _ReadGpu(SimulatedGpu):
    """A simulated GPU that remembers whether its clock was read."""

    is_read = False

    def perf_counter(self) -> float:
        self.is_read = True
        return super().perf_counter()


_ReadGpu.__name__ = SimulatedGpu.__name__  # as a verdict shall call it


def _slowed(slug: str) -> Machine:
    card = machine(slug)
    assert card.memory_bandwidth_bytes_per_s is not None
    return dataclasses.replace(
        card,
        memory_bandwidth_bytes_per_s=card.memory_bandwidth_bytes_per_s / _SLOWER,
        peak_flops_per_s={dtype: rate / _SLOWER for dtype, rate in card.peak_flops_per_s.items()},
    )


def _fresh(slug: str = "nvidia-t4") -> _Timing:
    """Return a GPU on which nothing has run yet, and a layer and a batch on it."""
    gpu = _ReadGpu(_slowed(slug))
    return gpu, Dense(_N_IN, _N_OUT, xp=gpu.xp), gpu.xp.ones((_BATCH, _N_IN), dtype="float32")


def _busy() -> _Timing:
    """Return a GPU that has compiled everything and still works on something else."""
    gpu, layer, x = _fresh()
    for _ in range(5):
        layer.forward(x)
    return gpu, layer, x


def _network() -> _Timing:
    """Return another GPU, with two layers: what ``layer.forward`` does is not for the timer to know."""
    gpu, layer, x = _fresh("nvidia-gtx-1080-ti")
    return gpu, Network([layer, Dense(_N_OUT, _N_IN, xp=gpu.xp)]), x


def _forward(layer: Any, x: Any) -> Any:  # noqa: ANN401
    return layer.forward(x)


def _timer(
    *,
    warm: bool = True,
    before: bool = True,
    after: Callable[[SimulatedGpu, Any], object] = lambda gpu, _: gpu.synchronize(),
    work: Callable[[Any, Any], object] = _forward,
    calls: int = 1,
) -> Callable[[SimulatedGpu, Any, Any], float]:
    """Return a timer that is honest, or that leaves out or replaces what it is told to."""

    def seconds(gpu: SimulatedGpu, layer: Any, x: Any) -> float:  # noqa: ANN401
        if warm:
            layer.forward(x)
        if before:
            gpu.synchronize()
        start_s = gpu.perf_counter()
        for _ in range(calls):
            y = work(layer, x)
        after(gpu, y)
        return (gpu.perf_counter() - start_s) / calls

    return seconds


def _scaled(factor: float) -> Callable[[SimulatedGpu, Any, Any], float]:
    return lambda gpu, layer, x: factor * _timer()(gpu, layer, x)


_LAUNCH = "That is the launch. Wait for the device before the second reading too."
_UNIT = "That is the right time in another unit. Return seconds, as the clock gives them."
_TIMER_MISTAKES = (
    (_timer(after=lambda gpu, y: None), _LAUNCH),
    (_timer(before=False, after=lambda gpu, y: None), _LAUNCH),
    (
        _timer(before=False),
        "The device was still busy when the clock started. Wait for it before the first reading too.",
    ),
    (
        _timer(warm=False),
        "That is the first call, in which kernels are compiled. Call the layer once before the clock starts.",
    ),
    (
        _timer(work=lambda layer, x: x @ layer.weight),
        "That is the product without the bias. Time layer.forward(x).",
    ),
    (
        _timer(after=lambda gpu, y: y.get()),
        "That is the layer and a copy to the host. Wait for the device without moving anything.",
    ),
    (_scaled(1e3), _UNIT),
    (_scaled(1e6), _UNIT),
    (_scaled(-1), "That is the first reading minus the second."),
    (_scaled(2), "That is the time of two calls."),
    (lambda gpu, layer, x: 10 * _timer(calls=10)(gpu, layer, x), "That is the time of ten calls."),
)


@check(
    hints=(
        "Call the layer once before anything is timed, so that its kernels are compiled.",
        "Whenever you read the clock the device may still be busy. Which line waits for it?",
        "In this order: forward, synchronize, read the clock, forward, synchronize, read the clock.",
    )
)
def check_time_forward(time_forward: object) -> str:
    """Judge an honest timer by the virtual clock: of a GPU still busy, of one that has run nothing, of another one."""
    for case in (_busy, _fresh, _network):
        right_s = _timer()(*case())
        # In the average of many calls their launches hide behind the work; who waits for one number fetches it too.
        least_s = _timer(calls=20)(*case()) * (1 - _RTOL)
        most_s = _timer(after=lambda gpu, y: float(y[0, 0]))(*case()) * (1 + _RTOL)
        made: list[_Timing] = []

        def given(case: Callable[[], _Timing] = case, made: list[_Timing] = made) -> _Timing:
            made.append(case())
            return made[-1]

        def seen(got: Any, right_s: float = right_s, least_s: float = least_s, most_s: float = most_s) -> Any:  # noqa: ANN401
            return right_s if isinstance(got, float) and least_s <= got <= most_s else got

        try:
            compare(time_forward, given, expected=right_s, rtol=_RTOL, seen=seen, mistakes=_TIMER_MISTAKES)
        except LateAnswerError:
            raise
        except WrongAnswerError as wrong:
            raise WrongAnswerError(f"{wrong} {_said_of_the_clock(time_forward, made[0][0])}".rstrip()) from None
    return "Warm, and waited for on both sides: that is the time of the layer."


def _said_of_the_clock(time_forward: object, gpu: object) -> str:
    """Return what is to be said if the clock of ``gpu`` was not read."""
    if isinstance(gpu, _ReadGpu) and gpu.is_read:
        return ""
    try:
        times = {call(time_forward, _fresh(), expected="a time").got for _ in range(2)}
    except Exception:  # the verdict quotes the error already
        return ""
    # A virtual clock would repeat itself.
    return "That is another clock. Read gpu.perf_counter()." if len(times) > 1 else "gpu.perf_counter() was not read."


_Host = np.ndarray[Any, Any]


def _epoch(weight: Any, x: Any, target: Any, *, stop: int | None = None, step: int = 64, rate: float = 0.001) -> Any:  # noqa: ANN401
    for start in range(0, len(x) if stop is None else stop, step):
        rows = slice(start, start + step)
        error = x[rows] @ weight - target[rows]
        weight = weight - rate * (x[rows].T @ error)
    return weight


class _Training:
    """A weight on a GPU, its training data on the host, and what crossed the bus until the answer was looked at."""

    def __init__(self, samples: int, features: int) -> None:
        rng = np.random.default_rng(samples)
        self.weight, self.x, self.target = (
            rng.standard_normal(shape, dtype="float32") for shape in ((features, 2), (samples, features), (samples, 2))
        )
        self.gpu = SimulatedGpu(machine("nvidia-t4"))
        self.weight_there = self.gpu.to_device(self.weight)
        self.gpu.timeline.spans.clear()
        self.copies: Counter[str] | None = None

    def expected(self, **changed: Any) -> _Host:  # noqa: ANN401
        """Return the weight after an epoch, or after one with something ``changed``."""
        weight: _Host = _epoch(self.weight, self.x, self.target, **changed)
        return weight

    def numbers(self, got: Any) -> _Host:  # noqa: ANN401
        """Return the numbers of a weight that has stayed on the GPU."""
        if self.copies is None:  # before this looks at it, which is a copy too
            self.copies = Counter(span.place for span in self.gpu.timeline.spans)
        if not isinstance(got, self.gpu.xp.ndarray):
            where = " in host memory" if isinstance(got, np.ndarray) else ""
            raise WrongAnswerError(f"expected an array on the GPU, got {describe(got)}{where}")
        if got.dtype != self.weight.dtype:
            raise WrongAnswerError(f"expected numbers of {self.weight.dtype}, got {got.dtype}")
        return to_numpy(got)

    def mistakes(self) -> list[tuple[Callable[..., object], str]]:
        """Return what a learner may well compute instead."""
        samples = len(self.x)
        left_out = (
            f"The last rows were left out: {samples} samples are {samples // 64} times 64 and {samples % 64} more."
        )
        first = "Only some of the rows were used."
        return [
            (lambda *_: self.expected(stop=samples // 64 * 64), left_out if samples % 64 else first),
            (lambda *_: self.expected(stop=64), "That is one step: the first 64 rows only."),
            (lambda *_: self.expected(step=samples), "That is one step with all rows at once."),
            (lambda *_: self.weight, "The weight came back as it was."),
            (lambda *_: self.expected(rate=-0.001), "Each step goes the wrong way: subtract the correction."),
        ]


@check(
    hints=(
        "The error names numpy.ndarray. Which array in the line with the minus has never been moved?",
        "x crosses the bus once, before the loop. Treat target the same way.",
        "Before the loop: target = gpu.to_device(target). The rest stays as it is.",
    )
)
def check_epoch_on_gpu(epoch: object) -> str:
    """Judge one epoch of training that stays on the GPU: its numbers, where they are, and what crossed the bus."""
    for samples, features in ((300, 8), (192, 3), (64, 5), (517, 2)):
        training = _Training(samples, features)
        arguments = (training.gpu, training.weight_there, training.x, training.target)
        expected = training.expected()
        compare(epoch, arguments, expected=expected, rtol=1e-4, seen=training.numbers, mistakes=training.mistakes())
        copies = training.copies or Counter()
        if copies["copy in"] > 2 or copies["copy out"]:
            counted = f"{copies['copy in']} copies in and {copies['copy out']} out"
            raise WrongAnswerError(
                f"The numbers are right, for {samples} samples: expected x and target to cross the bus once each and"
                f" nothing to come back, got {counted}."
            )
        if not np.array_equal(to_numpy(training.weight_there), training.weight):
            raise WrongAnswerError(
                "The numbers are right: expected the caller's weight to stay as it was, got it changed in place:"
                " weight -= ... writes into the array that came in."
            )
    return "Two copies in, and everything after them stays where the work is."
