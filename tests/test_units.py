"""Numbers as text: boundaries by hand, and the figure's own formatter against Python's."""

import re
from html import unescape

import pytest
import vl_convert
from hypothesis import given
from hypothesis import strategies as st

from gpu_lessons.charts.theme import count_label, four_digits, vega_time
from gpu_lessons.units import (
    DTYPE_BYTES,
    format_bytes,
    format_count,
    format_counted,
    format_factor,
    format_rate,
    format_time,
)


@pytest.mark.parametrize(
    ("time_s", "text"),
    [
        (0.0, "0 ns"),
        (3e-10, "0.3 ns"),
        (1e-9, "1 ns"),
        (999.4e-9, "999 ns"),
        (999.96e-9, "1 µs"),
        (1.89e-4, "189 µs"),
        (1.894e-6, "1.89 µs"),
        (999.4e-6, "999 µs"),
        (999.96e-6, "1 ms"),
        (0.0172, "17.2 ms"),
        (0.9994, "999 ms"),
        (0.99996, "1 s"),
        (1.0, "1 s"),
        (59.96, "60 s"),
        (119.0, "119 s"),
        (120.0, "2 minutes"),
        (7199.0, "120 minutes"),
        (7200.0, "2 hours"),
        (5400.0, "90 minutes"),
        (172_799.0, "48 hours"),
        (172_800.0, "2 days"),
        (54 * 86_400.0, "54 days"),
        (-1.5e-3, "-1.5 ms"),
        (float("nan"), "unknown"),
        (float("inf"), "unknown"),
    ],
)
def test_a_time_is_written_in_the_unit_people_say(time_s, text):
    assert format_time(time_s) == text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999.7, "1 kB"),
        (1000, "1 kB"),
        (2**20, "1.05 MB"),
        (201_326_592, "201 MB"),
        (999.96e6, "1 GB"),
        (16e9, "16 GB"),
        (4.5e12, "4.5 TB"),
    ],
)
def test_a_size_is_written_in_decimal_units(size_bytes, text):
    assert format_bytes(size_bytes) == text


def test_a_rate_carries_its_unit():
    assert format_rate(8.14e12, "FLOP/s") == "8.14 TFLOP/s"
    assert format_rate(25e9, "B/s") == "25 GB/s"


@pytest.mark.parametrize(
    ("count", "text"),
    [(1, "1"), (256, "256"), (1000, "1,000"), (1024, "1k"), (1025, "1,025"), (1536, "1,536"), (16384, "16k")],
)
def test_a_count_uses_k_only_for_whole_multiples_of_1024(count, text):
    assert format_count(count) == text


@pytest.mark.parametrize(
    ("factor", "text"),
    [
        (1.0, "1×"),
        (1.04, "1×"),
        (3.66, "3.7×"),
        (9.96, "10×"),
        (84.2, "84×"),
        (99.6, "100×"),
        (116.4, "120×"),
        (24_310, "24,000×"),
    ],
)
def test_a_factor_has_two_digits(factor, text):
    assert format_factor(factor) == text


UNIT_S = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "minutes": 60.0, "hours": 3600.0, "days": 86400.0}


@given(st.floats(min_value=1e-9, max_value=1e8))
def test_three_digits_are_kept_and_no_number_reaches_a_thousand_below_days(time_s):
    number, unit = format_time(time_s).split()
    value = float(number.replace(",", ""))
    assert abs(value * UNIT_S[unit] / time_s - 1) <= 0.0051  # half a step of the third digit, at 1.00
    if unit != "days":
        assert value < 1000
    assert len(number.replace(",", "").replace(".", "").lstrip("0")) <= (3 if value < 1000 else 4)


@given(st.floats(min_value=1e-30, max_value=1e30))
def test_four_digits_are_kept_for_charts(value):
    assert four_digits(value) == pytest.approx(value, rel=0.5001e-3)
    assert len(f"{four_digits(value):e}".split("e")[0].rstrip("0").replace(".", "")) <= 4


def texts_of(expression, values):
    """Return what Vega writes for ``expression`` of ``datum.value``, one text a value."""
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "data": {"values": [{"i": i, "value": value} for i, value in enumerate(values)]},
        "transform": [{"calculate": f"'[' + {expression} + ']'", "as": "text"}],
        "mark": "text",
        "encoding": {
            "text": {"field": "text", "type": "nominal"},
            "y": {"field": "i", "type": "ordinal", "axis": None},
        },
    }
    svg = unescape(vl_convert.vegalite_to_svg(spec, vl_version="5.20"))
    return re.findall(r"<text[^>]*>\[([^<>]*)\]</text>", svg)


def test_the_figure_writes_times_as_python_does():
    steps = [m * 10.0**e for e in range(-9, 2) for m in (1.0, 1.234, 4.567, 9.96, 9.994, 9.996)]
    edges = [0.0, 999.4e-9, 999.6e-9, 999.96e-6, 999.4e-6, 0.9994, 0.99951, 59.96, 100.3, 119.9]
    long = [120.0, 179.0, 600.0, 7199.0, 7200.0, 90_000.0, 172_800.0, 1e6]
    values = steps + edges + long
    assert texts_of(vega_time("datum.value"), values) == [format_time(value) for value in values]


def test_the_figure_writes_counts_as_python_does():
    exponents = list(range(15))
    assert texts_of(count_label("datum.value"), exponents) == [format_count(2**e) for e in exponents]


def test_sizes_of_number_formats_are_numpys():
    np = pytest.importorskip("numpy")
    assert {name: np.dtype(name).itemsize for name in DTYPE_BYTES} == DTYPE_BYTES


def test_a_count_and_its_noun_agree():
    said = [format_counted(count, "core") for count in (0, 1, 2, 1024)]
    assert said == ["0 cores", "1 core", "2 cores", "1,024 cores"]
