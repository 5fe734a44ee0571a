"""Time Dense forward + backward against its three bare matrix products, and against PyTorch where it is.

Run from the repository root: ``python benchmarks/dense.py [--threads 2]``.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from statistics import median
from time import perf_counter

import numpy as np
from threadpoolctl import threadpool_limits

from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.nn import Dense
from gpu_lessons.units import format_time

Step = Callable[[], np.ndarray]  # one forward and backward pass; returns dx

BATCH_SIZE, WIDTH, DTYPE = 256, 1024, "float32"
ROUNDS, WARMUP_CALLS, TIMED_CALLS = 30, 4, 6
DENSE, PRODUCTS, TORCH = "Dense forward + backward", "three bare products", "PyTorch nn.Linear"
SPEED_TARGET, TIME_TARGET = 0.90, 1.15


def make_arrays() -> tuple[np.ndarray, np.ndarray]:
    """Return the input and the gradient from above, random: some hardware is faster on zeros."""
    rng = np.random.default_rng(1)
    shape = (BATCH_SIZE, WIDTH)
    return rng.standard_normal(shape, dtype=DTYPE), rng.standard_normal(shape, dtype=DTYPE)


def make_contestants(threads: int) -> dict[str, Step]:
    """Return a function for each row of the table, all on the same arrays, weights and threads."""
    x, dy = make_arrays()
    layer = Dense(WIDTH, WIDTH, dtype=DTYPE)
    weight = layer.weight

    def products() -> np.ndarray:
        _, _, dx = x @ weight, x.T @ dy, dy @ weight.T
        return dx

    def dense() -> np.ndarray:
        layer.forward(x)
        return layer.backward(dy)

    contestants: dict[str, Step] = {PRODUCTS: products, DENSE: dense}
    if find_spec("torch"):
        contestants[TORCH] = make_torch(x, dy, weight, threads)
    return contestants


def make_torch(x: np.ndarray, dy: np.ndarray, weight: np.ndarray, threads: int) -> Step:
    """Return the same forward and backward pass in PyTorch, gradient for the input included."""
    import torch

    torch.set_num_threads(threads)
    linear = torch.nn.Linear(WIDTH, WIDTH)
    linear.weight.data = torch.from_numpy(weight.T.copy())  # PyTorch keeps (n_out, n_in)
    linear.bias.data.zero_()
    x_torch, dy_torch = torch.from_numpy(x).requires_grad_(), torch.from_numpy(dy)

    def step() -> np.ndarray:
        x_torch.grad = None
        linear.zero_grad(set_to_none=True)
        linear(x_torch).backward(dy_torch)
        return x_torch.grad.numpy()

    return step


def require_agreement(contestants: dict[str, Step]) -> None:
    """Refuse to time contestants that do not compute the same."""
    expected = contestants[PRODUCTS]()
    for name, step in contestants.items():
        if not np.allclose(step(), expected, atol=1e-4):
            raise RuntimeError(f"{name} computes another dx than the {PRODUCTS}")


def time_interleaved(contestants: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Return the seconds of every timed call.

    The contestants take turns, so that a busy moment of the machine meets all of them. Each turn starts with
    untimed calls: threads of the library before it spin for some 30 ms before they sleep.
    """
    samples_s: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, step in contestants.items():
            for _ in range(WARMUP_CALLS):
                step()
            for _ in range(TIMED_CALLS):
                start_s = perf_counter()
                step()
                samples_s[name].append(perf_counter() - start_s)
    return samples_s


def print_table(samples_s: dict[str, list[float]]) -> None:
    """Print each row's median and its ratio, the target beside it."""
    medians_s = {name: median(samples) for name, samples in samples_s.items()}
    speed = medians_s[PRODUCTS] / medians_s[DENSE]
    ratios = {
        PRODUCTS: "-",
        DENSE: f"{speed:.1%} of the products' speed (target: at least {SPEED_TARGET:.0%})",
    }
    if TORCH in medians_s:
        times = medians_s[DENSE] / medians_s[TORCH]
        ratios[TORCH] = f"Dense takes {times:.2f} times its time (target: at most {TIME_TARGET})"
    print(f"{'contestant':<26}{'median':>10}  ratio")
    for name, time_s in medians_s.items():
        print(f"{name:<26}{format_time(time_s):>10}  {ratios[name]}")
    if TORCH not in medians_s:
        print("PyTorch is not installed: that row is skipped")


def main() -> None:
    """Time all contestants in one run and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=this_machine().usable_cores)
    threads = parser.parse_args().threads
    print(f"{this_machine().cpu.name}, {threads} threads, NumPy {np.__version__}, Python {platform.python_version()}")
    print(f"batch {BATCH_SIZE}, width {WIDTH}, {DTYPE}, {ROUNDS * TIMED_CALLS} calls each, interleaved\n")
    with threadpool_limits(limits=threads, user_api="blas"):
        contestants = make_contestants(threads)
        require_agreement(contestants)
        print_table(time_interleaved(contestants))


if __name__ == "__main__":
    main()
