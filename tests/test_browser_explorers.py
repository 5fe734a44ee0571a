"""The explorers of lessons 02 and 04 as a learner meets them: from disk, live by keyboard, saved, opened again."""

import os
import re
import signal
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from lab_browser import (
    JUPYTERLAB,
    LIVE_CHART,
    NOTEBOOK_7,
    NOTEBOOKS,
    STATIC_CHART,
    asked_of_kernel,
    notebook_outputs,
    run_all_cells,
    run_and_save_often,
)

from gpu_lessons.explorers.inside_the_gpu import CARDS
from gpu_lessons.explorers.tile_deals import tile_grid
from gpu_lessons.explorers.timed_calls import call_record
from gpu_lessons.hardware.machines import machine

pytestmark = pytest.mark.browser

# Where the kernel believes the slider of this name to be.
PLACES = (
    "[each.place for each in __import__('ipywidgets').widgets.widget._instances.values()"
    " if each.__class__.__name__ == 'StepSlider' and each.description == '{}']"
)


@dataclass(frozen=True)
class Lesson:
    """An explorer: the two lines that its chart must say at a point, and moves of its controls with the points after.

    A move is a control, the keys pressed on it, and the point. With every slider at its left end, the chart is at
    ``first``, and says ``sentence`` to those who do not see it.
    """

    notebook: str
    source: str
    patterns: tuple[re.Pattern, re.Pattern]
    lines: Callable[..., tuple[str, str]]
    start: tuple[int, int]
    saved_moves: tuple
    live_moves: tuple
    sliders: tuple[str, ...]
    first: tuple[int, int]
    sentence: Callable[..., str]


def timeline_sentence(batch_log2, clock):
    return call_record("nvidia-t4", 2048).sentence(batch_log2=batch_log2, clock=clock)


def tile_sentence(card, neurons):
    return tile_grid([machine(slug) for slug in CARDS]).sentence(card=card, neurons=neurons)


def timeline_lines(batch_log2, clock):
    record = call_record("nvidia-t4", 2048)
    call = record.at(batch_log2, clock)
    return record.headline(call), f"{record.second_line(call)}   ·   {record.setting(call)}"


def tile_lines(card, neurons):
    grid = tile_grid([machine(slug) for slug in CARDS])
    point = grid.at(card, neurons)
    return grid.headline(point), grid.second_line(point)


LESSONS = [
    Lesson(
        notebook="02_layer_on_gpu.ipynb",
        source="gl.explore_timeline(",
        patterns=(re.compile("^Your clock said"), re.compile(" batch .*, width ")),
        lines=timeline_lines,
        start=(10, 0),
        saved_moves=(("input[name=batch_log2_place]", ["End"], (11, 0)), ("select[name=clock]", ["End"], (11, 2))),
        # From the slider, Tab goes to the buttons, and from one to the next.
        live_moves=(
            ("batch size", ["ArrowRight"], (11, 0)),
            ("batch size", ["Tab", "Tab", "Space"], (11, 1)),
            ("batch size", ["Tab", "Tab", "Tab", "Enter"], (11, 2)),
            ("batch size", ["Tab", "Space"], (11, 0)),
        ),
        sliders=("batch size",),
        first=(0, 0),
        sentence=timeline_sentence,
    ),
    Lesson(
        notebook="04_inside_the_gpu.ipynb",
        source="gl.explore_inside_the_gpu(",
        patterns=(re.compile(r"tiles? on \d+ SMs"), re.compile("^SMs busy")),
        lines=tile_lines,
        start=(1, 1408),
        saved_moves=(("input[name=neurons_place]", ["End"], (1, 2560)), ("input[name=card_place]", ["End"], (5, 2560))),
        live_moves=(("layer width", ["ArrowRight"], (1, 1472)), ("SMs", ["ArrowRight"], (2, 1472))),
        sliders=("SMs", "layer width"),
        first=(0, 64),
        sentence=tile_sentence,
    ),
]


@pytest.fixture(scope="module", params=LESSONS, ids=lambda lesson: lesson.notebook[:2])
def lesson(request):
    return request.param


@pytest.fixture(scope="module")
def opened(look, lesson):
    sight = look(lesson.notebook, lesson.source)
    sight.explorer().locator(STATIC_CHART).wait_for()
    return sight


