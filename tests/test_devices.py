"""One suite for every GPU the course runs on: the simulated one, CuPy's where there is a CUDA device, and WebGPU's.

Where the simulated GPU differs from CuPy's, it is wrong. WebGPU has no numbers of 64 bits, and computes in float32.
"""

import copy
import gc
import operator
import warnings

import numpy as np
import pytest

from gpu_lessons.devices import SimulatedGpu, WebGpu

A = np.asarray([[1.5, -2.0, 0.25], [3.0, 0.0, -1.0]])
B = np.asarray([[0.5, 4.0, -0.75], [2.0, -3.0, 1.0]])


@pytest.fixture(autouse=True)
def in_the_widest_format(request, monkeypatch):
    """Let A and B be numbers that the GPU of a test has: float64, or float32 on WebGPU, which holds them as well."""
    if "gpu" in request.fixturenames and isinstance(request.getfixturevalue("gpu"), WebGpu):
        for name in "AB":
            monkeypatch.setitem(globals(), name, globals()[name].astype("float32"))


def widest(gpu):
    return "float32" if isinstance(gpu, WebGpu) else "float64"


def on_host(gpu, numbers):
    """Return host numbers in the widest format of a GPU."""
    return numbers.astype(widest(gpu))


def tolerance(gpu):
    """Return how far results may be off, as keywords of assert_allclose."""
    return {"rtol": 2e-6, "atol": 1e-6} if isinstance(gpu, WebGpu) else {"rtol": 1e-12}


def short(gpu, dtype):
    """Return a format as the GPU has it: integers of 64 bits are 32 bits long on WebGPU."""
    return np.dtype("int32") if isinstance(gpu, WebGpu) and dtype == np.int64 else dtype


def skip_without(gpu, what):
    if isinstance(gpu, WebGpu):
        pytest.skip(f"WebGPU has no {what}")


def host(x):
    """Return the numbers of a device array, and refuse one that is none."""
    assert not isinstance(x, np.ndarray)
    return x.get()


@pytest.mark.parametrize(
    "operate",
    [operator.add, operator.sub, operator.mul, operator.truediv, operator.lt, operator.ge, operator.eq, operator.ne],
    ids=lambda operate: operate.__name__,
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_operators_give_the_numbers_and_the_format_of_numpy(gpu, operate, dtype):
    if dtype == "float64":
        skip_without(gpu, "float64")
    a, b = A.astype(dtype), B.astype(dtype)
    found = host(operate(gpu.xp.asarray(a), gpu.xp.asarray(b)))
    expected = operate(a, b)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("scalar", [2, 0.5, -3.0])
def test_a_python_number_does_not_change_the_format(gpu, scalar):
    x = gpu.xp.asarray(A.astype("float32"))
    for found in (x * scalar, scalar * x, scalar - x, x / scalar):
        assert found.dtype == np.float32
    np.testing.assert_allclose(host(scalar - x), scalar - A.astype("float32"))


@pytest.mark.parametrize(
    ("left", "right"), [((2, 3), (3,)), ((2, 3), (2, 1)), ((4, 1, 3), (2, 3)), ((), (2, 3)), ((1,), (5,))]
)
def test_shapes_are_broadcast_as_in_numpy(gpu, left, right):
    rng = np.random.default_rng(0)
    a, b = (on_host(gpu, rng.standard_normal(shape)) for shape in (left, right))
    found = host(gpu.xp.asarray(a) + gpu.xp.asarray(b))
    assert found.shape == (a + b).shape
    np.testing.assert_array_equal(found, a + b)


def test_shapes_that_do_not_fit_are_a_value_error(gpu):
    with pytest.raises(ValueError, match="broadcast"):
        gpu.xp.ones((2, 3)) + gpu.xp.ones((2, 4))
    with pytest.raises(ValueError, match=r"matmul|Matmul|mismatch"):
        gpu.xp.ones((2, 3)) @ gpu.xp.ones((2, 3))


@pytest.mark.parametrize("name", ["exp", "abs", "sqrt", "tanh", "negative", "sign", "isnan", "log", "floor"])
def test_functions_of_one_array_agree_with_numpy(gpu, name):
    a = np.abs(A) + 0.1
    np.testing.assert_allclose(host(getattr(gpu.xp, name)(gpu.xp.asarray(a))), getattr(np, name)(a), **tolerance(gpu))


def test_dividing_by_zero_warns_nobody(gpu):
    zero = gpu.xp.zeros((2,))
    assert np.isnan(host(zero / zero)).all()
    assert np.isneginf(host(gpu.xp.log(zero))).all()


def test_numbers_too_large_for_their_format_warn_nobody(gpu):
    skip_without(gpu, "float64")
    large = gpu.xp.full((2, 2), 1e300)
    assert np.isinf(host(large @ large)).all()
    assert np.isinf(host(large.astype("float32"))).all()
    single = gpu.xp.ones((2,), dtype="float32")
    single[0] = large[0, 0]
    np.testing.assert_array_equal(host(single), [np.inf, 1.0])


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "prod", "argmax", "argmin"])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_reductions_agree_with_numpy(gpu, name, axis):
    x = gpu.xp.asarray(A)
    expected = getattr(np, name)(A, axis=axis)
    for found in (getattr(gpu.xp, name)(x, axis=axis), getattr(x, name)(axis=axis)):
        assert found.shape == expected.shape
        assert found.dtype == short(gpu, expected.dtype)
        np.testing.assert_allclose(host(found), expected)


