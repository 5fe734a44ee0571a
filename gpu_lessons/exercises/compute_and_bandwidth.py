"""Checks of lesson 05."""

from __future__ import annotations

import math
import random

from gpu_lessons.hardware.machines import Machine, machine
from gpu_lessons.lessons.checks import check, compare

__all__ = ["check_intensity", "check_is_possible", "check_ridge_batch", "is_possible"]

_CARDS = ("nvidia-t4", "nvidia-rtx-4090", "nvidia-a100-sxm-80gb", "nvidia-h200-sxm", "intel-core-i9-10900k")


def _numbers(batch: int, n_in: int, n_out: int) -> int:
    """Return the numbers that a layer reads and writes: weights, batch and outputs, each once."""
    return n_in * n_out + batch * n_in + batch * n_out


def _intensity(batch: int, n_in: int, n_out: int, size: int) -> float:
    return 2 * batch * n_in * n_out / (size * _numbers(batch, n_in, n_out))


_INTENSITY_MISTAKES = (
    (
        lambda batch, n_in, n_out, size: _intensity(batch, n_in, n_out, size) / 2,
        "That is half of it: a multiplication and an addition are two.",
    ),
    (
        lambda batch, n_in, n_out, size: 1 / _intensity(batch, n_in, n_out, size),
        "Those are the bytes for one FLOP. Divide the other way round.",
    ),
    (
        lambda batch, n_in, n_out, size: _intensity(batch, n_in, n_out, 1),
        "That divides by numbers. Each of them has `size` bytes.",
    ),
    (
        lambda batch, n_in, n_out, size: _intensity(batch, n_in, n_out, 4),
        "A number does not always have four bytes: use size.",
    ),
    (
        lambda batch, n_in, n_out, size: 2 * batch / size,
        "Those bytes are the weights alone. The batch is read and the outputs are written too.",
    ),
    (
        lambda batch, n_in, n_out, size: 2 * batch * n_in * n_out / (size * (n_in * n_out + batch * n_in)),
        "The outputs are missing: they are written.",
    ),
    (
        lambda batch, n_in, n_out, size: 2 * batch * n_in * n_out / (size * batch * (n_in * n_out + n_in + n_out)),
        "The weights are read once for the whole batch, not once for each sample.",
    ),
)


@check(
    hints=(
        "A product of (batch, n_in) and (n_in, n_out) is 2 x batch x n_in x n_out FLOP. Which three arrays move?",
        "batch x n_in numbers are read, n_in x n_out weights are read, batch x n_out outputs are written. Each number "
        "has size bytes.",
        "return 2 * batch * n_in * n_out / (size * (batch * n_in + n_in * n_out + batch * n_out))",
    )
)
def check_intensity(intensity: object) -> str:
    """Judge the arithmetic intensity of a layer without its bias."""
    rng = random.Random("intensity")
    shapes = [(1, 2048, 2048, 4), (64, 100, 300, 2), *(tuple(rng.randint(1, 3000) for _ in range(3)) for _ in range(6))]
    for shape in shapes:
        case = shape if len(shape) == 4 else (*shape, rng.choice((2, 4, 8)))
        compare(intensity, case, expected=_intensity(*case), mistakes=_INTENSITY_MISTAKES)
    return "Only the weights are shared by the batch, so the ratio grows with it, and then less and less."


def _ridge(card: Machine) -> float:
    bandwidth = card.memory_bandwidth_bytes_per_s
    assert bandwidth is not None  # of every card asked for here
    return card.peak_flops_per_s["float32"] / bandwidth


def _ridge_batch(n_in: int, n_out: int, card: Machine) -> int:
    # 2 b i o >= ridge * 4 (i o + b i + b o), solved for b.
    sought = 4 * _ridge(card)
    return math.ceil(sought * n_in * n_out / (2 * n_in * n_out - sought * (n_in + n_out)))


_RIDGE_MISTAKES = (
    (
        lambda n_in, n_out, card: _ridge_batch(n_in, n_out, card) - 1,
        "One sample too few: that batch still lies left of the ridge.",
    ),
    (
        lambda n_in, n_out, card: 2 ** math.ceil(math.log2(_ridge_batch(n_in, n_out, card))),
        "That is the next power of two. Take every batch in turn.",
    ),
    (
        lambda n_in, n_out, card: math.ceil(2 * _ridge(card)),
        "That counts the weights alone. The batch and the outputs move too, so it takes a larger batch.",
    ),
    (lambda n_in, n_out, card: _ridge(card), "That is the ridge, in FLOP a byte. Return a number of samples."),
)


