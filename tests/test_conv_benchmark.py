"""The benchmark of Conv2d: what it prints from known samples, and that it times only equal work."""

import numpy as np
import pytest

from benchmarks import convolution

CASE = convolution.Case(2, 3, 4, 7, 6, 3, 2, 1)


def test_the_ratio_of_medians_is_printed_with_the_difference_of_the_values(capsys):
    samples_s = {convolution.OURS: [0.004, 0.004, 9.0], convolution.TORCH: [0.002, 0.002, 0.002]}
    convolution.print_case(CASE, samples_s, 3e-7)
    assert "2.00 times PyTorch's time; values differ by 3.0e-07 of the largest" in capsys.readouterr().out


def test_without_pytorch_only_our_time_is_printed_and_said(capsys, monkeypatch):
    monkeypatch.setattr(convolution, "find_spec", lambda name: None)
    monkeypatch.setattr(convolution, "CASES", (CASE,))
    monkeypatch.setattr(
        convolution, "time_interleaved", lambda contestants, rounds: {name: [0.001] for name in contestants}
    )
    convolution.main()
    printed = capsys.readouterr().out
    assert "PyTorch is not installed" in printed
    assert "times PyTorch's time" not in printed


def test_contestants_that_compute_something_else_are_not_timed():
    [ours] = [step for name, step in convolution.make_contestants(CASE, threads=1).items() if name == convolution.OURS]
    other = tuple(np.asarray(result) for result in ours())

    def off_by_a_thousandth():
        return *other[:2], other[2] * 1.001, other[3]

    with pytest.raises(RuntimeError, match=r"^another computes another dweight than Conv2d: they differ by "):
        convolution.largest_difference({convolution.OURS: ours, "another": off_by_a_thousandth})
    assert convolution.largest_difference({convolution.OURS: ours, "the same": lambda: other}) == 0


def test_pytorch_computes_the_same_for_stride_padding_and_images_that_are_not_square():
    pytest.importorskip("torch")
    assert convolution.largest_difference(convolution.make_contestants(CASE, threads=1)) < 1e-5