def test_an_axis_can_be_kept(gpu):
    x = gpu.xp.asarray(A)
    assert gpu.xp.max(x, axis=1, keepdims=True).shape == (2, 1)
    assert bool(gpu.xp.any(x > 2.0))
    assert not bool(gpu.xp.all(x > 2.0))


@pytest.mark.parametrize(
    ("left", "right"), [((2, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)), ((3,), (3,)), ((5, 2, 3), (3, 4))]
)
def test_matrix_products_agree_with_numpy(gpu, left, right):
    rng = np.random.default_rng(1)
    a, b = (on_host(gpu, rng.standard_normal(shape)) for shape in (left, right))
    found = host(gpu.xp.asarray(a) @ gpu.xp.asarray(b))
    assert found.shape == (a @ b).shape
    np.testing.assert_allclose(found, a @ b, **tolerance(gpu))


def test_a_transpose_and_a_slice_are_views_of_the_same_memory(gpu):
    x = gpu.xp.asarray(A)
    before = gpu.memory.used_bytes
    row, turned = x[0], x.T
    assert gpu.memory.used_bytes == before
    row[...] = 7.0
    np.testing.assert_array_equal(host(x)[0], [7.0, 7.0, 7.0])
    np.testing.assert_array_equal(host(turned), host(x).T)


@pytest.mark.parametrize(
    "index", [0, -1, slice(None), slice(0, 2, 2), (0, 1), (slice(None), None), (..., 0), (slice(None), slice(None, -1))]
)
def test_indices_select_what_numpy_selects(gpu, index):
    found = gpu.xp.asarray(A)[index]
    assert found.shape == A[index].shape
    np.testing.assert_array_equal(host(found), A[index])


def test_integers_on_the_device_select_entries(gpu):
    x, rows = gpu.xp.asarray(A), gpu.xp.asarray(np.asarray([1, 0, 1]))
    np.testing.assert_array_equal(host(x[rows]), A[[1, 0, 1]])
    np.testing.assert_array_equal(host(gpu.xp.take(x, rows, axis=0)), A[[1, 0, 1]])


