"""What CuPy's words cost on the simulated GPU, in kernels, waits and copies; what it refuses, and how."""

import inspect
import itertools
import operator

import numpy as np
import pytest

from gpu_lessons.devices import SimulatedGpu
from gpu_lessons.devices.substitutes import SUBSTITUTES
from gpu_lessons.devices.tables import ROWS
from gpu_lessons.hardware.machines import machine
from gpu_lessons.model import typical


@pytest.fixture
def gpu():
    return SimulatedGpu(machine("nvidia-t4"))


def spans(gpu, call, place="kernels"):
    """Return the names of what ``call`` keeps one part of the GPU busy with, once it is compiled."""
    call()
    gpu.synchronize()
    gpu.timeline.spans.clear()
    call()
    return [span.name for span in gpu.timeline.spans if span.place == place]


def host_seconds(gpu, call):
    call()
    gpu.synchronize()
    start_s = gpu.perf_counter()
    call()
    return gpu.perf_counter() - start_s


@pytest.mark.parametrize(
    ("typed", "name", "kernels"),
    [
        ("x + 1", "add", 1),
        ("xp.sum(x)", "sum", 1),
        ("xp.var(x)", "var", 2),
        ("x.std()", "std", 3),
        ("xp.concatenate([x, x])", "concatenate", 1),
        ("xp.linalg.norm(x)", "norm", 2),
        ("xp.random.rand(4)", "rand", 2),
        ("x[x > 0]", "select", 3),
        ("x[i]", "take", 1),
        ("xp.empty(3)", None, 0),
        ("x.T", None, 0),
        ("xp.split(x, 2)", None, 0),
        ("xp.broadcast_to(x, (2, 4, 4))", None, 0),
        ("xp.ravel(x)", None, 0),
        ("xp.ravel(x.T)", "ravel", 1),
    ],
)
def test_a_call_launches_the_kernels_of_its_row(gpu, typed, name, kernels):
    names = {"xp": gpu.xp, "x": gpu.xp.ones((4, 4)), "i": gpu.xp.asarray([0, 2])}
    found = [span for span in spans(gpu, lambda: eval(typed, names)) if span != "greater"]
    assert found == [name] * kernels


def test_the_first_kernel_of_a_call_pays_for_python_and_the_others_for_their_launch(gpu):
    x = gpu.xp.ones(8)
    one_s, three_s = host_seconds(gpu, lambda: x + x), host_seconds(gpu, lambda: x.std())
    assert one_s == pytest.approx(gpu.call_overhead_s)
    assert three_s == pytest.approx(gpu.call_overhead_s + 2 * gpu.calibration.launch_overhead_s)


@pytest.mark.parametrize("typed", ["x[x > 0]", "xp.nonzero(x)", "xp.unique(x)", "bool(x[0, 0] > 0)", "x.get()"])
def test_the_host_waits_where_it_must_know_a_number_of_the_device(gpu, typed):
    names = {"xp": gpu.xp, "x": gpu.xp.ones((512, 512))}
    copies = spans(gpu, lambda: eval(typed, names), "copy out")
    assert copies
    assert all(span.end_s <= gpu.perf_counter() for span in gpu.timeline.spans)


def test_an_index_on_the_host_crosses_the_bus(gpu):
    x = gpu.xp.ones((4, 4))
    assert spans(gpu, lambda: x[[0, 2]], "copy in") == ["copy in"]
    assert spans(gpu, lambda: x[gpu.xp.zeros(2, "int32")], "copy in") == []


def test_a_result_is_no_slower_than_its_memory_allows_and_no_faster(gpu):
    x = gpu.xp.ones((4096, 4096), "float32")
    for typed, moved_bytes in (
        ("xp.tile(x, (2, 1))", 3 * x.nbytes),
        ("xp.sum(x, axis=0)", x.nbytes),
        ("xp.exp(x)", 2 * x.nbytes),
        ("xp.roll(x, 1)", 2 * x.nbytes),
    ):
        names = {"xp": gpu.xp, "x": x}
        spans(gpu, lambda names=names, typed=typed: eval(typed, names))
        took_s = sum(span.end_s - span.start_s for span in gpu.timeline.spans if span.place == "kernels")
        assert took_s == pytest.approx(moved_bytes / gpu.calibration.memory_bandwidth_bytes_per_s, rel=0.01)


