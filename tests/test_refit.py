"""Fitting to published times: rows are read strictly, numbers are found again, and what is printed is what is kept."""

import csv
import tomllib
from dataclasses import replace

import pytest

from benchmarks.published_rows import PublishedRow, read_rows
from benchmarks.refit import fit_card, main, start_of
from benchmarks.residual_tables import LEAST_BAND, Missed, tables_of
from benchmarks.toml_facts import facts_block
from gpu_lessons.hardware.machines import machine
from gpu_lessons.model.compared_cards import LEFT_OUT, accuracy_file, bands_of, read_tables
from gpu_lessons.work.kernels import elementwise_kernel, matmul_kernel

FIELDS = ("source", "device", "op", "dtype", "M", "N", "K", "time_us", "notes")
GOOD = {
    "source": "NeuSight",
    "device": "T4",
    "op": "linear",
    "dtype": "fp32",
    "M": "512",
    "N": "256",
    "K": "128",
    "time_us": "61.5",
    "notes": "",
}


def write(folder, *rows, name="gemm_neusight_fit.csv"):
    with (folder / name).open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(rows)


def test_a_row_becomes_a_kernel_a_card_and_a_time(tmp_path):
    write(tmp_path, GOOD)
    [row], skipped = read_rows(tmp_path)
    assert (row.slug, row.kernel.matmul, row.time_s) == ("nvidia-t4", (512, 256, 128), pytest.approx(61.5e-6))
    assert not skipped


def test_a_card_that_the_catalogue_lacks_is_skipped_and_counted(tmp_path):
    write(tmp_path, GOOD, {**GOOD, "device": "P4"}, {**GOOD, "device": "P4"})
    rows, skipped = read_rows(tmp_path)
    assert len(rows) == 1
    assert skipped == {"P4 is not in the catalogue": 2}


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("time_us", "-1", r"^gemm_neusight_fit.csv, line 2: time_us must be a number above 0, got '-1'$"),
        ("time_us", "nan", "time_us must be a number above 0, got 'nan'"),
        ("time_us", "", "line 2: time_us is missing"),
        ("M", "1.5", "M must be a whole number, got '1.5'"),
        ("K", "many", "K must be a number above 0, got 'many'"),
        ("dtype", "fp8", "dtype must be one of fp32, fp16_tensor, got 'fp8'"),
        ("device", "", "device is missing"),
    ],
)
def test_a_wrong_field_is_named_with_its_file_and_line(tmp_path, field, value, message):
    write(tmp_path, {**GOOD, field: value})
    with pytest.raises(ValueError, match=message):
        read_rows(tmp_path)


def test_a_folder_without_rows_is_refused_in_one_sentence(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(tmp_path)])
    assert capsys.readouterr().err == f"{tmp_path} holds no file such as gemm_neusight_fit.csv\n"


def made_up_rows(card, device, overhead_s):
    works = [
        matmul_kernel("", m, n, k, "float32") for m in (64, 300, 2000, 9000) for n in (500, 4096) for k in (128, 3001)
    ]
    works += [elementwise_kernel("add", n, read=2 * n, written=n, dtype="float32") for n in (10**6, 10**7, 10**8)]
    return [
        PublishedRow(
            "NeuSight",
            card.slug,
            "a call",
            (number,),
            work,
            overhead_s + device.kernel_time(work).total_s,
        )
        for number, work in enumerate(works)
    ]


def test_the_numbers_that_made_the_times_are_found_again():
    card = machine("nvidia-v100-pcie-32gb")
    numbers = {"flops_per_s": {"float32": 9e12}, "memory_bandwidth_bytes_per_s": 6e11, "unaligned_share": 0.8}
    true = replace(start_of(card), **numbers)
    found = fit_card(card, made_up_rows(card, true, 40e-6))
    assert found.device.flops_per_s["float32"] == pytest.approx(9e12, rel=0.02)
    assert found.device.memory_bandwidth_bytes_per_s == pytest.approx(6e11, rel=0.02)
    assert found.device.unaligned_share == pytest.approx(0.8, rel=0.03)
    assert found.overheads_s["a call"] == pytest.approx(40e-6, rel=0.05)


def test_a_fit_begins_without_what_was_fitted_before():
    card = machine("nvidia-t4")
    fitted = {"sustained_share_of_peak": {"float32": 0.1}, "throttled_share": 0.2, "unaligned_share": 0.3}
    assert start_of(card) == start_of(replace(card, **fitted))


def missed(count, factor, slug="nvidia-t4"):
    kernel = matmul_kernel("", 64, 64, 64, "float32")
    row = PublishedRow("NeuSight", slug, "a call", (1,), kernel, 1.0)
    return [Missed(slug, row, "compute", factor, 0.5)] * count


def test_a_band_holds_four_of_five_times_and_is_no_wider(tmp_path):
    text = tables_of([*missed(80, 1.1), *missed(8, 1.3), *missed(12, 3.0)], missed(1, 2.0), {})
    (tmp_path / "gpus.toml").write_text(text)
    band = next(row for row in read_tables(tmp_path / "gpus.toml")["band"] if row["bottleneck"] == "compute")
    assert band["error"] == pytest.approx(0.3)
    assert "inside = 0.88" in text


def test_no_band_is_narrower_than_two_sessions_of_one_chip_differ(tmp_path):
    text = tables_of(missed(20, 1.0), missed(20, 1.0), {})
    assert {row["error"] for row in tomllib.loads(text)["band"]} == {LEAST_BAND}


def test_a_block_names_its_source_and_keeps_three_digits():
    block = facts_block("somebody", {"sustained_share_of_peak.float32": 0.87654})
    assert block == '[[facts]]\nsource = "somebody"\nsustained_share_of_peak.float32 = 0.877\n'


def test_every_band_of_the_shipped_table_belongs_to_a_card_of_the_catalogue_and_holds_what_it_promises():
    tables = read_tables(accuracy_file())
    assert all(machine(row["machine"]).kind == "gpu" for row in tables["compared"])
    own = [row for row in tables["score"] if row["owner"] != LEFT_OUT and row["bottleneck"] == "any"]
    inside = sum(row["inside"] * row["times"] for row in own) / sum(row["times"] for row in own)
    assert inside >= 0.8
    assert bands_of("nvidia-t4").compared is not None
    assert bands_of("nvidia-rtx-5090").compared is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[band]\n", "gpus.toml: not valid TOML"),
        ("[[bands]]\nmachine = 'x'\n", "gpus.toml: bands is no table of this file; known: band, compared, call, score"),
        ("band = 3\n", r"gpus.toml: band must be \[\[band\]\] blocks, got 3"),
        ("[[call]]\nmachine = 'x'\ncall = 'y'\n", "gpus.toml: call 1: overhead_s is missing"),
        (
            "[[call]]\nmachine = 'x'\ncall = 'y'\noverhead_s = nan\n",
            "overhead_s must be a finite number of at least 0, got nan",
        ),
        ("[[call]]\nmachine = 3\ncall = 'y'\noverhead_s = 1\n", "call 1: machine must be text, got 3"),
        ("[[call]]\nmachine = 'x'\ncall = 'y'\noverhead_s = 1\nmore = 2\n", "more is not a field of this table"),
    ],
)
def test_a_wrong_table_is_refused_with_file_row_and_field(tmp_path, text, message):
    (tmp_path / "gpus.toml").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_tables(tmp_path / "gpus.toml")
