"""The learner's own folder: filled, brought up to date, opened; and nothing that they did is lost."""

import json
import os
import re
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest

from gpu_lessons import cli, lab
from gpu_lessons.delivery import deliver
from gpu_lessons.hardware.course import ANSWERS, DELIVERED, course_root
from gpu_lessons.lab import CannotOpenError, fill_folder, usual_folder

ONE, TWO, README, SOLUTION = "01_one.ipynb", "02_two.ipynb", "README.md", "solutions/01_one.ipynb"
BESIDE = "What you have worked in stays as it is; the newer version lies beside it: "


def notebook(code, outputs=()):
    cells = [nbformat.v4.new_markdown_cell("# A lesson", id="title"), nbformat.v4.new_code_cell(code, id="code")]
    cells[1].outputs = list(outputs)
    return nbformat.v4.new_notebook(cells=cells)


def printed(text):
    return nbformat.v4.new_output("stream", name="stdout", text=text)


def figure(number, **more):
    data = {"application/vnd.vegalite.v5+json": {"at": number}, "text/plain": "84 times faster"}
    return nbformat.v4.new_output("execute_result", data=data | more, execution_count=3)


WIDGET = {"application/vnd.jupyter.widget-view+json": {"model_id": "a" * 32}}


def write(folder, name, code, outputs=()):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code if path.suffix == ".md" else nbformat.writes(notebook(code, outputs)))


def code_of(path):
    return nbformat.read(path, as_version=4).cells[1].source


@pytest.fixture
def root(tmp_path):
    """Return a course as it lies in an installed wheel, and the workshop of a clone, which is nobody's lesson."""
    root = tmp_path / "course"
    for name, text in {ONE: "1", TWO: "2", SOLUTION: "one"}.items():
        write(root / "notebooks", name, text, [printed("as shipped\n"), figure(1.0)])
    (root / "notebooks" / README).write_text("map")
    (root / "notebooks" / "source").mkdir()
    for name in ("build.py", "source/01_one.py", "draft.ipynb"):
        (root / "notebooks" / name).write_text("")
    return root


@pytest.fixture
def shipped(root):
    return root / "notebooks"


@pytest.fixture
def mine(shipped, tmp_path):
    """Return a learner's folder after its first delivery."""
    folder = tmp_path / "mine"
    assert deliver(shipped, folder) == []
    return folder


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_new_folder_gets_lessons_solutions_and_the_map_and_not_their_workshop(mine):
    assert files(mine) == {ONE, TWO, README, SOLUTION, DELIVERED}
    assert (mine / "recordings").is_dir()


def test_a_second_start_changes_nothing_and_says_nothing(shipped, mine):
    before = {path: path.stat().st_mtime_ns for path in mine.rglob("*")}
    assert deliver(shipped, mine) == []
    assert {path: path.stat().st_mtime_ns for path in mine.rglob("*")} == before


def test_an_untouched_lesson_is_refreshed_a_touched_one_is_left_and_a_new_one_is_added(shipped, mine):
    write(mine, TWO, "my own answer")
    before = (mine / TWO).read_bytes()
    for name in (ONE, TWO, "03_three.ipynb"):
        write(shipped, name, f"newer {name}")
    assert deliver(shipped, mine) == [
        "New: 03_three.ipynb.",
        "Brought up to date: 01_one.ipynb.",
        f"{BESIDE}02_two.newer.ipynb.",
    ]
    assert code_of(mine / ONE) == f"newer {ONE}"
    assert (mine / TWO).read_bytes() == before
    assert code_of(mine / "02_two.newer.ipynb") == f"newer {TWO}"
    assert code_of(mine / "03_three.ipynb") == "newer 03_three.ipynb"
    assert deliver(shipped, mine) == []


def test_a_touched_lesson_gets_nothing_beside_it_while_there_is_nothing_newer(shipped, mine):
    write(mine, ONE, "my own answer")
    assert deliver(shipped, mine) == []
    assert files(mine) == {ONE, TWO, README, SOLUTION, DELIVERED}


