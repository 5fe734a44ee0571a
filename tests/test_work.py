"""Workloads: FLOP and bytes against loops that count one by one, and the work itself against its formulas."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_lessons.nn import SGD, Dense
from gpu_lessons.work import Copy, DenseForward, DenseTrainStep, Elementwise, MemoryLedger, memory_needed

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


@pytest.mark.parametrize("workload", [DenseForward, DenseTrainStep])
def test_a_float16_layer_can_be_counted_but_not_run(workload):
    layer = workload(batch_size=1, n_in=1, n_out=1, dtype="float16")
    assert layer.flops > 0
    with pytest.raises(ValueError, match="a layer runs in float32 or float64, got dtype 'float16'"):
        layer.make(np)


def test_a_copy_on_numpy_is_refused():
    with pytest.raises(ValueError, match="a copy needs a device"):
        Copy(8).make(np)


def test_a_copy_has_two_directions():
    with pytest.raises(ValueError, match=r"^direction must be one of h2d, d2h, got 'up'$"):
        Copy(8, direction="up")


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
    # the input, the hidden layer after its ReLU, the output
    assert ledger.activations_bytes == nbytes((batch, 4), (batch, 7), (batch, 2), dtype=dtype)
    # the widest pair: the gradient of the hidden layer becomes that of the input
    assert ledger.in_flight_bytes == nbytes((batch, 4), (batch, 7), dtype=dtype)
    parts = (2 + copies) * weights + ledger.activations_bytes + ledger.in_flight_bytes
    assert ledger.total_bytes == parts


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
