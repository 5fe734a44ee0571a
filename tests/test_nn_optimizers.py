"""Momentum and Adam: against their formulas, one number at a time, on every array library alike."""

import math

import numpy as np
import pytest

from gpu_lessons.hardware.arrays import to_numpy
from gpu_lessons.nn import Adam, Dense, Momentum


class OneParameter:
    """A model whose gradient is what the test says."""

    kept = None

    def __init__(self, xp, at, dtype="float64"):
        self.value, self.xp, self.dtype = xp.asarray(np.array(at, dtype)), xp, dtype

    def parameters(self):
        yield self.value, self.gradient

    def step(self, optimizer, gradient):
        self.gradient = self.xp.asarray(np.array(gradient, self.dtype))
        optimizer.step(self)
        return to_numpy(self.value).tolist()


GRADIENTS = [[1.0, -2.0, 0.0], [0.5, 3.0, 0.0], [-4.0, 1e-3, 1e-9], [2.0, 2.0, 2.0]]


def test_momentum_goes_on_with_a_share_of_its_last_step(xp):
    model, optimizer = OneParameter(xp, [1.0, 2.0, 3.0]), Momentum(0.1, momentum=0.5)
    at, velocity = [1.0, 2.0, 3.0], [0.0] * 3
    for gradient in GRADIENTS:
        velocity = [0.5 * v + g for v, g in zip(velocity, gradient, strict=True)]
        at = [w - 0.1 * v for w, v in zip(at, velocity, strict=True)]
        assert model.step(optimizer, gradient) == pytest.approx(at, rel=1e-12)


def test_adam_is_the_formula_of_its_paper(xp):
    model, optimizer = OneParameter(xp, [1.0, 2.0, 3.0]), Adam(0.01, beta1=0.8, beta2=0.9, epsilon=1e-6)
    at, m, v = [1.0, 2.0, 3.0], [0.0] * 3, [0.0] * 3
    for t, gradient in enumerate(GRADIENTS, start=1):
        m = [0.8 * a + 0.2 * g for a, g in zip(m, gradient, strict=True)]
        v = [0.9 * a + 0.1 * g * g for a, g in zip(v, gradient, strict=True)]
        means = [(a / (1 - 0.8**t), b / (1 - 0.9**t)) for a, b in zip(m, v, strict=True)]
        at = [w - 0.01 * a / (math.sqrt(b) + 1e-6) for w, (a, b) in zip(at, means, strict=True)]
        assert model.step(optimizer, gradient) == pytest.approx(at, rel=1e-9)


def test_the_first_step_of_adam_is_one_learning_rate_long_whatever_the_gradient():
    for gradient in (1e-3, 1.0, -500.0):
        expected = [-math.copysign(0.01, gradient)]
        assert OneParameter(np, [0.0]).step(Adam(0.01), [gradient]) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("optimizer", [Momentum(0.1), Adam(0.1)], ids=repr)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nothing_changes_its_dtype_and_every_weight_is_written_in_place(xp, optimizer, dtype):
    optimizer = type(optimizer)(0.1)
    layer = Dense(3, 2, xp=xp, dtype=dtype)
    weight = layer.weight
    for _ in range(2):
        layer.backward(layer.forward(xp.asarray(np.ones((4, 3), dtype))))
        optimizer.step(layer)
    assert layer.weight is weight
    assert [layer.weight.dtype, layer.bias.dtype] == [getattr(xp, dtype)] * 2


@pytest.mark.parametrize("kind", [Momentum, Adam])
def test_a_step_without_gradients_is_refused_and_an_optimizer_belongs_to_one_model(kind):
    optimizer = kind(0.1)
    with pytest.raises(
        RuntimeError, match=rf"^{kind.__name__}\.step needs gradients: call forward and backward first$"
    ):
        optimizer.step(Dense(2, 2))
    OneParameter(np, [1.0]).step(optimizer, [1.0])
    with pytest.raises(ValueError, match=r"^an optimizer belongs to one model; make a new one for a model of other"):
        OneParameter(np, [1.0, 2.0]).step(optimizer, [1.0, 1.0])


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda: Momentum(0.0), ValueError, "learning_rate must be a positive, finite number, got 0.0"),
        (lambda: Momentum(0.1, 1.0), ValueError, "momentum must be a number from 0 to below 1, got 1.0"),
        (lambda: Momentum(0.1, "0.9"), TypeError, "momentum must be a number from 0 to below 1, got '0.9'"),
        (lambda: Adam(math.inf), ValueError, "learning_rate must be a positive, finite number, got inf"),
        (lambda: Adam(0.1, beta1=-0.1), ValueError, "beta1 must be a number from 0 to below 1, got -0.1"),
        (lambda: Adam(0.1, beta2=math.nan), ValueError, "beta2 must be a number from 0 to below 1, got nan"),
        (lambda: Adam(0.1, epsilon=0), ValueError, "epsilon must be a positive, finite number, got 0"),
    ],
)
def test_an_impossible_number_is_refused_in_one_sentence(make, error, sentence):
    with pytest.raises(error) as refusal:
        make()
    assert str(refusal.value) == sentence
