"""Time a slider move to the finished picture: live explorers and an exported page beside ``interact`` with Matplotlib.

The live ones stand in one notebook, in one JupyterLab, and the page is in the same Chromium. The clock is the page's
own: from the key press to the frame after the last change of the chart. The Matplotlib figure draws the largest panel
of lesson 03's explorer only.

Run from the repository root: ``python -m benchmarks.sliders``.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

import nbformat
from playwright.sync_api import Browser, Locator, Page

from gpu_lessons.export import export_course
from gpu_lessons.units import format_time
from tests.lab_browser import open_chromium, open_notebook, run_all_cells, serve_lab, show_cell

TARGET_S, PAGE_TARGET_S, TARGET_RATIO = 0.033, 0.0167, 10.0
MOVES = 25
WARMUP_MOVES = ["ArrowRight", "ArrowLeft"]
SETTLED_MS, GIVE_UP_MS = 500, 20_000


class Contestant(NamedTuple):
    """A slider: its cell, its chart, where it stands among its siblings, and its place out of how many."""

    name: str
    source: str
    chart: str
    slider: int
    place: int
    places: int


EXPLORER, INTERACT = "lesson 03, batch size", "interact + inline Matplotlib"
ON_PAGE = "lesson 03, exported page"
TIMELINE = 'gl.explore_timeline(batch_size=32, clock="waiting, with both copies")'
CONTESTANTS = [
    Contestant(EXPLORER, "gl.explore_batch_and_width()", ".vega-embed", 0, 6, 15),
    Contestant("lesson 02, batch size", TIMELINE, ".vega-embed", 0, 5, 12),
    Contestant("lesson 04, layer width", "gl.explore_inside_the_gpu()", ".vega-embed", 0, 21, 40),
    Contestant("lesson 04, SMs", "gl.explore_inside_the_gpu()", ".vega-embed", 1, 1, 6),
    Contestant(INTERACT, "interact(draw_times", ".widget-output", 0, 8, 15),
]
PREPARE = """import matplotlib.pyplot as plt
from ipywidgets import interact
import gpu_lessons as gl"""
DRAW = """rows = gl.explore_batch_and_width().table()
regimes = sorted({row["regime"] for row in rows})

def draw_times(batch_log2=8, width_log2=11):
    line = [row for row in rows if row["width_log2"] == width_log2]
    batches = [2 ** row["batch_log2"] for row in line]
    here = line[batch_log2]
    plt.figure(figsize=(7, 4.5))
    for row in line:
        left, right = 2 ** (row["batch_log2"] - 0.5), 2 ** (row["batch_log2"] + 0.5)
        plt.axvspan(left, right, color=f"C{regimes.index(row['regime']) + 3}", alpha=0.1)
    for name in ("cpu_s", "gpu_s", "bus_s"):
        times_s = [row[name] for row in line]
        plt.fill_between(batches, [t / 1.2 for t in times_s], [t * 1.2 for t in times_s], alpha=0.15)
        plt.loglog(batches, times_s, "--", label=name)
        plt.plot(2 ** batch_log2, here[name], "o")
    plt.axvline(2 ** batch_log2)
    plt.text(2 ** batch_log2, here["gpu_s"], here["factor"])
    plt.title(here["headline"])
    plt.legend()
    plt.show()

