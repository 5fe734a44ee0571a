"""Lessons on WebGPU, which a laptop without CUDA has: the real one, or software in its place."""

import re

import pytest
from test_notebooks import build

LESSONS = ("02_layer_on_gpu", "12_your_own_kernel")
#: Software is slow, and slower where other tests run beside it.
CELL_TIMEOUT_S = 300


def text_of(cell):
    """Return what a cell printed or returned."""
    return "".join(
        output.get("text", output.get("data", {}).get("text/plain", "")) for output in cell.get("outputs", [])
    )


@pytest.fixture(
    scope="module", params=[(name, version) for name in LESSONS for version in build.VERSIONS], ids="-".join
)
def lesson(request, webgpu):
    """A lesson for the learner or with its solutions, run on WebGPU: its version, its cells, and the device."""
    name, version = request.param
    notebook = build.make_notebook(build.NOTEBOOKS / "source" / f"{name}.py", version)
    build.execute(notebook, f"{name} ({version})", CELL_TIMEOUT_S, gpu="webgpu")
    return version, notebook.cells, webgpu


def tagged(cells, tag):
    return [cell for cell in cells if tag in cell.metadata.get("tags", [])]


@pytest.mark.notebooks
def test_a_lesson_runs_on_webgpu_and_its_exercises_are_checked(lesson):
    version, cells, gpu = lesson
    announced = tagged(cells, "raises-exception")
    said = [output for cell in cells if cell not in announced for output in cell.get("outputs", [])]
    assert [output for output in said if output.output_type == "error" or output.get("name") == "stderr"] == []
    [setup] = map(text_of, tagged(cells, "setup"))
    assert f"GPU: {gpu}; " in setup
    assert ("software" in setup) == gpu.adapter.is_software
    verdicts = [text_of(cell) for cell in tagged(cells, "check")]
    assert verdicts
    begins = "Right." if version == "solution" else "Not attempted yet."
    assert [verdict for verdict in verdicts if not verdict.startswith(begins)] == []
    # No number of this run is a model's: what a GPU took was measured on it.
    assert re.search("times measured", setup)
