"""What of a lesson reaches the file: what stands alone, and no widget of the course."""

import copy
import json
import os
import sys
from pathlib import Path

import nbformat
import pytest

from gpu_lessons.charts.display import STANDS_ALONE, WIDGET_VIEW
from gpu_lessons.saving import keep_what_stands_alone

REPOSITORY = Path(__file__).resolve().parents[1]
STATE = "application/vnd.jupyter.widget-state+json"
CHART = "application/vnd.vegalite.v5+json"


def output(model_id, *, of_the_course, **data):
    metadata = {CHART: {"embed_options": {}}} | ({STANDS_ALONE: True} if of_the_course else {})
    view = {WIDGET_VIEW: {"version_major": 2, "version_minor": 0, "model_id": model_id}}
    return nbformat.v4.new_output("display_data", data={"text/plain": "in words", **data, **view}, metadata=metadata)


def notebook(*outputs, source="import gpu_lessons as gl", states=None):
    cells = [nbformat.v4.new_markdown_cell("# Title"), nbformat.v4.new_code_cell(source, outputs=list(outputs))]
    found = nbformat.v4.new_notebook(cells=cells)
    if states is not None:
        found.metadata["widgets"] = {STATE: {"version_major": 2, "version_minor": 0, "state": states}}
    return found


def saved(content, kind="notebook"):
    model = {"type": kind, "content": json.loads(json.dumps(content))}
    keep_what_stands_alone(model=model, path="x.ipynb", contents_manager=None)
    return model["content"]


def test_a_figure_of_the_course_is_saved_without_its_widgets_and_as_it_ships():
    shipped = output("a", of_the_course=False, **{CHART: {"mark": "line"}})
    del shipped.data[WIDGET_VIEW]
    kept = saved(notebook(output("a", of_the_course=True, **{CHART: {"mark": "line"}})))
    assert kept["cells"][1]["outputs"] == [shipped]


def test_other_widgets_are_saved_as_they_are():
    before = notebook(output("mine", of_the_course=False), states={"mine": {"state": {}}})
    assert saved(before) == before


def test_the_state_of_widgets_that_are_not_shown_any_more_is_dropped_and_what_a_shown_one_is_made_of_kept():
    states = {
        "mine": {"state": {"children": ["IPY_MODEL_slider"], "layout": "IPY_MODEL_layout"}},
        "slider": {"state": {"style": {"of": "IPY_MODEL_style"}}},
        "layout": {"state": {}},
        "style": {"state": {"back": "IPY_MODEL_mine"}},
        "course": {"state": {"spec": "large", "layout": "IPY_MODEL_other"}},
        "other": {"state": {}},
    }
    kept = saved(notebook(output("mine", of_the_course=False), output("course", of_the_course=True), states=states))
    assert set(kept["metadata"]["widgets"][STATE]["state"]) == {"mine", "slider", "layout", "style"}


def test_where_no_widget_is_left_no_state_is():
    kept = saved(notebook(output("course", of_the_course=True), states={"course": {"state": {"spec": "large"}}}))
    assert "widgets" not in kept["metadata"]
    kept = saved(notebook(states={"of a page that was opened again": {"state": {}}}))
    assert "widgets" not in kept["metadata"]


def test_a_notebook_that_has_nothing_to_do_with_the_course_is_not_touched():
    before = notebook(
        output("a", of_the_course=False, **{CHART: {}}), source="import altair", states={"unseen": {"state": {}}}
    )
    assert saved(before) == before


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("file", "text"),
        ("directory", None),
        ("notebook", None),
        ("notebook", "a piece of a large file"),
        ("notebook", {}),
        ("notebook", {"cells": [], "metadata": {}}),
    ],
)
def test_what_is_no_notebook_is_left_alone(kind, content):
    assert saved(copy.deepcopy(content), kind) == content


def test_outputs_without_metadata_or_data_are_left_alone():
    before = notebook()
    before.cells[1].outputs = [{"output_type": "stream", "text": "1"}, {"output_type": "display_data", "data": {}}]
    assert saved(before) == before


def test_the_extension_is_enabled_in_this_environment():
    installed = Path(sys.prefix) / "etc/jupyter/jupyter_server_config.d/gpu_lessons.json"
    if not installed.exists():
        pytest.skip("the package was not installed into this environment, only put on its path")
    assert installed.read_bytes() == (REPOSITORY / "gpu_lessons" / "saving.json").read_bytes()


def test_a_server_saves_through_it_whatever_other_extension_brings_its_own_contents_manager(tmp_path):
    from lab_browser import serve_lab

    with serve_lab() as lab:
        content = notebook(output("a", of_the_course=True))
        lab.request("contents/x.ipynb", "PUT", {"type": "notebook", "content": content})
        [kept] = json.loads((lab.folder / "x.ipynb").read_text())["cells"][1]["outputs"]
    assert kept["data"] == {"text/plain": ["in words"]}


def test_the_extension_loads_nothing_that_draws_or_computes():
    enabled = json.loads((REPOSITORY / "gpu_lessons" / "saving.json").read_text())
    [name] = enabled["ServerApp"]["jpserver_extensions"]
    assert name == "gpu_lessons.saving"
    code = f"import sys, {name}; sys.exit(any(each in sys.modules for each in ('numpy', 'altair', 'ipywidgets')))"
    assert os.spawnl(os.P_WAIT, sys.executable, sys.executable, "-c", code) == 0
