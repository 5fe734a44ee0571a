"""The ledger of the nine claims: as data, rated with widgets, shown as a table."""

import json
import os
from pathlib import Path

import ipywidgets as widgets
import nbformat
import pytest
from nbclient import NotebookClient

from gpu_lessons.hardware.course import ANSWERS
from gpu_lessons.lessons import boxes, progress
from gpu_lessons.lessons.answers import CONFIDENCES
from gpu_lessons.lessons.claims import BELIEFS, CLAIMS, claims_ledger
from gpu_lessons.lessons.ratings import rate_claims

LESSONS = {
    "03_batch_and_width",
    "04_inside_the_gpu",
    "05_compute_and_bandwidth",
    "06_crossing_the_bus",
    "07_memory_limits",
    "08_one_after_another",
    "09_learning",
    "10_images_and_convolution",
}

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    """Start each test as a fresh kernel in a folder of lessons."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "00_start_here.ipynb").write_text("{}")
    monkeypatch.setattr(progress, "_opened", {})
    monkeypatch.setenv("GPU_LESSONS_DISPLAY", "static")


@pytest.fixture
def rows(monkeypatch):
    """Show the box that rates claims, live: its rows as (text, belief, confidence), and its last line."""
    monkeypatch.setenv("GPU_LESSONS_DISPLAY", "live")
    shown = []
    monkeypatch.setattr(boxes, "show", lambda box, text: shown.append(box))

    def show():
        rate_claims()
        *rows, line = shown[-1].children
        return [(row.children[0], *row.children[1].children) for row in rows], line

    return show


def test_there_are_nine_claims_with_their_own_keys_each_tested_in_a_lesson():
    assert len({claim.key for claim in CLAIMS}) == len({claim.text for claim in CLAIMS}) == 9
    assert {claim.lesson for claim in CLAIMS} == LESSONS


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.key)
def test_a_lesson_that_is_said_to_test_a_claim_repeats_it_keeps_what_it_found_and_shows_the_ledger(claim):
    source = NOTEBOOKS / "source" / f"{claim.lesson}.py"
    if not source.exists():
        pytest.skip("this lesson is still to come")
    text = source.read_text(encoding="utf-8")
    assert claim.text.rstrip(".").lower() in text.lower()
    assert f'keep_evidence("{claim.lesson[:2]}-{claim.key}"' in text
    assert "\nclaims_ledger()" in text


def test_a_static_display_lists_the_claims_as_not_rated(capsys):
    rate_claims()
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"{number}. {claim.text} (not rated)" for number, claim in enumerate(CLAIMS, start=1)]


def test_the_static_ledger_is_the_same_whatever_the_learner_has_on_disk(tmp_path):
    before = repr(claims_ledger())
    kept = {"schema": 1, "claims": {"bus": {"belief": "true", "confidence": "certain"}}}
    (tmp_path / ANSWERS).write_text(json.dumps(kept))
    assert repr(claims_ledger()) == before


def test_the_ledger_as_text_is_a_table_of_aligned_columns():
    lines = repr(claims_ledger()).splitlines()
    assert lines[0].split() == ["Claim", "You", "say", "How", "sure", "Tested", "in"]
    assert len(lines) == 10
    column = lines[0].index("Tested in")
    assert [line[column:] for line in lines[1:]] == [claim.lesson for claim in CLAIMS]
    assert all("not rated" in line for line in lines[1:])


def test_every_row_offers_three_beliefs_and_three_confidences(rows):
    shown, line = rows()
    assert [text.value for text, _, _ in shown] == [
        f"<b>{number}. {claim.text}</b>".replace("'", "&#x27;") for number, claim in enumerate(CLAIMS, start=1)
    ]
    assert {belief.options for _, belief, _ in shown} == {BELIEFS}
    assert {confidence.options for _, _, confidence in shown} == {CONFIDENCES}
    assert {belief.value for _, belief, _ in shown} == {None}
    assert line.value == "0 of 9 rated."


def test_a_rating_is_kept_at_each_change_and_comes_back(rows):
    shown, line = rows()
    shown[6][1].value = "true"
    assert line.value == "1 of 9 rated."
    assert claims_ledger().ratings == {"bus": ("true", "")}
    shown[6][2].value = "certain"
    shown[6][1].value = "partly"
    progress._opened.clear()
    again, line = rows()
    assert (again[6][1].value, again[6][2].value) == ("partly", "certain")
    assert line.value == "1 of 9 rated."


def test_a_confidence_without_a_belief_is_no_rating(rows):
    shown, line = rows()
    shown[0][2].value = "certain"
    assert line.value == "0 of 9 rated."
    assert claims_ledger().ratings == {}


def test_the_live_ledger_shows_what_the_learner_said(rows):
    shown, _ = rows()
    shown[7][1].value, shown[7][2].value = "false", "fairly sure"
    ledger = claims_ledger()
    row = repr(ledger).splitlines()[8]
    assert row.startswith("8. ")
    assert row.split("  ")[-1] == "08_one_after_another"
    assert "false" in row
    assert "fairly sure" in row


def test_the_ledger_as_html_has_the_same_words_and_links_to_the_lessons_that_are_there(rows):
    shown, _ = rows()
    shown[7][1].value, shown[7][2].value = "false", "fairly sure"
    html = claims_ledger()._repr_html_()
    assert html.count("<tr>") == 10
    assert html.count('scope="col"') == 4
    there = {path.stem for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")}
    for claim in CLAIMS:
        assert (f'<a href="{claim.lesson}.ipynb">' in html) == (claim.lesson in there)
        assert claim.lesson in html
    assert ">false<" in html
    assert ">fairly sure<" in html


def run(*cells, folder, display):
    """Run cells in a kernel of its own and return what stands under the first one."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(folder)}})
    client.execute(env=os.environ | {"GPU_LESSONS_DISPLAY": display, "IPYTHONDIR": str(folder / "ipython")})
    [output] = notebook.cells[0].outputs
    return output.data


