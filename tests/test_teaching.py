"""The guide for teachers: a section for every lesson, minutes that add up, experiments that show what is said."""

import re
from pathlib import Path

import pytest

from gpu_lessons import DenseForward, machine, predict
from gpu_lessons.cli import main

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "TEACHING.md").read_text(encoding="utf-8")
SOURCES = sorted((ROOT / "notebooks" / "source").glob("[0-9][0-9]_*.py"))
SECTIONS = dict(re.findall(r"(?ms)^## (.+?)\n(.*?)(?=^## |\Z)", GUIDE))
each_lesson = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)


def parts_of(source):
    """Return the parts of a lesson's section of the guide by their headings."""
    return dict(re.findall(r"(?ms)^### (.+?)\n(.*?)(?=^### |\Z)", SECTIONS[source.stem]))


def rows(table):
    """Return the cells of a table's rows, without its heading."""
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:1] == "|"]
    return found[2:]


def headings(source):
    return re.findall(r"(?m)^# ## (.+)$", source.read_text(encoding="utf-8"))


@each_lesson
def test_every_section_of_a_lesson_has_its_minutes_and_a_note_in_order(source):
    plan = rows(parts_of(source)["Minutes"])
    assert [name for name, *_ in plan] == headings(source)
    assert all(note for *_, note in plan)


@each_lesson
def test_the_minutes_add_up_to_those_that_the_lesson_states(source):
    [stated] = re.findall(r"(?m)^# - \*\*Minutes\*\* (\d+)$", source.read_text(encoding="utf-8"))
    assert sum(int(minutes) for _, minutes, _ in rows(parts_of(source)["Minutes"])) == int(stated)


@each_lesson
def test_a_lesson_has_beliefs_two_questions_and_three_lengths_in_the_form_that_the_guide_asks_for(source):
    parts = parts_of(source)
    assert list(parts) == ["Minutes", "Believed wrongly", "Discuss", "With less or more time"]
    assert len(re.findall(r"(?m)^- \*[^*]+\.\* \S", parts["Believed wrongly"])) >= 3
    assert re.findall(r"(?m)^(\d)\. .*\)$", parts["Discuss"]) == ["1", "2"]
    assert re.findall(r"(?m)^- \*\*(\d+)\*\*: ", parts["With less or more time"]) == ["20", "45", "90"]


@each_lesson
def test_sections_named_in_italics_are_sections_of_the_lesson(source):
    said = " ".join(list(parts_of(source).values())[2:])
    names = {name.rstrip("?.") for each in SOURCES for name in headings(each)}
    assert [name for name in re.findall(r"\*([A-Z][^*]+)\*", said) if name.rstrip("?.") not in names] == []


def test_every_belief_names_a_lesson_that_is_there_or_says_that_it_is_to_come():
    beliefs = rows(SECTIONS["What learners believe"])
    assert len(beliefs) >= 7
    there = {source.stem[:2] for source in SOURCES}
    assert {lesson for *_, lesson in beliefs} <= there | {"to come"}


def test_links_lead_to_headings_of_the_guide():
    anchors = {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"(?m)^#+ (.+)$", GUIDE)
    }
    targets = re.findall(r"\]\(#([^)]+)\)", GUIDE)
    assert targets
    assert [target for target in targets if target not in anchors] == []


def test_the_commands_of_the_guide_are_commands_of_the_course(capsys):
    named = set(re.findall(r"gpu-lessons (\w+)", GUIDE))
    assert named
    for command in named:
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0
    capsys.readouterr()


def printed_by(heading, capsys):
    [code] = re.findall(rf"(?s)### {heading}\n.*?```python\n(.*?)```", GUIDE)
    exec(code, {})
    return capsys.readouterr().out


def test_a_larger_batch_shortens_an_epoch_only_until_arithmetic_decides(capsys):
    said = printed_by("A larger batch, a shorter epoch", capsys)
    ms = {
        int(b.replace(",", "")): float(t.replace(",", ""))
        for b, t in re.findall(r"batch +([\d,]+): +([\d,]+) ms", said)
    }
    assert ms[1] / ms[16] > 10
    assert ms[256] / ms[16384] < 1.25


def test_half_precision_helps_only_where_arithmetic_decides(capsys):
    said = printed_by("Half precision", capsys)
    small, large = (float(factor) for factor in re.findall(r"float16 is ([\d.]+) times", said))
    assert small < 1.05
    assert large > 4


def test_a_hundredth_of_the_card_s_arithmetic_still_beats_the_cpu():
    layer = DenseForward(batch_size=1, n_in=4096, n_out=4096)
    t4, cpu = machine("nvidia-t4"), machine("amd-ryzen-9-7950x")
    on_gpu = predict(layer, t4)
    assert layer.flops / on_gpu.seconds / t4.peak_flops_per_s["float32"] < 0.02
    assert predict(layer, cpu).seconds > 2 * on_gpu.seconds
