"""Checks of exercises: the three outcomes, what a message quotes, and the hints."""

import sys
from decimal import Decimal
from fractions import Fraction
from time import perf_counter

import numpy as np
import pytest

from gpu_lessons.devices import SimulatedGpu
from gpu_lessons.hardware.machines import machine
from gpu_lessons.lessons.checks import (
    Check,
    NotAttemptedError,
    Verdict,
    WrongAnswerError,
    check,
    compare,
    compare_cases,
    compare_value,
)
from gpu_lessons.lessons.differences import describe, difference
from gpu_lessons.lessons.learners_code import count_steps


@check(hints=("Start from the sum.", "Each input has its own weight.", "total += w[i] * x[i]"))
def check_neuron(neuron):
    """Judge a neuron: the weighted sum of its inputs, plus the bias."""
    for w, x, b in (([1.0, 2.0], [3.0, 4.0], 0.5), ([0.0], [9.0], -1.0), ([], [], 2.0)):
        expected = sum(wi * xi for wi, xi in zip(w, x, strict=True)) + b
        compare(neuron, (w, x, b), expected=expected, rtol=1e-6)
    return "Three neurons agree."


def neuron(w, x, b):
    return sum(wi * xi for wi, xi in zip(w, x, strict=True)) + b


def without_bias(w, x, b):
    return sum(wi * xi for wi, xi in zip(w, x, strict=True))


def test_a_right_answer_is_right():
    assert check_neuron(neuron) == Verdict("right", "Three neurons agree.")


def test_a_wrong_answer_quotes_input_expected_and_got():
    verdict = check_neuron(without_bias)
    assert verdict.outcome == "wrong"
    assert verdict.message == "without_bias([1.0, 2.0], [3.0, 4.0], 0.5): expected 11.5, got 11.0."
    assert repr(verdict) == f"Wrong. {verdict.message}\nStuck? check_neuron.hint() gives the next of 3 hints."


def test_an_answer_wrong_in_a_later_case_only_is_wrong():
    assert "([], [], 2.0): expected 2.0, got 0.0" in check_neuron(lambda w, x, b: neuron(w, x, b) if w else 0.0).message


def stub(w, x, b):
    """Stand as a learner finds it."""


def ellipsis_stub(w, x, b):
    total = ...
    return total


def half_stub(w, x, b):
    total = ...
    return total + b


def numpy_stub(w, x, b):
    return np.asarray(...)


def honest_stub(w, x, b):
    raise NotImplementedError


@pytest.mark.parametrize("answer", [None, ..., stub, ellipsis_stub, half_stub, numpy_stub, honest_stub])
def test_a_stub_is_not_attempted(answer):
    assert check_neuron(answer).outcome == "not attempted"


def test_a_forgotten_return_is_told_apart_from_an_empty_stub():
    assert repr(check_neuron(...)) == "Not attempted yet."
    assert repr(check_neuron(stub)) == "Not attempted yet. Your function returned None."


def test_none_after_a_number_is_wrong():
    verdict = check_neuron(lambda w, x, b: neuron(w, x, b) if w else None)
    assert verdict.outcome == "wrong"
    assert verdict.message == "your function([], [], 2.0): expected 2.0, got None."


def raises_in_a_helper(w, x, b):
    def divide(total):
        return total / 0  # the line to be named

    return divide(b)


def test_an_exception_is_quoted_with_the_learners_own_line():
    message = check_neuron(raises_in_a_helper).message
    assert message.startswith("raises_in_a_helper([1.0, 2.0], [3.0, 4.0], 0.5) raised ZeroDivisionError: ")
    assert message.endswith("return total / 0  # the line to be named.")
    line = raises_in_a_helper.__code__.co_firstlineno + 2
    assert f", in line {line}: " in message


def test_an_exception_inside_a_library_names_the_learners_line():
    def answer(w, x, b):
        return np.zeros(2).reshape(3)

    assert check_neuron(answer).message.endswith("return np.zeros(2).reshape(3).")


def test_a_wrong_number_of_parameters_is_quoted_without_a_line():
    message = check_neuron(lambda w: w).message
    assert "raised TypeError: " in message
    assert "takes 1 positional argument but 3 were given." in message
    assert "in line" not in message


def prints_instead(w, x, b):
    print(neuron(w, x, b))