def test_a_ledger_on_the_page_follows_each_rating_and_keeps_it_without_a_widget(tmp_path):
    cells = "from gpu_lessons.lessons.claims import *\nclaims_ledger()", 'keep_rating(CLAIMS[6], "true", "certain")'
    data = run(*cells, folder=tmp_path, display="live")
    assert set(data) == {"text/html", "text/plain"}
    [row] = [line for line in data["text/plain"].splitlines() if line.startswith("7. ")]
    assert row.split()[-3:] == ["true", "certain", "06_crossing_the_bus"]
    assert ">true<" in data["text/html"]
    assert data["text/html"].count("not rated") == 8


@pytest.mark.parametrize("kept", [{"belief": "maybe"}, {"belief": 1}, {}, {"belief": ["true"]}])
def test_a_belief_from_the_file_that_is_none_counts_as_not_rated(rows, tmp_path, kept):
    (tmp_path / ANSWERS).write_text(json.dumps({"schema": 1, "claims": {"bus": kept}}))
    shown, line = rows()
    assert shown[6][1].value is None
    assert line.value == "0 of 9 rated."


def test_the_rating_at_the_end_is_kept_beside_the_first(rows, monkeypatch):
    shown, _ = rows()
    shown[6][1].value, shown[6][2].value = "true", "certain"
    boxes_shown = []
    monkeypatch.setattr(boxes, "show", lambda box, text: boxes_shown.append(box))
    rate_claims(again=True)
    *again, line = boxes_shown[0].children
    assert line.value == "0 of 9 rated."
    again[6].children[1].children[0].value = "partly"
    assert line.value == "1 of 9 rated."
    assert claims_ledger().ratings == {"bus": ("true", "certain")}


def test_an_error_while_keeping_a_rating_is_shown(rows, monkeypatch):
    shown, line = rows()
    monkeypatch.setattr(progress.Progress, "remember", lambda *_: 1 / 0)
    shown[0][1].value = "true"
    assert line.value == "This did not work: division by zero"


def test_rows_are_made_of_buttons_a_keyboard_reaches(rows):
    shown, _ = rows()
    assert all(isinstance(each, widgets.ToggleButtons) for row in shown for each in row[1:])
