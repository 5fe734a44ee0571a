"""The simulated GPU's own promises: virtual time after the model, one sentence for a mistake, nothing in silence."""

import pickle
import sys
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gpu_lessons as gl
from gpu_lessons.devices import SimulatedGpu, memory
from gpu_lessons.devices.unknown import UnknownOperationError
from gpu_lessons.hardware.machines import UnknownMachineError, machine, machines
from gpu_lessons.model import predict
from gpu_lessons.work import (
    Conv2dForward,
    Copy,
    DenseForward,
    DenseTrainStep,
    DependentChain,
    Elementwise,
    RecurrentForward,
    TrainEpoch,
)
from gpu_lessons.work.kernels import matmul_kernel


@pytest.fixture
def gpu():
    return SimulatedGpu(machine("nvidia-t4"))


def warm(gpu, call):
    """Run ``call`` once, so that its kernels are compiled, and return it."""
    call()
    gpu.synchronize()
    return call


def seconds(gpu, call):
    """Return the virtual seconds from an idle device to a finished call."""
    gpu.synchronize()
    start_s = gpu.perf_counter()
    call()
    gpu.synchronize()
    return gpu.perf_counter() - start_s


# The timeline


def test_a_cell_that_does_not_wait_times_the_launch_and_after_waiting_the_kernel(gpu):
    x = gpu.to_device(np.ones((256, 2048), dtype="float32"))
    w = gpu.to_device(np.ones((2048, 2048), dtype="float32"))
    gpu.synchronize()
    t0 = gpu.perf_counter()
    y = x @ w
    t1 = gpu.perf_counter()
    gpu.synchronize()
    t2 = gpu.perf_counter()
    assert y.shape == (256, 2048)
    assert t1 - t0 == pytest.approx(gpu.call_overhead_s)
    kernel_s = gpu.calibration.kernel_time(matmul_kernel("x @ w", 256, 2048, 2048, "float32")).total_s
    assert t2 - t1 == pytest.approx(kernel_s)


WORKLOADS = (
    Elementwise(10),
    Elementwise(10**6),
    Elementwise(10**6, multiply_adds=64),
    RecurrentForward(steps=5, batch_size=16, n_in=32, n_out=64),
    DenseForward(batch_size=64, n_in=300, n_out=200),
    DenseTrainStep(batch_size=64, n_in=128, n_out=256, dtype="float64"),
    Conv2dForward(batch_size=4, c_in=3, c_out=16, height=20, width=24, kernel=3, padding=1),
    Conv2dForward(batch_size=4, c_in=3, c_out=16, height=21, width=25, kernel=5, stride=2),
    DependentChain(steps=20, width=1000),
)


@pytest.mark.parametrize("work", WORKLOADS, ids=repr)
@pytest.mark.parametrize("slug", ["nvidia-t4", "nvidia-h100-sxm", "nvidia-rtx-4060"])
def test_a_workload_takes_what_predict_says(slug, work):
    gpu = SimulatedGpu(machine(slug))
    call = warm(gpu, work.make(gpu.xp))
    expected = predict(work, gpu.machine, launch_overhead_s=gpu.call_overhead_s)
    assert seconds(gpu, call) == pytest.approx(expected.seconds, rel=1e-6)


@pytest.mark.parametrize(
    "work", [*WORKLOADS, TrainEpoch(samples=100, batch_size=32, layer_sizes=(20, 30, 10))], ids=repr
)
def test_a_workload_launches_the_kernels_it_lists(gpu, work):
    call = warm(gpu, work.make(gpu.xp))
    before = len(gpu.timeline.spans)
    call()
    found_s = [span.end_s - span.start_s for span in list(gpu.timeline.spans)[before:] if span.place == "kernels"]
    expected_s = [gpu.calibration.kernel_time(kernel).total_s for kernel in work.kernels]
    assert len(found_s) == len(expected_s)
    assert sum(found_s) == pytest.approx(sum(expected_s), rel=1e-5)


@pytest.mark.parametrize("n_bytes", [4, 10**6, 10**8])
def test_a_copy_takes_what_predict_says(gpu, n_bytes):
    pageable, pinned = np.zeros(n_bytes, dtype="uint8"), gpu.empty_pinned(n_bytes, "uint8")
    for numbers, is_pinned in ((pageable, False), (pinned, True)):
        expected_s = predict(Copy(n_bytes, pinned=is_pinned), gpu.machine).seconds
        assert seconds(gpu, lambda numbers=numbers: gpu.to_device(numbers)) == pytest.approx(expected_s)