def test_touched_solutions_and_a_touched_map_are_left_too(shipped, mine):
    for name in (SOLUTION, README):
        write(mine, name, "with my notes")
        write(shipped, name, "newer")
    assert deliver(shipped, mine) == [f"{BESIDE}README.newer.md, solutions/01_one.newer.ipynb."]
    assert code_of(mine / SOLUTION) == "with my notes"
    assert (mine / README).read_text() == "with my notes"


def test_a_newer_version_replaces_the_one_beside_it_unless_that_was_touched(shipped, mine):
    write(mine, ONE, "mine")
    write(shipped, ONE, "second")
    deliver(shipped, mine)
    write(shipped, ONE, "third")
    assert deliver(shipped, mine) == [f"{BESIDE}01_one.newer.ipynb."]
    assert code_of(mine / "01_one.newer.ipynb") == "third"
    write(mine, "01_one.newer.ipynb", "mine again")
    write(shipped, ONE, "fourth")
    assert deliver(shipped, mine) == [f"{BESIDE}01_one.newer-2.ipynb."]
    assert deliver(shipped, mine) == []
    assert [code_of(mine / f"01_one{each}.ipynb") for each in ("", ".newer", ".newer-2")] == [
        "mine",
        "mine again",
        "fourth",
    ]


def test_a_newer_version_that_was_thrown_away_does_not_come_back_until_there_is_one_newer_still(shipped, mine):
    write(mine, ONE, "mine")
    write(shipped, ONE, "second")
    deliver(shipped, mine)
    (mine / "01_one.newer.ipynb").unlink()
    assert deliver(shipped, mine) == []
    write(shipped, ONE, "third")
    assert deliver(shipped, mine) == [f"{BESIDE}01_one.newer.ipynb."]


def test_a_newer_version_taken_over_by_the_learner_is_refreshed_from_then_on(shipped, mine):
    write(mine, ONE, "mine")
    write(shipped, ONE, "second")
    deliver(shipped, mine)
    (mine / "01_one.newer.ipynb").replace(mine / ONE)
    assert deliver(shipped, mine) == []
    write(shipped, ONE, "third")
    assert deliver(shipped, mine) == ["Brought up to date: 01_one.ipynb."]


def test_a_lesson_thrown_away_comes_back_as_it_ships(shipped, mine):
    write(mine, ONE, "mine")
    deliver(shipped, mine)
    (mine / ONE).unlink()
    assert deliver(shipped, mine) == ["New: 01_one.ipynb."]
    assert code_of(mine / ONE) == "1"


@pytest.mark.parametrize(
    "outputs",
    [
        pytest.param([printed("as shipped\n"), figure(1)], id="JupyterLab writes 1.0 as 1"),
        pytest.param([printed(["as ", "shipped\n"]), figure(1.0, **WIDGET)], id="lines and a widget"),
    ],
)
def test_a_lesson_that_was_only_opened_and_saved_is_refreshed(shipped, mine, outputs):
    saved = notebook("1", outputs)
    saved.metadata["language_info"] = {"name": "python", "version": "3.13"}
    saved.cells[1].execution_count = 7
    (mine / ONE).write_text(json.dumps(saved))
    write(shipped, ONE, "newer")
    assert deliver(shipped, mine) == ["Brought up to date: 01_one.ipynb."]


@pytest.mark.parametrize(
    "outputs",
    [[], [printed("measured: 3 ms\n"), figure(1.0)], [printed("as shipped\n"), figure(1.5)]],
    ids=["cleared", "measured", "another figure"],
)
def test_a_lesson_that_was_run_keeps_what_it_showed(shipped, mine, outputs):
    write(mine, ONE, "1", outputs)
    before = (mine / ONE).read_bytes()
    write(shipped, ONE, "newer")
    assert deliver(shipped, mine) == [f"{BESIDE}01_one.newer.ipynb."]
    assert (mine / ONE).read_bytes() == before