def test_a_value_that_is_printed_and_not_returned_is_wrong(capsys):
    verdict = check_neuron(prints_instead)
    assert verdict.outcome == "wrong"
    assert verdict.message == (
        "prints_instead([1.0, 2.0], [3.0, 4.0], 0.5): expected 11.5, got None."
        " print shows a value; only return hands it back."
    )


def test_work_without_return_is_wrong_and_nothing_more_is_said():
    def forgets(w, x, b):
        total = neuron(w, x, b)  # noqa: F841

    assert check_neuron(forgets).message.endswith("expected 11.5, got None.")


def test_a_library_that_cannot_do_something_is_no_stub():
    gpu = SimulatedGpu(machine("nvidia-t4"))
    verdict = check_neuron(lambda w, x, b: gpu.xp.no_such_operation(x))
    assert verdict.outcome == "wrong"
    assert "cannot be judged, because this check runs on a simulated GPU: " in verdict.message
    assert "no_such_operation" in verdict.message


def test_an_error_about_the_word_ellipsis_is_no_stub():
    assert check_neuron(lambda w, x, b: np.zeros(3)[..., ...]).outcome == "wrong"


def helper(x):
    """Do what another exercise asks for."""


def test_a_stub_inside_another_exercise_is_named_and_costs_half_a_second():
    def waits_for_helper(w, x, b):
        while helper(b) is None:
            pass

    started_s = perf_counter()
    verdict = check_neuron(waits_for_helper)
    assert repr(verdict) == "Not attempted yet. Your function uses helper, where nothing is written yet."
    assert perf_counter() - started_s < 30
    assert check_neuron(lambda w, x, b: helper(x) or neuron(w, x, b)).outcome == "right"


@pytest.mark.parametrize("leave", [sys.exit, exit, lambda: 1 / 0, lambda: (_ for _ in ()).throw(GeneratorExit)])
def test_an_answer_that_leaves_the_program_is_wrong(leave):
    def leaves(w, x, b):
        leave()

    assert check_neuron(leaves).message.startswith("leaves([1.0, 2.0], [3.0, 4.0], 0.5) raised ")


def test_exit_of_a_notebook_is_wrong_too_and_the_kernel_lives_on(monkeypatch):
    class Shell:
        is_asked = False

        def ask_exit(self):
            self.is_asked = True

    shell = Shell()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    verdict = check_neuron(lambda w, x, b: shell.ask_exit())
    assert "raised SystemExit" in verdict.message
    assert not shell.is_asked
    shell.ask_exit()
    assert shell.is_asked


def test_an_answer_that_changes_its_input_is_wrong_though_its_value_is_right():
    def eats(w, x, b):
        while w:
            b += w.pop() * x.pop()
        return b

    message = check_neuron(eats).message
    assert message == (
        "eats([1.0, 2.0], [3.0, 4.0], 0.5): the call changed its input 1, which the caller still needs:"
        " expected [1.0, 2.0] of shape (2,), got [] of shape (0,)."
    )


def test_equal_numbers_written_anew_are_no_change():
    def rewrites(w, x, b):
        for i in range(len(w)):
            w[i] = w[i] + 0.0
        return neuron(w, x, b)

    assert check_neuron(rewrites).outcome == "right"


def doubled_and_halved(mistakes):
    @check(hints=("h",))
    def check_identity(identity):
        compare(identity, (2.0,), expected=2.0, mistakes=mistakes)
        return "Same."

    return check_identity


def test_what_a_wrong_value_usually_means_is_said_only_if_one_mistake_gives_it():
    double, square = (lambda x: 2 * x, "Twice."), (lambda x: x * x, "Squared.")
    fails = (lambda x: x / 0, "Divided by zero.")
    assert doubled_and_halved((double, fails))(lambda x: 4.0).message.endswith("expected 2.0, got 4.0. Twice.")
    assert doubled_and_halved((double, square))(lambda x: 4.0).message.endswith("expected 2.0, got 4.0.")
    assert doubled_and_halved((double,))(lambda x: 5.0).message.endswith("expected 2.0, got 5.0.")


