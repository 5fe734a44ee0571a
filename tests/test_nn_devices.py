"""One training, every device: the same network on NumPy, array-api-strict, the simulated GPU and CuPy."""

import array_api_strict
import numpy as np
import pytest

from gpu_lessons.devices import CudaGpu, SimulatedGpu
from gpu_lessons.hardware.arrays import cuda_status
from gpu_lessons.hardware.machines import machine
from gpu_lessons.nn import SGD, Dense, Network, ReLU, SoftmaxCrossEntropy

STEPS = 30


def losses(xp, dtype="float64"):
    """Return the loss of every step of a short training of two layers."""
    rng = np.random.default_rng(7)
    x = xp.asarray(rng.standard_normal((40, 12)).astype(dtype))
    labels = xp.asarray(rng.integers(0, 5, 40))
    network = Network([Dense(12, 16, xp=xp, dtype=dtype, seed=1), ReLU(), Dense(16, 5, xp=xp, dtype=dtype, seed=2)])
    loss, sgd = SoftmaxCrossEntropy(), SGD(0.3)
    found = []
    for _ in range(STEPS):
        found.append(loss.forward(network.forward(x), labels))
        network.backward(loss.backward())
        sgd.step(network)
    return found


EXPECTED = losses(np)


def test_the_training_learns_something():
    assert EXPECTED[-1] < EXPECTED[0] / 2


def test_array_api_strict_trains_to_the_same_losses():
    np.testing.assert_allclose(losses(array_api_strict), EXPECTED, rtol=1e-10)


def test_the_simulated_gpu_trains_to_the_same_losses():
    gpu = SimulatedGpu(machine("nvidia-t4"))
    np.testing.assert_allclose(losses(gpu.xp), EXPECTED, rtol=1e-10)
    assert gpu.perf_counter() > 0
    assert gpu.memory.used_bytes == 0
    assert gpu.memory.peak_bytes > 0


def test_webgpu_trains_to_the_same_losses_and_compiles_nothing_anew(webgpu):
    expected = losses(np, "float32")
    np.testing.assert_allclose(losses(webgpu.xp, "float32"), expected, rtol=1e-4)
    compiled = webgpu.engine.compiled
    np.testing.assert_allclose(losses(webgpu.xp, "float32"), expected, rtol=1e-4)
    assert webgpu.engine.compiled == compiled


@pytest.mark.gpu
def test_cupy_trains_to_the_same_losses():
    usable, reason = cuda_status()
    if not usable:
        pytest.skip(reason)
    np.testing.assert_allclose(losses(CudaGpu().xp), EXPECTED, rtol=1e-10)


def test_the_same_training_takes_the_same_virtual_time():
    def time_s():
        gpu = SimulatedGpu(machine("nvidia-t4"))
        losses(gpu.xp)
        return gpu.perf_counter()

    assert time_s() == time_s()


def test_a_layer_on_the_simulated_gpu_refuses_host_arrays_in_one_sentence():
    gpu = SimulatedGpu(machine("nvidia-t4"))
    layer = Dense(3, 2, xp=gpu.xp)
    with pytest.raises(TypeError, match=r"x must be of type gpu_lessons\.DeviceArray like the layer's weight"):
        layer.forward(np.ones((4, 3), dtype="float32"))
