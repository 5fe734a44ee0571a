"""MaxPool2d and Flatten: against loops, against finite differences, and on every array library alike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_lessons.hardware.arrays import to_numpy
from gpu_lessons.nn import Conv2d, Dense, Flatten, MaxPool2d, Network, ReLU, SoftmaxCrossEntropy

#: kernel, stride, height, width
SHAPES = [(1, None, 3, 4), (2, None, 4, 6), (2, None, 5, 7), (3, 1, 5, 4), (2, 3, 7, 8), ((2, 3), None, 4, 7)]


def distinct(*shape):
    """Return random numbers, no two of them as close as a finite difference."""
    rng = np.random.default_rng(4)
    return rng.permutation(int(np.prod(shape))).reshape(shape) / 10 - 3.0


def by_loops(x, kernel, stride):
    (rows, columns), (down, right) = kernel, stride
    shape = (*x.shape[:2], (x.shape[2] - rows) // down + 1, (x.shape[3] - columns) // right + 1)
    y = np.empty(shape)
    for s, c, i, j in np.ndindex(shape):
        y[s, c, i, j] = max(x[s, c, i * down + p, j * right + q] for p in range(rows) for q in range(columns))
    return y


def pairs(kernel, stride):
    kernel = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    return kernel, kernel if stride is None else (stride, stride)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_each_output_is_the_largest_of_its_window(xp, shape):
    kernel, stride, height, width = shape
    x = distinct(2, 3, height, width)
    y = MaxPool2d(kernel, stride=stride).forward(xp.asarray(x))
    np.testing.assert_array_equal(to_numpy(y), by_loops(x, *pairs(kernel, stride)))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_gradient_is_the_slope_of_the_output(xp, shape, central_differences):
    kernel, stride, height, width = shape
    x = distinct(2, 2, height, width)
    pool = MaxPool2d(kernel, stride=stride)
    y = to_numpy(pool.forward(xp.asarray(x)))
    dy = np.random.default_rng(5).standard_normal(y.shape)
    dx = to_numpy(pool.backward(xp.asarray(dy)))
    slope = central_differences(lambda at: float((by_loops(at, *pairs(kernel, stride)) * dy).sum()), x)
    np.testing.assert_allclose(dx, slope, rtol=1e-6, atol=1e-7)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.integers(0, 5), st.integers(0, 5))
def test_any_window_and_stride_is_what_loops_find(rows, columns, stride, more_rows, more_columns):
    x = distinct(2, 2, rows + more_rows, columns + more_columns)
    pool = MaxPool2d((rows, columns), stride=stride)
    y = pool.forward(x)
    np.testing.assert_array_equal(y, by_loops(x, (rows, columns), (stride, stride)))
    dy = np.random.default_rng(5).standard_normal(y.shape)
    assert pool.backward(dy).sum() == pytest.approx(dy.sum())  # every gradient goes to one number


def test_of_equal_numbers_the_first_gets_the_gradient(xp):
    pool = MaxPool2d(2)
    pool.forward(xp.asarray(np.zeros((1, 1, 2, 2))))
    assert to_numpy(pool.backward(xp.asarray(np.ones((1, 1, 1, 1))))).tolist() == [[[[1.0, 0.0], [0.0, 0.0]]]]


def test_not_a_number_is_not_hidden(xp):
    x = np.zeros((1, 1, 2, 2))
    x[0, 0, 1, 0] = np.nan
    assert np.isnan(to_numpy(MaxPool2d(2).forward(xp.asarray(x)))).all()


def test_flatten_and_back_changes_no_number(xp):
    x = distinct(3, 2, 4, 5)
    flatten = Flatten()
    y = flatten.forward(xp.asarray(x))
    np.testing.assert_array_equal(to_numpy(y), x.reshape(3, 40))
    np.testing.assert_array_equal(to_numpy(flatten.backward(y)), x)


@pytest.mark.parametrize("name", ["filters", "weight"])
def test_gradients_go_through_a_whole_convolutional_network(xp, name, central_differences):
    x = distinct(3, 1, 6, 6)
    labels = np.array([0, 2, 1])

    def network(xp):
        layers = [Conv2d(1, 2, 3, padding=1, xp=xp, dtype="float64"), ReLU(), MaxPool2d(2), Flatten(),
                  Dense(18, 3, xp=xp, dtype="float64", seed=1)]  # fmt: skip
        return Network(layers), layers[0 if name == "filters" else -1]

    here, layer = network(np)

    def objective(value):
        layer.weight = value
        return SoftmaxCrossEntropy().forward(here.forward(x), labels)

    slope = central_differences(objective, layer.weight)
    there, layer = network(xp)
    loss = SoftmaxCrossEntropy()
    loss.forward(there.forward(xp.asarray(x)), xp.asarray(labels))
    there.backward(loss.backward())
    np.testing.assert_allclose(to_numpy(layer.dweight), slope, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("layer", [MaxPool2d(2), Flatten()], ids=repr)
def test_backward_before_forward_is_refused(layer):
    with pytest.raises(RuntimeError, match=r"\.backward needs the x of a forward pass: call forward first$"):
        layer.backward(np.ones((1, 1, 1, 1)))


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: MaxPool2d(0), ValueError, "kernel must be an integer of at least 1, got 0"),
        (lambda: MaxPool2d((2, 2, 2)), ValueError, "kernel must be one size or a pair (height, width), got (2, 2, 2)"),
        (lambda: MaxPool2d(2, stride=0), ValueError, "stride must be an integer of at least 1, got 0"),
        (lambda: MaxPool2d(3).forward(np.ones((1, 1, 2, 5))), ValueError, "height of x must be at least 3 for a "
         "kernel of 3 and a padding of 0, got 2"),
        (lambda: MaxPool2d(2).forward(np.ones((4, 4))), ValueError, "x must have shape (batch_size, channels, height, "
         "width) with batch_size and channels and height and width at least 1, got (4, 4)"),
        (lambda: Flatten().forward(np.ones((0, 4))), ValueError, "x must have shape (batch_size, ...) with every size "
         "at least 1, got (0, 4)"),
        (lambda: Flatten().forward(np.ones((2, 4), "int64")), TypeError, "x must hold floating-point numbers, got "
         "dtype int64"),
    ],
)  # fmt: skip
def test_what_cannot_be_pooled_is_refused_in_one_sentence(call, error, sentence):
    with pytest.raises(error) as refusal:
        call()
    assert str(refusal.value) == sentence


def test_a_wrong_dy_is_refused_in_one_sentence():
    pool, flatten = MaxPool2d(2), Flatten()
    pool.forward(np.ones((1, 2, 4, 4)))
    with pytest.raises(ValueError, match=r"^dy must have shape \(1, 2, 2, 2\), got \(1, 2, 4, 4\)$"):
        pool.backward(np.ones((1, 2, 4, 4)))
    flatten.forward(np.ones((1, 2, 4, 4)))
    with pytest.raises(ValueError, match=r"^dy must have shape \(1, 32\), got \(1, 31\)$"):
        flatten.backward(np.ones((1, 31)))


def test_layers_say_their_sizes():
    shown = [MaxPool2d(2), MaxPool2d(3, stride=1), MaxPool2d((2, 3)), Flatten()]
    assert list(map(repr, shown)) == ["MaxPool2d(2)", "MaxPool2d(3, stride=1)", "MaxPool2d((2, 3))", "Flatten()"]
