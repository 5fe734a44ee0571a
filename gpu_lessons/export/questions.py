"""The questions of a lesson and what reveals their answers, read from its cells and what they printed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gpu_lessons.lessons.answers import NOT_CHOSEN, NOT_GUESSED, Choice, Guess

__all__ = ["Question", "Reveal", "called", "question_in", "reveal_in"]

_ASKING, _REVEALING = ("ask", "choose"), ("reveal", "reveal_choice")
_ARITHMETIC = (ast.Expression, ast.Constant, ast.Tuple, ast.List, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop)


@dataclass(frozen=True)
class Question:
    """A question: the variable that holds its answer, its words, and the answer that is not given yet."""

    variable: str
    text: str
    answer: Guess | Choice
    code: str

    @property
    def key(self) -> str:
        """Under which the answer is kept."""
        return self.answer.key

    @property
    def options(self) -> list[str]:
        """What can be answered, in words and in order."""
        answer = self.answer
        return [answer.said(each) for each in answer.steps] if isinstance(answer, Guess) else list(answer.shown)


@dataclass(frozen=True)
class Reveal:
    """What answers a question: the truth, as a number or as one of the choices, the words for it, and what follows."""

    question: Question
    before: str
    truth: float | str
    was: str
    then: str


def called(source: str, names: tuple[str, ...]) -> Iterator[tuple[ast.Call, str]]:
    """Yield each call of one of ``names`` in a cell, and the variable that it is assigned to; "" if none."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # a magic of IPython
        return
    assigned = {id(node.value): node.targets[0] for node in ast.walk(tree) if isinstance(node, ast.Assign)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in names:
            target = assigned.get(id(node))
            yield node, target.id if isinstance(target, ast.Name) else ""


def question_in(source: str, printed: str, number: int) -> Question | None:
    """Return the question that a cell asks.

    Parameters
    ----------
    source : str
        The cell.
    printed : str
        What it printed: the question, the choices if there are any, and that nobody has answered.
    number : int
        How many questions of the lesson came before.

    Raises
    ------
    ValueError
        If the key or the range is not written out in the cell, or it did not print the question.
    """
    for call, variable in called(source, _ASKING):
        arguments = {each.arg: each.value for each in call.keywords if each.arg}
        key = _constant(arguments.get("key", call.args[0] if call.args else None), "key")
        lines = printed.strip().splitlines()
        if len(lines) < 2 or lines[-1] not in (NOT_GUESSED, NOT_CHOSEN):
            raise ValueError(f'the question "{key}" was not printed without an answer; build the lesson anew')
        code = f"{key[:2]}{chr(64 + number // 26) if number >= 26 else ''}{chr(65 + number % 26)}"
        if lines[-1] == NOT_CHOSEN:
            choices = tuple(line.removeprefix("- ") for line in lines if line.startswith("- "))
            text = "\n".join(lines[: -1 - len(choices)])
            return Question(variable, text, _Shown(key, choices), code)
        low, high = (_constant(arguments.get(end), end) for end in ("low", "high"))
        unit = _constant(arguments["unit"], "unit") if "unit" in arguments else "×"
        return Question(variable, "\n".join(lines[:-1]), Guess(key, unit, float(low), float(high)), code)
    return None


class _Shown(Choice):
    """Choices in the order in which they were printed."""

    @property
    def shown(self) -> tuple[str, ...]:
        return self.choices


def _constant(node: ast.expr | None, name: str) -> Any:  # noqa: ANN401
    """Return what is written out in a cell: texts, numbers and arithmetic of those."""
    if node is None or not all(isinstance(each, _ARITHMETIC) for each in ast.walk(node)):
        raise ValueError(f"the {name} of a question must be written out in its cell")
    return eval(compile(ast.Expression(node), "<question>", "eval"), {"__builtins__": {}})


def reveal_in(source: str, printed: str, questions: list[Question]) -> Reveal | None:
    """Return what a cell reveals, from what it printed when nobody had answered; None if it reveals nothing.

    Raises
    ------
    ValueError
        If what it printed is not what a reveal prints.
    """
    for call, _ in called(source, _REVEALING):
        variable = call.args[0].id if call.args and isinstance(call.args[0], ast.Name) else ""
        asked = next((each for each in reversed(questions) if each.variable == variable), None)
        if asked is None:
            raise ValueError(f'it reveals "{variable}", and no cell above asks for that')
        read = _read_guess if isinstance(asked.answer, Guess) else _read_choice
        return read(asked, printed)
    return None


def _read_guess(question: Question, printed: str) -> Reveal:
    before, found, after = printed.partition(f"{NOT_GUESSED}\nIt was ")
    said, opened, rest = after.partition(" (")
    if not found or not opened or not isinstance(question.answer, Guess):
        raise ValueError(f'what it printed does not reveal "{question.key}"')
    end = _closing(rest)
    was, then = f"It was {said} ({rest[:end]})", rest[end + 1 :].removeprefix(".")
    return Reveal(question, before.strip(), question.answer.read(said), was, then.strip())


def _closing(text: str) -> int:
    """Return where the parenthesis closes that was opened before ``text``."""
    depth = 1
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return place
    raise ValueError(f'"{text}" has no closing parenthesis')


def _read_choice(question: Question, printed: str) -> Reveal:
    before, _, after = printed.partition(f"{NOT_CHOSEN}\nWhat happened: ")
    right = max((each for each in question.options if after.startswith(each.rstrip("."))), key=len, default="")
    if not right:
        raise ValueError(f'what it printed does not reveal "{question.key}"')
    was = f"What happened: {right.rstrip('.')}"
    then = re.sub(r"\A\.", "", after[len(right.rstrip(".")) :])
    return Reveal(question, before.strip(), right, was, then.strip())