def test_kernels_queue_behind_each_other_and_only_launches_cost_the_host(gpu):
    x, y = (gpu.xp.ones((1024, 1024), dtype="float32") for _ in range(2))
    gpu.synchronize()
    start_s = gpu.perf_counter()
    for _ in range(10):
        x @ y
    assert gpu.perf_counter() - start_s == pytest.approx(10 * gpu.call_overhead_s)
    gpu.synchronize()
    kernel_s = gpu.calibration.kernel_time(matmul_kernel("", 1024, 1024, 1024, "float32")).total_s
    assert gpu.perf_counter() - start_s == pytest.approx(gpu.call_overhead_s + 10 * kernel_s)


def test_tiny_kernels_are_bound_by_their_launches(gpu):
    call = warm(gpu, DenseForward(batch_size=1, n_in=8, n_out=8).make(gpu.xp))
    many_s = seconds(gpu, lambda: [call() for _ in range(100)])
    assert many_s == pytest.approx(200 * gpu.call_overhead_s, rel=0.01)


def test_what_ships_compiled_is_not_compiled_at_its_first_call(gpu):
    for call in (
        lambda: gpu.xp.zeros((3, 5)),
        lambda: gpu.xp.random.default_rng(0).random((3, 5)),
        lambda: gpu.xp.empty((4, 4)) @ gpu.xp.empty((4, 4)),
    ):
        assert seconds(gpu, call) < 1e-3


def test_a_kernel_is_compiled_anew_for_another_format_and_another_number_of_axes(gpu):
    x, column = gpu.xp.zeros((8, 8), "float32"), gpu.xp.zeros((8, 1), "float32")

    def compiled(call):
        return seconds(gpu, call) > 0.1

    assert compiled(lambda: x + x)
    assert not compiled(lambda: x[:3] + x[3:6])  # whole rows lie in memory as one axis
    assert not compiled(lambda: gpu.xp.reshape(x, (4, 4, 4)) + gpu.xp.reshape(x, (4, 4, 4)))
    assert compiled(lambda: x + column)
    assert not compiled(lambda: x + column)
    assert compiled(lambda: x.astype("float64") + x.astype("float64"))


def test_every_matrix_of_a_batched_product_is_read(gpu):
    a, b = gpu.xp.empty((256, 1, 1024), "float32"), gpu.xp.empty((256, 1024, 1024), "float32")
    least_s = b.nbytes / gpu.machine.memory_bandwidth_bytes_per_s
    assert seconds(gpu, lambda: a @ b) > least_s


def test_the_first_call_of_an_elementwise_kernel_is_compiled_and_the_second_is_not(gpu):
    x = gpu.xp.ones((8, 8))
    first_s, second_s = (seconds(gpu, lambda: gpu.xp.exp(x)) for _ in range(2))
    assert first_s > 0.1
    assert second_s < 1e-4


def test_a_copy_from_pageable_memory_holds_the_host_until_it_is_staged_and_one_from_pinned_memory_does_not(gpu):
    pageable = np.zeros((1024, 1024), dtype="float32")
    pinned = gpu.empty_pinned((1024, 1024), "float32")
    start_s = gpu.perf_counter()
    kept = gpu.to_device(pinned)
    assert gpu.perf_counter() - start_s == pytest.approx(gpu.call_overhead_s)
    gpu.synchronize()
    pinned_s = gpu.perf_counter() - start_s
    start_s = gpu.perf_counter()
    kept = gpu.to_device(pageable)
    staged_s = gpu.perf_counter() - start_s
    gpu.synchronize()
    pageable_s = gpu.perf_counter() - start_s
    assert pageable_s > 2 * pinned_s
    # From pinned memory on, it is the other copy.
    assert pageable_s - staged_s == pytest.approx(pinned_s - gpu.call_overhead_s)
    assert staged_s > pageable_s / 2
    assert kept.shape == (1024, 1024)


def test_a_view_of_pinned_memory_is_pinned(gpu):
    pinned = gpu.empty_pinned((4, 1024, 1024), "float32")
    start_s = gpu.perf_counter()
    gpu.to_device(pinned[1])
    assert gpu.perf_counter() - start_s == pytest.approx(gpu.call_overhead_s)


