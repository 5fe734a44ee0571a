"""Checks of lesson 01."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpu_lessons.lessons.checks import LateAnswerError, WrongAnswerError, check, compare

__all__ = ["check_count_flops", "check_layer", "check_neuron"]


@check(
    hints=(
        "A neuron weighs each input and adds everything up.",
        "Start with total = b. Walk over the pairs of zip(x, w).",
        "Inside the loop: total = total + x_i * w_i",
    )
)
def check_neuron(neuron: object) -> str:
    """Judge one neuron: a weighted sum plus a bias, as a number."""
    for x, w, b in (
        ([1.0, 2.0], [3.0, 4.0], 0.5),
        ([2.0, -1.0, 0.5], [0.25, 1.0, -4.0], 0.0),
        ([0.0], [7.0], -2.0),
    ):
        expected = b + sum(x_i * w_i for x_i, w_i in zip(x, w, strict=True))
        compare(neuron, (x, w, b), expected=expected)
    return "One multiplication and one addition for every input."


class _Watched(np.ndarray[Any, Any]):
    """An array that counts how often something is taken out of it, as a loop does for every sample."""

    times_read = 0

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401
        _Watched.times_read += 1
        return super().__getitem__(index)


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
    for batch, n_in, n_out in ((2, 3, 4), (1, 5, 2), (7, 2, 6)):
        x, w, b = (
            rng.standard_normal((batch, n_in)),
            rng.standard_normal((n_in, n_out)),
            rng.standard_normal(n_out),
        )
        compare(layer, (x, w, b), expected=np.einsum("bi,io->bo", x, w) + b, rtol=1e-9)
    _Watched.times_read = 0
    layer(x.view(_Watched), w.view(_Watched), b)
    if _Watched.times_read >= batch:  # x[:, None] reads once
        counted = f"expected no loop, got {_Watched.times_read} readings of single numbers or rows"
        raise WrongAnswerError(f"The numbers are right, for {batch} samples and {n_out} neurons: {counted}.")
    return "Three loops became one matrix product."


@check(
    hints=(
        "Count the multiplications of one neuron for one sample. There is an addition for each of them.",
        "One neuron, one sample: 2 * n_in. How many neurons, how many samples?",
        "return 2 * batch * n_in * n_out",
    )
)
def check_count_flops(count_flops: object) -> str:
    """Judge the FLOP count of the product in a layer."""
    for batch, n_in, n_out in ((1, 1, 1), (256, 2048, 2048), (3, 5, 7)):
        try:
            compare(count_flops, (batch, n_in, n_out), expected=2 * batch * n_in * n_out)
        except LateAnswerError:  # calling it again would take as long again
            raise
        except WrongAnswerError as wrong:
            raise WrongAnswerError(f"{wrong} {_miscount(count_flops)}".rstrip()) from None
    return "Batch and both widths count alike: double one of them and the work doubles."


def _miscount(count_flops: Any) -> str:  # noqa: ANN401
    """Return what was counted instead, if it is one of the usual other counts."""
    batch, n_in, n_out = 3, 5, 7
    try:
        got = count_flops(batch, n_in, n_out)
    except Exception:  # the verdict quotes the error already
        return ""
    others = {
        batch * n_in * n_out: "Those are the multiplications. Each is followed by an addition.",
        batch * (2 * n_in - 1) * n_out: "A sum starts at zero, so the first product is added too, as in your loop.",
        batch * (2 * n_in + 1) * n_out: "Leave the bias aside.",
        2 * n_in * n_out: "That is one sample. A batch has more.",
    }
    return others.get(got, "") if isinstance(got, int) else ""
