"""A kernel run thread by thread: its numbers, what it counts, what it refuses; and the five steps of the ladder."""

import random
import sys
from collections import defaultdict

import numpy as np
import pytest

from gpu_lessons.devices.accesses import MOST_ACCESSES
from gpu_lessons.devices.ladder import kernel_text, thread_kernel
from gpu_lessons.devices.threads import Block, ThreadError, run_threads

STEPS = range(1, 6)
TILES = {1: 16, 2: 16, 3: 16, 4: 64, 5: 64}


def matrices(m, n, k):
    rng = np.random.default_rng(m + 1000 * n + k)
    return rng.standard_normal((m, k), np.float32), rng.standard_normal((k, n), np.float32)


def grid(m, n, tile):
    return -(-n // tile), -(-m // tile)


def product_by(kernel, m, n, k, tile, seed=None):
    a, b = matrices(m, n, k)
    c = np.full((m, n), np.nan, np.float32)
    counts = run_threads(kernel, grid(m, n, tile), a, b, c, m, n, k, seed=seed)
    return c, a.astype(np.float64) @ b, counts


def changed(step, before, after):
    """Return the kernel of a step with one thing written otherwise."""
    text = kernel_text(step, "python")
    assert text.count(before) == 1, f"{before!r} is not once in step {step}"
    names = {}
    exec(text.replace(before, after), names)
    return names["multiply"]


# The five steps


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "sizes", [(1, 1, 1), (5, 5, 5), (16, 16, 16), (17, 3, 20), (64, 20, 8), (65, 66, 7), (3, 70, 33)], ids=str
)
def test_each_step_gives_numpys_product_at_any_size(step, sizes):
    c, expected, _ = product_by(thread_kernel(step), *sizes, TILES[step])
    np.testing.assert_allclose(c, expected, rtol=1e-4, atol=1e-5)


