"""The price list: the one that ships, a copy of one's own, and what is refused by name."""

import datetime
import tomllib
from pathlib import Path

import pytest

import gpu_lessons as gl
from gpu_lessons.hardware.machines import machine
from gpu_lessons.recorded.prices import Offer, copy_prices, prices

ROOT = Path(__file__).parents[1]
GOOD = {"machine": '"nvidia-t4"', "usd_per_hour": "0.15", "date": '"2026-09-20"', "source": '"somebody"'}


@pytest.fixture
def written(tmp_path):
    """Write a price list of blocks, each as TOML values by field; return its path."""

    def write(*blocks):
        text = "".join("[[offers]]\n" + "".join(f"{key} = {value}\n" for key, value in each.items()) for each in blocks)
        path = tmp_path / "mine.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_every_shipped_price_has_a_day_a_source_and_a_gpu_whose_power_is_known():
    offers = gl.prices()
    assert len(offers) >= 8
    for offer in offers:
        assert datetime.date(2025, 1, 1) < offer.date < datetime.date(2027, 1, 1)
        assert "akash.network" in offer.source
        assert offer.machine.kind == "gpu"
        assert offer.machine.power_w
        assert 0.01 < offer.usd_per_hour < 20


def test_an_offer_says_price_day_and_source():
    offer = Offer(machine("nvidia-t4"), 0.15, datetime.date(2026, 9, 20), "somebody")
    assert str(offer) == "NVIDIA T4: 0.15 USD an hour, published 2026-09-20: somebody"


def test_a_copy_is_the_list_of_the_course_until_it_is_changed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = gl.copy_prices()
    assert said == (
        "my_prices.toml holds the prices of the course now. "
        "Change it in any editor, then use it with prices='my_prices.toml'."
    )
    assert prices("my_prices.toml") == prices()
    mine = Path("my_prices.toml")
    mine.write_text(mine.read_text().replace("usd_per_hour = 0.15", "usd_per_hour = 0.3"))
    assert {each.machine.slug: each.usd_per_hour for each in prices(mine)}["nvidia-t4"] == 0.3


def test_a_copy_never_replaces_a_file(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text("mine")
    assert copy_prices(mine).startswith("mine.toml is there already and stays as it is.")
    assert mine.read_text() == "mine"


def test_a_machine_of_one_s_own_costs_nothing_and_a_day_may_be_a_day_of_toml(written):
    [offer] = prices(written(GOOD | {"usd_per_hour": "0", "date": "2026-11-26"}))
    assert (offer.usd_per_hour, offer.date) == (0.0, datetime.date(2026, 11, 26))


def test_a_list_with_an_unknown_card_is_refused_by_its_name(written):
    with pytest.raises(ValueError, match=r"^mine.toml: offer 2: no machine 'nvidia-t5' in the catalogue; nearest: "):
        prices(written(GOOD, GOOD | {"machine": '"nvidia-t5"'}))
    with pytest.raises(ValueError, match=r"^mine.toml: offer 1: slug must be a string .* got 4"):
        prices(written(GOOD | {"machine": "4"}))


def test_a_card_twice_is_refused_by_its_name(written):
    with pytest.raises(ValueError, match=r"^mine.toml: offer 2: nvidia-t4 has an offer already; keep one$"):
        prices(written(GOOD, GOOD))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"usd_per_hour": "-1"}, "usd_per_hour of nvidia-t4 must be a finite number of at least 0, got -1"),
        ({"usd_per_hour": "nan"}, "usd_per_hour of nvidia-t4 must be a finite number"),
        ({"usd_per_hour": "inf"}, "usd_per_hour of nvidia-t4 must be a finite number"),
        ({"usd_per_hour": "true"}, "usd_per_hour of nvidia-t4 must be a finite number"),
        ({"usd_per_hour": '"0.15"'}, "usd_per_hour of nvidia-t4 must be a finite number"),
        ({"date": '"yesterday"'}, "date must be a day such as"),
        ({"date": "20260920"}, "date must be a day such as"),
        ({"date": "2026-09-20T10:00:00"}, "date must be a day such as"),
        ({"source": '" "'}, "source must say who asks that price"),
        ({"source": "3"}, "source must say who asks that price"),
        ({"eur_per_hour": "1"}, "eur_per_hour is not a field here"),
    ],
)
def test_a_wrong_value_is_refused_with_file_offer_and_field(written, changed, told):
    with pytest.raises(ValueError, match=r"^mine.toml: offer 1: ") as raised:
        prices(written(GOOD | changed))
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("field", GOOD)
def test_a_missing_field_is_named(written, field):
    with pytest.raises(ValueError, match=f"mine.toml: offer 1: {field} is missing"):
        prices(written({key: value for key, value in GOOD.items() if key != field}))


@pytest.mark.parametrize(
    "content", [b"", b"offers = 3", b"offers = []", b"offers = [1]", b"rents = 1", b"[[offers", b"\xff", b"#" * 100_001]
)
def test_a_file_of_another_kind_is_refused_in_one_sentence(tmp_path, content):
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"^mine.toml: ") as raised:
        prices(path)
    assert "\n" not in str(raised.value)


def test_a_missing_file_is_named_with_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no price file .*none.toml; gl.copy_prices\(\) makes one"):
        prices(tmp_path / "none.toml")


def test_everything_in_data_that_the_package_reads_travels_in_the_wheel():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"][
        "include"
    ]
    not_read = {"README.md", "make_digits.py"}
    read = {f"/data/{path.name}" for path in (ROOT / "data").iterdir() if path.name not in not_read}
    assert read <= set(wheel)