def test_a_numpy_array_is_worked_on_by_the_host_and_the_host_pays(gpu):
    x = np.ones(10**6)
    assert gpu.xp.sum(x) == 10**6
    [span] = gpu.timeline.spans
    assert (span.name, span.place) == ("sum on the host", "host")
    assert span.end_s > x.nbytes / typical.STREAM_BYTES_PER_S


# Kernels of one's own


def test_a_fused_function_is_one_kernel_and_one_call(gpu):
    def polynomial(x):
        return x * x * 3 + x * 2 + 1

    x = gpu.xp.ones(10**6, "float32")
    fused = gpu.xp.fuse(polynomial)
    assert spans(gpu, lambda: fused(x)) == ["polynomial"]
    assert len(spans(gpu, lambda: polynomial(x))) == 5
    assert host_seconds(gpu, lambda: fused(x)) == pytest.approx(gpu.call_overhead_s)
    np.testing.assert_array_equal(fused(x).get(), polynomial(x).get())


def test_a_fused_function_of_numpy_arrays_is_numpys(gpu):
    fused = gpu.xp.fuse(lambda x: x * 2)
    assert fused(np.ones(2)).tolist() == [2.0, 2.0]
    assert fused(3) == 6
    assert not gpu.timeline.spans


def test_a_fused_function_may_write_in_place(gpu):
    @gpu.xp.fuse(kernel_name="moved")
    def move(x):
        x += 1
        x *= 2

    x = gpu.xp.ones(3)
    move(x)
    assert x.tolist() == [4.0] * 3
    assert spans(gpu, lambda: move(x)) == ["moved"]


@pytest.mark.parametrize(
    ("typed", "least_flops"),
    [
        ("xp.einsum('bij,bjk->bik', t, t)", 2 * 64 * 32**3),
        ("xp.einsum('ij,jk->ik', t[0], t[1])", 2 * 32**3),
        ("xp.matmul(t, t)", 2 * 64 * 32**3),
        ("xp.tensordot(t[0], t[1], axes=1)", 2 * 32**3),
        ("xp.vecdot(t, t)", 2 * 64 * 32**2),
        ("xp.inner(t[0], t[1])", 2 * 32**3),
    ],
)
def test_a_product_counts_the_arithmetic_of_its_sums(gpu, monkeypatch, typed, least_flops):
    launched = []
    monkeypatch.setattr(gpu, "launch", lambda kernel, **_: launched.append(kernel))
    eval(typed, {"xp": gpu.xp, "t": gpu.xp.empty((64, 32, 32), "float32")})
    assert sum(kernel.flops for kernel in launched) == least_flops
    assert sum(kernel.bytes_read for kernel in launched) >= 2 * 32 * 32 * 4


def test_a_product_of_matrices_is_not_fused(gpu):
    x = gpu.xp.ones((4, 4))
    with pytest.raises(NotImplementedError, match=r"^matmul cannot be fused: it is a kernel of a library$"):
        gpu.xp.fuse(lambda a: a @ a + 1)(x)
    assert spans(gpu, lambda: x + 1) == ["add"]


