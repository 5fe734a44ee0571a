"""Dense: against loops, against finite differences, and on every array library alike."""

import array_api_strict
import numpy as np
import pytest

from gpu_lessons.hardware.arrays import to_numpy
from gpu_lessons.nn import SGD, Dense

BATCH_SIZE, N_IN, N_OUT = 4, 3, 2


def random(*shape, dtype="float64", seed=7):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def layer_with(xp, weight, bias):
    layer = Dense(*weight.shape, xp=xp, dtype=str(weight.dtype))
    layer.weight, layer.bias = xp.asarray(weight), xp.asarray(bias)
    return layer


def test_forward_is_what_loops_over_samples_neurons_and_inputs_compute(xp):
    x, weight, bias = random(BATCH_SIZE, N_IN), random(N_IN, N_OUT, seed=8), random(N_OUT, seed=9)
    expected = [
        [sum(x[s, i] * weight[i, n] for i in range(N_IN)) + bias[n] for n in range(N_OUT)] for s in range(BATCH_SIZE)
    ]
    y = layer_with(xp, weight, bias).forward(xp.asarray(x))
    np.testing.assert_allclose(to_numpy(y), expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["weight", "bias", "x"])
def test_each_gradient_is_the_slope_of_the_output_it_belongs_to(xp, name, central_differences):
    point = {
        "x": random(BATCH_SIZE, N_IN),
        "weight": random(N_IN, N_OUT, seed=8),
        "bias": random(N_OUT, seed=9),
    }
    dy = random(BATCH_SIZE, N_OUT, seed=10)

    def objective(value):
        at = {**point, name: value}
        y = layer_with(xp, at["weight"], at["bias"]).forward(xp.asarray(at["x"]))
        return float((to_numpy(y) * dy).sum())

    layer = layer_with(xp, point["weight"], point["bias"])
    layer.forward(xp.asarray(point["x"]))
    dx = layer.backward(xp.asarray(dy))
    computed = {"x": dx, "weight": layer.dweight, "bias": layer.dbias}[name]
    np.testing.assert_allclose(to_numpy(computed), central_differences(objective, point[name]), rtol=1e-6, atol=1e-8)


