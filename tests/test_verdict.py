"""The end of the course: the ledger filled, predictions scored, the learner's calibration, and the page to print."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

import gpu_lessons as gl
from gpu_lessons.hardware.course import ANSWERS
from gpu_lessons.lessons import keep_evidence, my_calibration, my_report, progress, say_gain, verdict_ledger
from gpu_lessons.lessons.answers import CONFIDENCES
from gpu_lessons.lessons.claim_verdicts import CLAIM_VERDICTS, PAIRS, VERDICTS
from gpu_lessons.lessons.claims import BELIEFS, CLAIMS, RATED_AGAIN, keep_rating
from gpu_lessons.lessons.progress import progress_here
from gpu_lessons.lessons.scores import by_confidence, scored_choices, scored_predictions

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
FOUND = re.compile(r"Claim (\d): .*\nFound: (.+) \((.+)\)\.")


@pytest.fixture(autouse=True)
def mine(monkeypatch, tmp_path):
    """Start each test as a fresh kernel in a folder of lessons, shown live; return that folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "00_start_here.ipynb").write_text("{}")
    monkeypatch.setattr(progress, "_opened", {})
    monkeypatch.setenv("GPU_LESSONS_DISPLAY", "live")
    return tmp_path


def scored(key, value, truth=10.0, confidence="a guess", **more):
    outcome = {"question": f"Question {key}?", "value": value, "truth": truth, "unit": "×", "confidence": confidence}
    progress_here().remember("outcomes", key, outcome | {"source": "predicted, NVIDIA T4"} | more)


# The ledger


def test_every_claim_has_a_verdict_with_a_reason_and_the_belief_that_agrees():
    assert CLAIM_VERDICTS.keys() == {claim.key for claim in CLAIMS}
    assert {each.verdict for each in CLAIM_VERDICTS.values()} == VERDICTS.keys()
    for each in CLAIM_VERDICTS.values():
        assert each.belief in BELIEFS
        assert each.reason.endswith(".")
        assert len(each.by_pair()) in (0, len(PAIRS))


def test_what_data_sheets_say_of_a_pair_is_computed_from_the_catalogue():
    gpu, cpu = (gl.machine(slug) for slug in PAIRS[0])
    ratio = gpu.memory_bandwidth_bytes_per_s / cpu.memory_bandwidth_bytes_per_s
    line = CLAIM_VERDICTS["bandwidth"].by_pair()[0]
    assert line == f"2020, {gpu.name} against {cpu.name}: bandwidth {ratio:.0f}×"
    assert "82 SMs against 10 cores" in CLAIM_VERDICTS["units"].by_pair()[0]
    assert "24 GB against at most 128 GB" in CLAIM_VERDICTS["memory"].by_pair()[0]


def test_an_untouched_course_says_of_each_claim_which_lesson_has_its_evidence():
    text = repr(verdict_ledger())
    for claim in CLAIMS:
        assert f"nothing yet: {claim.lesson} tests it" in text
    assert text.count("not rated") == 2 * len(CLAIMS)


def test_the_ledger_holds_the_first_belief_the_evidence_the_last_belief_and_the_verdict():
    bus = CLAIMS[6]
    keep_rating(bus, "true", "certain")
    keep_evidence("06-bus", "12 GB/s cross", "predicted, NVIDIA T4")
    keep_evidence("08-bus", "13 GB/s cross", "measured, here")
    keep_rating(bus, "false", "a guess")
    keep_rating(bus, "partly", "fairly sure", RATED_AGAIN)
    row = verdict_ledger().rows[6]
    assert row.cells()[:4] == (
        ["7. Data reaches a GPU through PCIe, which is slow."],
        ["at first: true, certain", "now: partly, fairly sure"],
        ["Lesson 06: 12 GB/s cross (predicted, NVIDIA T4)", "Lesson 08: 13 GB/s cross (measured, here)"],
        ["true with a condition"],
    )
    assert all(line in repr(verdict_ledger()) for cell in row.cells() for line in cell)


