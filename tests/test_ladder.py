"""The ladder of lesson 12: five kernels in three languages, a learner's own, and their times."""

import difflib
import itertools
import re
import shutil
from collections import Counter

import numpy as np
import pytest
from fake_cuda import CUDARuntimeError
from host_cuda import FakeCuPy, compiled

from gpu_lessons.devices import CudaGpu, SimulatedGpu
from gpu_lessons.devices.ladder import (
    LANGUAGES,
    STEPS,
    cuda_texts,
    kernel_changes,
    kernel_text,
    language_of,
    matrix_kernel,
    thread_kernel,
)
from gpu_lessons.devices.ladder.cuda_texts import CudaRunError, CudaTextError, cuda_error
from gpu_lessons.devices.threads import run_threads
from gpu_lessons.devices.webgpu.errors import WgslError
from gpu_lessons.hardware.machines import machine
from gpu_lessons.measuring.ladder import LIBRARY, OWN, time_ladder, wrong_numbers
from gpu_lessons.measuring.webgpu import DEVICE_CLOCK

NUMBERS = [step.number for step in STEPS]
SIZES = [
    (1, 1, 1),
    (5, 3, 7),
    (16, 16, 16),
    (17, 64, 5),
    (64, 64, 64),
    (100, 130, 17),
    (130, 5, 100),
    (3, 68, 1),
    (65, 66, 36),
]


def matrices(m, n, k):
    rng = np.random.default_rng(m + 1000 * n + k)
    return rng.standard_normal((m, k), np.float32), rng.standard_normal((k, n), np.float32)


@pytest.fixture(params=[pytest.param("cuda", marks=pytest.mark.gpu), "webgpu"])
def real_gpu(request, gpu_named):
    """Each GPU that runs texts."""
    return gpu_named(request.param)


# The texts


@pytest.mark.parametrize("step", NUMBERS)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_each_step_gives_numpys_product_on_a_gpu_at_any_size(real_gpu, step, sizes):
    a, b = matrices(*sizes)
    xp = real_gpu.xp
    out = xp.full((sizes[0], sizes[1]), np.nan, "float32")
    c = real_gpu.to_host(matrix_kernel(real_gpu, step)(xp.asarray(a), xp.asarray(b), out))
    np.testing.assert_allclose(c, a.astype(np.float64) @ b, rtol=1e-4, atol=1e-5)


@pytest.fixture(scope="module")
def cuda_on_cpu(tmp_path_factory):
    """A CUDA device whose kernels run on the CPU, by a C++ compiler."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler on PATH: looked for g++ and clang++")
    gpu = CudaGpu.__new__(CudaGpu)
    gpu.xp = FakeCuPy(compiled(compiler, tmp_path_factory.mktemp("host_cuda")))
    return gpu


@pytest.mark.parametrize("step", NUMBERS)
@pytest.mark.parametrize("sizes", [(1, 1, 1), (17, 20, 5), (66, 68, 36), (3, 7, 33)], ids=str)
def test_the_cuda_texts_are_right_when_a_cpu_runs_their_threads(cuda_on_cpu, step, sizes):
    a, b = matrices(*sizes)
    c = matrix_kernel(cuda_on_cpu, step)(cuda_on_cpu.xp.asarray(a), cuda_on_cpu.xp.asarray(b))
    np.testing.assert_allclose(c, a.astype(np.float64) @ b, rtol=1e-4, atol=1e-5)


def test_four_numbers_are_never_loaded_from_where_they_do_not_begin(cuda_on_cpu):
    a, b = matrices(9, 8, 8)
    shifted = cuda_on_cpu.xp.asarray(np.append(0, a).astype(np.float32))[1:].reshape(9, 8)
    assert shifted.data.ptr % 16
    c = matrix_kernel(cuda_on_cpu, 5)(shifted, cuda_on_cpu.xp.asarray(b))
    np.testing.assert_allclose(c, a @ b, rtol=1e-4, atol=1e-5)


def test_the_first_run_of_a_size_on_cuda_is_waited_for_and_later_ones_are_not(cuda_on_cpu):
    multiply = matrix_kernel(cuda_on_cpu, 2)
    a, b = map(cuda_on_cpu.xp.asarray, matrices(4, 4, 4))
    waits = []
    for left in (a, a, a[:2], a):
        before = cuda_on_cpu.xp.waited
        multiply(left, b)
        waits.append(cuda_on_cpu.xp.waited - before)
    assert waits == [1, 0, 1, 0]


def test_a_cuda_kernel_that_does_not_end_or_leaves_its_arrays_is_one_sentence(cuda_on_cpu, monkeypatch):
    a, b = map(cuda_on_cpu.xp.asarray, matrices(4, 4, 4))
    restart = "then restart the notebook's kernel, for the device is lost to this one"
    monkeypatch.setattr(cuda_texts, "WATCHDOG_S", 0.01)
    monkeypatch.setattr(cuda_on_cpu.xp, "ends", False)
    sentence = f"^a kernel of your own has not ended after 0.01 s: look for a loop without an end in it, {restart}$"
    with pytest.raises(CudaRunError, match=sentence):
        matrix_kernel(cuda_on_cpu, 2)(a, b)
    monkeypatch.setattr(cuda_on_cpu.xp, "failed", CUDARuntimeError("IllegalAddress"))
    sentence = f"^a kernel of your own reads or writes outside its arrays: look at its indexes and edges, {restart}$"
    with pytest.raises(CudaRunError, match=sentence):
        matrix_kernel(cuda_on_cpu, 2)(a, b)
    monkeypatch.setattr(cuda_on_cpu.xp, "failed", CUDARuntimeError("Unknown"))
    with pytest.raises(CUDARuntimeError):
        matrix_kernel(cuda_on_cpu, 2)(a, b)


class CompileException(Exception):  # noqa: N818
    """Stands for CuPy's."""


