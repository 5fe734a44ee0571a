"""Workloads: FLOP and bytes against loops that count one by one, and the work itself against its formulas."""

import itertools
import tracemalloc

import numpy as np
import pytest
from counting_arrays import CountingNamespace
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_lessons.hardware.arrays import to_numpy
from gpu_lessons.nn import SGD, Conv2d, Dense
from gpu_lessons.work import (
    Conv2dForward,
    Copy,
    DenseForward,
    DenseTrainStep,
    DependentChain,
    Elementwise,
    MemoryLedger,
    RecurrentForward,
    TrainEpoch,
    memory_needed,
)
from gpu_lessons.work.fused import BLOCK_BYTES, multiply_adds

SIZE = st.integers(min_value=1, max_value=5)
DTYPES = {"float16": 2, "float32": 4, "float64": 8}


class Counter:
    """Runs kernels over tables of numbers, element by element, and counts.

    A kernel touches each operand's elements as often as it likes; the least it can move is each element once,
    so what is counted is how many *different* elements it reads and writes.
    """

    def __init__(self):
        self.flops = self.read = self.written = 0

    def kernel(self, *, reads, writes, flops):
        self.read += len(set(reads))
        self.written += len(set(writes))
        self.flops += flops

    def matmul(self, a, b, out, m, n, k, *, a_transposed=False, b_transposed=False):
        reads, writes, flops = [], [], 0
        for i, j in itertools.product(range(m), range(n)):
            for q in range(k):
                reads += [(a, (q, i) if a_transposed else (i, q)), (b, (j, q) if b_transposed else (q, j))]
                flops += 2  # one multiplication, one addition to the sum
            writes.append((out, (i, j)))
        self.kernel(reads=reads, writes=writes, flops=flops)

    def add_bias(self, batch, n_out):
        places = list(itertools.product(range(batch), range(n_out)))
        reads = [("y", place) for place in places] + [("b", j) for _, j in places]
        self.kernel(reads=reads, writes=[("y", place) for place in places], flops=len(places))

    def column_sums(self, batch, n_out):
        places = list(itertools.product(range(batch), range(n_out)))
        writes = [("db", j) for _, j in places]
        self.kernel(reads=[("dy", place) for place in places], writes=writes, flops=len(places))

    def update(self, name, n):
        self.kernel(  # lr * gradient, into a temporary
            reads=[("d" + name, i) for i in range(n)], writes=[("scaled", i) for i in range(n)], flops=n
        )
        reads = [(source, i) for source in (name, "scaled") for i in range(n)]
        self.kernel(reads=reads, writes=[(name, i) for i in range(n)], flops=n)

    def forward(self, batch, n_in, n_out):
        self.matmul("x", "w", "y", batch, n_out, n_in)
        self.add_bias(batch, n_out)

    def backward(self, batch, n_in, n_out):
        self.matmul("x", "dy", "dw", n_in, n_out, batch, a_transposed=True)
        self.column_sums(batch, n_out)
        self.matmul("dy", "w", "dx", batch, n_in, n_out, b_transposed=True)


@settings(max_examples=40, deadline=None)
@given(SIZE, SIZE, SIZE, st.sampled_from(sorted(DTYPES)))
def test_a_forward_pass_counts_what_loops_count(batch, n_in, n_out, dtype):
    counter = Counter()
    counter.forward(batch, n_in, n_out)
    layer = DenseForward(batch_size=batch, n_in=n_in, n_out=n_out, dtype=dtype)
    assert layer.flops == counter.flops
    assert layer.bytes_moved == (counter.read + counter.written) * DTYPES[dtype]
    assert layer.arithmetic_intensity == layer.flops / layer.bytes_moved


@settings(max_examples=40, deadline=None)
@given(SIZE, SIZE, SIZE, st.sampled_from(sorted(DTYPES)))
def test_a_training_step_is_forward_backward_and_update(batch, n_in, n_out, dtype):
    counter = Counter()
    counter.forward(batch, n_in, n_out)
    counter.backward(batch, n_in, n_out)
    counter.update("w", n_in * n_out)
    counter.update("b", n_out)
    step = DenseTrainStep(batch_size=batch, n_in=n_in, n_out=n_out, dtype=dtype)
    assert step.flops == counter.flops
    assert sum(kernel.bytes_read for kernel in step.kernels) == counter.read * DTYPES[dtype]
    assert sum(kernel.bytes_written for kernel in step.kernels) == counter.written * DTYPES[dtype]


