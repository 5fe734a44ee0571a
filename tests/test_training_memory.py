"""The memory ledger against the pool of a simulated GPU: the same step, counted and run."""

from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import gpu_lessons as gl
from gpu_lessons.devices import CudaGpu, SimulatedGpu
from gpu_lessons.hardware.arrays import cuda_status
from gpu_lessons.nn import SGD, Adam, Dense, KeptAsFloat16, Momentum, Network, Recomputed, ReLU, SoftmaxCrossEntropy
from gpu_lessons.work import memory_needed

OPTIMIZERS = {"sgd": SGD, "momentum": Momentum, "adam": Adam}


def network_of(xp, sizes, dtype, segment, activation_dtype):
    blocks = [[Dense(*pair, xp=xp, dtype=dtype, seed=seed), ReLU()] for seed, pair in enumerate(pairwise(sizes))]
    blocks[-1].pop()
    if segment is None:
        layers = [layer for block in blocks for layer in block]
    else:
        layers = [Recomputed(list(chain(*blocks[i : i + segment]))) for i in range(0, len(blocks), segment)]
    return (Network if activation_dtype is None else KeptAsFloat16)(layers)


def peak_bytes(gpu, *, batch_size, layer_sizes, optimizer, dtype="float32", activation_dtype=None,
               recompute_segment=None, micro_batches=1):  # fmt: skip
    """Train two steps and return the most memory that the arrays took."""
    xp, samples = gpu.xp, -(-batch_size // micro_batches)
    network = network_of(xp, layer_sizes, dtype, recompute_segment, activation_dtype)
    loss, optimizer = SoftmaxCrossEntropy(), OPTIMIZERS[optimizer](1e-6)
    rng = np.random.default_rng(0)
    x = xp.asarray(rng.standard_normal((samples, layer_sizes[0]), dtype="float32").astype(dtype))
    labels = xp.asarray(rng.integers(0, layer_sizes[-1], samples))
    for _ in range(2):
        for part in range(micro_batches):
            loss.forward(network.forward(x), labels)
            if micro_batches == 1:
                network.backward(loss.backward())
            else:
                network.backward(loss.backward() * (1 / micro_batches), accumulate=part > 0)
        optimizer.step(network)
    return gpu.memory.peak_bytes


STEPS = st.fixed_dictionaries(
    {
        "batch_size": st.integers(1, 500),
        "layer_sizes": st.lists(st.integers(1, 300), min_size=2, max_size=10),
        "optimizer": st.sampled_from(sorted(OPTIMIZERS)),
        "dtype": st.sampled_from(["float32", "float64"]),
        "activation_dtype": st.sampled_from([None, "float16"]),
        "recompute_segment": st.sampled_from([None, 1, 2, 3, 20]),
        "micro_batches": st.sampled_from([1, 2, 5]),
    }
)
# A pool hands out 512 bytes at least, which is much beside the few numbers of a tiny network.
ARRAY_BYTES = 512


@settings(max_examples=25, deadline=None)
@given(STEPS)
def test_the_ledger_is_within_five_percent_of_the_pool_for_any_network(step):
    assume(step["micro_batches"] <= step["batch_size"])
    total_bytes = memory_needed(**step).total_bytes
    arrays = (2 + 2 * 2) * len(step["layer_sizes"]) + 10
    peak = peak_bytes(SimulatedGpu(gl.machine("nvidia-t4")), **step)
    assert total_bytes == pytest.approx(peak, rel=0.05, abs=arrays * ARRAY_BYTES)


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
@pytest.mark.parametrize("seed", range(20))
def test_the_ledger_is_within_five_percent_of_the_pool_for_twenty_networks(optimizer, seed):
    rng = np.random.default_rng(seed)
    sizes = [int(size) for size in rng.integers(50, 500, rng.integers(2, 10))]
    step = {"batch_size": int(rng.integers(50, 600)), "layer_sizes": sizes, "optimizer": optimizer}
    assert memory_needed(**step).total_bytes == pytest.approx(peak_bytes(gl.gpu(), **step), rel=0.05)


@pytest.mark.gpu
@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
@pytest.mark.parametrize(
    "sparing", [{}, {"activation_dtype": "float16"}, {"recompute_segment": 3}, {"micro_batches": 4}], ids=str
)
def test_the_ledger_is_within_five_percent_of_cupys_pool(optimizer, sparing):
    usable, reason = cuda_status()
    if not usable:
        pytest.skip(reason)
    step = {"batch_size": 4096, "layer_sizes": [512, *[1024] * 8, 100], "optimizer": optimizer, **sparing}
    gpu = CudaGpu()
    before = gpu.memory.used_bytes
    assert memory_needed(**step).total_bytes == pytest.approx(peak_bytes(gpu, **step) - before, rel=0.05)


@given(STEPS, st.integers(0, 10**8))
def test_the_largest_batch_fits_and_one_more_sample_a_part_does_not(step, memory_bytes):
    step["batch_size"] *= step["micro_batches"]
    largest = memory_needed(**step).largest_batch(memory_bytes)
    assert largest % step["micro_batches"] == 0
    more = largest + step["micro_batches"]
    assert memory_needed(**{**step, "batch_size": more}).total_bytes > memory_bytes
    assert largest == 0 or memory_needed(**{**step, "batch_size": largest}).total_bytes <= memory_bytes


def test_of_sixteen_equal_layers_segments_of_four_need_least():
    def total_bytes(segment):
        return memory_needed(batch_size=10**5, layer_sizes=[256] * 17, recompute_segment=segment).total_bytes

    assert min(range(1, 17), key=total_bytes) in (3, 4)  # one array more passes through a segment than it keeps
    assert total_bytes(4) < 0.65 * memory_needed(batch_size=10**5, layer_sizes=[256] * 17).total_bytes


def test_float16_activations_need_half_of_what_the_layers_keep():
    full, half = (
        memory_needed(batch_size=10, layer_sizes=[1, 1000, 1000, 1], activation_dtype=dtype)
        for dtype in (None, "float16")
    )
    assert full.activations_bytes - half.activations_bytes == 10 * 2000 * 2


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"activation_dtype": "int8"}, ValueError, "activation_dtype must be one of float16, float32, got 'int8'"),
        ({"recompute_segment": 0}, ValueError, "recompute_segment must be an integer of at least 1, got 0"),
        ({"micro_batches": 9}, ValueError, "micro_batches must be at most the batch_size of 8, got 9"),
        ({"micro_batches": 1.5}, TypeError, "micro_batches must be an integer of at least 1, got 1.5"),
    ],
)
def test_an_impossible_saving_is_refused_in_one_sentence(arguments, error, words):
    with pytest.raises(error, match=f"^{words}$"):
        memory_needed(batch_size=8, layer_sizes=[2, 3], **arguments)
