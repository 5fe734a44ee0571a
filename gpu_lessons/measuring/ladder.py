"""The ladder of lesson 12: kernels of one's own for a matrix product, each timed beside the library's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from gpu_lessons.arguments import require_count, require_seconds, shown
from gpu_lessons.devices import CudaGpu, SimulatedGpu, WebGpu
from gpu_lessons.devices.ladder import STEPS, Product, matrix_kernel, require_gpu
from gpu_lessons.measuring.cuda import event_clock, within_memory
from gpu_lessons.measuring.timing import ONE_AT_A_TIME, sample_gpu_times
from gpu_lessons.measuring.webgpu import clock_for, seconds_by, within_buffers
from gpu_lessons.model.kernel_ladder import predict_kernel
from gpu_lessons.records import Measurement
from gpu_lessons.units import format_time
from gpu_lessons.work import MatrixProduct
from gpu_lessons.work.workload import random_numbers

__all__ = ["LIBRARY", "OWN", "Rung", "time_ladder", "wrong_numbers"]

LIBRARY, OWN = "the library's product", "your kernel"
#: A call to compare, two as warm-up, one to find out how long it is, three samples.
_LEAST_CALLS = 7
_SHARE_OF_SAMPLES = 0.25
#: What is tried first is smaller by so much along each side, if it is then as large as this.
_SMALLER, _SMALLEST = 4, 64
#: Sums of float32 in another order differ by less than this, times the root of the number of terms.
_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Rung:
    """One kernel of the ladder and its time, or why it has none.

    Attributes
    ----------
    name : str
        Title of the step, `OWN` or `LIBRARY`.
    step : int or None
        Number of the step.
    flops : int
        Operations of the product.
    seconds : float or None
        Of one call; None if ``why_not`` says why there is none.
    source : str
        ``"measured"``, or ``"predicted"`` for a simulated GPU.
    why_not : str
        One sentence, or nothing.
    measurement : Measurement or None
        With the samples and the clock, if it was measured.
    """

    name: str
    step: int | None
    flops: int
    seconds: float | None
    source: str
    why_not: str = ""
    measurement: Measurement | None = None

    def __str__(self) -> str:
        if self.seconds is None:
            return f"{self.name}: {self.why_not}"
        rate = self.flops / self.seconds
        return f"{self.name:25} {format_time(self.seconds):>8}, {rate / 1e12:6.3f} TFLOP/s ({self.source})"

    @property
    def flops_per_s(self) -> float | None:
        """Operations a second."""
        return None if self.seconds is None else self.flops / self.seconds


def time_ladder(
    gpu: CudaGpu | WebGpu | SimulatedGpu,
    size: int = 1024,
    *,
    own: str = "",
    own_tile: int = 64,
    budget_s: float = 4.0,
) -> tuple[Rung, ...]:
    """Return the times of the five steps, of one's own kernel if there is one, and of the library's product.

    Parameters
    ----------
    gpu : CudaGpu, WebGpu or SimulatedGpu
        Where they run; on a simulated one the times are predicted.
    size : int
        Rows and columns of both matrices, float32.
    own : str
        A text for `matrix_kernel`.
    own_tile : int
        Rows and columns of the result that a block of it computes.
    budget_s : float
        Seconds that one kernel may take in all. What would take longer, as a smaller product tells, is not run.

    Returns
    -------
    tuple of Rung
        A kernel whose numbers are not those of a @ b has no time, and its sentence says where they differ.

    Raises
    ------
    MemoryError
        If the matrices do not fit.
    NotImplementedError
        If there is a kernel of one's own and the GPU is simulated.
    WgslError, CudaTextError, RuntimeError
        If one's own kernel does not compile, or does not end.
    TypeError, ValueError
        If ``gpu`` is no GPU, ``size`` no integer of at least 1, ``own`` no text, or ``budget_s`` no number of seconds.
    """
    require_gpu(gpu)
    size = require_count("size", size)
    if not isinstance(own, str):
        raise TypeError(f"own must be the text of a kernel, got {shown(own)}")
    product = MatrixProduct(size, size, size)
    budget_s = require_seconds("budget_s", budget_s)
    kernels: list[tuple[str, int | None, Product]] = []
    if own:
        kernels.append((OWN, None, matrix_kernel(gpu, own, tile=own_tile)))
    if isinstance(gpu, SimulatedGpu):
        return _predicted(gpu, product)
    kernels = [(step.title, step.number, matrix_kernel(gpu, step.number)) for step in STEPS] + kernels
    kernels.append((LIBRARY, None, lambda a, b: a @ b))
    with ONE_AT_A_TIME:
        run = partial(_rungs, gpu, product, kernels, budget_s)
        if isinstance(gpu, CudaGpu):
            return within_memory(_room(product), gpu.machine.name, gpu.xp, run)
        return within_buffers(_room(product), gpu, run)


def wrong_numbers(found: Any, expected: Any, terms: int) -> str:  # noqa: ANN401
    """Return one sentence that says where host arrays differ by more than float32 explains, or nothing.

    Parameters
    ----------
    found, expected : numpy.ndarray
        Products of matrices of random numbers of about 1.
    terms : int
        Of each of their sums.
    """
    differs = ~(np.abs(found - expected) <= _TOLERANCE * terms**0.5)  # also where there is no number
    if not differs.any():
        return ""
    row, column = (int(each[0]) for each in np.nonzero(differs))
    got = found[row, column]
    told = "nothing was written" if np.isnan(got) else f"it is {got:.4g}"
    return (
        f"No time: {int(differs.sum()):,} of {differs.size:,} numbers are wrong, the first in row {row}, column "
        f"{column}, where {told} and a @ b gives {expected[row, column]:.4g}."
    )


def _room(product: MatrixProduct) -> MatrixProduct:
    """Return a product with the memory of two: its result is compared with the library's."""
    return MatrixProduct(product.m, product.n, product.k, count=2)


