"""Lessons as pages: what is read from a notebook, where links lead, and what stops an export."""

import ast
import json
import re
from functools import partial
from pathlib import Path

import nbformat
import pytest
import vl_convert

from gpu_lessons import explorers
from gpu_lessons.charts.bundle import VEGA_LITE
from gpu_lessons.cli import main
from gpu_lessons.explorers import explore_batch_and_width, explore_chain, explore_crossing
from gpu_lessons.explorers.controls import controls_of, inputs
from gpu_lessons.export import ExportError, export_course
from gpu_lessons.export.browser_times import BROWSER_TIMES, with_browser_times
from gpu_lessons.export.figures import Shown
from gpu_lessons.export.lesson import read_lesson
from gpu_lessons.export.links import around, on_page
from gpu_lessons.export.prose import Prose, in_sections
from gpu_lessons.export.questions import question_in, reveal_in
from gpu_lessons.export.teaching import plan_for
from gpu_lessons.lessons import ask, choose, reveal, reveal_choice

ROOT = Path(__file__).parents[1]
LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
EXPLORERS = [getattr(explorers, name) for name in explorers.__all__ if name.startswith("explore_")]
GUIDE = (
    "## 03_made_up\n\nWords.\n\n### Minutes\n\n| section | minutes | note |\n|---|---|---|\n| Run | 4 | Say *this*. |\n"
)


def printed_by(action, capsys):
    action()
    return capsys.readouterr().out


def code(source, *outputs, tags=(), ran=1):
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)}, outputs=list(outputs))
    cell.execution_count = ran
    return cell


def text(said):
    return nbformat.v4.new_output("stream", text=said)


class Course:
    """A made-up course of two lessons in ``root``."""

    def __init__(self, root):
        self.root = root
        (root / "notebooks" / "solutions").mkdir(parents=True)
        (root / "TEACHING.md").write_text(GUIDE, encoding="utf-8")
        rows = "| lesson | minutes |\n|---|---|\n| [03_made_up](03_made_up.ipynb) | 4 |\n"
        (root / "notebooks" / "README.md").write_text(rows, encoding="utf-8")
        said = "# Made up\n\nNext: [the other](04_other.ipynb), $x_1$, [a word](glossary.ipynb#heading=A-word)"
        self.write("03_made_up", nbformat.v4.new_markdown_cell(said), code("print(1)", text("one <b>\n")))
        self.write("04_other", nbformat.v4.new_markdown_cell("# The other"))

    def write(self, name, *cells):
        nbformat.write(nbformat.v4.new_notebook(cells=list(cells)), self.root / "notebooks" / f"{name}.ipynb")

    def export(self, folder, **how):
        return export_course(folder, root=self.root, **how)


@pytest.fixture
def course(tmp_path):
    return Course(tmp_path / "course")


