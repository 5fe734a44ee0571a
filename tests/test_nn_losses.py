"""SoftmaxCrossEntropy: against a formula by hand, against finite differences, and far outside exp's range."""

import math

import array_api_strict
import numpy as np
import pytest

from gpu_lessons.hardware.arrays import to_numpy
from gpu_lessons.nn import SoftmaxCrossEntropy

LOGITS_SHAPE = "logits must have shape (batch_size, n_classes) with batch_size and n_classes at least 1"


def loss_by_hand(logits, labels):
    """One sample at a time in Python floats, with the largest logit taken out of the sum."""
    losses = []
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        largest = max(row)
        log_sum = largest + math.log(math.fsum(math.exp(value - largest) for value in row))
        losses.append(log_sum - row[label])
    return math.fsum(losses) / len(losses)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0, 1e4], ids="logits of about {}".format)
def test_the_loss_is_the_formula_by_hand_whatever_the_size_of_the_logits(xp, scale):
    rng = np.random.default_rng(2)
    logits, labels = rng.standard_normal((6, 5)) * scale, rng.integers(0, 5, 6)
    mean_loss = SoftmaxCrossEntropy().forward(xp.asarray(logits), xp.asarray(labels))
    assert mean_loss == pytest.approx(loss_by_hand(logits, labels), rel=1e-12)


def test_logits_of_ten_thousand_neither_overflow_nor_lose_the_loss(xp):
    logits = xp.asarray(np.array([[1e4, 0.0, -1e4], [1e4, 0.0, -1e4]], dtype="float32"))
    loss = SoftmaxCrossEntropy()
    assert loss.forward(logits, xp.asarray(np.array([0, 0]))) == 0.0
    assert loss.forward(logits, xp.asarray(np.array([0, 2]))) == 1e4  # half of 0 + 2e4
    np.testing.assert_array_equal(to_numpy(loss.backward()), [[0.0, 0.0, 0.0], [0.5, 0.0, -0.5]])


def test_a_class_ruled_out_by_minus_infinity_does_not_spoil_the_others(xp):
    logits = xp.asarray(np.array([[0.0, -np.inf, 0.0]]))
    loss = SoftmaxCrossEntropy()
    assert loss.forward(logits, xp.asarray(np.array([2]))) == pytest.approx(math.log(2))
    np.testing.assert_allclose(to_numpy(loss.backward()), [[0.5, 0.0, -0.5]], rtol=1e-12)


def test_the_gradient_is_the_slope_of_the_mean_loss(xp, central_differences):
    rng = np.random.default_rng(3)
    logits, labels = rng.standard_normal((4, 3)), rng.integers(0, 3, 4)
    loss = SoftmaxCrossEntropy()
    slope = central_differences(lambda at: loss.forward(xp.asarray(at), xp.asarray(labels)), logits)
    loss.forward(xp.asarray(logits), xp.asarray(labels))
    np.testing.assert_allclose(to_numpy(loss.backward()), slope, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_gradient_has_the_dtype_of_the_logits_and_the_loss_is_a_python_float(xp, dtype):
    loss = SoftmaxCrossEntropy()
    mean_loss = loss.forward(xp.asarray(np.ones((2, 3), dtype=dtype)), xp.asarray(np.array([0, 1])))
    assert type(mean_loss) is float
    assert loss.backward().dtype == getattr(xp, dtype)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint32", "int64", "uint64"])
def test_labels_may_be_any_integers(xp, dtype):
    logits, labels = np.random.default_rng(5).standard_normal((3, 300)), np.array([0, 127, 5])
    mean_loss = SoftmaxCrossEntropy().forward(xp.asarray(logits), xp.asarray(labels.astype(dtype)))
    assert mean_loss == pytest.approx(loss_by_hand(logits, labels), rel=1e-12)


def test_not_a_number_shows_in_the_loss(xp):
    logits = xp.asarray(np.array([[0.0, np.nan], [0.0, 0.0]]))
    assert math.isnan(SoftmaxCrossEntropy().forward(logits, xp.asarray(np.array([0, 0]))))


@pytest.mark.parametrize(
    ("logits", "labels", "error", "message"),
    [
        (
            np.ones((2, 3)),
            np.array([0, 3]),
            ValueError,
            "labels must lie between 0 and 2, as logits have 3 classes, got 0 to 3",
        ),
        (
            np.ones((2, 3)),
            np.array([-1, 2]),
            ValueError,
            "labels must lie between 0 and 2, as logits have 3 classes, got -1 to 2",
        ),
        (np.ones((2, 3)), np.array([0, 1, 2]), ValueError, "labels must have shape (2,), got (3,)"),
        (np.ones((2, 3)), np.array([[0], [1]]), ValueError, "labels must have shape (2,), got (2, 1)"),
        (
            np.ones((2, 3)),
            np.array([0.0, 1.0]),
            TypeError,
            "labels must hold integers, one class index a sample, got dtype float64",
        ),
        (
            np.ones((2, 3)),
            np.array([True, False]),
            TypeError,
            "labels must hold integers, one class index a sample, got dtype bool",
        ),
        (
            np.ones(3),
            np.array([0, 1, 2]),
            ValueError,
            f"{LOGITS_SHAPE}, got (3,)",
        ),
        (
            np.ones((0, 3)),
            np.array([], dtype=int),
            ValueError,
            f"{LOGITS_SHAPE}, got (0, 3)",
        ),
        (
            np.ones((2, 3), dtype=int),
            np.array([0, 1]),
            TypeError,
            "logits must hold floating-point numbers, got dtype int64",
        ),
    ],
    ids=[
        "too large",
        "negative",
        "too many",
        "a column",
        "floats",
        "booleans",
        "one axis",
        "empty",
        "integer logits",
    ],
)
def test_wrong_logits_or_labels_are_refused_in_one_sentence(xp, logits, labels, error, message):
    with pytest.raises(error) as refusal:
        SoftmaxCrossEntropy().forward(xp.asarray(logits), xp.asarray(labels))
    assert str(refusal.value) == message


def test_a_label_too_large_for_any_signed_integer_is_refused():
    with pytest.raises(ValueError, match="labels must lie between 0 and 2"):
        SoftmaxCrossEntropy().forward(np.ones((1, 3)), np.array([2**64 - 1], dtype="uint64"))


def test_a_list_of_labels_is_refused_in_one_sentence():
    with pytest.raises(TypeError, match=r"^labels must be of type numpy\.ndarray like logits, got list$"):
        SoftmaxCrossEntropy().forward(np.ones((2, 3)), [0, 1])


def test_logits_and_labels_on_two_devices_are_never_mixed():
    device = array_api_strict.Device("device1")
    logits = array_api_strict.asarray(np.ones((2, 3)), device=device)
    labels = array_api_strict.asarray(np.array([0, 1]))
    loss = SoftmaxCrossEntropy()
    with pytest.raises(ValueError, match="two different devices"):
        loss.forward(logits, labels)
    loss.forward(logits, labels.to_device(device))
    assert loss.backward().device == device


def test_backward_before_forward_is_refused_in_one_sentence():
    with pytest.raises(RuntimeError, match=r"^SoftmaxCrossEntropy\.backward needs a forward pass: call forward first$"):
        SoftmaxCrossEntropy().backward()
