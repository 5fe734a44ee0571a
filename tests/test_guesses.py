"""The learner's own predictions: what is asked, kept, scored, and what the widgets do."""

import itertools
import json
from datetime import date
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import ipywidgets as widgets
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_lessons.charts.display import STANDS_ALONE, WIDGET_VIEW, is_live
from gpu_lessons.hardware.course import ANSWERS
from gpu_lessons.lessons import boxes, guesses, progress
from gpu_lessons.lessons.answers import Choice, Guess
from gpu_lessons.lessons.guesses import ask, choose, reveal, reveal_choice
from gpu_lessons.lessons.progress import Progress, progress_here
from gpu_lessons.lessons.ratings import rate_claims

SOURCE = "predicted, NVIDIA T4"


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    """Start each test as a fresh kernel in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(progress, "_opened", {})
    monkeypatch.setenv("GPU_LESSONS_DISPLAY", "static")


@pytest.fixture
def shown(monkeypatch):
    """Switch to the live display and return the list of (box, fallback text) that it shows."""
    monkeypatch.setenv("GPU_LESSONS_DISPLAY", "live")
    collected = []

    def show(box, text):
        collected.append((box, text))
        return lambda text: None

    monkeypatch.setattr(boxes, "show", show)
    monkeypatch.setattr(boxes, "follow", lambda text: lambda: None)
    return collected


@pytest.fixture
def lessons_folder(tmp_path):
    (tmp_path / "03_batch_and_width.ipynb").write_text("{}")
    return tmp_path


def restart_kernel():
    progress._opened.clear()


def ask_speedup():
    return ask("03-speedup", "How many times faster?", low=0.01, high=100_000)


def parts(box):
    """Return the widgets inside a box by class name; the last HTML is the line that talks to the learner."""
    found = {}
    for child in box.children:
        found |= parts(child) if isinstance(child, widgets.Box) else {type(child).__name__: child}
    return found


def answer(box, *, text, sure):
    inside = parts(box)
    inside["Text"].value = text
    inside["ToggleButtons"].value = sure
    inside["Button"].click()
    return inside["HTML"].value


# Which display


def test_the_environment_variable_decides_on_the_display(monkeypatch):
    assert not is_live()
    monkeypatch.setenv("GPU_LESSONS_DISPLAY", "live")
    assert is_live()


def test_without_the_variable_and_without_a_kernel_the_display_is_static(monkeypatch):
    monkeypatch.delenv("GPU_LESSONS_DISPLAY")
    assert not is_live()


def test_without_the_variable_a_kernel_makes_the_display_live(monkeypatch):
    class Shell:
        kernel = object()

    monkeypatch.delenv("GPU_LESSONS_DISPLAY")
    monkeypatch.setattr("IPython.get_ipython", Shell)
    assert is_live()


def test_another_display_is_refused_in_one_sentence(monkeypatch):
    monkeypatch.setenv("GPU_LESSONS_DISPLAY", "fancy")
    with pytest.raises(ValueError, match=r'^GPU_LESSONS_DISPLAY must be "static" or "live", got "fancy"$'):
        is_live()


# Static


def test_a_static_ask_and_reveal_go_through_without_an_answer(capsys):
    guess = ask_speedup()
    reveal(guess, 84.2, SOURCE, then="Batch 256.")
    assert capsys.readouterr().out == (
        "How many times faster?\nNo prediction made.\n"
        "No prediction made.\nIt was 84× (predicted, NVIDIA T4). Batch 256.\n"
    )


def test_a_static_choice_lists_the_choices_and_reveals_the_right_one(capsys):
    choice = choose("03-saw", "What did you see?", ("It rose.", "It fell."))
    reveal_choice(choice, "It fell.", then="The launch was all.")
    assert capsys.readouterr().out == (
        "What did you see?\n- It rose.\n- It fell.\nNo answer given.\n"
        "No answer given.\nWhat happened: It fell. The launch was all.\n"
    )


def test_a_static_display_neither_reads_nor_writes_the_learners_file(lessons_folder, capsys):
    mine = {"schema": 1, "guesses": {"03-speedup": {"value": 10.0, "unit": "×", "confidence": "certain"}}}
    file = lessons_folder / ANSWERS
    file.write_text(json.dumps(mine))
    guess = ask_speedup()
    guess.commit(5.0, "certain")
    assert "No prediction made." in capsys.readouterr().out
    assert json.loads(file.read_text()) == mine


# The score


@pytest.mark.parametrize(
    ("value", "confidence", "truth", "sentence"),
    [
        (
            10,
            "fairly sure",
            84,
            "You said 10×, fairly sure.\nIt was 84× (S): 8.4 times more than you thought.",
        ),
        (84, "a guess", 10, "You said 84×, a guess.\nIt was 10× (S): 8.4 times less than you thought."),
        (80, "certain", 100, "You said 80×, certain.\nIt was 100× (S): close, within a factor of 1.25."),
        (100, "certain", 80, "You said 100×, certain.\nIt was 80× (S): close, within a factor of 1.25."),
        (80, "certain", 101, "You said 80×, certain.\nIt was 100× (S): 1.3 times more than you thought."),
    ],
)
def test_a_guess_is_scored_as_a_factor_in_either_direction(capsys, value, confidence, truth, sentence):
    guess = Guess("03-speedup", "×", 0.01, 1e5)
    guess.commit(value, confidence)
    reveal(guess, truth, "S")
    assert capsys.readouterr().out == sentence + "\n"


@pytest.mark.parametrize(
    ("value", "confidence", "is_said"),
    [(1, "certain", True), (1, "fairly sure", False), (50, "certain", False)],
)
def test_only_the_confident_and_far_wrong_are_told_that_such_errors_teach_best(capsys, value, confidence, is_said):
    guess = Guess("03-speedup", "×", 0.01, 1e5)
    guess.commit(value, confidence)
    reveal(guess, 84, SOURCE)
    assert ("corrected best" in capsys.readouterr().out) is is_said


@pytest.mark.parametrize("truth", [0, -1, float("nan"), float("inf")])
def test_a_truth_that_cannot_be_a_factor_is_refused(truth):
    with pytest.raises(ValueError, match=r"^truth must be a finite number above 0, got"):
        reveal(ask_speedup(), truth, SOURCE)


def test_a_number_without_source_is_refused():
    with pytest.raises(ValueError, match="source must say where the number comes from"):
        reveal(ask_speedup(), 84, "")


@pytest.mark.parametrize(
    ("unit", "text", "value"),
    [
        ("×", "84", 84), ("×", "84×", 84), ("×", " 1,200 x", 1200), ("×", "24,000 times", 24_000),
        ("×", "0,5", 0.5),
        ("×", "1e3", 1000), ("×", ".5", 0.5), ("s", "6 µs", 6e-6), ("s", "6 us", 6e-6), ("s", "6 μs", 6e-6),
        ("s", "250ms", 0.25), ("s", "3", 3), ("s", "2 days", 172_800), ("s", "1.5 hours", 5400),
        ("B", "16 GB", 16e9),
        ("images", "512", 512), ("images", "512 images", 512), ("epochs", "5 epochs", 5), ("", "12", 12),
        ("×", "1 000", 1000), ("×", "1\u202f000\u00a0000", 1e6), ("×", "1'000", 1000), ("×", "1_000", 1000),
        ("×", "half", 0.5), ("×", "a half", 0.5), ("×", "one third", 1 / 3), ("×", "a quarter", 0.25), ("×", "½", 0.5),
        ("×", "1½", 1.5), ("×", "1/2", 0.5), ("×", "1 / 2", 0.5), ("×", "2 1/2 x", 2.5), ("×", "1/3 times", 1 / 3),
        ("×", "20k", 20_000), ("×", "20 k", 20_000), ("×", "1.5M", 1.5e6), ("×", "2 thousand", 2000),
        ("×", "a million", 1e6), ("×", "a hundred times", 100), ("×", "two hundred", 200), ("×", "3 million x", 3e6),
        ("×", "10x faster", 10), ("×", "10 times faster", 10), ("×", "10 times as fast", 10), ("×", "10-fold", 10),
        ("×", "ten times more", 10), ("×", "twice", 2), ("×", "twice as fast", 2), ("×", "double", 2),
        ("×", "50 %", 0.5), ("×", "50%", 0.5), ("×", "150 percent", 1.5), ("%", "50 %", 50), ("%", "50%", 50),
        ("%", "50 per cent", 50), ("%", "half", 0.5), ("×", "~10", 10), ("×", "≈ 10", 10), ("×", "about 10", 10),
        ("×", "ca. 10x", 10), ("×", "10^3", 1000), ("×", "2**10", 1024), ("×", "1.234,5", 1234.5),
        ("×", "1,234.5", 1234.5), ("×", "1.000.000", 1e6), ("×", "0.500", 0.5), ("×", "0,500", 0.5), ("×", "2,5", 2.5),
        ("×", "1 000,5", 1000.5), ("×", "1E3", 1000), ("×", "10.", 10), ("×", "10X", 10), ("×", "10 ×", 10),
        ("samples", "1 sample", 1), ("samples", "20k samples", 20_000), ("samples", "a thousand", 1000),
        ("batches", "1 batch", 1), ("s", "2 ms", 2e-3), ("s", "two seconds", 2), ("s", "half a second", 0.5),
        ("s", "1 µs", 1e-6), ("s", "5 min", 300), ("ms", "2 ms", 2), ("ms", "2", 2), ("ms", "1 s", 1000),
        ("B", "16 GiB", 2**34), ("B", "16G", 16e9), ("B", "512 bytes", 512), ("GB", "16 GB", 16), ("GB", "16", 16),
    ],
)  # fmt: skip
def test_a_number_is_read_as_people_type_it(unit, text, value):
    assert Guess("03-speedup", unit, 1e-9, 1e12).read(text) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("unit", ["×", "s", "B", "images", "%"])
@pytest.mark.parametrize("value", [2e-9, 0.035, 0.99, 1, 7.5, 64, 99.6, 512, 8200, 130_000, 2.5e9])
def test_what_a_slider_says_can_be_read_back(unit, value):
    guess = Guess("03-speedup", unit, 1e-9, 1e12)
    assert guess.read(guess.said(value)) == pytest.approx(value, rel=0.05)


@pytest.mark.parametrize(
    "text",
    ["", "fast", "-3", "84 s", "1.2.3", "nan", "x 4", "1e400", "10^400", "9" * 400, "1/0", "10-20", "10 20", "1,2,3",
     "inf", "10 samples", "2 ms", "10 slower", "1..2", ".", ",", "1e", "k", "½½", "10x10", "hundreds", "a", "1 00"],
)  # fmt: skip
def test_what_is_no_number_of_this_unit_is_refused_with_an_example(text):
    guess = Guess("03-speedup", "×", 1, 1e4)
    with pytest.raises(ValueError, match=r'^type a number such as "100×", got'):
        guess.read(text)


@pytest.mark.parametrize(
    ("text", "reason"), [("2 ms", "which is a time"), ("16 GB", "which is a size"), ("84 samples", '84 samples"')]
)
def test_a_number_of_another_kind_is_refused_by_its_kind(text, reason):
    with pytest.raises(ValueError, match=reason):
        Guess("03-speedup", "×", 1, 1e4).read(text)


@pytest.mark.parametrize(("text", "readings"), [("1.000", "1 or 1,000"), ("2.500x", "2.5 or 2,500")])
def test_a_point_that_may_group_or_not_is_asked_about(text, readings):
    with pytest.raises(ValueError, match=f'got "{text}", which can mean {readings}; type one of these$'):
        Guess("03-speedup", "×", 0.01, 1e5).read(text)


@pytest.mark.parametrize(("low", "high", "value"), [(0.1, 200, 1.0), (100, 1e5, 1000)])
def test_where_only_one_reading_is_in_the_range_it_is_taken(low, high, value):
    assert Guess("03-speedup", "×", low, high).read("1.000") == value


@pytest.mark.parametrize("typed", ["1e300", "1e-300", "0", "1e15"])
def test_a_number_far_outside_is_refused_in_one_short_sentence(typed):
    guess = Guess("03-speedup", "×", 1, 1e4)
    with pytest.raises(ValueError, match=r"^the prediction must lie between 1× and 10,000×, got ") as refused:
        guess.commit(guess.read(typed), "certain")
    assert len(str(refused.value)) < 100


def test_no_number_makes_reading_fail_in_another_way():
    guess = Guess("03-speedup", "×", 0.01, 1e5)

    @given(st.one_of(st.text(), st.text(alphabet="0123456789.,' /^*e+-x%kM½×ms", max_size=12)))
    def read(text):
        try:
            assert 0 <= guess.read(text) < float("inf")
        except ValueError as refused:
            assert str(refused).startswith('type a number such as "30×", got')  # noqa: PT017

    read()


@pytest.mark.parametrize("key", ["speedup", "3-speedup", "03-Speed up", "03_speedup", ""])
def test_a_key_without_lesson_and_topic_is_refused(key):
    with pytest.raises(ValueError, match="key must be a lesson number and a topic"):
        ask(key, "How many?", low=1, high=10)


@pytest.mark.parametrize(("low", "high"), [(0, 10), (10, 10), (10, 1), (1, float("inf"))])
def test_a_slider_that_cannot_run_in_decades_is_refused(low, high):
    with pytest.raises(ValueError, match="low and high must be 0 < low < high"):
        ask("03-speedup", "How many?", low=low, high=high)


@pytest.mark.parametrize("choices", ["ab", ("one",), ("same", "same")])
def test_a_choice_needs_two_different_texts(choices):
    with pytest.raises(ValueError, match="choices must be at least two different texts"):
        choose("03-saw", "What?", choices)


def test_a_right_answer_that_is_no_choice_is_refused():
    choice = choose("03-saw", "What?", ("It rose.", "It fell."))
    with pytest.raises(ValueError, match=r"the answer must be one of 'It rose.', 'It fell.', got 'It flew.'"):
        reveal_choice(choice, "It flew.")


# Live


def test_a_live_box_asks_and_its_saved_text_is_the_question(shown):
    guess = ask_speedup()
    box, text = shown[0]
    assert text == "How many times faster?"
    assert guess.value is None
    assert parts(box)["ToggleButtons"].value is None
    slider = parts(box)["StepSlider"]
    assert slider.value == 32
    assert slider.steps[slider.place] == "32×"  # what a screen reader says
    assert slider.description
    assert parts(box)["Text"].description
    assert parts(box)["Text"].value == ""
    assert parts(box)["Text"].placeholder == "such as 30×"


def test_an_untouched_slider_cannot_be_handed_in(shown):
    guess = ask_speedup()
    inside = parts(shown[0][0])
    inside["ToggleButtons"].value = "certain"
    inside["Button"].click()
    assert inside["HTML"].value == "Move the slider or type a number, then press the button again."
    assert guess.value is None
    inside["StepSlider"].value = 34
    inside["Button"].click()
    assert guess.value == 34


def test_choices_keep_an_order_of_their_own_and_the_right_one_has_no_place():
    texts = ("one", "two", "three")
    places = [Choice(f"{lesson:02}-what", texts).shown.index("two") for lesson in range(60)]
    assert min(map(places.count, range(3))) > 10
    assert Choice("02-what", texts).shown == Choice("02-what", texts).shown
    assert sorted(Choice("02-what", texts).shown) == sorted(texts)


def test_in_the_lessons_no_place_holds_most_of_the_right_choices():
    right = {
        "01-one-sample": 1,
        "02-what": 1,
        "02-first": 2,
        "02-bits": 1,
        "03-one-sample": 1,
        "04-branch": 1,
        "04-units": 1,
    }
    places = [Choice(key, ("0", "1", "2")).shown.index(str(choice)) for key, choice in right.items()]
    assert max(map(places.count, range(3))) <= 3


def test_moving_the_slider_rewords_the_field_and_typing_moves_the_slider(shown):
    ask_speedup()
    inside = parts(shown[0][0])
    inside["StepSlider"].value = 1300
    assert inside["Text"].value == "1,300×"
    inside["Text"].value = "5678"
    assert inside["StepSlider"].value == pytest.approx(5678, rel=0.05)
    assert inside["Text"].value == "5678"


@pytest.mark.parametrize(("unit", "low", "high"), [("×", 0.01, 1e5), ("s", 1.234e-6, 9.876), ("%", 0.1, 1000)])
def test_every_step_of_the_slider_can_be_read_back_and_the_slider_stays_there(shown, unit, low, high):
    guess = ask("03-time", "How long?", unit=unit, low=low, high=high)
    inside = parts(shown[0][0])
    slider, typed = inside["StepSlider"], inside["Text"]
    values = [value for _, value in slider.options]
    assert (values[0], values[-1]) == (low, high)
    assert max(b / a for a, b in itertools.pairwise(values)) < 1.2
    for value in values[1:-1]:
        slider.value = value
        assert typed.value == guess.said(value)
        assert slider.value == value
        assert guess.read(typed.value) == pytest.approx(value, rel=1e-9)


def test_the_typed_number_is_the_one_that_counts(shown):
    guess = ask_speedup()
    line = answer(shown[0][0], text="77.7 x", sure="certain")
    assert guess.value == pytest.approx(77.7)
    assert line.strip() == "You said 78×, certain."


@pytest.mark.parametrize(
    ("text", "sure", "message"),
    [
        ("fast", "certain", "This did not work: type a number such as &quot;30×&quot;, got &quot;fast&quot;"),
        ("1e9", "certain", "This did not work: the prediction must lie between 0.01× and 100,000×"),
        ("84", None, "Say how sure you are"),
    ],
)
def test_what_cannot_be_taken_is_said_in_the_box_and_not_kept(shown, text, sure, message):
    guess = ask_speedup()
    assert message in answer(shown[0][0], text=text, sure=sure)
    assert guess.value is None


def test_a_slider_moved_after_an_unreadable_text_makes_it_readable_again(shown):
    guess = ask_speedup()
    answer(shown[0][0], text="fast", sure="certain")
    parts(shown[0][0])["StepSlider"].value = 34
    parts(shown[0][0])["Button"].click()
    assert guess.value == 34


def test_a_guess_taken_from_the_ends_of_the_slider_is_accepted(shown):
    guess = ask("03-time", "How long?", unit="s", low=1.234e-6, high=9.876)
    inside = parts(shown[0][0])
    inside["ToggleButtons"].value = "certain"
    for end in (1.234e-6, 9.876):
        inside["StepSlider"].value = end
        inside["Button"].click()
        assert guess.value == pytest.approx(end, rel=0.05)


def test_a_reveal_waits_for_the_guess_and_completes_by_itself(shown, capsys):
    guess = ask_speedup()
    reveal(guess, 84, SOURCE)
    box, text = shown[1]
    assert text == parts(box)["HTML"].value == "Waiting for your prediction above."
    answer(shown[0][0], text="10", sure="fairly sure")
    assert parts(box)["HTML"].value == (
        "You said 10×, fairly sure.\nIt was 84× (predicted, NVIDIA T4): 8.4 times more than you thought."
    )
    assert "Button" not in parts(box)
    assert capsys.readouterr().out == ""


def test_the_learner_may_look_without_predicting(shown):
    guess = ask_speedup()
    reveal(guess, 84, SOURCE)
    button = parts(shown[1][0])["Button"]
    assert button.description == "Show me without predicting"
    button.click()
    assert parts(shown[1][0])["HTML"].value == "No prediction made.\nIt was 84× (predicted, NVIDIA T4)."
    assert guess.value is None


def test_a_reveal_after_the_guess_is_printed_so_that_a_saved_notebook_keeps_it(shown, capsys):
    guess = ask_speedup()
    answer(shown[0][0], text="10", sure="a guess")
    reveal(guess, 84, SOURCE)
    assert len(shown) == 1
    assert capsys.readouterr().out.startswith("You said 10×, a guess.\nIt was 84×")


def test_an_error_in_a_callback_is_shown_in_the_box(shown, monkeypatch):
    ask_speedup()
    monkeypatch.setattr(Progress, "remember", lambda *_: 1 / 0)
    assert answer(shown[0][0], text="10", sure="certain") == "This did not work: division by zero"


def test_an_error_in_a_waiting_reveal_is_shown_there(shown, monkeypatch):
    guess = ask_speedup()
    reveal(guess, 84, SOURCE)
    monkeypatch.setattr(guesses, "_scored", lambda *_: 1 / 0)
    line = answer(shown[0][0], text="10", sure="certain")
    assert line.strip() == "You said 10×, certain."
    assert parts(shown[1][0])["HTML"].value == "This did not work: division by zero"


def test_text_of_the_lesson_is_shown_as_text(shown):
    guess = ask("03-speedup", "Is a < b?", low=1, high=100)
    reveal(guess, 84, "predicted, <b>T4</b>")
    parts(shown[1][0])["Button"].click()
    assert "&lt;b&gt;T4" in parts(shown[1][0])["HTML"].value
    assert "a &lt; b" in shown[0][0].children[0].value


def test_a_live_choice_reveals_when_it_is_made(shown):
    choice = choose("03-saw", "What did you see?", ("It rose.", "It fell."))
    reveal_choice(choice, "It fell.", then="The launch was all.")
    inside = parts(shown[0][0])
    inside["Button"].click()
    assert inside["HTML"].value.startswith("Choose one")
    inside["RadioButtons"].value = "It fell."
    inside["Button"].click()
    assert parts(shown[1][0])["HTML"].value == "You said: It fell.\nThat is what happened. The launch was all."


@pytest.fixture
def published(monkeypatch):
    """Show boxes as a kernel does; return what it publishes, in the order of the page, with what it became."""
    from IPython.core import interactiveshell

    outputs = []

    def display(bundle, *, metadata, raw, display_id):
        assert raw
        assert display_id
        output = SimpleNamespace(bundle=bundle, metadata=metadata)
        output.update = lambda bundle, *, metadata, raw: vars(output).update(bundle=bundle, metadata=metadata)
        outputs.append(output)
        return output

    monkeypatch.setenv("GPU_LESSONS_DISPLAY", "live")
    monkeypatch.setattr(interactiveshell.InteractiveShell, "initialized", lambda: True)
    monkeypatch.setattr("IPython.display.display", display)
    return outputs


def saved(outputs):
    """Return the texts of a page that was saved: without its widgets."""
    assert all(WIDGET_VIEW in each.bundle and each.metadata == {STANDS_ALONE: True} for each in outputs)
    return [each.bundle["text/plain"] for each in outputs]


def test_a_saved_question_reads_as_text_and_keeps_the_answer(published):
    guess = ask_speedup()
    assert saved(published) == ["How many times faster?", "No prediction made."]
    guess.commit(10.0, "certain")
    assert saved(published) == ["How many times faster?", "You said 10×, certain."]


def test_a_saved_choice_reads_as_text_with_its_choices_and_keeps_the_answer(published):
    choice = choose("03-saw", "What?", ("It rose.", "It fell."))
    assert saved(published) == ["What?\n- It rose.\n- It fell.", "No answer given."]
    choice.commit("It fell.")
    assert saved(published)[1] == "You said: It fell."


def test_a_saved_reveal_keeps_what_it_told(published):
    guess = ask_speedup()
    reveal(guess, 84, SOURCE)
    assert saved(published)[2] == "Waiting for your prediction above."
    guess.commit(10.0, "fairly sure")
    assert saved(published)[2].startswith("You said 10×, fairly sure.\nIt was 84×")
    reveal(ask("03-other", "How long?", low=1, high=10), 3, SOURCE)
    waiting = published[-1]
    assert saved([waiting]) == ["Waiting for your prediction above."]


def test_saved_ratings_read_as_text_and_follow_each_change(published, monkeypatch):
    made = []
    box_of_ratings = boxes.ratings_box
    monkeypatch.setattr(boxes, "ratings_box", lambda shelf, rated: made.append(box_of_ratings(shelf, rated)) or made[0])
    rate_claims()
    listed, asked = saved(published)
    assert listed.splitlines()[0].endswith("(not rated)")
    assert asked == "Run this cell to rate them."
    made[0].children[0].children[1].children[0].value = "true"
    assert saved(published)[0].splitlines()[0].endswith("(true)")


# The learner's file


def test_an_answer_survives_a_restart_of_the_kernel(shown, lessons_folder, capsys):
    ask_speedup()
    answer(shown[0][0], text="10", sure="fairly sure")
    choose("03-saw", "What?", ("It rose.", "It fell.")).commit("It fell.")
    restart_kernel()
    guess, choice = ask_speedup(), choose("03-saw", "What?", ("It rose.", "It fell."))
    assert (guess.value, guess.confidence, choice.value) == (10.0, "fairly sure", "It fell.")
    assert "You said 10×, fairly sure." in parts(shown[2][0])["HTML"].value
    reveal(guess, 84, SOURCE)
    assert capsys.readouterr().out.startswith("You said 10×, fairly sure.\nIt was 84×")


def test_an_answer_to_another_question_is_not_taken_over(shown, lessons_folder):
    Guess("03-speedup", "s", 1e-6, 10).commit(5.0, "certain")
    assert ask_speedup().value is None
    Guess("03-speedup", "×", 1e-6, 1e9).commit(1e8, "certain")
    assert ask_speedup().value is None
    choose("03-saw", "What?", ("It rose.", "It fell.")).commit("It rose.")
    assert choose("03-saw", "What?", ("It stayed.", "It fell.")).value is None


def test_outside_the_lessons_folder_nothing_is_written(shown, tmp_path):
    ask_speedup().commit(10.0, "certain")
    assert list(tmp_path.iterdir()) == []
    assert ask_speedup().value == 10.0


def test_two_kernels_keep_each_others_answers(tmp_path):
    one, other = Progress(tmp_path / ANSWERS), Progress(tmp_path / ANSWERS)
    one.remember("guesses", "01-a", {"value": 1.0})
    other.remember("guesses", "02-b", {"value": 2.0})
    one.remember("choices", "01-c", {"value": "yes"})
    assert json.loads((tmp_path / ANSWERS).read_text()) == {
        "schema": 1,
        "guesses": {"01-a": {"value": 1.0}, "02-b": {"value": 2.0}},
        "choices": {"01-c": {"value": "yes"}},
    }
    assert [path.name for path in tmp_path.iterdir()] == [ANSWERS]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "it is not readable JSON"),
        (b"\xff\xfe", "it is not readable JSON"),
        (b"[" * 100_000, "it is not readable JSON"),
        (b"9" * 5000, "it is not readable JSON"),
        (b" " * 1_000_001, "it is larger than 1 MB"),
        (b"[]", "it does not hold a JSON object"),
        (b"", "it is not readable JSON"),
        (b'{"guesses": {}}', "its schema is None and not 1"),
        (b'{"schema": "1"}', "its schema is '1' and not 1"),
        (b'{"schema": true}', "its schema is True and not 1"),
        (b'{"schema": 0}', "its schema is 0 and not 1"),
        (b'{"schema": 1, "guesses": []}', "its answers are not where this course puts them"),
        (b'{"schema": 1, "guesses": {"03-speedup": 10}}', "its answers are not where this course puts them"),
        (
            b'{"schema": 1, "guesses": {"a": {"value": 1e999}}}',
            "it holds 1e999, which is not a finite number",
        ),
        (b'{"schema": 1, "guesses": {"a": {"value": NaN}}}', "it holds NaN, which is not a finite number"),
    ],
)
def test_a_file_edited_into_nonsense_is_set_aside_said_once_and_a_fresh_one_begun(
    shown, lessons_folder, content, reason
):
    file = lessons_folder / ANSWERS
    file.write_bytes(content)
    ask_speedup()
    note = unescape(parts(shown[0][0])["HTML"].value)
    aside = f"my_course.{date.today()}.json"
    assert note == f"my_course.json was set aside as {aside} because {reason}; a fresh one is begun."
    assert (lessons_folder / aside).read_bytes() == content
    assert json.loads(file.read_text()) == {"schema": 1}
    line = answer(shown[0][0], text="10", sure="certain")
    assert line.strip() == "You said 10×, certain."
    assert json.loads(file.read_text())["guesses"]["03-speedup"]["value"] == 10.0
    file.write_bytes(content)
    assert ask_speedup().value is None
    assert (lessons_folder / f"my_course.{date.today()}-2.json").read_bytes() == content


def test_a_file_of_a_newer_course_is_left_untouched(shown, lessons_folder):
    content = '{"schema": 2, "guesses": [1, 2, 3]}'
    (lessons_folder / ANSWERS).write_text(content)
    ask_speedup()
    note = parts(shown[0][0])["HTML"].value
    kept = "your answers are kept only until this kernel stops."
    assert note == f"my_course.json is left untouched because its schema is 2 and this course reads 1; {kept}"
    answer(shown[0][0], text="10", sure="certain")
    assert (lessons_folder / ANSWERS).read_text() == content
    assert ask_speedup().value == 10.0


def test_nonsense_that_cannot_be_renamed_is_left_untouched(shown, lessons_folder, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    (lessons_folder / ANSWERS).write_text("{")
    monkeypatch.setattr(Path, "rename", refuse)
    ask_speedup()
    assert "my_course.json is left untouched because it is not readable JSON" in parts(shown[0][0])["HTML"].value
    answer(shown[0][0], text="10", sure="certain")
    assert (lessons_folder / ANSWERS).read_text() == "{"
    assert ask_speedup().value == 10.0


@pytest.mark.parametrize(
    "kept",
    [{}, {"value": "10"}, {"value": None}, {"value": -1}, {"value": 10, "confidence": "sort of"}],
)
def test_an_answer_that_is_none_counts_as_not_given(shown, lessons_folder, kept):
    document = {"schema": 1, "guesses": {"03-speedup": {"unit": "×", "confidence": "certain"} | kept}}
    (lessons_folder / ANSWERS).write_text(json.dumps(document))
    assert ask_speedup().value is None


@pytest.mark.parametrize("step", ["write_text", "replace"])
def test_where_nothing_can_be_written_the_answer_is_kept_in_memory_and_said_once(
    shown, lessons_folder, monkeypatch, step
):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, step, refuse)
    guess = ask_speedup()
    line = answer(shown[0][0], text="10", sure="certain")
    assert line == (
        "You said 10×, certain. my_course.json cannot be written here (Permission denied); "
        "your answers are kept only until this kernel stops."
    )
    assert "cannot be written" not in answer(shown[0][0], text="20", sure="certain")
    assert guess.value == ask_speedup().value == 20.0
    assert [path.name for path in lessons_folder.iterdir()] == ["03_batch_and_width.ipynb"]


def test_a_kill_while_writing_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    mine = Progress(tmp_path / ANSWERS)
    mine.remember("guesses", "01-a", {"value": 1.0})

    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        mine.remember("guesses", "01-a", {"value": 2.0})
    assert Progress(tmp_path / ANSWERS).recall("guesses", "01-a") == {"value": 1.0}


def test_a_folder_in_place_of_the_file_is_left_alone(tmp_path):
    (tmp_path / ANSWERS).mkdir()
    mine = Progress(tmp_path / ANSWERS)
    mine.remember("guesses", "01-a", {"value": 1.0})
    assert "left untouched because it is not a file" in mine.take_note()
    assert mine.recall("guesses", "01-a") == {"value": 1.0}


def test_progress_is_one_object_a_folder(shown, lessons_folder):
    assert progress_here() is progress_here()


# What was said first, beside what is true


def outcome(key="03-speedup"):
    return progress_here().recall("outcomes", key)


def test_the_first_prediction_is_kept_beside_the_truth_with_its_question(shown):
    guess = ask_speedup()
    reveal(guess, 84.0, SOURCE)
    assert outcome() is None
    answer(shown[0][0], text="10", sure="certain")
    first = {"question": "How many times faster?", "value": 10.0, "unit": "×", "confidence": "certain"}
    assert outcome() == first | {"truth": 84.0, "source": SOURCE}
    answer(shown[0][0], text="80", sure="certain")
    assert outcome()["value"] == 10.0
    reveal(ask_speedup(), 100.0, SOURCE)
    assert outcome()["truth"] == 84.0


def test_a_truth_shown_without_a_prediction_is_no_outcome(shown):
    reveal(ask_speedup(), 84.0, SOURCE)
    next(each for each in shown[-1][0].children if isinstance(each, widgets.Button)).click()
    assert "It was 84×" in shown[-1][0].children[0].value
    assert outcome() is None


def test_a_choice_is_kept_beside_the_right_one(shown):
    choice = choose("03-saw", "What rose?", ("It rose.", "It fell."))
    choice.commit("It fell.")
    reveal_choice(choice, "It rose.")
    assert outcome("03-saw") == {"question": "What rose?", "value": "It fell.", "truth": "It rose."}