def test_the_products_of_a_training_step_have_the_shapes_of_the_layer():
    step = DenseTrainStep(batch_size=2, n_in=3, n_out=5)
    products = [kernel.matmul for kernel in step.kernels if kernel.matmul]
    assert products == [(2, 5, 3), (3, 5, 2), (2, 3, 5)]  # x @ w, x.T @ dy, dy @ w.T


def test_an_elementwise_kernel_reads_and_writes_every_number_once():
    work = Elementwise(7, dtype="float64")
    assert (work.flops, work.bytes_moved, work.memory_bytes) == (7, 2 * 7 * 8, 2 * 7 * 8)


def test_multiply_adds_are_another_kind_of_work_than_max_x_0():
    assert (Elementwise(7).label, Elementwise(7, multiply_adds=1).label) == ("elementwise", "multiply-adds")


def test_a_copy_moves_its_bytes_and_computes_nothing():
    copy = Copy(1000, direction="d2h", pinned=False)
    assert (copy.flops, copy.bytes_moved, copy.kernels) == (0, 1000, ())


@settings(max_examples=20, deadline=None)
@given(SIZE, SIZE, SIZE, st.sampled_from(["float32", "float64"]))
def test_a_made_forward_pass_gives_the_right_shape_and_numbers(batch, n_in, n_out, dtype):
    y = DenseForward(batch_size=batch, n_in=n_in, n_out=n_out, dtype=dtype).make(np)()
    assert (y.shape, y.dtype) == ((batch, n_out), np.dtype(dtype))
    assert np.isfinite(y).all()
    assert y.any()  # random inputs, never zeros


class Recorder:
    """Stands for NumPy; keeps the arrays it was asked to bring to the device."""

    def __init__(self):
        self.arrays = []

    def asarray(self, array):
        self.arrays.append(array)
        return array


def test_a_made_training_step_is_forward_backward_and_sgd_of_a_dense_layer():
    recorder = Recorder()
    call = DenseTrainStep(batch_size=4, n_in=3, n_out=2, dtype="float64").make(recorder)
    weight, bias, x, dy = (array.copy() for array in recorder.arrays)
    dx = call()
    np.testing.assert_allclose(dx, dy @ weight.T)
    twin = Dense(3, 2, dtype="float64")
    twin.weight, twin.bias = weight, bias
    twin.forward(x)
    twin.backward(dy)
    SGD(1e-9).step(twin)
    changed_weight, changed_bias, *_ = recorder.arrays
    assert np.array_equal(changed_weight, twin.weight)
    assert np.array_equal(changed_bias, twin.bias)
    assert changed_bias.any()  # zero before the step


def test_two_thousand_steps_leave_finite_weights():
    recorder = Recorder()
    call = DenseTrainStep(batch_size=4, n_in=3, n_out=2).make(recorder)
    for _ in range(2000):
        call()
    assert np.isfinite(recorder.arrays[0]).all()


def test_a_made_elementwise_kernel_is_max_x_0_on_both_signs():
    y = Elementwise(1000).make(np)()
    assert y.dtype == np.float32
    assert (y >= 0).all()
    assert 300 < np.count_nonzero(y) < 700


@pytest.mark.parametrize("workload", [DenseForward, DenseTrainStep])
def test_layers_hold_the_bytes_of_their_arrays(workload):
    batch, n_in, n_out = 3, 5, 7
    x, y, w, b = (np.empty(shape, np.float32) for shape in ((batch, n_in), (batch, n_out), (n_in, n_out), n_out))
    forward = x.nbytes + y.nbytes + w.nbytes + b.nbytes
    train = 2 * (x.nbytes + y.nbytes) + 3 * (w.nbytes + b.nbytes)
    expected = forward if workload is DenseForward else train
    assert workload(batch_size=batch, n_in=n_in, n_out=n_out).memory_bytes == expected


