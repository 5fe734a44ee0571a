"""Checks of lesson 10."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gpu_lessons.lessons.checks import check, compare, compare_cases

__all__ = ["check_conv_backward", "check_conv_intensity", "check_patches", "conv_backward", "patches"]

Array = np.ndarray[Any, Any]


def patches(image: Array, size: int) -> Array:
    """Return the patches of an image, one a row.

    Parameters
    ----------
    image : array, shape (height, width)
        Grey values.
    size : int
        Pixels along each side of a patch.

    Returns
    -------
    array, shape ((height - size + 1) * (width - size + 1), size * size)
        Patches from left to right, then from top to bottom, each written row by row.
    """
    rows, columns = (n - size + 1 for n in image.shape)
    # Copied in long runs: all pixels that the first weight meets, then the second, and so on.
    runs = [image[p : p + rows, q : q + columns].reshape(-1) for p in range(size) for q in range(size)]
    return np.stack(runs).T


def _turned(image: Array, size: int) -> Array:
    return sliding_window_view(image, (size, size)).transpose(1, 0, 2, 3).reshape(-1, size * size)


def _side_by_side(image: Array, size: int) -> Array:
    rows, columns = image.shape[0] // size, image.shape[1] // size
    cut = image[: rows * size, : columns * size].reshape(rows, size, columns, size)
    return cut.transpose(0, 2, 1, 3).reshape(-1, size * size)


_PATCH_MISTAKES = (
    (
        lambda image, size: patches(image, size).T,
        "That has a patch in each column. One a row is asked for: take the transpose.",
    ),
    (
        lambda image, size: patches(image[:-1, :-1], size),
        "The last patch of each row and column is missing: there are height - size + 1 of them.",
    ),
    (_turned, "Those are the right patches from top to bottom first. Go from left to right, then down."),
    (_side_by_side, "Those patches lie side by side. The next patch begins one pixel further, and overlaps."),
    (
        lambda image, size: patches(image, size).reshape(-1, size, size),
        "Each patch is still a square. Lay it out as one row: reshape.",
    ),
)


@check(
    hints=(
        "How many patches of 3 pixels start in a row of 10? Two loops over where a patch starts, the outer one down.",
        "One patch is image[i:i + size, j:j + size]. Its row is that .reshape(-1).",
        "rows = [image[i:i + size, j:j + size].reshape(-1) for i in range(h - size + 1) for j in range(w - size + 1)], "
        "then np.array(rows)",
    )
)
def check_patches(answer: object) -> str:
    """Judge the patches of small images, none of them square."""
    rng = np.random.default_rng(10)
    cases = [(np.arange(12.0).reshape(3, 4), 2)]
    cases += [(rng.integers(0, 100, shape).astype(float), size) for shape, size in (((7, 5), 3), ((5, 9), 1))]
    cases += [(rng.standard_normal((6, 8)).astype("float32"), 5), (rng.standard_normal((5, 6)), 4)]
    compare_cases(answer, cases, patches, mistakes=_PATCH_MISTAKES)
    return "One matrix product of this and the filters computes every output."


def conv_backward(image: Array, filters: Array, dy: Array) -> tuple[Array, Array]:
    """Return the gradients of a convolution for its filters and its image.

    Parameters
    ----------
    image : array, shape (height, width)
        Grey values.
    filters : array, shape (n, size, size)
        What slides over it.
    dy : array, shape (n, height - size + 1, width - size + 1)
        The gradient of the loss for each output.

    Returns
    -------
    dfilters, dimage : array
        Of the shapes of ``filters`` and ``image``.
    """
    dfilters, dimage = np.zeros_like(filters), np.zeros_like(image)
    rows, columns = dy.shape[1:]
    for p, q in np.ndindex(filters.shape[1:]):
        met = (slice(p, p + rows), slice(q, q + columns))
        dfilters[:, p, q] = np.sum(dy * image[met], axis=(1, 2))
        dimage[met] += np.sum(dy * filters[:, p, q][:, None, None], axis=0)
    return dfilters, dimage


def _with_image(image: Array, filters: Array, dy: Array, *, turned: bool, summed: bool) -> Array:
    """Return the gradient for the image as somebody gets it who turns the filters, or keeps the last patch only."""
    dimage = np.zeros_like(image)
    rows, columns = dy.shape[1:]
    used = filters[:, ::-1, ::-1] if turned else filters
    for p, q in np.ndindex(filters.shape[1:]):
        met = (slice(p, p + rows), slice(q, q + columns))
        part = np.sum(dy * used[:, p, q][:, None, None], axis=0)
        dimage[met] = dimage[met] + part if summed else part
    return dimage


_BACKWARD_MISTAKES = (
    (lambda *given: conv_backward(*given)[::-1], "Those are the two gradients in the other order."),
    (
        lambda image, filters, dy: (
            conv_backward(image, filters, dy)[0],
            _with_image(image, filters, dy, turned=False, summed=False),
        ),
        "A pixel lies in many patches, and each of them adds to its gradient: +=, not =.",
    ),
    (
        lambda image, filters, dy: (
            conv_backward(image, filters, dy)[0],
            _with_image(image, filters, dy, turned=True, summed=True),
        ),
        "The gradient for the image has its filters turned round. What a pixel gave through filter[p, q] comes back "
        "through filter[p, q].",
    ),
    (
        lambda image, filters, dy: (
            conv_backward(image, filters, dy)[0] / dy[0].size,
            conv_backward(image, filters, dy)[1],
        ),
        "That is a mean. A filter's weight is used in every patch, so its gradients add up.",
    ),
    (
        lambda image, filters, dy: (
            conv_backward(image, filters, dy)[0][:, ::-1, ::-1],
            conv_backward(image, filters, dy)[1],
        ),
        "The gradient for the filters is turned round.",
    ),
)


@check(
    hints=(
        "Take one weight, filters[f, p, q]. Which pixels did it meet? image[p:p + rows, q:q + columns], and each of "
        "them went into one output of dy[f].",
        "So its gradient is the sum of dy[f] * image[p:p + rows, q:q + columns]. And these pixels get back what they "
        "gave: dy[f] * filters[f, p, q], added up where they lie.",
        "for f, p, q in np.ndindex(filters.shape): met = (slice(p, p + rows), slice(q, q + columns)); "
        "dfilters[f, p, q] = np.sum(dy[f] * image[met]); dimage[met] += dy[f] * filters[f, p, q]",
    )
)
def check_conv_backward(answer: object) -> str:
    """Judge both gradients of a convolution of a small grey image, never square."""
    rng = np.random.default_rng(11)
    shapes = (((4, 6), 1, 2), ((7, 5), 3, 3), ((6, 9), 2, 4), ((5, 4), 4, 1))
    cases = []
    for (height, width), n, size in shapes:
        dy = rng.standard_normal((n, height - size + 1, width - size + 1))
        cases.append((rng.standard_normal((height, width)), rng.standard_normal((n, size, size)), dy))
    compare_cases(answer, cases, conv_backward, mistakes=_BACKWARD_MISTAKES)
    return "The same two sums, whatever the size: each weight met many pixels, and each pixel many weights."


def _intensity(batch: int, channels: int, filters: int, width: int, size: int) -> float:
    pixels, weights = batch * width**2, channels * filters * size**2
    return 2 * pixels * weights / (4 * (pixels * channels + weights + pixels * filters))


_INTENSITY_MISTAKES = (
    (lambda *sizes: _intensity(*sizes) / 2, "That is half of it: a multiplication and an addition are two FLOP."),
    (lambda *sizes: 1 / _intensity(*sizes), "Those are the bytes for one FLOP. Divide the other way round."),
    (lambda *sizes: 4 * _intensity(*sizes), "That divides by numbers. A float32 number has four bytes."),
    (
        lambda batch, channels, filters, width, size: (
            _intensity(batch, channels, filters, width, size)
            * (batch * width**2 * (channels + filters) + channels * filters * size**2)
            / (batch * width**2 * (channels * size**2 + filters) + channels * filters * size**2)
        ),
        "Those are the bytes of stored patches. Here each pixel is read once.",
    ),
    (
        lambda batch, channels, filters, width, size: _intensity(1, channels, filters, width, size),
        "The batch is missing. The filters are read once for all of its images.",
    ),
    (
        lambda batch, channels, filters, width, size: (
            2
            * batch
            * width**2
            * channels
            * filters
            * size**2
            / (4 * (batch * width**2 * channels + channels * filters * size**2))
        ),
        "The outputs are missing: they are written.",
    ),
)


@check(
    hints=(
        "Count the FLOP of one output first: its filter has channels * size * size weights. How many outputs are "
        "there?",
        "There are batch * width * width * filters outputs. Read: batch * width * width * channels pixels and "
        "channels * filters * size * size weights. Written: the outputs.",
        "pixels = batch * width**2; weights = channels * filters * size**2; return 2 * pixels * weights / (4 * "
        "(pixels * channels + weights + pixels * filters))",
    )
)
def check_conv_intensity(conv_intensity: object) -> str:
    """Judge the FLOP for each byte of a convolution that reads every number once."""
    rng = random.Random("conv_intensity")
    cases = [(1, 64, 64, 56, 3), (8, 3, 16, 20, 5)]
    cases += [(rng.randint(1, 64), rng.randint(1, 99), rng.randint(1, 99), rng.randint(4, 99), rng.choice((1, 3, 5)))
              for _ in range(5)]  # fmt: skip
    for case in cases:
        compare(conv_intensity, case, expected=_intensity(*case), mistakes=_INTENSITY_MISTAKES)
    return "Every pixel uses every weight of its filter again: that is where the FLOP for a byte come from."