def test_an_error_in_cuda_shows_its_line_and_a_caret(cuda_on_cpu, monkeypatch):
    text = kernel_text(2, "cuda").replace("n + column];", "n + colum];")
    # As nvcc of CUDA 13.0 says it.
    told = (
        'kernel.cu(12): error: identifier "colum" is undefined\n'
        "        total += a[row * k + t] * b[t * n + colum];\n"
        "                                            ^\n\n"
        '1 error detected in the compilation of "kernel.cu".\n'
    )
    monkeypatch.setattr(cuda_on_cpu.xp, "refused", CompileException(told))
    with pytest.raises(CudaTextError) as raised:
        matrix_kernel(cuda_on_cpu, text, tile=16)
    sentence, shown, caret = str(raised.value).splitlines()
    assert sentence == 'line 12 of the kernel does not compile: identifier "colum" is undefined'
    assert shown == f"12: {text.splitlines()[11]}"
    assert caret.index("^") == shown.index("colum")
    without_place = str(cuda_error(text, "nvrtc: error: failed to\nload builtins"))
    assert without_place == "the kernel does not compile: nvrtc: error: failed to load builtins"


@pytest.mark.gpu
def test_the_compiler_of_a_cuda_device_tells_the_line(gpu_named):
    text, gpu = kernel_text(2, "cuda"), gpu_named("cuda")
    with pytest.raises(CudaTextError, match=r"^line 12 of the kernel does not compile: .*colum.*\n12: .*n \+ colum\]"):
        matrix_kernel(gpu, text.replace("n + column];", "n + colum];"), tile=16)
    with pytest.raises(CudaTextError, match=r"^the text holds no kernel multiply: "):
        matrix_kernel(gpu, text.replace("multiply", "multiplied"), tile=16)


def test_a_text_in_cuda_without_the_kernel_is_one_sentence(cuda_on_cpu, monkeypatch):
    monkeypatch.setattr(cuda_on_cpu.xp, "refused", RuntimeError("CUDA_ERROR_NOT_FOUND: named symbol not found"))
    with pytest.raises(
        CudaTextError, match=r'^the text holds no kernel multiply: it begins with extern "C" __global__$'
    ):
        matrix_kernel(cuda_on_cpu, "text", tile=16)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_step_is_a_small_change_of_the_one_before(language):
    texts = [kernel_text(step, language).splitlines() for step in NUMBERS]
    for before, after in itertools.pairwise(texts):
        lines = list(difflib.ndiff(before, after))
        assert 0 < sum(line.startswith("+ ") for line in lines) <= 30
        assert 0 < sum(line.startswith("- ") for line in lines) <= 20
    first = list(difflib.ndiff(texts[0], texts[1]))
    assert sum(line.startswith("+ ") for line in first) == 3  # the comment and two lines


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("step", NUMBERS[1:])
def test_the_changes_of_a_step_hold_every_line_that_is_new_and_every_one_that_is_gone(language, step):
    before, after = (kernel_text(each, language).splitlines()[1:] for each in (step - 1, step))
    changes = kernel_changes(step, language).splitlines()
    gone = [line[1:] for line in changes if line[0] == "-"]
    new = [line[1:] for line in changes if line[0] == "+"]
    assert Counter(before) - Counter(gone) == Counter(after) - Counter(new)
    assert len(changes) < 1.5 * len(after) + len(gone)
    with pytest.raises(ValueError, match=r"^step must be one of 2 to 5, .*, got 1$"):
        kernel_changes(1, language)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.title)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_begins_with_its_step_and_title(language, step):
    first = kernel_text(step.number, language).splitlines()[0]
    assert first.lstrip('"/ ').startswith(f"Step {step.number}: {step.title}. ")
    assert f"blocks of {step.tile} x {step.tile} numbers" in first