def test_a_mistake_is_named_only_if_all_cases_show_it():
    mistakes = ((lambda x: 2 * x, "Twice."), (lambda x: x * x, "Squared."), (lambda x: x + 3, "Three more."))

    @check(hints=("h",))
    def check_identity(identity):
        compare_cases(identity, [(2.0,), (0.0,), (5.0,)], lambda x: x, mistakes=mistakes)
        return "Same."

    assert check_identity(lambda x: 2 * x).message.endswith("expected 2.0, got 4.0. Twice.")
    assert check_identity(lambda x: x * x).message.endswith("expected 2.0, got 4.0. Squared.")
    assert check_identity(lambda x: 4.0 if x else 0.0).message.endswith("expected 2.0, got 4.0.")
    assert check_identity(lambda x: x + 3 if x < 5 else x / 0).message.endswith("expected 2.0, got 5.0.")
    assert check_identity(lambda x: x)


def test_a_line_is_one_of_the_answers_own_cell_though_a_helper_of_another_failed():
    namespace = {}
    exec("def divide(x):\n    return x / 0", namespace)
    divide = namespace["divide"]

    def asks_the_helper(w, x, b):
        return divide(b)

    assert check_neuron(asks_the_helper).message.endswith("return divide(b).")


def test_arguments_with_a_state_are_made_anew_for_each_call():
    made = []

    def arguments():
        made.append([1.0])
        return (made[-1],)

    with pytest.raises(WrongAnswerError, match="Popped twice"):
        compare(lambda x: x.pop() + 1, arguments, expected=1.0, mistakes=((lambda x: x.pop() + 1, "Popped twice."),))
    assert len(made) == 2


def test_only_a_right_verdict_is_true():
    assert check_neuron(neuron)
    assert not check_neuron(without_bias)
    assert not check_neuron(stub)


@pytest.mark.parametrize("tool", ["autograde", "validate"])
def test_under_nbgrader_a_check_fails_unless_right(monkeypatch, tool):
    monkeypatch.setenv("NBGRADER_EXECUTION", tool)
    assert check_neuron(neuron)
    with pytest.raises(AssertionError, match=r"^Wrong\. without_bias"):
        check_neuron(without_bias)
    with pytest.raises(AssertionError, match=r"^Not attempted yet\."):
        check_neuron(stub)


# Steps in Python


@pytest.mark.parametrize(
    ("answer", "has_loop"),
    [
        (lambda x: x + 1, False),
        (lambda x: print(x, end="") or x, False),
        (lambda x: np.apply_along_axis(np.sum, 1, x), True),
        (lambda x: [row.sum() for row in x], True),
        (lambda x: np.vectorize(np.sum, signature="(n)->()")(x), True),
        (lambda x: np.array(list(map(np.sum, x))), True),
        (lambda x: sum(map(np.negative, x)), True),
        (lambda x: list(map(int, x.shape)), False),
        (lambda x: np.vectorize(lambda value: value + 1)(x), True),
        (lambda x: np.einsum("ij,ij->i", x, x), False),
    ],
)
def test_a_loop_takes_more_steps_for_more_rows_whatever_it_is_called(answer, has_loop, capsys):
    few, many = (count_steps(answer, (np.ones((rows, 3)),)) for rows in (4, 40))
    assert (many > few + 25) is has_loop


def test_what_is_no_function_is_wrong():
    assert check_neuron(11.5).message == "Expected a function, got 11.5."


def test_a_learner_may_interrupt_a_check():
    def interrupted(w, x, b):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_neuron(interrupted)


def test_a_check_called_without_an_answer_is_a_type_error():
    with pytest.raises(TypeError, match="missing a required argument: 'neuron'"):
        check_neuron()


def test_a_function_that_changes_its_inputs_spoils_neither_check_nor_message():
    weights = np.array([1.0, 2.0])

    def greedy(values, nested):
        values *= 0
        nested["rows"][0].append(9)
        return values

    with pytest.raises(WrongAnswerError, match=r"^greedy\(array\(\[1\., 2\.\]\), \{'rows': \[\[1\]\]\}\): expected"):
        compare(greedy, (weights, nested := {"rows": [[1]]}), expected=weights)
    assert weights.tolist() == [1.0, 2.0]
    assert nested == {"rows": [[1]]}


def test_each_function_of_a_check_has_its_own_first_case():
    @check(hints=("h",))
    def check_pair(forward, backward):
        compare(forward, (2.0,), expected=4.0)
        compare(backward, (2.0,), expected=2.0)
        return "Both."

    assert check_pair(lambda x: 2 * x, lambda dy: None).outcome == "not attempted"
    assert check_pair(lambda x: 2 * x, ...).outcome == "not attempted"
    assert check_pair(lambda x: 2 * x, lambda dy: dy).outcome == "right"


