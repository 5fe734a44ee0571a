"""The one line every lesson starts with: which devices, and where their numbers come from."""

from __future__ import annotations

from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.hardware.machines import Machine

__all__ = ["say_devices"]


def say_devices(gpu: Machine) -> None:
    """Print which CPU and GPU a lesson uses, and whether their numbers are measured or predicted.

    Parameters
    ----------
    gpu : Machine
        The card of the catalogue the lesson predicts.
    """
    here = this_machine()
    cores = f"{here.usable_cores} core{'s' * (here.usable_cores != 1)}"
    print(f"CPU: this machine, {here.cpu.name}, {cores}. GPU: {gpu.name}, predicted; {here.gpu_status}.")
