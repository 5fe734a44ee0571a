"""The GPU to learn on: CuPy where there is a CUDA device, WebGPU where there is another, a simulated one elsewhere."""

from __future__ import annotations

import os

from gpu_lessons.devices.cuda import CudaGpu
from gpu_lessons.devices.simulated import SimulatedGpu
from gpu_lessons.devices.webgpu.gpu import WebGpu
from gpu_lessons.hardware.adapters import chosen_adapter, webgpu_status
from gpu_lessons.hardware.arrays import cuda_status
from gpu_lessons.hardware.machines import machine as find_machine

__all__ = ["CudaGpu", "SimulatedGpu", "WebGpu", "gpu"]

_VARIABLE = "GPU_LESSONS_GPU"
_CHOICES = ("cuda", "webgpu", "simulated")


def gpu(machine: str = "nvidia-t4", *, memory_bytes: int | None = None) -> CudaGpu | WebGpu | SimulatedGpu:
    """Return the GPU to learn on: the CUDA device of this machine, or its own GPU through WebGPU, or a simulated one.

    All have ``xp`` (the array namespace), ``machine``, ``kind`` (``"cuda"``, ``"webgpu"`` or ``"simulated"``),
    ``source`` (``"measured"`` or ``"predicted"``), ``synchronize()``, ``perf_counter()``, ``memory``, ``to_device(x)``,
    ``to_host(x)``, ``empty_pinned(shape, dtype)`` and ``stream()``; CUDA devices and simulated ones also ``cupyx``,
    what comes with CuPy beside NumPy's names. WebGPU has no pinned memory: ``empty_pinned`` gives ordinary memory
    there, and warns. ``str`` of it says in one line which one it is.

    Parameters
    ----------
    machine : str
        Slug of the GPU that is simulated where there is no other.
    memory_bytes : int, optional
        Use at most this much of the card's memory, to meet its end sooner.

    Raises
    ------
    UnknownMachineError, TypeError, ValueError
        If the catalogue has no such GPU, ``memory_bytes`` is no integer of at least 1, or the environment variable
        ``GPU_LESSONS_GPU`` has another value than those below.
    RuntimeError
        If that variable asks for a GPU that is not here; the sentence says why.

    Notes
    -----
    The environment variable ``GPU_LESSONS_GPU`` chooses: "cuda", "webgpu" (also WebGPU in software, which is never
    taken otherwise) or "simulated". The notebooks are built and tested with "simulated", because only predicted times
    are the same everywhere. WebGPU needs the extra ``webgpu``.

    Examples
    --------
    >>> device = gpu("nvidia-t4")
    >>> x = device.xp.ones((2, 2))
    >>> float((x @ x).sum())
    8.0
    """
    simulated = find_machine(machine)
    asked = os.environ.get(_VARIABLE) or None
    if asked not in (None, *_CHOICES):
        raise ValueError(f"the environment variable {_VARIABLE} must be one of {', '.join(_CHOICES)}, got {asked!r}")
    if asked == "cuda" or (asked is None and cuda_status()[0]):
        return CudaGpu(memory_bytes=memory_bytes)
    if asked == "webgpu" or (asked is None and webgpu_status()[0]):
        return WebGpu(chosen_adapter(), memory_bytes=memory_bytes)
    return SimulatedGpu(simulated, memory_bytes=memory_bytes)