@check(
    hints=(
        "The ridge of a machine is its peak divided by its bandwidth. Start with one sample and add samples.",
        'ridge = machine.peak_flops_per_s["float32"] / machine.memory_bandwidth_bytes_per_s. Count up while '
        "intensity(batch, n_in, n_out, 4) is below it.",
        "batch = 1; while intensity(batch, n_in, n_out, 4) < ridge: batch = batch + 1; return batch",
    )
)
def check_ridge_batch(ridge_batch: object) -> str:
    """Judge the smallest batch whose float32 layer lies at the ridge or right of it."""
    rng = random.Random("ridge_batch")
    for slug in _CARDS:
        card = machine(slug)
        for n_in, n_out in ((2048, 2048), (rng.randint(700, 4000), rng.randint(700, 4000))):
            expected = _ridge_batch(n_in, n_out, card)
            compare(ridge_batch, (n_in, n_out, card), expected=expected, mistakes=_RIDGE_MISTAKES)
    return "Below that batch the arithmetic waits for weights, and more samples are free."


def is_possible(flops: float, n_bytes: float, seconds: float, card: Machine) -> bool:
    """Return whether a machine can do so many FLOP in float32 and move so many bytes in these seconds."""
    bandwidth = card.memory_bandwidth_bytes_per_s
    assert bandwidth is not None
    return flops <= card.peak_flops_per_s["float32"] * seconds and n_bytes <= bandwidth * seconds


_POSSIBLE_MISTAKES = (
    (
        lambda flops, n_bytes, seconds, card: flops <= card.peak_flops_per_s["float32"] * seconds,
        "That asks for the arithmetic alone. Can the bytes have come in that time?",
    ),
    (
        lambda flops, n_bytes, seconds, card: n_bytes <= card.memory_bandwidth_bytes_per_s * seconds,
        "That asks for the bytes alone. Can the arithmetic have been done in that time?",
    ),
    (
        lambda flops, n_bytes, seconds, card: not is_possible(flops, n_bytes, seconds, card),
        "That is the other way round: True stands for possible.",
    ),
    (
        lambda flops, n_bytes, seconds, card: (
            flops / card.peak_flops_per_s["float32"] + n_bytes / card.memory_bandwidth_bytes_per_s <= seconds
        ),
        "That adds the two times up. A machine computes while it reads, so each has all of the seconds.",
    ),
    (
        lambda flops, n_bytes, seconds, card: (
            flops <= card.peak_flops_per_s["float32"] * seconds
            or n_bytes <= card.memory_bandwidth_bytes_per_s * seconds
        ),
        "One of the two is not enough: both roofs hold.",
    ),
)


@check(
    hints=(
        "Two rates follow from the claim: FLOP a second and bytes a second. What does the data sheet allow of each?",
        'Compare flops / seconds with machine.peak_flops_per_s["float32"], and n_bytes / seconds with '
        "machine.memory_bandwidth_bytes_per_s. Both must hold.",
        'return flops / seconds <= machine.peak_flops_per_s["float32"] and '
        "n_bytes / seconds <= machine.memory_bandwidth_bytes_per_s",
    )
)
def check_is_possible(answer: object) -> str:
    """Judge the lie detector: each roof alone, both, neither, and just below them."""
    rng = random.Random("is_possible")
    # The share of what each roof allows. Two of them together would take longer than the seconds, one after the other.
    shares = [(0.9, 0.9), (1.2, 0.5), (0.5, 1.2), (1.2, 1.2), (0.98, 0.02), (0.02, 0.98), (1.02, 0.0), (0.0, 1.02)]
    for slug in _CARDS:
        card = machine(slug)
        for of_peak, of_bandwidth in (*shares, (rng.uniform(0.2, 2), rng.uniform(0.2, 2))):
            seconds = rng.choice((3e-5, 0.002, 1.0, 60.0))
            flops = of_peak * card.peak_flops_per_s["float32"] * seconds
            n_bytes = of_bandwidth * (card.memory_bandwidth_bytes_per_s or 0.0) * seconds
            case = (float(f"{flops:.4g}"), float(f"{n_bytes:.4g}"), seconds, card)
            compare(answer, case, expected=is_possible(*case), mistakes=_POSSIBLE_MISTAKES)
    return "Two divisions judge any claim. What passes may still be wrong, what fails cannot be right."