def test_arrays_are_made_on_the_device(gpu):
    xp = gpu.xp
    assert host(xp.zeros((2, 3))).tolist() == [[0.0] * 3] * 2
    assert host(xp.ones(2, dtype="float32")).dtype == np.float32
    assert host(xp.full((2,), 3.5)).tolist() == [3.5, 3.5]
    assert host(xp.arange(1, 7, 2)).tolist() == [1, 3, 5]
    assert xp.empty((4, 5), dtype="float32").shape == (4, 5)
    assert host(xp.zeros_like(xp.asarray(A))).tolist() == [[0.0] * 3] * 2


def test_shapes_are_changed_and_arrays_put_together_as_in_numpy(gpu):
    xp = gpu.xp
    x = xp.asarray(A)
    np.testing.assert_array_equal(host(x.reshape(3, 2)), A.reshape(3, 2))
    np.testing.assert_array_equal(host(x.T.reshape(-1)), A.T.reshape(-1))
    np.testing.assert_array_equal(host(xp.concatenate([x, x], axis=1)), np.concatenate([A, A], axis=1))
    np.testing.assert_array_equal(host(xp.stack([x, x])), np.stack([A, A]))
    np.testing.assert_array_equal(host(xp.where(x > 0, x, 0.0)), np.where(A > 0, A, 0.0))
    np.testing.assert_array_equal(host(xp.clip(x, -1.0, 1.0)), np.clip(A, -1.0, 1.0))
    assert host(x.astype("float32")).dtype == np.float32


def test_writing_in_place_keeps_the_array(gpu):
    x = kept = gpu.xp.asarray(A)
    x += 1.0
    x *= gpu.xp.asarray(B)
    assert x is kept
    np.testing.assert_allclose(host(x), (A + 1.0) * B)
    x[0] = 5.0
    x[1] = gpu.xp.asarray(B)[0]
    np.testing.assert_array_equal(host(x), [[5.0] * 3, B[0]])


def test_an_array_is_not_changed_by_what_happens_to_its_copies(gpu):
    numbers = A.copy()
    x = gpu.xp.asarray(numbers)
    numbers[...] = 0.0
    fetched = x.get()
    np.testing.assert_array_equal(fetched, A)
    fetched[...] = 1.0
    np.testing.assert_array_equal(host(x), A)
    y = x.copy()
    y[...] = 9.0
    np.testing.assert_array_equal(host(x), A)


@pytest.mark.parametrize(
    "mix",
    [
        lambda x: x + A,
        lambda x: A + x,
        lambda x: x < A,
        lambda x: np.add(x, A),
    ],
)
def test_host_and_device_arrays_do_not_mix(gpu, mix):
    with pytest.raises(TypeError, match=r"Unsupported type <class 'numpy.ndarray'>"):
        mix(gpu.xp.asarray(A))


@pytest.mark.parametrize("mix", [lambda x: x @ A.T, lambda x: A.T @ x])
def test_host_and_device_arrays_are_not_multiplied_as_matrices(gpu, mix):
    # Version 13 of CuPy calls both arguments "array", version 14 the left one "a" and the right one "b".
    with pytest.raises(TypeError, match=r"^Argument '\w+' has incorrect type \(expected .*, got numpy\.ndarray\)"):
        mix(gpu.xp.asarray(A))


def test_a_copy_needs_the_same_form_on_both_sides(gpu):
    x, other = gpu.xp.asarray(A), "float16"
    with pytest.raises(TypeError, match=other):
        x.set(A.astype(other))
    with pytest.raises(TypeError, match=other):
        x.get(out=np.empty(A.shape, other))
    with pytest.raises(ValueError, match=r"\(3,\)"):
        x.set(A[0])
    with pytest.raises(ValueError, match=r"\(3,\)"):
        x.get(out=np.empty(3, A.dtype))


def test_a_copy_into_pinned_memory_need_not_be_waited_for(gpu):
    skip_without(gpu, "pinned memory")
    x, pinned = gpu.xp.asarray(A), gpu.empty_pinned(A.shape, "float64")
    pinned[...] = 0.0
    assert x.get(out=pinned, blocking=False) is pinned
    gpu.synchronize()
    np.testing.assert_array_equal(pinned, A)
    pinned[...] = 0.0
    gpu.xp.asnumpy(x, out=pinned)
    np.testing.assert_array_equal(pinned, A)


