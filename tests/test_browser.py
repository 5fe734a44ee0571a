"""A lesson as a learner meets it: opened from disk, run, moved by keyboard, saved, opened again."""

import json
import os
import re
from dataclasses import dataclass, field

import pytest
from lab_browser import (
    CHROMIUM_NAMES,
    find_chromium,
    notebook_outputs,
    open_chromium,
    open_notebook,
    run_all_cells,
    serve_lab,
    show_cell,
)
from playwright.sync_api import Page

from gpu_lessons import explore_batch_and_width

pytestmark = pytest.mark.browser

LESSON = "03_batch_and_width.ipynb"
EXPLORER = "gl.explore_batch_and_width("
HEADLINE = re.compile(r"faster on the [CG]PU|Equally fast on both|Does not fit")
STATIC_CHART = ".jp-RenderedVegaCommon5 :is(canvas, svg)"
LIVE_CHART = ".jupyter-widgets .vega-embed svg"
BROKEN_WIDGET = re.compile(r"Error displaying widget|model not found|Traceback|\w+Error\b")
# A canvas holds no text to read back, so what is written on it is kept.
KEEP_CANVAS_TEXT = """
    window.canvasTexts = [];
    const fillText = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
        window.canvasTexts.push(text);
        return fillText.call(this, text, ...place);
    };
"""
MOVE_SLIDER = """(input, value) => {
    input.value = value;
    input.dispatchEvent(new Event('input', { bubbles: true }));
}"""


@dataclass
class Sight:
    """One open notebook and what its page complained about."""

    page: Page
    complaints: list = field(default_factory=list)

    def explorer(self):
        return show_cell(self.page, EXPLORER)

    def headline(self):
        texts = self.explorer().locator(".vega-embed svg text").all_text_contents()
        texts = texts or self.page.evaluate("() => window.canvasTexts")
        headlines = [text for text in texts if HEADLINE.search(text)]
        return headlines[-1] if headlines else None

    def wait_for_headline(self, expected):
        for _ in range(50):
            if self.headline() == expected:
                break
            self.page.wait_for_timeout(100)
        assert self.headline() == expected

    def focus_slider(self, label):
        slider = self.explorer().locator(".widget-hslider", has_text=label).locator(".noUi-handle")
        slider.focus()


