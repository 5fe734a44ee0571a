"""What a page shows when its kernel has stopped, its server lacks a part, or a cell runs again."""

import json

import nbformat
import pytest
from lab_browser import (
    JUPYTERLAB,
    LIVE_CHART,
    NOTEBOOK_7,
    STATIC_CHART,
    Sight,
    asked_of_kernel,
    notebook_outputs,
    open_notebook,
    run_all_cells,
    save,
    serve_lab,
)

pytestmark = pytest.mark.browser

NAME, EXPLORER, QUESTION = "00_small.ipynb", "gl.explore_timeline(", "ask("
PICKERS = "01_pickers.ipynb"
CELLS = (
    "import gpu_lessons as gl\nfrom gpu_lessons.lessons import ask, reveal",
    'guess = ask("03-speedup", "How many times faster?", low=0.1, high=100)',
    "gl.explore_timeline()",
    'reveal(guess, 12, "predicted, NVIDIA T4")',
)
STOPPED = "The kernel that answered here has stopped: run this cell again."
CONTROLS = ".jp-Notebook .jupyter-widgets :is(button, input, select, .noUi-handle)"
KERNEL = "window.jupyterapp.shell.currentWidget.sessionContext"
STOP = {
    "restarted": f"() => {KERNEL}.session.kernel.restart()",
    "shut down": f"() => {KERNEL}.shutdown()",
    "killed": f"() => {{ {KERNEL}.session.kernel.requestExecute({{ code: 'import os; os._exit(1)' }}) }}",
}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Return a folder with a small lesson, and one with an explorer that has pickers."""
    folder = tmp_path_factory.mktemp("small")
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    for name, codes in ((NAME, CELLS), (PICKERS, ("import gpu_lessons as gl", "gl.explore_batch_and_width()"))):
        cells = [nbformat.v4.new_code_cell(code) for code in codes]
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / name)
    return folder


@pytest.fixture(scope="module")
def lab(small, chromium):
    with serve_lab(small) as lab:
        yield lab


def run_live(sight):
    run_all_cells(sight.page)
    sight.explorer().locator(LIVE_CHART).wait_for(timeout=90_000)


@pytest.mark.parametrize("how", STOP)
def test_where_the_kernel_has_stopped_its_cells_say_so_and_leave_no_dead_control(look, how):
    sight = look(NAME, EXPLORER)
    run_live(sight)
    assert sight.page.get_by_text(STOPPED).locator("visible=true").count() == 0
    assert sight.page.locator(CONTROLS).locator("visible=true").count() > 3
    sight.page.evaluate(STOP[how])
    sight.page.get_by_text(STOPPED).locator("visible=true").nth(2).wait_for()
    assert sight.page.locator(CONTROLS).locator("visible=true").count() == 0
    assert sight.explorer().locator(LIVE_CHART).locator("visible=true").count() == 1
    assert (
        sight.page.locator(".jupyter-widgets b", has_text="How many times faster?").locator("visible=true").count() == 1
    )
    marks = sight.page.locator(".jupyter-widgets-disconnected").evaluate_all(
        "(all) => all.filter((each) => each.offsetParent).map((each) => getComputedStyle(each, '::before').content)"
    )
    assert set(marks) <= {"none", "normal"}


def test_a_page_loaded_again_beside_its_kernel_shows_what_was_saved(look, lab):
    sight = look(NAME, EXPLORER)
    run_live(sight)
    save(sight.page)
    open_notebook(sight.page, lab, NAME)
    sight.explorer().locator(STATIC_CHART).wait_for()
    assert sight.page.locator(".jupyter-widgets").count() == 0
    assert sight.page.get_by_text("No prediction made.").locator("visible=true").count() == 1


def test_an_answer_stands_in_the_saved_file_as_text(look, lab):
    sight = look(NAME, QUESTION)
    run_live(Sight(sight.page, EXPLORER))
    cell = sight.explorer()
    typed = cell.locator("input[type=text]").first
    assert typed.input_value() == ""  # nobody has touched the slider
    typed.fill("10")
    typed.press("Enter")
    cell.get_by_role("button", name="certain").click()
    cell.get_by_role("button", name="That is my prediction").click()
    sight.page.get_by_text("It was 12").locator("visible=true").first.wait_for()
    save(sight.page)
    texts = [
        "".join(output["data"]["text/plain"])
        for cell in json.loads((lab.folder / NAME).read_text())["cells"]
        for output in cell["outputs"]
    ]
    assert "You said 10×, certain." in texts
    assert any("It was 12" in text for text in texts)


def test_a_cell_that_runs_again_leaves_none_of_its_old_widgets_in_the_page(look):
    sight = look(NAME, EXPLORER)
    counts = []
    for _ in range(3):
        run_live(sight)
        counts.append(asked_of_kernel(sight.page, "len(__import__('ipywidgets').widgets.widget._instances)"))
    assert counts[2] == counts[1]


def test_no_style_among_the_outputs_has_the_page_computed_anew_at_every_change(look):
    sight = look(NAME, EXPLORER)
    run_live(sight)
    styles = sight.page.locator(".jp-Notebook style").all_text_contents()
    assert any("gpu-lessons-stopped" in style for style in styles)
    assert [style for style in styles if ":has(" in style] == []


def test_a_figure_drawn_again_and_again_costs_the_page_little_memory(look):
    sight = look(PICKERS, "gl.explore_batch_and_width(")
    page = sight.page
    session = page.context.new_cdp_session(page)

    def used_mb():
        page.wait_for_timeout(2000)
        for _ in range(3):
            session.send("HeapProfiler.collectGarbage")
        return session.send("Runtime.getHeapUsage")["usedSize"] / 1e6

    run_live(sight)
    run_live(sight)
    before_mb = used_mb()
    for _ in range(3):
        run_live(sight)
    assert used_mb() - before_mb < 3 * 5  # 11 MB each where a figure is not let go
    picker = sight.explorer().locator(".widget-dropdown", has_text="GPU").locator("select")
    before_mb = used_mb()
    for index in range(8):
        picker.select_option(index=index)
        page.wait_for_timeout(1500)
    assert sight.explorer().locator(LIVE_CHART).count() == 1
    assert used_mb() - before_mb < 8 * 0.6  # 1.6 MB each where a widget keeps every chart that it has drawn


@pytest.mark.parametrize("place", [JUPYTERLAB, NOTEBOOK_7])
def test_where_the_server_lacks_anywidget_the_static_chart_is_shown(chromium, small, place):
    with serve_lab(small, without=("anywidget",)) as lab:
        page = chromium.new_page()
        open_notebook(page, lab, NAME, place)
        run_all_cells(page)
        sight = Sight(page, EXPLORER)
        sight.explorer().locator(STATIC_CHART).wait_for()
        page.wait_for_timeout(3000)
        assert sight.explorer().locator(STATIC_CHART).count() == 1
        assert sight.explorer().locator(".jupyter-widgets").count() == 0
        assert sight.what_is_broken() == []
        assert [output for output in notebook_outputs(page) if output["output_type"] == "error"] == []
        page.close()