def held(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_lesson_becomes_a_page_and_there_is_an_index_that_leads_to_all(course, tmp_path):
    assert course.export(tmp_path / "pages") == ["03_made_up.html", "04_other.html", "index.html"]
    index = (tmp_path / "pages" / "index.html").read_text("utf-8")
    assert set(re.findall(r'href="(\w+\.html)"', index)) == {"03_made_up.html", "04_other.html", "index.html"}


def test_a_page_holds_text_output_and_formulas_and_leads_only_to_pages_that_are_there(course, tmp_path):
    course.export(tmp_path / "pages")
    page = (tmp_path / "pages" / "03_made_up.html").read_text("utf-8")
    assert "<msub><mi>x</mi><mn>1</mn></msub>" in page
    assert '<pre class="output">one &lt;b&gt;</pre>' in page
    assert '<a class="link" href="04_other.html">the other</a>, ' in page
    assert "a word</p>" in page  # there is no glossary
    assert 'rel="next"' in page
    assert 'rel="prev"' not in page


def test_a_page_fetches_nothing(course, tmp_path):
    course.export(tmp_path / "pages", shared=True)
    for page in (tmp_path / "pages").glob("*.html"):
        fetched = re.findall(r'<(?:script|img|link|iframe)[^>]* (?:src|href)="([^"]*)"', page.read_text("utf-8"))
        assert fetched
        assert [each for each in fetched if not re.fullmatch(r"data:.*|page\.(css|js)|vega\.js", each)] == []


def test_shared_pages_hold_neither_script_nor_style_and_those_lie_beside_them(course, tmp_path):
    own = course.export(tmp_path / "own")
    shared = course.export(tmp_path / "shared", shared=True)
    assert sorted({*shared} - {*own}) == ["page.css", "page.js", "vega.js"]
    page = (tmp_path / "shared" / "03_made_up.html").read_bytes()
    assert len(page) < len((tmp_path / "own" / "03_made_up.html").read_bytes()) / 3


def test_solutions_are_exported_only_where_they_are_asked_for(course, tmp_path):
    course.write("solutions/03_made_up", nbformat.v4.new_markdown_cell("# Made up\n\n[back](../04_other.ipynb)"))
    assert not [name for name in course.export(tmp_path / "pages") if "solution" in name]
    assert "solutions/03_made_up.html" in course.export(tmp_path / "pages", solutions=True)
    page = (tmp_path / "pages" / "solutions" / "03_made_up.html").read_text("utf-8")
    assert 'href="../04_other.html"' in page
    assert 'href="../index.html"' in page
    course.export(tmp_path / "pages")
    assert not (tmp_path / "pages" / "solutions" / "03_made_up.html").exists()


FAILED = nbformat.v4.new_output("error", ename="ZeroDivisionError", evalue="division by zero", traceback=[])


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (code("1 / 0", FAILED), r"04_other, cell 2 \(1 / 0\): ZeroDivisionError: division by zero"),
        (code("x = 1", ran=None), r"04_other, cell 2 \(x = 1\): it was not run"),
        (nbformat.v4.new_markdown_cell(r"So $\nosuch x$"), r"04_other, cell 2 .*the formula"),
        (code('ask("04-x", "How?", low=low, high=3)', text("How?\nNo prediction made.\n")), "low of a question"),
        (code('ask("04-x", "How?", low=1, high=3)', text("How?\nYou said 2.\n")), "printed without an answer"),
        (code("reveal(nothing, 3, 'counted')", text("x")), 'it reveals "nothing"'),
    ],
)
def test_a_lesson_that_cannot_be_shown_stops_the_export_and_the_one_before_stays(course, tmp_path, cell, reason):
    course.export(tmp_path / "pages")
    before = held(tmp_path / "pages")
    course.write("03_made_up", nbformat.v4.new_markdown_cell("# Another text"))
    course.write("04_other", nbformat.v4.new_markdown_cell("# The other"), cell)
    with pytest.raises(ExportError, match=reason):
        course.export(tmp_path / "pages")
    assert held(tmp_path / "pages") == before


def test_a_notebook_that_is_none_is_named(course, tmp_path):
    (course.root / "notebooks" / "04_other.ipynb").write_text("{", encoding="utf-8")
    with pytest.raises(ExportError, match=r"04_other\.ipynb cannot be read"):
        course.export(tmp_path / "pages")
    assert not (tmp_path / "pages").exists()


def test_what_cannot_be_written_leaves_the_export_as_it_was(course, tmp_path, monkeypatch):
    course.export(tmp_path / "pages")
    before = held(tmp_path / "pages")
    write = Path.write_bytes

    def full(path, content):
        if "index" in path.name:
            raise OSError(28, "No space left on device", str(path))
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    course.write("03_made_up", nbformat.v4.new_markdown_cell("# Another text"))
    with pytest.raises(ExportError, match="No space left on device"):
        course.export(tmp_path / "pages")
    assert held(tmp_path / "pages") == before


def test_pages_of_lessons_that_are_gone_go_and_files_of_others_stay(course, tmp_path):
    course.export(tmp_path / "pages")
    (tmp_path / "pages" / "mine.txt").write_text("mine", encoding="utf-8")
    (course.root / "notebooks" / "04_other.ipynb").unlink()
    course.export(tmp_path / "pages")
    assert {path.name for path in (tmp_path / "pages").glob("[!.]*")} == {"03_made_up.html", "index.html", "mine.txt"}


def exported(course, monkeypatch, *words, answer=None):
    from gpu_lessons.export import site

    monkeypatch.setattr(site, "course_root", lambda: course.root)
    monkeypatch.setattr("builtins.input", (lambda question: answer) if answer else pytest.fail)
    return main(["export", *map(str, words)])


def test_the_command_says_what_it_wrote_and_replaces_its_own_pages_without_a_question(
    course, tmp_path, monkeypatch, capsys
):
    for _ in range(2):
        assert exported(course, monkeypatch, tmp_path / "pages") == 0
        assert capsys.readouterr().out == f"3 pages in {tmp_path / 'pages'}; open {tmp_path / 'pages' / 'index.html'}\n"