def test_an_array_is_not_copied_to_the_host_in_silence(gpu):
    with pytest.raises(TypeError, match="Implicit conversion to a NumPy array is not allowed"):
        np.asarray(gpu.xp.asarray(A))


def test_a_host_array_cannot_be_written_into_a_device_array(gpu):
    x = gpu.xp.asarray(A)
    with pytest.raises(ValueError, match=r"non-scalar numpy.ndarray cannot be used for fill"):
        x[0] = np.ones(3)


def test_numpy_functions_of_a_device_array_stay_on_the_device(gpu):
    x = gpu.xp.asarray(A)
    np.testing.assert_allclose(host(np.exp(x)), np.exp(A), rtol=1e-6)
    np.testing.assert_allclose(host(np.sum(x, axis=0)), A.sum(axis=0))


def test_a_numpy_function_writes_into_a_device_array(gpu):
    x = gpu.xp.asarray(A)
    assert np.add(x, 1.0, out=x) is x
    np.testing.assert_array_equal(host(x), A + 1.0)


@pytest.mark.parametrize(("left", "right"), [((2, 3), (3, 4)), ((3,), (3, 4)), ((3,), (3,))])
def test_dot_of_vectors_and_matrices_agrees_with_numpy(gpu, left, right):
    rng = np.random.default_rng(2)
    a, b = (on_host(gpu, rng.standard_normal(shape)) for shape in (left, right))
    np.testing.assert_allclose(host(gpu.xp.asarray(a).dot(gpu.xp.asarray(b))), a.dot(b), **tolerance(gpu))


def test_one_number_can_be_read_on_the_host(gpu):
    x = gpu.xp.asarray(A)
    assert float(x[0, 0]) == 1.5
    assert int(gpu.xp.argmax(x)) == 3
    assert x[1, 0].item() == 3.0
    assert bool(x[1, 1] == 0.0)


def test_copies_give_back_the_same_numbers(gpu):
    wide = () if isinstance(gpu, WebGpu) else ("float64", "int64")
    for dtype in ("float16", "float32", "int8", "uint8", "int16", "uint16", "int32", "uint32", "bool", *wide):
        numbers = A.astype(dtype)
        x = gpu.to_device(numbers)
        assert x.dtype == numbers.dtype
        np.testing.assert_array_equal(gpu.to_host(x), numbers)
    skip_without(gpu, "pinned memory")
    pinned = gpu.empty_pinned((2, 3), "float64")
    pinned[...] = A
    x = gpu.to_device(pinned)
    gpu.synchronize()
    np.testing.assert_array_equal(gpu.to_host(x), A)


def test_an_array_on_the_device_is_not_copied_there_again(gpu):
    x = gpu.xp.asarray(A)
    before = gpu.memory.used_bytes
    again = gpu.to_device(x)
    assert gpu.memory.used_bytes == before
    np.testing.assert_array_equal(host(again), A)


def test_a_launch_returns_before_its_kernel_ends(gpu):
    xp = gpu.xp
    width = 512 if isinstance(gpu, WebGpu) and gpu.adapter.is_software else 4096
    x = xp.ones((width, width), dtype="float32")
    for _ in range(3):
        y = x @ x  # the first product loads the library, the next one still asks the device for memory
    gpu.synchronize()
    start_s = gpu.perf_counter()
    y = x @ x
    returned_s = gpu.perf_counter() - start_s
    gpu.synchronize()
    done_s = gpu.perf_counter() - start_s
    assert 0 < returned_s < done_s / 3
    assert float(y[0, 0]) == width


