"""Lesson 10: its functions against SciPy, slopes and the layer of the course, and what its networks reach."""

import ast
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gpu_lessons as gl
from gpu_lessons.exercises.images_and_convolution import (
    check_conv_backward,
    check_conv_intensity,
    check_patches,
    conv_backward,
    patches,
)
from gpu_lessons.nn import Conv2d

LESSON = Path(__file__).parents[1] / "notebooks" / "source" / "10_images_and_convolution.py"
sizes = {"height": st.integers(5, 9), "width": st.integers(5, 9), "n": st.integers(1, 3), "size": st.integers(1, 5)}


def drawn(height, width, n, size):
    rng = np.random.default_rng((height, width, n, size))
    shapes = ((height, width), (n, size, size), (n, height - size + 1, width - size + 1))
    return tuple(rng.standard_normal(shape) for shape in shapes)


@settings(max_examples=40, deadline=None)
@given(**sizes)
def test_patches_times_filters_are_what_scipy_correlates(height, width, n, size):
    from scipy.signal import correlate2d

    image, filters, dy = drawn(height, width, n, size)
    y = (patches(image, size) @ filters.reshape(n, -1).T).T.reshape(dy.shape)
    np.testing.assert_allclose(y, [correlate2d(image, each, mode="valid") for each in filters], rtol=1e-10, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(**sizes)
def test_the_way_back_is_what_scipy_and_the_layer_of_the_course_give(height, width, n, size):
    from scipy.signal import convolve2d, correlate2d

    image, filters, dy = drawn(height, width, n, size)
    dfilters, dimage = conv_backward(image, filters, dy)
    np.testing.assert_allclose(dfilters, [correlate2d(image, each, mode="valid") for each in dy], atol=1e-12)
    back = sum(convolve2d(each, weights, mode="full") for each, weights in zip(dy, filters, strict=True))
    np.testing.assert_allclose(dimage, back, atol=1e-12)
    layer = Conv2d(1, n, size, dtype="float64")
    layer.weight = filters[:, None]
    layer.forward(image[None, None])
    np.testing.assert_allclose(layer.backward(dy[None])[0, 0], dimage, atol=1e-12)
    np.testing.assert_allclose(layer.dweight[:, 0], dfilters, atol=1e-12)


def test_the_way_back_is_the_slope_of_the_loss(central_differences):
    image, filters, dy = drawn(6, 8, 2, 3)

    def loss(image, filters):
        return float(np.sum((patches(image, 3) @ filters.reshape(2, -1).T).T.reshape(dy.shape) * dy))

    dfilters, dimage = conv_backward(image, filters, dy)
    np.testing.assert_allclose(dfilters, central_differences(lambda at: loss(image, at), filters), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(dimage, central_differences(lambda at: loss(at, filters), image), rtol=1e-6, atol=1e-7)


def intensity(batch, channels, filters, width, size):
    pixels, weights = batch * width**2, channels * filters * size**2
    return 2 * pixels * weights / (4 * (pixels * channels + weights + pixels * filters))


@pytest.mark.parametrize(
    ("check", "wrong", "explanation"),
    [
        (check_patches, lambda image, size: patches(image, size).T, "That has a patch in each column."),
        (check_patches, lambda image, size: patches(image[:-1, :-1], size), "The last patch of each row and column"),
        (check_conv_backward, lambda *given: conv_backward(*given)[::-1], "in the other order"),
        (
            check_conv_backward,
            lambda image, filters, dy: (
                conv_backward(image, filters, dy)[0] / dy[0].size,
                conv_backward(image, filters, dy)[1],
            ),
            "That is a mean.",
        ),
        (check_conv_intensity, lambda *given: intensity(*given) / 2, "a multiplication and an addition are two FLOP"),
        (check_conv_intensity, lambda batch, *given: intensity(1, *given), "The batch is missing."),
    ],
)
def test_a_wrong_answer_is_told_what_it_computed(check, wrong, explanation):
    assert explanation in check(wrong).message


def test_the_shares_of_the_ways_that_a_library_chose_add_up_and_leave_nothing_for_texture_units():
    found = [each for each in gl.published() if each.title.startswith("convolution layers run as")]
    assert sum(each.value for each in found) == 100
    assert not any("texture" in each.title for each in found)


def test_each_convolution_of_others_is_there_in_both_formats():
    found = [each for each in gl.published() if each.title.startswith("convolution of ")]
    for slow, fast in zip(found[::2], found[1::2], strict=True):
        assert slow.title.replace("float32", "float16") == fast.title
        assert (slow.machine, slow.time_s > fast.time_s) == (fast.machine, True)


@pytest.fixture(scope="module")
def lesson():
    """Return what the cells of the lesson about digits define, trained."""
    cells = LESSON.read_text(encoding="utf-8").partition("# ## A digit that moved")[2]
    body = ast.parse(cells.partition("# ## One claim")[0])
    wanted = (ast.Import, ast.ImportFrom, ast.FunctionDef)
    names = {"digits", "framed", "dense", "cnn", "anywhere", "steps"}
    kept = [
        each
        for each in body.body
        if isinstance(each, wanted)
        or (isinstance(each, ast.Assign) and names & {getattr(target, "id", "") for target in each.targets})
    ]
    values = {"np": np, "gl": gl, "Conv2d": Conv2d}
    exec(compile(ast.Module(kept, []), str(LESSON), "exec"), values)
    for name, epochs in (("dense", 10), ("cnn", 10), ("anywhere", 5)):
        values["train"](values[name], epochs)
    return values


def share(lesson, name, far):
    return np.mean([lesson["accuracy"](lesson[name], far * down, far * right) for down, right in lesson["steps"]])


def test_the_cnn_reaches_what_the_dense_network_reaches_with_about_as_many_weights(lesson):
    dense, cnn = (share(lesson, name, 0) for name in ("dense", "cnn"))
    assert dense >= 0.97
    assert cnn >= dense
    counts = [sum(each.size for each, _ in lesson[name].parameters()) for name in ("dense", "cnn")]
    assert counts[1] < 1.1 * counts[0]


def test_moved_digits_are_lost_on_a_dense_layer_and_found_by_the_largest_output_of_the_image(lesson):
    for far in (1, 2):
        dense, cnn, anywhere = (share(lesson, name, far) for name in ("dense", "cnn", "anywhere"))
        assert dense < 0.6
        assert dense < cnn < anywhere
        assert anywhere > 0.9
