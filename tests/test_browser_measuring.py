"""The page of lesson 03 measures its reader's GPU: in Chromium, whose WebGPU can be software."""

import re
import shutil
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
from lab_browser import CHROMIUM_FLAGS, find_chromium
from test_browser_pages import ALL_DRAWN, MOVE, Reader, show_numbers

from gpu_lessons.export import export_course
from gpu_lessons.records import WIDE_SPREAD

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[1]
PAGE = "03_batch_and_width.html"
SOFTWARE = "this browser, google swiftshader, software"
JAVASCRIPT = "this browser, JavaScript on one core"
DOTS = "() => course.explorers.find((each) => each.spec.datasets?.browser_times).view.data('browser_times')"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    root = tmp_path_factory.mktemp("course")
    (root / "notebooks").mkdir()
    for name in ("TEACHING.md", "notebooks/README.md", "notebooks/03_batch_and_width.ipynb"):
        shutil.copy(ROOT / name, root / name)
    export_course(root / "pages", root=root)
    return root / "pages"


@pytest.fixture(scope="module")
def with_webgpu(chromium):
    flags = (*CHROMIUM_FLAGS, "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")
    browser = chromium.browser_type.launch(executable_path=find_chromium(), args=flags)
    yield browser
    browser.close()


@contextmanager
def page_in(browser, site, script=""):
    """Open the page, ``script`` run before its own; nothing may complain."""
    reader = Reader(browser, site)
    reader.page.add_init_script(script)
    reader.page.goto((site / PAGE).as_uri())
    reader.page.wait_for_function(ALL_DRAWN, timeout=60_000)
    reader.page.wait_for_function("() => document.querySelector('.measuring > :is(button, .said:not(:empty))')")
    yield reader.page
    reader.context.close()
    assert reader.complaints == []


@pytest.fixture
def opened(site):
    """Return a function that opens the page in a browser."""
    with ExitStack() as pages:
        yield lambda browser, script="": pages.enter_context(page_in(browser, site, script))


@pytest.fixture(scope="module")
def unmeasured(with_webgpu, site):
    """The page, for the functions of its scripts."""
    with page_in(with_webgpu, site) as page:
        yield page


@pytest.fixture(scope="module")
def measured(with_webgpu, site):
    """The page after one measurement, set to a width whose products even a busy machine multiplies at once."""
    with page_in(with_webgpu, site) as page:
        assert page.locator(".measuring button").all_inner_texts() == ["Measure this GPU (about 8 s)"]
        narrow(page)
        press(page)
        wait_for_the_end(page)  # the budget itself is tried with a clock of its own
        yield page


def said(page):
    return page.locator(".measuring .said").inner_text()


def press(page):
    page.locator(".measuring button").click()


def wait_for_the_end(page):
    page.wait_for_function(
        "() => /^Measure this GPU/.test(document.querySelector('.measuring button').textContent)"
        " && document.querySelector('.measuring .said').textContent",
        timeout=60_000,
    )


def narrow(page):
    """Set the first explorer to a width whose products even a busy machine multiplies at once."""
    page.get_by_role("slider", name="layer width").first.evaluate(MOVE, "0")


@pytest.mark.parametrize(("m", "k", "n"), [(1, 64, 64), (7, 20, 36), (63, 68, 132), (64, 64, 64), (130, 36, 68)])
def test_products_are_those_of_numpy(unmeasured, m, k, n):
    rng = np.random.default_rng(m)
    x, w = (rng.standard_normal(shape).astype("float32") for shape in ((m, k), (k, n)))
    found = unmeasured.evaluate(
        """async ([x, w, ...sizes]) => {
            const [on, by] = [new Float32Array(x), new Float32Array(w)];
            const gpu = await course.webgpu.open(await course.webgpu.adapter());
            const products = [await gpu.product(on, by, ...sizes), course.products.multiplied(on, by, ...sizes)];
            gpu.close();
            return products.map((each) => [...each]);
        }""",
        [x.ravel().tolist(), w.ravel().tolist(), m, k, n],
    )
    exact = x.astype("float64") @ w.astype("float64")
    for each in found:
        np.testing.assert_allclose(np.reshape(each, (m, n)), exact, rtol=1e-4, atol=1e-5)


