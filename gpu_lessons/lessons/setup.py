"""The one line every lesson starts with: where it was run, on which devices, and where their numbers come from."""

from __future__ import annotations

from datetime import date

from gpu_lessons.arguments import shown
from gpu_lessons.charts.alternative_text import give_figures_words
from gpu_lessons.devices import CudaGpu, SimulatedGpu, WebGpu
from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.hardware.machines import Machine

__all__ = ["say_devices"]


_WEBGPU = (
    "Through WebGPU there is no float64, no pinned memory and only one queue, and the course's own kernel multiplies "
    "in the place of a maker's library. Lesson 04 has its words beside CUDA's."
)
_SHARED_MEMORY = " This GPU shares the memory of the CPU: a copy crosses no bus, and both take from the same bytes."
_OWN_MEMORY = " WebGPU does not tell how much memory the card has: its largest array counts as all of it."
_SOFTWARE = " It is software, run by the CPU: what it computes is right, and its times say nothing about a GPU."


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
        memory = _SHARED_MEMORY if gpu.machine.shares_memory_with_cpu else _OWN_MEMORY
        print(_WEBGPU + (_SOFTWARE if gpu.adapter.is_software else memory))