def test_a_kernel_of_ones_own_is_compiled_once_and_takes_one_pass(gpu):
    kernel = gpu.xp.ElementwiseKernel("T x, T y", "T z", "z = x * y + 1", "scaled")
    x = gpu.xp.ones(100)
    kernel(x, x)
    assert [span.name for span in gpu.timeline.spans if span.name.startswith("compile")][-1] == "compile scaled"
    assert spans(gpu, lambda: kernel(x, x)) == ["scaled"]
    assert "compile scaled" not in spans(gpu, lambda: kernel(x, x), "host")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("z = x + y * 2", [21.0, 42.0]),
        ("z = (x + y) * 2", [22.0, 44.0]),
        ("z = -x + 1.5f", [0.5, -0.5]),
        ("z = x > 1 ? x : -y", [-10.0, 2.0]),
        ("float d = y - x; z = d * d;", [81.0, 324.0]),
        ("z = x; z += y; z /= 11", [1.0, 2.0]),
        ("z = pow(x, 2.0) + fmaxf(x, 1.5f)", [2.5, 6.0]),
        ("z = sqrt(x * x) + abs(-y)", [11.0, 22.0]),
        ("z = x < 2 && y >= 10", [1.0, 0.0]),
        ("z = !(x == 1)", [0.0, 1.0]),
        ("z = 7 / 2 + x", [4.0, 5.0]),
        ("z = 1e1 % 4 * x", [2.0, 4.0]),
    ],
)
def test_the_c_of_a_kernel_is_read_as_c(gpu, body, expected):
    kernel = gpu.xp.ElementwiseKernel("float64 x, float64 y", "float64 z", body)
    assert kernel(gpu.xp.asarray([1.0, 2.0]), gpu.xp.asarray([10.0, 20.0])).tolist() == expected


@pytest.mark.parametrize(
    "body",
    [
        "for (int k = 0; k < 3; k++) z = x",
        "z = x[0]",
        "z = foo(x)",
        "z = unknown",
        "if (x > 0) z = x",
        "z = __import__('os')",
        "z = (x",
        "z = x +",
        "z == x",
        "return x",
        "z = x; asm",
    ],
)
def test_what_is_no_arithmetic_is_refused_in_one_sentence(gpu, body):
    with pytest.raises(
        NotImplementedError, match=r"^the simulated GPU reads assignments of arithmetic in a kernel, not "
    ):
        gpu.xp.ElementwiseKernel("T x", "T z", body)


def test_a_kernel_may_read_what_it_writes(gpu):
    add = gpu.xp.ElementwiseKernel("T x", "T y", "y += x", "accumulate")
    y = gpu.xp.ones(2)
    add(gpu.xp.asarray([1.0, 2.0]), y)
    assert y.tolist() == [2.0, 3.0]
    with pytest.raises(ValueError, match=r"^kernel 'empty' never gives z a value$"):
        gpu.xp.ElementwiseKernel("T x", "T y, T z", "y = x", "empty")


def test_arguments_of_a_kernel_are_checked(gpu):
    kernel = gpu.xp.ElementwiseKernel("float32 x", "float32 z", "z = x", "same")
    with pytest.raises(TypeError, match=r"^Type is mismatched. float32 is float32, the argument is float64$"):
        kernel(gpu.xp.ones(3))
    with pytest.raises(TypeError, match=r"^Wrong number of arguments for 'same': it takes 1, got 0$"):
        kernel()
    with pytest.raises(NotImplementedError, match=r"has no 'raw T x' among a kernel's parameters"):
        gpu.xp.ElementwiseKernel("raw T x", "T z", "z = x[i]")
    with pytest.raises(TypeError, match=r"Unsupported type <class 'numpy.ndarray'>"):
        kernel(np.ones(3, "float32"))


@pytest.mark.parametrize(
    ("reduce", "identity", "reference"),
    [("a + b", 0, np.sum), ("a * b", 1, np.prod), ("max(a, b)", None, np.max), ("a > b ? b : a", None, np.min)],
)
@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
def test_a_reduction_of_ones_own_agrees_with_numpys(gpu, reduce, identity, reference, axis):
    numbers = np.random.default_rng(0).uniform(0.5, 1.5, (3, 5))
    kernel = gpu.xp.ReductionKernel("T x", "T y", "x", reduce, "y = a", identity, "mine")
    found = kernel(gpu.xp.asarray(numbers), axis=axis)
    np.testing.assert_allclose(found.get(), reference(numbers, axis=axis))
    assert kernel(gpu.xp.asarray(numbers), axis=1, keepdims=True).shape == (3, 1)


