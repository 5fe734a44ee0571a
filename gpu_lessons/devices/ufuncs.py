"""Functions number by number, with the ways that NumPy has beside calling them: ``add.reduce``, ``add.at``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gpu_lessons.devices import indexing
from gpu_lessons.devices.arrays import DeviceArray
from gpu_lessons.devices.calls import call
from gpu_lessons.devices.operations import elementwise
from gpu_lessons.devices.rows import Row
from gpu_lessons.devices.unknown import UnknownOperationError

if TYPE_CHECKING:
    from gpu_lessons.devices.simulated import SimulatedGpu

__all__ = ["Ufunc"]

_WAYS = {
    "reduce": ("array, axis=0, dtype=None, out=None, keepdims=False", "reduction", 1),
    "accumulate": ("array, axis=0, dtype=None, out=None", "scan", 2),
    "reduceat": ("array, indices, axis=0, dtype=None, out=None", "reduction", 1),
    "outer": ("A, B, out=None, dtype=None", "elementwise", 1),
}


class Ufunc:
    """A function of numbers on one simulated GPU.

    Attributes
    ----------
    nin, nout, nargs : int
        Arrays it reads, arrays it writes, and both together.
    name : str
        CuPy's.
    types : list of str
        Number formats it knows, as NumPy writes them.
    """

    def __init__(self, gpu: SimulatedGpu, name: str) -> None:
        function = getattr(np, name)
        self._gpu = gpu
        self.name = self.__name__ = name
        self.nin, self.nout, self.nargs = function.nin, function.nout, function.nargs
        self.types = function.types

    def __call__(self, *values: object, **options: Any) -> Any:  # noqa: ANN401
        """Return what it makes of device arrays and scalars, broadcast: one kernel."""
        return elementwise(self._gpu, self.name, *values, **options)

    def __repr__(self) -> str:
        return f"<ufunc '{self.name}' of {self._gpu.device}>"

    def at(self, a: DeviceArray, indices: Any, b: object = None) -> None:  # noqa: ANN401
        """Compute in place where ``indices`` name numbers, each as often as it is named."""
        if self.nin != 2:
            raise UnknownOperationError(f"{self.name}.at", ["add.at"])
        indexing.set_item(self._gpu, a, indices, b, getattr(np, self.name))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name not in _WAYS or self.nin != 2 or self.nout != 1:
            if name.startswith("_"):
                raise AttributeError(f"{self.name} has no attribute {name!r}")
            raise UnknownOperationError(f"{self.name}.{name}", [self.name])
        arguments, kind, kernels = _WAYS[name]
        row = Row(f"{self.name}.{name}", arguments, kind, kernels)
        return lambda *given, **options: call(self._gpu, row, given, options)
