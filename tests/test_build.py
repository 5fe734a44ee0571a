"""notebooks/build.py over tiny sources: what it makes, what it refuses, and one lesson that is executed."""

import importlib.util
import json
from pathlib import Path

import nbformat
import pytest

SPEC = importlib.util.spec_from_file_location(
    "notebooks_build", Path(__file__).parent.parent / "notebooks" / "build.py"
)
build = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(build)

LESSON = '''\
# %% [markdown] slideshow={"slide_type": "slide"}
# # A tiny lesson
#
# [Next](01_next.ipynb), [map](README.md), [home](../README.md#start), [web](https://example.org/a),
# ![figure](images/one.png), [answers](solutions/00_tiny.ipynb)

# %% tags=["setup"]
print("static display")

# %% tags=["exercise"]
def double(x):
    """Return two times x."""
    ### BEGIN SOLUTION
    y = 2 * x
    return y
    ### END SOLUTION

# %% tags=["check"]
double(4)

# %% tags=["exercise"]
### BEGIN SOLUTION: total = ...  # the sum of 1, 2, 3
total = 6
### END SOLUTION
print(total)

# %% [markdown] tags=["solution"]
# Twice a number is the number plus itself.

# %% tags=["measures"]
import time; time.perf_counter()

# %% tags=["reveal"]
print("the answer")

# %%
print("again")

# %%
print("again")
'''


@pytest.fixture
def lesson(tmp_path):
    """Return a function that writes a source into a notebooks folder of its own and returns its path."""

    def write(text, name="00_tiny.py"):
        path = tmp_path / "notebooks" / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def cells(source, version):
    return build.make_notebook(source, version).cells


def test_the_learner_gets_dots_where_the_solution_stood(lesson):
    learner = cells(lesson(LESSON), "learner")
    assert learner[2].source == 'def double(x):\n    """Return two times x."""\n    ...'


def test_the_solution_version_keeps_the_solution_and_loses_the_markers(lesson):
    solution = cells(lesson(LESSON), "solution")
    assert solution[2].source == 'def double(x):\n    """Return two times x."""\n    y = 2 * x\n    return y'


def test_the_text_after_the_marker_is_the_stub(lesson):
    learner = cells(lesson(LESSON), "learner")
    assert learner[4].source == "total = ...  # the sum of 1, 2, 3\nprint(total)"


def test_solution_cells_are_only_in_the_solution_version(lesson):
    source = lesson(LESSON)
    learner, solution = cells(source, "learner"), cells(source, "solution")
    assert len(solution) == len(learner) + 1
    assert not any("solution" in cell.metadata.get("tags", []) for cell in learner)
    assert any("number plus itself" in cell.source for cell in solution)


def test_links_still_work_one_folder_deeper(lesson):
    source = lesson(LESSON)
    learner, solution = cells(source, "learner")[0].source, cells(source, "solution")[0].source
    assert "[map](README.md)" in learner
    assert "[Next](01_next.ipynb)" in solution
    assert "[map](../README.md)" in solution
    assert "[home](../../README.md#start)" in solution
    assert "[web](https://example.org/a)" in solution
    assert "![figure](../images/one.png)" in solution
    assert "[answers](00_tiny.ipynb)" in solution


def test_a_cell_has_one_id_in_both_versions_and_no_two_cells_share_one(lesson):
    source = lesson(LESSON)
    learner, solution = cells(source, "learner"), cells(source, "solution")
    assert {cell.id for cell in learner} < {cell.id for cell in solution}
    assert len({cell.id for cell in solution}) == len(solution)
    assert learner[-1].source == learner[-2].source


def test_ids_do_not_change_when_another_cell_does(lesson):
    before = [cell.id for cell in cells(lesson(LESSON), "learner")]
    after = [cell.id for cell in cells(lesson(LESSON.replace("the answer", "an answer")), "learner")]
    assert [old == new for old, new in zip(before, after, strict=True)].count(False) == 1


def test_tags_and_slides_are_kept_and_measuring_cells_are_not_compared(lesson):
    source = lesson(LESSON)
    learner = cells(source, "learner")
    assert learner[0].metadata == {"slideshow": {"slide_type": "slide"}}
    assert learner[5].metadata == {"tags": ["measures", "nbval-ignore-output"]}


def test_a_saved_answer_is_folded_away_for_the_learner_only(lesson):
    source = lesson(LESSON)
    revealed = [cell for cell in cells(source, "learner") if "reveal" in cell.metadata.get("tags", [])]
    assert [cell.metadata["jupyter"] for cell in revealed] == [{"outputs_hidden": True}]
    assert not any("jupyter" in cell.metadata for cell in cells(source, "solution"))


GRADED = {"grade": True, "locked": True, "points": 1, "schema_version": 3, "solution": False, "task": False}
FILLED_IN = {"grade": False, "locked": False, "schema_version": 3, "solution": True, "task": False}


