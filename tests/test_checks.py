"""Every check of every lesson: the solution passes, seeded wrong answers fail, the stub is not attempted."""

import importlib
import inspect
import math
import pkgutil
from time import perf_counter

import numpy as np
import pytest

import gpu_lessons as gl
from gpu_lessons import exercises
from gpu_lessons.exercises.batch_and_width import check_break_even_batch, check_speedup_with_bus
from gpu_lessons.exercises.inside_the_gpu import check_next_stair, check_waves
from gpu_lessons.exercises.layer_on_gpu import check_epoch_on_gpu, check_time_forward
from gpu_lessons.exercises.neuron_to_layer import check_count_flops, check_layer, check_neuron
from gpu_lessons.exercises.start_here import check_seconds_to_read
from gpu_lessons.lessons import Check


def seconds(batch, width, machine):
    return gl.predict(gl.DenseForward(batch_size=batch, n_in=width, n_out=width), machine).seconds


def copy_s(n_bytes, gpu):
    return gl.predict(gl.Copy(n_bytes), gpu).seconds


def first_batch(width, gpu, cpu, *, step=lambda batch: 2 * batch, start=1):
    batch = start
    while seconds(batch, width, gpu) >= seconds(batch, width, cpu):
        batch = step(batch)
    return batch


def bus(batch, width, gpu, cpu, *, copies=2, size=4):
    return seconds(batch, width, cpu) / (seconds(batch, width, gpu) + copies * copy_s(batch * width * size, gpu))


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


def epoch_copying_every_step(gpu, weight, x, target):
    for start in range(0, len(x), 64):
        rows = slice(start, start + 64)
        part = gpu.to_device(x[rows])
        error = part @ weight - gpu.to_device(target[rows])
        weight = weight - 0.001 * (part.T @ error)
    return weight


def epoch_subtracting_on_the_host(gpu, weight, x, target):
    x = gpu.to_device(x)
    for start in range(0, len(x), 64):
        rows = slice(start, start + 64)
        error = gpu.to_device((x[rows] @ weight).get() - target[rows])
        weight = weight - 0.001 * (x[rows].T @ error)
    return weight


def plain_neuron(x, w, b):
    return b + sum(x_i * w_i for x_i, w_i in zip(x, w, strict=True))


def waves(batch, width, tile, sm_count, *, cut=math.ceil, deal=math.ceil):
    return deal(cut(batch / tile) * cut(width / tile) / sm_count)


def next_stair(width, batch, tile, sm_count, *, start=1, step=1):
    wider = width + start
    while waves(batch, wider, tile, sm_count) == waves(batch, width, tile, sm_count):
        wider += step
    return wider


