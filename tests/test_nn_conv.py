"""Conv2d: against loops, against finite differences, and on every array library alike."""

import itertools

import array_api_strict
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_lessons.hardware.arrays import to_numpy
from gpu_lessons.nn import SGD, Conv2d, Dense, Network, ReLU, SoftmaxCrossEntropy
from gpu_lessons.nn.windows import output_size

#: c_in, c_out, kernel, stride, padding, height, width
SHAPES = [
    (1, 1, (1, 1), 1, 0, 1, 1),
    (2, 3, (3, 3), 1, 0, 5, 4),
    (2, 3, (3, 3), 1, 1, 4, 5),
    (3, 2, (2, 3), 2, 1, 5, 6),
    (2, 2, (1, 2), 3, 0, 5, 7),
    (1, 2, (4, 4), 4, 2, 3, 3),
]


def random(*shape, dtype="float64", seed=7):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def layer_with(xp, weight, bias, stride, padding):
    c_out, c_in, *kernel = weight.shape
    layer = Conv2d(c_in, c_out, tuple(kernel), stride=stride, padding=padding, xp=xp, dtype=str(weight.dtype))
    layer.weight, layer.bias = xp.asarray(weight), xp.asarray(bias)
    return layer


def by_loops(x, weight, bias, stride, padding):
    """Convolve one output at a time, one product at a time; outside the image there is nothing to add."""
    batch_size, c_in, height, width = x.shape
    c_out, _, kernel_height, kernel_width = weight.shape
    height_out = len(range(-padding, height + padding - kernel_height + 1, stride))
    width_out = len(range(-padding, width + padding - kernel_width + 1, stride))
    y = np.zeros((batch_size, c_out, height_out, width_out))
    for s, o, i, j in np.ndindex(y.shape):
        y[s, o, i, j] = bias[o]
        for c, p, q in itertools.product(range(c_in), range(kernel_height), range(kernel_width)):
            row, column = i * stride - padding + p, j * stride - padding + q
            if 0 <= row < height and 0 <= column < width:
                y[s, o, i, j] += x[s, c, row, column] * weight[o, c, p, q]
    return y


def case(shape):
    c_in, c_out, kernel, stride, padding, height, width = shape
    return random(2, c_in, height, width), random(c_out, c_in, *kernel, seed=8), random(c_out, seed=9), stride, padding


@pytest.mark.parametrize("shape", SHAPES)
def test_forward_is_what_loops_over_patches_and_filters_compute(xp, shape):
    x, *rest = case(shape)
    y = layer_with(xp, *rest).forward(xp.asarray(x))
    np.testing.assert_allclose(to_numpy(y), by_loops(x, *rest), rtol=1e-12, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    batch_size=st.integers(1, 3),
    channels=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    more=st.tuples(st.integers(0, 5), st.integers(0, 5)),
    stride=st.integers(1, 4),
    padding=st.integers(0, 3),
)
def test_shapes_and_numbers_are_those_of_the_loops_for_any_sizes(batch_size, channels, kernel, more, stride, padding):
    height, width = (max(1, size - 2 * padding) + extra for size, extra in zip(kernel, more, strict=True))
    x = random(batch_size, channels[0], height, width)
    weight, bias = random(channels[1], channels[0], *kernel, seed=8), random(channels[1], seed=9)
    layer = layer_with(np, weight, bias, stride, padding)
    y = layer.forward(x)
    expected = by_loops(x, weight, bias, stride, padding)
    assert y.shape == expected.shape
    np.testing.assert_allclose(y, expected, rtol=1e-10, atol=1e-12)
    assert layer.backward(y).shape == x.shape
    assert (layer.dweight.shape, layer.dbias.shape) == (weight.shape, bias.shape)


def by_scipy(x, weight, bias, stride, padding, dy=None):
    """Return what SciPy makes of every image and filter; with ``dy``, its gradients for x and weight instead."""
    from scipy.signal import convolve2d, correlate2d

    sides = (padding, padding)
    padded = np.pad(x, ((0, 0), (0, 0), sides, sides))
    pairs = list(itertools.product(range(len(x)), *map(range, weight.shape[:2])))
    if dy is None:
        y = np.zeros((len(x), len(weight), *np.subtract(padded.shape[2:], weight.shape[2:]) + 1))
        for s, o, c in pairs:
            y[s, o] += correlate2d(padded[s, c], weight[o, c], mode="valid")
        return y[:, :, ::stride, ::stride] + bias[:, None, None]
    # Between the outputs that a stride leaves out there are none: their gradient is 0.
    spread = np.zeros((*dy.shape[:2], *np.subtract(padded.shape[2:], weight.shape[2:]) + 1))
    spread[:, :, ::stride, ::stride] = dy
    dx, dweight = np.zeros_like(padded), np.zeros_like(weight)
    for s, o, c in pairs:
        dx[s, c] += convolve2d(spread[s, o], weight[o, c], mode="full")
        dweight[o, c] += correlate2d(padded[s, c], spread[s, o], mode="valid")
    return dx[:, :, padding : padding + x.shape[2], padding : padding + x.shape[3]], dweight


