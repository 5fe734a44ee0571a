"""Random numbers made on a simulated GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gpu_lessons.devices import operations
from gpu_lessons.devices.arrays import DeviceArray
from gpu_lessons.devices.memory import Shape, sizes_of
from gpu_lessons.devices.unknown import UnknownOperationError

if TYPE_CHECKING:
    from gpu_lessons.devices.simulated import SimulatedGpu

__all__ = ["Generator", "Random"]


class Random:
    """``gpu.xp.random``: generators whose numbers are made on the device."""

    def __init__(self, gpu: SimulatedGpu) -> None:
        self._gpu = gpu

    def default_rng(self, seed: int | None = None) -> Generator:
        """Return a generator. Its numbers are NumPy's for this seed; CuPy's are others."""
        return Generator(self._gpu, seed)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name.startswith("_"):
            raise AttributeError(name)
        raise UnknownOperationError(f"random.{name}", ["random.default_rng"])


class Generator:
    """Random numbers, made by one kernel a call."""

    def __init__(self, gpu: SimulatedGpu, seed: int | None) -> None:
        self._gpu = gpu
        self._rng = np.random.default_rng(seed)

    def standard_normal(self, size: Shape = (), dtype: Any = "float64") -> DeviceArray:  # noqa: ANN401
        """Return normally distributed numbers."""
        return self._made("standard_normal", size, dtype)

    def random(self, size: Shape = (), dtype: Any = "float64") -> DeviceArray:  # noqa: ANN401
        """Return numbers from 0 to 1."""
        return self._made("random", size, dtype)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name.startswith("_"):
            raise AttributeError(name)
        raise UnknownOperationError(f"Generator.{name}", ["random", "standard_normal"])

    def _made(self, name: str, size: Shape, dtype: Any) -> DeviceArray:  # noqa: ANN401
        make = getattr(self._rng, name)
        return operations.creation(
            self._gpu,
            name,
            sizes_of(size),
            np.dtype(dtype),
            lambda: np.asarray(make(size, dtype=dtype)),
            compiles=False,  # cuRAND ships its generators compiled
        )