interact(draw_times, batch_log2=(0, 14), width_log2=(6, 14));"""

# Drawing ends with the frame after the last change; a message posted in it is handled once it is painted.
WATCH = """(chart) => {
    const clock = { pressed: null, painted: null };
    const afterPaint = () => requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => { clock.painted = performance.now(); };
        port2.postMessage(null);
    });
    window.addEventListener('keydown', () => {  // a slider of the course keeps its keys from the document
        clock.pressed = performance.now();
        clock.painted = null;
    }, true);
    const everything = { subtree: true, childList: true, attributes: true, characterData: true };
    new MutationObserver(afterPaint).observe(chart, everything);
    chart.addEventListener('load', afterPaint, true);
    window.clocks = { ...(window.clocks ?? {}), [chart.dataset.clock]: clock };
}"""
SETTLED = """([name, quiet]) => {
    const { painted } = window.clocks[name];
    return painted !== null && performance.now() - painted > quiet;
}"""


def moves_from(place: int, places: int) -> list[str]:
    """Return ``MOVES`` keys from end to end, right first; each moves the slider."""
    keys: list[str] = []
    step = 1
    while len(keys) < MOVES:
        if not 0 <= place + step < places:
            step = -step
        place += step
        keys.append("ArrowRight" if step > 0 else "ArrowLeft")
    return keys


def time_moves(page: Page, name: str, slider: Locator, chart: Locator, moves: list[str]) -> list[float]:
    """Return the seconds of each move of ``slider``, the warm-up left out."""
    chart.evaluate("(chart, name) => { chart.dataset.clock = name; }", name)
    chart.evaluate(WATCH)
    samples_s = []
    for key in WARMUP_MOVES + moves:
        slider.focus()
        page.keyboard.press(key)
        page.wait_for_function(SETTLED, arg=[name, SETTLED_MS], timeout=GIVE_UP_MS)
        elapsed_ms: float = page.evaluate("(name) => clocks[name].painted - clocks[name].pressed", name)
        samples_s.append(elapsed_ms / 1000)
    return samples_s[len(WARMUP_MOVES) :]


def write_notebook(folder: Path) -> str:
    """Write all contestants into one notebook and return its name."""
    explorers = dict.fromkeys(each.source for each in CONTESTANTS if each.name != INTERACT)
    cells = [nbformat.v4.new_code_cell(source) for source in (PREPARE, *explorers, DRAW)]
    # Without a kernel's name JupyterLab asks for one.
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "sliders.ipynb")
    return "sliders.ipynb"


def measure_all() -> dict[str, list[float]]:
    """Return the seconds of every move for each contestant."""
    with tempfile.TemporaryDirectory() as folder, open_chromium() as browser:
        notebook = write_notebook(Path(folder))
        with serve_lab(Path(folder)) as lab:
            page = browser.new_page(viewport={"width": 1300, "height": 1400})
            open_notebook(page, lab, notebook)
            run_all_cells(page)
            page.wait_for_function(
                "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'",
                timeout=60_000,
            )
            samples_s = {}
            for each in CONTESTANTS:
                cell = show_cell(page, each.source)
                chart = cell.locator(each.chart)
                chart.locator(":is(svg, canvas, img)").first.wait_for()
                page.wait_for_timeout(1000)
                slider = cell.locator(".noUi-handle, input[type=range]").nth(each.slider)
                samples_s[each.name] = time_moves(page, each.name, slider, chart, moves_from(each.place, each.places))
        samples_s[ON_PAGE] = time_page(browser, Path(folder) / "pages")
        return samples_s


def time_page(browser: Browser, folder: Path) -> list[float]:
    """Return the seconds of every move of the batch size on the exported page of lesson 03."""
    export_course(folder)
    page = browser.new_page(viewport={"width": 1300, "height": 1400})
    page.goto((folder / "03_batch_and_width.html").as_uri())
    figure = page.locator("figure.chart[data-drawn]").first
    figure.wait_for()
    page.wait_for_timeout(1000)
    slider = figure.get_by_role("slider", name="batch size")
    return time_moves(page, ON_PAGE, slider, figure.locator(".drawn"), moves_from(6, 15))


def main() -> None:
    """Time all in one run and print one table."""
    samples_s = measure_all()
    medians_s = {name: median(samples) for name, samples in samples_s.items()}
    print(f"slider move to finished picture, headless Chromium, {MOVES} moves each\n")
    print(f"{'contestant':<30}{'median':>10}{'90 %':>10}")
    for name, samples in samples_s.items():
        print(f"{name:<30}{format_time(medians_s[name]):>10}{format_time(quantiles(samples, n=10)[-1]):>10}")
    slowest_s = max(median_s for name, median_s in medians_s.items() if name not in (INTERACT, ON_PAGE))
    verdict = "ok" if slowest_s <= TARGET_S else "not reached"
    print(f"\nslowest explorer: {format_time(slowest_s)} (target: at most {format_time(TARGET_S)}): {verdict}")
    verdict = "ok" if medians_s[ON_PAGE] <= PAGE_TARGET_S else "not reached"
    print(f"exported page: {format_time(medians_s[ON_PAGE])} (target: at most {format_time(PAGE_TARGET_S)}): {verdict}")
    ratio = medians_s[INTERACT] / medians_s[EXPLORER]
    verdict = "ok" if ratio >= TARGET_RATIO else "not reached"
    print(f"lesson 03 is {ratio:.1f} times as fast as interact (target: at least {TARGET_RATIO:.0f}): {verdict}")


if __name__ == "__main__":
    main()