def test_the_ledger_as_html_takes_nothing_from_the_file_for_html():
    keep_evidence("06-bus", "12 GB/s <b>cross</b> & more", "<script>alert(1)</script>")
    shown = verdict_ledger()._repr_html_()
    assert "<script" not in shown
    assert "12 GB/s &lt;b&gt;cross&lt;/b&gt; &amp; more" in shown
    assert shown.count("<tr>") == 1 + len(CLAIMS)


def test_a_static_display_shows_no_answers(monkeypatch):
    keep_evidence("06-bus", "12 GB/s cross", "predicted, NVIDIA T4")
    monkeypatch.setenv("GPU_LESSONS_DISPLAY", "static")
    assert "12 GB/s" not in repr(verdict_ledger())


def found_in_solutions():
    """Yield lesson, number of the claim, finding and source of all that the solved lessons print as found."""
    for path in sorted((NOTEBOOKS / "solutions").glob("[0-9][0-9]_*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            text = "".join(str(output.get("text", "")) for output in cell.get("outputs", ()))
            for number, finding, source in FOUND.findall(text):
                yield path.stem, int(number), finding, source


def test_who_walks_through_all_solved_lessons_has_a_number_of_their_own_in_every_row_of_the_verdict():
    for lesson, number, finding, source in found_in_solutions():
        keep_evidence(f"{lesson[:2]}-{CLAIMS[number - 1].key}", finding, source)
    to_come = {claim.key for claim in CLAIMS if not (NOTEBOOKS / "solutions" / f"{claim.lesson}.ipynb").exists()}
    assert to_come <= {"graphics", "training"}  # lessons that stand in the source first
    for row in verdict_ledger().rows:
        if row.claim.key in to_come:
            continue
        assert row.claim.lesson[:2] in {each.lesson for each in row.evidence}, row.claim
        assert all(re.search(r"\d", each.finding) for each in row.evidence)
        assert all(str(each) in "\n".join(row.cells()[2]) for each in row.evidence)


# Scores


def test_a_prediction_is_off_by_the_same_factor_whichever_way():
    scored("03-a", 40.0)
    scored("01-b", 2.5)
    assert [(each.key, each.factor, each.is_right) for each in scored_predictions()] == [
        ("01-b", 4.0, False),
        ("03-a", 4.0, False),
    ]


def test_within_a_factor_of_two_is_right():
    for key, value in (("01-a", 5.0), ("01-b", 20.0), ("01-c", 4.9), ("01-d", 20.1)):
        scored(key, value)
    assert [each.is_right for each in scored_predictions()] == [True, True, False, False]


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": "10"}, {"value": None}, {"value": 0}, {"value": -3.0}, {"value": True}, {"value": [1]}, {"truth": 0},
        {"truth": "10"}, {"truth": {}}, {"confidence": "sort of"}, {"confidence": None}, {"confidence": ["certain"]},
    ],
)  # fmt: skip
def test_an_outcome_edited_into_nonsense_is_left_out(wrong):
    scored("03-a", 40.0)
    progress_here().remember("outcomes", "03-b", {"value": 1.0, "truth": 1.0, "confidence": "a guess"} | wrong)
    assert [each.key for each in scored_predictions()] == ["03-a"]
    my_report()


def test_texts_that_are_none_become_empty():
    scored("03-a", 40.0, question=3, source=None, unit=["×"])
    [each] = scored_predictions()
    assert each.row() == ("03", "03-a", "40, a guess", "10 ()", "4×")


def test_ratings_and_predictions_count_by_how_sure_one_was():
    scored("01-a", 10.0, confidence="certain")
    scored("01-b", 100.0, confidence="certain")
    keep_rating(CLAIMS[4], "false", "certain")  # as the course found it
    keep_rating(CLAIMS[1], "false", "a guess")
    keep_rating(CLAIMS[2], "true", None)
    assert by_confidence() == {"a guess": (0, 1), "fairly sure": (0, 0), "certain": (2, 3)}


def test_choices_are_right_or_not():
    progress_here().remember("outcomes", "03-a", {"question": "What?", "value": "up", "truth": "up"})
    progress_here().remember("outcomes", "02-b", {"question": "What?", "value": "up", "truth": "down"})
    progress_here().remember("outcomes", "02-c", {"question": "What?", "value": "up", "truth": 4})
    assert [(each.key, each.is_right) for each in scored_choices()] == [("02-b", False), ("03-a", True)]