def test_a_raw_kernel_needs_a_cuda_device(gpu):
    for made in (gpu.xp.RawKernel, gpu.xp.RawModule):
        with pytest.raises(
            NotImplementedError, match=r"RawKernel is CUDA C.. and needs a CUDA device; the simulated NVIDIA T4"
        ):
            made('extern "C" __global__ void f() {}', "f")


# The device's own words


def test_events_tell_the_devices_time_and_only_when_they_have_been_reached(gpu):
    start, end, never = gpu.xp.cuda.Event(), gpu.xp.cuda.Event(), gpu.xp.cuda.Event()
    x = gpu.xp.ones((2048, 2048), "float32")
    gpu.synchronize()
    start.record()
    x @ x
    end.record()
    assert not end.done
    with pytest.raises(RuntimeError, match="cudaErrorNotReady"):
        gpu.xp.cuda.get_elapsed_time(start, end)
    end.synchronize()
    kernel_s = [span for span in gpu.timeline.spans if span.name == "matmul"][-1]
    took_ms = gpu.xp.cuda.get_elapsed_time(start, end)
    assert took_ms == pytest.approx((kernel_s.end_s - kernel_s.start_s + gpu.call_overhead_s) * 1e3)
    with pytest.raises(RuntimeError, match="cudaErrorInvalidResourceHandle"):
        gpu.xp.cuda.get_elapsed_time(start, never)


def test_a_benchmark_tells_the_hosts_and_the_devices_time_apart(gpu):
    x = gpu.xp.ones((2048, 2048), "float32")
    found = gpu.cupyx.profiler.benchmark(lambda: x @ x, n_repeat=3, name="product")
    assert found.cpu_times == pytest.approx([gpu.call_overhead_s] * 3)
    assert (found.gpu_times > 10 * found.cpu_times).all()
    assert str(found).startswith(f"product             :    CPU:    {gpu.call_overhead_s * 1e6:.3f} us")
    few = gpu.cupyx.profiler.benchmark(lambda: x @ x, max_duration=float(found.gpu_times.sum()))
    assert 1 <= few.cpu_times.size <= 4
    with pytest.raises(ValueError, match=r"^`args` should be of tuple type.$"):
        gpu.cupyx.profiler.benchmark(lambda: None, [1])


def test_a_stream_in_use_receives_the_work(gpu):
    stream = gpu.xp.cuda.Stream()
    assert isinstance(stream, gpu.xp.cuda.Stream)
    stream.use()
    gpu.xp.ones((512, 512)) @ gpu.xp.ones((512, 512))
    assert not stream.done
    assert gpu.xp.cuda.get_current_stream() is stream
    gpu.xp.cuda.Stream.null.use()
    stream.synchronize()
    assert stream.done


def test_a_limit_of_the_pool_is_named_when_it_is_met(gpu):
    pool = gpu.xp.get_default_memory_pool()
    pool.set_limit(fraction=0.5)
    assert pool.get_limit() == 8 * 10**9
    pool.set_limit(size=4096)
    sentence = r"^Out of memory allocating 8,192 bytes \(allocated so far: 0 bytes, limit set to: 4,096 bytes\).$"
    with pytest.raises(MemoryError, match=sentence):
        gpu.xp.empty(1024)
    pool.set_limit(size=0)
    assert gpu.xp.empty(1024).size == 1024
    for wrong in ({}, {"size": 1, "fraction": 0.5}, {"fraction": 2}, {"size": -1}):
        with pytest.raises(ValueError, match=r"limit|size"):
            pool.set_limit(**wrong)


