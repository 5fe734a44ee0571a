"""Training with less memory: gradients of parts added up, activations computed again, or kept in half the bytes."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_lessons.devices import SimulatedGpu
from gpu_lessons.hardware.arrays import to_numpy
from gpu_lessons.hardware.machines import machine
from gpu_lessons.nn import SGD, Conv2d, Dense, KeptAsFloat16, Network, Recomputed, ReLU, SoftmaxCrossEntropy
from gpu_lessons.nn.network import forget

SIZES = (6, 9, 8, 7, 5, 4)


def layers(xp=np, dtype="float64", sizes=SIZES):
    made = []
    for seed, (n_in, n_out) in enumerate(pairwise(sizes)):
        made += [Dense(n_in, n_out, xp=xp, dtype=dtype, seed=seed), ReLU()]
    return made[:-1]


def batch(xp=np, dtype="float64", samples=24, n_in=SIZES[0], classes=SIZES[-1]):
    rng = np.random.default_rng(5)
    x = rng.standard_normal((samples, n_in)).astype(dtype)
    return xp.asarray(x), xp.asarray(rng.integers(0, classes, samples))


def gradients(network):
    return [to_numpy(gradient).copy() for _, gradient in network.parameters()]


def backward_in_parts(network, x, labels, bounds):
    """Run the parts of a batch one after another, each loss weighted by its share of the samples."""
    loss = SoftmaxCrossEntropy()
    for number, (start, stop) in enumerate(pairwise(bounds)):
        loss.forward(network.forward(x[start:stop, :]), labels[start:stop])
        network.backward(loss.backward() * ((stop - start) / x.shape[0]), accumulate=number > 0)


def whole(network, x, labels):
    loss = SoftmaxCrossEntropy()
    loss.forward(network.forward(x), labels)
    network.backward(loss.backward())
    return gradients(network)


def losses(xp, wrap, dtype="float64", steps=25):
    x, labels = batch(xp, dtype)
    network, loss, sgd = wrap(layers(xp, dtype)), SoftmaxCrossEntropy(), SGD(0.3)
    found = []
    for _ in range(steps):
        found.append(loss.forward(network.forward(x), labels))
        network.backward(loss.backward())
        sgd.step(network)
    return found


def in_segments(length):
    return lambda each: Network(
        [Recomputed(each[start : start + 2 * length]) for start in range(0, len(each), 2 * length)]
    )


WRAPS = {"plain": Network, "recomputed": in_segments(2), "one segment": Recomputed, "nested": lambda each: Network([
    Network(each[:3]), Recomputed(each[3:])])}  # fmt: skip


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
@pytest.mark.parametrize("bounds", [(0, 12, 24), (0, 8, 16, 24), (0, 1, 2, 23, 24), (0, 24)])
def test_gradients_of_parts_add_up_to_those_of_the_whole_batch(xp, wrap, bounds):
    x, labels = batch(xp)
    network = wrap(layers(xp))
    backward_in_parts(network, x, labels, bounds)
    expected = whole(Network(layers()), *batch())
    assert all(np.abs(each).max() > 1e-4 for each in expected)
    for found, wanted in zip(gradients(network), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-10)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 23), max_size=5, unique=True), st.booleans())
def test_any_cut_of_the_batch_gives_the_gradients_of_the_whole(cuts, recomputed):
    network = (in_segments(1) if recomputed else Network)(layers())
    backward_in_parts(network, *batch(), (0, *sorted(cuts), 24))
    for found, wanted in zip(gradients(network), whole(Network(layers()), *batch()), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-10)


def test_without_accumulate_a_backward_pass_forgets_the_gradients_before_it():
    network = Network(layers())
    first = whole(network, *batch())
    for again, before in zip(whole(network, *batch()), first, strict=True):
        np.testing.assert_array_equal(again, before)


def test_the_first_backward_pass_may_accumulate_too():
    network = Network([Dense(2, 2, dtype="float64")])
    network.forward(np.ones((1, 2)))
    network.backward(np.ones((1, 2)), accumulate=True)
    assert network.layers[0].dbias.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("wrap", list(WRAPS.values())[1:], ids=list(WRAPS)[1:])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_recomputing_changes_no_bit_of_any_loss(wrap, dtype):
    found = losses(np, wrap, dtype)
    assert found[-1] < found[0] / 2
    assert found == losses(np, Network, dtype)


def test_recomputing_gives_the_same_losses_on_every_library(xp):
    assert losses(xp, in_segments(2)) == pytest.approx(losses(np, Network), rel=1e-10)


def test_between_forward_and_backward_a_segment_keeps_its_input_alone():
    network = in_segments(2)(layers())
    x, _ = batch()
    y = network.forward(x)
    assert [segment.kept.shape for segment in network.layers] == [(24, 6), (24, 8), (24, 5)]
    assert all(layer.kept is None for segment in network.layers for layer in segment.layers)
    network.backward(y)
    assert all(layer.kept is None for segment in network.layers for layer in segment.layers)


def test_recomputing_needs_a_forward_pass():
    sentence = r"^Recomputed\.backward needs the x of a forward pass: call forward first$"
    with pytest.raises(RuntimeError, match=sentence):
        Recomputed(layers()).backward(np.ones((1, 4)))


def test_a_network_that_forgot_needs_a_forward_pass():
    network = Network([Network(layers()[:2]), Conv2d(1, 1, 1)])
    network.layers[0].forward(batch()[0])
    forget(network)
    assert [layer.kept for layer in network.layers[0].layers] == [None, None]


def test_float16_activations_change_the_gradients_by_a_thousandth(xp):
    if not hasattr(xp, "float16"):
        pytest.skip("the array API standard has no float16")
    x, labels = batch(xp, "float32")
    found = whole(KeptAsFloat16(layers(xp, "float32")), x, labels)
    expected = whole(Network(layers(dtype="float32")), *batch(dtype="float32"))
    for got, wanted in zip(found, expected, strict=True):
        scale = np.abs(wanted).max()
        np.testing.assert_allclose(got, wanted, rtol=0, atol=3e-3 * scale)
    assert any(not np.allclose(got, wanted, rtol=1e-6, atol=0) for got, wanted in zip(found, expected, strict=True))


def test_float16_activations_still_learn():
    found = losses(np, KeptAsFloat16, "float32")
    assert found[-1] < found[0] / 2
    assert found == pytest.approx(losses(np, Network, "float32"), rel=2e-2)


def test_what_is_kept_as_float16_is_kept_once_and_not_the_batch_itself():
    network = KeptAsFloat16(layers(dtype="float32"))
    x, _ = batch(dtype="float32")
    y = network.forward(x)
    first, *others = network.layers
    assert first.kept is x
    assert {str(layer.kept.dtype) for layer in others} == {"float16"}
    assert len({id(layer.kept) for layer in others}) == len(others) // 2  # a ReLU's output is the next one's input
    network.backward(y)
    assert {str(layer.kept.dtype) for layer in others} == {"float16"}


def test_layers_of_inner_networks_and_segments_are_kept_as_float16_too():
    each = layers(dtype="float32")
    network = KeptAsFloat16([Network(each[:4]), Recomputed(each[4:])])
    x, labels = batch(dtype="float32")
    found = whole(network, x, labels)
    assert [str(layer.kept.dtype) for layer in network.layers] == ["float32"] + ["float16"] * 4
    for got, wanted in zip(found, whole(Network(layers(dtype="float32")), x, labels), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=0, atol=3e-3 * np.abs(wanted).max())


def test_a_library_without_float16_is_refused_in_one_sentence():
    import array_api_strict

    network = KeptAsFloat16(layers(array_api_strict))
    sentence = r"^activations cannot be kept as float16: array_api_strict has no such number format$"
    with pytest.raises(TypeError, match=sentence):
        network.forward(batch(array_api_strict)[0])


@pytest.mark.parametrize("wrap", [in_segments(3), KeptAsFloat16, lambda each: KeptAsFloat16(
    [Recomputed(each[:10]), Recomputed(each[10:])])], ids=["recomputed", "float16", "both"])  # fmt: skip
def test_every_way_back_needs_less_memory_than_keeping_everything(wrap):
    def peak_bytes(wrap):
        gpu = SimulatedGpu(machine("nvidia-t4"))
        sizes = (64,) * 10
        x, labels = batch(gpu.xp, "float32", samples=2000, n_in=64, classes=64)
        network, loss = wrap(layers(gpu.xp, "float32", sizes)), SoftmaxCrossEntropy()
        loss.forward(network.forward(x), labels)
        network.backward(loss.backward())
        return gpu.memory.peak_bytes

    assert peak_bytes(wrap) < 0.82 * peak_bytes(Network)


def test_a_wrapped_network_says_what_it_is():
    assert repr(Recomputed([Dense(3, 2), ReLU()])) == "Recomputed([Dense(3, 2), ReLU()])"
    assert repr(KeptAsFloat16([Dense(3, 2)])) == "KeptAsFloat16([Dense(3, 2)])"
