"""A copy between the memory of the host and that of a device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar, Literal

from gpu_lessons.arguments import require_choice, require_count, shown
from gpu_lessons.work.kernels import Kernel
from gpu_lessons.work.workload import Workload

__all__ = ["Copy"]


@dataclass(frozen=True, slots=True)
class Copy(Workload):
    """A copy between host and device memory, over the link.

    Parameters
    ----------
    n_bytes : int
        Bytes to copy.
    direction : {"h2d", "d2h"}
        Host to device or back.
    pinned : bool
        Whether the host array lies in pinned (page-locked) memory.
    """

    n_bytes: int
    direction: Literal["h2d", "d2h"] = "h2d"
    pinned: bool = True

    label: ClassVar[str] = "copy"

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_bytes", require_count("n_bytes", self.n_bytes))
        require_choice("direction", self.direction, ("h2d", "d2h"))
        if not isinstance(self.pinned, bool):
            raise TypeError(f"pinned must be True or False, got {shown(self.pinned)}")

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """No kernel: a copy engine does the work."""
        return ()

    @property
    def bytes_moved(self) -> int:
        """Bytes that cross the link."""
        return self.n_bytes

    @property
    def memory_bytes(self) -> int:
        """Bytes on the device."""
        return self.n_bytes

    def make(self, xp: ModuleType | Any) -> Callable[[], object]:  # noqa: ANN401
        """Return the copy, for a namespace whose arrays live on a device.

        Raises
        ------
        ValueError
            If ``xp`` computes on the host: there is no link to cross.
        """
        import numpy as np

        from gpu_lessons.hardware.arrays import pinned_array

        if not hasattr(xp, "asnumpy"):
            raise ValueError("a copy needs a device: NumPy arrays never leave the host")
        host = pinned_array(xp, (self.n_bytes,), "uint8") if self.pinned else np.empty(self.n_bytes, "uint8")
        host[:] = np.frombuffer(np.random.default_rng(1).bytes(self.n_bytes), "uint8")
        if self.direction == "h2d":
            return lambda: xp.asarray(host)
        device = xp.asarray(host)
        # Into memory that is there: fresh host memory would be paged in while the clock runs.
        return lambda: xp.asnumpy(device, out=host)
