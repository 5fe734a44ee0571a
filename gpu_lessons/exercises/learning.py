"""Checks of lesson 09."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from gpu_lessons.lessons.checks import WrongAnswerError, call, check, compare_cases
from gpu_lessons.lessons.differences import difference
from gpu_lessons.model import training_seconds

__all__ = [
    "check_dense_backward",
    "check_one_epoch",
    "check_training_seconds",
    "dense_backward",
    "one_epoch",
    "training_seconds",
]


def dense_backward(x: Any, w: Any, dy: Any) -> tuple[Any, Any, Any]:  # noqa: ANN401 - arrays of any library
    """Return the gradients of a loss for x, w and b of the layer ``x @ w + b``, given those for its output.

    Parameters
    ----------
    x : array, shape (batch_size, n_in)
        What went in.
    w : array, shape (n_in, n_out)
        The weights.
    dy : array, shape (batch_size, n_out)
        The gradient of the loss for what came out.

    Returns
    -------
    dx, dw, db : array, shapes (batch_size, n_in), (n_in, n_out) and (n_out,)
    """
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)


def _cases() -> list[tuple[Any, ...]]:
    rng = np.random.default_rng(9)
    shapes = [(2, 3, 2), (1, 4, 3), (5, 2, 6), (3, 3, 3)]
    return [tuple(rng.integers(-9, 10, shape) / 2 for shape in ((b, i), (i, o), (b, o))) for b, i, o in shapes]


def _loss_difference(x: Any, w: Any, dy: Any) -> tuple[Any, Any, Any]:  # noqa: ANN401
    """Return what `dense_backward` should: by nudging every number of the layer, one after the other.

    The loss is sum(dy * y), whose gradient for y is dy. It is linear in each number, so a nudge of 1 is exact.
    """

    def loss(x: Any, w: Any, b: Any) -> float:  # noqa: ANN401
        return float(np.sum(dy * (x @ w + b)))

    given = [x, w, np.zeros(w.shape[1])]
    found = []
    for which, array in enumerate(given):
        gradient = np.empty(array.shape)
        for place in np.ndindex(array.shape):
            nudged = [each.copy() for each in given]
            nudged[which][place] += 1
            gradient[place] = loss(*nudged) - loss(*given)
        found.append(gradient)
    return found[0], found[1], found[2]


@check(
    hints=(
        "Look at the shapes: dw is as large as w, dx as x, db as b. Which products of two of the three have those?",
        "dw[i, j] sums x[s, i] * dy[s, j] over the samples s. Rows of the first factor must be inputs: x.T.",
        "dx = dy @ w.T, dw = x.T @ dy, db = dy.sum(axis=0). No division: the loss has taken the mean already.",
    )
)
def check_dense_backward(dense_backward: object) -> str:
    """Judge the gradients of a layer: each number as a nudge of it changes the loss."""
    scaled = "These are the right numbers divided by the batch size. The loss has taken the mean already: only sum."
    swapped = "These are dw, dx, db. The order is dx, dw, db."
    compare_cases(
        dense_backward,
        _cases(),
        _loss_difference,
        mistakes=[
            (lambda x, w, dy: (dy @ w.T, x.T @ dy / len(x), dy.mean(axis=0)), scaled),
            (lambda x, w, dy: (dy @ w.T / len(x), x.T @ dy / len(x), dy.mean(axis=0)), scaled),
            (lambda x, w, dy: (x.T @ dy, dy @ w.T, dy.sum(axis=0)), swapped),
        ],
    )
    return "Every number is what nudging it does to the loss, and two products gave them all."


def one_epoch(
    step: Callable[[Any, Any], float],
    x: Any,  # noqa: ANN401
    labels: Any,  # noqa: ANN401
    batch_size: int,
    order: Any,  # noqa: ANN401
) -> float:
    """Call ``step`` for every batch of the samples in ``order``; return the mean loss of all samples.

    Parameters
    ----------
    step : callable
        Takes samples and labels of a batch, trains, returns the mean loss of the batch.
    x, labels : array, shapes (n, n_in) and (n,)
        The samples, and what each shows.
    batch_size : int
        Samples of a batch; the last holds what is left over.
    order : integer array, shape (n,)
        In which the samples are taken.
    """
    total = 0.0
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        total += step(x[rows], labels[rows]) * len(rows)
    return total / len(order)


class _Log:
    """A step that learns nothing and notes what it was given."""

    def __init__(self) -> None:
        self.batches: list[tuple[list[int], list[int]]] = []

    def __call__(self, x: Any, labels: Any) -> float:  # noqa: ANN401
        self.batches.append((np.asarray(x)[:, 0].tolist(), np.asarray(labels).tolist()))
        return self.loss_of(self.batches[-1][1])

    @staticmethod
    def loss_of(labels: list[int]) -> float:
        return sum(labels) / len(labels)


@check(
    hints=(
        "range(0, len(order), batch_size) gives the starts of the batches, the last and smaller one too.",
        "rows = order[start : start + batch_size] are one batch: x[rows] and labels[rows] belong together.",
        "Add up step(...) * len(rows), and divide by len(order) at the end: the last batch counts for fewer samples.",
    )
)
def check_one_epoch(one_epoch: object) -> str:
    """Judge an epoch: which batches the step saw, in which order, and the mean loss of all samples."""
    for samples, batch_size in ((6, 2), (7, 3), (5, 8), (10, 4)):
        order = np.asarray(random.Random(f"one_epoch {samples}").sample(range(samples), samples))
        x, labels = np.arange(samples)[:, None] + np.asarray([0.0, 0.5]), np.arange(samples) + 10
        log = _Log()
        places = [order[start : start + batch_size].tolist() for start in range(0, samples, batch_size)]
        mean = float(np.mean(labels))
        answer = call(one_epoch, (log, x, labels, batch_size, order), expected=mean)
        where = f"{samples} samples in batches of {batch_size}, in the order {order.tolist()}"
        if answer.changed:
            raise WrongAnswerError(f"{where}: {answer.changed}.")
        _judge_batches(where, log.batches, places)
        if found := difference(answer.got, mean, rtol=1e-6):
            full = samples % batch_size == 0 or samples < batch_size
            why = "" if full else " A small last batch must count for less than a full one."
            raise WrongAnswerError(f"{where}, the mean loss: {found}.{why}")
    return "Every sample once, in order, and each counts alike."


def _judge_batches(where: str, batches: list[tuple[list[int], list[int]]], places: list[list[int]]) -> None:
    seen = [[int(first) for first in firsts] for firsts, _ in batches]
    if seen != places:
        missing = sorted({place for batch in places for place in batch} - {place for batch in seen for place in batch})
        hint = f" Nobody trained on {missing}." if missing and seen else ""
        raise WrongAnswerError(f"{where}: expected step to be called with the samples {places}, got {seen}.{hint}")
    told = [[label - 10 for label in labels] for _, labels in batches]
    if told != places:
        raise WrongAnswerError(f"{where}: expected the labels of the samples {places}, got those of {told}.")


@check(
    hints=(
        "How many FLOP has the training in all? Six for each parameter and token.",
        "The cards share them, and each reaches only a share of its peak: FLOP / (cards * flops_per_s * utilisation).",
        "return 6 * parameters * tokens / (cards * flops_per_s * utilisation)",
    )
)
def check_training_seconds(training_seconds: object) -> str:
    """Judge the time of a whole training: six FLOP a parameter and token over what the cards keep up."""
    draw = random.Random("training_seconds")
    cases: list[tuple[object, ...]] = [(25_600_000, 18_400_000_000, 1, 312e12, 0.3)]
    cases += [
        (
            draw.randrange(10**6, 10**11),
            draw.randrange(10**8, 10**12),
            draw.randrange(2, 5000),
            draw.uniform(1e13, 1e15),
            draw.uniform(0.1, 0.6),
        )
        for _ in range(3)
    ]
    forward = "Two FLOP a parameter and token are the forward pass. The backward pass has four more."
    no_share = "That is the time at the full peak. Cards reach only a share of it, so it takes longer."
    faster = "A smaller share of the peak makes the training longer, not shorter."

    def right(n: Any, d: Any, c: Any, f: Any, u: Any) -> float:  # noqa: ANN401
        return float(6.0 * n * d / (c * f * u))

    compare_cases(
        training_seconds,
        cases,
        right,
        mistakes=[
            (lambda n, d, c, f, u: 2 * n * d / (c * f * u), forward),
            (lambda n, d, c, f, u: 6 * n * d / (c * f), no_share),
            (lambda n, d, c, f, u: 6 * n * d * u / (c * f), faster),
        ],
    )
    return "From a handful of numbers to weeks, without running anything."
