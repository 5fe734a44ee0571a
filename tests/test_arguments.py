"""Arguments: numbers of every library are taken, everything else is refused in one short sentence."""

import fractions
import math

import numpy as np
import pytest

from gpu_lessons.arguments import require_choice, require_count, require_seconds, shown


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), np.asarray(3)], ids=repr)
def test_an_integer_of_any_library_is_a_count(value):
    count = require_count("n", value)
    assert (count, type(count)) == (3, int)


@pytest.mark.parametrize("value", [True, np.True_, 3.0, np.float32(3), "3", None, [3], math.nan], ids=repr)
def test_what_is_no_integer_is_no_count(value):
    with pytest.raises(TypeError, match=r"^n must be an integer of at least 1, got "):
        require_count("n", value)


def test_a_count_that_fits_no_64_bit_integer_is_refused():
    assert require_count("n", 2**63 - 1) == 2**63 - 1
    for value in (2**63, 10**400, 10**5000):
        with pytest.raises(ValueError, match=r"^n must be an integer of at most 2\*\*63 - 1, got "):
            require_count("n", value)


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.int64(2), fractions.Fraction(2)], ids=repr)
def test_a_number_of_any_library_is_a_time(value):
    time_s = require_seconds("budget_s", value)
    assert (time_s, type(time_s)) == (2.0, float)


@pytest.mark.parametrize("value", [0, -1.0, math.nan, math.inf, np.float64("nan"), 10**400])
def test_a_time_that_cannot_be_is_refused(value):
    with pytest.raises(ValueError, match=r"^budget_s must be a number of seconds above 0, got "):
        require_seconds("budget_s", value)


@pytest.mark.parametrize("value", [True, "1", None, 1j, np.asarray(1.0)], ids=repr)
def test_what_is_no_number_is_no_time(value):
    with pytest.raises(TypeError, match=r"^budget_s must be a number of seconds of at least 2, got "):
        require_seconds("budget_s", value, at_least=2)


def test_a_lower_bound_of_a_time_is_allowed_itself():
    assert require_seconds("budget_s", 2, at_least=2) == 2.0
    with pytest.raises(ValueError, match=r"of at least 2, got 1\.9"):
        require_seconds("budget_s", 1.9, at_least=2)


class Unprintable:
    def __repr__(self):
        raise RuntimeError


@pytest.mark.parametrize("value", ["x" * 10**6, np.zeros((300, 300)), 10**5000, Unprintable()], ids=type)
def test_whatever_was_given_is_shown_on_one_short_line(value):
    text = shown(value)
    assert 0 < len(text) < 100
    assert "\n" not in text
    with pytest.raises(ValueError, match=r"^device must be one of cpu, cuda, got .{1,100}$"):
        require_choice("device", value, ("cpu", "cuda"))