@pytest.mark.parametrize(
    ("answer", "words", "is_written"), [("n", (), False), ("y", (), True), (None, ("--force",), True)]
)
def test_a_folder_with_other_files_is_asked_about_unless_forced(
    course, tmp_path, monkeypatch, capsys, answer, words, is_written
):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "mine.txt").write_text("mine", encoding="utf-8")
    status = exported(course, monkeypatch, tmp_path / "pages", *words, answer=answer)
    assert (status, (tmp_path / "pages" / "index.html").exists()) == ((0, True) if is_written else (2, False))
    assert (tmp_path / "pages" / "mine.txt").read_text("utf-8") == "mine"
    assert ("holds other files, such as mine.txt" in capsys.readouterr().err) is not is_written


def test_a_file_where_the_folder_should_be_is_a_user_s_mistake(course, tmp_path, monkeypatch, capsys):
    (tmp_path / "pages").write_text("mine", encoding="utf-8")
    assert exported(course, monkeypatch, tmp_path / "pages") == 2
    assert capsys.readouterr().err == f"gpu-lessons: {tmp_path / 'pages'} is a file; name a folder for the pages\n"


@pytest.mark.parametrize(
    ("url", "at", "target"),
    [
        ("04_b.ipynb", "03_a.html", "04_b.html"),
        ("04_b.ipynb#heading=Where-it-goes", "03_a.html", "04_b.html#Where-it-goes"),
        ("#heading=Here", "03_a.html", "#Here"),
        ("05_missing.ipynb", "03_a.html", None),
        ("README.md", "03_a.html", "index.html"),
        ("../README.md", "solutions/03_a.html", "../index.html"),
        ("../04_b.ipynb", "solutions/03_a.html", "../04_b.html"),
        ("04_b.ipynb", "solutions/03_a.html", None),
        ("solutions", "03_a.html", None),
        ("https://example.org/x.ipynb", "03_a.html", "https://example.org/x.ipynb"),
    ],
)
def test_links_between_lessons_become_links_between_pages(url, at, target):
    assert on_page(url, at, {"03_a.html", "04_b.html", "solutions/03_a.html"}) == target


def test_the_pages_beside_a_lesson_are_those_of_its_folder():
    names = ["03_a.html", "04_b.html", "glossary.html", "solutions/03_a.html"]
    assert around("03_a.html", names) == {"before": None, "after": "04_b.html"}
    assert around("04_b.html", names) == {"before": "03_a.html", "after": None}
    assert around("solutions/03_a.html", names) == {"before": None, "after": None}
    assert around("glossary.html", names) == {"before": None, "after": None}


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_question_and_every_reveal_of_a_lesson_is_read(path):
    notebook = nbformat.read(path, as_version=4)
    lesson = read_lesson(path.stem, notebook, Prose(partial(on_page, at=f"{path.stem}.html", pages=())))
    source = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    named = [getattr(node.func, "id", "") for node in calls]
    assert len(lesson.questions) == named.count("ask") + named.count("choose")
    page = "".join(part for section in lesson.sections for step in section.steps for part in step)
    assert page.count('class="reveal"') == named.count("reveal") + named.count("reveal_choice")
    assert len({question.code for question in lesson.questions}) == len(lesson.questions)


def test_a_reveal_is_read_back_to_the_number_it_printed(capsys):
    source = 'guess = ask("03-x", "How many\\ntimes?", low=10**-2, high=1_000)'
    asked = question_in(source, printed_by(lambda: ask("03-x", "How many\ntimes?", low=0.01, high=1000), capsys), 27)
    assert (asked.text, asked.code, asked.answer.low) == ("How many\ntimes?", "03AB", 0.01)
    said = printed_by(lambda: reveal(asked.answer, 84.2, "predicted, a T4 (of (two))", "So (it) is."), capsys)
    read = reveal_in("reveal(guess, 84.2, source)", f"before\n{said}", [asked])
    assert (read.before, read.truth, read.then) == ("before", 84.0, "So (it) is.")
    assert read.was == "It was 84× (predicted, a T4 (of (two)))"


def test_a_choice_is_read_back_where_one_choice_begins_like_another(capsys):
    choices = ("half", "half of it.", "all")
    asked = question_in(
        'c = choose("03-y", "What?", C)', printed_by(lambda: choose("03-y", "What?", choices), capsys), 0
    )
    assert sorted(asked.options) == sorted(choices)
    said = printed_by(lambda: reveal_choice(asked.answer, "half of it.", "Because."), capsys)
    read = reveal_in("reveal_choice(c, right)", said, [asked])
    assert (read.truth, read.was, read.then) == ("half of it.", "What happened: half of it", "Because.")


