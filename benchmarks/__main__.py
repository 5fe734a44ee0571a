"""Run every benchmark: ``python -m benchmarks`` from the repository root.

A target that is missed is printed, not raised: the exit code says only whether everything ran.
"""

from __future__ import annotations

from benchmarks import convolution, dense, imports, predict, sliders


def main() -> None:
    """Run one after another, each under its name."""
    for benchmark in (imports, predict, dense, convolution, sliders):
        print(f"== {benchmark.__name__}", flush=True)
        benchmark.main()
        print(flush=True)


if __name__ == "__main__":
    main()