@pytest.fixture(scope="module")
def run(opened):
    """Run the very page that was opened: the saved chart gives way to the live one."""
    run_all_cells(opened.page)
    opened.explorer().locator(LIVE_CHART).wait_for(timeout=90_000)
    return opened


@pytest.fixture(scope="module")
def saved(run, lab):
    """Run and save the lesson three times in all, and leave no kernel behind."""
    return run_and_save_often(run, lab)


def wait_for(sight, lesson, point):
    for pattern, line in zip(lesson.patterns, lesson.lines(*point), strict=True):
        sight.wait_until_said(pattern, line)


def press_in_turn(sight, lesson, moves, focus):
    """Make every move and wait for its point; no move may leave the lines as they were."""
    point = lesson.start
    wait_for(sight, lesson, point)
    for control, keys, after in moves:
        assert lesson.lines(*after) != lesson.lines(*point)
        focus(control)
        for key in keys:
            sight.page.keyboard.press(key)
        wait_for(sight, lesson, after)
        point = after
    assert sight.what_is_broken() == []


def press_on_saved_controls(sight, lesson):
    press_in_turn(sight, lesson, lesson.saved_moves, focus=lambda control: sight.explorer().locator(control).focus())


def test_a_lesson_opened_from_disk_shows_its_chart_and_its_own_controls_obey_the_keyboard(opened, lesson):
    explorer = opened.explorer()
    assert explorer.locator(STATIC_CHART).count() == 1
    sliders = {control for control, _, _ in lesson.saved_moves if control.startswith("input")}
    assert explorer.locator("input[type=range]").count() == len(sliders)
    assert explorer.locator(".jupyter-widgets").count() == 0
    press_on_saved_controls(opened, lesson)


def test_run_all_ends_with_a_live_chart_and_no_error_anywhere(run):
    outputs = notebook_outputs(run.page)
    assert len(outputs) >= 15
    assert [output for output in outputs if output["output_type"] == "error"] == []
    assert [output for output in outputs if output.get("name") == "stderr"] == []
    assert run.explorer().locator("input[name$=_place]").count() == 0  # of the static chart
    assert run.page.locator(".jp-Notebook .jupyter-widgets").count() >= 10
    assert run.what_is_broken() == []


def test_the_live_controls_obey_the_keyboard(run, lesson):
    press_in_turn(run, lesson, lesson.live_moves, focus=run.focus_slider)


def test_figure_and_words_follow_the_sliders_while_the_kernel_answers_nothing_and_it_learns_of_it_later(run, lesson):
    kernel = int(asked_of_kernel(run.page, "__import__('os').getpid()"))
    os.kill(kernel, signal.SIGSTOP)
    try:
        for slider in lesson.sliders:
            run.focus_slider(slider)
            run.page.keyboard.press("Home")
        wait_for(run, lesson, lesson.first)
        drawing = run.explorer().locator(".jupyter-widgets [role=graphics-document]")
        assert drawing.get_attribute("aria-label") == lesson.sentence(*lesson.first)
    finally:
        os.kill(kernel, signal.SIGCONT)
    for _ in range(50):  # the kernel may hear of a slider and answer a question at the same time
        places = [asked_of_kernel(run.page, PLACES.format(slider)) for slider in lesson.sliders]
        if places == ["[0]"] * len(lesson.sliders):
            break
        run.page.wait_for_timeout(100)
    assert places == ["[0]"] * len(lesson.sliders)


def test_a_lesson_saved_after_live_runs_is_hardly_larger_and_holds_no_widget(saved):
    assert saved.stat().st_size <= 1.3 * (NOTEBOOKS / saved.name).stat().st_size
    assert "jupyter.widget" not in saved.read_text(encoding="utf-8")


@pytest.mark.parametrize("place", [JUPYTERLAB, NOTEBOOK_7])
def test_a_saved_lesson_opened_again_shows_its_chart_with_controls_alive(saved, look, lesson, place):
    again = look(saved.name, lesson.source, place)
    again.explorer().locator(STATIC_CHART).wait_for()
    press_on_saved_controls(again, lesson)
    assert again.page.locator(".jupyter-widgets-disconnected, .jupyter-widgets").count() == 0
