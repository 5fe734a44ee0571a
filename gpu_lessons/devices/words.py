"""Names that stand for rows: those of a module such as ``linalg``, and what is made by an index."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from gpu_lessons.devices.calls import call
from gpu_lessons.devices.rows import Row
from gpu_lessons.devices.tables import ROWS
from gpu_lessons.devices.unknown import UnknownOperationError

if TYPE_CHECKING:
    from gpu_lessons.devices.simulated import SimulatedGpu

__all__ = ["ByIndex", "NamespaceInfo", "Words", "call_row"]


def call_row(gpu: SimulatedGpu, row: Row, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
    """Do what a row says; see `call`."""
    return call(gpu, row, arguments, options)


class Words:
    """The rows of a table whose names begin with one module's, such as ``linalg``."""

    def __init__(self, gpu: SimulatedGpu, module: str, own: dict[str, Any]) -> None:
        self._gpu = gpu
        self._module = module
        self._own = own

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name in self._own:
            return self._own[name]
        row = ROWS.get(f"{self._module}.{name}")
        if row is not None:
            return partial(call_row, self._gpu, row)
        if name.startswith("_"):
            raise AttributeError(f"{self._module} has no attribute {name!r}")
        raise UnknownOperationError(f"{self._module}.{name}", [f"{self._module}.{each}" for each in dir(self)])

    def __dir__(self) -> list[str]:
        begin = f"{self._module}."
        return sorted({*self._own, *(name.removeprefix(begin) for name in ROWS if name.startswith(begin))})

    def __repr__(self) -> str:
        return f"<{self._module} of {self._gpu.device}>"


class NamespaceInfo:
    """What the array API's ``__array_namespace_info__`` tells of a simulated GPU."""

    def __init__(self, gpu: SimulatedGpu) -> None:
        self._device = gpu.device
        self._numpy = np.__array_namespace_info__()

    def capabilities(self) -> dict[str, Any]:
        """Return what it can: indices of truth values, and results whose size depends on the numbers."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> Any:  # noqa: ANN401
        """Return the one device."""
        return self._device

    def devices(self) -> list[Any]:
        """Return the one device, in a list."""
        return [self._device]

    def default_dtypes(self, *, device: Any = None) -> dict[str, Any]:  # noqa: ANN401
        """Return the formats of new arrays, NumPy's."""
        return dict(self._numpy.default_dtypes())

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, Any]:  # noqa: ANN401
        """Return the formats it knows, by name."""
        return dict(self._numpy.dtypes(kind=kind))


class ByIndex:
    """What is made by an index: ``mgrid[0:3, 0:2]`` and ``r_[x, 0]``."""

    def __init__(self, gpu: SimulatedGpu, name: str) -> None:
        self._gpu = gpu
        self._row = Row(name, "key", "creation", 1)

    def __getitem__(self, key: Any) -> Any:  # noqa: ANN401
        return call(self._gpu, self._row, (key,), {})
