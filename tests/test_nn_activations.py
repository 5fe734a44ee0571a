"""ReLU: its values, its slope away from the corner, and what it refuses."""

import array_api_strict
import numpy as np
import pytest

from gpu_lessons.hardware.arrays import to_numpy
from gpu_lessons.nn import ReLU


def test_positive_numbers_pass_and_the_others_become_zero(xp):
    y = ReLU().forward(xp.asarray(np.array([[-1.5, 0.0], [2.5, -0.0]])))
    assert to_numpy(y).tolist() == [[0.0, 0.0], [2.5, 0.0]]


def test_the_gradient_is_the_slope_away_from_zero(xp, central_differences):
    rng = np.random.default_rng(4)
    x = rng.uniform(0.1, 1.0, (3, 4)) * rng.choice([-1.0, 1.0], (3, 4))
    dy = rng.standard_normal((3, 4))
    slope = central_differences(lambda at: float((to_numpy(ReLU().forward(xp.asarray(at))) * dy).sum()), x)
    relu = ReLU()
    relu.forward(xp.asarray(x))
    np.testing.assert_allclose(to_numpy(relu.backward(xp.asarray(dy))), slope, rtol=1e-6, atol=1e-9)
    assert 0 < np.count_nonzero(slope) < slope.size  # both sides were visited


def test_at_zero_the_gradient_is_taken_as_zero(xp):
    relu = ReLU()
    relu.forward(xp.asarray(np.zeros(2)))
    assert to_numpy(relu.backward(xp.asarray(np.ones(2)))).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_dtype_is_kept(xp, dtype):
    relu, x = ReLU(), xp.asarray(np.ones((2, 3), dtype=dtype))
    assert relu.forward(x).dtype == relu.backward(x).dtype == getattr(xp, dtype)


def test_the_input_is_left_as_it_was(xp):
    x = xp.asarray(np.array([-1.0, 1.0]))
    relu = ReLU()
    relu.forward(x)
    relu.backward(x)
    assert to_numpy(x).tolist() == [-1.0, 1.0]


def test_not_a_number_stays_one(xp):
    y = to_numpy(ReLU().forward(xp.asarray(np.array([np.nan, -1.0]))))
    assert np.isnan(y).tolist() == [True, False]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([1.0], "x must be an array, got list"),
        (1.0, "x must be an array, got float"),
        (np.arange(3), "x must hold floating-point numbers, got dtype int64"),
        (array_api_strict.asarray([True]), "x must hold floating-point numbers, got dtype bool"),
    ],
    ids=["list", "number", "integers", "booleans"],
)
def test_what_is_no_array_of_real_numbers_is_refused_in_one_sentence(x, message):
    with pytest.raises(TypeError) as refusal:
        ReLU().forward(x)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("dy", "error", "message"),
    [
        (np.ones((3, 2)), ValueError, "dy must have shape (2, 3), got (3, 2)"),
        (np.ones((1, 3)), ValueError, "dy must have shape (2, 3), got (1, 3)"),
        (
            np.ones((2, 3), "float32"),
            TypeError,
            "dy must have dtype float64 like the output of forward, got dtype float32",
        ),
        ([[1.0]], TypeError, "dy must be of type numpy.ndarray like the output of forward, got list"),
    ],
    ids=["turned", "would broadcast", "float32", "list"],
)
def test_a_wrong_dy_is_refused_in_one_sentence(dy, error, message):
    relu = ReLU()
    relu.forward(np.ones((2, 3)))
    with pytest.raises(error) as refusal:
        relu.backward(dy)
    assert str(refusal.value) == message


def test_backward_before_forward_is_refused_in_one_sentence():
    with pytest.raises(RuntimeError, match=r"^ReLU\.backward needs the x of a forward pass: call forward first$"):
        ReLU().backward(np.ones(2))