def test_every_library_computes_the_same(xp):
    x, dy = random(BATCH_SIZE, N_IN), random(BATCH_SIZE, N_OUT, seed=10)
    here, there = Dense(N_IN, N_OUT, dtype="float64"), Dense(N_IN, N_OUT, xp=xp, dtype="float64")
    np.testing.assert_allclose(to_numpy(there.forward(xp.asarray(x))), here.forward(x), rtol=0, atol=1e-10)
    np.testing.assert_allclose(to_numpy(there.backward(xp.asarray(dy))), here.backward(dy), rtol=0, atol=1e-10)
    np.testing.assert_allclose(to_numpy(there.dweight), here.dweight, rtol=0, atol=1e-10)
    np.testing.assert_allclose(to_numpy(there.dbias), here.dbias, rtol=0, atol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nothing_changes_its_dtype_on_the_way_through_a_training_step(xp, dtype):
    layer = Dense(N_IN, N_OUT, xp=xp, dtype=dtype)
    y = layer.forward(xp.asarray(random(BATCH_SIZE, N_IN, dtype=dtype)))
    dx = layer.backward(xp.asarray(random(BATCH_SIZE, N_OUT, dtype=dtype)))
    SGD(np.float64(0.1)).step(layer)
    arrays = (y, dx, layer.dweight, layer.dbias, layer.weight, layer.bias)
    assert [array.dtype for array in arrays] == [getattr(xp, dtype)] * len(arrays)


def test_forward_and_backward_write_into_none_of_their_inputs(xp):
    layer = Dense(N_IN, N_OUT, xp=xp, dtype="float64", seed=3)
    inputs = [
        xp.asarray(random(BATCH_SIZE, N_IN)),
        xp.asarray(random(BATCH_SIZE, N_OUT)),
        layer.weight,
        layer.bias,
    ]
    before = [to_numpy(array).copy() for array in inputs]
    layer.forward(inputs[0])
    layer.backward(inputs[1])
    for array, copy in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(to_numpy(array), copy)


def test_backward_belongs_to_the_last_forward_pass():
    layer, dy = Dense(N_IN, N_OUT, dtype="float64"), random(BATCH_SIZE, N_OUT)
    first, second = random(BATCH_SIZE, N_IN, seed=1), random(BATCH_SIZE, N_IN, seed=2)
    layer.forward(first)
    layer.forward(second)
    layer.backward(dy)
    np.testing.assert_allclose(layer.dweight, np.einsum("si,sn->in", second, dy), rtol=1e-12)


def test_one_seed_gives_the_same_weights_on_every_library(xp):
    here, there = Dense(5, 7, seed=11), Dense(5, 7, xp=xp, seed=11)
    np.testing.assert_array_equal(to_numpy(there.weight), here.weight)
    assert isinstance(there.weight, type(xp.asarray([0.0])))


def test_another_seed_gives_other_weights():
    assert not np.any(Dense(5, 7, seed=1).weight == Dense(5, 7, seed=2).weight)


def test_weights_start_with_the_spread_he_initialization_asks_for_and_biases_at_zero():
    layer = Dense(800, 200, dtype="float64")
    # 160,000 draws: the spread is known to 0.2 %, and the mean to 0.0025 of a spread.
    assert layer.weight.std() == pytest.approx(0.05, rel=0.01)  # sqrt(2 / 800)
    assert abs(layer.weight.mean()) < 0.05 * 0.0125
    assert not layer.bias.any()


def test_not_a_number_in_a_sample_stays_in_that_sample(xp):
    x = random(BATCH_SIZE, N_IN, dtype="float32")
    x[2, 1] = np.nan
    y = to_numpy(Dense(N_IN, N_OUT, xp=xp).forward(xp.asarray(x)))
    assert np.isnan(y).all(axis=1).tolist() == [False, False, True, False]


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (
            random(3, dtype="float32"),
            ValueError,
            "x must have shape (batch_size, 3) with batch_size at least 1, got (3,)",
        ),
        (
            random(4, 5, dtype="float32"),
            ValueError,
            "x must have shape (batch_size, 3) with batch_size at least 1, got (4, 5)",
        ),
        (
            random(2, 4, 3, dtype="float32"),
            ValueError,
            "x must have shape (batch_size, 3) with batch_size at least 1, got (2, 4, 3)",
        ),
        (
            random(0, 3, dtype="float32"),
            ValueError,
            "x must have shape (batch_size, 3) with batch_size at least 1, got (0, 3)",
        ),
        (random(4, 3), TypeError, "x must have dtype float32 like the layer's weight, got dtype float64"),
    ],
    ids=["one sample", "wrong n_in", "three axes", "empty batch", "float64"],
)
def test_a_wrong_x_is_refused_in_one_sentence_and_not_kept(xp, x, error, message):
    layer = Dense(N_IN, N_OUT, xp=xp)
    with pytest.raises(error) as refusal:
        layer.forward(xp.asarray(x))
    assert str(refusal.value) == message
    with pytest.raises(RuntimeError, match="call forward first"):
        layer.backward(xp.asarray(random(BATCH_SIZE, N_OUT, dtype="float32")))


@pytest.mark.parametrize(
    ("dy", "error", "message"),
    [
        (random(5, 2, dtype="float32"), ValueError, "dy must have shape (4, 2), got (5, 2)"),
        (random(4, 3, dtype="float32"), ValueError, "dy must have shape (4, 2), got (4, 3)"),
        (random(4, dtype="float32"), ValueError, "dy must have shape (4, 2), got (4,)"),
        (random(4, 2), TypeError, "dy must have dtype float32 like the layer's weight, got dtype float64"),
    ],
    ids=["other batch", "wrong n_out", "one axis", "float64"],
)
def test_a_wrong_dy_is_refused_in_one_sentence_and_leaves_no_gradient(xp, dy, error, message):
    layer = Dense(N_IN, N_OUT, xp=xp)
    layer.forward(xp.asarray(random(BATCH_SIZE, N_IN, dtype="float32")))
    with pytest.raises(error) as refusal:
        layer.backward(xp.asarray(dy))
    assert str(refusal.value) == message
    assert layer.dweight is None
    assert layer.dbias is None