def test_on_two_streams_a_copy_runs_beside_a_kernel_and_on_one_after_it(gpu):
    batch = gpu.empty_pinned((4096, 4096), "float32")
    x = gpu.xp.ones((2048, 2048), dtype="float32")

    def both(first, second):
        with first:
            x @ x
        with second:
            gpu.to_device(batch)

    one = gpu.stream()
    serial_s, overlapped_s = seconds(gpu, lambda: both(one, one)), seconds(gpu, lambda: both(one, gpu.stream()))
    kernel_s, copy_s = seconds(gpu, lambda: x @ x), seconds(gpu, lambda: gpu.to_device(batch))
    launch_s = gpu.call_overhead_s
    assert serial_s == pytest.approx(kernel_s + copy_s, abs=2 * launch_s)
    assert overlapped_s == pytest.approx(max(kernel_s, copy_s), abs=2 * launch_s)


def test_an_event_holds_back_the_other_stream(gpu):
    x = gpu.xp.ones((2048, 2048), dtype="float32")
    batch = gpu.empty_pinned((512, 512), "float32")
    gpu.synchronize()
    first, second = gpu.stream(), gpu.stream()
    with first:
        x @ x
        done = first.record()
    second.wait_event(done)
    with second:
        gpu.to_device(batch)
    copies = [span for span in gpu.timeline.spans if span.place == "copy in"]
    assert copies[-1].start_s >= done.time_s
    done.synchronize()
    assert gpu.perf_counter() == done.time_s


def test_a_copy_on_an_outer_stream_leaves_the_inner_one_in_use(gpu):
    x = gpu.xp.ones((2048, 2048), dtype="float32")
    outer, inner = gpu.stream(), gpu.stream()
    with outer, inner:
        x.get(stream=outer)
        before_s = outer.done_s
        x @ x
    assert outer.done_s == before_s < inner.done_s


STEPS = st.lists(
    st.sampled_from(["add", "product", "in", "pinned in", "out", "wait", "other stream"]), min_size=1, max_size=12
)


def run_program(gpu, steps):
    x = gpu.xp.ones((64, 64), dtype="float32")
    pageable, pinned = np.ones((64, 64), dtype="float32"), gpu.empty_pinned((64, 64))
    stream = gpu.stream()
    with stream:
        for step in steps:
            match step:
                case "add":
                    x + 1.0
                case "product":
                    x @ x
                case "in":
                    gpu.to_device(pageable)
                case "pinned in":
                    gpu.to_device(pinned)
                case "out":
                    x.get()
                case "wait":
                    gpu.synchronize()
                case "other stream":
                    with gpu.stream():
                        x @ x
    return gpu.perf_counter(), list(gpu.timeline.spans)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_nobody_does_two_things_at_once_and_nothing_starts_before_it_is_launched(steps):
    now_s, spans = run_program(SimulatedGpu(machine("nvidia-t4")), steps)
    for place in ("host", "kernels", "copy in", "copy out"):
        busy = [span for span in spans if span.place == place]
        assert all(a.end_s <= b.start_s + 1e-15 for a, b in pairwise(busy))
        assert all(span.start_s <= span.end_s for span in busy)
    for before, span in pairwise(spans):
        if span.place != "host":
            assert before.name == f"launch {span.name}"
            assert before.end_s <= span.start_s
    assert max((span.end_s for span in spans if span.place == "host"), default=0.0) == now_s


@settings(max_examples=20, deadline=None)
@given(STEPS)
def test_the_same_program_takes_the_same_time_every_time(steps):
    once, again = (run_program(SimulatedGpu(machine("nvidia-t4")), steps) for _ in range(2))
    assert once == again


def test_history_does_not_grow_without_end(gpu):
    x = gpu.xp.ones(4)
    for _ in range(6_000):
        x += 1.0
    assert len(gpu.timeline.spans) == 10_000


# Memory


def test_twenty_gigabytes_do_not_fit_on_a_t4_and_the_next_small_array_does(gpu):
    with pytest.raises(MemoryError) as caught:
        gpu.xp.empty(5 * 10**9, dtype="float32")
    assert str(caught.value) == "Out of memory allocating 20,000,000,000 bytes (allocated so far: 0 bytes)."
    assert isinstance(caught.value, gpu.out_of_memory_error)
    assert gpu.xp.ones(3).shape == (3,)


def test_memory_can_be_made_smaller_than_the_card():
    gpu = SimulatedGpu(machine("nvidia-t4"), memory_bytes=10_000)
    kept = gpu.xp.zeros(2_000, dtype="float32")
    with pytest.raises(MemoryError, match=r"allocating 4,096 bytes \(allocated so far: 8,192 bytes\)"):
        gpu.xp.zeros(1_000, dtype="float32")
    del kept
    assert gpu.xp.zeros(2_000, dtype="float32").shape == (2_000,)


