"""Figures of others: every file loads, names its source, and what is wrong is refused with file, field and reason."""

import pytest

import gpu_lessons as gl
from gpu_lessons.hardware.machines import machine
from gpu_lessons.recorded.published import read_published

HEAD = 'publisher = "somebody"\nrepository = "some/where"\n'
SERIES = (
    '[[figures]]\ntitle = "a time"\nmachine = "a card"\nunit = "s"\nalong = "batch"\npoints = [[1, 0.5], [8, 0.75]]\n'
)


def read(folder, text):
    path = folder / "some.toml"
    path.write_text(text)
    return read_published(path)


def test_every_figure_that_ships_has_a_publisher_a_repository_and_a_card_of_the_catalogue_if_any():
    found = gl.published()
    assert len(found) > 50
    assert {each.source for each in found} == {"published"}
    assert all("/" in each.repository or each.repository == "this one" for each in found)
    assert all(each.publisher for each in found)
    assert all(machine(each.card).kind == "gpu" for each in found if each.card is not None)


def test_resnet_is_flat_in_the_batch_and_then_linear_on_a_v100_and_a_t4():
    for name in ("NVIDIA V100 16 GB", "NVIDIA T4"):
        times = {
            each.at: each.time_s
            for each in gl.published()
            if (each.title, each.machine) == ("ResNet-50 inference, float32", name)
        }
        assert times[4] < 1.25 * times[1]
        assert times[256] > 3.5 * times[256 // 8 if name == "NVIDIA T4" else 64]


def test_the_rate_of_a_copy_is_a_time():
    [copy] = [each for each in gl.published() if each.title == "copies from pinned memory" and each.at == 2**20]
    assert copy.workload == gl.Copy(2**20)
    assert copy.time_s == pytest.approx(2**20 / 11.06e9)
    assert next(each for each in gl.published() if each.unit == "FLOP/s").time_s is None


def test_published_products_lie_in_the_band_that_their_card_promises_mostly():
    found = [each for each in gl.published() if each.publisher.endswith("DeepBench") and each.workload]
    inside = []
    for each in found:
        band = gl.predict(each.workload, machine(each.card), launch_overhead_s=6e-6)
        inside.append(band.low_s <= each.time_s <= band.high_s)
    assert len(inside) == 18
    assert sum(inside) >= 0.7 * len(inside)


def test_a_series_becomes_one_record_a_point(tmp_path):
    one, eight = read(tmp_path, HEAD + 'licence = "MIT"\nyear = 2020\n' + SERIES)
    assert (one.at, one.value, eight.time_s, one.credit) == (1, 0.5, 0.75, "somebody, 2020")
    assert one.workload is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("publisher = \n", r"^some.toml: not valid TOML"),
        (HEAD, r"^some.toml: figures must be \[\[figures\]\] blocks, got None$"),
        (HEAD + "link = 'x'\n" + SERIES, "some.toml: link is not a field here"),
        ("repository = 'a/b'\n" + SERIES, "some.toml: publisher must be text, got None"),
        (HEAD + "year = '2020'\n" + SERIES, "some.toml: year must be a year such as 2021, got '2020'"),
        (
            HEAD + SERIES.replace('"s"', '"ms"'),
            "unit must be one of s, images/s, bytes/s, FLOP/s, times as fast, layers, per cent, got 'ms'",
        ),
        (HEAD + SERIES.replace("0.75", "-1"), "figures 1: points must hold finite numbers above 0, got -1"),
        (HEAD + SERIES.replace("0.75", "nan"), "points must hold finite numbers above 0, got nan"),
        (HEAD + SERIES.replace("[8, 0.75]", "8"), r"points must be pairs such as \[256, 0.084\], got 8"),
        (HEAD + SERIES + 'workload = { kind = "Resnet" }\n', "workload must have a kind of Copy, DenseForward"),
        (
            HEAD + SERIES + 'workload = { kind = "DenseForward", n_in = 0, n_out = 4 }\n',
            "figures 1: workload: n_in must",
        ),
        (HEAD + SERIES + 'workload = { kind = "DenseForward", wide = 3 }\n', "figures 1: workload: .*wide"),
    ],
)
def test_a_wrong_file_is_refused_with_file_field_and_reason(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, text)


def test_a_load_is_credited_to_one_publisher_and_a_gpu_waits_longer_for_it_than_a_cpu():
    loads = [each for each in gl.published() if each.title.startswith("one load after another")]
    assert not [each.credit for each in loads if "several" in each.credit or "unnamed" in each.credit]
    for place in ("nearest cache", "memory"):
        gpus, cpus = (
            [each.time_s for each in loads if each.title.endswith(place) and ("NVIDIA" in each.machine) == is_gpu]
            for is_gpu in (True, False)
        )
        assert min(gpus) > 2 * max(cpus)
