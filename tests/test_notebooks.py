"""Every notebook in the tree: up to date with its source, within budget, saved without errors."""

import importlib.util
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
SPEC = importlib.util.spec_from_file_location("notebooks_build", ROOT / "notebooks" / "build.py")
build = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(build)

LEARNER = sorted(build.NOTEBOOKS.glob("*.ipynb"))
SOLUTIONS = sorted((build.NOTEBOOKS / "solutions").glob("*.ipynb"))
LINK = re.compile(r"\]\(([^)\s#]+)|(?:src|href)=\"([^\"\s#]+)")
VEGA_LITE = "application/vnd.vegalite.v5+json"


def name_of(path):
    return str(path.relative_to(build.NOTEBOOKS))


each_notebook = pytest.mark.parametrize("path", LEARNER + SOLUTIONS, ids=name_of)
each_learner_notebook = pytest.mark.parametrize("path", LEARNER, ids=name_of)


def cells_of(path, kind=None):
    cells = nbformat.read(path, as_version=4).cells
    return [cell for cell in cells if kind in (None, cell.cell_type)]


def tagged(path, tag):
    return [cell for cell in cells_of(path) if tag in cell.metadata.get("tags", [])]


def code_lines(cell):
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def words(cell):
    return len(cell.source.split())


def outputs_of(path):
    return [output for cell in cells_of(path, "code") for output in cell.outputs]


def test_there_are_notebooks_and_each_has_its_solutions():
    assert LEARNER
    assert [path.name for path in LEARNER] == [path.name for path in SOLUTIONS]


def test_every_notebook_is_what_its_source_says():
    assert build.first_difference(build.lesson_sources()) == ""


@each_notebook
def test_a_file_is_under_one_megabyte(path):
    assert path.stat().st_size <= build.LARGEST_BYTES


@each_notebook
def test_no_code_cell_is_longer_than_a_screen(path):
    assert [cell.source for cell in cells_of(path, "code") if code_lines(cell) > 25] == []


@each_learner_notebook
def test_code_cells_are_short(path):
    assert statistics.median(map(code_lines, cells_of(path, "code"))) <= 5


@each_notebook
def test_no_text_cell_is_a_lecture(path):
    assert [cell.source for cell in cells_of(path, "markdown") if words(cell) > 150] == []


@each_learner_notebook
def test_text_cells_say_something_and_stop(path):
    assert 10 <= statistics.median(map(words, cells_of(path, "markdown"))) <= 60


@each_notebook
def test_the_setup_is_one_cell_of_at_most_six_lines(path):
    assert [code_lines(cell) <= 6 for cell in tagged(path, "setup")] == [True]


@each_notebook
def test_every_code_cell_was_run_once_and_in_order(path):
    counts = [cell.execution_count for cell in cells_of(path, "code") if cell.source.strip()]
    assert counts == list(range(1, len(counts) + 1))


@each_notebook
def test_only_announced_errors_are_saved(path):
    for cell in cells_of(path, "code"):
        has_error = any(output.output_type == "error" for output in cell.outputs)
        assert not has_error or "raises-exception" in cell.metadata.get("tags", []), cell.source


@each_notebook
def test_nothing_was_written_to_the_error_stream(path):
    assert [output.text for output in outputs_of(path) if output.get("name") == "stderr"] == []


@each_notebook
def test_no_output_names_a_path_of_the_machine_it_was_made_on(path):
    assert build.machine_paths(outputs_of(path)) == []


@each_learner_notebook
def test_no_saved_output_claims_to_come_from_the_machine_of_the_reader(path):
    said = [str(output.get("text", output.get("data", {}).get("text/plain", ""))) for output in outputs_of(path)]
    assert [text for text in said if re.search("this machine|this CPU, measured|measured here", text)] == []


@each_notebook
def test_no_widget_was_saved_that_would_need_a_kernel(path):
    assert not [output for output in outputs_of(path) if "widget-view" in str(list(output.get("data", {})))]
    assert "widgets" not in nbformat.read(path, as_version=4).metadata


@each_notebook
def test_links_to_files_lead_somewhere(path):
    targets = {one or other for cell in cells_of(path, "markdown") for one, other in LINK.findall(cell.source)}
    relative = {target for target in targets if ":" not in target}
    assert sorted(target for target in relative if not (path.parent / target).exists()) == []


