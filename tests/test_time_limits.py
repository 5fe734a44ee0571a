"""How a learner's code is stopped: loops that swallow what stops them, threads, and the alarms of others."""

import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from gpu_lessons.lessons.time_limits import TooLongError, time_limit


def sleeps():
    while True:
        with suppress(Exception):
            time.sleep(0.01)


def swallows():
    while True:
        try:  # noqa: SIM105
            time.sleep(0)
        except:  # noqa: E722
            pass


def swallows_on_one_line():
    while True:
        try:
            time.sleep(0)
        except BaseException:
            continue


def swallows_twice():
    while True:
        try:
            try:
                sum(range(100))
            except BaseException:
                sum(range(100))
        except BaseException:
            continue


def returns_from_finally():
    def step():
        try:
            sum(range(1000))
        finally:
            return  # noqa: B012

    while True:
        step()


def swallows_around_a_loop():
    try:
        while True:
            with suppress(BaseException):
                time.sleep(0)
    except BaseException:
        while True:
            try:  # noqa: SIM105
                time.sleep(0)
            except BaseException:
                pass


def swallows_in_a_generator():
    def numbers():
        while True:
            with suppress(BaseException):
                yield time.sleep(0.001)

    for _ in numbers():
        pass


def counts():
    n = 0
    while True:
        n += 1


ENDLESS = [
    sleeps,
    swallows,
    swallows_on_one_line,
    swallows_twice,
    returns_from_finally,
    swallows_around_a_loop,
    swallows_in_a_generator,
    counts,
]


def stopped_after_s(endless, limit_s=0.2):
    started_s = time.perf_counter()
    limit = time_limit(limit_s)
    with pytest.raises(TooLongError), limit:
        endless()
    assert limit.is_over
    return time.perf_counter() - started_s


@pytest.mark.parametrize("endless", ENDLESS)
def test_a_loop_that_swallows_what_stops_it_is_stopped_all_the_same(endless):
    assert stopped_after_s(endless) < 5


# A generator that swallows its own end is told of when it is thrown away.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


# There the tracing ends with the first exception, which is not enough for one loop inside another's handler.
@pytest.mark.parametrize("endless", [each for each in ENDLESS if each is not swallows_around_a_loop])
def test_outside_the_main_thread_a_loop_is_stopped_too(endless):
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(stopped_after_s, endless).result() < 5


def test_where_there_is_no_alarm_signal_a_loop_is_stopped_too(monkeypatch):
    monkeypatch.delattr(signal, "setitimer")
    assert stopped_after_s(counts) < 5


def test_a_block_that_hides_the_limit_and_goes_on_is_known_to_be_late():
    limit = time_limit(0.05)
    with limit:
        try:
            counts()
        except BaseException:
            hidden = True
    assert hidden
    assert limit.is_over


def test_a_block_in_time_is_left_alone_and_leaves_no_trace():
    def traced(*_):
        return None

    before = sys.gettrace()
    sys.settrace(traced)
    try:
        with time_limit(5.0) as limit:
            time.sleep(0.01)
        assert sys.gettrace() is traced
    finally:
        sys.settrace(before)
    assert not limit.is_over


def test_a_limit_leaves_the_alarm_of_others_as_it_was():
    before = signal.getsignal(signal.SIGALRM)
    stopped_after_s(sleeps, 0.05)
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_a_limit_inside_another_does_not_lift_it():
    started_s = time.perf_counter()

    def both():
        with time_limit(5.0):
            time.sleep(0.01)
        counts()

    with pytest.raises(TooLongError), time_limit(0.3):
        both()
    assert time.perf_counter() - started_s < 5
