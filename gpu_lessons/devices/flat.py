"""``x.flat``: the numbers of a device array one after another, read and written by one index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpu_lessons.devices.arrays import DeviceArray

__all__ = ["Flat"]


class Flat:
    """The numbers of ``base`` in the order of C."""

    def __init__(self, base: DeviceArray) -> None:
        self.base = base

    def __len__(self) -> int:
        return self.base.size

    def __iter__(self) -> Iterator[Any]:
        return iter(self.base.reshape(-1))

    def __getitem__(self, index: Any) -> DeviceArray:  # noqa: ANN401
        """Return a copy of what ``index`` names, as NumPy does."""
        picked: DeviceArray = self.base.reshape(-1)[index]
        return picked.copy()

    def __setitem__(self, index: Any, value: Any) -> None:  # noqa: ANN401
        """Write into what ``index`` names; too few numbers come again from the first, too many are left out."""
        numbers = self.base.reshape(-1)
        if getattr(value, "ndim", 0) and value.size:
            value = self.base._xp.resize(value, numbers[index].size)
        numbers[index] = value
        if numbers.base is not self.base and numbers.base is not self.base.base:
            self.base[...] = numbers.reshape(self.base.shape)  # its strides allow no view with one axis

    def copy(self) -> DeviceArray:
        """Return a copy with one axis."""
        return self.base.flatten()
