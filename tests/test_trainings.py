"""Whole trainings that others published, and the rule that is held against them."""

import statistics

import numpy as np
import pytest

import gpu_lessons as gl
from gpu_lessons.exercises.learning import dense_backward, one_epoch
from gpu_lessons.model import training_seconds
from gpu_lessons.nn import SGD, Dense, Network, ReLU, SoftmaxCrossEntropy
from gpu_lessons.recorded.trainings import read_trainings

BLOCK = """[[trainings]]
name = "small"
parameters = 1000
sample = "token"
samples = 100
card = "nvidia-t4"
cards = 2
time_s = 5.5
year = 2020
publisher = "somebody"
source = "some/where"
"""


@pytest.fixture
def rng():
    return np.random.default_rng(9)


def read(folder, text):
    path = folder / "trainings.toml"
    path.write_text(text)
    return read_trainings(path)


def by_rule(run, utilisation=0.3):
    peak = gl.machine(run.card).peak_flops_per_s["float16"]
    return training_seconds(run.parameters, run.uses * run.samples, run.cards, peak, utilisation)


@pytest.mark.parametrize("name", ["GPT-3", "ResNet-50, one A100", "ResNet-50, eight V100", "ResNet-50, MLPerf"])
def test_the_rule_at_one_utilisation_for_all_is_within_twice_the_published_time(name):
    run = next(each for each in gl.trainings() if each.name == name)
    assert 0.5 <= by_rule(run) / run.time_s <= 2


def test_the_rule_is_within_twice_every_published_time_and_nearer_to_half_of_them():
    ratios = [by_rule(run) / run.time_s for run in gl.trainings()]
    assert len(ratios) >= 9
    assert all(0.5 <= ratio <= 2 for ratio in ratios)
    assert statistics.median(max(ratio, 1 / ratio) for ratio in ratios) < 1.7


def test_gpt_3_is_34_days_on_1024_cards_and_resnet_is_14_hours_on_one():
    runs = {run.name: run for run in gl.trainings()}
    assert runs["GPT-3"].flops == pytest.approx(3.15e23, rel=0.01)
    assert (runs["GPT-3"].cards, runs["GPT-3"].time_s / 86400) == (1024, 34)
    # Three passes of 4.089 thousand million multiply-adds for each of 90 x 1,281,167 images.
    assert runs["ResNet-50, one A100"].flops == pytest.approx(3 * 2 * 4.089e9 * 90 * 1_281_167, rel=0.01)
    assert runs["Llama 3.1 405B"].cards * runs["Llama 3.1 405B"].time_s / 3600 == pytest.approx(30.84e6, rel=1e-3)


def test_no_training_computes_faster_than_its_cards_and_each_says_its_source():
    for run in gl.trainings():
        assert 0.05 < run.utilisation < 0.8, run.name
        assert len(run.source) > 20
        assert str(run.year) in run.credit


def test_a_training_takes_half_the_time_on_twice_the_cards_and_no_time_is_given_for_nothing():
    assert training_seconds(1e6, 1e9, 8, 1e14, 0.5) == pytest.approx(6e15 / (8 * 1e14 * 0.5))
    assert training_seconds(1e6, 1e9, 16, 1e14, 0.5) == pytest.approx(training_seconds(1e6, 1e9, 8, 1e14, 0.5) / 2)


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (0, 0, "parameters"),
        (1, -1.0, "tokens"),
        (2, 0, "cards"),
        (3, float("nan"), "flops_per_s"),
        (4, 30, "at most 1"),
    ],
)
def test_an_impossible_training_is_refused_by_name(place, value, words):
    given = [1e6, 1e9, 8, 1e14, 0.5]
    given[place] = value
    with pytest.raises(ValueError, match=words):
        training_seconds(*given)


def test_a_file_is_read_as_it_is_written(tmp_path):
    [run] = read(tmp_path, BLOCK)
    assert (run.name, run.uses, run.flops, run.credit) == ("small", 1, 600_000, "somebody, 2020")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("parameters = 1000", "parameters = 0"), "training 1: parameters must be a whole number of at least 1, got 0"),
        (("cards = 2", "cards = true"), "cards must be a whole number of at least 1, got True"),
        (("time_s = 5.5", "time_s = nan"), "time_s must be a finite number above 0, got nan"),
        (("time_s = 5.5", ""), "time_s must be a finite number above 0, got None"),
        (('card = "nvidia-t4"', 'card = "nvidia-t5"'), "card: "),
        (('card = "nvidia-t4"', 'card = "nvidia-gtx-1080-ti"'), "float16 peak"),
        (('sample = "token"', 'sample = "film"'), "sample must be one of token, image, got 'film'"),
        (('source = "some/where"', 'source = " "'), "source must be text"),
        (("year = 2020", "year = 2020\nplace = 1"), "place is not a field here"),
        (("[[trainings]]", "[[training]]"), "trainings must be [[trainings]] blocks"),
        (("cards = 2", "cards = "), "not valid TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_field_and_reason(tmp_path, change, words):
    with pytest.raises(ValueError, match=r"trainings\.toml") as raised:
        read(tmp_path, BLOCK.replace(*change))
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(ValueError, match=r"are missing: there is no .*; install gpu-lessons again"):
        read_trainings(tmp_path / "trainings.toml")


def test_the_way_back_of_the_lesson_is_that_of_the_course(rng):
    layer = Dense(5, 3, dtype="float64", seed=1)
    x, dy = rng.standard_normal((4, 5)), rng.standard_normal((4, 3))
    layer.forward(x)
    right = layer.backward(dy), layer.dweight, layer.dbias
    assert all((one == other).all() for one, other in zip(dense_backward(x, layer.weight, dy), right, strict=True))


def test_the_network_of_the_lesson_tells_97_in_100_digits_after_a_few_epochs_from_a_fixed_seed(rng):
    data = gl.digits()
    x, test_x = (images.reshape(-1, 64).astype("float64") for images in (data.train_images, data.test_images))
    network = Network([Dense(64, 64, dtype="float64", seed=1), ReLU(), Dense(64, 10, dtype="float64", seed=2)])
    loss, sgd = SoftmaxCrossEntropy(), SGD(0.3)

    def step(samples, labels):
        mean = loss.forward(network.forward(samples), labels)
        network.backward(loss.backward())
        sgd.step(network)
        return mean

    losses = [one_epoch(step, x, data.train_labels, 32, rng.permutation(len(x))) for _ in range(12)]
    right = (network.forward(test_x).argmax(axis=1) == data.test_labels).mean()
    assert losses[-1] < 0.15 < losses[0]
    assert right >= 0.97
