"""The benchmark of Dense: what it prints from known samples, and that it times only equal work."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def benchmark_script():
    path = Path(__file__).parents[1] / "benchmarks" / "dense.py"
    spec = spec_from_file_location("benchmark_dense", path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_shows_each_ratio_beside_its_target(benchmark_script, capsys):
    samples_s = {
        benchmark_script.PRODUCTS: [0.009, 0.009, 9.0],
        benchmark_script.DENSE: [0.010, 0.010, 0.010],
        benchmark_script.TORCH: [0.008, 0.008, 0.008],
    }
    benchmark_script.print_table(samples_s)
    printed = capsys.readouterr().out
    assert "90.0% of the products' speed (target: at least 90%)" in printed
    assert "Dense takes 1.25 times its time (target: at most 1.15)" in printed


def test_without_pytorch_its_row_is_skipped_with_a_word(benchmark_script, capsys):
    benchmark_script.print_table({benchmark_script.PRODUCTS: [0.009], benchmark_script.DENSE: [0.010]})
    assert capsys.readouterr().out.endswith("PyTorch is not installed: that row is skipped\n")


def test_contestants_that_compute_something_else_are_not_timed(benchmark_script):
    contestants = {benchmark_script.PRODUCTS: lambda: np.ones(3), "another": lambda: np.zeros(3)}
    with pytest.raises(RuntimeError, match="another computes another dx"):
        benchmark_script.require_agreement(contestants)


def test_dense_and_the_bare_products_do_the_same_work(benchmark_script, monkeypatch):
    monkeypatch.setattr(benchmark_script, "BATCH_SIZE", 3)
    monkeypatch.setattr(benchmark_script, "WIDTH", 5)
    monkeypatch.setattr(benchmark_script, "find_spec", lambda name: None)
    benchmark_script.require_agreement(benchmark_script.make_contestants(threads=1))
