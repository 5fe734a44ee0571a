"""What explorers that set a GPU beside a CPU say alike: who they are, and who wins."""

from __future__ import annotations

from gpu_lessons.explorers.machine_sources import name_of
from gpu_lessons.hardware.machines import Machine
from gpu_lessons.units import format_factor

__all__ = ["TwoMachines", "gain_on_the_gpu"]


class TwoMachines:
    """A grid of one GPU and one CPU."""

    __slots__ = ()
    gpu: Machine
    cpu: Machine

    @property
    def cpu_name(self) -> str:
        """Who the CPU is, and where its times come from."""
        return name_of(self.cpu)

    @property
    def gpu_name(self) -> str:
        """Who the GPU is, and where its times come from."""
        return name_of(self.gpu)


def gain_on_the_gpu(speedup: float) -> str:
    """Return CPU time over GPU time in words: ``gain_on_the_gpu(0.25) == "4× slower on the GPU"``."""
    if format_factor(speedup) == format_factor(1.0):
        return "As fast on either"
    return f"{format_factor(max(speedup, 1 / speedup))} {'faster' if speedup > 1 else 'slower'} on the GPU"
