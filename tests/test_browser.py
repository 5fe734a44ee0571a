"""A lesson as a learner meets it: opened from disk, run, moved by keyboard, saved, opened again."""

import json
import re

import pytest
from lab_browser import (
    JUPYTERLAB,
    LIVE_CHART,
    MOVE_SLIDER,
    NOTEBOOK_7,
    NOTEBOOKS,
    STATIC_CHART,
    notebook_outputs,
    run_all_cells,
    run_and_save_often,
)

from gpu_lessons import DenseForward, explore_batch_and_width, load_recording
from gpu_lessons.charts.theme import CPU
from gpu_lessons.explorers.controls import starts
from gpu_lessons.explorers.layer_grid import layer_grid

pytestmark = pytest.mark.browser

LESSON = "03_batch_and_width.ipynb"
EXPLORER = "gl.explore_batch_and_width("
HEADLINE = re.compile(r"^(\S+ faster on the [CG]PU|Equally fast on both|Does not fit.*)$")
RECORDED = "amd-epyc-2-cores-2026-11-25"


@pytest.fixture(scope="module")
def grid():
    return layer_grid(**starts(explore_batch_and_width().pickers))


@pytest.fixture(scope="module")
def opened(look):
    sight = look(LESSON, EXPLORER)
    sight.explorer().locator(STATIC_CHART).wait_for()
    return sight


@pytest.fixture(scope="module")
def run(look):
    sight = look(LESSON, EXPLORER)
    run_all_cells(sight.page)
    sight.explorer().locator(LIVE_CHART).wait_for(timeout=90_000)
    return sight


@pytest.fixture(scope="module")
def saved(run, lab):
    """Run and save the lesson three times in all, and leave no kernel behind."""
    return run_and_save_often(run, lab)


def test_a_lesson_opened_from_disk_shows_its_chart_and_two_sliders_before_any_cell_runs(opened):
    explorer = opened.explorer()
    assert explorer.locator(STATIC_CHART).count() == 1
    assert explorer.locator("input[type=range]").count() == 2
    assert explorer.locator(".jupyter-widgets").count() == 0
    assert opened.what_is_broken() == []


def test_the_saved_sliders_change_the_headline_without_a_kernel(opened, lab, grid):
    lab.shut_down_kernels()
    assert opened.said(HEADLINE) == grid.headline(grid.at(6, 10))
    moves = (("batch_log2", "batch size", 1, "2", (1, 10)), ("width_log2", "layer width", 0, "64", (1, 6)))
    for name, label, place, words, point in moves:
        opened.explorer().locator(f"input[name={name}_place]").evaluate(MOVE_SLIDER, place)
        opened.wait_until_said(HEADLINE, grid.headline(grid.at(*point)))
        assert opened.explorer().get_by_label(label, exact=True).input_value() == words
    assert opened.said(HEADLINE) != grid.headline(grid.at(6, 10))


def test_run_all_ends_with_no_error_and_nothing_on_stderr(run):
    outputs = notebook_outputs(run.page)
    assert len(outputs) >= 15
    assert [output for output in outputs if output["output_type"] == "error"] == []
    assert [output for output in outputs if output.get("name") == "stderr"] == []


def test_run_all_shows_one_live_chart_two_sliders_and_four_pickers(run):
    explorer = run.explorer()
    assert explorer.locator(".vega-embed svg").count() == 1
    assert explorer.get_by_role("slider").count() == 2
    for name, words in (("batch size", "64"), ("layer width", "1,024")):
        slider = explorer.get_by_role("slider", name=name, exact=True)
        assert slider.get_attribute("aria-valuetext") == words
    assert explorer.locator(".widget-dropdown select").count() == 4
    clipped = """(texts) => texts.filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.innerText)"""
    assert explorer.locator("select, button").evaluate_all(clipped) == []


def test_no_widget_hides_an_error(run):
    assert run.page.locator(".jp-Notebook .jupyter-widgets").count() >= 10
    assert run.what_is_broken() == []


def test_arrow_keys_on_the_live_sliders_change_the_headline(run, grid):
    run.wait_until_said(HEADLINE, grid.headline(grid.at(6, 10)))
    run.focus_slider("batch size")
    for _ in range(3):
        run.page.keyboard.press("ArrowRight")
    run.wait_until_said(HEADLINE, grid.headline(grid.at(9, 10)))
    run.focus_slider("layer width")
    for _ in range(4):
        run.page.keyboard.press("ArrowLeft")
    run.wait_until_said(HEADLINE, grid.headline(grid.at(9, 6)))
    assert len({grid.headline(grid.at(*point)) for point in ((6, 10), (9, 10), (9, 6))}) == 3
    assert run.what_is_broken() == []


def test_the_cpu_picker_offers_the_recorded_machine_and_its_times_become_a_solid_line(run):
    explorer = run.explorer()
    solid = explorer.locator(f".vega-embed svg .mark-line path[stroke='{CPU}']:not([stroke-dasharray])")
    assert solid.count() == 0
    picker = explorer.locator(".widget-dropdown", has_text="CPU").locator("select")
    picker.select_option(label="AMD EPYC, recorded 2026-11-25")
    solid.wait_for()
    recorded = {
        point.workload.batch_size
        for point in load_recording(RECORDED).measurements
        if type(point.workload) is DenseForward
        and (point.workload.n_in, point.workload.n_out, point.workload.dtype) == (64, 64, "float32")
    }
    assert len(re.findall("[ML]", solid.get_attribute("d"))) == len(recorded) > 3
    assert run.what_is_broken() == []


def test_a_lesson_saved_after_live_runs_is_hardly_larger_and_holds_no_widget(saved):
    notebook = json.loads(saved.read_text(encoding="utf-8"))
    assert "widgets" not in notebook["metadata"]
    assert saved.stat().st_size <= 1.3 * (NOTEBOOKS / saved.name).stat().st_size
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", ())]
    assert not [output for output in outputs if "widget" in str(list(output.get("data", ())))]
    charts = [output for output in outputs if "application/vnd.vegalite.v5+json" in output.get("data", ())]
    assert len(charts) >= 2
    assert all({"image/png", "text/plain"} <= set(chart["data"]) for chart in charts)


@pytest.mark.parametrize("place", [JUPYTERLAB, NOTEBOOK_7])
def test_a_saved_lesson_opened_again_shows_its_chart_with_sliders_alive(saved, look, grid, place):
    again = look(saved.name, EXPLORER, place)
    explorer = again.explorer()
    explorer.locator(STATIC_CHART).wait_for()
    explorer.locator("input[name=batch_log2_place]").evaluate(MOVE_SLIDER, 1)
    again.wait_until_said(HEADLINE, grid.headline(grid.at(1, 10)))
    assert again.page.locator(".jupyter-widgets-disconnected, .jupyter-widgets").count() == 0
    assert again.what_is_broken() == []