@pytest.mark.parametrize("explore", EXPLORERS, ids=lambda explore: explore.__name__)
def test_the_controls_of_a_saved_chart_are_those_that_were_declared(explore):
    declared = explore().controls
    found = controls_of(inputs(declared))
    assert [type(each) for each in found] == [type(each) for each in declared]
    assert [(each.parameter, each.label, list(each.options), each.start) for each in found] == [
        (each.parameter, each.label, list(each.options), each.start) for each in declared
    ]


def test_a_figure_without_words_says_where_it_stands_and_one_with_words_says_them():
    shown = Shown(Prose(lambda url: url))
    for plain, words in (("<Figure size 770x440 with 1 Axes>", "section “Here”"), ("seconds against size.", "seconds")):
        picture = nbformat.v4.new_output("display_data", {"image/png": "AAAA", "text/plain": plain})
        assert words in re.search(r'alt="([^"]*)"', shown.html(picture, "Here"))[1]


def test_a_chart_s_data_cannot_end_its_script():
    spec = {"params": [], "data": {"values": [{"name": "</script><b>"}]}}
    data = {VEGA_LITE: spec, "image/png": "AAAA", "text/plain": "x"}
    page = Shown(Prose(lambda url: url)).html(nbformat.v4.new_output("display_data", data), "Here")
    assert page.count("</script>") == 1


def test_a_text_is_cut_at_headings_but_not_inside_of_code():
    assert in_sections("a\n## b\n```\n## c\n```\n## d") == ["a", "## b\n```\n## c\n```", "## d"]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_the_plan_of_a_lesson_has_minutes_and_a_note_for_its_sections(path):
    plan = plan_for(path.stem, (ROOT / "TEACHING.md").read_text("utf-8"))
    notebook = nbformat.read(path, as_version=4)
    titles = [line[3:] for cell in notebook.cells for line in cell.source.splitlines() if line.startswith("## ")]
    assert {*plan.minutes} >= {title for title in titles if "#" not in title}
    assert {*plan.minutes} == {*plan.notes}
    assert [heading for heading, _ in plan.beside] == ["Believed wrongly", "Discuss", "With less or more time"]


def test_a_lesson_that_the_guide_does_not_name_has_no_plan():
    assert plan_for("03_made", GUIDE).minutes == {}
    assert plan_for("03_made_up", GUIDE).minutes == {"Run": 4.0}
    assert "<em>this</em>" in plan_for("03_made_up", GUIDE).notes["Run"]


def panels_of(part):
    """Yield every panel of a figure in Vega-Lite."""
    yield part
    for each in (*part.get("vconcat", ()), *part.get("concat", ())):
        yield from panels_of(each)


def test_a_figure_of_float32_layers_run_forward_has_room_for_times_of_the_browser_in_one_panel():
    before = explore_batch_and_width()._repr_mimebundle_()[0][VEGA_LITE]
    kept = json.dumps(before)
    after = with_browser_times(before)
    assert json.dumps(before) == kept
    assert after["datasets"] == {BROWSER_TIMES: []}
    grown = [
        (len(old.get("layer", ())), new["layer"])
        for old, new in zip(panels_of(before), panels_of(after), strict=True)
        if new.get("layer") != old.get("layer")
    ]
    [(count, layers)] = grown
    assert [each["data"]["name"] for each in layers[count:]] == 4 * [BROWSER_TIMES]
    assert not vl_convert.vegalite_to_svg(after, vl_version="5.20").count("measured</text>")
    time = {
        "batch_log2": 3,
        "width_log2": 10,
        "time_s": 1e-3,
        "kind": "gpu",
        "name": "some GPU",
        "told": "it took 1 ms",
    }
    drawn = vl_convert.vegalite_to_svg(after | {"datasets": {BROWSER_TIMES: [time]}}, vl_version="5.20")
    assert drawn.count("● some GPU, measured</text>") == 1
    assert drawn.count('aria-label="it took 1 ms"') == 1


@pytest.mark.parametrize(
    "explorer",
    [
        partial(explore_batch_and_width, work="training step"),
        partial(explore_batch_and_width, dtype="float16"),
        explore_crossing,
        explore_chain,
    ],
)
def test_a_figure_of_anything_else_stays_as_it_is(explorer):
    spec = explorer()._repr_mimebundle_()[0][VEGA_LITE]
    assert with_browser_times(spec) is spec