@pytest.mark.parametrize("content", ["", "no notebook", "[]", '{"cells": 3}', '{"cells": [1]}', "[" * 100_000])
def test_a_lesson_that_is_no_notebook_any_more_is_left_alone(shipped, mine, content):
    (mine / ONE).write_text(content)
    write(shipped, ONE, "newer")
    assert deliver(shipped, mine) == [f"{BESIDE}01_one.newer.ipynb."]
    assert (mine / ONE).read_text() == content


def test_a_link_and_a_folder_in_the_place_of_a_lesson_are_left_alone(shipped, mine, tmp_path):
    elsewhere = tmp_path / "elsewhere.ipynb"
    (mine / ONE).replace(elsewhere)
    (mine / ONE).symlink_to(elsewhere)
    (mine / TWO).unlink()
    (mine / TWO).mkdir()
    for name in (ONE, TWO):
        write(shipped, name, "newer")
    deliver(shipped, mine)
    assert (mine / ONE).is_symlink()
    assert code_of(elsewhere) == "1"
    assert (mine / TWO).is_dir()
    assert code_of(mine / "01_one.newer.ipynb") == "newer"


def test_a_course_whose_own_files_are_links_is_delivered_like_any_other(shipped, tmp_path):
    for path in [*shipped.glob("*.ipynb")]:
        path.rename(tmp_path / path.name)
        path.symlink_to(tmp_path / path.name)
    deliver(shipped, tmp_path / "mine")
    assert not (tmp_path / "mine" / ONE).is_symlink()
    (tmp_path / ONE).write_text(nbformat.writes(notebook("newer")))
    assert deliver(shipped, tmp_path / "mine") == ["Brought up to date: 01_one.ipynb."]


def test_a_folder_filled_before_records_were_kept_loses_nothing(shipped, mine):
    (mine / DELIVERED).unlink()
    write(mine, TWO, "mine")
    assert deliver(shipped, mine) == [f"{BESIDE}02_two.newer.ipynb."]
    write(shipped, ONE, "newer")
    assert deliver(shipped, mine) == ["Brought up to date: 01_one.ipynb."]
    assert code_of(mine / TWO) == "mine"


@pytest.mark.parametrize("content", ["", "[]", '{"schema": 2, "files": {}}', '{"schema": 1, "files": []}', "\0"])
def test_a_damaged_record_counts_as_none(shipped, mine, content):
    (mine / DELIVERED).write_text(content)
    write(mine, ONE, "mine")
    write(shipped, ONE, "newer")
    assert deliver(shipped, mine) == [f"{BESIDE}01_one.newer.ipynb."]
    assert code_of(mine / ONE) == "mine"


def test_answers_and_recordings_are_never_touched(shipped, mine):
    (mine / ANSWERS).write_text("mine")
    (mine / "recordings" / "my-laptop.json").write_text("mine")
    (shipped / ANSWERS).write_text("of someone else")
    write(shipped, ONE, "newer")
    deliver(shipped, mine)
    assert (mine / ANSWERS).read_text() == (mine / "recordings" / "my-laptop.json").read_text() == "mine"


def test_a_copy_cut_short_leaves_the_old_file_and_nothing_half(shipped, mine, monkeypatch):
    before = (mine / ONE).read_bytes()
    write(shipped, ONE, "newer")

    def stops_half_way(path, content):
        with path.open("wb") as file:
            file.write(content[:5])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", stops_half_way)
    with pytest.raises(OSError, match="No space left"):
        deliver(shipped, mine)
    assert (mine / ONE).read_bytes() == before
    assert files(mine) == {ONE, TWO, README, SOLUTION, DELIVERED}


# Which folder


@pytest.fixture
def clone(root):
    """Return the same course in a clone of the repository."""
    (root / "pyproject.toml").write_text("")
    return root