@pytest.mark.parametrize("name", ["batch_size", "n_in", "n_out"])
@pytest.mark.parametrize(
    ("value", "error"),
    [(0, ValueError), (-3, ValueError), (True, TypeError), (2.0, TypeError), ("8", TypeError)],
)
@pytest.mark.parametrize("workload", [DenseForward, DenseTrainStep])
def test_an_impossible_size_is_refused_in_one_sentence(workload, name, value, error):
    sizes = {"batch_size": 1, "n_in": 1, "n_out": 1, name: value}
    with pytest.raises(error, match=f"^{name} must be an integer of at least 1, got {value!r}$"):
        workload(**sizes)


def test_numpy_integers_are_sizes():
    layer = DenseForward(batch_size=np.int64(2), n_in=np.int32(3), n_out=4)
    assert type(layer.batch_size) is int
    assert layer == DenseForward(batch_size=2, n_in=3, n_out=4)


@pytest.mark.parametrize("dtype", ["float31", "int32", None, 4, np.int64])
def test_an_unknown_dtype_is_refused_with_the_known_ones(dtype):
    with pytest.raises(ValueError, match=r"^dtype must be one of float16, float32, float64, got "):
        DenseForward(batch_size=1, n_in=1, n_out=1, dtype=dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.dtype("float32"), "float32"])
def test_a_dtype_may_be_numpys(dtype):
    assert Elementwise(1, dtype=dtype).dtype == "float32"


@pytest.mark.parametrize(
    "layer",
    [
        DenseForward(1, 1, 1, "float16"),
        DenseTrainStep(1, 1, 1, "float16"),
        Conv2dForward(1, 1, 1, 1, 1, 1, dtype="float16"),
        TrainEpoch(1, 1, (1, 2), "float16"),
        RecurrentForward(1, 1, 1, 1, "float16"),
    ],
    ids=str,
)
def test_a_float16_layer_can_be_counted_but_not_run(layer):
    assert layer.flops > 0
    with pytest.raises(ValueError, match="a layer runs in float32 or float64, got dtype 'float16'"):
        layer.make(np)


def test_a_copy_on_numpy_is_refused():
    with pytest.raises(ValueError, match="a copy needs a device"):
        Copy(8).make(np)


def test_a_copy_has_two_directions():
    with pytest.raises(ValueError, match=r"^direction must be one of h2d, d2h, got 'up'$"):
        Copy(8, direction="up")


def test_a_copy_is_pinned_or_not():
    with pytest.raises(TypeError, match=r"^pinned must be True or False, got 'no'$"):
        Copy(8, pinned="no")


# Every workload, against a library that counts what its own code runs


@st.composite
def convolutions(draw):
    kernel, padding = draw(SIZE), draw(st.integers(0, 3))
    least = max(1, kernel - 2 * padding)
    height, width = draw(st.integers(least, least + 5)), draw(st.integers(least, least + 5))
    return Conv2dForward(
        draw(SIZE), draw(SIZE), draw(SIZE), height, width, kernel, draw(SIZE), padding, draw(LAYER_DTYPE)
    )


LAYER_DTYPE = st.sampled_from(["float32", "float64"])
EVERY_WORKLOAD = st.one_of(
    st.builds(DenseForward, SIZE, SIZE, SIZE, LAYER_DTYPE),
    st.builds(DenseTrainStep, SIZE, SIZE, SIZE, LAYER_DTYPE),
    st.builds(Elementwise, SIZE, LAYER_DTYPE),
    st.builds(DependentChain, SIZE, SIZE, LAYER_DTYPE),
    st.builds(RecurrentForward, SIZE, SIZE, SIZE, SIZE, LAYER_DTYPE),
    convolutions(),
    st.builds(TrainEpoch, st.integers(1, 9), SIZE, st.lists(SIZE, min_size=2, max_size=4), LAYER_DTYPE),
)