def test_reading_a_result_waits_for_the_kernel(gpu):
    width = 512 if isinstance(gpu, WebGpu) and gpu.adapter.is_software else 2048
    x = gpu.xp.ones((width, width), dtype="float32")
    (x @ x).get()
    start_s = gpu.perf_counter()
    y = x @ x
    launched_s = gpu.perf_counter() - start_s
    float(y[0, 0])
    assert gpu.perf_counter() - start_s > launched_s


def test_memory_is_counted_while_an_array_lives_and_returned_when_it_dies(gpu):
    before = gpu.memory.used_bytes
    x = gpu.xp.zeros((1000, 1000), dtype="float32")
    during = gpu.memory.used_bytes
    assert 4_000_000 <= during - before < 4_000_000 + 512
    view = x[:10]
    del x
    assert gpu.memory.used_bytes == during  # the view keeps all of it
    del view
    gc.collect()
    assert gpu.memory.used_bytes == before
    assert gpu.memory.peak_bytes >= during


def test_a_temporary_array_is_seen_in_the_peak_only(gpu):
    x = gpu.xp.zeros((1000, 1000), dtype="float32")
    before = gpu.memory.used_bytes
    x = (x + 1.0) * 2.0
    assert gpu.memory.used_bytes == before
    assert gpu.memory.peak_bytes >= before + 8_000_000


def test_too_much_memory_is_an_error_and_the_next_small_array_works(gpu):
    before = gpu.memory.used_bytes
    too_much = gpu.memory.capacity_bytes // 4 + 10**9
    with pytest.raises(MemoryError, match=r"Out of memory allocating [\d,]+ bytes \(allocated so far: [\d,]+ bytes"):
        gpu.xp.empty(too_much, dtype="float32")
    assert gpu.memory.used_bytes == before
    assert float(gpu.xp.ones(10).sum()) == 10.0


def test_streams_are_queues_in_order_and_wait_for_events(gpu):
    first, second = gpu.stream(), gpu.stream()
    x = gpu.xp.zeros((64, 64))
    gpu.synchronize()
    with first:
        x += 1.0
        event = first.record()
    second.wait_event(event)
    with second:
        x *= 3.0
    second.synchronize()
    np.testing.assert_array_equal(x.get(), np.full((64, 64), 3.0))


def test_the_clock_runs_forward_only(gpu):
    readings = []
    for _ in range(5):
        readings.append(gpu.perf_counter())
        gpu.xp.ones((128, 128)) @ gpu.xp.ones((128, 128))
    assert readings == sorted(readings)
    assert readings[0] < readings[-1]


def test_both_kinds_say_which_they_are(gpu):
    assert gpu.source == ("predicted" if isinstance(gpu, SimulatedGpu) else "measured")
    assert gpu.machine.name in str(gpu)
    assert "\n" not in str(gpu)
    assert gpu.memory.capacity_bytes > 1e9


# What a learner types


def test_a_number_is_formatted_as_a_number(gpu):
    assert f"{gpu.xp.asarray(3.14159):.2f} {gpu.xp.asarray([1, 2])}" == "3.14 [1 2]"


def test_numbers_come_as_lists(gpu):
    assert gpu.xp.asarray([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert gpu.xp.asarray(2.5).tolist() == 2.5


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, operator.pos], ids=["copy", "deepcopy", "pos"])
def test_a_copy_is_an_array_of_its_own_on_the_device(gpu, make):
    x = gpu.xp.asarray([1.0, 2.0])
    y = make(x)
    y[0] = 7.0
    assert isinstance(y, gpu.xp.ndarray)
    assert x.tolist() == [1.0, 2.0] or make is operator.pos  # some versions of CuPy return x itself


def test_take_without_an_axis_takes_from_all_numbers_in_a_row(gpu):
    x = gpu.xp.asarray(A)
    np.testing.assert_array_equal(host(gpu.xp.take(x, gpu.xp.asarray([0, 4]))), np.take(A, [0, 4]))
    np.testing.assert_array_equal(host(gpu.xp.take(x, [0, 1], axis=1)), np.take(A, [0, 1], axis=1))