def test_the_pool_hands_out_what_it_kept_before_it_takes_more(gpu):
    pool = gpu.xp.get_default_memory_pool()
    kept = gpu.xp.empty(10_000)
    del kept
    total = pool.total_bytes()
    parts = [gpu.xp.empty(1000) for _ in range(8)]
    assert pool.total_bytes() == total
    assert pool.used_bytes() == 8 * 8192
    assert gpu.xp.cuda.Device().mem_info[0] == 16 * 10**9 - total
    del parts
    # All of the card is used, kept blocks or not, before an array is refused.
    whole = gpu.memory.allocate(gpu.memory.capacity_bytes // 2)
    assert pool.n_free_blocks() > 0
    rest = gpu.memory.allocate(gpu.memory.capacity_bytes // 2 - 512)
    assert pool.free_bytes() == 0
    whole.free()
    rest.free()


def test_another_device_than_the_first_is_refused(gpu):
    for typed in ("cuda.Device(1)", "cuda.runtime.setDevice(1)", "cuda.runtime.getDeviceProperties(3)"):
        with pytest.raises(RuntimeError, match="cudaErrorInvalidDevice"):
            eval(typed, {"cuda": gpu.xp.cuda})
    assert gpu.xp.ones(1).device is gpu.xp.cuda.Device(0)


def test_properties_are_those_of_the_catalogue(gpu):
    properties = gpu.xp.cuda.runtime.getDeviceProperties(0)
    assert properties["name"] == b"NVIDIA T4"
    assert (properties["major"], properties["minor"]) == (7, 5)
    assert properties["multiProcessorCount"] == gpu.machine.sm_count


# The tables


def test_every_row_can_be_read(gpu):
    for name, row in ROWS.items():
        assert row.signature.parameters or name in ("mgrid",)
        words = gpu.xp
        for part in name.split("."):
            words = getattr(words, part)


def test_a_number_of_another_kind_is_not_copied_into_an_array(gpu):
    x = gpu.xp.zeros(3, "int32")
    for source in (2.5, gpu.xp.ones(3)):
        with pytest.raises(TypeError, match="Cannot cast"):
            gpu.xp.copyto(x, source)
        gpu.xp.copyto(x, source, casting="unsafe")
    gpu.xp.copyto(x, np.asarray([4, 5, 6], "int32"))
    assert x.tolist() == [4, 5, 6]


@pytest.mark.parametrize("out", ["xp.empty((2, 2), 'float32')", "xp.empty((2, 2)).T", "xp.empty((2, 3))"])
def test_a_product_is_written_only_into_an_array_of_its_form(gpu, out):
    x = gpu.xp.ones((2, 2))
    with pytest.raises(ValueError, match=r"output array is not acceptable|Output shape mismatch"):
        gpu.xp.dot(x, x, out=eval(out, {"xp": gpu.xp}))


@pytest.mark.parametrize("name", sorted(ROWS))
def test_no_argument_is_handed_to_numpy_in_anothers_place(name):
    function = SUBSTITUTES.get(name) or operator.attrgetter(name)(np)
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # written in C, without a signature
        return
    theirs = [each.name for each in itertools.takewhile(lambda each: each.kind != each.VAR_POSITIONAL, parameters)]
    # `out` is never handed on: what comes after it is handed on by name.
    ours = list(itertools.takewhile(lambda each: each != "out", _positional(ROWS[name])))
    moved = {each for place, each in enumerate(ours) if each in theirs and theirs.index(each) != place}
    assert not moved


def _positional(row):
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [each.name for each in row.signature.parameters.values() if each.kind in kinds]


def test_an_empty_slice_is_written_without_complaint(gpu):
    x = gpu.xp.arange(4)
    x[2:2] = 7
    x[gpu.xp.zeros(4, bool)] = 7
    assert x.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "index", ["2.5", "'a'", "np.ones(2)", "xp.ones(2)", "(0, 0, 0)", "xp.ones((3, 3), bool)", "[0.5]"]
)
def test_what_is_no_index_is_an_index_error(gpu, index):
    with pytest.raises(IndexError):
        gpu.xp.ones((2, 2))[eval(index, {"np": np, "xp": gpu.xp})]


def test_a_place_for_one_of_two_results_may_be_given(gpu):
    rest = gpu.xp.zeros(2)
    whole, same = gpu.xp.divmod(gpu.xp.asarray([7.0, 8.0]), 3, out=(None, rest))
    assert same is rest
    assert (whole.tolist(), rest.tolist()) == ([2.0, 2.0], [1.0, 2.0])