def test_what_came_back_is_judged_as_it_is_seen():
    compare(str, (7,), expected=1, seen=len)
    with pytest.raises(WrongAnswerError, match=r"^str\(77\): expected 1, got 2\.$"):
        compare(str, (77,), expected=1, seen=len)
    with pytest.raises(NotAttemptedError):
        compare(lambda x: None, (7,), expected=1, seen=len)


def test_methods_of_a_class_can_be_judged():
    class Layer:
        def forward(self, x):
            return 2 * x if x else None

    @check(hints=("h",))
    def check_layer(layer_class):
        layer = layer_class()
        compare(layer.forward, (2.0,), expected=4.0)
        compare(layer.forward, (0.0,), expected=0.0)
        return "Both."

    assert check_layer(Layer).message == "forward(0.0): expected 0.0, got None."


def test_an_answer_the_check_cannot_handle_is_wrong_and_says_why():
    @check(hints=("h",))
    def check_layer(layer):
        return f"{layer.weight}"

    assert check_layer(3).message == (
        "Your answer cannot be used here: AttributeError: 'int' object has no attribute 'weight'"
    )


@pytest.mark.parametrize("value", [None, ...])
def test_a_value_not_yet_computed_is_not_attempted(value):
    with pytest.raises(NotAttemptedError):
        compare_value(value, expected=6, what="total")


def test_a_value_is_judged_under_its_name():
    compare_value(6.0, expected=6, what="total")
    with pytest.raises(WrongAnswerError, match=r"^total: expected 6, got 7\.$"):
        compare_value(7, expected=6, what="total")


# What counts as a difference


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (11.5, 11.5), (11, 11.0), (np.float32(0.1), 0.1), (np.array(2.0), 2.0), (True, True),
        (np.True_, True), ("GPU", "GPU"), ([1, 2], [1, 2]), ((1, 2), [1, 2]), (np.array([1.0, 2.0]), [1, 2]),
        (np.ones((2, 3)), np.ones((2, 3), "float32")), ((1, np.ones(2)), (1, np.ones(2))), ([1, 2.0], (1, 2)),
        (np.array([1e6, 1e-9]), np.array([1e6, 0.0])), (float("nan"), float("nan")), ([], []), (1e-9, 0.0),
        (Fraction(1, 2), 0.5), (Decimal("0.5"), 0.5), (256.0, 256), (np.int64(256), 256),
    ],
)  # fmt: skip
def test_equal_values_do_not_differ(got, expected):
    assert difference(got, expected, rtol=1e-6) == ""


@pytest.mark.parametrize(
    ("got", "expected", "text"),
    [
        (11.0, 11.5, "expected 11.5, got 11.0"),
        (1.00001, 1.0, "expected 1.0, got 1.00001"),
        (float("nan"), 1.0, "expected 1.0, got nan"),
        (np.array([1.0, np.nan]), np.array([1.0, 2.0]), "expected array([1., 2.]), got array([1., nan])"),
        (float("inf"), 1.0, "expected 1.0, got inf"),
        ("11.5", 11.5, "expected 11.5, got '11.5'"),
        (True, 1, "expected 1, got True"),
        (1, True, "expected True, got 1"),
        ("gpu", "GPU", "expected 'GPU', got 'gpu'"),
        ([1, 2], np.array([1, 2]), "expected array([1, 2]), got [1, 2]"),
        ({"a": 1}, 1.0, "expected 1.0, got {'a': 1}"),
        (object(), 1.0, "expected 1.0, got an object"),
        ([[1], [2, 3]], [1, 2], "expected [1, 2], got [[1], [2, 3]]"),
        (1.00000123, 1.0, "expected 1.0, got 1.00000123"),
        (0.1234567, 0.12345, "expected 0.12345, got 0.123457"),
        (0.000685271, 0.01, "expected 0.01, got 0.0006853"),
        (123456.7, 7.0, "expected 7.0, got 1.235e+05"),
        (np.float32(1.0001), np.float64(1.0), "expected 1.0, got 1.0001"),
        ("nvidia-t4", 1.0, "expected 1.0, got 'nvidia-t4'"),
        (
            machine("nvidia-t4"),
            'gl.machine("nvidia-t4")',
            'expected \'gl.machine("nvidia-t4")\', got gl.machine("nvidia-t4")',
        ),
        (np.zeros((64, 4)).tolist(), np.zeros((64, 4)), "expected array of shape (64, 4), float64, got [[0.0"),
        (1.0 + 0j, 1.0, "expected 1.0, got (1+0j)"),
        (Fraction(1, 3), 0.5, "expected 0.5, got 0.3333"),
        (257.0, 256, "expected 256, got 257.0"),
        (2**31 + 1024, 2**31, "expected 2147483648, got 2147484672"),
        ((11.5,), 11.5, "expected 11.5, got (11.5,)"),
        (
            np.array([1.0000001], "float32"),
            np.array([1.00001]),
            "expected array([1.00001]) in float64, got array([1.]) in float32",
        ),
        ((1, 2, 3), (1, 2), "expected 2 values, got (1, 2, 3)"),
        ((1, 5), (1, 2), "value 2 of 2: expected 2, got 5"),
        (1.0, [1.0], "expected [1.0], got 1.0"),
        ([1, 2, 3], [1, 2], "expected [1, 2] of shape (2,), got [1, 2, 3] of shape (3,)"),
        (np.ones((64, 3)), np.ones((64, 4)), "expected shape (64, 4), got shape (64, 3)"),
        (np.ones(3), 1.0, "expected the number 1.0, got array([1., 1., 1.]) of shape (3,)"),
    ],
)
def test_a_difference_is_told_in_few_words(got, expected, text):
    assert difference(got, expected, rtol=1e-6).startswith(text)