def test_times_become_dots_that_say_what_they_are(measured):
    page = measured
    times = page.evaluate(DOTS)
    assert {each["name"] for each in times} == {SOFTWARE, JAVASCRIPT}
    assert {each["name"] for each in times if each["kind"] == "gpu"} == {SOFTWARE}
    assert all(0 < each["time_s"] < 1 for each in times)
    for figure in page.locator("figure.chart:has(.controls)").all()[:2]:
        figure.locator("input[type=range]").last.evaluate(MOVE, "0")
        words = figure.locator("svg text").all_text_contents()
        assert {f"● {SOFTWARE}, measured", f"● {JAVASCRIPT}, measured"} <= {*words}
        dots = figure.locator("svg [aria-label^='this browser']").all()
        here = [each for each in times if each["width_log2"] == 6]
        assert len(dots) == len(here) > 4
        assert {each.get_attribute("aria-label") for each in dots} == {each["told"] for each in here}
    assert re.search(
        r"\d+ sizes? on this browser, google swiftshader, software; \d+ sizes? on this browser, JavaS", said(page)
    )
    beside = (
        r"At batch [\d,]+, width 64: \S+ .s \(google swiftshader, software\) and \S+ .s \(JavaScript on one core\)\."
    )
    assert re.search(beside, said(page))


def test_the_sentence_and_the_numbers_hold_the_measured_times(measured):
    page = measured
    figure = page.locator("figure.chart:has(.measuring)")
    figure.locator("input[type=range]").first.evaluate(MOVE, "0")
    times = {each["kind"]: each for each in page.evaluate(DOTS) if (each["batch_log2"], each["width_log2"]) == (0, 6)}
    sentence = figure.locator(".sentence").text_content()
    assert times["gpu"]["told"][1:] in sentence
    assert times["cpu"]["told"][1:] in sentence
    assert figure.locator("[role=graphics-document]").get_attribute("aria-label") == sentence
    assert ("spread by" in times["gpu"]["told"]) == (times["gpu"]["spread"] > WIDE_SPREAD)
    show_numbers(figure)
    heads = figure.locator("th").all_text_contents()
    value, unit = figure.locator("tr[aria-current] td").nth(heads.index("browser gpu")).text_content().split()
    assert float(value) * {"µs": 1e-6, "ms": 1e-3}[unit] == pytest.approx(times["gpu"]["time_s"], rel=0.01)


def test_a_second_press_stops_and_a_third_measures_again(opened, with_webgpu):
    page = opened(with_webgpu)
    narrow(page)
    press(page)
    page.wait_for_function(
        "() => /so far/.test(document.querySelector('.measuring .said').textContent)", timeout=60_000
    )
    assert page.locator(".measuring button").inner_text() == "Stop"
    press(page)
    wait_for_the_end(page)
    assert said(page).startswith("Stopped. Dots in the figure: ")
    kept = page.evaluate(DOTS)
    assert {each["kind"] for each in kept} == {"gpu"}
    press(page)
    wait_for_the_end(page)
    assert len(page.evaluate(DOTS)) > len(kept)


WRONG = """
const make = GPUDevice.prototype.createShaderModule;
GPUDevice.prototype.createShaderModule = function ({ code }) {
    return make.call(this, { code: code.replace("sum_0 += ", "sum_0 -= ") });
};
"""
NO_MEMORY = """
const make = GPUDevice.prototype.createBuffer;
GPUDevice.prototype.createBuffer = function (how) {
    const error = new GPUOutOfMemoryError("none left");
    this.dispatchEvent(new GPUUncapturedErrorEvent("uncapturederror", { error, cancelable: true }));
    return make.call(this, how);
};
"""
LOST = """
const make = GPUAdapter.prototype.requestDevice;
GPUAdapter.prototype.requestDevice = async function (how) {
    const device = await make.call(this, how);
    setTimeout(() => device.destroy(), 300);
    return device;
};
"""
GONE = """
let asked = 0;
const ask = GPU.prototype.requestAdapter;
GPU.prototype.requestAdapter = function (how) { return (asked += 1) === 1 ? ask.call(this, how) : null; };
"""


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (WRONG, "a product of 5 × 68 and 68 × 76 numbers by google swiftshader is wrong, so no time of it is shown"),
        (NO_MEMORY, "the GPU has not enough memory that is free"),
        (LOST, "the GPU was lost: .+"),
        (GONE, "WebGPU finds no GPU any more"),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_the_page_stays_alive(opened, with_webgpu, script, reason):
    page = opened(with_webgpu, script)
    narrow(page)
    press(page)
    wait_for_the_end(page)
    assert re.fullmatch(rf"The measurement has ended: {reason}\.( Dots in the figure: .+)?", said(page))
    if script == WRONG:
        assert page.evaluate(DOTS) == []
    figure = page.locator("figure.chart:has(.measuring)")
    before = figure.locator(".sentence").text_content()
    figure.locator("input[type=range]").first.evaluate(MOVE, "14")
    assert figure.locator(".sentence").text_content() != before


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("", "WebGPU finds no GPU here that it may use, so the page cannot measure yours."),
        (
            "delete Navigator.prototype.gpu;",
            "This browser has no WebGPU for this page, so the page cannot measure your GPU.",
        ),
    ],
)
def test_without_webgpu_one_sentence_stands_in_place_of_the_button(opened, chromium, script, sentence):
    page = opened(chromium, script)
    assert page.locator(".measuring").count() == 1
    assert said(page) == sentence
    assert page.locator(".measuring button").count() == 0