def test_a_bound_of_clip_may_be_left_out(gpu):
    x = gpu.xp.asarray(A)
    np.testing.assert_array_equal(host(gpu.xp.clip(x, None, 1.0)), np.clip(A, None, 1.0))
    np.testing.assert_array_equal(host(x.clip(-1.0, None)), np.clip(A, -1.0, None))


def test_where_isclose_and_clip_have_the_format_of_numpy(gpu):
    x = gpu.xp.asarray(A.astype("float32"))
    assert host(gpu.xp.where(x > 0, x, 0.0)).dtype == np.float32
    assert host(gpu.xp.where(x > 0, x, x.astype("float16"))).dtype == np.float32
    assert host(gpu.xp.clip(x, 0.0, 1.0)).dtype == np.float32
    assert host(gpu.xp.isclose(x, x)).dtype == np.bool_


def test_the_last_argument_of_a_function_may_be_where_to_write(gpu):
    x, out = gpu.xp.asarray([1.0, 2.0]), gpu.xp.zeros(2)
    gpu.xp.add(x, 1.0, out)
    assert out.tolist() == [2.0, 3.0]


@pytest.mark.parametrize("value", [None, "text", [None], np.asarray(["a"])], ids=repr)
def test_what_is_no_number_does_not_reach_the_device(gpu, value):
    with pytest.raises(ValueError, match="Unsupported dtype"):
        gpu.xp.asarray(value)


def test_shapes_that_do_not_fit_are_told(gpu):
    with pytest.raises(ValueError, match=r"operands could not be broadcast together with shapes \(2, 3\) \(2,\)"):
        gpu.xp.asarray(A) + gpu.xp.ones(2)


@pytest.mark.parametrize("shape", [-1, (2, -1)])
def test_a_negative_size_is_refused(gpu, shape):
    with pytest.raises(ValueError, match=r"(?i)at least 0|negative"):
        gpu.xp.zeros(shape)


def test_an_array_on_the_device_stays_there(gpu):
    x = gpu.xp.asarray(A)
    assert gpu.to_device(x) is x


@pytest.mark.parametrize("value", [A, None, 3], ids=["NumPy array", "None", "number"])
def test_only_an_array_on_the_device_comes_to_the_host(gpu, value):
    with pytest.raises(TypeError, match="x must be an array on the device, got"):
        gpu.to_host(value)


@pytest.mark.parametrize(
    "compute",
    [
        lambda xp: xp.mean(xp.zeros(0)),
        lambda xp: (xp.ones(2) / 0).astype("int32"),
        lambda xp: xp.full((2, 2), xp.inf) @ xp.zeros((2, 2)),
        lambda xp: xp.clip(xp.ones(2) / 0, 0.0, xp.full(2, xp.nan)),
    ],
    ids=range(4),
)
def test_a_gpu_warns_of_nothing(gpu, compute):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        host(compute(gpu.xp))


def test_a_truth_value_counts_as_a_number(gpu):
    x = gpu.xp.asarray(A.astype("float32"))
    assert host(x + True).dtype == np.float32
    np.testing.assert_array_equal(host(x + True), A.astype("float32") + 1)
    assert host(gpu.xp.asarray([True, False]) + True).dtype == np.bool_


@pytest.mark.parametrize(("left", "right"), [((2, 0), (0, 3)), ((2, 3), (3, 0)), ((0, 3), (3, 2))])
def test_a_product_of_empty_matrices_has_its_shape_and_zeros(gpu, left, right):
    product = host(gpu.xp.ones(left) @ gpu.xp.ones(right))
    np.testing.assert_array_equal(product, np.ones(left) @ np.ones(right))


def test_the_byte_order_of_another_machine_is_turned(gpu):
    x = gpu.to_device(np.asarray([1.0, 2.0], dtype=">f4"))
    assert x.dtype.isnative
    assert x.tolist() == [1.0, 2.0]
