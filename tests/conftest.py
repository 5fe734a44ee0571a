"""Fixtures that more than one test module uses."""

import gc
import os
import re
from importlib import import_module

import numpy as np
import pytest
from hypothesis import settings

from gpu_lessons.hardware.arrays import cuda_status
from gpu_lessons.hardware.machines import machine

# A machine that is busy with something else may take long over any example.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

#: What draws, shows and drives notebooks. No test of a GPU needs them, and a server with one may lack them.
_SHOWS = {
    "altair",
    "anywidget",
    "IPython",
    "ipywidgets",
    "jupyterlab",
    "matplotlib",
    "nbformat",
    "playwright",
    "vl_convert",
}


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """With ``-m gpu``, skip a module of tests that imports one of those where it is missing: it holds no such test."""
    report = yield
    missing = re.search(r"ModuleNotFoundError: No module named '(\w+)", str(report.longrepr)) if report.failed else None
    if missing and missing[1] in _SHOWS and collector.config.option.markexpr == "gpu":
        report.outcome = "skipped"
        report.longrepr = (str(collector.path), None, f"Skipped: {missing[1]} is not installed")
    return report


@pytest.fixture(params=["numpy", "array_api_strict", pytest.param("cupy", marks=pytest.mark.gpu)])
def xp(request):
    """Every array namespace the course runs on; CuPy only where a CUDA device computes."""
    if request.param == "cupy":
        usable, reason = cuda_status()
        if not usable:
            pytest.skip(reason)
    return import_module(request.param)


@pytest.fixture(scope="session")
def webgpu():
    """A WebGPU device: the GPU's, or where there is none software, which is right and slow."""
    from gpu_lessons.devices import WebGpu
    from gpu_lessons.hardware.adapters import webgpu_adapter

    try:
        return WebGpu(webgpu_adapter(software=True))
    except RuntimeError as reason:
        if os.environ.get("GPU_LESSONS_REQUIRE_WEBGPU") == "1":
            pytest.fail(str(reason))
        pytest.skip(str(reason))


@pytest.fixture
def gpu_named(request):
    """Return a function: the GPU of this name, or the test is skipped where there is none."""

    def get(name):
        from gpu_lessons.devices import CudaGpu, SimulatedGpu

        if name == "simulated":
            return SimulatedGpu(machine("nvidia-t4"))
        if name == "webgpu":
            device = request.getfixturevalue("webgpu")
            if device.memory.used_bytes:
                gc.collect()  # the device is that of the test before, and its memory is counted
            return device
        usable, reason = cuda_status()
        if not usable:
            pytest.skip(reason)
        return CudaGpu()

    return get


@pytest.fixture(params=["simulated", pytest.param("cuda", marks=pytest.mark.gpu), "webgpu"])
def gpu(request, gpu_named):
    """Each GPU the course runs on: a simulated one, CuPy's where a CUDA device computes, and WebGPU's."""
    return gpu_named(request.param)


@pytest.fixture
def central_differences():
    """Return a function: the gradient of ``f`` at a float64 NumPy array, one number nudged at a time."""

    def gradient(f, at, step=1e-6):
        slopes = np.empty_like(at)
        for index in np.ndindex(at.shape):
            nudge = np.zeros_like(at)
            nudge[index] = step
            slopes[index] = (f(at + nudge) - f(at - nudge)) / (2 * step)
        return slopes

    return gradient


@pytest.fixture(scope="module")
def chromium():
    from lab_browser import CHROMIUM_NAMES, find_chromium, open_chromium

    if find_chromium() is None:
        reason = f"no Chromium on PATH: looked for {', '.join(CHROMIUM_NAMES)}"
        if os.environ.get("GPU_LESSONS_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with open_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def lab(chromium):
    from lab_browser import serve_lab

    with serve_lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def look(chromium, lab):
    """Open a notebook in a browser that remembers nothing."""
    from lab_browser import JUPYTERLAB, KEEP_CANVAS_TEXT, Sight, open_notebook

    contexts = []

    def open_in_new_browser(notebook, source, place=JUPYTERLAB):
        context = chromium.new_context(viewport={"width": 1300, "height": 1400})
        contexts.append(context)
        sight = Sight(context.new_page(), source)
        sight.page.add_init_script(KEEP_CANVAS_TEXT)
        sight.page.on("pageerror", lambda error: sight.complaints.append(str(error)))
        sight.page.on("console", lambda said: sight.complaints.append(said.text) if said.type == "error" else None)
        open_notebook(sight.page, lab, notebook, place)
        return sight

    yield open_in_new_browser
    for context in contexts:
        context.close()