# A device of so many multiply-adds a second, whose calls move the page's clock.
SWEEP = """async ([rate, budget, bytes]) => {
    const own = performance.now, found = [];
    let now = 0, longest = 0;
    performance.now = () => 1000 * now;
    const prepare = (batch, width) => async (calls) => {
        const seconds = 1e-5 * calls + (calls * batch * width ** 2) / rate;
        now += seconds;
        longest = Math.max(longest, seconds / calls);
        return seconds;
    };
    const batches = [0, 2, 4, 6, 8, 10, 12, 14], widths = [10, 11, 9, 12, 8, 13, 7, 14, 6];
    const how = { budget, bytes, least: 1, shortest: 0.02, isStopped: () => false };
    const sizes = widths.map((width_log2) => ({ width_log2, batches }));
    await course.products.sweep({ ...how, prepare, found: (time) => found.push(time), widths: sizes });
    performance.now = own;
    return { found, spent: now, longest };
}"""


@pytest.mark.parametrize("rate", [1e7, 1e9, 1e11, 1e13])
@pytest.mark.parametrize("budget", [1, 5])
def test_a_sweep_keeps_its_budget_on_slow_and_fast_devices(unmeasured, rate, budget):
    swept = unmeasured.evaluate(SWEEP, [rate, budget, 2**28])
    assert swept["spent"] <= budget + 1
    assert swept["longest"] <= max(0.25, 2**20 / rate)  # the first size of all is tried, however slow the device
    assert len(swept["found"]) > (2 if rate < 1e9 else 4)
    for each in swept["found"]:
        work = 2 ** (each["batch_log2"] + 2 * each["width_log2"])
        assert each["time_s"] == pytest.approx(1e-5 + work / rate)
        assert each["spread"] == pytest.approx(0, abs=1e-9)


def test_a_matrix_that_is_too_large_is_left_out(unmeasured):
    swept = unmeasured.evaluate(SWEEP, [1e13, 20, 4 * 2**20])
    largest = max(max(each["batch_log2"], each["width_log2"]) + each["width_log2"] for each in swept["found"])
    assert largest == 20


@pytest.mark.parametrize(
    ("info", "name", "is_software"),
    [
        ({"vendor": "nvidia", "architecture": "lovelace"}, "nvidia lovelace", False),
        ({"vendor": "nvidia", "architecture": "ampere", "description": "NVIDIA RTX A4000"}, "NVIDIA RTX A4000", False),
        ({"vendor": "apple", "architecture": "metal-3", "device": "apple-m2"}, "apple apple-m2", False),
        ({"vendor": "mesa", "description": "llvmpipe (LLVM 17, 256 bits)"}, "llvmpipe (LLVM 17, 256 bits)", True),
        (
            {"vendor": "microsoft", "device": "Microsoft Basic Render Driver"},
            "microsoft Microsoft Basic Render Driver",
            True,
        ),
        ({"vendor": "intel", "architecture": "gen-12lp", "isFallbackAdapter": True}, "intel gen-12lp", True),
        ({}, "a GPU without a name", False),
    ],
)
def test_an_adapter_is_named_as_the_browser_names_it_and_software_is_seen(unmeasured, info, name, is_software):
    full = {"vendor": "", "architecture": "", "device": "", "description": ""} | info
    found = unmeasured.evaluate("(info) => course.webgpu.named({ info })", full)
    assert found == {"name": name, "isSoftware": is_software}
