"""A training that is watched: what is drawn of it, when it ends, and what is said of one that runs away."""

import math

import numpy as np
import pytest

from gpu_lessons.charts.bundle import VEGA_LITE
from gpu_lessons.charts.learning_curve import learning_figure
from gpu_lessons.exercises.learning import one_epoch
from gpu_lessons.lessons import watch_training
from gpu_lessons.lessons.watching import LearningCurve
from gpu_lessons.nn import SGD, Dense, Network, ReLU, SoftmaxCrossEntropy
from gpu_lessons.recorded import digits


@pytest.fixture
def rng():
    return np.random.default_rng(9)


def epochs(*results):
    """Return an epoch that gives these results one after the other."""
    left = iter(results)
    return lambda: next(left)


def test_a_training_goes_on_until_its_goal_and_no_further():
    curve = watch_training(epochs((1.0, 0.5), (0.5, 0.9), (0.4, 0.97), (0.3, 0.99)), 10, goal=0.97)
    assert (curve.losses, curve.accuracies) == ([1.0, 0.5, 0.4], [0.5, 0.9, 0.97])
    assert curve.reached_goal
    assert str(curve) == "97.0% right after 3 epochs, loss 0.4."


def test_without_a_goal_it_takes_all_its_epochs():
    curve = watch_training(epochs((1.0, 0.5), (0.5, 1.0)), 2)
    assert len(curve.losses) == 2
    assert not curve.reached_goal


@pytest.mark.parametrize(
    ("results", "words"),
    [
        ([(math.nan, 0.1)], "Stopped after 1 epoch: the loss is no number any more (nan)."),
        ([(0.5, 0.8), (math.inf, 0.1)], "Stopped after 2 epochs: the loss is no number any more (inf)."),
        ([(900.0, 0.1), (8.0, 0.1), (9.0, 0.1)], "after 3 epochs: the loss is 9, where guessing gives 2.30."),
    ],
)
def test_a_training_that_runs_away_is_stopped_with_a_sentence_and_its_curve(results, words, capsys):
    curve = watch_training(epochs(*results, (0.1, 1.0)), 10)
    assert len(curve.losses) == len(results)
    assert words in str(curve)
    assert "smaller learning rate" in str(curve)
    assert capsys.readouterr().out.strip() == str(curve)


@pytest.mark.parametrize(
    "results",
    [
        [(2.6, 0.1), (2.5, 0.2), (2.4, 0.2), (2.2, 0.3)],  # starts worse than guessing, and falls
        [(1.0, 0.8), (1.2, 0.7), (0.9, 0.8), (1.1, 0.8)],  # goes up and down, and is better than guessing
        [(2.5, 0.1)],
    ],
)
def test_a_training_that_still_learns_is_left_alone(results):
    assert len(watch_training(epochs(*results), len(results)).losses) == len(results)


@pytest.mark.parametrize("rate", [3.0, 30.0, 1e6, 1e300])
@pytest.mark.filterwarnings("error")
def test_real_digits_with_a_learning_rate_too_large_are_stopped_within_five_epochs_and_without_warnings(rate, rng):
    data = digits()
    x, labels = data.train_images.reshape(-1, 64).astype("float64"), data.train_labels
    network = Network([Dense(64, 64, dtype="float64", seed=1), ReLU(), Dense(64, 10, dtype="float64", seed=2)])
    loss, sgd = SoftmaxCrossEntropy(), SGD(rate)

    def step(samples, labels):
        mean = loss.forward(network.forward(samples), labels)
        network.backward(loss.backward())
        sgd.step(network)
        return mean

    curve = watch_training(lambda: (one_epoch(step, x, labels, 32, rng.permutation(len(x))), 0.1), 20)
    assert curve.ran_away
    assert len(curve.losses) <= 5


def test_an_epoch_that_returns_something_else_is_told_so():
    with pytest.raises(TypeError, match=r"epoch must return loss and accuracy, two numbers, got 0\.5"):
        watch_training(lambda: 0.5, 3)


@pytest.mark.parametrize(("epochs", "classes"), [(0, 10), (3, 1)])
def test_counts_that_are_none_are_refused(epochs, classes):
    with pytest.raises(ValueError, match=r"epochs|classes"):
        watch_training(lambda: (1.0, 0.5), epochs, classes=classes)


def test_who_stops_a_training_keeps_the_curve_so_far(capsys):
    def epoch():
        if done:
            raise KeyboardInterrupt
        done.append(1)
        return 1.0, 0.5

    done = []
    with pytest.raises(KeyboardInterrupt):
        watch_training(epoch, 10)
    assert "50.0% right after 1 epoch" in capsys.readouterr().out


class Page:
    """An IPython that notes what is displayed."""

    def __init__(self):
        self.shown = []

    def display(self, data, **_):
        self.shown.append(data)
        return self

    def update(self, data, **_):
        self.shown.append(data)


@pytest.fixture
def page(monkeypatch):
    page = Page()
    monkeypatch.setattr("IPython.get_ipython", lambda: page)
    monkeypatch.setattr("IPython.display.display", page.display)
    return page


def test_live_the_curve_is_drawn_over_while_it_trains_and_has_its_picture_at_the_end(page, monkeypatch):
    monkeypatch.setenv("GPU_LESSONS_DISPLAY", "live")
    monkeypatch.setattr("gpu_lessons.lessons.watching._REDRAW_S", 0.0)
    watch_training(epochs((1.0, 0.5), (0.5, 0.9)), 2)
    assert [len(each[VEGA_LITE]["data"]["values"]) for each in page.shown] == [1, 2, 2]
    assert ["image/png" in each for each in page.shown] == [False, False, True]


def test_in_a_saved_lesson_the_whole_curve_is_shown_once(page, monkeypatch):
    monkeypatch.setenv("GPU_LESSONS_DISPLAY", "static")
    watch_training(epochs((1.0, 0.5), (0.5, 0.9)), 2)
    [shown] = page.shown
    assert shown["text/plain"] == "90.0% right after 2 epochs, loss 0.5."


def test_the_figure_holds_every_epoch_and_leaves_out_what_is_no_number():
    figure = learning_figure(
        [1.23456, math.inf], [0.5, 0.1], epochs=4, guessing=math.log(10), goal=0.97, sentence="Stopped. Why."
    )
    data, _ = figure._repr_mimebundle_()
    assert [row["loss"] for row in figure.table()] == [1.235, None]
    spec = data[VEGA_LITE]
    assert spec["title"]["text"] == ["Stopped.", "Why."]
    assert {"guessing", "goal 97%"} <= set(_texts(spec))
    bar = spec["vconcat"][0]["layer"]
    assert bar[1]["encoding"]["x2"]["value"] == pytest.approx(bar[0]["encoding"]["x2"]["value"] / 2)


def _texts(part):
    """Return every text that stands in a chart as it is."""
    if isinstance(part, dict):
        if "value" in part.get("text", {}) if isinstance(part.get("text"), dict) else False:
            yield part["text"]["value"]
        for each in part.values():
            yield from _texts(each)
    elif isinstance(part, list):
        for each in part:
            yield from _texts(each)


def test_a_curve_that_has_not_begun_says_so():
    assert str(LearningCurve(epochs=7, goal=None, guessing=2.3)) == "Epoch 1 of 7."
    assert not LearningCurve(epochs=7, goal=0.9, guessing=2.3).ran_away
