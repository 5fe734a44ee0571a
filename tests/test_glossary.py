"""The glossary: two sentences a word, in order, and a link to each from the place where it first appears."""

import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "notebooks" / "source"
# JupyterLab finds a heading that it has not drawn yet only by this form of link.
LINK = re.compile(r"\[([^\]]+)\]\(glossary\.ipynb#heading=([^)]+)\)")
#: Words that a lesson may use before it says what this course means by them.
EVERYDAY = {"Core", "GPU-thread", "Layer", "Neuron"}


def text_cells(path):
    """Return the text cells of a source as plain text."""
    cells = path.read_text(encoding="utf-8").split("# %%")[1:]
    texts = [cell.partition("\n")[2] for cell in cells if cell.startswith(" [markdown]")]
    return [re.sub(r"(?m)^# ?", "", text).strip() for text in texts]


def terms():
    """Return each word of the glossary, as links name it, with its text."""
    found = [cell.removeprefix("### ").split("\n\n") for cell in text_cells(SOURCE / "glossary.py")[1:]]
    return {heading.replace(" ", "-"): text for heading, *text in found}


LESSONS = {path.stem: text_cells(path) for path in sorted(SOURCE.glob("[0-9][0-9]_*.py"))}
LINKS = [
    (lesson, number, word, anchor)
    for lesson, cells in LESSONS.items()
    for number, cell in enumerate(cells)
    for word, anchor in LINK.findall(cell)
]


def test_words_stand_in_the_order_of_the_alphabet():
    assert list(terms()) == sorted(terms(), key=str.lower)


@pytest.mark.parametrize("term", terms())
def test_a_word_has_two_plain_sentences(term):
    [text] = terms()[term]
    assert len(re.findall(r"[.?](?:\)?)(?= |$)", text)) == 2, text
    assert len(text.split()) <= 60
    assert text.endswith((".", ".)"))


def test_every_link_leads_to_a_word():
    assert [link for link in LINKS if link[3] not in terms()] == []


@pytest.mark.parametrize("term", terms())
def test_every_word_is_linked_from_one_place_in_the_lessons(term):
    assert len([lesson for lesson, _, _, anchor in LINKS if anchor == term]) == 1


@pytest.mark.parametrize("term", sorted(set(terms()) - EVERYDAY))
def test_a_word_of_the_trade_does_not_appear_before_its_link(term):
    lesson, number, word, _ = next(link for link in LINKS if link[3] == term)
    pattern = re.compile(rf"(?<![\w-]){re.escape(word)}s?(?![\w-])", re.IGNORECASE)
    earlier = [
        cell
        for stem, cells in LESSONS.items()
        for place, cell in enumerate(cells)
        if place and (stem, place) < (lesson, number)  # the first cell is the title with its promise
    ]
    assert [cell for cell in earlier if pattern.search(LINK.sub("", cell))] == []
