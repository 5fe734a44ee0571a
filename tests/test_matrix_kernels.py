"""What the kernels of lesson 12 ask of the memories, against an enumeration of their threads."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from gpu_lessons.devices.ladder import thread_kernel
from gpu_lessons.devices.threads import run_threads
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
    assert counts.shared_requests == counts.shared_turns == counts.shared_clocks == 0


@pytest.mark.parametrize("step", MATRIX_KERNELS[2:], ids=lambda step: step.title)
@pytest.mark.parametrize(("m", "n", "k"), SIZES)
def test_with_tiles_every_block_loads_its_rows_and_columns_once(m: int, n: int, k: int, step: MatrixKernel) -> None:
    counts, tiles = step.counts(m, n, k), m // step.tile * (n // step.tile)
    assert counts.load_bytes == 4 * tiles * 2 * step.tile * k  # every sector is used to the last number
    assert counts.load_requests == tiles * 2 * step.tile * k // (32 * step.vector)


def shared_of(step: MatrixKernel, *, joined: bool = False) -> tuple[int, int, int]:
    """Return requests, turns and clocks of one warp of one block in one turn."""
    counts = step.counts(step.tile, step.tile, step.depth, joined=joined)
    warps = step.threads // 32
    found = counts.shared_requests, counts.shared_turns, counts.shared_clocks
    assert all(each % warps == 0 for each in found)
    return found[0] // warps, found[1] // warps, found[2] // warps


def test_step_3_loads_two_numbers_a_term_and_stores_two_a_turn() -> None:
    # Two rows of A lie 16 words apart, so 2 words in 2 banks; 16 columns of B; 32 numbers stored: one turn each.
    assert shared_of(MATRIX_KERNELS[2]) == (16 * 2 + 2, 16 * 2 + 2, 16 * 2 + 2)


def test_step_4_loads_eight_numbers_for_sixteen_products() -> None:
    assert shared_of(MATRIX_KERNELS[3]) == (16 * 8 + 8, 16 * 8 + 8, 16 * 8 + 8)


def test_vectors_are_a_quarter_of_the_requests_and_as_many_clocks() -> None:
    # Of A 2 x 4 words, which lie in 8 banks; of B 16 x 4, two in each bank; then 128 stored for A and for B.
    assert shared_of(MATRIX_KERNELS[4]) == ((16 * 8 + 8) // 4, 16 * (1 + 2) + 2 * 4, 16 * 8 + 8)


def test_a_compiler_joins_the_terms_of_a_alone() -> None:
    assert shared_of(MATRIX_KERNELS[2], joined=True)[0] == 16 + 16 // 4 + 2
    assert shared_of(MATRIX_KERNELS[3], joined=True)[0] == 16 * 4 + 16 * 4 // 4 + 8
    assert shared_of(MATRIX_KERNELS[4], joined=True) == shared_of(MATRIX_KERNELS[4])


def test_numbers_of_a_thread_that_are_neighbours_meet_in_the_same_bank() -> None:
    # 16 threads load the columns 0, 4, 8 ...: the first and the ninth are 32 words apart. Two rows of A are 64 apart.
    step = replace(MATRIX_KERNELS[3], together=True)
    assert shared_of(step) == (16 * 8 + 8, 16 * 8 * 2 + 8, 16 * 8 * 2 + 8)


def test_turning_a_tile_with_rows_of_64_puts_four_words_into_each_bank() -> None:
    step = replace(MATRIX_KERNELS[4], turned=True)
    requests, turns, _ = shared_of(step)
    assert requests == 16 * (1 + 1) + 4 + 1
    assert turns == 16 * (1 + 2) + 4 * 4 + 4  # a warp stores 8 rows of 4 terms: 8 banks, 4 words in each


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


@pytest.mark.parametrize("step", MATRIX_KERNELS, ids=lambda step: step.title)
@pytest.mark.parametrize(("m", "n", "k"), [(64, 128, 32), (128, 64, 48)])
def test_the_kernels_run_thread_by_thread_ask_for_what_is_counted(m: int, n: int, k: int, step: MatrixKernel) -> None:
    c = np.zeros((m, n), np.float32)
    found = run_threads(
        thread_kernel(step.number),
        (n // step.tile, m // step.tile),
        np.ones((m, k), np.float32),
        np.ones((k, n), np.float32),
        c,
        m,
        n,
        k,
        threads=step.threads,
    )
    counts = step.counts(m, n, k)
    assert (c == k).all()
    assert (found.loads.requests, found.loads.parts) == (counts.load_requests, counts.load_sectors)
    assert (found.stores.requests, found.stores.parts) == (counts.store_requests, counts.store_sectors)
    assert (found.shared.requests, found.shared.parts) == (counts.shared_requests, counts.shared_turns)