def test_a_list_is_refused_in_one_sentence():
    with pytest.raises(TypeError, match=r"^x must be of type numpy\.ndarray like the layer's weight, got list$"):
        Dense(N_IN, N_OUT).forward([[1.0, 2.0, 3.0]])


def test_backward_before_forward_is_refused_in_one_sentence():
    with pytest.raises(RuntimeError, match=r"^Dense\.backward needs the x of a forward pass: call forward first$"):
        Dense(N_IN, N_OUT).backward(random(BATCH_SIZE, N_OUT, dtype="float32"))


def test_arrays_of_two_libraries_are_refused_both_ways():
    on_host = random(BATCH_SIZE, N_IN, dtype="float32")
    with pytest.raises(TypeError, match=r"^x must be of type array_api_strict\.Array .*, got numpy\.ndarray$"):
        Dense(N_IN, N_OUT, xp=array_api_strict).forward(on_host)
    with pytest.raises(TypeError, match=r"^x must be of type numpy\.ndarray .*, got array_api_strict\.Array$"):
        Dense(N_IN, N_OUT).forward(array_api_strict.asarray(on_host))


def test_arrays_on_two_devices_of_one_library_are_never_mixed():
    host, device = (array_api_strict.Device(name) for name in ("CPU_DEVICE", "device1"))
    layer = Dense(N_IN, N_OUT, xp=array_api_strict)
    layer.weight, layer.bias = layer.weight.to_device(device), layer.bias.to_device(device)
    x = array_api_strict.asarray(random(BATCH_SIZE, N_IN, dtype="float32"))
    dy = array_api_strict.asarray(random(BATCH_SIZE, N_OUT, dtype="float32"))
    with pytest.raises(ValueError, match="two different devices"):
        layer.forward(x.to_device(host))
    y = layer.forward(x.to_device(device))
    with pytest.raises(ValueError, match="two different devices"):
        layer.backward(dy.to_device(host))
    dx = layer.backward(dy.to_device(device))
    SGD(0.1).step(layer)
    everything = (y, dx, layer.dweight, layer.dbias, layer.weight, layer.bias)
    assert {array.device for array in everything} == {device}


@pytest.mark.parametrize(
    ("sizes", "settings", "error", "message"),
    [
        ((0, 2), {}, ValueError, "n_in must be an integer of at least 1, got 0"),
        ((3, -1), {}, ValueError, "n_out must be an integer of at least 1, got -1"),
        ((3.0, 2), {}, TypeError, "n_in must be an integer of at least 1, got 3.0"),
        ((3, True), {}, TypeError, "n_out must be an integer of at least 1, got True"),
        ((3, 2), {"seed": -1}, ValueError, "seed must be an integer of at least 0, got -1"),
        ((3, 2), {"seed": None}, TypeError, "seed must be an integer of at least 0, got None"),
        ((3, 2), {"dtype": "float16"}, ValueError, "dtype must be 'float32' or 'float64', got 'float16'"),
        ((3, 2), {"dtype": None}, ValueError, "dtype must be 'float32' or 'float64', got None"),
    ],
)
def test_an_impossible_layer_is_refused_in_one_sentence(sizes, settings, error, message):
    with pytest.raises(error) as refusal:
        Dense(*sizes, **settings)
    assert str(refusal.value) == message


def test_numpy_integers_are_sizes_too():
    assert Dense(np.int64(3), np.int32(2)).weight.shape == (3, 2)
