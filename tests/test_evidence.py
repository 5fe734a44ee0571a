"""Evidence for the claims: printed with its source, kept in the learner's file, found again."""

import pytest

from gpu_lessons.lessons import progress
from gpu_lessons.lessons.claims import CLAIMS, first_belief, keep_rating, recalled
from gpu_lessons.lessons.evidence import Evidence, evidence_for, keep_evidence

BUS = next(claim for claim in CLAIMS if claim.key == "bus")


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    """Start each test as a fresh kernel in a folder of lessons, shown live."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "00_start_here.ipynb").write_text("{}")
    monkeypatch.setattr(progress, "_opened", {})
    monkeypatch.setenv("GPU_LESSONS_DISPLAY", "live")


def test_what_was_found_is_printed_with_its_claim_and_its_source(capsys):
    keep_evidence("06-bus", "the link carries 12 GB/s", "predicted, NVIDIA T4")
    assert capsys.readouterr().out.splitlines() == [
        "Claim 7: Data reaches a GPU through PCIe, which is slow.",
        "Found: the link carries 12 GB/s (predicted, NVIDIA T4).",
    ]


def test_another_kernel_finds_it_again_in_the_order_of_the_lessons(monkeypatch):
    keep_evidence("08-bus", "a second finding: 2", "measured, here")
    keep_evidence("06-bus", "a first finding: 1", "predicted, NVIDIA T4")
    monkeypatch.setattr(progress, "_opened", {})
    assert evidence_for(BUS) == [
        Evidence("06", "a first finding: 1", "predicted, NVIDIA T4"),
        Evidence("08", "a second finding: 2", "measured, here"),
    ]


def test_a_lesson_run_again_replaces_what_it_found():
    for rate in (12, 13):
        keep_evidence("06-bus", f"the link carries {rate} GB/s", "measured, here")
    assert [each.finding for each in evidence_for(BUS)] == ["the link carries 13 GB/s"]


def test_nothing_found_is_an_empty_list():
    assert evidence_for(BUS) == []


@pytest.mark.parametrize(
    ("key", "finding", "source", "told"),
    [
        ("bus", "12 GB/s", "here", '"bus"'),
        ("06-nothing", "12 GB/s", "here", '"06-nothing"'),
        ("99-bus", "12 GB/s", "here", '"99-bus"'),
        ("06-bus", "it is slow", "here", "must hold a number"),
        ("06-bus", "12 GB/s", "", "where the number comes from"),
    ],
)
def test_evidence_without_claim_number_or_source_is_refused(key, finding, source, told):
    with pytest.raises(ValueError, match=told):
        keep_evidence(key, finding, source)


def test_what_was_believed_before_anything_was_found_stays():
    assert first_belief(BUS) == (None, None)
    keep_rating(BUS, "true", None)
    keep_rating(BUS, "true", "certain")
    assert first_belief(BUS) == ("true", "certain")
    keep_evidence("06-bus", "12 GB/s", "measured, here")
    keep_rating(BUS, "partly", "a guess")
    keep_evidence("06-bus", "13 GB/s", "measured, here")
    assert first_belief(BUS) == ("true", "certain")
    assert recalled(BUS) == ("partly", "a guess")


def test_a_claim_that_was_not_rated_before_counts_as_rated_later():
    keep_evidence("06-bus", "12 GB/s", "measured, here")
    keep_rating(BUS, "partly", "a guess")
    assert first_belief(BUS) == ("partly", "a guess")
