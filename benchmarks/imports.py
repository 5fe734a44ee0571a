"""Time ``import gpu_lessons`` in a fresh interpreter, beside ``import numpy`` and no import at all.

Run from the repository root: ``python -m benchmarks.imports``.
"""

from __future__ import annotations

import subprocess
import sys
from statistics import median
from time import perf_counter

from gpu_lessons.units import format_time

ROUNDS = 11
TARGET_S = 0.25
NOTHING, NUMPY, PACKAGE = "pass", "import numpy", "import gpu_lessons"
#: What must not be loaded before it is used.
HEAVY = ("altair", "cupy", "ipywidgets", "matplotlib")


def time_start(statement: str) -> float:
    """Return the seconds from starting an interpreter to its end."""
    start_s = perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return perf_counter() - start_s


def time_interleaved(statements: tuple[str, ...]) -> dict[str, float]:
    """Return each statement's median; they take turns, and an untimed turn first fills the disk cache."""
    samples_s: dict[str, list[float]] = {statement: [] for statement in statements}
    for statement in statements:
        time_start(statement)
    for _ in range(ROUNDS):
        for statement in statements:
            samples_s[statement].append(time_start(statement))
    return {statement: median(samples) for statement, samples in samples_s.items()}


def find_heavy_modules() -> list[str]:
    """Return which of the heavy modules ``import gpu_lessons`` loads."""
    program = f"import gpu_lessons, sys; print(*(name for name in {HEAVY} if name in sys.modules))"
    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return printed.stdout.split()


def main() -> None:
    """Time all three in one run and print one table."""
    medians_s = time_interleaved((NOTHING, NUMPY, PACKAGE))
    loaded = find_heavy_modules()
    print(f"fresh interpreters, median of {ROUNDS}, taking turns\n")
    print(f"{'statement':<22}{'whole':>10}{'import alone':>14}")
    for statement, time_s in medians_s.items():
        alone = "-" if statement == NOTHING else format_time(max(0.0, time_s - medians_s[NOTHING]))
        print(f"{statement:<22}{format_time(time_s):>10}{alone:>14}")
    package_s = medians_s[PACKAGE]
    verdict = "ok" if package_s <= TARGET_S else "not reached"
    print(f"\n{PACKAGE}: {format_time(package_s)} whole (target: at most {format_time(TARGET_S)}): {verdict}")
    print(f"{package_s / medians_s[NUMPY]:.2f} times the whole of {NUMPY}")
    print(f"loaded of {', '.join(HEAVY)}: {', '.join(loaded) or 'none'}: {'not reached' if loaded else 'ok'}")


if __name__ == "__main__":
    main()
