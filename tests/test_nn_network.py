"""Networks and SGD: the chain rule as a whole, and a problem that must be learnt alike everywhere."""

import doctest
from importlib import import_module
from itertools import pairwise

import numpy as np
import pytest

from gpu_lessons.hardware.arrays import to_numpy
from gpu_lessons.nn import SGD, Dense, Network, ReLU, SoftmaxCrossEntropy


def small_network(xp, dtype="float64"):
    return Network([Dense(3, 5, xp=xp, dtype=dtype, seed=1), ReLU(), Dense(5, 4, xp=xp, dtype=dtype, seed=2)])


def two_clouds(dtype="float64"):
    """Return 40 points of the plane, 20 round (2, 2) and 20 round (-2, -2), and which cloud each is from."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 20)
    x = rng.standard_normal((40, 2)) * 0.5 + np.where(labels[:, None] == 0, 2.0, -2.0)
    return x.astype(dtype), labels


def train(xp, dtype, steps=30):
    """Return the loss before each step, and the network."""
    x, labels = map(xp.asarray, two_clouds(dtype))
    network = Network([Dense(2, 8, xp=xp, dtype=dtype, seed=1), ReLU(), Dense(8, 2, xp=xp, dtype=dtype, seed=2)])
    loss, sgd, losses = SoftmaxCrossEntropy(), SGD(0.1), []
    for _ in range(steps):
        losses.append(loss.forward(network.forward(x), labels))
        network.backward(loss.backward())
        sgd.step(network)
    return losses, network


@pytest.mark.parametrize("name", ["weight 1", "bias 1", "weight 2", "bias 2", "x"])
def test_every_gradient_of_a_two_layer_network_is_the_slope_of_the_loss(xp, name, central_differences):
    rng = np.random.default_rng(6)
    x, labels = rng.standard_normal((6, 3)), xp.asarray(rng.integers(0, 4, 6))
    network, loss = small_network(xp), SoftmaxCrossEntropy()
    first, _, second = network.layers
    homes = {
        "weight 1": (first, "weight"),
        "bias 1": (first, "bias"),
        "weight 2": (second, "weight"),
        "bias 2": (second, "bias"),
    }

    def objective(value):
        if name == "x":
            return loss.forward(network.forward(xp.asarray(value)), labels)
        layer, attribute = homes[name]
        kept = getattr(layer, attribute)
        setattr(layer, attribute, xp.asarray(value))
        try:
            return loss.forward(network.forward(xp.asarray(x)), labels)
        finally:
            setattr(layer, attribute, kept)

    loss.forward(network.forward(xp.asarray(x)), labels)
    dx = network.backward(loss.backward())
    if name == "x":
        at, computed = x, dx
    else:
        layer, attribute = homes[name]
        at, computed = to_numpy(getattr(layer, attribute)), getattr(layer, f"d{attribute}")
    slope = central_differences(objective, at)
    assert np.abs(slope).max() > 1e-3  # a gradient of zeros would prove nothing
    np.testing.assert_allclose(to_numpy(computed), slope, rtol=1e-5, atol=1e-8)


def test_training_lowers_the_loss_until_the_clouds_are_told_apart(xp):
    losses, network = train(xp, "float64")
    assert all(after < before for before, after in pairwise(losses))
    x, labels = two_clouds()
    guesses = to_numpy(network.forward(xp.asarray(x))).argmax(axis=1)
    assert guesses.tolist() == labels.tolist()


@pytest.mark.parametrize(("dtype", "rel"), [("float64", 1e-10), ("float32", 1e-4)])
def test_every_library_goes_through_the_same_losses(xp, dtype, rel):
    assert train(xp, dtype)[0] == pytest.approx(train(np, dtype)[0], rel=rel, abs=0)


def test_training_twice_is_the_same_to_the_last_bit():
    assert train(np, "float32")[0] == train(np, "float32")[0]


def test_training_leaves_every_parameter_in_its_dtype(xp):
    _, network = train(xp, "float32", steps=2)
    dtypes = [array.dtype for pair in network.parameters() for array in pair]
    assert dtypes == [xp.float32] * 8


def test_parameters_come_first_layer_first_weight_before_bias():
    network = small_network(np)
    first, _, second = network.layers
    x, labels = np.ones((2, 3)), np.array([0, 1])
    loss = SoftmaxCrossEntropy()
    loss.forward(network.forward(x), labels)
    network.backward(loss.backward())
    expected = [first.weight, first.dweight, first.bias, first.dbias]
    expected += [second.weight, second.dweight, second.bias, second.dbias]
    found = [array for pair in network.parameters() for array in pair]
    assert [id(array) for array in found] == [id(array) for array in expected]


def test_a_network_inside_a_network_is_a_layer():
    first, relu, second = small_network(np).layers
    nested, flat = Network([Network([first, relu]), second]), Network([first, relu, second])
    x, dy = np.ones((2, 3)), np.ones((2, 4))
    np.testing.assert_array_equal(nested.forward(x), flat.forward(x))
    np.testing.assert_array_equal(nested.backward(dy), flat.backward(dy))
    assert len(list(nested.parameters())) == 4


def test_a_network_shows_its_layers():
    assert repr(small_network(np)) == "Network([Dense(3, 5), ReLU(), Dense(5, 4)])"


def test_a_network_without_layers_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"^layers must hold at least one layer, got none$"):
        Network([])


def test_a_step_subtracts_the_learning_rate_times_the_gradient_in_place(xp):
    layer = Dense(1, 2, xp=xp, dtype="float64")
    layer.forward(xp.asarray(np.array([[3.0]])))
    layer.backward(xp.asarray(np.array([[1.0, -2.0]])))
    weight, bias = layer.weight, layer.bias
    before = to_numpy(weight).copy()
    SGD(0.5).step(layer)
    assert layer.weight is weight
    assert layer.bias is bias
    np.testing.assert_allclose(to_numpy(weight), before - [[1.5, -3.0]], rtol=1e-15)
    assert to_numpy(bias).tolist() == [-0.5, 1.0]


def test_a_step_leaves_the_gradients_as_they_were(xp):
    layer = Dense(1, 2, xp=xp, dtype="float64")
    layer.forward(xp.asarray(np.array([[3.0]])))
    layer.backward(xp.asarray(np.array([[1.0, -2.0]])))
    SGD(0.5).step(layer)
    assert to_numpy(layer.dweight).tolist() == [[3.0, -6.0]]


def test_a_step_without_gradients_is_refused_and_changes_nothing():
    ready, new = Dense(2, 2, dtype="float64", seed=1), Dense(2, 2, dtype="float64", seed=2)
    ready.forward(np.ones((1, 2)))
    ready.backward(np.ones((1, 2)))
    before = ready.weight.copy()
    with pytest.raises(RuntimeError, match=r"^SGD\.step needs gradients: call forward and backward first$"):
        SGD(0.1).step(Network([ready, new]))
    np.testing.assert_array_equal(ready.weight, before)


@pytest.mark.parametrize(
    ("learning_rate", "error"),
    [
        (0, ValueError),
        (-0.1, ValueError),
        (float("inf"), ValueError),
        (float("nan"), ValueError),
        ("0.1", TypeError),
        (None, TypeError),
        (True, TypeError),
    ],
)
def test_an_impossible_learning_rate_is_refused_in_one_sentence(learning_rate, error):
    with pytest.raises(error) as refusal:
        SGD(learning_rate)
    assert str(refusal.value) == f"learning_rate must be a positive, finite number, got {learning_rate!r}"


@pytest.mark.parametrize("name", ["", ".dense", ".activations", ".losses", ".network", ".optimizers"])
def test_the_examples_in_the_docstrings_run_as_printed(name):
    outcome = doctest.testmod(import_module(f"gpu_lessons.nn{name}"))
    assert outcome.attempted > 0
    assert outcome.failed == 0