def test_in_a_clone_the_usual_folder_lies_in_it_wherever_the_command_is_given(clone, tmp_path, monkeypatch):
    for here in (clone, clone / "notebooks", tmp_path):
        monkeypatch.chdir(here)
        assert usual_folder(clone) == clone / "my_course"


def test_from_a_wheel_the_usual_folder_lies_in_the_current_one(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own, told = fill_folder(None, root)
    assert own == tmp_path / "my_course"
    assert told == []
    assert (own / ONE).is_file()


def test_inside_a_learners_folder_that_one_is_meant(root, clone, mine, monkeypatch):
    for here in (mine, mine / "solutions", mine / "recordings"):
        monkeypatch.chdir(here)
        assert usual_folder(clone) == mine


def test_answers_given_in_the_clone_before_there_was_a_folder_come_along_once(clone):
    (clone / "notebooks" / ANSWERS).write_text("earlier")
    own, _ = fill_folder(clone / "my_course", clone)
    assert (own / ANSWERS).read_text() == "earlier"
    (own / ANSWERS).write_text("mine")
    fill_folder(clone / "my_course", clone)
    assert (own / ANSWERS).read_text() == "mine"


def test_answers_of_the_clone_are_not_handed_to_whoever_gets_another_folder(clone, tmp_path):
    (clone / "notebooks" / ANSWERS).write_text("earlier")
    own, _ = fill_folder(tmp_path / "for a class", clone)
    assert not (own / ANSWERS).exists()


def test_the_courses_own_notebooks_open_in_place_with_a_word_of_warning(clone):
    before = files(clone)
    own, told = fill_folder(clone / "notebooks", clone)
    assert own == clone / "notebooks"
    assert told == ["That is the course itself, not a copy: what you save there changes it."]
    assert files(clone) == before


def test_the_repository_is_no_learners_folder(clone):
    before = files(clone)
    with pytest.raises(CannotOpenError, match=r"is the repository; name a folder of your own, such as .*my_course"):
        fill_folder(clone, clone)
    assert files(clone) == before


@pytest.mark.parametrize("place", ["a file", "a file/mine", "gone"])
def test_a_folder_that_cannot_be_filled_is_one_sentence_that_says_what_to_do(root, tmp_path, place):
    (tmp_path / "a file").write_text("")
    (tmp_path / "gone").symlink_to("/proc/nowhere")
    with pytest.raises(CannotOpenError, match=rf"cannot be copied to .*{place}: .*; name a folder that you can write"):
        fill_folder(tmp_path / place, root)


def test_a_current_folder_that_was_removed_is_one_sentence(root, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "here").rmdir()
    with pytest.raises(CannotOpenError, match="cannot be copied to my_course: No such file or directory"):
        fill_folder(None, root)


# The commands


@pytest.fixture
def started(monkeypatch, root):
    arguments = []
    monkeypatch.setattr(lab, "_start_jupyterlab", arguments.extend)
    monkeypatch.setattr(lab, "course_root", lambda: root)
    return arguments


def test_the_folder_is_named_before_jupyterlab_starts_and_one_line_says_what_lies_beside(
    started, shipped, mine, capsys
):
    write(mine, ONE, "mine")
    write(shipped, ONE, "newer")
    assert cli.main(["lab", str(mine), "--no-browser"]) == 0
    assert capsys.readouterr().out == f"Your course is in {mine}.\n{BESIDE}01_one.newer.ipynb.\n"
    assert f"--ServerApp.root_dir={mine}" in started


def test_progress_says_how_far_the_learner_of_a_folder_is(mine, capsys):
    (mine / ANSWERS).write_text('{"schema": 1, "guesses": {"03-bus": {"value": 3.0}}}')
    assert cli.main(["progress", str(mine)]) == 0
    assert re.search(r"^03_batch_and_width +1 of \d", capsys.readouterr().out, re.MULTILINE)


@pytest.mark.parametrize("command", ["progress", "reset"])
def test_a_folder_that_is_not_there_is_one_sentence(tmp_path, capsys, command):
    assert cli.main([command, str(tmp_path / "none")]) == 2
    said = capsys.readouterr().err
    assert said == f"gpu-lessons: there is no course in {tmp_path / 'none'}; gpu-lessons lab makes one\n"


@pytest.fixture
def answered(mine):
    (mine / ANSWERS).write_text("answers")
    return mine


def kept(folder):
    return sorted(path.name for path in folder.glob("my_course.*") if path.read_text() == "answers")


@pytest.mark.parametrize("typed", ["n", "", "what", EOFError], ids=str)
def test_reset_asks_first_and_takes_anything_but_yes_for_no(answered, monkeypatch, capsys, typed):
    asked = []

    def reply(question):
        asked.append(question)
        if typed is EOFError:
            raise EOFError
        return typed

    monkeypatch.setattr("builtins.input", reply)
    assert cli.main(["reset", str(answered)]) == 0
    assert str(answered / ANSWERS) in asked[0]
    assert "Nothing was changed." in capsys.readouterr().out
    assert kept(answered) == [ANSWERS]


def test_reset_keeps_every_old_file_under_a_name_of_its_own(answered, monkeypatch, capsys):
    monkeypatch.setattr("builtins.input", lambda _: "y")
    assert cli.main(["reset", str(answered)]) == 0
    [first] = kept(answered)
    assert re.fullmatch(r"my_course\.\d{4}-\d\d-\d\d\.json", first)
    assert f"Your old answers are now in {answered / first}." in capsys.readouterr().out
    (answered / ANSWERS).write_text("answers")
    assert cli.main(["reset", "--yes", str(answered)]) == 0
    assert kept(answered) == sorted([first, first.replace(".json", "-2.json")])
    assert {ONE, TWO, README, SOLUTION} <= files(answered)


def test_reset_without_answers_says_so(mine, capsys):
    assert cli.main(["reset", "--yes", str(mine)]) == 0
    assert capsys.readouterr().out == f"There are no answers in {mine}, so there is nothing to put aside.\n"


def test_answers_that_cannot_be_put_aside_stay_and_are_one_sentence(answered, monkeypatch, capsys):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    assert cli.main(["reset", "--yes", str(answered)]) == 2
    assert capsys.readouterr().err == f"gpu-lessons: {answered / ANSWERS} cannot be put aside: Permission denied\n"
    assert os.path.lexists(answered / ANSWERS)


def test_solutions_stay_with_the_teacher_until_they_are_handed_out(shipped, tmp_path):
    for_class = tmp_path / "for a class"
    assert deliver(shipped, for_class, solutions=False) == []
    assert (for_class / ONE).is_file()
    assert not (for_class / SOLUTION).exists()
    write(for_class, ONE, "mine")
    assert deliver(shipped, for_class) == [f"New: {SOLUTION}."]
    assert code_of(for_class / ONE) == "mine"


@pytest.mark.parametrize("solutions", [True, False])
def test_a_course_is_delivered_by_a_command_that_opens_nothing(tmp_path, capsys, solutions):
    own = tmp_path / "mine"
    assert cli.main(["deliver", str(own), *([] if solutions else ["--no-solutions"])]) == 0
    assert capsys.readouterr().out == f"The course is in {own}.\n"
    assert (own / "solutions").is_dir() == solutions
    assert cli.main(["deliver", str(course_root())]) == 2
    assert "is the repository; name a folder of your own" in capsys.readouterr().err


def test_every_link_between_files_leads_to_a_file_that_is_delivered(tmp_path):
    deliver(course_root() / "notebooks", tmp_path)
    for path in [*tmp_path.glob("*.ipynb"), *tmp_path.glob("solutions/*.ipynb")]:
        text = "\n".join(
            cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"
        )
        links = {unquote(link) for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in link}
        assert links
        missing = {link for link in links if not (path.parent / link).is_file()}
        assert missing == set(), path.name
