"""Records: medians and quartiles are derived from raw samples, and sweeps refuse mixtures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_lessons.records import Measurement, Prediction, Sweep
from gpu_lessons.work import DenseForward

LAYER = DenseForward(batch_size=2, n_in=3, n_out=4)


def measured(samples_s, machine="here", threads=2):
    return Measurement(LAYER, machine, threads, tuple(samples_s), (1.0, 0.5), 1)


def predicted(machine="here"):
    return Prediction(
        workload=LAYER, machine=machine, seconds=2e-3, low_s=1e-3, high_s=4e-3, launch_s=1e-5,
        compute_s=1e-3, memory_s=9e-4, copy_s=0.0, bottleneck="compute", basis="Sustained rates: by hand.",
    )  # fmt: skip


def test_quartiles_of_five_samples_are_the_second_third_and_fourth():
    record = measured([5.0, 1.0, 4.0, 2.0, 3.0])
    assert (record.low_s, record.median_s, record.high_s) == (2.0, 3.0, 4.0)
    assert record.spread == pytest.approx(2 / 3)


def test_one_sample_is_its_own_median_and_quartiles():
    record = measured([0.25])
    assert (record.low_s, record.median_s, record.high_s, record.spread) == (0.25, 0.25, 0.25, 0.0)


@given(st.lists(st.floats(1e-9, 1e3), min_size=2, max_size=50))
def test_quartiles_agree_with_numpy(samples_s):
    record = measured(samples_s)
    expected = np.quantile(samples_s, [0.25, 0.5, 0.75])
    np.testing.assert_allclose((record.low_s, record.median_s, record.high_s), expected, rtol=1e-12)


def test_warm_ups_do_not_touch_the_median():
    assert measured([1e-3] * 5).median_s == 1e-3


def test_a_steady_measurement_says_time_quartiles_machine_and_threads():
    text = str(measured([0.95e-3, 1e-3, 1e-3, 1.01e-3]))
    assert text == "1 ms (988 µs to 1 ms, 4 samples), measured on here, 2 threads"


def test_a_spread_above_a_tenth_is_a_warning():
    assert "spread by 67% of their median" in str(measured([1.0, 2.0, 3.0, 4.0, 5.0]))
    assert "spread" not in str(measured([1.0, 1.0, 1.09, 1.09, 1.09]))


@pytest.mark.parametrize(("threads", "words"), [(1, ", 1 thread"), (2, ", 2 threads"), (None, "measured on here")])
def test_the_number_of_threads_is_said_on_a_cpu_only(threads, words):
    assert str(measured([1.0, 1.0], threads=threads)).endswith(words)


def test_a_prediction_says_band_terms_and_basis():
    lines = str(predicted()).splitlines()
    assert lines[0] == "2 ms (1 ms to 4 ms), predicted for here"
    assert lines[1].strip() == "launch 10 µs, compute 1 ms, memory 900 µs; bottleneck: compute"
    assert lines[2].strip() == "Sustained rates: by hand."


def test_sources_are_named():
    assert (measured([1.0]).source, predicted().source) == ("measured", "predicted")


def test_a_sweep_knows_its_machine_and_source():
    sweep = Sweep((measured([1.0]), measured([2.0])))
    assert (sweep.machine, sweep.source) == ("here", "measured")


@pytest.mark.parametrize(
    "points",
    [(measured([1.0]), measured([1.0], machine="there")), (measured([1.0]), predicted()), ()],
    ids=["two machines", "two sources", "nothing"],
)
def test_a_sweep_refuses_mixtures_and_emptiness(points):
    with pytest.raises(ValueError, match="one machine and one source, got") as error:
        Sweep(points)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("points", [(1,), "ab", [None]], ids=repr)
def test_a_sweep_holds_records_only(points):
    with pytest.raises(TypeError, match=r"^a sweep holds records such as measure returns, got "):
        Sweep(points)
