"""The learner's own figures in words."""

import base64
import re
from html import unescape

import matplotlib.pyplot as plt
import pytest
from IPython.core.interactiveshell import InteractiveShell

from gpu_lessons.charts import alternative_text
from gpu_lessons.charts.alternative_text import describe, give_figures_words


@pytest.fixture
def figure():
    figure, axes = plt.subplots()
    axes.loglog([1, 16, 256], [2e-4, 3e-4, 2.71e-3], label='a CPU, "predicted"')
    axes.loglog([1, 256], [8e-5, 5.79e-4], label="a GPU")
    axes.axhline(1e-3)  # no name, no words
    axes.set_xlabel("batch size")
    axes.set_ylabel("seconds")
    yield figure
    plt.close(figure)


def test_a_figure_is_described_by_its_axes_and_its_named_lines(figure):
    assert describe(figure) == (
        'seconds against batch size. a CPU, "predicted" from 0.0002 at 1 to 0.00271 at 256; '
        "a GPU from 8e-05 at 1 to 0.000579 at 256."
    )
    figure.axes[0].set_title("A layer", loc="left")
    assert describe(figure).startswith("A layer: seconds against batch size.")


def test_bars_empty_axes_and_no_axes_are_said_too():
    figure, axes = plt.subplots()
    assert describe(figure) == "values against position."
    axes.bar([1, 2], [3, 4])
    assert describe(figure) == "values against position. 2 bars."
    plt.close(figure)
    assert describe(plt.Figure()) == "A figure without axes."


@pytest.mark.parametrize("live", [True, False])
def test_a_figure_is_shown_with_its_words_and_a_saved_lesson_keeps_them_beside_it(monkeypatch, figure, live):
    shell = InteractiveShell()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    monkeypatch.setattr(alternative_text, "is_live", lambda: live)
    give_figures_words()
    html = shell.display_formatter.formatters["text/html"](figure)
    if not live:
        assert html is None
        assert shell.display_formatter.formatters["text/plain"](figure) == describe(figure)
        return
    picture, words = re.fullmatch(r'<img src="data:image/png;base64,([^"]*)" alt="([^"]*)">', html, re.DOTALL).groups()
    assert base64.b64decode(picture).startswith(b"\x89PNG\r\n")
    assert unescape(words) == describe(figure)
