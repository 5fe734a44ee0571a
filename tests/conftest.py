"""Fixtures that more than one test module uses."""

from importlib import import_module

import numpy as np
import pytest

from gpu_lessons.hardware.arrays import cuda_status


@pytest.fixture(params=["numpy", "array_api_strict", pytest.param("cupy", marks=pytest.mark.gpu)])
def xp(request):
    """Every array namespace the course runs on; CuPy only where a CUDA device computes."""
    if request.param == "cupy":
        usable, reason = cuda_status()
        if not usable:
            pytest.skip(reason)
    return import_module(request.param)


@pytest.fixture
def central_differences():
    """Return a function: the gradient of ``f`` at a float64 NumPy array, one number nudged at a time."""

    def gradient(f, at, step=1e-6):
        slopes = np.empty_like(at)
        for index in np.ndindex(at.shape):
            nudge = np.zeros_like(at)
            nudge[index] = step
            slopes[index] = (f(at + nudge) - f(at - nudge)) / (2 * step)
        return slopes

    return gradient
