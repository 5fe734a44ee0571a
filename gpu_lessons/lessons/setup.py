"""The one line every lesson starts with: where it was run, on which devices, and where their numbers come from."""

from __future__ import annotations

from datetime import date

from gpu_lessons.arguments import shown
from gpu_lessons.charts.alternative_text import give_figures_words
from gpu_lessons.devices import CudaGpu, SimulatedGpu, WebGpu
from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.hardware.machines import Machine

__all__ = ["say_devices"]


_WEBGPU_WORDS = (
    "WebGPU has other words. Block: workgroup. Warp: subgroup. Shared memory: workgroup memory. Array on the GPU: "
    "storage buffer. Stream: queue, and there is one. It has no pinned memory, no float64, and no maker's matrix "
    "product: the course's own kernel multiplies, at a smaller share of the peak."
)
_SHARED_MEMORY = " This GPU shares the memory of the CPU: a copy crosses no bus, and both take from the same bytes."


def say_devices(gpu: Machine | CudaGpu | WebGpu | SimulatedGpu) -> None:
    """Print when and on which CPU and GPU a lesson ran, and whether their numbers are measured or predicted.

    Parameters
    ----------
    gpu : Machine or what `gpu_lessons.gpu` returns
        The card of the catalogue whose times the lesson predicts, or the GPU it runs on.

    Raises
    ------
    TypeError
        If it is neither.
    """
    if not isinstance(gpu, Machine | CudaGpu | WebGpu | SimulatedGpu):
        raise TypeError(f"gpu must be a Machine or what gl.gpu() returns, got {shown(gpu)}")
    here = this_machine()
    named = f"{gpu.name}, predicted" if isinstance(gpu, Machine) else str(gpu)
    # In a saved lesson the line is read before anything has run, perhaps by somebody else: it must be true then too.
    give_figures_words()
    print(f"Last run {date.today()} on {here.cpu.name}, {here.cores_and_threads()}. GPU: {named}; {here.gpu_status}.")
    if isinstance(gpu, WebGpu):
        print(_WEBGPU_WORDS + (_SHARED_MEMORY if gpu.machine.shares_memory_with_cpu else ""))