@settings(max_examples=150, deadline=None)
@given(EVERY_WORKLOAD)
def test_the_kernels_are_those_that_the_code_launches_one_by_one(workload):
    xp = CountingNamespace()
    call = workload.make(xp)
    xp.launches.clear()
    call()
    launched = [(each.flops, each.bytes_read, each.bytes_written) for each in xp.launches]
    assert [(kernel.flops, kernel.bytes_read, kernel.bytes_written) for kernel in workload.kernels] == launched


@pytest.mark.parametrize(
    ("workload", "names"),
    [
        (Conv2dForward(2, 3, 4, 5, 5, 3), ["assign", "stack", "matmul", "add"]),
        (Conv2dForward(2, 3, 4, 5, 5, 3, padding=1), ["zeros", "assign", "stack", "matmul", "add"]),
        (DependentChain(3, 5), ["mul"] * 3),
    ],
)
def test_what_is_launched_is_called_what_it_is(workload, names):
    xp = CountingNamespace()
    call = workload.make(xp)
    xp.launches.clear()
    call()
    assert [each.name for each in xp.launches] == names


def test_the_product_of_a_convolution_has_a_row_a_patch_and_a_column_a_filter():
    layer = Conv2dForward(batch_size=2, c_in=3, c_out=4, height=9, width=7, kernel=3, stride=2, padding=1)
    assert [kernel.matmul for kernel in layer.kernels if kernel.matmul] == [(2 * 5 * 4, 4, 3 * 3 * 3)]


@pytest.mark.parametrize(
    "workload",
    [
        DenseForward(64, 256, 512),
        DenseTrainStep(64, 512, 256),
        DenseTrainStep(512, 64, 128, "float64"),
        Elementwise(10**5),
        DependentChain(1, 10**5),
        DependentChain(2, 10**5),
        DependentChain(9, 10**5, "float64"),
        Elementwise(10**6, multiply_adds=3),
        RecurrentForward(1, 500, 60, 70),
        RecurrentForward(5, 500, 60, 70, "float64"),
        Conv2dForward(8, 3, 4, 32, 32, 3),
        Conv2dForward(8, 3, 4, 32, 32, 3, padding=1),
        Conv2dForward(8, 3, 32, 32, 32, 3, padding=1),
        Conv2dForward(8, 16, 2, 32, 32, 1, padding=4),
        TrainEpoch(1797, 64, (64, 128, 10)),
        TrainEpoch(500, 400, (16, 128, 128, 10)),
        TrainEpoch(500, 400, (64, 300), "float64"),
        TrainEpoch(10, 64, (256, 512, 10)),
    ],
    ids=str,
)
def test_memory_bytes_are_what_numpy_holds_at_the_worst_moment(workload):
    workload.make(np)()  # imports
    tracemalloc.start()
    try:
        call = workload.make(np)
        call()  # the second call meets what the first one left
        tracemalloc.reset_peak()
        call()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # NumPy's buffer for a broadcast sum, and Python's own objects.
    overhead = 8192 * np.dtype(workload.dtype).itemsize + 12_000
    assert peak - overhead < workload.memory_bytes < peak * 1.2


