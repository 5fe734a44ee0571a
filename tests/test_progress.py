"""The learner's file: found from the folder of the course wherever a lesson lies, and how far it says they are."""

import json
import os
import shutil
from pathlib import Path

import pytest

from gpu_lessons.hardware.course import ANSWERS, DELIVERED, learners_folder
from gpu_lessons.lessons import check, compare, my_progress, progress
from gpu_lessons.lessons.progress import Progress, progress_here

IN_MEMORY = "your answers are kept only until this kernel stops."


@pytest.fixture(autouse=True)
def live(monkeypatch, tmp_path):
    """Start each test as a fresh kernel with widgets, in an empty folder."""
    monkeypatch.setattr(progress, "_opened", {})
    monkeypatch.setenv("GPU_LESSONS_DISPLAY", "live")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def mine(tmp_path):
    """Return a folder that the course has filled."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / DELIVERED).write_text("{}")
    (folder / "03_batch_and_width.ipynb").write_text("{}")
    return folder


def answer(value=1.0):
    progress_here().remember("guesses", "03-bus", {"value": value})
    return progress_here().take_note()


def kept(folder):
    return json.loads((folder / ANSWERS).read_text())["guesses"]["03-bus"]["value"]


def kept_aside(folder):
    return [path.read_text() for path in folder.glob("my_course.*.json")]


@pytest.mark.parametrize("place", [".", "solutions", "drafts/of/today"])
def test_a_lesson_anywhere_in_the_learners_folder_keeps_its_answers_there(mine, monkeypatch, place):
    (mine / place).mkdir(parents=True, exist_ok=True)
    (mine / "03_batch_and_width.ipynb").rename(mine / place / "Lesson three, my copy.ipynb")
    monkeypatch.chdir(mine / place)
    assert answer() == ""
    assert kept(mine) == 1.0


def test_a_folder_that_holds_answers_is_a_learners_folder(tmp_path, monkeypatch):
    (tmp_path / ANSWERS).write_text('{"schema": 1}')
    (tmp_path / "week 1").mkdir()
    monkeypatch.chdir(tmp_path / "week 1")
    answer()
    assert kept(tmp_path) == 1.0


def test_a_lesson_copied_by_hand_keeps_its_answers_beside_it(tmp_path):
    (tmp_path / "00_start_here.ipynb").write_text("{}")
    answer()
    assert kept(tmp_path) == 1.0


def test_elsewhere_answers_stay_in_memory_and_that_is_said_once(tmp_path):
    said = f"{tmp_path} is no folder of the course (gpu-lessons lab DIR makes one), so {IN_MEMORY}"
    assert answer() == said
    assert answer() == ""
    assert progress_here().recall("guesses", "03-bus") == {"value": 1.0}
    assert list(tmp_path.iterdir()) == []


def test_a_cell_that_goes_elsewhere_takes_no_answers_along(mine, tmp_path, monkeypatch):
    monkeypatch.chdir(mine)
    answer(1.0)
    monkeypatch.chdir(tmp_path)
    assert answer(2.0) == ""
    assert kept(mine) == 2.0


def test_a_folder_removed_under_the_kernel_is_said(mine, monkeypatch):
    monkeypatch.chdir(mine)
    shutil.rmtree(mine)
    assert learners_folder() is None
    assert answer() == f"The folder of this lesson is no longer there, so {IN_MEMORY}"
    assert progress_here().recall("guesses", "03-bus") == {"value": 1.0}


def test_a_folder_removed_after_an_answer_is_said_and_the_next_is_kept_in_memory(mine, monkeypatch):
    monkeypatch.chdir(mine)
    answer(1.0)
    shutil.rmtree(mine)
    assert answer(2.0) == f"my_course.json cannot be written here (No such file or directory); {IN_MEMORY}"
    assert progress_here().recall("guesses", "03-bus") == {"value": 2.0}


@pytest.mark.parametrize("there", [True, False], ids=["to a file", "to a name"])
def test_a_file_that_is_a_link_is_written_through_it(mine, tmp_path, monkeypatch, there):
    elsewhere = tmp_path / "kept in step.json"
    if there:
        elsewhere.write_text('{"schema": 1, "claims": {"bus": {"belief": "true"}}}')
    (mine / ANSWERS).symlink_to(elsewhere)
    monkeypatch.chdir(mine)
    assert answer() == ""
    assert (mine / ANSWERS).is_symlink()
    assert kept(tmp_path / "mine") == 1.0
    assert ("claims" in json.loads(elsewhere.read_text())) == there


def test_a_folder_reached_through_a_link_is_the_same_folder(mine, tmp_path, monkeypatch):
    (tmp_path / "course").symlink_to(mine)
    monkeypatch.chdir(tmp_path / "course")
    assert answer() == ""
    assert kept(mine) == 1.0


def test_a_link_that_turns_in_a_circle_is_said(mine, monkeypatch):
    (mine / ANSWERS).symlink_to(mine / ANSWERS)
    monkeypatch.chdir(mine)
    assert answer() == f"my_course.json is left untouched because it is not a file; {IN_MEMORY}"


def test_a_file_that_may_not_be_read_is_called_just_that(mine, monkeypatch):
    file = mine / ANSWERS
    file.write_text('{"schema": 1, "claims": {"bus": {"belief": "true"}}}')
    before = file.read_bytes()
    if os.geteuid() == 0:  # whom no permission stops

        def refuse(*_, **__):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", refuse)
    else:
        file.chmod(0)
    monkeypatch.chdir(mine)
    assert answer() == f"my_course.json cannot be read (Permission denied); {IN_MEMORY}"
    monkeypatch.undo()
    file.chmod(0o600)
    assert file.read_bytes() == before


# How far the learner is


@check(hints=("Twice.",))
def check_waves(double):
    compare(double, (2.0,), expected=4.0)
    return "Right for two."


def of(found, lesson):
    return next(each for each in found.lessons if each.lesson == lesson)


def test_nothing_is_done_at_first_and_every_lesson_is_there(mine, monkeypatch):
    monkeypatch.chdir(mine)
    found = my_progress()
    shipped = sorted((Path(__file__).parents[1] / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    assert [each.lesson for each in found.lessons] == [path.stem for path in shipped]
    assert not any(any({**each.predictions, **each.exercises}.values()) for each in found.lessons)
    assert all(each.predictions and each.exercises for each in found.lessons)
    assert found.claims_rated == 0


def test_what_a_lesson_asks_and_sets_is_known_by_its_own_names_in_the_order_of_the_page():
    lesson = of(my_progress(), "03_batch_and_width")
    asked = list(lesson.predictions)
    assert asked[0] == "03-speedup"
    assert asked.index("03-bus") < asked.index("03-batch") < asked.index("03-error")
    assert list(lesson.exercises) == ["break_even_batch", "speedup_with_bus"]


def test_a_prediction_a_choice_a_rating_and_a_right_answer_count(mine, monkeypatch):
    monkeypatch.chdir(mine)
    progress_here().remember("guesses", "04-peak", {"value": 3.0})
    progress_here().remember("choices", "04-branch", {"value": "Yes."})
    progress_here().remember("claims", "bus", {"belief": "true", "confidence": None})
    progress_here().remember("claims", "clock", {"belief": None, "confidence": "certain"})
    assert check_waves(lambda x: 2 * x).outcome == "right"
    for found in (my_progress(), my_progress(mine)):
        lesson = of(found, "04_inside_the_gpu")
        assert [name for name, done in lesson.predictions.items() if done] == ["04-peak", "04-branch"]
        assert lesson.exercises == {"waves": True, "next_stair": False}
        assert found.claims_rated == 1


@pytest.mark.parametrize("wrong", [lambda x: x, lambda x: None, ...])
def test_an_exercise_that_is_not_right_is_not_done(mine, monkeypatch, wrong):
    monkeypatch.chdir(mine)
    check_waves(wrong)
    assert not of(my_progress(), "04_inside_the_gpu").exercises["waves"]


def test_an_exercise_once_right_stays_done(mine, monkeypatch):
    monkeypatch.chdir(mine)
    check_waves(lambda x: 2 * x)
    assert check_waves(lambda x: x).outcome == "wrong"
    assert of(my_progress(), "04_inside_the_gpu").exercises["waves"]


def test_a_right_answer_that_cannot_be_kept_says_so_in_its_verdict(tmp_path):
    assert check_waves(lambda x: 2 * x).message.startswith(f"Right for two. {tmp_path} is no folder of the course")
    assert check_waves(lambda x: 2 * x).message == "Right for two."


def test_the_table_says_what_is_still_to_do(mine, monkeypatch):
    monkeypatch.chdir(mine)
    lines = repr(my_progress()).splitlines()
    assert lines[0].split() == ["Lesson", "Predictions", "Exercises", "Still", "to", "do"]
    assert lines[1].endswith("all of it")
    asked = of(my_progress(), "03_batch_and_width").predictions
    for key in asked:
        shelf = "choices" if key == "03-one-sample" else "guesses"
        progress_here().remember(shelf, key, {"value": 1.0})
    progress_here().remember("exercises", "break_even_batch", {"outcome": "right"})
    said = of(my_progress(), "03_batch_and_width").row()
    assert said == ("03_batch_and_width", f"{len(asked)} of {len(asked)}", "1 of 2", "speedup_with_bus")
    progress_here().remember("exercises", "speedup_with_bus", {"outcome": "right"})
    assert of(my_progress(), "03_batch_and_width").row()[-1] == "nothing"


def test_the_table_in_a_notebook_says_the_same_and_links_to_the_lessons():
    found = my_progress()
    shown = found._repr_html_()
    assert f'<a href="{found.lessons[1].lesson}.ipynb">' in shown
    assert all(f">{text}</td>" in shown for lesson in found.lessons for text in lesson.row()[1:])
    assert "Claims rated: 0 of 9." in shown


def test_a_file_that_cannot_be_used_is_said_below_the_table(mine):
    (mine / ANSWERS).write_text("{")
    assert repr(my_progress(mine)).endswith("because it is not readable JSON; a fresh one is begun.")
    assert kept_aside(mine) == ["{"]
    (mine / ANSWERS).unlink()
    (mine / ANSWERS).mkdir()
    assert repr(my_progress(mine)).endswith(f"left untouched because it is not a file; {IN_MEMORY}")


def test_a_static_display_shows_nothing_done_whatever_the_learner_has_on_disk(mine, monkeypatch):
    Progress(mine / ANSWERS).remember("guesses", "04-peak", {"value": 3.0})
    monkeypatch.chdir(mine)
    monkeypatch.setenv("GPU_LESSONS_DISPLAY", "static")
    assert not any(of(my_progress(), "04_inside_the_gpu").predictions.values())