def test_large_arrays_are_told_by_their_first_difference():
    expected = np.zeros((64, 32), "float32")
    got = expected.copy()
    got[3, 4], got[5, 6] = 0.5, 0.25
    assert difference(got, expected, rtol=1e-6) == (
        "2 of 2,048 numbers differ, the first at [3, 4]: expected 0.0, got 0.5"
    )


def test_an_array_that_refuses_to_become_numpy_is_a_wrong_kind():
    class OnDevice:
        def __array__(self, *_, **__):
            raise TypeError("implicit conversion is not allowed")

    assert difference(OnDevice(), np.ones(2), rtol=1e-6) == "expected array([1., 1.]), got an OnDevice"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.zeros((64, 32), "float32"), "array of shape (64, 32), float32"),
        (np.eye(2), "array([[1., 0.], [0., 1.]])"),
        (np.array([-1.0, 0.123456]), "array([-1. , 0.1235])"),
        (list(range(100)), "[0, 1, 2, ... 100 items]"),
        ("a" * 100, f"'{'a' * 56}..."),
        (np.float64(0.1), "0.1"),
        (print, "a builtin_function_or_method"),
    ],
)
def test_long_values_are_described_shortly(value, text):
    assert describe(value) == text


def test_a_device_array_is_described_without_a_copy_over_the_bus():
    gpu = SimulatedGpu(machine("nvidia-t4"))
    x = gpu.xp.ones((2, 2), dtype="float32")
    gpu.timeline.spans.clear()
    assert describe(x) == "array of shape (2, 2), float32"
    assert not gpu.timeline.spans


def test_a_value_with_a_broken_repr_is_described_by_its_type():
    class Broken:
        def __repr__(self):
            raise RuntimeError

    assert describe(Broken()) == "a Broken"


# Verdicts and hints


@pytest.mark.parametrize("outcome", ["right", "wrong", "not attempted"])
def test_the_coloured_form_says_the_same_words(outcome):
    verdict = Verdict(outcome, "Expected 1 < 2.")
    html = verdict._repr_html_()
    assert repr(verdict).endswith(". Expected 1 < 2.")
    word = repr(verdict).removesuffix(" Expected 1 < 2.")
    assert f"<b>{word}</b> Expected 1 &lt; 2." in html


def test_hints_come_one_at_a_time_and_the_last_repeats():
    asked = Check(lambda answer: "", ("First.", "Second."))
    assert [repr(asked.hint()) for _ in range(3)] == [
        "Hint 1 of 2: First.",
        "Hint 2 of 2: Second.",
        "Hint 2 of 2: Second.",
    ]


@pytest.mark.parametrize("hints", [(), "just one text"])
def test_a_check_without_a_ladder_of_hints_is_refused(hints):
    with pytest.raises(ValueError, match="hints must be one or more texts in a tuple"):
        check(hints=hints)(lambda answer: "")


def test_a_check_says_how_it_is_used():
    assert repr(check_neuron) == ("check_neuron(your answer) judges it; check_neuron.hint() gives the next of 3 hints.")
    assert check_neuron.__doc__.startswith("Judge a neuron")
