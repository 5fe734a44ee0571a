"""nbgrader itself: an assignment is generated of every lesson's exercises, and what is handed in gets its marks."""

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest

nbgrader_api = pytest.importorskip("nbgrader.api", reason="nbgrader is not installed: it comes with the extra nbgrader")

ROOT = Path(__file__).parent.parent
SPEC = importlib.util.spec_from_file_location("notebooks_build", ROOT / "notebooks" / "build.py")
build = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(build)

SOURCES = [source for source in build.lesson_sources() if source.stem != "glossary"]
ANSWERS = {path.stem: tomllib.loads(path.read_text("utf-8")) for path in (ROOT / "tests" / "answers").glob("*.toml")}


def exercises(version):
    """Return all lessons in one notebook, without what takes time: setups, definitions, exercises and checks remain."""
    notebooks = [build.make_notebook(source, version) for source in SOURCES]
    notebook = notebooks[0]
    needed = re.compile(r"(import|from|def) ")
    notebook.cells = [
        cell
        for each in notebooks
        for cell in each.cells
        if cell.cell_type == "code"
        and ("nbgrader" in cell.metadata or "setup" in cell.metadata.get("tags", []) or needed.match(cell.source))
    ]
    return notebook


def with_wrong_answers(notebook, number):
    """Return ``notebook`` with the wrong answer of that number in each exercise."""
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            name = cell.metadata["nbgrader"]["grade_id"]
            body = ANSWERS[name]["wrong"][number].replace("\n", "\n    ")
            cell.source = f"def {name}({ANSWERS[name]['parameters']}):\n    {body}"
    return notebook


def write(notebook, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


@pytest.fixture(scope="module")
def marks(tmp_path_factory):
    """Grade what five learners hand in; return {learner: {check: points}}."""
    course = tmp_path_factory.mktemp("course")
    handed_in = {
        "solution": exercises("solution"),
        "stub": exercises("learner"),
        "wrong": with_wrong_answers(exercises("learner"), 0),
        "wronger": with_wrong_answers(exercises("learner"), 1),
    }
    write(exercises("nbgrader"), course / "source" / "all" / "all.ipynb")
    nbgrader(course, "generate_assignment", "all", "--create")
    handed_in["released"] = nbformat.read(course / "release" / "all" / "all.ipynb", as_version=4)
    for learner, notebook in handed_in.items():
        write(notebook, course / "submitted" / learner / "all" / "all.ipynb")
    nbgrader(course, "autograde", "all", "--create")
    with nbgrader_api.Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        return {
            learner: {
                grade.cell.name: (grade.auto_score, grade.max_score)
                for notebook in gradebook.find_submission("all", learner).notebooks
                for grade in notebook.grades
            }
            for learner in handed_in
        }


def nbgrader(course, *arguments):
    folder = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=course,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]


@pytest.mark.notebooks
def test_every_exercise_has_a_mark_of_one_point(marks):
    assert marks["solution"].keys() == {f"check_{name}" for name in ANSWERS}
    assert {most for _, most in marks["solution"].values()} == {1.0}


@pytest.mark.notebooks
@pytest.mark.parametrize(
    ("learner", "points"), [("solution", 1.0), ("stub", 0.0), ("released", 0.0), ("wrong", 0.0), ("wronger", 0.0)]
)
def test_solutions_get_full_marks_and_nothing_else_gets_any(marks, learner, points):
    assert {name: got for name, (got, _) in marks[learner].items()} == dict.fromkeys(marks["solution"], points)


COURSE = [source for source in SOURCES if source.stem in ("00_start_here", "03_batch_and_width")]


@pytest.fixture(scope="module")
def course_of_two(tmp_path_factory):
    """Release two whole lessons and grade them for one who solved both and one who did nothing; return their points."""
    course = tmp_path_factory.mktemp("course_of_two")
    for source in COURSE:
        build.write_assignment(source, course)
        nbgrader(course, "generate_assignment", source.stem, "--create")
        released = nbformat.read(course / "release" / source.stem / f"{source.stem}.ipynb", as_version=4)
        for learner, notebook in (("solved", build.make_notebook(source, "solution")), ("idle", released)):
            write(notebook, course / "submitted" / learner / source.stem / f"{source.stem}.ipynb")
        # It gives a cell's output four seconds to come, which a busy machine may need for a figure.
        nbgrader(course, "autograde", source.stem, "--create", "--Execute.iopub_timeout=60")
    with nbgrader_api.Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        return {
            learner: {each.name: gradebook.find_submission(each.name, learner).score for each in gradebook.assignments}
            for learner in ("solved", "idle")
        }


@pytest.mark.notebooks
def test_a_course_of_two_whole_lessons_is_released_handed_in_and_graded(course_of_two):
    exercises = {source.stem: source.read_text("utf-8").count("### BEGIN SOLUTION") for source in COURSE}
    assert course_of_two == {"solved": exercises, "idle": dict.fromkeys(exercises, 0)}
