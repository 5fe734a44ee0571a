"""Ways to train a network of equal layers on a card that is too small for it: what each needs, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from gpu_lessons.model import GpuCalibration, typical
from gpu_lessons.work import memory_needed
from gpu_lessons.work.dense import backward_kernels, forward_kernels
from gpu_lessons.work.epoch import loss_kernels
from gpu_lessons.work.kernels import Kernel, elementwise_kernel
from gpu_lessons.work.memory import MemoryLedger

__all__ = ["PARTS", "WAYS", "Network", "Way", "ledger_of", "step_seconds"]

#: Parts that a batch is cut into.
PARTS = 4
# Arrays that each kernel of an update reads, in the order of `gpu_lessons.nn`; each writes one.
_UPDATES = {"sgd": (1, 2), "momentum": (1, 2, 1, 2), "adam": (1, 1, 2, 1, 1, 1, 2, 1, 1, 1, 2, 1, 2)}


class Network(NamedTuple):
    """So many equal dense layers with a ReLU behind each, in training."""

    batch: int
    width: int
    depth: int
    optimizer: str
    dtype: str


class Way(NamedTuple):
    """A way to train: its name, and what of `memory_needed` it changes; "root" stands for the root of the depth."""

    name: str
    changes: dict[str, Any]


WAYS = (
    Way("as it is", {}),
    Way(f"{PARTS} parts, gradients added up", {"micro_batches": PARTS}),
    Way("activations kept as float16", {"activation_dtype": "float16"}),
    Way("activations computed again", {"recompute_segment": "root"}),
    Way("SGD as optimizer", {"optimizer": "sgd"}),
)


def ledger_of(network: Network, way: Way) -> MemoryLedger:
    """Return the ledger of a training step."""
    sizes = [network.width] * (network.depth + 1)
    chosen = {"optimizer": network.optimizer} | way.changes
    if "recompute_segment" in chosen:
        chosen["recompute_segment"] = math.isqrt(network.depth)
    return memory_needed(batch_size=network.batch, layer_sizes=sizes, dtype=network.dtype, **chosen)


def step_seconds(network: Network, way: Way, gpu: GpuCalibration) -> float:
    """Predict the time of a training step, called as CuPy calls.

    Raises
    ------
    ValueError
        If the GPU has no rate for the number format.
    """
    if network.dtype not in gpu.flops_per_s:
        raise ValueError(f"no {network.dtype} rate is known for this GPU; known: {', '.join(sorted(gpu.flops_per_s))}")
    parts: int = way.changes.get("micro_batches", 1)
    of_part = network._replace(batch=-(-network.batch // parts))
    call_s = max(typical.CUPY_CALL_S, gpu.launch_overhead_s)

    def seconds(layer: list[Kernel]) -> float:
        return network.depth * gpu.call_time(layer, call_s, calls=network.depth).total_s

    layer, added = _layer(of_part, way), _added_up(network) if parts > 1 else []
    update = _update(network, way.changes.get("optimizer", network.optimizer))
    loss = loss_kernels(of_part.batch, network.width, network.dtype)
    # In a queue the host is ahead by many layers: what launches slowly hides behind what computes long. But the host
    # reads the loss of every part, and waits for it.
    loss_s = parts * gpu.call_time(loss, call_s).total_s
    before_s = (parts - 1) * seconds([*layer, *added]) if parts > 1 else 0.0
    return loss_s + before_s + seconds([*layer, *added, *update])


def _layer(network: Network, way: Way) -> list[Kernel]:
    """Return the kernels of one layer with its ReLU, forward and backward."""
    batch, width, dtype = network.batch, network.width, network.dtype
    n = batch * width
    relu = elementwise_kernel("max(y, 0)", n, read=n, written=n, dtype=dtype)
    forward = [*forward_kernels(batch, width, width, dtype), relu]
    backward = [
        elementwise_kernel("sign(y)", n, read=n, written=n, dtype=dtype),
        elementwise_kernel("dy * sign(y)", n, read=2 * n, written=n, dtype=dtype),
        *backward_kernels(batch, width, width, dtype),
    ]
    again = forward if "recompute_segment" in way.changes else []
    # Each layer's output is rounded once, and brought back twice: for its ReLU and for the layer behind it.
    casts = 3 if way.changes.get("activation_dtype", dtype) != dtype else 0
    cast = elementwise_kernel("from or to float16", n, read=n, written=n // 2, dtype=dtype)
    return [*forward, *again, *backward, *[cast] * casts]


def _update(network: Network, optimizer: str) -> Iterator[Kernel]:
    for n in (network.width**2, network.width):
        for read in _UPDATES[optimizer]:
            yield elementwise_kernel("update", n, read=read * n, written=n, dtype=network.dtype)


def _added_up(network: Network) -> list[Kernel]:
    return [
        elementwise_kernel("gradient += ...", n, read=2 * n, written=n, dtype=network.dtype)
        for n in (network.width**2, network.width)
    ]