@pytest.mark.parametrize(
    "workload",
    [
        DenseForward(2, 3, 4),
        DenseTrainStep(2, 3, 4),
        Elementwise(5),
        Elementwise(5, multiply_adds=7),
        DependentChain(3, 5),
        RecurrentForward(3, 4, 5, 6),
        Conv2dForward(2, 3, 4, 5, 6, 3, 2, 1),
        TrainEpoch(7, 3, (4, 5, 2)),
    ],
    ids=str,
)
def test_every_workload_runs_on_every_library(xp, workload):
    result = workload.make(xp)()
    expected = workload.make(np)()
    np.testing.assert_allclose(to_numpy(result), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("times", [1, 2, 3, 8, 300])
def test_multiply_adds_are_a_sum_of_halves_on_every_library(xp, times):
    x = np.random.default_rng(3).standard_normal(1000)
    expected = [sum(number * 0.5**term for term in range(times)) for number in x]
    np.testing.assert_allclose(to_numpy(multiply_adds(xp, xp.asarray(x), times)), expected, rtol=1e-12)


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_the_last_block_of_numbers_may_be_shorter(more):
    x = np.random.default_rng(3).standard_normal(2 * BLOCK_BYTES // 8 + more)
    np.testing.assert_allclose(multiply_adds(np, x, 3), 1.75 * x, rtol=1e-12)


@given(st.integers(1, 9), st.integers(1, 20))
def test_so_many_multiply_adds_are_counted_as_a_library_runs_that_has_no_better_way(n, times):
    xp = CountingNamespace()
    multiply_adds(xp, xp.asarray(np.ones(n)), times)
    ran = sum(each.flops for each in xp.launches)
    # Its first sum is x itself, and the workload's begins with half of 0 plus x.
    assert Elementwise(n, "float64", times).flops == ran + 2 * n


@given(st.integers(1, 10**6), st.integers(1, 1024), st.sampled_from(sorted(DTYPES)))
def test_more_multiply_adds_move_no_more_bytes(n, times, dtype):
    work = Elementwise(n, dtype, times)
    assert (work.bytes_moved, work.memory_bytes) == (2 * n * DTYPES[dtype],) * 2
    assert work.flops == 2 * n * times


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_passes_of_multiply_adds_make_no_array_beside_the_result(dtype):
    x = np.ones(10**6, dtype)
    tracemalloc.start()
    try:
        y = multiply_adds(np, x, 64)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert y.nbytes <= peak < y.nbytes + BLOCK_BYTES


def test_a_recurrent_layer_computes_its_states_one_after_another(xp):
    recorder = Recorder()
    RecurrentForward(4, 3, 5, 2, "float64").make(recorder)
    x, w, u, b, start = recorder.arrays
    h = start
    for t in range(4):
        h = np.stack([[np.tanh(x[t, s] @ w[:, j] + h[s] @ u[:, j] + b[j]) for j in range(2)] for s in range(3)])
    found = RecurrentForward(4, 3, 5, 2, "float64").make(xp)()
    np.testing.assert_allclose(to_numpy(found), h, rtol=1e-12)


def test_a_recurrent_layer_neither_dies_out_nor_saturates():
    h = RecurrentForward(500, 16, 64, 64).make(np)()
    assert 0.2 < np.abs(h).mean() < 0.9


def test_a_chain_multiplies_as_often_as_it_has_steps_and_stays_finite():
    recorder = Recorder()
    result = DependentChain(1001, 7).make(recorder)()
    np.testing.assert_array_equal(result, -recorder.arrays[0])
    assert result.all()


def test_a_made_convolution_is_that_of_a_layer():
    recorder = Recorder()
    call = Conv2dForward(2, 3, 4, 6, 5, 3, stride=2, padding=1, dtype="float64").make(recorder)
    weight, _bias, x = recorder.arrays
    twin = Conv2d(3, 4, 3, stride=2, padding=1, dtype="float64")
    twin.weight = weight
    np.testing.assert_array_equal(call(), twin.forward(x))


def test_an_epoch_sees_every_sample_once_and_changes_the_weights():
    recorder = Recorder()
    call = TrainEpoch(samples=10, batch_size=4, layer_sizes=[3, 5, 2], dtype="float64").make(recorder)
    before = recorder.arrays[0].copy()
    mean_loss = call()
    assert 0 < mean_loss < 10
    assert (recorder.arrays[0] != before).any()
    batches = [kernel.matmul[0] for kernel in TrainEpoch(10, 4, [3, 5, 2]).kernels if kernel.name == "x @ w"]
    assert batches == [4, 4, 4, 4, 2, 2]  # two layers, three batches


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Conv2dForward(1, 1, 1, 4, 9, 5), ValueError, "height must be at least 5 for a kernel of 5 and a "
         "padding of 0, got 4"),
        (lambda: Conv2dForward(1, 1, 1, 9, 2, 5, padding=1), ValueError, "width must be at least 3 for a kernel of 5 "
         "and a padding of 1, got 2"),
        (lambda: Conv2dForward(1, 1, 1, 4, 4, 3, padding=-1), ValueError, "padding must be an integer of at least 0, "
         "got -1"),
        (lambda: Conv2dForward(1, 1, 1, 4, 4, 3, stride=0), ValueError, "stride must be an integer of at least 1, "
         "got 0"),
        (lambda: Conv2dForward(1, 1, 1, 4, 4, (3, 3)), TypeError, "kernel must be an integer of at least 1, "
         "got (3, 3)"),
        (lambda: DependentChain(0, 1), ValueError, "steps must be an integer of at least 1, got 0"),
        (lambda: DependentChain(100_001, 1), ValueError, "at most 100,000 steps one after another can be counted, "
         "got 100,001"),
        (lambda: TrainEpoch(10**6, 10, (2, 2)), ValueError, "at most 100,000 steps one after another can be counted, "
         "got 200,000"),
        (lambda: Elementwise(1, multiply_adds=-1), ValueError, "multiply_adds must be an integer of at least 0, "
         "got -1"),
        (lambda: Elementwise(1, multiply_adds=100_001), ValueError, "at most 100,000 steps one after another can be "
         "counted, got 100,001"),
        (lambda: RecurrentForward(0, 1, 1, 1), ValueError, "steps must be an integer of at least 1, got 0"),
        (lambda: RecurrentForward(1, 1, 1.5, 1), TypeError, "n_in must be an integer of at least 1, got 1.5"),
        (lambda: RecurrentForward(20_001, 1, 1, 1), ValueError, "at most 100,000 steps one after another can be "
         "counted, got 100,005"),
        (lambda: DependentChain(1, 1.5), TypeError, "width must be an integer of at least 1, got 1.5"),
        (lambda: TrainEpoch(0, 1, (2, 2)), ValueError, "samples must be an integer of at least 1, got 0"),
        (lambda: TrainEpoch(1, 1, (2,)), ValueError, "layer_sizes must hold at least an input and an output size, "
         "got (2,)"),
        (lambda: TrainEpoch(1, 1, (2, 2), "int8"), ValueError, "dtype must be one of float16, float32, float64, "
         "got 'int8'"),
    ],
)  # fmt: skip
def test_an_impossible_workload_is_refused_in_one_sentence(make, error, words):
    with pytest.raises(error) as refusal:
        make()
    assert str(refusal.value) == words