# check: (solution, wrong answers a learner may well give)
ANSWERS = {
    check_seconds_to_read: (
        lambda machine: machine.memory_bytes / machine.memory_bandwidth_bytes_per_s,
        [
            lambda machine: machine.memory_bandwidth_bytes_per_s / machine.memory_bytes,
            lambda machine: machine.memory_bytes / machine.link_bandwidth_bytes_per_s,
            lambda machine: machine.memory_bytes * 8 / machine.memory_bandwidth_bytes_per_s,
        ],
    ),
    check_neuron: (
        plain_neuron,
        [
            lambda x, w, b: sum(x_i * w_i for x_i, w_i in zip(x, w, strict=True)),
            lambda x, w, b: sum(b + x_i * w_i for x_i, w_i in zip(x, w, strict=True)),
            lambda x, w, b: b + sum(x) * sum(w),
        ],
    ),
    check_layer: (
        lambda x, w, b: x @ w + b,
        [
            lambda x, w, b: x @ w,
            lambda x, w, b: (x @ w).T + b[0],
            lambda x, w, b: np.maximum(x @ w + b, 0),
            lambda x, w, b: np.array([[plain_neuron(row, column, b[j]) for j, column in enumerate(w.T)] for row in x]),
            lambda x, w, b: np.array([x[sample] @ w + b for sample in range(len(x))]),
        ],
    ),
    check_count_flops: (
        lambda batch, n_in, n_out: 2 * batch * n_in * n_out,
        [
            lambda batch, n_in, n_out: batch * n_in * n_out,
            lambda batch, n_in, n_out: batch * (2 * n_in - 1) * n_out,
            lambda batch, n_in, n_out: 2 * n_in * n_out,
            lambda batch, n_in, n_out: batch * (2 * n_in + 1) * n_out,
        ],
    ),
    check_time_forward: (
        timer(),
        [
            timer(before=False, after=False),
            timer(after=False),
            timer(before=False),
            timer(warm=False),
            timer(warm=False, before=False, after=False),
            timer(call=lambda layer, x: layer.forward(x).get()),
            timer(read=lambda gpu: perf_counter()),
            timer(call=lambda layer, x: x @ layer.weight),
            lambda gpu, layer, x: timer()(gpu, layer, x) * 1e3,
            lambda gpu, layer, x: -timer()(gpu, layer, x),
        ],
    ),
    check_epoch_on_gpu: (
        lambda gpu, weight, x, target: epoch(gpu, weight, gpu.to_device(x), gpu.to_device(target)),
        [
            lambda gpu, weight, x, target: epoch(gpu, weight.get(), x, target),
            lambda gpu, weight, x, target: gpu.to_device(epoch(gpu, weight.get(), x, target)),
            epoch_copying_every_step,
            epoch_subtracting_on_the_host,
            lambda gpu, weight, x, target: epoch(gpu, weight, gpu.to_device(x), gpu.to_device(target)).get(),
            lambda gpu, weight, x, target: epoch(gpu, weight, gpu.to_device(x[:64]), gpu.to_device(target[:64])),
        ],
    ),
    check_break_even_batch: (
        first_batch,
        [
            lambda width, gpu, cpu: first_batch(width, cpu, gpu),
            lambda width, gpu, cpu: first_batch(width, gpu, cpu, step=lambda batch: batch + 1),
            lambda width, gpu, cpu: 2 * first_batch(width, gpu, cpu),
            lambda width, gpu, cpu: 256,
        ],
    ),
    check_speedup_with_bus: (
        bus,
        [
            lambda batch, width, gpu, cpu: bus(batch, width, gpu, cpu, copies=1),
            lambda batch, width, gpu, cpu: bus(batch, width, gpu, cpu, size=1),
            lambda batch, width, gpu, cpu: bus(batch, width, gpu, cpu, copies=0),
            lambda batch, width, gpu, cpu: 1 / bus(batch, width, gpu, cpu),
        ],
    ),
    check_waves: (
        waves,
        [
            lambda batch, width, tile, sm_count: waves(batch, width, tile, sm_count, deal=int),
            lambda batch, width, tile, sm_count: waves(batch, width, tile, sm_count, cut=int),
            lambda batch, width, tile, sm_count: math.ceil(batch * width / tile**2 / sm_count),
            lambda batch, width, tile, sm_count: waves(batch, width, tile, 1),
            lambda batch, width, tile, sm_count: batch // tile * width // tile // sm_count + 1,
        ],
    ),
    check_next_stair: (
        next_stair,
        [
            lambda width, batch, tile, sm_count: next_stair(width, batch, tile, sm_count) - 1,
            lambda width, batch, tile, sm_count: next_stair(width, batch, tile, sm_count, step=tile),
            lambda width, batch, tile, sm_count: width // tile * tile + tile + 1,
            lambda width, batch, tile, sm_count: tile * sm_count + 1,
            lambda width, batch, tile, sm_count: next_stair(width, batch, tile, sm_count, start=0) + 1,
        ],
    ),
}


def every_check():
    modules = (
        importlib.import_module(f"gpu_lessons.exercises.{m.name}") for m in pkgutil.iter_modules(exercises.__path__)
    )
    return {value for module in modules for value in vars(module).values() if isinstance(value, Check)}


def test_no_check_of_the_lessons_is_missing_here():
    assert every_check() == set(ANSWERS)


@pytest.mark.parametrize("check", ANSWERS, ids=lambda check: check.__name__)
def test_the_solution_is_right_and_the_stub_is_not_attempted(check):
    solution, _ = ANSWERS[check]
    parameters = inspect.signature(solution).parameters.values()
    names = ", ".join(each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD)
    stub = eval(f"lambda {names}: ...")  # what the learner's notebook holds at first
    assert check(solution).outcome == "right"
    assert check(stub).outcome == "not attempted"
    assert check(...).outcome == "not attempted"


@pytest.mark.parametrize(
    ("check", "wrong"),
    [(check, wrong) for check, (_, answers) in ANSWERS.items() for wrong in answers],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_wrong_answer_is_wrong_and_quoted(check, wrong):
    verdict = check(wrong)
    assert verdict.outcome == "wrong"
    assert "expected" in verdict.message
    assert "got" in verdict.message


@pytest.mark.parametrize("check", ANSWERS, ids=lambda check: check.__name__)
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
    assert perf_counter() - start_s < 10


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


@pytest.mark.parametrize(
    "layer",
    [
        lambda x, w, b: np.dot(x, w) + b,
        lambda x, w, b: np.einsum("bi,io->bo", x, w) + b,
        lambda x, w, b: (w.T @ x.T).T + b[None, :],
        lambda x, w, b: (x[:, :, None] * w[None]).sum(axis=1) + b,
    ],
)
def test_a_layer_without_a_loop_is_right_however_it_is_written(layer):
    assert check_layer(layer).outcome == "right"


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
