"""What the kernels of lesson 12 ask of the memories, against an enumeration of their threads."""

from __future__ import annotations

from collections import Counter

import pytest

from gpu_lessons.work.matrix_kernels import MATRIX_KERNELS, MatrixKernel

SIZES = [(64, 64, 32), (64, 128, 32), (128, 64, 64)]


def test_the_steps_are_numbered_as_they_stand() -> None:
    assert [step.number for step in MATRIX_KERNELS] == [1, 2, 3, 4, 5]
    assert {step.threads for step in MATRIX_KERNELS} == {256}


@pytest.mark.parametrize(("m", "n", "k"), SIZES)
@pytest.mark.parametrize("side_by_side", [False, True])
def test_without_shared_memory_the_counts_are_those_of_every_address_written_down(
    m: int, n: int, k: int, side_by_side: bool
) -> None:
    """Addresses in bytes, with A, B and C at multiples of 128 in one memory."""
    at_b, at_c = 4 * m * k, 4 * (m * k + k * n)
    found = Counter[str]()
    for top in range(0, m, 16):
        for left in range(0, n, 16):
            for warp in range(0, 256, 32):
                threads = range(warp, warp + 32)
                places = [
                    (top + me // 16, left + me % 16) if side_by_side else (top + me % 16, left + me // 16)
                    for me in threads
                ]
                requests = [("store", [at_c + 4 * (row * n + column) for row, column in places])]
                for term in range(k):
                    requests.append(("load", [4 * (row * k + term) for row, _ in places]))
                    requests.append(("load", [at_b + 4 * (term * n + column) for _, column in places]))
                for kind, addresses in requests:
                    found[f"{kind}_requests"] += 1
                    found[f"{kind}_sectors"] += len({address // 32 for address in addresses})
                    found[f"{kind}_lines"] += len({address // 128 for address in addresses})
    counts = MATRIX_KERNELS[int(side_by_side)].counts(m, n, k)
    assert {name: getattr(counts, name) for name in found} == found
    assert counts.shared_requests == counts.shared_words == counts.shared_passes == 0


@pytest.mark.parametrize("step", MATRIX_KERNELS[2:], ids=lambda step: step.title)
@pytest.mark.parametrize(("m", "n", "k"), SIZES)
def test_with_tiles_every_block_loads_its_rows_and_columns_once(m: int, n: int, k: int, step: MatrixKernel) -> None:
    counts, tiles = step.counts(m, n, k), m // step.tile * (n // step.tile)
    assert counts.load_bytes == 4 * tiles * 2 * step.tile * k  # every sector is used to the last number
    assert counts.load_requests == tiles * 2 * step.tile * k // (32 * step.vector)


def test_shared_requests_of_step_3_are_two_a_term_and_two_stores_a_turn() -> None:
    # 8 warps; 16 terms of two loads, of 2 rows and 16 columns, without conflict; then 2 stores of 32 numbers.
    counts = MATRIX_KERNELS[2].counts(16, 16, 16)
    assert counts.shared_requests == 8 * (16 * 2 + 2)
    assert counts.shared_words == 8 * (16 * (2 + 16) + 2 * 32)


def test_of_the_vectors_of_step_5_two_are_different_in_a_row_and_sixteen_across() -> None:
    step = MATRIX_KERNELS[4]
    counts = step.counts(64, 64, 16)
    # Loads, 16 terms of each of 8 warps; then a vector of B and four numbers of a vector of A stored by each thread.
    assert counts.shared_requests == 8 * (16 * 2 + 1 + 4)
    assert counts.shared_words == 8 * (16 * (2 * 4 + 16 * 4) + 128 + 4 * 32)
    # Quarters of a warp: 8 vectors of B are the 32 banks. A is stored four rows of 64 apart: four words a bank.
    assert counts.shared_passes == 8 * (16 * (4 + 4) + 4 + 4 * 4)


def test_numbers_four_apart_meet_in_the_same_bank() -> None:
    # Of 16 neighbours in step 4 the first and the ninth are 32 words of B apart, and the two rows of a warp 64 of A.
    step = MATRIX_KERNELS[3]
    assert step.counts(64, 64, 16).shared_passes == 8 * (16 * (4 * 2 + 4 * 2) + 4 * 2)


@pytest.mark.parametrize("step", MATRIX_KERNELS, ids=lambda step: step.title)
def test_a_larger_tile_never_asks_for_more_bytes(step: MatrixKernel) -> None:
    asked = [step.at_tile(tile).counts(1024, 1024, 1024).load_bytes for tile in (8, 16, 32, 64)]
    assert asked == sorted(asked, reverse=True)


@pytest.mark.parametrize("step", MATRIX_KERNELS, ids=lambda step: step.title)
def test_the_tile_of_a_step_is_one_of_those_it_can_have(step: MatrixKernel) -> None:
    assert step.at_tile(step.tile) == step


def test_sizes_between_two_tiles_count_as_the_larger_one_but_for_the_flop() -> None:
    step = MATRIX_KERNELS[2]
    odd, even = step.counts(60, 61, 17), step.counts(64, 64, 32)
    assert odd.load_requests == even.load_requests
    assert odd.flops == 2 * 60 * 61 * 17


def test_a_size_must_be_at_least_one() -> None:
    with pytest.raises(ValueError, match="k must be an integer of at least 1, got 0"):
        MATRIX_KERNELS[0].counts(16, 16, 0)