class DeviceLibrary:
    """Stands for a library whose arrays live on a device: lists, which nothing takes for arrays of the host."""

    def __init__(self):
        self.log = []

    def asarray(self, host):
        self.log.append(("h2d", host.nbytes, host is self.pinned))
        return host.tolist()

    def asnumpy(self, device, out):
        self.log.append(("d2h", out.nbytes, out is self.pinned))
        out[:] = device
        return out

    pinned = None

    def empty_pinned(self, shape, dtype):
        self.pinned = np.empty(shape, dtype)
        return self.pinned


@pytest.mark.parametrize("direction", ["h2d", "d2h"])
@pytest.mark.parametrize("pinned", [False, True])
def test_a_made_copy_moves_its_bytes_in_its_direction_from_or_to_the_memory_asked_for(direction, pinned):
    xp = DeviceLibrary()
    call = Copy(1000, direction, pinned=pinned).make(xp)
    xp.log.clear()
    result = call()
    assert xp.log == [(direction, 1000, pinned)]
    assert len(set(result if direction == "h2d" else result.tolist())) > 200  # random bytes


# The memory ledger


def nbytes(*shapes, dtype):
    return sum(np.empty(shape, dtype).nbytes for shape in shapes)


@pytest.mark.parametrize("dtype", sorted(DTYPES))
@pytest.mark.parametrize(("optimizer", "copies"), [("sgd", 0), ("momentum", 1), ("adam", 2)])
def test_the_ledger_of_a_small_network_is_the_sum_of_its_arrays(optimizer, copies, dtype):
    batch = 3
    ledger = memory_needed(batch_size=batch, layer_sizes=[4, 7, 2], optimizer=optimizer, dtype=dtype)
    weights = nbytes((4, 7), (7,), (7, 2), (2,), dtype=dtype)
    assert ledger.weights_bytes == ledger.gradients_bytes == weights
    assert ledger.optimizer_bytes == copies * weights
    # the input, the hidden layer after its ReLU, the loss: logarithms, which class is the label, and the labels
    kept = nbytes((batch, 4), (batch, 7), (batch, 2), dtype=dtype) + nbytes((batch, 2), dtype=bool)
    assert ledger.activations_bytes == kept + nbytes((batch,), dtype="int64")
    # a ReLU going back: dy, the sign of y, and their product; or what an update makes of the largest weight
    update = (2 if optimizer == "adam" else 1) * nbytes((4, 7), dtype=dtype)
    assert ledger.in_flight_bytes == max(3 * nbytes((batch, 7), dtype=dtype), update)
    assert ledger.total_bytes == (2 + copies) * weights + ledger.activations_bytes + ledger.in_flight_bytes


