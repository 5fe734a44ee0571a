"""Answers that learners may well give, as files in ``answers/``: right ones in any style, and wrong ones of every kind.

A file holds one exercise: the parameters of its function, and bodies under ``right`` and ``wrong``. ``setup`` is what
the lesson defines before.
"""

import importlib
import linecache
import math
import pkgutil
import re
import textwrap
import tomllib
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest

import gpu_lessons as gl
from gpu_lessons import exercises
from gpu_lessons.lessons import Check

EXERCISES = {path.stem: tomllib.loads(path.read_text("utf-8")) for path in Path(__file__).parent.glob("answers/*.toml")}
EVERY = [
    (name, outcome, body)
    for name, exercise in EXERCISES.items()
    for outcome in ("right", "wrong")
    for body in exercise[outcome]
]

# What a learner's code warns of is the learner's business.
pytestmark = pytest.mark.filterwarnings("ignore")


def every_check():
    """Return each check of the exercises by the name of what it judges."""
    modules = [
        importlib.import_module(f"gpu_lessons.exercises.{each.name}")
        for each in pkgutil.iter_modules(exercises.__path__)
    ]
    checks = {id(value): value for module in modules for value in vars(module).values() if isinstance(value, Check)}
    return {check.__name__.removeprefix("check_"): check for check in checks.values()}


CHECKS = every_check()


def answer(name, body):
    """Return the function that a learner would have written, in a cell of its own."""
    exercise = EXERCISES[name]
    source = f"def {name}({exercise['parameters']}):\n{textwrap.indent(body, '    ')}\n"
    cell = f"<cell {name} {abs(hash(source))}>"
    linecache.cache[cell] = (len(source), None, source.splitlines(keepends=True), cell)
    namespace = {"np": np, "math": math, "gl": gl}
    exec(exercise.get("setup", ""), namespace)
    exec(compile(source, cell, "exec"), namespace)
    return namespace[name]


def short(value):
    return value.replace("\n", "; ")[-60:] if isinstance(value, str) else None


@pytest.mark.parametrize(("name", "outcome", "body"), EVERY, ids=short)
def test_an_answer_is_judged_as_a_good_teacher_would(name, outcome, body, monkeypatch):
    monkeypatch.setattr("gpu_lessons.lessons.checks.LONGEST_CALL_S", 2.0)
    started_s = perf_counter()
    verdict = CHECKS[name](answer(name, body))
    lasted_s = perf_counter() - started_s
    assert verdict.outcome == outcome, verdict
    assert outcome == "right" or re.search("expected .*, got | raised ", verdict.message, re.DOTALL), verdict
    assert lasted_s < 30, f"{lasted_s:.1f} s"  # a busy machine may take long over 2 s, but not for ever


def test_a_learner_does_not_wait_for_ever_for_a_verdict():
    started_s = perf_counter()
    verdict = CHECKS["waves"](answer("waves", "while True:\n    pass"))
    assert "got nothing in 4 s, in line 2: while True" in verdict.message
    assert perf_counter() - started_s < 30


def test_every_exercise_has_its_answers():
    assert EXERCISES.keys() == CHECKS.keys()
    for name, exercise in EXERCISES.items():
        assert len(set(exercise["wrong"])) >= 12, name
        assert len(set(exercise["right"])) >= 8, name
    assert len(EVERY) >= 20 * len(EXERCISES) + 100


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize(
    "body", ["...", "pass", '"""Nothing yet."""', "result = ...\nreturn result", "raise NotImplementedError"]
)
def test_a_stub_of_any_kind_is_not_attempted(name, body):
    assert CHECKS[name](answer(name, body)).outcome == "not attempted"