def _predicted(gpu: SimulatedGpu, product: MatrixProduct) -> tuple[Rung, ...]:
    found = [predict_kernel(step, gpu.machine, product.m, product.n, product.k) for step in STEPS]
    rungs = [Rung(each.kernel.title, each.kernel.number, product.flops, each.seconds, "predicted") for each in found]
    return (*rungs, Rung(LIBRARY, None, product.flops, found[0].library_s, "predicted"))


def _rungs(
    gpu: CudaGpu | WebGpu, product: MatrixProduct, kernels: list[tuple[str, int | None, Product]], budget_s: float
) -> tuple[Rung, ...]:
    a, b = _matrices(gpu, product.m)
    expected: list[Any] = []  # made when it is first compared with: even the library may be too slow here

    def rung(name: str, step: int | None, multiply: Product) -> Rung:
        why_not = _too_slow(gpu, product, multiply, budget_s)
        if not why_not and name != LIBRARY:
            if not expected:
                expected.append(gpu.to_host(a @ b))
            out = gpu.xp.full((product.m, product.n), np.nan, "float32")
            why_not = wrong_numbers(gpu.to_host(multiply(a, b, out)), expected[0], product.k)
        if why_not:
            return Rung(name, step, product.flops, None, "measured", why_not)
        found = _measured(gpu, product, partial(multiply, a, b), budget_s)
        return Rung(name, step, product.flops, found.median_s, "measured", "", found)

    return tuple(rung(*each) for each in kernels)


def _matrices(gpu: CudaGpu | WebGpu, size: int) -> tuple[Any, Any]:
    a, b = (gpu.to_device(random_numbers(seed, (size, size), "float32")) for seed in (1, 2))
    return a, b


def _too_slow(gpu: CudaGpu | WebGpu, product: MatrixProduct, multiply: Product, budget_s: float) -> str:
    """Return one sentence if a smaller product says that this one would take too long."""
    size = product.m // _SMALLER
    if size < _SMALLEST:
        return ""
    a, b = _matrices(gpu, size)
    seconds_of, _ = _clock(gpu, product, partial(multiply, a, b))
    seconds_of(1)  # compiles
    expected_s = min(seconds_of(1) for _ in range(3)) * product.flops / MatrixProduct(size, size, size).flops
    if _LEAST_CALLS * expected_s <= budget_s:
        return ""
    return (
        f"Not measured: at least {_LEAST_CALLS} calls of about {format_time(expected_s)} each would take more than the "
        f"{format_time(budget_s)} set aside. Choose a smaller size than {product.m:,}."
    )


def _measured(
    gpu: CudaGpu | WebGpu, product: MatrixProduct, call: Callable[[], object], budget_s: float
) -> Measurement:
    seconds_of, clock = _clock(gpu, product, call)
    samples_s, warmup_s, calls = sample_gpu_times(seconds_of, _SHARE_OF_SAMPLES * budget_s)
    return Measurement(product, gpu.machine.name, None, samples_s, warmup_s, calls, clock=clock)


def _clock(
    gpu: CudaGpu | WebGpu, product: MatrixProduct, call: Callable[[], object]
) -> tuple[Callable[[int], float], str | None]:
    """Return the seconds a call of so many calls, and the name of the clock where a device leaves the choice."""
    if isinstance(gpu, CudaGpu):
        return event_clock(call, gpu.xp), None
    clock = clock_for(product, gpu)
    return seconds_by(clock, call, gpu), clock