SIZES = st.lists(st.integers(1, 300), min_size=2, max_size=6)
OPTIMIZERS = st.sampled_from(["sgd", "momentum", "adam"])


@given(SIZES, OPTIMIZERS, st.integers(1, 1000), st.integers(1, 1000))
def test_memory_never_falls_when_the_batch_grows(layer_sizes, optimizer, batch, more):
    def total(batch_size):
        return memory_needed(batch_size=batch_size, layer_sizes=layer_sizes, optimizer=optimizer).total_bytes

    assert total(batch + more) > total(batch)


@given(SIZES, OPTIMIZERS, st.integers(1, 1000), st.integers(0, 10**7))
def test_the_largest_batch_fits_and_one_more_does_not(layer_sizes, optimizer, asked_with, memory_bytes):
    def ledger(batch_size) -> MemoryLedger:
        return memory_needed(batch_size=batch_size, layer_sizes=layer_sizes, optimizer=optimizer)

    largest = ledger(asked_with).largest_batch(memory_bytes)
    assert largest == 0 or ledger(largest).total_bytes <= memory_bytes
    assert ledger(largest + 1).total_bytes > memory_bytes


@pytest.mark.parametrize("bad", [float("inf"), float("nan")])
def test_a_memory_without_end_holds_no_largest_batch(bad):
    with pytest.raises(ValueError, match=r"^memory_bytes must be a finite number, got "):
        memory_needed(batch_size=1, layer_sizes=[2, 2]).largest_batch(bad)


def test_adam_needs_more_than_momentum_and_momentum_more_than_sgd():
    totals = [
        memory_needed(batch_size=8, layer_sizes=[64, 64], optimizer=optimizer).total_bytes
        for optimizer in ("sgd", "momentum", "adam")
    ]
    assert totals == sorted(set(totals))


def test_the_ledger_prints_every_entry_and_the_total():
    lines = str(memory_needed(batch_size=1, layer_sizes=[1000, 1000])).splitlines()
    assert [line.split()[0] for line in lines] == [
        "weights", "gradients", "optimizer", "activations", "in", "total",
    ]  # fmt: skip
    assert lines[0].split() == ["weights", "4", "MB"]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"batch_size": 0}, ValueError, "batch_size must be an integer of at least 1, got 0"),
        ({"batch_size": 1.5}, TypeError, "batch_size must be an integer of at least 1, got 1.5"),
        ({"layer_sizes": [4]}, ValueError, "layer_sizes must hold at least"),
        ({"layer_sizes": "44"}, ValueError, "layer_sizes must hold at least"),
        ({"layer_sizes": [4, -1]}, ValueError, r"layer_sizes\[1\] must be an integer of at least 1, got -1"),
        ({"layer_sizes": [4, True]}, TypeError, r"layer_sizes\[1\] must be"),
        ({"layer_sizes": 4}, TypeError, "layer_sizes must"),
        ({"optimizer": "adamw"}, ValueError, "optimizer must be one of sgd, momentum, adam, got 'adamw'"),
        ({"dtype": "int8"}, ValueError, "dtype must be one of"),
    ],
)
def test_the_ledger_refuses_bad_input_in_one_sentence(arguments, error, words):
    with pytest.raises(error, match=words):
        memory_needed(**({"batch_size": 1, "layer_sizes": [2, 3]} | arguments))
