"""What a kernel of a simulated GPU costs: the bytes it moves, its operations, and when CuPy compiles it anew."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from gpu_lessons.devices.arrays import DeviceArray
from gpu_lessons.work.kernels import Kernel

if TYPE_CHECKING:
    from gpu_lessons.devices.memory import Allocation
    from gpu_lessons.devices.simulated import SimulatedGpu

__all__ = ["charge", "counted_as", "read_bytes"]

Host = np.ndarray[Any, Any]


def charge(
    gpu: SimulatedGpu,
    name: str,
    inputs: Iterable[object],
    outputs: Sequence[DeviceArray],
    flops: int | None = None,
    *,
    kernels: int = 1,
    compiles: bool = True,
) -> None:
    """Queue kernels that read each input and write each output; the first pays for the call.

    Parameters
    ----------
    gpu : SimulatedGpu
        Where.
    name : str
        Of the function, as the timeline shows it.
    inputs : iterable of object
        Device arrays, among anything else.
    outputs : sequence of DeviceArray
        What is written; at least one.
    flops : int, optional
        Operations of all kernels together; one for each number of the first output otherwise.
    kernels : int
        How many passes over the data; what one leaves, the next reads.
    compiles : bool
        Whether CuPy compiles the kernel at its first call, instead of finding it in a library.
    """
    arrays = [each for each in inputs if isinstance(each, DeviceArray)]
    written_bytes = sum(out.nbytes for out in outputs)
    moved = Kernel(
        name,
        (outputs[0].size if flops is None else flops) // kernels,
        max(read_bytes(arrays), 0),
        written_bytes,
        counted_as(gpu, outputs[0].dtype),
    )
    variant = _variant(name, [*arrays, *outputs], outputs[0].shape) if compiles else None
    with gpu.one_call():
        for _ in range(kernels):
            gpu.launch(moved, variant=variant)


def read_bytes(arrays: Iterable[DeviceArray]) -> int:
    """Return the bytes of some arrays, where views that overlap are read together once."""
    viewed: dict[Allocation, int] = {}
    for x in {id(x): x for x in arrays}.values():
        viewed[x.memory] = viewed.get(x.memory, 0) + x.nbytes
    return sum(min(size_bytes, memory.size_bytes) for memory, size_bytes in viewed.items())


def counted_as(gpu: SimulatedGpu, dtype: np.dtype[Any]) -> str:
    """Return the number format whose rate counts; what the catalogue has no rate for takes that of float32."""
    name = _name_of(dtype)
    return name if name in gpu.calibration.flops_per_s else "float32"


@cache
def _name_of(dtype: np.dtype[Any]) -> str:
    return dtype.name  # NumPy puts it together anew each time


def _variant(name: str, arrays: Sequence[DeviceArray], shape: tuple[int, ...]) -> Hashable:
    """Return what CuPy compiles a kernel for: its formats, and how many axes it must walk.

    CuPy drops axes of length 1 and merges those that lie in memory as one, of all arrays together.
    """
    formats = tuple(x.dtype.char for x in arrays)
    same = [x._numbers for x in arrays if x.shape == shape]
    whole = tuple(x._numbers.flags.c_contiguous for x in arrays)
    if len(same) == len(arrays) and all(whole):
        return name, formats, 1
    spread = [_spread(x._numbers, shape) for x in arrays]
    axes = [i for i, length in enumerate(shape) if length != 1]
    breaks = sum(any(strides[i] != strides[j] * shape[j] for strides in spread) for i, j in pairwise(axes))
    return name, formats, 1 + breaks, whole


def _spread(x: Host, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides of ``x`` broadcast to ``shape``; its own, padded, where it has another shape."""
    missing = len(shape) - x.ndim
    if missing < 0:
        return x.strides[-len(shape) :] if shape else ()
    own = [0 if length == 1 else stride for length, stride in zip(x.shape, x.strides, strict=True)]
    return (*([0] * missing), *own)