def test_an_operation_that_finds_no_room_leaves_nothing_behind():
    gpu = SimulatedGpu(machine("nvidia-t4"), memory_bytes=3 * 4096)
    x = gpu.xp.ones((1024, 1), dtype="float32")
    for broken in (lambda: x + x.T, lambda: x @ x.T, lambda: gpu.xp.where(x > 0, x, x.T)):
        with pytest.raises(MemoryError):
            broken()
        assert gpu.memory.used_bytes == 4096
    assert float(x[0, 0]) == 1.0


def test_memory_of_an_array_can_be_freed_and_the_array_is_refused_from_then_on(gpu):
    x = gpu.xp.ones(1000)
    view = x[:10]
    x.memory.free()
    assert gpu.memory.used_bytes == 0
    for array in (x, view):
        for use in (lambda x: x + 1, lambda x: x.get(), lambda x: x[0], lambda x: x @ x, lambda x: x.sum()):
            with pytest.raises(RuntimeError, match="the memory of this array was freed; make a new array"):
                use(array)
    x.memory.free()
    del x, view, array
    assert gpu.memory.used_bytes == 0


def test_what_fits_on_the_card_but_not_on_this_machine_is_refused_before_it_is_made(gpu, monkeypatch):
    monkeypatch.setattr(memory, "available_memory_bytes", lambda: 10**8)
    with pytest.raises(MemoryError, match="needs 400 MB and 100 MB are free here; choose a smaller one"):
        gpu.xp.empty(10**8, dtype="float32")
    assert gpu.memory.used_bytes == 0


@pytest.mark.parametrize("capacity", [0, -1])
def test_a_capacity_below_one_byte_is_refused(capacity):
    with pytest.raises(ValueError, match=f"memory_bytes must be an integer of at least 1, got {capacity}"):
        SimulatedGpu(machine("nvidia-t4"), memory_bytes=capacity)


def test_a_capacity_that_is_no_integer_is_refused():
    with pytest.raises(TypeError, match="memory_bytes must be an integer"):
        gl.gpu(memory_bytes=16e9)


# What it does not know


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("xp.zeors(3)", "the simulated GPU does not know zeors; the nearest operation it knows is zeros"),
        ("xp.vectorize(a)", "the simulated GPU does not know vectorize; the nearest .* is ElementwiseKernel"),
        ("a.cumsums()", r"the simulated GPU does not know ndarray.cumsums; the nearest .* is cumsum"),
        ("a.cuda()", r"the simulated GPU does not know ndarray.cuda; the nearest .* is gpu.to_device"),
        ("xp.add.reduceall(a)", r"the simulated GPU does not know add.reduceall"),
        ("xp.linalg.invert(a)", r"the simulated GPU does not know linalg.invert"),
        ("xp.random.randnn(3)", r"the simulated GPU does not know random.randnn; the nearest .* is random.randn"),
        ("xp.cuda.Strem()", r"the simulated GPU does not know cuda.Strem; the nearest .* is cuda.Stream"),
        ("xp.exp(a, where=a > 1)", "the simulated GPU does not know exp with where="),
        ("gpu.cupyx.scipy.special.airy(a)", r"the simulated GPU does not know cupyx.scipy.special.airy"),
        ("pickle.dumps(a)", r"the simulated GPU does not know pickling an array; .* get"),
    ],
)
def test_what_it_does_not_know_is_named_with_what_is_near(gpu, typed, sentence):
    names = {"gpu": gpu, "xp": gpu.xp, "a": gpu.xp.ones((2, 3)), "pickle": pickle}
    with pytest.raises(NotImplementedError, match=f"^{sentence}$"):
        eval(typed, names)


@pytest.mark.parametrize("name", ["save", "load", "busday_count", "nditer", "savetxt", "memmap"])
def test_a_name_that_only_looks_alike_is_not_offered(gpu, name):
    with pytest.raises(UnknownOperationError, match=f"^the simulated GPU does not know {name}$"):
        getattr(gpu.xp, name)


