"""Time one prediction and a grid of 1,000, beside the plain roofline in two lines of Python.

A grid is a plain loop over `predict`: that is fast enough, so there is no second, vectorised form of the model.

Run from the repository root: ``python -m benchmarks.predict``.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter

import gpu_lessons as gl
from gpu_lessons.units import format_time
from gpu_lessons.work import DenseForward

ROUNDS, CALLS = 15, 200
ONE_TARGET_S, GRID_TARGET_S = 50e-6, 50e-3
GPU, CPU = "nvidia-t4", "amd-ryzen-9-7950x"
ONE = DenseForward(batch_size=256, n_in=2048, n_out=2048)
GRID = [
    DenseForward(batch_size=batch_size, n_in=width, n_out=width)
    for batch_size in range(1, 4001, 100)
    for width in range(64, 64 + 25 * 128, 128)
]


def roofline(work: DenseForward, peak_flops_per_s: float, bandwidth_bytes_per_s: float) -> float:
    """Return the seconds a machine with nothing but these two limits needs."""
    return max(work.flops / peak_flops_per_s, work.memory_bytes / bandwidth_bytes_per_s)


def time_interleaved(contestants: dict[str, tuple[Callable[[], object], int]]) -> dict[str, float]:
    """Return the median seconds of one call of each; they take turns, after one untimed turn."""
    samples_s: dict[str, list[float]] = {name: [] for name in contestants}
    for round_number in range(ROUNDS + 1):
        for name, (contestant, calls) in contestants.items():
            start_s = perf_counter()
            for _ in range(calls):
                contestant()
            if round_number:
                samples_s[name].append((perf_counter() - start_s) / calls)
    return {name: median(samples) for name, samples in samples_s.items()}


def main() -> None:
    """Time all in one run and print one table."""
    gpu, cpu = gl.machine(GPU), gl.machine(CPU)
    limits = (gpu.peak_flops_per_s["float32"], gpu.memory_bandwidth_bytes_per_s)
    plain, predict, grid = "plain roofline", "gl.predict", f"gl.predict, {len(GRID):,} points"
    on_cpu, cpu_grid = f"{predict}, CPU", f"{grid}, CPU"
    medians_s = time_interleaved(
        {
            plain: (lambda: roofline(ONE, *limits), CALLS),
            predict: (lambda: gl.predict(ONE, gpu), CALLS),
            grid: (lambda: [gl.predict(work, gpu) for work in GRID], 1),
            on_cpu: (lambda: gl.predict(ONE, cpu), CALLS),
            cpu_grid: (lambda: [gl.predict(work, cpu) for work in GRID], 1),
        }
    )
    targets_s = {predict: ONE_TARGET_S, on_cpu: ONE_TARGET_S, grid: GRID_TARGET_S, cpu_grid: GRID_TARGET_S}
    print(f"{gpu.name} and {cpu.name}, float32 forward pass; median of {ROUNDS} rounds, taking turns\n")
    print(f"{'contestant':<32}{'median':>10}  against target")
    for name, time_s in medians_s.items():
        target = ""
        if name in targets_s:
            verdict = "ok" if time_s <= targets_s[name] else "not reached"
            target = f"at most {format_time(targets_s[name])}: {verdict}"
        print(f"{name:<32}{format_time(time_s):>10}  {target}".rstrip())
    print(f"\none prediction costs {medians_s[predict] / medians_s[plain]:.0f} times the plain roofline")


if __name__ == "__main__":
    main()