def test_the_gain_is_said_from_the_first_answers_to_the_last(capsys):
    for claim in CLAIMS:
        keep_rating(claim, "true", "certain")
        keep_rating(claim, CLAIM_VERDICTS[claim.key].belief, "certain", RATED_AGAIN)
    scored("00-bandwidth", 2.0, 20.0)
    scored("11-bandwidth", 16.0, 20.0)
    say_gain()
    true = sum(each.verdict == "true" for each in CLAIM_VERDICTS.values())
    assert capsys.readouterr().out.splitlines() == [
        f"At first: {true} of 9 claims rated as the course found them. Memory bandwidth: off by a factor of 10.",
        "Now: 9 of 9 claims rated as the course found them. Memory bandwidth: off by a factor of 1.2.",
    ]


def test_no_answers_no_gain(capsys):
    say_gain()
    assert capsys.readouterr().out.count("no claim rated. Memory bandwidth: not predicted.") == 2


# Calibration


def test_nothing_to_draw_is_said():
    nothing = my_calibration()
    assert not nothing
    assert nothing._repr_mimebundle_() == {"text/plain": repr(nothing)}
    assert repr(nothing).startswith("No prediction has met its truth yet")


def test_the_figure_holds_the_share_of_each_confidence_and_the_factor_of_each_prediction():
    for number, factor in enumerate((8.0, 4.0, 2.0, 1.0)):
        scored(f"{number:02}-a", 10.0 * factor, confidence=CONFIDENCES[number % 3])
    found = my_calibration()
    assert [(row["confidence"], row["share"], row["said"]) for row in found.sure()] == [
        ("a guess", 0.5, "1 of 2"),
        ("fairly sure", 0.0, "0 of 1"),
        ("certain", 1.0, "1 of 1"),
    ]
    assert [(row["lesson"], row["factor"]) for row in found.errors()] == [
        ("00", 8.0), ("01", 4.0), ("02", 2.0), ("03", 1.0)
    ]  # fmt: skip
    assert found.sentence() == (
        "Right, by how sure you were: a guess 1 of 2, fairly sure 0 of 1, certain 1 of 1. 4 predictions were off by a "
        "factor of 6 in the middle of the first half and 1.5 in that of the second."
    )
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", found.svg())
    assert {"1 of 2", "0 of 1", "1 of 1", "right: within 2"} <= set(texts)


@pytest.mark.parametrize("only", ["a rating", "a prediction"])
def test_a_little_is_drawn_too(only):
    if only == "a rating":
        keep_rating(CLAIMS[0], "true", "certain")
    else:
        scored("01-a", 1e9)
    data, _ = my_calibration()._repr_mimebundle_()
    assert data["image/png"]
    assert data["text/plain"] == my_calibration().sentence()


# The page


