"""What the checks of the lessons say to a wrong answer. Whether they judge it rightly is in test_judged_answers."""

import importlib
import math
import pkgutil
from time import perf_counter

import pytest

import gpu_lessons as gl
from gpu_lessons import exercises
from gpu_lessons.exercises.batch_and_width import check_break_even_batch
from gpu_lessons.exercises.inside_the_gpu import check_next_stair
from gpu_lessons.exercises.layer_on_gpu import check_epoch_on_gpu, check_time_forward
from gpu_lessons.exercises.neuron_to_layer import check_count_flops
from gpu_lessons.lessons import Check


def seconds(batch, width, machine):
    return gl.predict(gl.DenseForward(batch_size=batch, n_in=width, n_out=width), machine).seconds


def first_batch(width, gpu, cpu, *, step):
    batch = 1
    while seconds(batch, width, gpu) >= seconds(batch, width, cpu):
        batch = step(batch)
    return batch


def timer(*, warm=True, before=True, after=True, read=lambda gpu: gpu.perf_counter(), call=None):
    """Return a timer of the forward pass that leaves out or replaces what it is told to."""

    def time_forward(gpu, layer, x):
        if warm:
            layer.forward(x)
        if before:
            gpu.synchronize()
        start_s = read(gpu)
        call(layer, x) if call else layer.forward(x)
        if after:
            gpu.synchronize()
        return read(gpu) - start_s

    return time_forward


def epoch(gpu, weight, x, target):
    for start in range(0, len(x), 64):
        rows = slice(start, start + 64)
        error = x[rows] @ weight - target[rows]
        weight = weight - 0.001 * (x[rows].T @ error)
    return weight


def waves(batch, width, tile, sm_count):
    return math.ceil(math.ceil(batch / tile) * math.ceil(width / tile) / sm_count)


def next_stair(width, batch, tile, sm_count, *, step):
    wider = width + 1
    while waves(batch, wider, tile, sm_count) == waves(batch, width, tile, sm_count):
        wider += step
    return wider


def every_check():
    modules = (
        importlib.import_module(f"gpu_lessons.exercises.{m.name}") for m in pkgutil.iter_modules(exercises.__path__)
    )
    return {value for module in modules for value in vars(module).values() if isinstance(value, Check)}


@pytest.mark.parametrize("check", sorted(every_check(), key=repr), ids=lambda check: check.__name__)
def test_there_is_a_ladder_of_hints(check):
    hints = [str(check.hint()) for _ in range(3)]
    assert len(set(hints)) == 3
    assert check.hint() == hints[-1]


@pytest.mark.parametrize(
    ("check", "endless"),
    [
        (check_next_stair, lambda width, batch, tile, sm_count: next_stair(width, batch, tile, sm_count, step=0)),
        (check_break_even_batch, lambda width, gpu, cpu: first_batch(width, gpu, cpu, step=lambda batch: batch)),
        (check_time_forward, lambda gpu, layer, x: next_stair(1, 1024, 128, 40, step=0)),
        (check_count_flops, lambda batch, n_in, n_out: next_stair(1, 1024, 128, 40, step=0)),
    ],
)
def test_a_loop_that_never_ends_is_stopped_once_and_quoted(check, endless, monkeypatch):
    monkeypatch.setattr("gpu_lessons.lessons.checks.LONGEST_CALL_S", 0.2)
    start_s = perf_counter()
    verdict = check(endless)
    assert verdict.outcome == "wrong"
    assert "got nothing in 0.2 s, in line" in verdict.message
    assert perf_counter() - start_s < 60


# Lesson 01: other counts, other ways to say it, and loops


@pytest.mark.parametrize(
    ("count", "explanation"),
    [
        (lambda batch, n_in, n_out: batch * n_in * n_out, "Those are the multiplications."),
        (lambda batch, n_in, n_out: batch * (2 * n_in - 1) * n_out, "A sum starts at zero"),
        (lambda batch, n_in, n_out: batch * (2 * n_in + 1) * n_out, "Leave the bias aside."),
        (lambda batch, n_in, n_out: 2 * n_in * n_out, "That is one sample."),
    ],
)
def test_another_count_is_told_what_it_counted(count, explanation):
    assert explanation in check_count_flops(count).message


# Lesson 02: which reading of the clock it was, and the mix left in


@pytest.mark.parametrize(
    ("wrong", "explanation"),
    [
        (timer(before=False, after=False), "That is the launch."),
        (timer(after=False), "That is the launch."),
        (timer(before=False), "The device was still busy when the clock started."),
        (timer(warm=False), "That is the first call"),
        (timer(call=lambda layer, x: layer.forward(x).get()), "That is the layer and a copy to the host."),
        (timer(read=lambda gpu: perf_counter()), "That is another clock."),
        (timer(call=lambda layer, x: x @ layer.weight), "That is the product without the bias."),
        (lambda gpu, layer, x: timer()(gpu, layer, x) * 1e3, "That is the right time in another unit."),
        (lambda gpu, layer, x: timer()(gpu, layer, x) * 1e6, "That is the right time in another unit."),
        (lambda gpu, layer, x: -timer()(gpu, layer, x), "That is the first reading minus the second."),
    ],
)
def test_a_dishonest_timer_is_told_what_it_timed(wrong, explanation):
    assert explanation in check_time_forward(wrong).message


def test_the_average_over_many_calls_is_an_honest_time_too():
    def many(layer, x):
        for _ in range(10):
            layer.forward(x)

    verdict = check_time_forward(lambda gpu, layer, x: timer(call=many)(gpu, layer, x) / 10)
    assert verdict.outcome == "right"


def test_a_timer_that_raises_is_quoted_without_an_explanation():
    verdict = check_time_forward(lambda gpu, layer, x: layer.backwards(x))
    assert verdict.outcome == "wrong"
    assert "AttributeError" in verdict.message
    assert "That is" not in verdict.message


def test_an_epoch_may_also_name_what_is_on_the_device_already():
    verdict = check_epoch_on_gpu(
        lambda gpu, weight, x, target: epoch(gpu, *map(gpu.to_device, (weight, x, target))),
    )
    assert verdict.outcome == "right"


def test_an_epoch_that_still_mixes_host_and_device_is_quoted_with_the_line():
    verdict = check_epoch_on_gpu(lambda gpu, weight, x, target: epoch(gpu, weight, gpu.to_device(x), target))
    assert verdict.outcome == "wrong"
    assert "TypeError: Unsupported type <class 'numpy.ndarray'>" in verdict.message
    assert "error = x[rows] @ weight - target[rows]" in verdict.message
