"""Checks of lesson 07."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from gpu_lessons.devices import SimulatedGpu
from gpu_lessons.hardware.arrays import to_numpy
from gpu_lessons.hardware.machines import machine
from gpu_lessons.lessons.checks import WrongAnswerError, call, check, compare
from gpu_lessons.lessons.differences import difference
from gpu_lessons.nn import Dense, Network, ReLU, SoftmaxCrossEntropy
from gpu_lessons.units import format_counted

__all__ = ["accumulate", "check_accumulate", "check_largest_batch", "check_ledger", "largest_batch", "ledger"]

_SIZE = 4


def _parameters(sizes: Sequence[int], *, biases: bool = True) -> int:
    return sum(n_in * n_out + biases * n_out for n_in, n_out in pairwise(sizes))


def ledger(batch: int, sizes: Sequence[int], copies: int) -> tuple[int, int, int, int]:
    """Return the bytes of weights, gradients, optimizer and activations of a training step in float32."""
    weights = _SIZE * _parameters(sizes)
    return weights, weights, copies * weights, _SIZE * batch * sum(sizes)


_LEDGER_MISTAKES = (
    (
        lambda batch, sizes, copies: tuple(part // _SIZE for part in ledger(batch, sizes, copies)),
        "Those are numbers. Each takes 4 bytes.",
    ),
    (
        lambda batch, sizes, copies: (
            *(_SIZE * times * _parameters(sizes, biases=False) for times in (1, 1, copies)),
            _SIZE * batch * sum(sizes),
        ),
        "The biases are missing.",
    ),
    (
        lambda batch, sizes, copies: (*ledger(batch, sizes, copies)[:3], _SIZE * batch * sum(sizes[1:])),
        "The batch itself, which the first layer keeps, is missing among the activations.",
    ),
    (
        lambda batch, sizes, copies: (*ledger(batch, sizes, copies)[:3], _SIZE * batch * sum(sizes[:-1])),
        "The output of the last layer is missing among the activations.",
    ),
    (
        lambda batch, sizes, copies: (*ledger(batch, sizes, copies)[:3], _SIZE * sum(sizes)),
        "Each sample has activations of its own.",
    ),
    (
        lambda batch, sizes, copies: (*ledger(batch, sizes, copies)[:2], _SIZE * copies, _SIZE * batch * sum(sizes)),
        "The optimizer keeps so many numbers for each weight.",
    ),
    (
        lambda batch, sizes, copies: sum(ledger(batch, sizes, copies)),
        "That is the sum. Return the four entries.",
    ),
)


def _as_tuple(got: Any) -> Any:  # noqa: ANN401
    return tuple(got) if isinstance(got, np.ndarray) else got


@check(
    hints=(
        "How many weights has a layer of n_in inputs and n_out neurons? And biases? Add up the layers.",
        "A gradient has the size of its weight. The activations are the batch and every layer's output: batch rows of "
        "sum(sizes) numbers.",
        "weights = 4 * sum(a * b + b for a, b in zip(sizes, sizes[1:])), then "
        "return weights, weights, copies * weights, 4 * batch * sum(sizes)",
    )
)
def check_ledger(ledger: object) -> str:
    """Judge the ledger of a training step in bytes."""
    rng = random.Random("ledger")
    cases = [(1, [2, 3], 2), (100, [784, 128, 10], 0), (7, [5, 4, 3, 2], 1)]
    cases += [
        (rng.randint(1, 5000), [rng.randint(1, 2000) for _ in range(rng.randint(2, 6))], rng.randint(0, 2))
        for _ in range(8)
    ]
    for case in cases:
        compare(ledger, case, expected=_ledger(*case), seen=_as_tuple, mistakes=_LEDGER_MISTAKES)
    return "Three of the four entries are the same for every batch."


_ledger = ledger


def largest_batch(fixed: int, per_sample: int, memory: int) -> int:
    """Return the most samples that fit: ``fixed`` bytes are there for any batch, ``per_sample`` come with each."""
    return max(0, memory - fixed) // per_sample


_largest_batch = largest_batch


_BATCH_MISTAKES = (
    (
        lambda fixed, per_sample, memory: memory // per_sample,
        "What is there for any batch takes room too.",
    ),
    (
        lambda fixed, per_sample, memory: -(-max(0, memory - fixed) // per_sample),
        "With that batch the last sample no longer fits. Round down.",
    ),
    (
        lambda fixed, per_sample, memory: (memory - fixed) // per_sample,
        "A batch has no fewer than 0 samples.",
    ),
    (
        lambda fixed, per_sample, memory: max(0, memory - fixed) // per_sample - 1,
        "One sample more fits.",
    ),
    (
        lambda fixed, per_sample, memory: max(0, memory - fixed) / per_sample,
        "There are no parts of samples. Round down.",
    ),
)


@check(
    hints=(
        "Which bytes are left for the samples?",
        "(memory - fixed) bytes, per_sample for each. Only whole samples count, and never fewer than 0.",
        "return max(0, memory - fixed) // per_sample",
    )
)
def check_largest_batch(largest_batch: object) -> str:
    """Judge the largest batch that a card holds."""
    rng = random.Random("largest batch")
    cases = [(10, 3, 100), (0, 7, 49), (50, 7, 50), (60, 7, 50), (49, 2, 50), (10**9, 40_000, 16 * 10**9)]
    cases += [(rng.randint(0, 10**6), rng.randint(1, 999), rng.randint(1, 2 * 10**6)) for _ in range(12)]
    for case in cases:
        compare(largest_batch, case, expected=_largest_batch(*case), rtol=0.0, mistakes=_BATCH_MISTAKES)
    return "The largest batch is where a straight line reaches the card's memory."


def accumulate(network: Network, loss: SoftmaxCrossEntropy, x: Any, labels: Any, parts: int) -> float:  # noqa: ANN401
    """Return the mean loss of a batch cut into equal ``parts``; leave the gradients of the whole in the network."""
    size, mean = len(x) // parts, 0.0
    for part in range(parts):
        rows = slice(part * size, (part + 1) * size)
        mean += loss.forward(network.forward(x[rows]), labels[rows]) / parts
        network.backward(loss.backward() / parts, accumulate=part > 0)
    return mean


_SIZES = (12, 16, 5)
#: Of the memory of the whole batch, samples included, that eight parts of it may take; the solution needs a third.
_LARGEST_SHARE = 0.6


def _network(xp: Any, dtype: str) -> Network:  # noqa: ANN401
    first, second = (
        Dense(n_in, n_out, xp=xp, dtype=dtype, seed=seed) for seed, (n_in, n_out) in enumerate(pairwise(_SIZES))
    )
    return Network([first, ReLU(), second])


def _samples(samples: int, dtype: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    rng = np.random.default_rng(samples)
    return rng.standard_normal((samples, _SIZES[0])).astype(dtype), rng.integers(0, _SIZES[-1], samples)


def _gradients(network: Network) -> list[np.ndarray[Any, Any]]:
    return [to_numpy(gradient) for _, gradient in network.parameters()]


def _whole(samples: int, *, scale: float = 1.0) -> list[np.ndarray[Any, Any]]:
    x, labels = _samples(samples, "float64")
    network, loss = _network(np, "float64"), SoftmaxCrossEntropy()
    loss.forward(network.forward(x), labels)
    network.backward(loss.backward() * scale)
    return _gradients(network)


@check(
    hints=(
        "The loss of a part is the mean over that part, so its gradient is parts times too large for the whole batch.",
        "network.backward(..., accumulate=part > 0) adds to the gradients of the parts before. The first part must "
        "not: what stands there is the last step's.",
        "for part in range(parts): rows = slice(part * n, (part + 1) * n); total += "
        "loss.forward(network.forward(x[rows]), labels[rows]) / parts; "
        "network.backward(loss.backward() / parts, accumulate=part > 0)",
    )
)
def check_accumulate(accumulate: object) -> str:
    """Judge gradients added up part by part: the same as those of the whole batch, with never a whole batch kept."""
    for samples, parts in ((24, 4), (24, 1), (30, 3), (16, 8)):
        _judge_gradients(accumulate, samples, parts)
    _judge_memory(accumulate)
    return "The same gradients, and the memory of a part."


def _judge_gradients(accumulate: object, samples: int, parts: int) -> None:
    network, loss = _network(np, "float64"), SoftmaxCrossEntropy()
    x, labels = _samples(samples, "float64")
    # The gradients of an earlier step stand there, as they do in training.
    loss.forward(network.forward(2 * x[: samples // 2]), labels[: samples // 2])
    network.backward(loss.backward())
    before = [weight.copy() for weight, _ in network.parameters()]
    mean_loss = SoftmaxCrossEntropy().forward(_network(np, "float64").forward(x), labels)
    answer = call(accumulate, (network, loss, x, labels, parts), expected=mean_loss)
    where = f"{samples} samples in {format_counted(parts, 'part')}"
    if answer.changed:
        raise WrongAnswerError(f"{where}: {answer.changed}.")
    if any(not np.array_equal(weight, old) for (weight, _), old in zip(network.parameters(), before, strict=True)):
        raise WrongAnswerError(
            f"{where}: expected the weights as they were, got others. Leave the update to the optimizer."
        )
    got, right = _gradients(network), _whole(samples)
    if not _same(got, right):
        raise WrongAnswerError(
            f"{where}: expected the gradients of the whole batch, got others.{_why(got, samples, parts)}"
        )
    if found := difference(answer.got, mean_loss, rtol=1e-6):
        raise WrongAnswerError(f"{where}, the mean loss: {found}.")


def _same(got: list[np.ndarray[Any, Any]], right: list[np.ndarray[Any, Any]]) -> bool:
    return all(np.allclose(one, other, rtol=0, atol=1e-10) for one, other in zip(got, right, strict=True))


def _why(got: list[np.ndarray[Any, Any]], samples: int, parts: int) -> str:
    """Return what is wrong with gradients that are a multiple of the right ones."""
    if parts > 1 and _same(got, _whole(samples, scale=parts)):
        return f" They are {parts} times as large: each part's loss is a mean over its own samples."
    if parts > 1 and _same(got, _whole(samples, scale=1 / parts)):
        return f" They are {parts} times too small: divide once."
    return " The last step's gradients must not be among them, and no part may be missing or counted twice."


def _judge_memory(accumulate: object) -> None:
    peaks: list[int] = []
    for parts in (1, 8):
        gpu = SimulatedGpu(machine("nvidia-t4"))
        x, labels = (gpu.to_device(each) for each in _samples(4096, "float32"))
        network, loss = _network(gpu.xp, "float32"), SoftmaxCrossEntropy()
        call(accumulate, (network, loss, x, labels, parts), expected=0.0)
        peaks.append(gpu.memory.peak_bytes)
    if peaks[1] > _LARGEST_SHARE * peaks[0]:
        raise WrongAnswerError(
            f"4096 samples in 8 parts: expected at most {_LARGEST_SHARE:.0%} of the {peaks[0]:,} bytes that they need "
            f"in one part, got {peaks[1]:,} at the peak. Run forward and backward on one part after another."
        )
