"""The GPU of a laptop through WebGPU: what differs from CuPy, its clock, and what can go wrong on it."""

import gc
import operator
import re
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

import gpu_lessons as gl
from gpu_lessons.devices import CudaGpu, SimulatedGpu, WebGpu
from gpu_lessons.devices.unknown import UnknownOperationError
from gpu_lessons.devices.webgpu import engine as engine_module
from gpu_lessons.devices.webgpu import products
from gpu_lessons.devices.webgpu.engine import Engine
from gpu_lessons.devices.webgpu.errors import DeviceLostError, KernelTooLongError, WgslError, wgsl_error
from gpu_lessons.devices.webgpu.memory import BufferPool
from gpu_lessons.devices.webgpu.shaders import collapsed
from gpu_lessons.hardware import adapters as adapters_module
from gpu_lessons.hardware import detect
from gpu_lessons.hardware.adapters import Adapter, adapters, webgpu_adapter
from gpu_lessons.measuring import recorder
from gpu_lessons.measuring.peaks import measure_peak_bytes
from gpu_lessons.measuring.sweeps import Point, all_points
from gpu_lessons.measuring.webgpu import DEVICE_CLOCK, HOST_CLOCK
from gpu_lessons.model import calibrate

launch = products._launch

DOUBLE = """
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x < arrayLength(&x)) { y[id.x] = 2.0 * x[id.x]; }
}
"""


# Which GPU is taken


def pretended(kind, name="A card", backend="Vulkan"):
    return Adapter(name, kind, backend, "", None)


@pytest.fixture
def here(monkeypatch):
    """Let this machine have other adapters and no CUDA device, and leave the choice to the course."""
    devices = sys.modules["gpu_lessons.devices"]
    monkeypatch.delenv("GPU_LESSONS_GPU", raising=False)
    monkeypatch.setattr(devices, "cuda_status", lambda: (False, "no CUDA device here"))
    monkeypatch.setattr(devices, "WebGpu", lambda adapter, memory_bytes=None: ("webgpu", adapter.name))

    def having(*found):
        monkeypatch.setattr(adapters_module, "adapters", lambda: found)
        hardware = any(not each.is_software for each in found)
        monkeypatch.setattr(devices, "webgpu_status", lambda: (hardware, ""))

    return having


def test_a_gpu_of_this_machine_is_taken_before_a_simulated_one(here):
    here(pretended("integrated GPU", "Iris"), pretended("software", "llvmpipe"))
    assert gl.gpu() == ("webgpu", "Iris")


def test_software_is_never_taken_by_itself(here):
    here(pretended("software", "llvmpipe"))
    assert isinstance(gl.gpu(), SimulatedGpu)


def test_software_is_taken_where_webgpu_is_asked_for(here, monkeypatch):
    monkeypatch.setenv("GPU_LESSONS_GPU", "webgpu")
    here(pretended("software", "llvmpipe"))
    assert gl.gpu() == ("webgpu", "llvmpipe")


def test_a_cuda_device_comes_first(here, monkeypatch):
    devices = sys.modules["gpu_lessons.devices"]
    monkeypatch.setattr(devices, "cuda_status", lambda: (True, "CUDA device here"))
    monkeypatch.setattr(devices, "CudaGpu", lambda memory_bytes: "cuda")
    here(pretended("discrete GPU"))
    assert gl.gpu() == "cuda"
    monkeypatch.setenv("GPU_LESSONS_GPU", "webgpu")
    assert gl.gpu() == ("webgpu", "A card")


@pytest.mark.parametrize("value", ["CUDA", "vulkan", "0", " "])
def test_another_value_of_the_variable_is_one_sentence(monkeypatch, value):
    monkeypatch.setenv("GPU_LESSONS_GPU", value)
    sentence = f"^the environment variable GPU_LESSONS_GPU must be one of cuda, webgpu, simulated, got '{value}'$"
    with pytest.raises(ValueError, match=sentence):
        gl.gpu()