def recorded(kernel, blocks, a, b, c, *sizes):
    """Count by sets, one access at a time: another way than the package's."""
    seen = {}

    class Recording:
        def __init__(self, name, numbers):
            self.name, self.numbers = name, numbers

        @property
        def fours(self):
            return RecordingFours(self.name, self.numbers)

        def note(self, verb, first, wide):
            frame = sys._getframe(2)
            place = (self.name, verb, frame.f_lineno)
            key = (*at[:3], at[3][place], *place)
            at[3][place] += 1
            seen.setdefault(key, []).extend(range(first, first + wide))

        def __getitem__(self, i):
            assert 0 <= i < len(self.numbers)
            self.note("load", i, 1)
            return self.numbers[i]

        def __setitem__(self, i, value):
            assert 0 <= i < len(self.numbers)
            self.note("store", i, 1)
            self.numbers[i] = value

    class RecordingFours(Recording):
        def __getitem__(self, i):
            self.note("load", 4 * i, 4)
            return self.numbers[4 * i : 4 * i + 4]

        def __setitem__(self, i, values):
            self.note("store", 4 * i, 4)
            self.numbers[4 * i : 4 * i + 4] = values

    class Here:
        def shared(self, name, size):
            return shared.setdefault(name, Recording(name, [0.0] * size))

    at = []
    arrays = [Recording(name, x.reshape(-1).tolist()) for name, x in (("a", a), ("b", b), ("c", c))]
    for x, y in np.ndindex(blocks):
        shared, running = {}, {}
        for thread in range(256):
            here = Here()
            here.block, here.thread = Block(x, y), thread
            at[:] = (x, y), thread // 32, 0, defaultdict(int)
            running[thread] = kernel(here, *arrays, *sizes)
        for phase in range(100):
            for thread, each in list(running.items()):
                at[:] = (x, y), thread // 32, phase, defaultdict(int)
                if each is None or next(each, "ended") == "ended":
                    del running[thread]
    found = defaultdict(lambda: [0, 0])
    for key, words in seen.items():
        name, verb = key[4], key[5]
        if name in "abc":
            parts = len({word // 8 for word in words})
        else:
            banks = defaultdict(set)
            for word in words:
                banks[word % 32].add(word)
            parts = max(len(each) for each in banks.values())
            verb = "shared"
        found[verb, name][0] += 1
        found[verb, name][1] += parts
    return dict(found)


@pytest.mark.parametrize("step", [3, 4, 5])
@pytest.mark.parametrize("sizes", [(16, 16, 16), (20, 12, 20), (17, 9, 21), (66, 12, 4)], ids=str)
def test_requests_sectors_and_turns_are_those_counted_one_by_one(step, sizes):
    m, n, k = sizes
    a, b = matrices(m, n, k)
    blocks = grid(m, n, TILES[step])
    counts = run_threads(thread_kernel(step), blocks, a, b, np.zeros((m, n), np.float32), m, n, k)
    expected = recorded(thread_kernel(step), blocks, a, b, np.zeros((m, n), np.float32), m, n, k)
    groups = {"load": counts.loads_of, "store": counts.stores_of, "shared": counts.shared_of}
    found = {
        (verb, name): [each.requests, each.parts] for verb, group in groups.items() for name, each in group.items()
    }
    assert found == expected


@pytest.mark.parametrize(("step", "sectors_of_a", "sectors_of_b"), [(1, 16, 1), (2, 2, 2)])
def test_without_tiles_every_term_is_fetched_anew(step, sectors_of_a, sectors_of_b):
    _, _, counts = product_by(thread_kernel(step), 32, 32, 24, 16)
    warps, terms = 4 * 8, 24
    assert counts.loads_of["a"].requests == counts.loads_of["b"].requests == warps * terms
    assert counts.loads_of["a"].parts == warps * terms * sectors_of_a
    assert counts.loads_of["b"].parts == warps * terms * sectors_of_b


def test_neighbours_side_by_side_move_fewer_bytes_and_tiles_fewer_still():
    moved = [product_by(thread_kernel(step), 64, 64, 16, TILES[step])[2].loads.bytes_moved for step in STEPS]
    assert moved[0] > moved[1] > moved[2] > moved[3] == moved[4]
    # Every tile of a and b once for each tile across: no byte that is not used.
    assert [moved[2], moved[3]] == [2 * 64 * 16 * 4 * 64 // tile for tile in (16, 64)]


def test_four_numbers_at_a_load_are_a_quarter_of_the_requests():
    four, five = (product_by(thread_kernel(step), 64, 64, 16, 64)[2] for step in (4, 5))
    assert 4 * five.loads.requests == four.loads.requests
    assert five.loads.parts == four.loads.parts
    assert 4 * five.shared.requests == four.shared.requests


def test_a_tile_needs_two_barriers_a_turn():
    _, _, counts = product_by(thread_kernel(3), 32, 16, 40, 16)
    assert counts.barriers == 2 * 3 * 2  # blocks, turns, barriers a turn


# Wrong kernels are caught


WRONG = {
    "an index swapped": (2, "b[t * n + column]", "b[column * k + t]"),
    "rows and columns of the tile swapped": (3, "columns[t * 16 + x]", "columns[x * 16 + t]"),
    "a sum that is not begun anew": (2, "c[row * n + column] = total", "c[row * n + column] += total"),
    "the terms of the last turn left out": (4, "range(0, k, 16)", "range(0, k - 15, 16)"),
    "a row of threads left out": (4, "row = top + y + 16 * i", "row = top + y + 8 * i"),
    "a part of four taken twice": (5, "from_a[s]", "from_a[0]"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_kernel_gives_wrong_numbers(name):
    step, before, after = WRONG[name]
    c, expected, _ = product_by(changed(step, before, after), 20, 20, 20, TILES[step])
    assert not np.allclose(c, expected, rtol=1e-4, atol=1e-5)


def test_an_edge_that_is_not_guarded_is_one_sentence():
    kernel = changed(2, "if row < m and column < n:", "if True:")
    sentence = (
        r"^thread \d+ of block \(0, 0\) (loads|stores) \w\[\d+\], and the indexes of \w end at \d+ \(line \d+ of the "
        r"kernel.*\)$"
    )
    with pytest.raises(ThreadError, match=sentence):
        product_by(kernel, 5, 5, 5, 16)


@pytest.mark.parametrize("which", [0, 1], ids=["after the loads", "before the next loads"])
def test_a_missing_barrier_gives_other_numbers_from_run_to_run(which):
    parts = kernel_text(3, "python").split("        yield\n")
    assert len(parts) == 3
    names = {}
    exec(
        parts[0] + ("        yield\n", "")[which == 0] + parts[1] + ("        yield\n", "")[which == 1] + parts[2],
        names,
    )
    results = [product_by(names["multiply"], 16, 16, 48, 16, seed)[0] for seed in range(4)]
    assert len({each.tobytes() for each in results}) > 1
    expected = product_by(thread_kernel(3), 16, 16, 48, 16)[1]
    assert not any(np.allclose(each, expected, rtol=1e-4) for each in results)


def test_with_its_barriers_the_order_of_the_warps_does_not_matter():
    results = {product_by(thread_kernel(3), 16, 17, 40, 16, seed)[0].tobytes() for seed in range(3)}
    assert len(results) == 1


def test_a_seed_gives_the_same_run_again_and_none_gives_another():
    def kernel(here, order, next_place):
        if here.thread % 32 == 0:
            place = int(next_place[0])
            order[place] = here.thread // 32
            next_place[0] = place + 1

    def order(seed):
        found = np.zeros(8, np.float32)
        run_threads(kernel, (1, 1), found, np.zeros(1, np.float32), seed=seed)
        return found.tolist()

    assert sorted(order(1)) == list(range(8))
    assert order(1) == order(1)
    random.seed(0)  # the order without a seed is not that of the program's own generator
    assert len({tuple(order(None)) for _ in range(8)}) > 1


# What is counted


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 8, 16, 32, 33])
def test_a_stride_takes_as_many_turns_as_it_shares_with_the_32_banks(stride):
    def kernel(here, out):
        memory = here.shared("memory", 32 * 33 + 1)
        out[here.thread] = memory[stride * here.thread]

    counts = run_threads(kernel, (1, 1), np.zeros(32, np.float32), threads=32)
    assert counts.shared_of["memory"].parts == np.gcd(stride, 32)
    assert counts.shared_of["memory"].requests == 1


def test_threads_that_read_the_same_word_are_one_turn_and_one_sector():
    def kernel(here, x, out):
        out[here.thread] = x[5] + here.shared("memory", 8)[3]

    counts = run_threads(kernel, (1, 1), np.zeros(8, np.float32), np.zeros(64, np.float32), threads=64)
    assert (counts.loads.requests, counts.loads.parts) == (2, 2)
    assert (counts.shared.requests, counts.shared.parts) == (2, 2)


def test_threads_that_go_different_ways_make_requests_of_their_own():
    def kernel(here, x, out):
        if here.thread < 3:
            out[here.thread] = x[here.thread]
        else:
            out[here.thread] = x[here.thread] + x[here.thread]

    counts = run_threads(kernel, (1, 1), np.zeros(32, np.float32), np.zeros(32, np.float32), threads=32)
    assert counts.loads.requests == 3
    assert counts.stores.requests == 2
    assert counts.loads.parts == 1 + 4 + 4


def test_turns_of_a_loop_are_matched_by_their_number():
    def kernel(here, x):
        for i in range(here.thread):
            x[i] = 1.0

    counts = run_threads(kernel, (1, 1), np.zeros(4, np.float32), threads=5)
    assert counts.stores.requests == 4


def test_bytes_are_those_of_whole_sectors():
    def kernel(here, x):
        x[8 * here.thread] = 1.0

    counts = run_threads(kernel, (1, 1), np.zeros(256, np.float32), threads=32)
    assert counts.bytes_moved == 32 * 32


# What is refused


def kernel_of(body):
    names = {}
    exec(f"def kernel(here, x, n):\n    {body}\n", names)
    return names["kernel"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("x[n]", r"thread 0 of block \(0, 0\) loads x\[8\], and the indexes of x end at 7 \(line 2 of the kernel\)"),
        ("x[-1] = 1.0", r"thread 0 .* stores x\[-1\], and the indexes of x end at 7"),
        ("x[n / 2]", r"thread 0 .* loads x\[4.0\], and an index is a whole number"),
        ("x.fours[2]", r"thread 0 .* loads x\[2\] of four numbers each, and the indexes of x end at 1"),
        ("x.fours[0] = [1.0] * 3", r"thread 0 .* stores 3 numbers as four"),
        (
            "if here.thread < 3: yield",
            r"thread 3 of block \(0, 0\) ends while 3 others wait at a barrier, for ever: .*",
        ),
        ("if here.thread < 1: yield", r"thread 1 of block \(0, 0\) ends while 1 other waits at a barrier"),
        (
            "\n    if here.thread < 2:\n        yield\n    else:\n        yield",
            r"threads 0 and 2 of block \(0, 0\) wait at different barriers, .* \(line 6 of the kernel\)$",
        ),
        ("return x[0]", r"thread 0 .* returns 0.0, and a kernel returns nothing: it stores its numbers"),
        ("x[0] = None", r"thread 0 .* stores None in x, which holds real numbers \(line 2 of the kernel\)$"),
        ("x[0] = [1.0]", r"thread 0 .* stores \[1.0\] in x, which holds real numbers"),
        ("x[0] = 'a'", r"thread 0 .* stores 'a' in x, which holds real numbers"),
        ("x.fours[0] = 1.0", r"thread 0 .* stores 1.0 as four numbers \(line 2 of the kernel\)$"),
        ("x.fours[0] = [1, 2, 3, 'a']", r"thread 0 .* stores 'a' in x, which holds .* \(line 2 of the kernel\)$"),
        ("sum(x)", r"thread 0 .* goes through x as a whole: load one number at a time, x\[i\]"),
        ("here.shared('tile', 10**9)", r"thread 0 .* asks for 1,000,000,000 shared numbers 'tile', and .* for 58,112"),
        ("here.shared('tile', 2 + here.thread)", r"thread 1 .* asks for 3 shared numbers 'tile', and another .* for 2"),
        (
            "\n    while True: x[0]",
            rf"thread 0 .* has used x {MOST_ACCESSES:,} times without a barrier: look for a loop",
        ),
        ("\n    while True: yield", r"block \(0, 0\) has met 4,096 barriers: look for a loop without an end"),
    ],
)
def test_what_a_gpu_does_not_allow_is_one_sentence(body, sentence):
    with pytest.raises(ThreadError, match=f"^{sentence}") as raised:
        run_threads(kernel_of(body), (1, 1), np.zeros(8, np.float32), 8, threads=4, seed=0)
    assert "\n" not in str(raised.value)


def test_the_line_of_an_error_is_shown_where_its_text_is_known():
    def kernel(here, x):
        y = 2
        x[y + 9] = 1.0

    with pytest.raises(ThreadError, match=r"\(line 3 of the kernel: x\[y \+ 9\] = 1.0\)$"):
        run_threads(kernel, (1, 1), np.zeros(8, np.float32))


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ((np.zeros(8), 8), TypeError, "x must be an array of numbers of 4 bytes, one after another, got array"),
        ((np.zeros((4, 4), np.float32).T[1:], 8), TypeError, "x must be an array of numbers of 4 bytes, one after"),
        ((np.array(["a"] * 8), 8), TypeError, "x must be an array of numbers of 4 bytes, one after another, got array"),
        (([1.0] * 8, 8), TypeError, r"x must be a NumPy array or a number, got \[1.0"),
        ((np.zeros(8, np.float32),), TypeError, "the kernel takes 2 arguments behind here, got 1"),
    ],
)
def test_wrong_arguments_are_one_sentence(arguments, error, sentence):
    with pytest.raises(error, match=f"^{sentence}"):
        run_threads(kernel_of("pass"), (1, 1), *arguments)


