"""The memory pools of a simulated GPU, under CuPy's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpu_lessons.arguments import require_count

if TYPE_CHECKING:
    from gpu_lessons.devices.memory import Allocation
    from gpu_lessons.devices.simulated import SimulatedGpu

__all__ = ["DevicePool", "PinnedPool"]


class DevicePool:
    """What ``get_default_memory_pool`` returns: the memory that arrays come from, and that dead ones leave behind."""

    def __init__(self, gpu: SimulatedGpu) -> None:
        self._gpu = gpu

    def used_bytes(self) -> int:
        """Return the bytes of arrays that are alive."""
        return self._gpu.memory.used_bytes

    def total_bytes(self) -> int:
        """Return the bytes that the pool holds, in use or kept."""
        return self._gpu.memory.used_bytes + self._gpu.memory.held_bytes

    def free_bytes(self) -> int:
        """Return the bytes that the pool keeps for the next arrays."""
        return self._gpu.memory.held_bytes

    def n_free_blocks(self) -> int:
        """Return the number of blocks that the pool keeps for the next arrays."""
        return self._gpu.memory.free_blocks

    def free_all_blocks(self, stream: object = None) -> None:
        """Return to the device what no array uses."""
        self._gpu.memory.give_back()

    def malloc(self, size: int) -> Allocation:
        """Return memory of ``size`` bytes."""
        return self._gpu.memory.allocate(require_count("size", size, at_least=0))

    def get_limit(self) -> int:
        """Return the most bytes that the pool may hold; 0 for all of the card's."""
        return self._gpu.memory.limit_bytes

    def set_limit(self, size: int | None = None, fraction: float | None = None) -> None:
        """Let the pool hold at most ``size`` bytes, or this share of the card's memory; 0 for all of it.

        Raises
        ------
        TypeError, ValueError
            If both are given or neither is, or one is out of range.
        """
        if (size is None) == (fraction is None):
            raise ValueError("size and fraction must not be specified at one time, nor both left out")
        memory = self._gpu.memory
        if fraction is not None:
            if not 0 <= fraction <= 1:
                raise ValueError(f"memory limit fraction out of range: {fraction}")
            size = int(fraction * memory.capacity_bytes)
        memory.limit_bytes = min(require_count("size", size, at_least=0), memory.capacity_bytes)


class PinnedPool:
    """What ``get_default_pinned_memory_pool`` returns; simulated pinned memory is given back at once."""

    def n_free_blocks(self) -> int:
        """Return the number of blocks that the pool holds for later: none."""
        return 0

    def free_all_blocks(self) -> None:
        """Give back what the pool holds for later: nothing."""