#: Layers of any stride and padding, on images that need not be square.
SIZES = {
    "channels": st.tuples(st.integers(1, 3), st.integers(1, 3)),
    "kernel": st.tuples(st.integers(1, 4), st.integers(1, 4)),
    "more": st.tuples(st.integers(0, 5), st.integers(0, 5)),
    "stride": st.integers(1, 3),
    "padding": st.integers(0, 3),
}


@settings(max_examples=40, deadline=None)
@given(**SIZES)
def test_forward_and_backward_agree_with_scipy(channels, kernel, more, stride, padding):
    height, width = (max(1, size - 2 * padding) + extra for size, extra in zip(kernel, more, strict=True))
    x, bias = random(2, channels[0], height, width), random(channels[1], seed=9)
    weight = random(channels[1], channels[0], *kernel, seed=8)
    layer = layer_with(np, weight, bias, stride, padding)
    y = layer.forward(x)
    np.testing.assert_allclose(y, by_scipy(x, weight, bias, stride, padding), rtol=1e-10, atol=1e-12)
    dy = random(*y.shape, seed=10)
    dx, dweight = by_scipy(x, weight, bias, stride, padding, dy)
    np.testing.assert_allclose(layer.backward(dy), dx, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(layer.dweight, dweight, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(layer.dbias, dy.sum(axis=(0, 2, 3)), rtol=1e-10, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(**SIZES)
def test_each_gradient_is_the_slope_along_any_direction_for_any_sizes(channels, kernel, more, stride, padding):
    height, width = (max(1, size - 2 * padding) + extra for size, extra in zip(kernel, more, strict=True))
    point = {"x": random(2, channels[0], height, width), "bias": random(channels[1], seed=9)}
    point["weight"] = random(channels[1], channels[0], *kernel, seed=8)

    def output(at):
        layer = layer_with(np, at["weight"], at["bias"], stride, padding)
        return layer.forward(at["x"]), layer

    y, layer = output(point)
    dy = random(*y.shape, seed=10)
    gradients = {"x": layer.backward(dy), "weight": layer.dweight, "bias": layer.dbias}
    for name, gradient in gradients.items():
        direction = random(*gradient.shape, seed=11)
        # The output is linear in each of the three, so a difference of any width is the slope.
        ahead, behind = (output({**point, name: point[name] + sign * direction})[0] for sign in (1, -1))
        slope = ((ahead - behind) / 2 * dy).sum()
        assert (gradient * direction).sum() == pytest.approx(slope, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["weight", "bias", "x"])
def test_each_gradient_is_the_slope_of_the_output_it_belongs_to(xp, shape, name, central_differences):
    x, weight, bias, stride, padding = case(shape)
    point = {"x": x, "weight": weight, "bias": bias}
    dy = random(*by_loops(x, weight, bias, stride, padding).shape, seed=10)

    def objective(value):
        at = {**point, name: value}
        y = layer_with(np, at["weight"], at["bias"], stride, padding).forward(at["x"])
        return float((y * dy).sum())

    layer = layer_with(xp, weight, bias, stride, padding)
    layer.forward(xp.asarray(x))
    dx = layer.backward(xp.asarray(dy))
    computed = {"x": dx, "weight": layer.dweight, "bias": layer.dbias}[name]
    np.testing.assert_allclose(to_numpy(computed), central_differences(objective, point[name]), rtol=1e-6, atol=1e-8)


def test_a_filter_of_one_pixel_is_a_dense_layer_over_the_channels(xp):
    weight, bias, x = random(4, 3), random(4, seed=8), random(2, 3, 5, 6, seed=9)
    dense = Dense(3, 4, dtype="float64")
    dense.weight, dense.bias = weight.T, bias
    expected = dense.forward(x.transpose(0, 2, 3, 1).reshape(-1, 3)).reshape(2, 5, 6, 4).transpose(0, 3, 1, 2)
    y = layer_with(xp, weight[:, :, None, None], bias, 1, 0).forward(xp.asarray(x))
    np.testing.assert_allclose(to_numpy(y), expected, rtol=1e-12)


def test_every_library_computes_the_same(xp):
    x = random(2, 3, 7, 6)
    here = Conv2d(3, 4, 3, stride=2, padding=1, dtype="float64")
    there = Conv2d(3, 4, 3, stride=2, padding=1, xp=xp, dtype="float64")
    y = here.forward(x)
    np.testing.assert_allclose(to_numpy(there.forward(xp.asarray(x))), y, rtol=0, atol=1e-10)
    dy = random(*y.shape, seed=10)
    np.testing.assert_allclose(to_numpy(there.backward(xp.asarray(dy))), here.backward(dy), rtol=0, atol=1e-10)
    np.testing.assert_allclose(to_numpy(there.dweight), here.dweight, rtol=0, atol=1e-10)
    np.testing.assert_allclose(to_numpy(there.dbias), here.dbias, rtol=0, atol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nothing_changes_its_dtype_on_the_way_through_a_training_step(xp, dtype):
    layer = Conv2d(2, 3, 3, padding=1, xp=xp, dtype=dtype)
    y = layer.forward(xp.asarray(random(2, 2, 4, 4, dtype=dtype)))
    dx = layer.backward(y)
    SGD(0.1).step(layer)
    arrays = (y, dx, layer.dweight, layer.dbias, layer.weight, layer.bias)
    assert [array.dtype for array in arrays] == [getattr(xp, dtype)] * len(arrays)


def test_forward_and_backward_write_into_none_of_their_inputs(xp):
    layer = Conv2d(2, 3, 3, padding=1, xp=xp, dtype="float64")
    inputs = [xp.asarray(random(2, 2, 4, 4)), xp.asarray(random(2, 3, 4, 4)), layer.weight, layer.bias]
    before = [to_numpy(array).copy() for array in inputs]
    layer.forward(inputs[0])
    layer.backward(inputs[1])
    for array, copy in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(to_numpy(array), copy)


def test_two_convolutions_in_a_row_learn_to_tell_two_patterns_apart(xp):
    rng = np.random.default_rng(3)
    labels = np.arange(32) % 2
    stripes = np.where(np.arange(6) % 2, 1.0, -1.0)
    images = np.where(labels[:, None, None], stripes[None, :, None], stripes[None, None, :])  # lying, standing
    x = xp.asarray((images + 0.1 * rng.standard_normal((32, 6, 6)))[:, None].astype("float32"))
    convolutions = Network(
        [Conv2d(1, 4, 3, xp=xp, seed=1), ReLU(), Conv2d(4, 2, 4, xp=xp, seed=2)]  # leaves one pixel a filter
    )
    loss, sgd = SoftmaxCrossEntropy(), SGD(0.1)
    for _ in range(60):
        logits = xp.reshape(convolutions.forward(x), (32, 2))
        mean_loss = loss.forward(logits, xp.asarray(labels))
        convolutions.backward(xp.reshape(loss.backward(), (32, 2, 1, 1)))
        sgd.step(convolutions)
    assert mean_loss < 0.05
    assert (to_numpy(logits).argmax(axis=1) == labels).all()


def test_a_refused_x_leaves_the_last_forward_pass_in_force():
    layer = Conv2d(1, 1, 3)
    layer.forward(random(1, 1, 4, 4, dtype="float32"))
    with pytest.raises(ValueError, match="height of x"):
        layer.forward(random(1, 1, 2, 4, dtype="float32"))
    layer.backward(np.ones((1, 1, 2, 2), dtype="float32"))


def test_one_seed_gives_the_same_weights_on_every_library(xp):
    here, there = Conv2d(3, 4, 5, seed=11), Conv2d(3, 4, 5, xp=xp, seed=11)
    np.testing.assert_array_equal(to_numpy(there.weight), here.weight)
    assert not np.any(Conv2d(3, 4, 5, seed=12).weight == here.weight)


def test_weights_start_with_the_spread_he_initialization_asks_for_and_biases_at_zero():
    layer = Conv2d(32, 200, 5, dtype="float64")
    assert layer.weight.std() == pytest.approx(0.05, rel=0.01)  # sqrt(2 / (32 * 25))
    assert not layer.bias.any()


def test_a_layer_says_its_sizes():
    assert repr(Conv2d(3, 8, 5, padding=2)) == "Conv2d(3, 8, 5, stride=1, padding=2)"
    assert repr(Conv2d(3, 8, (5, 1), stride=2)) == "Conv2d(3, 8, (5, 1), stride=2, padding=0)"


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (random(2, 4, 4, dtype="float32"), ValueError, "x must have shape (batch_size, 2, height, width) with "
         "batch_size and height and width at least 1, got (2, 4, 4)"),
        (random(1, 3, 4, 4, dtype="float32"), ValueError, "x must have shape (batch_size, 2, height, width) with "
         "batch_size and height and width at least 1, got (1, 3, 4, 4)"),
        (random(1, 2, 2, 4, dtype="float32"), ValueError, "height of x must be at least 3 for a kernel of 3 and a "
         "padding of 0, got 2"),
        (random(1, 2, 4, 1, dtype="float32"), ValueError, "width of x must be at least 3 for a kernel of 3 and a "
         "padding of 0, got 1"),
        (random(1, 2, 4, 4), TypeError, "x must have dtype float32 like the layer's weight, got dtype float64"),
    ],
    ids=["no batch", "wrong c_in", "too low", "too narrow", "float64"],
)  # fmt: skip
def test_a_wrong_x_is_refused_in_one_sentence_and_not_kept(xp, x, error, message):
    layer = Conv2d(2, 3, 3, xp=xp)
    with pytest.raises(error) as refusal:
        layer.forward(xp.asarray(x))
    assert str(refusal.value) == message
    with pytest.raises(RuntimeError, match=r"^Conv2d\.backward needs the x of a forward pass: call forward first$"):
        layer.backward(xp.asarray(random(1, 3, 2, 2, dtype="float32")))


@pytest.mark.parametrize(
    ("dy", "error", "message"),
    [
        (random(1, 3, 2, 2, dtype="float32"), ValueError, "dy must have shape (1, 3, 2, 3), got (1, 3, 2, 2)"),
        (random(2, 3, 2, 3, dtype="float32"), ValueError, "dy must have shape (1, 3, 2, 3), got (2, 3, 2, 3)"),
        (random(1, 3, 2, 3), TypeError, "dy must have dtype float32 like the layer's weight, got dtype float64"),
    ],
)
def test_a_wrong_dy_is_refused_in_one_sentence_and_leaves_no_gradient(xp, dy, error, message):
    layer = Conv2d(2, 3, 3, xp=xp)
    layer.forward(xp.asarray(random(1, 2, 4, 5, dtype="float32")))
    with pytest.raises(error) as refusal:
        layer.backward(xp.asarray(dy))
    assert str(refusal.value) == message
    assert layer.dweight is None


def test_arrays_of_two_libraries_are_refused_and_devices_are_never_mixed():
    on_host = random(1, 2, 4, 4, dtype="float32")
    layer = Conv2d(2, 3, 3, xp=array_api_strict, padding=1)
    with pytest.raises(TypeError, match=r"^x must be of type array_api_strict\.Array .*, got numpy\.ndarray$"):
        layer.forward(on_host)
    device = array_api_strict.Device("device1")
    layer.weight, layer.bias = layer.weight.to_device(device), layer.bias.to_device(device)
    y = layer.forward(array_api_strict.asarray(on_host).to_device(device))
    dx = layer.backward(y)
    assert {array.device for array in (y, dx, layer.dweight, layer.dbias)} == {device}


@pytest.mark.parametrize(
    ("sizes", "settings", "error", "message"),
    [
        ((0, 2, 3), {}, ValueError, "c_in must be an integer of at least 1, got 0"),
        ((3, 1.0, 3), {}, TypeError, "c_out must be an integer of at least 1, got 1.0"),
        ((3, 2, 0), {}, ValueError, "kernel must be an integer of at least 1, got 0"),
        ((3, 2, [3, 3]), {}, TypeError, "kernel must be an integer of at least 1, got [3, 3]"),
        ((3, 2, (3, 3, 3)), {}, ValueError, "kernel must be one size or a pair (height, width), got (3, 3, 3)"),
        ((3, 2, (3, 0)), {}, ValueError, "kernel[1] must be an integer of at least 1, got 0"),
        ((3, 2, 3), {"stride": 0}, ValueError, "stride must be an integer of at least 1, got 0"),
        ((3, 2, 3), {"padding": -1}, ValueError, "padding must be an integer of at least 0, got -1"),
        ((3, 2, 3), {"seed": -1}, ValueError, "seed must be an integer of at least 0, got -1"),
        ((3, 2, 3), {"dtype": "float16"}, ValueError, "dtype must be 'float32' or 'float64', got 'float16'"),
    ],
)
def test_an_impossible_layer_is_refused_in_one_sentence(sizes, settings, error, message):
    with pytest.raises(error) as refusal:
        Conv2d(*sizes, **settings)
    assert str(refusal.value) == message


@given(st.integers(1, 60), st.integers(1, 9), st.integers(1, 9), st.integers(0, 9))
def test_patches_are_counted_as_one_would_place_them(size, kernel, stride, padding):
    places = [start for start in range(-padding, size + padding, stride) if start + kernel <= size + padding]
    if places:
        assert output_size("width", size, kernel, stride, padding) == len(places)
    else:
        with pytest.raises(ValueError, match=r"^width must be at least "):
            output_size("width", size, kernel, stride, padding)
