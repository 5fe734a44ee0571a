"""Checks of exercises: the three outcomes, what a message quotes, and the hints."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

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
    compare_value,
)
from gpu_lessons.lessons.differences import describe, difference
from gpu_lessons.lessons.time_limits import TooLongError, time_limit


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
    assert repr(verdict) == "Wrong. without_bias([1.0, 2.0], [3.0, 4.0], 0.5): expected 11.5, got 11.0."


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
    assert repr(verdict) == "Wrong. your function([], [], 2.0): expected 2.0, got None."


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


def test_what_is_no_function_is_wrong():
    assert repr(check_neuron(11.5)) == "Wrong. Expected a function, got 11.5."


def test_a_learner_may_interrupt_a_check():
    def interrupted(w, x, b):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_neuron(interrupted)


def sleep_for_good():
    while True:
        with suppress(Exception):  # a learner's, which must not swallow the limit
            time.sleep(0.01)


def test_a_limit_leaves_the_alarm_of_others_as_it_was():
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(TooLongError), time_limit(0.05):
        sleep_for_good()
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_outside_the_main_thread_there_is_no_limit():
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(check_neuron, neuron).result().outcome == "right"


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

    assert repr(check_layer(Layer)) == "Wrong. forward(0.0): expected 0.0, got None."


def test_an_answer_the_check_cannot_handle_is_wrong_and_says_why():
    @check(hints=("h",))
    def check_layer(layer):
        return f"{layer.weight}"

    assert repr(check_layer(3)) == (
        "Wrong. Your answer cannot be used here: AttributeError: 'int' object has no attribute 'weight'"
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
        ((1, 2, 3), (1, 2), "expected 2 values, got (1, 2, 3)"),
        ((1, 5), (1, 2), "value 2 of 2: expected 2, got 5"),
        (1.0, [1.0], "expected [1.0], got 1.0"),
        ([1, 2, 3], [1, 2], "expected [1, 2] of shape (2,), got [1, 2, 3] of shape (3,)"),
        (np.ones((64, 3)), np.ones((64, 4)), "expected shape (64, 4), got shape (64, 3)"),
        (np.ones(3), 1.0, "expected the number 1.0, got array([1., 1., 1.]) of shape (3,)"),
    ],
)
def test_a_difference_is_told_in_few_words(got, expected, text):
    assert difference(got, expected, rtol=1e-6) == text


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
        (machine("nvidia-t4"), 'gl.machine("nvidia-t4")'),
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