@pytest.fixture(scope="module")
def chromium():
    if find_chromium() is None:
        reason = f"no Chromium on PATH: looked for {', '.join(CHROMIUM_NAMES)}"
        if os.environ.get("GPU_LESSONS_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with open_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def lab(chromium):
    with serve_lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def look(chromium, lab):
    """Open a notebook in a browser that remembers nothing."""
    contexts = []

    def open_in_new_browser(notebook):
        context = chromium.new_context(viewport={"width": 1300, "height": 1400})
        contexts.append(context)
        sight = Sight(context.new_page())
        sight.page.add_init_script(KEEP_CANVAS_TEXT)
        sight.page.on("pageerror", lambda error: sight.complaints.append(str(error)))
        sight.page.on("console", lambda said: sight.complaints.append(said.text) if said.type == "error" else None)
        open_notebook(sight.page, lab, notebook)
        return sight

    yield open_in_new_browser
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def grid():
    return explore_batch_and_width().grid


@pytest.fixture(scope="module")
def opened(look):
    sight = look(LESSON)
    sight.explorer().locator(STATIC_CHART).wait_for()
    return sight


@pytest.fixture(scope="module")
def run(look):
    sight = look(LESSON)
    run_all_cells(sight.page)
    sight.explorer().locator(LIVE_CHART).wait_for()
    return sight


@pytest.fixture(scope="module")
def saved(run, lab):
    """Save the lesson after its run, with its widgets, and leave no kernel behind."""
    # JupyterLab gathers the widgets' state when it saves, and the file is there when the promise is kept.
    run.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    lab.shut_down_kernels()
    return lab.folder / LESSON


def assert_nothing_is_broken(sight):
    shown = sight.page.locator(".jp-Notebook .jp-OutputArea").all_inner_texts()
    assert [text for text in shown if BROKEN_WIDGET.search(text)] == []
    assert sight.complaints == []


def test_a_lesson_opened_from_disk_shows_its_chart_and_two_sliders_before_any_cell_runs(opened):
    explorer = opened.explorer()
    assert explorer.locator(STATIC_CHART).count() == 1
    assert explorer.locator("input[type=range]").count() == 2
    assert explorer.locator(".jupyter-widgets").count() == 0
    assert_nothing_is_broken(opened)


def test_the_saved_sliders_change_the_headline_without_a_kernel(opened, lab, grid):
    lab.shut_down_kernels()
    assert opened.headline() == grid.headline(grid.at(8, 11))
    for name, value, point in (("batch_log2", 1, (1, 11)), ("width_log2", 6, (1, 6))):
        opened.explorer().locator(f"input[name={name}]").evaluate(MOVE_SLIDER, value)
        opened.wait_for_headline(grid.headline(grid.at(*point)))
    assert opened.headline() != grid.headline(grid.at(8, 11))


def test_run_all_ends_with_no_error_and_nothing_on_stderr(run):
    outputs = notebook_outputs(run.page)
    assert len(outputs) >= 15
    assert [output for output in outputs if output["output_type"] == "error"] == []
    assert [output for output in outputs if output.get("name") == "stderr"] == []


def test_run_all_shows_one_live_chart_two_sliders_and_four_pickers(run):
    explorer = run.explorer()
    assert explorer.locator(".vega-embed svg").count() == 1
    assert explorer.locator(".noUi-handle").count() == 2
    assert explorer.locator(".widget-dropdown select").count() == 4
    assert explorer.locator("input[type=range]").count() == 0


def test_no_widget_hides_an_error(run):
    assert run.page.locator(".jp-Notebook .jupyter-widgets").count() >= 10
    assert_nothing_is_broken(run)


def test_arrow_keys_on_the_live_sliders_change_the_headline(run, grid):
    run.wait_for_headline(grid.headline(grid.at(8, 11)))
    run.focus_slider("batch size")
    for _ in range(3):
        run.page.keyboard.press("ArrowRight")
    run.wait_for_headline(grid.headline(grid.at(11, 11)))
    run.focus_slider("layer width")
    for _ in range(5):
        run.page.keyboard.press("ArrowLeft")
    run.wait_for_headline(grid.headline(grid.at(11, 6)))
    assert len({grid.headline(grid.at(*point)) for point in ((8, 11), (11, 11), (11, 6))}) == 3
    assert_nothing_is_broken(run)


def test_a_lesson_saved_after_a_live_run_keeps_its_chart_twice(saved):
    notebook = json.loads(saved.read_text(encoding="utf-8"))
    assert notebook["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    (cell,) = [cell for cell in notebook["cells"] if "".join(cell["source"]).startswith(EXPLORER)]
    (output,) = cell["outputs"]
    assert set(output["data"]) == {
        "application/vnd.jupyter.widget-view+json",
        "application/vnd.vegalite.v5+json",
        "image/png",
        "text/plain",
    }


def test_a_trusted_lesson_opened_again_shows_its_live_chart(saved, look, grid):
    again = look(saved.name)
    again.explorer().locator(LIVE_CHART).wait_for()
    assert HEADLINE.search(again.headline())
    assert_nothing_is_broken(again)


def test_an_untrusted_lesson_opened_again_shows_its_saved_chart_with_sliders_alive(saved, look, grid):
    # Trust is a signature of the content: one more key, as after a download, and it is gone.
    notebook = json.loads(saved.read_text(encoding="utf-8"))
    notebook["metadata"]["title"] = "from elsewhere"
    untrusted = saved.with_name("untrusted.ipynb")
    untrusted.write_text(json.dumps(notebook), encoding="utf-8")
    again = look(untrusted.name)
    explorer = again.explorer()
    explorer.locator(STATIC_CHART).wait_for()
    explorer.locator("input[name=batch_log2]").evaluate(MOVE_SLIDER, 1)
    again.wait_for_headline(grid.headline(grid.at(1, 11)))
    assert_nothing_is_broken(again)