@pytest.mark.parametrize("version", ["learner", "solution", "nbgrader"])
def test_exercises_and_checks_carry_what_nbgrader_reads(lesson, version):
    graded = [cell.metadata["nbgrader"] for cell in cells(lesson(LESSON), version) if "nbgrader" in cell.metadata]
    assert graded == [
        FILLED_IN | {"grade_id": "double"},
        GRADED | {"grade_id": "check_double"},
        FILLED_IN | {"grade_id": "total"},
    ]


def test_nbgrader_gets_the_solutions_between_their_markers_and_nothing_is_run(lesson, tmp_path):
    source = lesson(LESSON)
    assert build.main(["--nbgrader", str(tmp_path / "course")], source.parent.parent) == 0
    path = tmp_path / "course" / "source" / "00_tiny" / "00_tiny.ipynb"
    written = nbformat.read(path, as_version=4).cells
    assert written[2].source.splitlines()[2:] == [
        "    ### BEGIN SOLUTION",
        "    y = 2 * x",
        "    return y",
        "    ### END SOLUTION",
    ]
    assert written[4].source == "### BEGIN SOLUTION\ntotal = 6\n### END SOLUTION\nprint(total)"
    assert not any(cell.get("outputs") for cell in written)
    assert sorted(path.name for path in source.parent.parent.iterdir()) == ["source"]


def test_two_exercises_of_one_name_are_refused(lesson):
    twice = (
        LESSON
        + '\n# %% tags=["exercise"]\ndef double(x):\n    ### BEGIN SOLUTION\n    return 4\n    ### END SOLUTION\n'
    )
    with pytest.raises(build.BuildError, match="line 10: there are two cells for the grade double"):
        build.read_source(lesson(twice))


def with_cell(cell):
    return f"# %% [markdown]\n# # Title\n\n{cell}\n"


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ('# %% tags=["excercise"]\nx = 1', "00_tiny.py, line 4: unknown tag 'excercise'"),
        ('# %% tags=["exercise"]\nx = 1', "00_tiny.py, line 4: an exercise needs ### BEGIN SOLUTION"),
        ("# %%\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION", "line 4: .* must be a code cell tagged"),
        ('# %% tags=["exercise"]\nx = 1\n### BEGIN SOLUTION\nx = 2', "line 6: a marker without partner"),
        ('# %% tags=["exercise"]\n### END SOLUTION', "00_tiny.py, line 5: .*partner: ### END SOLUTION"),
        (
            '# %% tags=["exercise"]\n### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION',
            "00_tiny.py, line 6: .*partner: ### BEGIN SOLUTION",
        ),
        ('# %% tags=["exercise"]\n### BEGIN SOLUTIONS\nx = 2\n### END SOLUTION', "line 5: misspelt"),
        ('# %% editable=false\nx = 1', "line 4: a cell may have tags and slideshow, not editable"),
        ("# %% [raw]\n# x", r"line 4: a cell is code or \[markdown\], not \[raw\]"),
        ('# %%\ntext = """\n# %%\n"""', "3 lines start with # %% but 2 cells were read"),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_refused_with_file_and_line(lesson, cell, message):
    with pytest.raises(build.BuildError, match=message):
        build.read_source(lesson(with_cell(cell)))


def test_code_before_the_first_cell_is_refused(lesson):
    with pytest.raises(build.BuildError, match="nothing may stand before the first"):
        build.read_source(lesson("x = 1\n\n# %%\ny = 2\n"))


def test_a_name_without_a_lesson_number_is_refused(lesson):
    with pytest.raises(build.BuildError, match="the name must look like"):
        build.read_source(lesson(LESSON, "00_Tiny.py"))


def test_lessons_are_chosen_by_number(lesson):
    first, last = lesson(LESSON), lesson(LESSON, "10_last.py")
    notebooks = first.parent.parent
    assert build.lesson_sources((), notebooks) == [first, last]
    assert build.lesson_sources(["10"], notebooks) == [last]
    assert build.lesson_sources(["0"], notebooks) == [first]
    with pytest.raises(build.BuildError, match="no lesson 11 in source/; there are 00, 10"):
        build.lesson_sources(["11"], notebooks)


def test_the_glossary_is_built_after_the_lessons_and_chosen_by_its_name(lesson):
    first, glossary = lesson(LESSON), lesson(LESSON, "glossary.py")
    assert build.lesson_sources((), first.parent.parent) == [first, glossary]
    assert build.lesson_sources(["glossary"], first.parent.parent) == [glossary]
    assert build.read_source(glossary)


def test_two_lessons_with_one_number_are_refused(lesson):
    lesson(LESSON, "00_other.py")
    with pytest.raises(build.BuildError, match=r"one lesson a number, got .*00_other.py.*00_tiny.py"):
        build.lesson_sources((), lesson(LESSON).parent.parent)


def write_unexecuted(source):
    for version in build.VERSIONS:
        build.write_notebook(build.make_notebook(source, version), build.notebook_path(source, version))


def test_check_passes_on_what_was_just_written_and_fails_after_any_edit(lesson, capsys):
    source = lesson(LESSON)
    notebooks = source.parent.parent
    write_unexecuted(source)
    assert build.main(["--check"], notebooks) == 0
    source.write_text(LESSON.replace("the answer", "another answer"))
    assert build.main(["--check"], notebooks) == 1
    assert "the learner version of 00_tiny differs in cell 7: its source" in capsys.readouterr().out


