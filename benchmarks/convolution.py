"""Compare Conv2d forward + backward with PyTorch's, values and time, where PyTorch is installed.

Run from the repository root: ``python -m benchmarks.convolution [--threads 2]``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib.util import find_spec
from statistics import median
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.dense import time_interleaved
from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.nn import Conv2d
from gpu_lessons.units import format_time

#: One forward and backward pass; returns y, dx, dweight, dbias.
Step = Callable[[], tuple[np.ndarray, ...]]

OURS, TORCH = "Conv2d", "PyTorch nn.Conv2d"
RESULTS = ("y", "dx", "dweight", "dbias")
#: Largest difference allowed, relative to the largest number: float32 sums in another order.
TOLERANCE = 1e-4
ROUNDS = 5


class Case(NamedTuple):
    """Sizes of one layer and its input."""

    batch: int
    c_in: int
    c_out: int
    height: int
    width: int
    kernel: int
    stride: int
    padding: int


CASES = (Case(32, 64, 64, 28, 28, 3, 1, 1), Case(32, 3, 32, 64, 48, 5, 2, 2), Case(1, 64, 64, 56, 56, 3, 1, 1))


def make_contestants(case: Case, threads: int) -> dict[str, Step]:
    """Return the layer of the course and, if it is installed, PyTorch's, on the same numbers."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((case.batch, case.c_in, case.height, case.width), dtype="float32")
    layer = Conv2d(case.c_in, case.c_out, case.kernel, stride=case.stride, padding=case.padding)
    dy = rng.standard_normal(layer.forward(x).shape, dtype="float32")

    def ours() -> tuple[np.ndarray, ...]:
        y = layer.forward(x)
        return y, layer.backward(dy), layer.dweight, layer.dbias

    contestants: dict[str, Step] = {OURS: ours}
    if find_spec("torch"):
        contestants[TORCH] = make_torch(case, x, dy, layer, threads)
    return contestants


def make_torch(case: Case, x: np.ndarray, dy: np.ndarray, layer: Conv2d, threads: int) -> Step:
    """Return the same pass in PyTorch, gradient for the input included."""
    import torch

    torch.set_num_threads(threads)
    twin = torch.nn.Conv2d(case.c_in, case.c_out, case.kernel, stride=case.stride, padding=case.padding)
    twin.weight.data, twin.bias.data = torch.from_numpy(layer.weight.copy()), torch.from_numpy(layer.bias.copy())
    x_torch, dy_torch = torch.from_numpy(x).requires_grad_(), torch.from_numpy(dy)

    def step() -> tuple[np.ndarray, ...]:
        x_torch.grad = None
        twin.zero_grad(set_to_none=True)
        y = twin(x_torch)
        y.backward(dy_torch)
        return y.detach().numpy(), x_torch.grad.numpy(), twin.weight.grad.numpy(), twin.bias.grad.numpy()

    return step


def largest_difference(contestants: dict[str, Step]) -> float:
    """Return the largest difference of any result from ours, relative to the largest number; refuse a large one."""
    expected, worst = contestants[OURS](), 0.0
    for name, step in contestants.items():
        for result, ours, other in zip(RESULTS, expected, step(), strict=True):
            difference = float(np.abs(ours - other).max() / np.abs(ours).max())
            if not difference <= TOLERANCE:
                raise RuntimeError(f"{name} computes another {result} than {OURS}: they differ by {difference:.1e}")
            worst = max(worst, difference)
    return worst


def print_case(case: Case, samples_s: dict[str, list[float]], difference: float) -> None:
    """Print each median, and how many times PyTorch's time ours is."""
    medians_s = {name: median(samples) for name, samples in samples_s.items()}
    print(", ".join(f"{name} {value}" for name, value in case._asdict().items()))
    for name, time_s in medians_s.items():
        print(f"  {name:<20}{format_time(time_s):>10}")
    if TORCH in medians_s:
        ratio = medians_s[OURS] / medians_s[TORCH]
        print(f"  {ratio:.2f} times PyTorch's time; values differ by {difference:.1e} of the largest")


def main() -> None:
    """Compare all cases in one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=this_machine().usable_cores)
    threads = parser.parse_known_args()[0].threads
    print(
        f"{this_machine().cpu.name}, {threads} threads, NumPy {np.__version__}, float32, forward + backward", flush=True
    )
    if not find_spec("torch"):
        print("PyTorch is not installed: nothing to compare with, only the times of Conv2d")
    with threadpool_limits(limits=threads, user_api="blas"):
        for case in CASES:
            contestants = make_contestants(case, threads)
            difference = largest_difference(contestants)
            print_case(case, time_interleaved(contestants, ROUNDS), difference)


if __name__ == "__main__":
    main()
