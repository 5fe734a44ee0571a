"""Exported pages in a real browser without a network: sliders, predictions, lecture view, and who reads them how."""

import re
from itertools import product
from pathlib import Path

import nbformat
import pytest

from gpu_lessons import explorers
from gpu_lessons.charts.theme import CPU_WORDS, INK
from gpu_lessons.explorers import explore_batch_and_width
from gpu_lessons.export import export_course

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[1]
PAGES = ("03_batch_and_width.html", "06_crossing_the_bus.html")
each_page = pytest.mark.parametrize("name", PAGES)
every_page = pytest.mark.parametrize(
    "name", ["index.html", *(f"{path.stem}.html" for path in sorted((ROOT / "notebooks").glob("*.ipynb")))]
)

MOVE = """(input, place) => {
    input.value = place;
    input.dispatchEvent(new Event('input', { bubbles: true }));
}"""
ALL_DRAWN = "() => document.querySelectorAll('figure.chart:not([data-drawn])').length === 0"
TEXTS = """() => [...document.querySelectorAll('.drawn svg text')].filter((text) => text.textContent).map((text) => {
    const style = getComputedStyle(text);
    return [text.textContent, style.fill, parseFloat(style.fontSize), Number(style.fontWeight)];
})"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "pages"
    export_course(folder)
    return folder


class Reader:
    """A page in a browser of its own, and what it complained about."""

    def __init__(self, browser, site, **how):
        self.context = browser.new_context(offline=True, **{"viewport": {"width": 1280, "height": 900}} | how)
        self.page, self.site, self.complaints = self.context.new_page(), site, []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("request", self._asked)

    def _asked(self, request):
        if not request.url.startswith(("file:", "data:", "blob:")):
            self.complaints.append(request.url)

    def open(self, name):
        self.page.goto((self.site / name).as_uri())
        self.page.wait_for_function(ALL_DRAWN, timeout=30_000)
        return self.page

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)


def show_numbers(figure):
    """Open the table of a figure, which its page draws a moment after the press."""
    figure.get_by_text("Show the numbers").click()
    figure.locator("th").first.wait_for()


@pytest.fixture
def reader(chromium, site):
    readers = []

    def make(**how):
        readers.append(Reader(chromium, site, **how))
        return readers[-1]

    yield make
    for each in readers:
        each.context.close()
        assert each.complaints == []


def settings(box):
    """Yield after setting the groups of buttons of an explorer to each of their options."""
    groups = [group.locator("input").all() for group in box.locator("fieldset").all()]
    for chosen in product(*groups):
        for each in chosen:
            each.check()
        yield


EXPLORERS = sorted(name for name in explorers.__all__ if name.startswith("explore_"))


@pytest.fixture(scope="module")
def all_explorers(tmp_path_factory):
    """Return a folder with a page for each explorer of the course."""
    root = tmp_path_factory.mktemp("all_explorers")
    (root / "notebooks").mkdir()
    for name in ("TEACHING.md", "notebooks/README.md"):
        (root / name).write_text("", encoding="utf-8")
    for number, name in enumerate(EXPLORERS):
        data, metadata = getattr(explorers, name)()._repr_mimebundle_()
        shown = nbformat.v4.new_output("execute_result", data, metadata=metadata, execution_count=1)
        cell = nbformat.v4.new_code_cell(f"{name}()", outputs=[shown], execution_count=1)
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), root / "notebooks" / f"{number:02}_{name}.ipynb")
    export_course(root / "pages", root=root, shared=True)
    return root / "pages"


@pytest.mark.parametrize("name", EXPLORERS)
def test_every_slider_of_every_explorer_changes_the_sentence(chromium, all_explorers, name):
    reader = Reader(chromium, all_explorers)
    page = reader.open(f"{EXPLORERS.index(name):02}_{name}.html")
    explorer = page.locator("figure.chart")
    sentence = explorer.locator(".sentence")
    assert sentence.get_attribute("aria-live") == "polite"
    for slider in explorer.locator("input[type=range]").all():
        said = set()
        for _ in settings(explorer):
            for place in ("0", slider.get_attribute("max")):
                slider.evaluate(MOVE, place)
                said.add(sentence.text_content())
            if len(said) > 1:
                break
        assert len(said) > 1, slider.get_attribute("id")
    reader.context.close()
    assert reader.complaints == []


def test_the_sentence_and_the_drawing_say_what_the_explorer_computed_for_the_place_of_its_sliders(reader):
    page = reader().open(PAGES[0])
    figure = page.locator("figure.chart").first
    answer = explore_batch_and_width().answer
    for batch, width in ((0, 0), (14, 8), (7, 3)):
        for slider, place in zip(figure.locator("input[type=range]").all(), (batch, width), strict=True):
            slider.evaluate(MOVE, str(place))
        [row] = [each for each in answer.rows() if (each["batch_log2"], each["width_log2"]) == (batch, width + 6)]
        said = figure.locator(".sentence").text_content()
        assert said.startswith(f"{row['headline']}. ")
        assert "AMD Ryzen 9 7950X, predicted" in said
        assert row["headline"] in figure.locator("svg text").all_text_contents()
        assert figure.locator("[role=graphics-document]").get_attribute("aria-label") == said


def test_a_slider_listens_to_the_keyboard_and_says_real_values(reader):
    page = reader().open(PAGES[0])
    slider = page.get_by_role("slider", name="batch size").first
    slider.focus()
    assert slider.get_attribute("aria-valuetext") == "64"
    page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "128"
    assert page.locator(f"output[for={slider.get_attribute('id')}]").text_content() == "128"
    page.keyboard.press("End")
    assert slider.get_attribute("aria-valuetext") == "16,384"


def test_a_finger_moves_a_slider(reader):
    page = reader(has_touch=True, viewport={"width": 390, "height": 844}).open(PAGES[0])
    slider = page.get_by_role("slider", name="batch size").first
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] - 8, box["y"] + box["height"] / 2)
    assert slider.get_attribute("aria-valuetext") == "16,384"


def test_the_numbers_are_those_along_the_first_slider(reader):
    page = reader().open(PAGES[0])
    figure = page.locator("figure.chart").first
    show_numbers(figure)
    assert figure.locator("tbody tr").count() == 15
    assert figure.locator("tr[aria-current] td").first.text_content() == "64"
    figure.locator("input[type=range]").first.evaluate(MOVE, "3")
    assert figure.locator("tr[aria-current] td").first.text_content() == "8"
    column = figure.locator("th").all_text_contents().index("cpu")
    row = next(
        each for each in explore_batch_and_width().answer.rows() if (each["batch_log2"], each["width_log2"]) == (3, 10)
    )
    said, unit = figure.locator("tr[aria-current] td").nth(column).text_content().split()
    assert float(said) * {"µs": 1e-6, "ms": 1e-3}[unit] == pytest.approx(row["cpu_s"], rel=0.01)


@every_page
def test_no_page_has_a_serious_violation(reader, name):
    from axe_playwright_python.sync_playwright import Axe

    for scheme, keys in (("light", ()), ("dark", ("l", "PageDown"))):
        here = reader(color_scheme=scheme)
        page = here.open(name)
        here.press(*keys)
        found = Axe().run(page).response["violations"]
        assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []


def luminance(color):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def turned_over(color):
    """Return what CSS makes of a colour with ``invert(1) hue-rotate(180deg)``."""
    r, g, b = (1 - part for part in color)
    rotated = (
        -0.574 * r + 1.430 * g + 0.144 * b,
        0.426 * r + 0.430 * g + 0.144 * b,
        0.426 * r + 1.430 * g - 0.856 * b,
    )
    return [min(1, max(0, part)) for part in rotated]


def rgb(css):
    return [int(part) / 255 for part in re.findall(r"\d+", css)[:3]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@every_page
def test_words_on_the_paper_of_a_chart_have_contrast(reader, name, scheme):
    page = reader(color_scheme=scheme).open(name)
    paper = rgb(page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor"))
    seen = turned_over if scheme == "dark" else list
    faint = {
        (said, fill)
        for said, fill, size, weight in page.evaluate(TEXTS)
        if rgb(fill) != [1, 1, 1]  # on a dark cell, or the halo of other words
        and contrast(seen(rgb(fill)), paper) < (3 if size >= 24 or (size >= 18.66 and weight >= 700) else 4.5)
    }
    assert faint == set()


def test_the_colours_of_words_have_contrast_by_the_theme():
    for color in (CPU_WORDS, INK):
        assert contrast([int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)], [1, 1, 1]) > 4.5


@every_page
@pytest.mark.parametrize("width", [320, 640, 1920])
def test_a_page_is_no_wider_than_its_window(reader, name, width):
    page = reader(viewport={"width": width, "height": 800}).open(name)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


@each_page
def test_without_javascript_text_pictures_and_answers_are_there(chromium, site, name):
    context = chromium.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto((site / name).as_uri())
    folded = page.locator("details.later").all()
    for each in folded:
        each.locator("> summary").click()
    pictures = page.locator("figure img").all()
    assert pictures
    assert all(each.is_visible() and each.get_attribute("alt") for each in pictures)
    assert page.get_by_role("heading", level=2).first.is_visible()
    answer = page.locator("details.answer").first
    answer.locator("summary").click()
    assert "It was" in answer.locator(".verdict").inner_text()
    assert not page.get_by_role("slider").first.is_visible()
    context.close()


@every_page
def test_every_figure_has_an_alternative_text_and_dense_marks_are_hidden(reader, name):
    page = reader().open(name)
    for picture in page.locator("figure img").all():
        assert picture.get_attribute("alt").strip()
    for drawing in page.locator("figure.chart").all():
        said = drawing.locator("[role=graphics-document]").get_attribute("aria-label")
        assert said == drawing.locator(".sentence").text_content()
        said = drawing.locator("svg [aria-label]:not([aria-hidden=true])").count()
        assert said < 80


def test_focus_is_visible_and_motion_is_reduced_where_that_is_asked_for(reader):
    page = reader(reduced_motion="reduce").open(PAGES[0])
    assert page.evaluate("() => getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    page.keyboard.press("Tab")
    assert page.locator(".skip").bounding_box()["x"] >= 0
    page.get_by_role("slider", name="batch size").first.focus()
    page.keyboard.press("ArrowRight")
    outline = "() => getComputedStyle(document.activeElement).outlineWidth"
    assert float(page.evaluate(outline).removesuffix("px")) >= 2


def test_paper_has_no_controls(reader):
    page = reader(color_scheme="dark").open(PAGES[0])
    page.emulate_media(media="print")
    assert not page.get_by_role("slider").first.is_visible()
    assert page.locator("figure.chart svg").first.is_visible()
    assert page.evaluate("() => getComputedStyle(document.querySelector('.drawn svg')).filter") == "none"
    assert page.evaluate("() => getComputedStyle(document.body).color") == "rgb(31, 41, 55)"


def predict(page, key, place, sure):
    form = page.locator(f"#question-{key}")
    if place is not None:
        form.locator("input[type=range]").evaluate(MOVE, str(place))
    if sure:
        form.get_by_label(sure, exact=True).check()
    form.get_by_role("button").first.click()
    return form.locator(".said").inner_text()


def test_a_reveal_waits_for_a_whole_prediction_and_scores_it(reader):
    page = reader().open(PAGES[0])
    reveal = page.locator(".reveal[data-key='03-speedup']")
    assert not reveal.locator(".verdict").is_visible()
    assert predict(page, "03-speedup", None, "certain") == "Move the slider, then press the button again."
    page.reload()
    assert predict(page, "03-speedup", 120, None) == "Say how sure you are, then press the button again."
    said = predict(page, "03-speedup", 120, "certain")
    words = page.locator("output[for=guess-03-speedup]").inner_text()
    assert said.startswith(f"You said {words}, certain.")
    verdict = reveal.locator(".verdict").inner_text()
    assert verdict.startswith(f"You said {words}, certain. It was ")
    factor, direction = re.search(r": ([\d.]+) times (more|less) than you thought", verdict).groups()
    truth = float(re.search(r"It was ([\d.]+)×", verdict)[1])
    mine = float(words.rstrip("×"))
    assert float(factor) == pytest.approx(max(truth / mine, mine / truth), rel=0.06)
    assert direction == ("more" if truth > mine else "less")


def test_a_prediction_outlives_the_page_and_one_may_look_without(reader):
    page = reader().open(PAGES[0])
    predict(page, "03-speedup", 100, "a guess")
    said = page.locator("#question-03-speedup .said").inner_text()
    page.reload()
    assert page.locator("#question-03-speedup .said").inner_text() == said
    assert (
        page.locator(".made").inner_text() == f"1 of {page.locator('form.question[data-key]').count()} predictions made"
    )
    assert page.locator(".reveal[data-key='03-speedup'] .verdict").is_visible()
    other = page.locator(".reveal[data-key='03-bus']")
    other.get_by_role("button", name="Show me without predicting").click()
    assert other.locator(".verdict").inner_text().startswith("It was ")


def test_a_choice_says_whether_it_was_right(reader):
    page = reader().open(PAGES[0])
    form = page.locator("#question-03-one-sample")
    form.get_by_label("arithmetic").check()
    form.get_by_role("button", name="That is my answer").click()
    verdict = page.locator(".reveal[data-key='03-one-sample'] .verdict")
    assert verdict.inner_text() == "You said: arithmetic. What happened: the weights, out of its memory."
    form.get_by_label("the weights").check()
    form.get_by_role("button", name="That is my answer").click()
    assert verdict.inner_text().endswith("That is what happened.")


def test_ratings_of_the_claims_are_kept_and_followed_by_their_table(reader):
    page = reader().open("00_start_here.html")
    row = page.locator("[data-claim=bus]")
    row.get_by_label("partly").check()
    row.get_by_label("certain").check()
    assert page.locator("form.ratings .said").inner_text() == "1 of 9 rated."
    page.reload()
    cells = page.locator("tr", has_text="7. Data reaches a GPU through PCIe").locator("td").all_inner_texts()
    assert cells[1:3] == ["partly", "certain"]
    assert row.get_by_label("partly").is_checked()


CODES = """(votes) => {
    const question = course.questions.get('03-speedup');
    return votes.map(([place, sure]) => course.codes.write(question, { place, sure }));
}"""


def test_the_codes_of_a_class_are_counted_and_drawn_once_the_number_is_out(reader):
    page = reader().open(PAGES[0])
    votes = [[40, 0], [100, 1], [100, 2], [110, 2], [190, 0]]
    codes = page.evaluate(CODES, votes)
    assert all(re.fullmatch(r"03A-[0-9A-Z]{4}", each) for each in codes)
    altered = codes[0][:-1] + ("2" if codes[0][-1] != "2" else "3")
    elsewhere = page.evaluate("() => course.codes.write(course.questions.get('03-bus'), { place: 3, sure: 1 })")
    form = page.locator("#question-03-speedup")
    form.locator("summary").click()
    typed = [*codes[:-1], codes[-1].lower(), altered, "hello", elsewhere]
    form.locator("textarea").fill(" \n".join(typed))
    counted = form.locator(".counted").inner_text()
    assert counted == "5 guesses; 1 code of other questions; 2 words skipped that are no code of this question."
    reveal = page.locator(".reveal[data-key='03-speedup']")
    assert reveal.locator(".spread").count() == 0
    reveal.get_by_role("button").click()
    assert reveal.locator(".votes p").inner_text().startswith("5 guesses, the middle one ")
    heights = {
        sure: sum(float(each.get_attribute("height")) for each in reveal.locator(f"rect.sure-{sure}").all())
        for sure in (0, 1, 2)
    }
    assert heights[0] == pytest.approx(heights[2]) == pytest.approx(2 * heights[1])
    assert reveal.locator("text.truth").text_content().startswith("it is ")


def test_every_code_is_read_back_and_a_slip_in_typing_is_seen(reader):
    page = reader().open(PAGES[0])
    wrong = page.evaluate(
        """() => {
            const signs = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
            const wrong = { lost: 0, unseen: 0, slips: 0 };
            for (const question of course.questions.values()) {
                const sures = question.kind === 'guess' ? [0, 1, 2] : [0];
                question.words.forEach((_, place) => sures.forEach((sure) => {
                    const code = course.codes.write(question, { place, sure });
                    const [read] = course.codes.read(question, code).answers;
                    if (read?.place !== place || read?.sure !== sure) wrong.lost += 1;
                    for (let at = 4; at < 8; at += 1) {
                        const slip = code.slice(0, at) + signs[(signs.indexOf(code[at]) + 1) % 32] + code.slice(at + 1);
                        wrong.slips += 1;
                        if (course.codes.read(question, slip).answers.length) wrong.unseen += 1;
                    }
                }));
            }
            return wrong;
        }"""
    )
    assert wrong["lost"] == 0
    assert wrong["slips"] > 2000
    assert wrong["unseen"] == 0


@each_page
def test_the_lecture_is_walked_to_its_end_by_the_keys_of_a_clicker(reader, name):
    here = reader(viewport={"width": 1920, "height": 1080})
    page = here.open(name)
    here.press("l")
    steps = page.locator(".step").count()
    place, says = page.locator(".bar .place"), page.locator(".bar-says")
    seen = [place.inner_text()]
    for _ in range(12 * steps):
        here.press("PageDown")
        page.wait_for_timeout(20)
        if place.inner_text() != seen[-1]:
            seen.append(place.inner_text())
        if says.inner_text() == "The lesson ends here.":
            break
    assert seen == [f"{name[:2]} · step {number} of {steps}" for number in range(1, steps + 1)]
    assert page.evaluate("() => course.reveals.filter((reveal) => !reveal.isOpen).length") == 0
    assert page.locator(".step:visible").count() == 1
    here.press("Home")
    assert place.inner_text() == seen[0]
    here.press("Escape")
    assert page.locator(".step:visible").count() == steps


def test_every_section_of_the_lesson_begins_a_step_of_the_lecture(reader):
    page = reader().open(PAGES[0])
    first = page.locator("section > .step:first-child h2").all_inner_texts()
    assert first == page.locator("h2").all_inner_texts()


def test_in_the_lecture_a_reveal_waits_for_the_click_and_arrows_stay_with_a_slider(reader):
    here = reader(viewport={"width": 1920, "height": 1080})
    page = here.open(PAGES[0])
    page.evaluate("() => document.querySelector('.reveal').closest('.step').scrollIntoView()")
    here.press("l")
    place = page.locator(".bar .place")
    before = place.inner_text()
    verdict = page.locator(".step.now .verdict")
    assert not verdict.is_visible()
    page.locator(".step.now").get_by_role("slider").focus()
    here.press("ArrowRight")
    assert place.inner_text() == before
    for _ in range(3):
        if not verdict.is_visible():
            here.press("PageDown")
            page.wait_for_timeout(100)
    assert verdict.is_visible()
    assert place.inner_text() == before


def test_the_lecture_has_a_black_screen_folded_code_a_clock_and_a_plan(reader):
    here = reader()
    page = here.open(PAGES[0])
    here.press("l", "PageDown")
    code = page.locator(".step.now details.source")
    assert code.get_attribute("open") is None
    here.press("c")
    assert code.get_attribute("open") is not None
    for key in ("b", "."):
        here.press(key)
        assert page.locator(".black").is_visible()
        before = page.locator(".bar .place").inner_text()
        here.press("PageDown")
        assert not page.locator(".black").is_visible()
        assert page.locator(".bar .place").inner_text() == before
    assert re.fullmatch(r"0:\d\d · plan \d+:\d\d", page.locator(".clock").inner_text())
    here.press("End")
    assert page.locator(".clock").inner_text().endswith("plan 50:00")
    here.press("v")
    assert page.locator(".bar-says").inner_text() == "No question in this step."


def test_the_speaker_has_notes_in_a_second_window_that_follow(reader):
    here = reader()
    page = here.open(PAGES[0])
    here.press("l", "PageDown")
    with page.expect_popup() as opened:
        here.press("n")
    notes = opened.value
    assert notes.locator("h1").inner_text() == "Two machines, one layer"
    assert "Next: Where the time goes" in notes.locator("body").inner_text()
    assert "Believed wrongly" in notes.locator("body").inner_text()
    notes.keyboard.press("End")
    assert notes.locator("h1").inner_text() == page.locator("h2").last.inner_text()


@each_page
def test_a_page_is_small_besides_its_data(site, name):
    page = (site / name).read_bytes()
    data = sum(map(len, re.findall(rb'<script type="application/json" class="figure">.*?</script>', page, re.DOTALL)))
    assert len(page) - data < 1_500_000


def test_the_theme_can_be_chosen_and_is_kept(reader):
    page = reader(color_scheme="light").open(PAGES[1])
    paper = "() => getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(paper)
    page.get_by_role("button", name="Dark").click()
    assert luminance(rgb(page.evaluate(paper))) < 0.05 < luminance(rgb(light))
    page.reload()
    assert page.evaluate(paper) != light
