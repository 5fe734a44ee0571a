"""Checks of lesson 01."""

from __future__ import annotations

import functools
import math
import random
from typing import Any

import numpy as np

from gpu_lessons.lessons.checks import WrongAnswerError, call, check, compare_cases
from gpu_lessons.lessons.learners_code import count_steps

__all__ = ["check_count_flops", "check_layer", "check_neuron"]

_Neuron = tuple[list[float], list[float], float]


def _weighted(x: list[float], w: list[float]) -> float:
    return sum(x_i * w_i for x_i, w_i in zip(x, w, strict=True))


def _hidden_neurons() -> list[_Neuron]:
    rng = random.Random("neuron")

    def numbers(count: int) -> list[float]:
        return [rng.uniform(-9, 9) for _ in range(count)]

    return [(numbers(n_in), numbers(n_in), rng.uniform(-9, 9)) for n_in in (1, 2, 4, 7, 12)]


_NEURON_MISTAKES = (
    (lambda x, w, b: _weighted(x, w), "That is the sum without the bias."),
    (lambda x, w, b: _weighted(x, w) + b * len(x), "That has the bias once for every input. A neuron adds it once."),
    (lambda x, w, b: _weighted(x, w) - b, "That has the bias subtracted."),
    (lambda x, w, b: sum(x) * sum(w) + b, "That multiplies two sums. Each input has a weight of its own."),
    (lambda x, w, b: sum(x) + sum(w) + b, "That adds inputs and weights. Each input is multiplied by its weight."),
    (lambda x, w, b: x[0] * w[0] + b, "That is the first input only."),
    (lambda x, w, b: x[-1] * w[-1] + b, "That is the last input only."),
    (lambda x, w, b: _weighted(x[:-1], w[:-1]) + b, "The last input is missing."),
    (lambda x, w, b: _weighted(x[1:], w[1:]) + b, "The first input is missing."),
    (lambda x, w, b: max(_weighted(x, w) + b, 0.0), "That cuts negative sums off at zero. This neuron does not."),
)


@check(
    hints=(
        "A neuron weighs each input and adds everything up.",
        "Start with total = b. Walk over the pairs of zip(x, w).",
        "Inside the loop: total = total + x_i * w_i",
    )
)
def check_neuron(neuron: object) -> str:
    """Judge one neuron: a weighted sum plus a bias, as a number."""
    cases: list[_Neuron] = [
        ([1.0, 2.0], [3.0, 4.0], 0.5),
        ([2.0, -1.0, 0.5], [0.25, 1.0, -4.0], 0.0),
        ([0.0], [7.0], -2.0),
        ([0.0123, -0.0045], [0.0213, 0.0309], 1.2e-5),
        *_hidden_neurons(),
    ]
    compare_cases(neuron, cases, lambda x, w, b: _weighted(x, w) + b, mistakes=_NEURON_MISTAKES)
    return "One multiplication and one addition for every input."


_Layer = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]


def _layer(rng: np.random.Generator, batch: int, n_in: int, n_out: int) -> _Layer:
    return rng.standard_normal((batch, n_in)), rng.standard_normal((n_in, n_out)), rng.standard_normal(n_out)


_LAYER_MISTAKES = (
    (lambda x, w, b: x @ w, "That is the product without the bias."),
    (lambda x, w, b: x @ w - b, "That has the bias subtracted."),
    (lambda x, w, b: (x @ w + b).T, "That is the transpose: a row belongs to a sample, a column to a neuron."),
    (lambda x, w, b: np.maximum(x @ w + b, 0), "That cuts negative sums off at zero. This layer does not."),
    (lambda x, w, b: x @ w + b[0], "That has the first neuron's bias everywhere. Each neuron has one of its own."),
    (lambda x, w, b: x @ w + b.sum(), "That has the sum of all biases everywhere. Each neuron has one of its own."),
    (lambda x, w, b: x @ (w + b), "The bias was added to the weights, before the product."),
)

# Code with a loop takes at least this many steps more in the larger of the two layers below.
_STEPS_OF_A_LOOP = 25


@check(
    hints=(
        "x has the shape (batch, n_in) and w the shape (n_in, n_out). Which operator takes these two?",
        "x @ w has the shape (batch, n_out). The bias is added to every row.",
        "return x @ w + b",
    )
)
def check_layer(layer: Any) -> str:  # noqa: ANN401
    """Judge a whole layer for a whole batch, without a loop."""
    rng = np.random.default_rng(3)
    hidden = rng.integers(2, 12, (3, 3)).tolist()
    sizes = [(2, 3, 4), (1, 5, 2), (7, 2, 6), (4, 4, 4), (3, 1, 1), *hidden]
    cases = [_layer(rng, *size) for size in sizes]
    compare_cases(layer, cases, lambda x, w, b: np.einsum("bi,io->bo", x, w) + b, rtol=1e-9, mistakes=_LAYER_MISTAKES)
    small, large = (_steps(layer, _layer(rng, 4 * n, 3 * n, 5 * n)) for n in (1, 10))
    if large > small + _STEPS_OF_A_LOOP:
        counted = f"{small:,} steps for 4 samples, 3 inputs and 5 neurons, and {large:,} for ten times as many of each"
        raise WrongAnswerError(f"The numbers are right: expected no loop in Python, got {counted}.")
    return "Three loops became one matrix product."


def _steps(layer: Any, arguments: _Layer) -> int:  # noqa: ANN401
    """Return the steps that Python takes for a layer of this size."""
    watched = functools.wraps(layer)(lambda *given: count_steps(layer, given))
    return int(call(watched, arguments, expected="an array").got)


_FLOPS_MISTAKES = (
    (
        lambda batch, n_in, n_out: batch * n_in * n_out,
        "Those are the multiplications. Each is followed by an addition.",
    ),
    (
        lambda batch, n_in, n_out: batch * (2 * n_in - 1) * n_out,
        "A sum starts at zero, so the first product is added too, as in your loop.",
    ),
    (lambda batch, n_in, n_out: batch * (2 * n_in + 1) * n_out, "Leave the bias aside."),
    (lambda batch, n_in, n_out: 2 * n_in * n_out, "That is one sample. A batch has more."),
    (lambda batch, n_in, n_out: 2 * batch * n_in, "That is one neuron. A layer has n_out of them."),
    (lambda batch, n_in, n_out: 2 * batch * n_out, "That is one input for each neuron. A neuron has n_in of them."),
    (
        lambda batch, n_in, n_out: 2 * (batch + n_in + n_out),
        "That adds the sizes. Every neuron works for every sample.",
    ),
    (lambda batch, n_in, n_out: 3 * batch * n_in * n_out, "That counts three operations for each pair, not two."),
)


@check(
    hints=(
        "Count the multiplications of one neuron for one sample. There is an addition for each of them.",
        "One neuron, one sample: 2 * n_in. How many neurons, how many samples?",
        "return 2 * batch * n_in * n_out",
    )
)
def check_count_flops(count_flops: object) -> str:
    """Judge the FLOP count of the product in a layer; the sizes let a count in loops come back too."""
    rng = random.Random("count_flops")
    hidden = [(rng.randint(2, 40), rng.randint(2, 40), rng.randint(2, 40)) for _ in range(5)]
    cases = [(3, 5, 7), (1, 1, 1), (1, 8, 4), (64, 32, 48), *hidden]
    compare_cases(count_flops, cases, lambda *sizes: 2 * math.prod(sizes), mistakes=_FLOPS_MISTAKES)
    return "Batch and both widths count alike: double one of them and the work doubles."