class Seen(HTMLParser):
    """What a browser would find on the page: tags that are left open, addresses, and text."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.addresses, self.text = [], set(), [], ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href", "xlink:href", "action")]
        self.tags |= {name for name, _ in attributes if name.startswith("on")}
        if tag not in ("meta", "br", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_an_untouched_course_has_a_page_that_says_so(mine):
    report = my_report()
    assert report.path == mine / "my_report.html"
    assert report.path.read_text(encoding="utf-8") == report.page
    text = Seen(report.page).text
    assert "0 of 9 claims have evidence from your notebooks." in text
    assert "No prediction has met its truth yet." in text
    assert "Nothing was chosen yet." in text
    assert "08_one_after_another" in text
    assert repr(report).endswith("Written to my_report.html: open it in a browser to read, keep or print it.")


def test_the_page_holds_beliefs_evidence_predictions_choices_and_progress():
    keep_rating(CLAIMS[6], "true", "certain")
    keep_evidence("06-bus", "12 GB/s cross", "predicted, NVIDIA T4")
    keep_rating(CLAIMS[6], "partly", "fairly sure", RATED_AGAIN)
    scored("03-a", 84.0, 10.0)
    progress_here().remember("outcomes", "02-b", {"question": "What rose?", "value": "up", "truth": "down"})
    progress_here().remember("exercises", "waves", {"outcome": "right"})
    seen = Seen(my_report().page)
    for said in (
        "at first: true, certain", "now: partly, fairly sure", "Lesson 06: 12 GB/s cross (predicted, NVIDIA T4)",
        "Question 03-a?", "84×, a guess", "10× (predicted, NVIDIA T4)", "8.4×", "What rose?", "0 of 1 right.", "1 of 2",
    ):  # fmt: skip
        assert said in seen.text
    assert "svg" in seen.tags


def test_the_page_needs_nothing_from_elsewhere_runs_nothing_and_is_whole():
    keep_rating(CLAIMS[0], "true", "certain")
    scored("03-a", 84.0)
    seen = Seen(my_report().page)
    assert seen.open == []
    assert seen.addresses == []
    assert not {"script", "iframe", "img", "link", "object", "form"} & seen.tags
    assert not [tag for tag in seen.tags if tag.startswith("on")]
    assert {"html", "title", "main", "h1", "table"} <= seen.tags


EVIL = "</table><script>alert(1)</script><img src=x onerror=alert(1)>&amp;\"'"


def test_whatever_stands_in_the_answers_is_text_on_the_page(mine):
    keep_evidence("06-bus", f"12 {EVIL}", EVIL)
    scored("03-a", 84.0, question=EVIL, source=EVIL, unit=EVIL)
    scored(f"04-{EVIL}", 1.0)
    progress_here().remember("outcomes", "02-b", {"question": EVIL, "value": EVIL, "truth": EVIL + EVIL})
    report = my_report()
    seen = Seen(report.page)
    assert seen.open == []
    assert not {"script", "img", "onerror"} & seen.tags
    assert EVIL in seen.text
    assert not {"script", "img", "onerror"} & Seen(report._repr_html_()).tags


def test_answers_edited_into_nonsense_are_set_aside_and_the_page_says_so(mine):
    (mine / ANSWERS).write_text('{"schema": 1, "claims": ')
    text = Seen(my_report().page).text
    assert re.search(r"my_course.json was set aside as my_course\.[\d-]+\.json because it is not readable JSON", text)
    assert json.loads((mine / ANSWERS).read_text()) == {"schema": 1}


@pytest.mark.parametrize(
    "shelf", ["claims", "last claims", "first claims", "evidence", "outcomes", "guesses", "choices"]
)
@pytest.mark.parametrize(
    "answer", [{}, {"belief": 1, "value": [1], "finding": {}}, {"belief": ["true"], "truth": None}]
)
def test_a_page_comes_whatever_an_answer_is(mine, shelf, answer):
    keys = {claim.key: answer for claim in CLAIMS} | {"06-bus": answer, "": answer, "x" * 50: answer}
    (mine / ANSWERS).write_text(json.dumps({"schema": 1, shelf: keys}))
    assert "0 of 9 claims have evidence" in my_report().page


def test_a_page_goes_where_one_says_and_replaces_pages_only(mine):
    assert my_report("other.html").path == Path("other.html")
    keep_rating(CLAIMS[0], "true", "certain")
    assert "at first: true, certain" in my_report(mine / "other.html").path.read_text(encoding="utf-8")
    before = (mine / ANSWERS).read_bytes()
    for name in (ANSWERS, "00_start_here.ipynb", "report", ".html"):
        with pytest.raises(ValueError, match=r"file must end in .html, such as 'my_report.html', got "):
            my_report(mine / name)
    assert (mine / ANSWERS).read_bytes() == before


def test_a_static_display_writes_no_page_unless_told_where(mine, monkeypatch):
    monkeypatch.setenv("GPU_LESSONS_DISPLAY", "static")
    report = my_report()
    assert report.path is None
    assert not (mine / "my_report.html").exists()
    assert repr(report).endswith('Not written to a file; gl.my_report("my_report.html") writes it where you say.')
    assert my_report("mine.html").path.exists()