NAMED = {
    "wgsl": r"^ *(?:for \()?(?:let|var) (\w+)",
    "cuda": r"^ *(?:for \()?(?:int|float|bool|float4) (\w+)",
    "python": r"^ *(?:for )?(\w+)(?: = | in range)",
}


@pytest.mark.parametrize("step", NUMBERS)
def test_the_three_languages_have_the_same_names_in_the_same_order(step):
    def names(language):
        text = kernel_text(step, language)
        text = text[re.search(r"^(fn|void|def) multiply", text, re.MULTILINE).start() :]
        found = re.findall(NAMED[language], text, re.MULTILINE)
        return [
            name for name in dict.fromkeys(found) if name not in ("m", "me", "rows", "columns", "b0", "from_b", "s")
        ]

    assert names("wgsl") == names("cuda") == names("python")


# A kernel of one's own


WRONG = {
    "an index swapped": (2, "b[t * n + column]", "b[column * k + t]"),
    "an edge that is not guarded": (2, "if (row < m && column < n)", "if (true)"),
    "a sum that is not begun anew": (2, "c[row * n + column] = total", "c[row * n + column] += total"),
    "a tile read the wrong way round": (3, "columns[t * 16 + x]", "columns[x * 16 + t]"),
    "the terms of the last turn left out": (4, "start < k; start", "start + 15 < k; start"),
    "a row of threads left out": (4, "let row = top + y + 16 * i", "let row = top + y + 8 * i"),
    "a part of four taken twice": (5, "from_a.w", "from_a.x"),
    "four of an odd row": (5, " && k % 4 == 0", ""),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_kernel_is_caught_where_its_numbers_differ(webgpu, name):
    step, before, after = WRONG[name]
    text = kernel_text(step, "wgsl")
    assert before in text
    a, b = matrices(20, 20, 19)
    out = webgpu.xp.full((20, 20), np.nan, "float32")
    multiply = matrix_kernel(webgpu, text.replace(before, after), tile=STEPS[step - 1].tile)
    found = multiply(webgpu.xp.asarray(a), webgpu.xp.asarray(b), out).get()
    sentence = wrong_numbers(found, a @ b, 19)
    assert re.fullmatch(
        r"No time: [\d,]+ of 400 numbers are wrong, the first in row \d+, column \d+, where .*\.", sentence
    )
    row, column = map(int, re.search(r"row (\d+), column (\d+)", sentence).groups())
    assert not np.isclose(found[row, column], (a @ b)[row, column], rtol=1e-4, equal_nan=True)


def test_numbers_that_were_never_written_are_said_to_be_so():
    found = np.ones((2, 3), np.float32)
    assert wrong_numbers(found, found, 4) == ""
    found[1, 2] = np.nan
    assert wrong_numbers(found, np.ones((2, 3)), 4) == (
        "No time: 1 of 6 numbers are wrong, the first in row 1, column 2, where nothing was written and a @ b gives 1."
    )


def test_views_are_multiplied_as_they_are_seen(real_gpu):
    a, b = matrices(40, 40, 40)
    xp = real_gpu.xp
    for cut in (np.s_[:, :], np.s_[1:, :], np.s_[:, 3:], np.s_[::2, :]):
        left, right = xp.asarray(a)[cut], xp.asarray(b).T
        right = right[: left.shape[1]]
        c = real_gpu.to_host(matrix_kernel(real_gpu, 5)(left, right))
        np.testing.assert_allclose(c, a[cut] @ b.T[: left.shape[1]], rtol=1e-4, atol=1e-4)


def test_a_kernel_may_leave_an_array_unused(webgpu):
    text = kernel_text(2, "wgsl").replace("a[row * k + t] * b[t * n + column]", "a[row * k + t]")
    ones = webgpu.xp.ones((5, 5))
    np.testing.assert_array_equal(matrix_kernel(webgpu, text, tile=16)(ones, ones).get(), np.full((5, 5), 5))


def test_a_text_without_the_kernel_or_with_an_error_is_refused_at_once(webgpu):
    text = kernel_text(2, "wgsl")
    with pytest.raises(WgslError, match=r"^the kernel does not compile: Unable to find entry point 'multiply'$"):
        matrix_kernel(webgpu, text.replace("fn multiply", "fn multiplied"), tile=16)
    with pytest.raises(
        WgslError, match=r"^line 17 of the kernel does not compile: .*\n17: .*b\[t \* n \+ colum\].*\n *\^$"
    ):
        matrix_kernel(webgpu, text.replace("n + column];", "n + colum];"), tile=16)


def test_a_gap_among_the_bindings_is_refused(webgpu):
    text = kernel_text(2, "wgsl").replace("@binding(3)", "@binding(7)")
    with pytest.raises(
        ValueError, match=r"^the bindings of a kernel are numbered from 0 without a gap, got 0, 1, 2, 7$"
    ):
        matrix_kernel(webgpu, text, tile=16)


def test_wrong_calls_are_one_sentence_each(webgpu):
    xp = webgpu.xp
    multiply = matrix_kernel(webgpu, 1)
    for call, error, sentence in (
        (
            lambda: multiply(xp.ones((2, 3)), xp.ones((2, 3))),
            ValueError,
            "a must have as many columns as b has rows, got",
        ),
        (lambda: multiply(xp.ones(3), xp.ones((3, 3))), ValueError, r"a must be a matrix of float32, got shape \(3,\)"),
        (lambda: multiply(xp.ones((3, 0)), xp.ones((0, 3))), ValueError, "a must be a matrix of float32, got shape"),
        (lambda: multiply(xp.ones((3, 3)), np.ones((3, 3))), TypeError, "b must be an array on the device, got array"),
        (lambda: matrix_kernel(webgpu, "text"), TypeError, "tile must be an integer of at least 1, got None"),
        (lambda: matrix_kernel(webgpu, 1, tile=16), ValueError, "tile belongs to a text; a step has its own, got 16"),
        (lambda: matrix_kernel(webgpu, 6), ValueError, "step must be one of 1 to 5, got 6"),
        (
            lambda: multiply(xp.ones((3, 3)), xp.ones((3, 3)), xp.ones((2, 2))),
            ValueError,
            r"out must be a whole matrix of float32 of shape \(3, 3\), got \(2, 2\) of float32$",
        ),
        (
            lambda: multiply(xp.ones((3, 3)), xp.ones((3, 3)), np.ones((3, 3))),
            TypeError,
            "out must be an array on the device, got array",
        ),
    ):
        with pytest.raises(error, match=f"^{sentence}"):
            call()


@pytest.mark.parametrize("call", [lambda: matrix_kernel("webgpu", 1), lambda: time_ladder("webgpu")])
def test_what_is_no_gpu_is_refused(call):
    with pytest.raises(TypeError, match=r"^gpu must be what gl.gpu\(\) returns, got 'webgpu'$"):
        call()


@pytest.mark.parametrize("step", [0, 1, 6, "2", None])
def test_changes_of_a_step_without_one_before_are_refused(step):
    with pytest.raises((TypeError, ValueError), match=r"^step must be one of [12] to 5,.* got "):
        kernel_changes(step, "cuda")


def test_a_kernel_on_cuda_writes_no_array_of_another_shape(cuda_on_cpu):
    a, b = map(cuda_on_cpu.xp.asarray, matrices(4, 4, 4))
    with pytest.raises(ValueError, match=r"^out must be a whole matrix of float32 of shape \(4, 4\), got \(4, 2\)"):
        matrix_kernel(cuda_on_cpu, 1)(a, b, cuda_on_cpu.xp.asarray(np.zeros((4, 2), np.float32)))


def test_a_simulated_gpu_says_what_is_possible_instead():
    gpu = SimulatedGpu(machine("nvidia-t4"))
    sentence = (
        r"^the simulated NVIDIA T4 runs no kernel in CUDA C or WGSL; run one in Python with run_threads, and predict"
    )
    for kernel in (1, "text"):
        with pytest.raises(NotImplementedError, match=sentence):
            matrix_kernel(gpu, kernel, tile=16)


# What threads ask for is what the model counts


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.title)
@pytest.mark.parametrize("sizes", [(64, 64, 16), (64, 128, 32)], ids=str)
def test_the_threads_ask_for_what_the_model_counts(step, sizes):
    m, n, k = sizes
    a, b = matrices(m, n, k)
    blocks = -(-n // step.tile), -(-m // step.tile)
    found = run_threads(thread_kernel(step.number), blocks, a, b, np.zeros((m, n), np.float32), m, n, k)
    counted = step.counts(m, n, k)
    assert (found.loads.requests, found.loads.parts) == (counted.load_requests, counted.load_sectors)
    assert (found.stores.requests, found.stores.parts) == (counted.store_requests, counted.store_sectors)
    assert (found.shared.requests, found.shared.parts) == (counted.shared_requests, counted.shared_turns)


# Times


def test_every_step_and_the_library_are_timed(real_gpu):
    rungs = time_ladder(real_gpu, 64, budget_s=0.4)
    assert [rung.step for rung in rungs] == [*NUMBERS, None]
    assert [rung.name for rung in rungs] == [*(step.title for step in STEPS), LIBRARY]
    for rung in rungs:
        assert rung.source == "measured"
        assert rung.why_not == ""
        assert rung.seconds == rung.measurement.median_s > 0
        assert rung.flops_per_s == 2 * 64**3 / rung.seconds
        assert len(rung.measurement.samples_s) >= 3


def test_webgpu_tells_which_clock_it_was(webgpu):
    *_, library = time_ladder(webgpu, 20, budget_s=0.1)
    assert webgpu.engine.has_clock
    assert library.measurement.clock == DEVICE_CLOCK


def test_a_kernel_of_ones_own_stands_before_the_library_and_a_wrong_one_has_no_time(real_gpu):
    text = kernel_text(2, language_of(real_gpu))
    *_, right, library = time_ladder(real_gpu, 40, own=text, own_tile=16, budget_s=0.2)
    assert (right.name, library.name) == (OWN, LIBRARY)
    assert right.seconds > 0
    wrong = text.replace("t * n + column", "t * n")
    *_, found, _ = time_ladder(real_gpu, 40, own=wrong, own_tile=16, budget_s=0.2)
    assert found.seconds is None is found.flops_per_s
    assert re.match(r"No time: [\d,]+ of 1,600 numbers are wrong, the first in row 0, column 1, where", found.why_not)


def test_a_kernel_that_writes_nothing_is_not_taken_for_right(webgpu):
    text = kernel_text(2, "wgsl").replace("c[row * n + column] = total;", "")
    *_, found, _ = time_ladder(webgpu, 40, own=text, own_tile=16, budget_s=0.2)
    assert "in row 0, column 0, where nothing was written" in found.why_not


def test_what_would_take_too_long_is_not_run_and_says_so(webgpu):
    for rung in time_ladder(webgpu, 512, budget_s=1e-3):
        assert rung.seconds is None
        assert re.fullmatch(
            r"Not measured: at least 7 calls of about .* each would take more than the 1 ms set aside\. Choose a "
            r"smaller size than 512\.",
            rung.why_not,
        )


def test_on_a_simulated_gpu_the_times_are_predicted():
    gpu = SimulatedGpu(machine("nvidia-t4"))
    rungs = time_ladder(gpu, 1024)
    assert [rung.source for rung in rungs] == ["predicted"] * 6
    times = [rung.seconds for rung in rungs]
    assert times == sorted(times, reverse=True)
    with pytest.raises(NotImplementedError, match=r"^the simulated NVIDIA T4 runs no kernel"):
        time_ladder(gpu, own="text")
    with pytest.raises(TypeError, match=r"^own must be the text of a kernel, got 5$"):
        time_ladder(gpu, own=5)


@pytest.mark.parametrize("size", [0, 1.5, "8"])
def test_a_size_that_is_none_is_refused(size):
    with pytest.raises((TypeError, ValueError), match=r"^size must be an integer of at least 1, got "):
        time_ladder(SimulatedGpu(machine("nvidia-t4")), size)
