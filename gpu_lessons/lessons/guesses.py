"""Ask before an experiment, and score the answer after it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

from gpu_lessons.charts.display import is_live
from gpu_lessons.lessons.answers import CONFIDENCES, Choice, Guess
from gpu_lessons.units import format_factor

__all__ = ["CLOSE", "FAR", "ask", "choose", "reveal", "reveal_choice"]

#: A guess within this factor of the truth is called close; one off by more than the other, far.
CLOSE, FAR = 1.25, 2.0


def ask(key: str, question: str, *, unit: str = "×", low: float, high: float) -> Guess:
    """Ask the learner for a number and how sure they are, before the experiment shows it.

    With a live display this is a box with a slider; else the question is printed and nobody answers.
    What was answered before comes back from the learner's file.

    Parameters
    ----------
    key : str
        Lesson number and topic: "03-speedup".
    question : str
        One sentence.
    unit : str
        "×" for a factor, "s", "B", or a plural noun.
    low, high : float
        Ends of the slider, which runs in decades: 0 < low < high.

    Raises
    ------
    ValueError
        If ``key`` has another form, or ``low`` and ``high`` are no range above zero.
    """
    _require_key(key)
    if not 0 < low < high < math.inf:
        raise ValueError(f"low and high must be 0 < low < high, got {low:g} and {high:g}")
    guess = Guess(key, unit, low, high, question=question)
    if is_live():
        from gpu_lessons.lessons import boxes

        guess.restore()
        boxes.show(boxes.guess_box(guess, question), question)
        guess.when_made(boxes.follow(lambda: str(guess)))
    else:
        print(question, guess, sep="\n")
    return guess


def reveal(guess: Guess, truth: float, source: str, then: str = "") -> None:
    """Show the true number beside the learner's, scored as a factor, once there is a guess.

    With a live display and no guess yet, one line waits for it; the cell ends at once, so Run All goes on.

    Parameters
    ----------
    guess : Guess
        What ``ask`` returned.
    truth : float
        The true value, above zero, in the unit of the guess.
    source : str
        Where it comes from: "measured, this machine" or "predicted, NVIDIA T4".
    then : str
        What to say after the score.

    Raises
    ------
    ValueError
        If ``truth`` is no finite number above zero, or ``source`` is empty.
    """
    if not 0 < truth < math.inf:
        raise ValueError(f"truth must be a finite number above 0, got {truth:g}")
    if not source:
        raise ValueError('source must say where the number comes from, such as "predicted, NVIDIA T4", got ""')

    def sentence() -> str:
        guess.judged(truth=float(truth), source=source)
        return f"{_scored(guess, float(truth), source)} {then}".strip()

    _when_answered(guess, sentence, "prediction")


def choose(key: str, question: str, choices: Sequence[str]) -> Choice:
    """Ask the learner to choose what they saw; shown and kept as with ``ask``.

    Raises
    ------
    ValueError
        If ``key`` is no lesson number and topic, or there are fewer than two different ``choices``.
    """
    _require_key(key)
    if isinstance(choices, str) or len(set(choices)) != len(choices) or len(choices) < 2:
        raise ValueError(f"choices must be at least two different texts, got {choices!r}")
    choice = Choice(key, tuple(choices), question=question)
    if is_live():
        from gpu_lessons.lessons import boxes

        choice.restore()
        boxes.show(boxes.choice_box(choice, question), "\n".join([question, *(f"- {text}" for text in choice.shown)]))
        choice.when_made(boxes.follow(lambda: str(choice)))
    else:
        print(question, *(f"- {text}" for text in choice.shown), choice, sep="\n")
    return choice


def reveal_choice(choice: Choice, right: str, then: str = "") -> None:
    """Say which of the choices is right, once the learner has chosen; ``then`` gives the reason.

    Raises
    ------
    ValueError
        If ``right`` is none of the choices.
    """
    choice.require(right)

    def sentence() -> str:
        choice.judged(truth=right)
        verdict = "That is what happened." if choice.value == right else f"What happened: {right.rstrip('.')}."
        return f"{choice}\n{verdict} {then}".strip()

    _when_answered(choice, sentence, "answer")


def _when_answered(answer: Guess | Choice, sentence: Callable[[], str], awaited: str) -> None:
    if is_live() and answer.value is None:
        from gpu_lessons.lessons import boxes

        box = boxes.waiting_box(answer, sentence, awaited, keep=lambda text: say_there(text))
        say_there = boxes.show(box, f"Waiting for your {awaited} above.")
    else:
        print(sentence())


def _scored(guess: Guess, truth: float, source: str) -> str:
    """Return what was guessed and, on a line of its own, the truth and how far apart they are.

    JupyterLab shows the first line of an output even where it is folded away: it must not tell the truth.
    """
    was = f"{guess}\nIt was {guess.said(truth)} ({source})"
    if guess.value is None:
        return f"{was}."
    factor = max(truth / guess.value, guess.value / truth)
    if factor <= CLOSE:
        return f"{was}: close, within a factor of {CLOSE}."
    direction = "more" if truth > guess.value else "less"
    text = f"{was}: {format_factor(factor)[:-1]} times {direction} than you thought."
    if guess.confidence == CONFIDENCES[-1] and factor > FAR:
        text += " You were certain: errors like this one are corrected best, because they surprise."
    return text


def _require_key(key: str) -> None:
    if not re.fullmatch(r"\d\d-[a-z0-9-]+", key):
        raise ValueError(f'key must be a lesson number and a topic such as "03-speedup", got "{key}"')