def test_check_names_a_changed_tag_a_missing_cell_and_a_missing_version(lesson):
    source = lesson(LESSON)
    write_unexecuted(source)
    source.write_text(LESSON.replace('tags=["check"]', 'tags=["explorer"]'))
    assert "differs in cell 4: its metadata" in build.difference(source, "learner")
    source.write_text(LESSON + "\n# %%\nmore = 1\n")
    assert "has 9 cells instead of 10" in build.difference(source, "learner")
    build.notebook_path(source, "solution").unlink()
    assert build.difference(source, "solution") == "the solution version of 00_tiny is missing"


def test_check_names_a_notebook_without_source(lesson):
    source = lesson(LESSON)
    write_unexecuted(source)
    (source.parent.parent / "solutions" / "09_gone.ipynb").write_text("{}")
    assert build.first_difference([source]) == "09_gone.ipynb has no source"


def test_written_files_are_json_with_one_blank_of_indent_and_a_last_newline(lesson):
    source = lesson(LESSON)
    write_unexecuted(source)
    text = build.notebook_path(source, "learner").read_text(encoding="utf-8")
    assert text.startswith('{\n "cells": [\n  {\n')
    assert text.endswith("}\n")
    assert not text.endswith("\n\n")
    folder = source.parent.parent
    assert sorted(path.name for path in folder.iterdir()) == ["00_tiny.ipynb", "solutions", "source"]


def test_a_notebook_over_one_megabyte_is_refused_and_not_written(lesson):
    source = lesson(LESSON + f"\n# %%\nx = '{'a' * 1_000_000}'\n")
    with pytest.raises(build.BuildError, match=r"00_tiny.ipynb: 1,00\d,\d\d\d bytes, and 1,000,000 are allowed"):
        write_unexecuted(source)
    assert not build.notebook_path(source, "learner").exists()


@pytest.mark.parametrize(
    "text",
    [
        "/home/ada/x.py",
        "in /root/x",
        "/tmp/ipykernel_71/12.py:3: Warning",
        "C:\\Users\\ada\\x",
        str(build.REPOSITORY),
    ],
)
def test_paths_of_a_machine_are_found_wherever_they_stand_in_an_output(text):
    outputs = [{"output_type": "execute_result", "data": {"text/plain": "1", "x/json": {"a": ["b", text]}}}]
    assert build.machine_paths(outputs)


def test_pictures_and_web_addresses_are_no_paths_of_a_machine():
    data = {"image/png": "iVBOR/root/home/tmp/", "text/plain": "https://example.org/home/x and data/machines"}
    assert build.machine_paths([{"data": data}]) == []


@pytest.mark.notebooks
def test_a_lesson_is_executed_without_timings_or_widgets_and_nothing_else_is_written(lesson):
    source = lesson(LESSON + "\n# %%\nimport os\nos.environ['GPU_LESSONS_DISPLAY'], open('note.txt', 'w').write('x')\n")
    build.build(source)
    notebooks = source.parent.parent
    written = sorted(str(path.relative_to(notebooks)) for path in notebooks.rglob("*") if path.is_file())
    assert written == ["00_tiny.ipynb", "solutions/00_tiny.ipynb", "source/00_tiny.py"]
    learner = nbformat.read(build.notebook_path(source, "learner"), as_version=4)
    solution = nbformat.read(build.notebook_path(source, "solution"), as_version=4)
    assert learner.cells[3].outputs == []  # the stub returns None
    assert solution.cells[3].outputs[0].data["text/plain"] == "8"
    assert learner.cells[-1].outputs[0].data["text/plain"] == "('static', 1)"
    assert learner.metadata.language_info == {"name": "python"}
    assert "execution" not in json.dumps([cell.metadata for cell in learner.cells])
    assert build.first_difference([source]) == ""


@pytest.mark.notebooks
@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("1 / 0", r"tiny, cell 2 \(1 / 0\): ZeroDivisionError: division by zero"),
        ("while True: pass", r"tiny, cell 2 \(while True: pass\): longer than 2 s"),
        ("import os; print(os.getcwd())", r"tiny, cell 2 \(import os; .*\): its output names a path here, /"),
    ],
)
def test_a_cell_that_fails_hangs_or_tells_the_machine_stops_the_build_by_name(lesson, cell, message):
    notebook = build.make_notebook(lesson(with_cell(f"# %%\n{cell}")), "learner")
    with pytest.raises(build.BuildError, match=message):
        build.execute(notebook, "tiny", timeout_s=2)


@pytest.mark.notebooks
def test_an_error_that_a_lesson_announces_is_kept(lesson):
    notebook = build.make_notebook(lesson(with_cell('# %% tags=["raises-exception"]\n1 / 0')), "learner")
    build.execute(notebook, "tiny")
    assert notebook.cells[1].outputs[0].ename == "ZeroDivisionError"
