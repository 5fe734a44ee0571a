"""Checks of lesson 03."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from gpu_lessons.hardware.machines import Machine, machine
from gpu_lessons.lessons.checks import check, compare_cases
from gpu_lessons.model import predict
from gpu_lessons.work import Copy, DenseForward

__all__ = ["check_break_even_batch", "check_speedup_with_bus"]

_GPUS = ("nvidia-t4", "nvidia-rtx-3060-12gb", "nvidia-a100-sxm-40gb", "nvidia-gtx-1080-ti", "nvidia-h100-sxm")
_CPUS = ("amd-ryzen-9-7950x", "intel-core-i9-10900k", "apple-m1-pro", "amd-epyc-9654")

# Where the CPU wins up to here, a size is no good for the exercise.
_LARGEST_BATCH = 2**14


def _seconds(batch: int, width: int, on: Machine) -> float:
    return predict(DenseForward(batch_size=batch, n_in=width, n_out=width), on).seconds


def _first_batch(
    width: int, gpu: Machine, cpu: Machine, following: Callable[[int], int] = lambda batch: 2 * batch
) -> int:
    batch = 1
    while batch < _LARGEST_BATCH and _seconds(batch, width, gpu) >= _seconds(batch, width, cpu):
        batch = following(batch)
    return batch


def _speedup(batch: int, width: int, gpu: Machine, cpu: Machine, *, copies: int = 2, size: int = 4) -> float:
    copies_s = copies * predict(Copy(batch * width * size), gpu).seconds
    return _seconds(batch, width, cpu) / (_seconds(batch, width, gpu) + copies_s)


def _hidden_pairs(seed: str, count: int) -> Iterator[tuple[random.Random, Machine, Machine]]:
    rng = random.Random(seed)
    for _ in range(count):
        yield rng, machine(rng.choice(_GPUS)), machine(rng.choice(_CPUS))


_BATCH_MISTAKES = (
    (lambda width, gpu, cpu: _first_batch(width, gpu, cpu) // 2, "There the CPU is still as fast or faster."),
    (lambda width, gpu, cpu: 2 * _first_batch(width, gpu, cpu), "Half of it is enough already."),
    (
        lambda width, gpu, cpu: _first_batch(width, gpu, cpu, lambda batch: batch + 1),
        "The GPU is faster there, but only powers of two count here.",
    ),
    (
        lambda width, gpu, cpu: _first_batch(width, gpu, cpu).bit_length() - 1,
        "That is the exponent. Return the batch, 2 to that power.",
    ),
)


@check(
    hints=(
        "Start at batch 1 and double it until the GPU needs less time than the CPU.",
        "while seconds(batch, width, gpu) >= seconds(batch, width, cpu): what changes inside the loop?",
        "Inside the loop: batch = 2 * batch. After it: return batch",
    )
)
def check_break_even_batch(break_even_batch: object) -> str:
    """Judge the smallest power of two from which the GPU is faster."""
    chosen = (
        (128, "nvidia-t4", "amd-ryzen-9-7950x"),
        (256, "nvidia-t4", "amd-ryzen-9-7950x"),
        (512, "nvidia-t4", "amd-epyc-9654"),
        (2048, "nvidia-t4", "amd-ryzen-9-7950x"),
        (64, "nvidia-h100-sxm", "apple-m1-pro"),
        (256, "nvidia-gtx-1080-ti", "intel-core-i9-10900k"),
    )
    cases = [(width, machine(gpu), machine(cpu)) for width, gpu, cpu in chosen]
    cases += [(16 * rng.randint(4, 40), gpu, cpu) for rng, gpu, cpu in _hidden_pairs("break_even_batch", 6)]
    turning = [case for case in cases if _first_batch(*case) < _LARGEST_BATCH]
    compare_cases(break_even_batch, turning, _first_batch, mistakes=_BATCH_MISTAKES)
    return "Narrow layers need a large batch before the launch pays; wide ones do not."


_SPEEDUP_MISTAKES = (
    (lambda *case: _speedup(*case, copies=0), "That is the speed-up without copies."),
    (lambda *case: _speedup(*case, copies=1), "One copy is missing: the batch goes in, and the result comes back."),
    (lambda *case: _speedup(*case, copies=4), "There is one copy in and one copy out."),
    (lambda *case: _speedup(*case, size=1), "That copies one byte for each number. A float32 number has four."),
    (lambda *case: _speedup(*case, size=8), "That copies eight bytes for each number. A float32 number has four."),
    (lambda *case: 1 / _speedup(*case), "That is the GPU's time divided by the CPU's."),
    (
        lambda batch, width, gpu, cpu: (
            _seconds(batch, width, cpu) / (2 * predict(Copy(batch * width * 4), gpu).seconds)
        ),
        "That compares the CPU with the copies alone.",
    ),
)


@check(
    hints=(
        "The batch goes in, the result comes back: two copies, each of batch x width numbers.",
        "A float32 number has 4 bytes: gl.Copy(batch * width * 4).",
        "Divide the CPU's seconds by the GPU's seconds plus twice gl.predict(gl.Copy(batch * width * 4), gpu).seconds",
    )
)
def check_speedup_with_bus(speedup_with_bus: object) -> str:
    """Judge the speed-up when input and output cross the bus."""
    t4, ryzen = machine("nvidia-t4"), machine("amd-ryzen-9-7950x")
    cases = [(256, 2048, t4, ryzen), (16, 512, t4, ryzen), (4096, 4096, t4, ryzen)]
    for rng, gpu, cpu in _hidden_pairs("speedup_with_bus", 5):
        cases.append((rng.randint(1, 3000), rng.randint(32, 3000), gpu, cpu))
    compare_cases(speedup_with_bus, cases, _speedup, mistakes=_SPEEDUP_MISTAKES)
    return "The wider the layer, the more arithmetic each copied number pays for."