@pytest.mark.parametrize("value", ["2**40", "float('nan')"])
def test_what_the_array_cannot_hold_is_one_sentence(value):
    with pytest.raises(ThreadError, match=r"^a thread stores a number in x that int32 cannot hold$"):
        run_threads(kernel_of(f"x[0] = {value}"), (1, 1), np.zeros(8, np.int32), 8)


def test_too_large_for_float32_is_infinite():
    x = np.zeros(8, np.float32)
    run_threads(kernel_of("x[0] = 1e300"), (1, 1), x, 8)
    assert x[0] == np.inf


def test_a_read_only_array_is_not_written():
    x = np.zeros(8, np.float32)
    x.flags.writeable = False
    with pytest.raises(ValueError, match=r"^x is read-only, and the kernel stores into it$"):
        run_threads(kernel_of("x[0] = 1.0"), (1, 1), x, 8)


@pytest.mark.parametrize(
    ("changed", "error", "sentence"),
    [
        ({"blocks": 2}, TypeError, "blocks must be two integers, along x and along y, got 2"),
        ({"blocks": (1, 1, 1)}, TypeError, r"blocks must be two integers, along x and along y, got \(1, 1, 1\)"),
        ({"threads": 2000}, ValueError, "threads must be at most 1,024, as in a block of a GPU, got 2,000"),
        ({"seed": []}, TypeError, r"seed must be an integer or None, got \[\]"),
        ({"kernel": 3}, TypeError, "kernel must be a Python function, got 3"),
    ],
)
def test_a_wrong_launch_is_one_sentence(changed, error, sentence):
    given = {"kernel": kernel_of("pass"), "blocks": (1, 1)} | changed
    with pytest.raises(error, match=f"^{sentence}$"):
        run_threads(given.pop("kernel"), given.pop("blocks"), np.zeros(8, np.float32), 8, **given)


def test_a_grid_without_blocks_is_refused():
    with pytest.raises(ValueError, match=r"^a number of blocks must be an integer of at least 1, got 0$"):
        run_threads(kernel_of("pass"), (1, 0), np.zeros(8, np.float32), 8)


@pytest.mark.parametrize("step", [0, 6, "2", True])
def test_a_step_that_is_none_is_refused(step):
    with pytest.raises((TypeError, ValueError), match=r"^step must be "):
        kernel_text(step, "python")
