"""The warning beside figures of unsteady times."""

import gpu_lessons as gl
from gpu_lessons.records import Measurement

WORK = gl.DenseForward(batch_size=2, n_in=3, n_out=4)


def measured(*samples_s):
    return Measurement(WORK, "A machine", 1, samples_s, (), 1)


STEADY, UNSTEADY = measured(1.0, 1.01, 1.02, 1.03), measured(1.0, 1.0, 1.3, 1.6)


def test_steady_times_need_no_word(capsys):
    gl.say_spread([STEADY, STEADY])
    assert capsys.readouterr().out == ""


def test_unsteady_times_are_counted_with_advice_that_anyone_can_follow(capsys):
    gl.say_spread([STEADY, UNSTEADY, UNSTEADY])
    said = capsys.readouterr().out
    assert said.startswith("2 of the 3 times measured for this figure spread by more than 10%: something else ran.")
    assert said.endswith("Wait a little, then measure again.\n")