def test_cuda_is_not_replaced_by_another_gpu_where_it_is_asked_for(here, monkeypatch):
    monkeypatch.setenv("GPU_LESSONS_GPU", "cuda")
    here(pretended("discrete GPU"))
    monkeypatch.setattr("gpu_lessons.devices.cuda.cupy_namespace", lambda: _no_cuda())
    with pytest.raises(RuntimeError, match=r"^no CUDA device here: CuPy is not installed$"):
        gl.gpu()


def _no_cuda():
    raise RuntimeError("no CUDA device here: CuPy is not installed")


def test_webgpu_without_an_adapter_is_one_sentence(here, monkeypatch):
    monkeypatch.setenv("GPU_LESSONS_GPU", "webgpu")
    here()
    with pytest.raises(RuntimeError, match=r"^no WebGPU here: no driver for Vulkan, Metal or Direct3D 12 answers; "):
        gl.gpu()


def test_without_the_extra_nothing_changes_and_the_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(adapters_module, "find_spec", lambda name: None)
    for cached in (adapters_module.adapters, adapters_module.webgpu_status):
        cached.cache_clear()
    try:
        usable, sentence = adapters_module.webgpu_status()
        assert not usable
        assert sentence.endswith("wgpu is not installed; install it with: pip install 'gpu-lessons[webgpu]'")
        monkeypatch.setattr(sys.modules["gpu_lessons.devices"], "cuda_status", lambda: (False, ""))
        monkeypatch.delenv("GPU_LESSONS_GPU", raising=False)
        assert isinstance(gl.gpu(), SimulatedGpu)
    finally:
        for cached in (adapters_module.adapters, adapters_module.webgpu_status):
            cached.cache_clear()


def test_an_old_driver_that_gives_no_device_is_one_sentence():
    class Refusing:
        features = ()

        def request_device_sync(self, **_):
            raise RuntimeError("Request device failed:\nlimits are not supported")

    pytest.importorskip("wgpu")
    with pytest.raises(RuntimeError, match=r"^Old card \(GPU, Vulkan\) gives no device \(.*\); renew its driver$"):
        Engine(Adapter("Old card", "GPU", "Vulkan", "", Refusing()))


def test_software_is_named_as_software(webgpu):
    assert webgpu.adapter.name in str(webgpu)
    assert webgpu.adapter.kind in str(webgpu)
    assert webgpu.adapter.is_software == ("software" in str(webgpu))
    assert webgpu.machine.shares_memory_with_cpu == webgpu.adapter.shares_memory_with_cpu


def test_looking_for_adapters_leaves_nothing_on_standard_error(webgpu, capfd):
    for cached in (adapters, adapters_module.webgpu_status):
        cached.cache_clear()
    Engine(webgpu_adapter(software=True)).synchronize()
    adapters_module.webgpu_status()
    assert capfd.readouterr().err == ""