def test_an_argument_that_cupy_does_not_take_is_refused_in_pythons_words(gpu):
    x = gpu.xp.ones((2, 3))
    with pytest.raises(TypeError, match=r"^sum\(\) got an unexpected keyword argument 'where'$"):
        gpu.xp.sum(x, where=x > 0)
    with pytest.raises(TypeError, match=r"^concatenate\(\) missing a required argument: 'tup'$"):
        gpu.xp.concatenate()


def test_no_function_of_numpy_is_done_on_the_host_in_silence(gpu):
    known = set(dir(gpu.xp))
    unknown = [name for name in np.__all__ if callable(getattr(np, name)) and name not in known and name[0] != "_"]
    assert len(unknown) > 50
    for name in unknown:
        with pytest.raises(UnknownOperationError, match=f"does not know {name}"):
            getattr(gpu.xp, name)
        assert not hasattr(gpu.xp, name)


def test_every_name_it_lists_is_there(gpu):
    for name in dir(gpu.xp):
        getattr(gpu.xp, name)


def test_every_kernel_takes_time_and_every_view_takes_none(gpu):
    xp = gpu.xp
    x = xp.asarray(np.arange(1.0, 7.0).reshape(2, 3))
    for call in (
        lambda: x.T,
        lambda: x[0],
        lambda: x.reshape(6),
        lambda: xp.expand_dims(x, 0),
        lambda: xp.permute_dims(x, (1, 0)),
        lambda: xp.broadcast_to(x, (4, 2, 3)),
        lambda: xp.flip(x),
        lambda: xp.empty((5, 5)),
        lambda: xp.asarray(x),
    ):
        assert seconds(gpu, call) == 0.0
    for call in (
        lambda: x + 1,
        lambda: x.sum(),
        lambda: x @ x.T,
        lambda: x.T.reshape(6),
        lambda: x.copy(),
        lambda: xp.zeros(3),
        lambda: xp.concat([x, x]),
        lambda: xp.where(x > 1, x, 0),
        lambda: x.astype("float32"),
        lambda: x[xp.asarray([0])],
        lambda: xp.allclose(x, x),
        lambda: xp.arange(5),
        lambda: xp.random.default_rng(0).standard_normal((3, 3)),
        lambda: x.__setitem__(0, 1.0),
    ):
        assert seconds(gpu, call) > 0.0


def test_its_random_numbers_are_those_of_the_seed(gpu):
    for name in ("standard_normal", "random"):
        made = getattr(gpu.xp.random.default_rng(5), name)((3, 2), dtype="float32")
        np.testing.assert_array_equal(made.get(), getattr(np.random.default_rng(5), name)((3, 2), dtype="float32"))


# Mistakes


def test_an_unknown_machine_is_refused_with_its_nearest():
    with pytest.raises(UnknownMachineError, match="no machine 't4' in the catalogue; nearest: nvidia-t4"):
        gl.gpu("t4")


def test_a_cpu_cannot_be_simulated_as_a_gpu():
    with pytest.raises(ValueError, match="machine must be a GPU of the catalogue, got the CPU AMD Ryzen 9 7950X"):
        gl.gpu("amd-ryzen-9-7950x")


def test_arrays_of_two_gpus_do_not_mix(gpu):
    other = SimulatedGpu(machine("nvidia-a10"))
    with pytest.raises(ValueError, match="array device = <simulated NVIDIA A10> while current = <simulated NVIDIA T4>"):
        gpu.xp.add(gpu.xp.ones(3), other.xp.ones(3))
    with pytest.raises(ValueError, match="device must be <simulated NVIDIA T4>, got <simulated NVIDIA A10>"):
        gpu.xp.ones(3, device=other.device)


def test_a_stream_of_another_gpu_is_refused(gpu):
    other = SimulatedGpu(machine("nvidia-t4"))
    x = gpu.xp.ones(3)
    sentence = "this stream or event belongs to another device; make one with stream\\(\\) of this GPU"
    with pytest.raises(ValueError, match=sentence):
        x.get(stream=other.stream())
    with pytest.raises(ValueError, match=sentence):
        gpu.stream().wait_event(other.stream().record())
    with pytest.raises(TypeError, match=r"event must be what Stream.record returns, got 'now'"):
        gpu.stream().wait_event("now")


def test_a_copy_into_another_shape_or_format_is_refused(gpu):
    x = gpu.xp.ones((2, 3), dtype="float32")
    with pytest.raises(ValueError, match="a copy needs the same shape on both sides"):
        x.get(out=np.empty((3, 2), dtype="float32"))
    with pytest.raises(TypeError, match="a copy needs the same dtype on both sides"):
        x.set(np.ones((2, 3)))
    with pytest.raises(TypeError, match=r"^a copy needs a NumPy array on the host, got \[1, 2\]$"):
        x.set([1, 2])
    with pytest.raises(TypeError, match=r"^a copy needs a NumPy array on the host, got <simulated NVIDIA T4>$"):
        x.get(out=gpu.device)