@each_learner_notebook
def test_the_learner_finds_no_solution(path):
    assert tagged(path, "solution") == []
    assert not [cell.source for cell in cells_of(path) if "### BEGIN" in cell.source or "### END" in cell.source]


def shown_when_folded(cell):
    """Return the line that JupyterLab shows of a folded output: the first line of the first text in it."""
    if not cell.outputs:
        return ""
    data = cell.outputs[0].get("data", cell.outputs[0])
    order = ("text/html", "image/svg+xml", "text/markdown", "text/plain", "text")
    text = next((data[kind] for kind in order if isinstance(data.get(kind), str)), "")
    return next(filter(None, text.split("\n")), "")


@each_learner_notebook
def test_a_folded_answer_is_not_told_by_its_first_line(path):
    lines = [shown_when_folded(cell) for cell in tagged(path, "reveal")]
    assert [line for line in lines if re.search(r"\d", line)] == []


@each_learner_notebook
def test_a_number_that_a_lesson_reveals_stands_in_no_earlier_output(path):
    earlier, told = "", []
    for cell in cells_of(path, "code"):
        said = [output.get("text", output.get("data", {}).get("text/plain", "")) for output in cell.outputs]
        if "reveal" in cell.metadata.get("tags", []):
            # With its unit, and with two digits at least: one digit alone may stand anywhere.
            revealed = re.findall(r"It was (\d[\d.,]*\d ?[^\s(.]+)", "".join(said))
            told += [number for number in revealed if re.search(rf"(?<![\d.,]){re.escape(number)}", earlier)]
        earlier += "\n".join(said)
    assert told == []


@each_learner_notebook
def test_every_exercise_is_followed_by_its_check(path):
    cells = cells_of(path, "code")
    for cell, after in zip(cells, [*cells[1:], None], strict=True):
        if "exercise" in cell.metadata.get("tags", []):
            assert after is not None, cell.source
            assert "check" in after.metadata.get("tags", []), cell.source


def said_by_checks(path):
    return [
        str(output.get("data", {}).get("text/plain", "")) for cell in tagged(path, "check") for output in cell.outputs
    ]


@each_learner_notebook
def test_an_untouched_exercise_is_not_attempted(path):
    assert not [text for text in said_by_checks(path) if not text.startswith("Not attempted yet.")]


@pytest.mark.parametrize("path", SOLUTIONS, ids=name_of)
def test_every_solution_is_right(path):
    assert not [text for text in said_by_checks(path) if not text.startswith("Right.")]


@each_notebook
def test_every_check_says_something(path):
    assert [cell.source for cell in tagged(path, "check") if not cell.outputs] == []


@each_notebook
def test_every_explorer_is_saved_as_chart_picture_and_sentence(path):
    for cell in tagged(path, "explorer"):
        bundles = [output.data for output in cell.outputs if VEGA_LITE in output.get("data", {})]
        assert bundles, cell.source
        for bundle in bundles:
            assert bundle[VEGA_LITE]["$schema"].endswith(".json")
            assert bundle["image/png"]
            sentence = bundle["text/plain"].strip()
            assert re.fullmatch(r"[^<\n][^\n]*\.", sentence), sentence


def test_the_picture_of_the_readme_is_the_explorer_of_the_lesson():
    notebook = nbformat.read(build.notebook_path(build.PICTURED, "solution"), as_version=4)
    assert build.PICTURE.read_bytes() == build.picture_of_explorer(notebook)


@pytest.mark.notebooks
def test_a_lesson_copied_into_an_empty_folder_passes_nbval_as_it_was_saved(tmp_path):
    """Nothing of the repository is there to say that the pictures are static: nbval is not a reader with widgets."""
    cells = [
        "import gpu_lessons as gl\nfrom gpu_lessons.lessons import ask, choose",
        "ask('02-speedup', 'CPU time divided by GPU time', low=0.01, high=100_000)",
        "choose('02-first', 'What took so long?', ['the product', 'the start'])",
        "gl.explore_timeline()",
    ]
    lesson = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in cells])
    lesson.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    build.execute(lesson, "copied")
    assert all(cell.outputs for cell in lesson.cells[1:])
    nbformat.write(lesson, tmp_path / "copied.ipynb")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GPU_LESSONS")}
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env", "."],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-3000:]
    assert "4 passed" in ended.stdout
