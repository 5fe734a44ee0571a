"""A slow GPU gets less of a lesson's work, and the lesson says so; all others get what it is written for."""

from dataclasses import replace

import pytest

import gpu_lessons as gl
from gpu_lessons.devices import SimulatedGpu
from gpu_lessons.lessons import gpu_in_time, numbers_in_time, samples_in_time


class OfWebGpu(SimulatedGpu):
    """A GPU of WebGPU with the clock of a simulated one, and this many FLOP/s."""

    kind = "webgpu"

    def __init__(self, flops_per_s):
        super().__init__(replace(gl.machine("nvidia-t4"), slug="slow", peak_flops_per_s={"float32": flops_per_s}))


def test_a_quick_gpu_and_those_that_are_not_asked_get_what_the_lesson_is_written_for(capsys):
    for gpu in (OfWebGpu(1e12), SimulatedGpu(gl.machine("nvidia-t4"))):
        assert samples_in_time(gpu, 1024, width=2048) == 1024
        assert numbers_in_time(gpu, 2**22, multiply_adds=1024) == 2**22
        assert gpu_in_time(gpu, 2048, width=384) is gl.gpu
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("flops_per_s", [1e8, 1e9, 1e10, 3e10])
def test_a_slow_gpu_gets_as_many_samples_as_it_multiplies_in_half_a_second_and_says_so(capsys, flops_per_s):
    gpu = OfWebGpu(flops_per_s)
    samples = samples_in_time(gpu, 1024, width=2048)
    at_peak_s = 2 * samples * 2048**2 / flops_per_s
    assert samples == 16 or at_peak_s <= 0.5
    assert samples == 1024 or 4 * at_peak_s > 0.2  # what it sustains is less than its peak
    said = capsys.readouterr().out
    assert (f"goes on with {samples} samples instead of 1,024." in said) == (samples < 1024)


def test_fewer_numbers_are_computed_with_where_the_peak_is_low(capsys):
    numbers = numbers_in_time(OfWebGpu(1e9), 2**22, multiply_adds=1024)
    assert 0.1 < numbers * 2 * 1024 / 1e9 <= 0.2
    assert f"times are those of {numbers:,} numbers." in capsys.readouterr().out
    assert numbers_in_time(OfWebGpu(1.0), 2**22, multiply_adds=1024) == 2**12


def test_a_lesson_of_many_layers_goes_on_with_a_simulated_gpu_where_the_real_one_takes_minutes(capsys):
    new_gpu = gpu_in_time(OfWebGpu(1e9), 2048, width=384)
    assert "trains on a simulated NVIDIA T4" in capsys.readouterr().out
    gpu = new_gpu(memory_bytes=1_000_000)
    assert (gpu.kind, gpu.memory.capacity_bytes) == ("simulated", 1_000_000)


@pytest.mark.parametrize("samples", [0, 1.5, True])
def test_a_number_of_samples_that_is_none_is_refused(samples):
    for function in (samples_in_time, numbers_in_time, gpu_in_time):
        with pytest.raises((TypeError, ValueError)):
            function(OfWebGpu(1e9), samples, 16)