def test_a_scalar_is_no_operand_of_a_matrix_product(gpu):
    with pytest.raises(ValueError, match="matmul: an operand is a scalar"):
        gpu.xp.ones((2, 2)) @ 3.0


def test_a_device_array_cannot_be_hashed(gpu):
    with pytest.raises(TypeError, match="unhashable"):
        {gpu.xp.ones(3)}


def test_every_gpu_of_the_catalogue_can_be_simulated():
    for card in machines():
        if card.kind == "gpu":
            gpu = gl.gpu(card.slug)
            x = gpu.xp.ones((16, 16), dtype="float32")
            assert float((x @ x).sum()) == 4096.0
            assert gpu.perf_counter() > 0


def test_the_environment_can_keep_a_cuda_device_out(monkeypatch):
    module = sys.modules["gpu_lessons.devices"]
    monkeypatch.setattr(module, "cuda_status", lambda: (True, "CUDA device here"))
    monkeypatch.setenv("GPU_LESSONS_GPU", "simulated")
    assert isinstance(gl.gpu(), SimulatedGpu)
    monkeypatch.delenv("GPU_LESSONS_GPU")
    monkeypatch.setattr(module, "CudaGpu", lambda memory_bytes: ("CUDA", memory_bytes))
    assert gl.gpu(memory_bytes=10**9) == ("CUDA", 10**9)


# What a learner types


@pytest.mark.parametrize(
    "typed",
    [
        "xp.where(a[:, None] > 0, 1.0, a)",
        "xp.isclose(a[:, None], a)",
        "xp.clip(a[:, None], -1.0, a)",
        "xp.concatenate([a] * 1000)",
        "xp.stack([a] * 1000)",
        "a[None][i]",
    ],
)
def test_a_result_with_no_room_on_the_card_is_refused_before_numpy_makes_it(monkeypatch, typed):
    gpu = SimulatedGpu(machine("nvidia-t4"), memory_bytes=2 * 10**6)
    names = {"xp": gpu.xp, "a": gpu.xp.ones(20_000, "float32"), "i": gpu.xp.zeros((1000, 100), "int32")}
    used_bytes = gpu.memory.used_bytes
    tracemalloc.start()
    try:
        with pytest.raises(gpu.out_of_memory_error):
            eval(typed, names)
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()
    assert gpu.memory.used_bytes == used_bytes


def test_no_card_is_simulated_with_more_memory_than_it_has():
    assert SimulatedGpu(machine("nvidia-t4"), memory_bytes=10**15).memory.capacity_bytes == 16 * 10**9


def test_a_stream_that_is_entered_twice_is_left_from_the_inside(gpu):
    outer, inner = gpu.stream(), gpu.stream()
    with outer, inner:
        with outer:
            pass
        assert gpu.timeline.current_stream is inner


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("a.get(stream=3)", r"stream must be what stream\(\) of this GPU returns, got 3"),
        ("a.get(out=3)", "a copy needs a NumPy array on the host, got 3"),
        ("a.set([1.0])", r"a copy needs a NumPy array on the host, got \[1.0\]"),
        ("gpu.xp.zeros(2.5)", "shape must be an integer or a tuple of them, got 2.5"),
        ("gpu.xp.zeros((2, 2.5))", "a size of a shape must be an integer of at least 0, got 2.5"),
        ("gpu.empty_pinned('x')", "a size of a shape must be an integer of at least 0, got 'x'"),
        ("gpu.xp.exp()", "Wrong number of arguments for exp: it takes 1, got 0"),
    ],
)
def test_a_wrong_argument_is_one_sentence(gpu, wrong, sentence):
    with pytest.raises(TypeError, match=f"^{sentence}$"):
        eval(wrong, {"gpu": gpu, "a": gpu.xp.ones(1)})


def test_pinned_memory_that_this_machine_does_not_have_is_refused_before_it_is_taken(gpu, monkeypatch):
    monkeypatch.setattr(memory, "available_memory_bytes", lambda: 10**8)
    with pytest.raises(MemoryError, match="needs 4 GB and 100 MB are free here"):
        gpu.empty_pinned(10**9)
