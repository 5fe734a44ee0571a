"""The widgets around guesses, choices and ratings: they only carry values in and sentences out."""

from __future__ import annotations

import html
import math
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from gpu_lessons.charts.widget_view import STAYS, out_of_sight, with_widgets
from gpu_lessons.lessons.answers import CONFIDENCES, Choice, Guess
from gpu_lessons.lessons.claims import BELIEFS, CLAIMS, Claim, keep_rating, rated_so_far, recalled
from gpu_lessons.lessons.progress import progress_here
from gpu_lessons.widgets import StepSlider

__all__ = ["choice_box", "follow", "guarded", "guess_box", "ratings_box", "say", "show", "waiting_box"]


def show(box: widgets.Widget, text: str) -> Callable[[str], None]:
    """Display ``box``; ``text`` is what a saved notebook shows in its place. Return what puts a text into its place."""
    data, metadata = with_widgets(box, {"text/plain": text})
    return _shown(data, metadata)


def follow(text: Callable[[], str]) -> Callable[[], None]:
    """Show ``text()`` where a notebook is read without widgets, and return what shows it anew.

    Widgets are gone from a saved notebook. What the learner said in them is not.
    """
    data, metadata = out_of_sight({"text/plain": text()})
    say_again = _shown(data, metadata)
    return lambda: say_again(text())


def _shown(data: dict[str, Any], metadata: dict[str, Any]) -> Callable[[str], None]:
    """Display a bundle, and return what displays it with another text in the same place."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.display import display

    if not InteractiveShell.initialized():
        return lambda text: None
    handle = display(data, metadata=metadata, raw=True, display_id=True)  # type: ignore[no-untyped-call]
    return lambda text: handle.update({**data, "text/plain": text}, metadata=metadata, raw=True)


def say(line: widgets.HTML, text: str) -> None:
    """Put plain ``text`` into an HTML widget."""
    line.value = html.escape(text)


def guarded(action: Callable[[], None], line: widgets.HTML) -> Callable[[object], None]:
    """Return a widget callback that runs ``action`` and shows its error in ``line``.

    The widget library would log the error where no learner looks.
    """

    def callback(_event: object) -> None:
        try:
            action()
        except Exception as error:
            say(line, f"This did not work: {error}")

    return callback


def guess_box(guess: Guess, question: str) -> widgets.VBox:
    """Return the box that asks for a number: a slider and a text field for it, a confidence, a button."""
    # An untouched slider says nothing: it must not be handed in.
    steps = guess.steps
    start = _nearest(steps, guess.value or math.sqrt(guess.low * guess.high))
    options = [(guess.said(step), step) for step in steps]
    slider = StepSlider(description="Prediction", options=options, value=start, readout=False)
    typed = widgets.Text(
        description="or type it",
        value=guess.said(guess.value) if guess.value else "",
        placeholder=f"such as {guess.example}",
        continuous_update=False,
        style={"description_width": "initial"},
        layout={"width": "220px"},
    )
    sure = _toggles(CONFIDENCES, guess.confidence, "How sure?")
    button = _button("That is my prediction")
    line = widgets.HTML()
    _link(guess, slider, typed, line)

    def commit() -> None:
        if not typed.value.strip():
            say(line, "Move the slider or type a number, then press the button again.")
            return
        if sure.value is None:
            say(line, "Say how sure you are, then press the button again.")
            return
        guess.commit(guess.read(typed.value), sure.value)
        say(line, f"{guess} {progress_here().take_note()}")

    button.on_click(guarded(commit, line))
    say(line, f"{guess if guess.value else ''} {progress_here().take_note()}".strip())
    return widgets.VBox([_question(question), widgets.HBox([slider, typed]), sure, button, line])


def choice_box(choice: Choice, question: str) -> widgets.VBox:
    """Return the box that asks which of several sentences is true."""
    options = widgets.RadioButtons(options=choice.shown, value=choice.value, layout={"width": "max-content"})
    button = _button("That is my answer")
    line = widgets.HTML()

    def commit() -> None:
        if options.value is None:
            say(line, "Choose one, then press the button again.")
            return
        choice.commit(options.value)
        say(line, f"{choice} {progress_here().take_note()}")

    button.on_click(guarded(commit, line))
    say(line, f"{choice if choice.value else ''} {progress_here().take_note()}".strip())
    return widgets.VBox([_question(question), options, button, line])


def waiting_box(
    answer: Guess | Choice, sentence: Callable[[], str], awaited: str, keep: Callable[[str], None]
) -> widgets.VBox:
    """Return a line that waits for ``answer`` and then becomes ``sentence()``, which ``keep`` gets too.

    A button need not wait.
    """
    line = widgets.HTML(f"Waiting for your {awaited} above.")
    button = _button("Show me without predicting" if awaited == "prediction" else "Show me")
    box = widgets.VBox([line, button])

    def finish() -> None:
        text = sentence()
        say(line, text)
        box.children = (line,)
        keep(text)

    button.on_click(guarded(finish, line))
    answer.when_made(lambda: guarded(finish, line)(None))
    return box


def ratings_box(shelf: str, rated: Callable[[], None]) -> widgets.VBox:
    """Return the box that rates the claims: a row each, and a line that counts the ratings; each calls ``rated``."""
    line = widgets.HTML()
    rows = [_rating_row(number, claim, shelf, line, rated) for number, claim in enumerate(CLAIMS, start=1)]
    say(line, rated_so_far(shelf))
    return widgets.VBox([*rows, line])


def _rating_row(number: int, claim: Claim, shelf: str, line: widgets.HTML, rated: Callable[[], None]) -> widgets.VBox:
    kept_belief, kept_confidence = recalled(claim, shelf)
    belief = _toggles(BELIEFS, kept_belief, "It is")
    confidence = _toggles(CONFIDENCES, kept_confidence, "How sure?")
    belief.layout.margin = "0 24px 0 0"  # else the two groups read as one row of six buttons

    def keep() -> None:
        say(line, keep_rating(claim, belief.value, confidence.value, shelf))
        rated()

    for buttons in (belief, confidence):
        buttons.observe(guarded(keep, line), names="value")
    return widgets.VBox([_question(f"{number}. {claim.text}"), widgets.HBox([belief, confidence])])


def _nearest(steps: list[float], value: float) -> float:
    return min(steps, key=lambda step: abs(math.log(step / value)))


def _link(guess: Guess, slider: StepSlider, typed: widgets.Text, line: widgets.HTML) -> None:
    """Let slider and text field follow each other; what was typed is never reworded."""
    follows = True

    def slid() -> None:
        if follows:
            typed.value = guess.said(slider.value)

    def wrote() -> None:
        nonlocal follows
        value = guess.read(typed.value)
        say(line, "")
        if guess.allows(value):
            follows = False
            slider.value = _nearest([step for _, step in slider.options], value)
            follows = True

    slider.observe(guarded(slid, line), names="value")
    typed.observe(guarded(wrote, line), names="value")


def _button(description: str) -> widgets.Button:
    return widgets.Button(description=description, layout={"width": "max-content"})


def _toggles(options: tuple[str, ...], value: str | None, description: str) -> widgets.ToggleButtons:
    """Return buttons of which one can be pressed; none is at first if ``value`` is None."""
    buttons = widgets.ToggleButtons(options=options, value=value, description=description)
    buttons.style.button_width = "auto"
    return buttons


def _question(text: str) -> widgets.HTML:
    question = widgets.HTML(f"<b>{html.escape(text)}</b>")
    question.add_class(STAYS)
    return question