# Numbers


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8", "uint8", "int16", "uint16", "int32", "uint32"])
@pytest.mark.parametrize("operate", [operator.add, operator.mul, operator.sub, operator.gt], ids=lambda f: f.__name__)
def test_every_format_computes_as_numpy_does(webgpu, dtype, operate):
    rng = np.random.default_rng(5)
    a, b = (rng.integers(0, 11, (3, 37)).astype(dtype) for _ in range(2))
    with np.errstate(over="ignore"):
        expected = operate(a, b)
    found = operate(webgpu.xp.asarray(a), webgpu.xp.asarray(b)).get()
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32"])
def test_whole_numbers_are_divided_downwards(webgpu, dtype):
    a, b = np.asarray([7, -7, 7, -7, 6], dtype), np.asarray([2, 2, -2, -2, 3], dtype)
    x, y = webgpu.xp.asarray(a), webgpu.xp.asarray(b)
    np.testing.assert_array_equal((x // y).get(), a // b)
    np.testing.assert_array_equal((x % y).get(), a % b)
    assert (x / y).dtype == np.float32


@pytest.mark.parametrize("begin", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("dtype", ["uint8", "float16", "bool", "int16", "float32"])
def test_packed_numbers_are_written_into_views_without_touching_their_neighbours(webgpu, begin, dtype):
    numbers = np.arange(23).astype(dtype)
    x, expected = webgpu.xp.asarray(numbers), numbers.copy()
    x[begin : begin + 9 : 2] = 1
    expected[begin : begin + 9 : 2] = 1
    np.testing.assert_array_equal(x.get(), expected)
    fresh = np.arange(100, 106).astype(dtype)
    x[begin : begin + 6].set(fresh)
    expected[begin : begin + 6] = fresh
    np.testing.assert_array_equal(x.get(), expected)
    np.testing.assert_array_equal(x[begin:].get(), expected[begin:])


def test_what_is_read_is_not_overwritten_meanwhile(webgpu):
    for step in (1, -1):
        numbers = np.arange(5000, dtype="float32")
        x = webgpu.xp.asarray(numbers)
        if step == 1:
            x[1:] += x[:-1]
            expected = np.concatenate([numbers[:1], numbers[1:] + numbers[:-1]])
        else:
            x += x[::-1]
            expected = numbers + numbers[::-1]
        np.testing.assert_array_equal(x.get(), expected)


@pytest.mark.parametrize("shape", [(3, 100_000), (70_000,), (5, 4, 3), (5000, 7), (1, 1), (2, 40_000, 2)])
@pytest.mark.parametrize("name", ["sum", "max", "argmin", "mean"])
def test_long_and_many_reductions_agree_with_numpy(webgpu, shape, name):
    numbers = np.random.default_rng(6).standard_normal(shape).astype("float32")
    x = webgpu.xp.asarray(numbers)
    for axis in (None, *range(len(shape))):
        expected = getattr(np, name)(numbers.astype("float64"), axis=axis)
        found = getattr(webgpu.xp, name)(x, axis=axis).get()
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)


def test_a_maximum_is_nan_where_a_number_is_and_the_first_of_equal_ones_has_the_place(webgpu):
    x = webgpu.xp.asarray(np.asarray([[1.0, np.nan, 3.0], [4.0, 4.0, -np.inf]], "float32"))
    assert np.isnan(x.max(axis=1).get()).tolist() == [True, False]
    assert x.argmax(axis=1).tolist() == [1, 0]
    assert np.isnan(webgpu.xp.maximum(x, 0.0).get()).tolist() == [[False, True, False], [False] * 3]


@pytest.mark.parametrize("sizes", [(1, 1, 1), (33, 17, 65), (64, 100, 32), (130, 1, 70), (1, 513, 3)])
@pytest.mark.parametrize("turned", ["neither", "left", "right"])
def test_products_of_any_size_and_of_transposes_agree_with_numpy(webgpu, sizes, turned):
    m, k, n = sizes
    rng = np.random.default_rng(7)
    a, b = (rng.standard_normal(shape).astype("float32") for shape in ((m, k), (k, n)))
    x = webgpu.xp.asarray(a.T.copy()).T if turned == "left" else webgpu.xp.asarray(a)
    y = webgpu.xp.asarray(b.T.copy()).T if turned == "right" else webgpu.xp.asarray(b)
    np.testing.assert_allclose((x @ y).get(), a.astype("float64") @ b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("left", "right"), [((4, 5, 6), (4, 6, 3)), ((2, 3, 4, 5), (5, 6)), ((2, 1, 4, 5), (3, 5, 2))])
def test_stacks_of_products_agree_with_numpy(webgpu, left, right):
    rng = np.random.default_rng(8)
    a, b = (rng.integers(-4, 5, shape).astype("float32") for shape in (left, right))
    found = webgpu.xp.asarray(a) @ webgpu.xp.asarray(b)
    np.testing.assert_array_equal(found.get(), a @ b)
    half = webgpu.xp.asarray(a).astype("float16") @ webgpu.xp.asarray(b).astype("float16")
    assert half.dtype == np.float16
    np.testing.assert_array_equal(half.get(), a @ b)


@pytest.mark.parametrize("sizes", [(1, 70, 5, 3), (1, 3, 5, 90), (7, 4, 3, 2)])
def test_a_product_with_more_tiles_than_a_grid_may_have_is_done_in_parts(webgpu, monkeypatch, sizes):
    count, m, k, n = sizes
    monkeypatch.setitem(webgpu.engine.limits, "max-compute-workgroups-per-dimension", 2)
    launched = []
    monkeypatch.setattr(products, "_launch", lambda *given: launched.append(given) or launch(*given))
    rng = np.random.default_rng(9)
    a, b = (rng.integers(-4, 5, shape).astype("float32") for shape in ((count, m, k), (count, k, n)))
    np.testing.assert_array_equal((webgpu.xp.asarray(a) @ webgpu.xp.asarray(b)).get(), a @ b)
    assert len(launched) >= 3


def test_one_entry_a_row_is_picked_by_two_arrays_of_indices(webgpu):
    numbers = np.arange(12, dtype="float32").reshape(3, 4)
    x, rows, columns = map(webgpu.xp.asarray, (numbers, np.arange(3), np.asarray([3, -4, 1])))
    np.testing.assert_array_equal(x[rows, columns].get(), numbers[[0, 1, 2], [3, 0, 1]])
    np.testing.assert_array_equal(x[:, columns].get(), numbers[:, [3, 0, 1]])


def test_axes_that_follow_each_other_are_one():
    assert collapsed((2, 3, 4), [(12, 4, 1), (12, 4, 1)]) == ([24], [[1], [1]])
    assert collapsed((2, 3, 4), [(12, 4, 1), (0, 4, 1)]) == ([2, 12], [[12, 1], [0, 1]])
    assert collapsed((1, 5, 1), [(9, 7, 3)]) == ([5], [[7]])


@pytest.mark.parametrize("numbers", [np.ones(2), np.ones(2, "complex64"), np.asarray(1.5)], ids=["64", "complex", "0d"])
def test_what_a_shader_cannot_hold_is_refused_and_named(webgpu, numbers):
    with pytest.raises(TypeError, match=f"^WebGPU computes in float32 and has no {numbers.dtype.name}; convert"):
        webgpu.xp.asarray(numbers)
    with pytest.raises(TypeError, match="has no float64"):
        webgpu.xp.zeros(3, dtype="float64")


def test_integers_of_64_bits_become_32_bits_long_or_are_refused(webgpu):
    assert webgpu.xp.asarray(np.asarray([1, -(2**31)])).dtype == np.int32
    with pytest.raises(ValueError, match=f"WebGPU has integers of 32 bits; {2**31} needs more"):
        webgpu.xp.asarray(np.asarray([0, 2**31]))
    with pytest.raises(OverflowError, match="an integer of 32 bits lies from"):
        webgpu.xp.ones(2, dtype="int32") + 2**40


@pytest.mark.parametrize(
    "use",
    [
        lambda xp, x: xp.linalg,
        lambda xp, x: xp.einsum,
        lambda xp, x: xp.float64,
        lambda xp, x: x[x > 0],
        lambda xp, x: xp.where(x > 0),
        lambda xp, x: x.__setitem__(xp.asarray([0]), 1.0),
        lambda xp, x: x.cumsum(),
    ],
    ids=range(7),
)
def test_what_it_lacks_is_named(webgpu, use):
    with pytest.raises(UnknownOperationError, match=r"^WebGPU in this course does not know "):
        use(webgpu.xp, webgpu.xp.ones(3))


def test_pinned_memory_is_ordinary_memory_with_a_warning(webgpu):
    with pytest.warns(UserWarning, match=r"^WebGPU has no pinned memory: this is ordinary memory"):
        host = webgpu.empty_pinned((3, 2))
    assert (host.shape, host.dtype) == ((3, 2), np.float32)
    with pytest.warns(UserWarning, match="no pinned memory"):
        webgpu.xp.empty_pinned(3)


def test_its_peaks_are_measured_and_say_so(webgpu):
    machine = webgpu.machine
    for field in ("peak_flops_per_s.float32", "memory_bandwidth_bytes_per_s"):
        assert "measured through WebGPU" in machine.sources[field]
    # Between software on a busy machine and more than any GPU has: its units are right.
    assert 1e7 < machine.peak_flops_per_s["float32"] < 1e15
    assert 1e7 < machine.memory_bandwidth_bytes_per_s < 1e14


def test_a_lesson_says_what_webgpu_lacks_and_whether_it_is_software(webgpu, capsys):
    gl.say_devices(webgpu)
    first, second = capsys.readouterr().out.splitlines()
    assert f"GPU: {webgpu}; " in first
    assert "no pinned memory" in second
    assert ("It is software" in second) == webgpu.adapter.is_software
    assert ("shares the memory of the CPU" in second) == (webgpu.adapter.kind == "integrated GPU")
    assert ("does not tell how much memory" in second) == (not webgpu.adapter.shares_memory_with_cpu)


def test_a_gpu_says_how_measure_calls_it(webgpu):
    assert (webgpu.kind, SimulatedGpu.kind, CudaGpu.kind) == ("webgpu", "simulated", "cuda")


# Time


def test_a_submit_returns_long_before_its_product_is_done(webgpu):
    width = 512 if webgpu.adapter.is_software else 4096
    x = webgpu.xp.ones((width, width))
    shares = []
    for _ in range(5):
        webgpu.synchronize()
        start_s = time.perf_counter()
        y = x @ x
        returned_s = time.perf_counter() - start_s
        webgpu.synchronize()
        shares.append(returned_s / (time.perf_counter() - start_s))
    assert float(y[0, 0]) == width
    assert min(shares) < 0.1


def test_the_first_call_compiles_and_later_ones_do_not():
    engine = Engine(webgpu_or_skip().adapter)
    fresh = DOUBLE.replace("2.0", f"{1 + time.time_ns() % 10**9 / 1e9:.9f}")  # no cache of a driver knows it
    times_s = []
    for _ in range(4):
        start_s = time.perf_counter()
        engine.run_own(fresh, "main", [engine.new_buffer(1024), engine.new_buffer(1024)], (4, 1, 1))
        engine.synchronize()
        times_s.append(time.perf_counter() - start_s)
    assert engine.compiled == 1
    assert times_s[0] > 2 * min(times_s[1:])


def webgpu_or_skip():
    try:
        return WebGpu(webgpu_adapter(software=True))
    except RuntimeError as reason:
        pytest.skip(str(reason))


def test_the_clock_of_the_device_agrees_with_a_fenced_clock_of_the_host(webgpu):
    if not webgpu.engine.has_clock:
        pytest.skip(f"{webgpu.adapter.name} has no timestamp queries")
    width = 384 if webgpu.adapter.is_software else 8192
    x = webgpu.xp.ones((width, width))
    x @ x
    off = []
    for _ in range(5):
        webgpu.synchronize()
        start_s = time.perf_counter()
        with webgpu.engine.timed() as span:
            x @ x
        fenced_s = time.perf_counter() - start_s
        assert fenced_s > 0.02
        off.append(abs(span.seconds / fenced_s - 1))
    assert min(off) < 0.1


# Memory


def test_what_dead_arrays_leave_is_used_again_and_can_be_given_back(webgpu):
    gc.collect()
    pool = webgpu.xp.get_default_memory_pool()
    pool.free_all_blocks()
    used = webgpu.memory.used_bytes
    webgpu.xp.empty(10_000)
    assert (webgpu.memory.used_bytes, pool.free_bytes()) == (used, 40_448)
    x = webgpu.xp.empty(10_000)
    assert (pool.used_bytes() - used, pool.free_bytes()) == (40_448, 0)
    del x
    pool.free_all_blocks()
    assert (pool.free_bytes(), pool.n_free_blocks()) == (0, 0)
    assert webgpu.xp.ones(10_000).sum().item() == 10_000.0


def test_an_array_larger_than_a_buffer_may_be_is_out_of_memory_and_says_the_limit(webgpu, monkeypatch):
    limits = {**webgpu.engine.limits, "max-storage-buffer-binding-size": 1_000_000}
    monkeypatch.setattr(webgpu.engine, "limits", limits)
    with pytest.raises(webgpu.out_of_memory_error, match=r"Out of memory .* one array may have 1,000,000 bytes"):
        webgpu.xp.empty(10**6)
    assert webgpu.xp.ones(10).sum().item() == 10.0


def test_a_driver_without_room_is_out_of_memory_and_nothing_is_counted(webgpu, monkeypatch):
    def no_room(**_):
        raise webgpu.engine._wgpu.GPUOutOfMemoryError("Not enough memory left.")

    pool = BufferPool(webgpu.engine, 10**9)
    kept = pool.allocate(1000)
    kept.free()
    monkeypatch.setattr(webgpu.engine, "device", type("Device", (), {"create_buffer": staticmethod(no_room)}))
    with pytest.raises(
        webgpu.out_of_memory_error, match=r"^Out of memory allocating 1,000,448 bytes \(allocated so far: 0"
    ):
        pool.allocate(1_000_000)
    assert (pool.used_bytes, pool.held_bytes) == (0, 0)


def test_memory_bytes_limits_what_arrays_may_use(webgpu):
    small = WebGpu(webgpu.adapter, memory_bytes=100_000)
    assert small.memory.capacity_bytes == 100_000
    with pytest.raises(MemoryError, match="Out of memory allocating 400,384 bytes"):
        small.xp.empty(100_000)
    with pytest.raises(TypeError, match="memory_bytes must be an integer"):
        WebGpu(webgpu.adapter, memory_bytes=1e9)


def test_arrays_of_two_gpus_on_one_device_mix_as_cupys_do(webgpu):
    other = WebGpu(webgpu.adapter)
    assert (webgpu.xp.ones(3) + other.xp.ones(3)).tolist() == [2.0] * 3


# Kernels of one's own


def test_a_kernel_of_ones_own_runs(webgpu):
    x, y = webgpu.xp.asarray(np.arange(100, dtype="float32")), webgpu.xp.zeros(128)
    kernel = webgpu.xp.WgslKernel(DOUBLE)
    kernel(2, x, y)
    np.testing.assert_array_equal(y.get()[:100], 2 * np.arange(100))


@pytest.mark.parametrize(
    ("line", "column", "wrong"),
    [
        (6, 43, ("y[id.x] = 2.0 * x[id.x]", "y[id.x] = two * x[id.x]")),
        (4, 2, ("@compute", "@komputer")),
        (6, None, ("2.0 * x[id.x];", "2u;")),
        (6, None, ("2.0 * x[id.x];", "2.0 * x[id.x]")),
    ],
    ids=["unknown name", "unknown attribute", "wrong type", "missing semicolon"],
)
def test_an_error_in_a_kernel_shows_its_line_and_a_caret(webgpu, line, column, wrong):
    code = DOUBLE.replace(*wrong)
    with pytest.raises(WgslError) as raised:
        webgpu.xp.WgslKernel(code)
    sentence, shown, caret = str(raised.value).splitlines()
    shown_line = int(sentence.split()[1])
    assert sentence.startswith(f"line {shown_line} of the kernel does not compile: ")
    assert shown == f"{shown_line}: {code.splitlines()[shown_line - 1]}"
    assert caret.strip() == "^"
    if column is not None:
        assert (shown_line, len(caret) - len(f"{line}: ")) == (line, column)


def test_an_error_without_a_place_is_told_without_one():
    assert str(wgsl_error("text", "entry point is missing.")) == "the kernel does not compile: entry point is missing"


@pytest.mark.parametrize(
    ("size", "sentence"),
    [
        ("100000", "at most .* threads along x in a workgroup, got 100000"),
        ("64, 64", "at most .* in a workgroup, got 4096"),
    ],
)
def test_a_workgroup_that_is_too_large_is_refused(webgpu, size, sentence):
    with pytest.raises(ValueError, match=sentence):
        webgpu.xp.WgslKernel(DOUBLE.replace("64", size))


def test_wrong_calls_of_a_kernel_are_one_sentence_each(webgpu):
    kernel, x = webgpu.xp.WgslKernel(DOUBLE), webgpu.xp.ones(10)
    for arguments, error, sentence in (
        ((1, x), TypeError, "the kernel has 2 bindings, got 1 arrays"),
        ((1, x, np.ones(3)), TypeError, "a kernel takes arrays on the device, got array"),
        ((1, x, x), ValueError, "binding 1 is written, so its memory cannot be given to another binding too"),
        ((1, x, webgpu.xp.ones((4, 4)).T), ValueError, "copy this view first"),
        ((10**6, x, x.copy()), ValueError, "at most 65535 workgroups along one axis, got 1000000"),
        ((0, x, x.copy()), ValueError, "a number of workgroups must be an integer of at least 1"),
    ):
        with pytest.raises(error, match=sentence):
            kernel(*arguments)


# A device that goes away


def test_a_lost_device_is_one_sentence_and_the_next_gpu_has_a_new_one(monkeypatch):
    gpu = webgpu_or_skip()
    monkeypatch.setattr(engine_module, "_ENGINES", {})
    gpu = WebGpu(gpu.adapter)
    x = gpu.xp.ones(10)
    gpu.engine.device.destroy()
    for use in (lambda: x + 1, lambda: x.get(), gpu.synchronize):
        with pytest.raises(DeviceLostError, match=r"^the WebGPU device .* is lost \(.*\); its arrays are gone, make a"):
            use()
    assert WebGpu(gpu.adapter).xp.ones(10).sum().item() == 10.0


def test_a_kernel_that_does_not_end_is_given_up_and_the_session_lives(monkeypatch):
    gpu = webgpu_or_skip()
    monkeypatch.setattr(engine_module, "_ENGINES", {})
    monkeypatch.setattr(engine_module, "WATCHDOG_S", 0.05)
    gpu = WebGpu(gpu.adapter)
    loop = "for (var i = 0; i < 20000000; i++) { y[id.x] = sin(y[id.x] + 1.0); }"
    slow = DOUBLE.replace("y[id.x] =", f"{loop} y[id.x] +=")
    # Mesa ends any loop after 65,535 turns, so it takes many numbers to be slow.
    gpu.xp.WgslKernel(slow)(64, gpu.xp.ones(4096), gpu.xp.ones(4096))
    with pytest.raises(KernelTooLongError, match="a loop without an end in it, or give it less work, then"):
        gpu.synchronize()
    with pytest.raises(DeviceLostError, match="a kernel does not end"):
        gpu.xp.ones(3)
    assert WebGpu(gpu.adapter).engine is not gpu.engine


# Measuring


@pytest.fixture
def chosen(webgpu, monkeypatch):
    """Let WebGPU be asked for, in software where there is no GPU."""
    monkeypatch.setenv("GPU_LESSONS_GPU", "webgpu")
    return webgpu


def test_a_product_is_timed_by_the_devices_clock_where_it_has_one(chosen):
    found = gl.measure(gl.DenseForward(64, 128, 128), device="webgpu", budget_s=0.05)
    expected = DEVICE_CLOCK if chosen.engine.has_clock else HOST_CLOCK
    assert (found.machine, found.threads, found.clock, found.source) == (
        chosen.machine.name,
        None,
        expected,
        "measured",
    )
    assert str(found).endswith(f"measured on {chosen.machine.name}, by {expected}") or "spread" in str(found)
    assert len(found.samples_s) >= 3
    assert min(found.samples_s) > 0


def test_where_a_device_has_no_clock_the_hosts_is_taken_and_said(chosen, monkeypatch):
    monkeypatch.setattr(chosen.engine, "has_clock", False)
    found = gl.measure(gl.Elementwise(1000), device="webgpu", budget_s=0.01)
    assert found.clock == HOST_CLOCK
    assert str(HOST_CLOCK) in str(found)


@pytest.mark.parametrize("direction", ["h2d", "d2h"])
def test_copies_are_timed_by_the_host_and_never_pinned(chosen, direction):
    found = gl.measure(gl.Copy(10**5, direction, pinned=False), device="webgpu", budget_s=0.02)
    assert found.clock == HOST_CLOCK
    with pytest.raises(ValueError, match=f"WebGPU has no pinned memory; measure {direction} with pinned=False"):
        gl.measure(gl.Copy(10**5, direction), device="webgpu")


@pytest.mark.parametrize(
    "workload",
    [
        gl.DenseTrainStep(8, 16, 16),
        gl.Conv2dForward(2, 3, 4, 8, 8, 3, padding=1),
        gl.Elementwise(100, multiply_adds=5),
        gl.DependentChain(3, 10),
        gl.RecurrentForward(3, 2, 8, 8),
        gl.TrainEpoch(32, 16, (8, 8, 4)),
        gl.Elementwise(100, "float16"),
    ],
    ids=lambda workload: type(workload).__name__,
)
def test_every_workload_gives_numpys_numbers_on_it(webgpu, workload):
    found, expected = workload.make(webgpu.xp)(), workload.make(np)()
    if not isinstance(found, float):
        found = found.get()
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=1e-4)


def test_what_cannot_be_measured_is_one_sentence(chosen, monkeypatch):
    with pytest.raises(TypeError, match="has no float64"):
        gl.measure(gl.Elementwise(10, "float64"), device="webgpu", budget_s=0.01)
    with pytest.raises(MemoryError, match=rf"GB are free on the {re.escape(chosen.machine.name)}"):
        gl.measure(gl.Elementwise(10**13), device="webgpu")
    with pytest.raises(ValueError, match=r"threads are those of the CPU; leave them out with device='webgpu', got 2"):
        gl.measure(gl.Elementwise(10), device="webgpu", threads=2)
    monkeypatch.setattr(adapters_module, "adapters", lambda: (pretended("software", "llvmpipe"),))
    monkeypatch.delenv("GPU_LESSONS_GPU")
    with pytest.raises(RuntimeError, match="no WebGPU here but in software: llvmpipe"):
        gl.measure(gl.Elementwise(10), device="webgpu")


def test_the_memory_of_a_call_is_counted(chosen):
    step = gl.DenseTrainStep(64, 256, 256)
    assert 0.8 * step.memory_bytes < measure_peak_bytes(step, "webgpu") < 1.2 * step.memory_bytes + 20_000


def test_this_machine_tells_of_a_gpu_that_answers_webgpu_and_not_of_software(here, monkeypatch):
    cpu = detect.this_cpu()
    monkeypatch.setattr(detect, "_hardware", lambda: (cpu, None, "no CUDA device here", None, None))
    card = Adapter("Iris Xe", "integrated GPU", "Vulkan", "", type("Handle", (), {"info": {"vendor": "Intel"}})())
    here(card, pretended("software"))
    found = gl.this_machine()
    assert (found.webgpu.name, found.webgpu.memory_bytes) == ("Iris Xe", cpu.memory_bytes)
    assert "WebGPU  Iris Xe; shares the memory of the CPU" in found.describe()
    here(pretended("software"))
    assert gl.this_machine().webgpu is None
    assert "WebGPU" not in gl.this_machine().describe()


def test_a_recording_of_such_a_gpu_is_written_and_read_again(chosen, tmp_path, monkeypatch):
    few = [gl.DenseForward(8, 16, 16), gl.Copy(1024, "h2d", False), gl.DenseTrainStep(8, 16, 16)]

    def points(device, threads, *, quick):
        found = [Point(each, device, threads) for each in few if device != "cpu" or not isinstance(each, gl.Copy)]
        return [*found, *([Point(gl.Elementwise(1), device, None, True)] if device != "cpu" else [])]

    monkeypatch.setattr(recorder, "all_points", points)
    monkeypatch.setattr(recorder, "_QUICK_LIMIT_S", 3.0)
    cpu = SimpleNamespace(calibration=calibrate(gl.machine("amd-ryzen-9-7950x")))
    monkeypatch.setattr(recorder, "measure_this_cpu", lambda *_, **__: cpu)
    path = tmp_path / "laptop.json"
    recording = recorder.record(path, quick=True)
    assert recording.gpu.name == chosen.machine.name
    assert recording.provenance.gpu_device == "webgpu"
    assert "clock" in recording.provenance.versions
    on_gpu = [each for each in recording.measurements if each.threads is None]
    assert sorted(type(each.workload).__name__ for each in on_gpu) == sorted(
        ["DenseForward", "Copy", "DenseTrainStep", "Elementwise"]
    )
    assert [each.peak_bytes > 0 for each in on_gpu if each.peak_bytes] == [True]
    assert '"device": "webgpu"' in path.read_text(encoding="utf-8")


def test_what_is_recorded_through_webgpu_needs_neither_float64_nor_pinned_memory():
    workloads = [each.workload for each in all_points("webgpu", None, quick=False)]
    assert {getattr(each, "dtype", "float32") for each in workloads} == {"float32"}
    copies = [each for each in workloads if isinstance(each, gl.Copy)]
    assert {each.direction for each in copies} == {"h2d", "d2h"}
    assert not any(each.pinned for each in copies)
