"""Arrays on a WebGPU device: numbers in one of its buffers, and the views that share it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from gpu_lessons.devices.operators import Operators
from gpu_lessons.devices.rows import names
from gpu_lessons.devices.unknown import UnknownOperationError

if TYPE_CHECKING:
    from gpu_lessons.devices.webgpu.gpu import WebGpu
    from gpu_lessons.devices.webgpu.memory import Memory
    from gpu_lessons.devices.webgpu.namespace import Namespace

__all__ = ["WHO", "WebGpuArray", "packed_strides"]

Host = np.ndarray[Any, Any]

#: Who does not know an operation, in the error that says so.
WHO = "WebGPU in this course"

_METHODS = names("all any argmax argmin clip dot max mean min prod ravel round squeeze std sum swapaxes take var")


class WebGpuArray(Operators):
    """Numbers on the device; made by the functions of ``gpu.xp``.

    Attributes
    ----------
    shape, dtype : tuple of int, numpy.dtype
        As in NumPy. 64-bit integers are 32 bits long here, and there is no float64.
    """

    __slots__ = ("__weakref__", "_base", "_gpu", "_memory", "_offset", "_shape", "_strides", "dtype")
    __hash__ = None  # type: ignore[assignment]  # as NumPy's

    def __init__(
        self,
        gpu: WebGpu,
        memory: Memory,
        dtype: np.dtype[Any],
        shape: tuple[int, ...],
        strides: tuple[int, ...] | None = None,
        offset: int = 0,
    ) -> None:
        self._gpu = gpu
        self._memory = memory
        self.dtype = dtype
        self._shape = shape
        self._strides = packed_strides(shape) if strides is None else strides  # in numbers, not bytes
        self._offset = offset
        self._base: WebGpuArray | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self._shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self._shape)

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return math.prod(self._shape)

    @property
    def itemsize(self) -> int:
        """Bytes of one number."""
        return int(self.dtype.itemsize)

    @property
    def nbytes(self) -> int:
        """Bytes of all numbers."""
        return self.size * self.itemsize

    @property
    def strides(self) -> tuple[int, ...]:
        """Bytes between neighbours along each axis."""
        return tuple(stride * self.itemsize for stride in self._strides)

    @property
    def base(self) -> WebGpuArray | None:
        """The array whose memory this view shares; None if it owns its memory."""
        return self._base

    @property
    def device(self) -> Any:  # noqa: ANN401
        """The GPU it lives on."""
        return self._gpu.device

    @property
    def T(self) -> WebGpuArray:  # noqa: N802
        """A view with its axes in reverse."""
        return self.transpose()

    @property
    def mT(self) -> WebGpuArray:  # noqa: N802
        """A view with its last two axes exchanged."""
        return self.swapaxes(-1, -2)  # type: ignore[no-any-return]

    def get(
        self,
        stream: object = None,
        order: Any = "C",  # noqa: ANN401
        out: Host | None = None,
        *,
        blocking: bool = True,
    ) -> Host:
        """Return a NumPy copy on the host: wait for the device, then copy.

        Parameters
        ----------
        stream : object, optional
            Of no effect: WebGPU has one queue.
        order : {"C", "F", "A"}
            How the copy lies in memory.
        out : numpy.ndarray, optional
            Where to put the numbers; of the same shape and dtype.
        blocking : bool
            Of no effect: without pinned memory the host waits.
        """
        host = self._gpu.copy_out(self, out=out)
        return host if out is not None or order == "C" else np.asarray(host, order=order)

    def set(self, arr: Host, stream: object = None) -> None:
        """Overwrite with a NumPy array of the same shape and dtype."""
        self._gpu.copy_into(self, arr)

    def item(self) -> Any:  # noqa: ANN401 - any number
        """Return the only number, on the host."""
        return self.get().item()

    def tolist(self) -> Any:  # noqa: ANN401 - a number, or lists of them
        """Return the numbers as lists, on the host."""
        return self.get().tolist()

    def astype(self, dtype: Any, *, copy: bool = True) -> WebGpuArray:  # noqa: ANN401
        """Return the numbers in another format: one kernel."""
        return self._xp.astype(self, dtype, copy=copy)

    def reshape(self, *shape: Any) -> WebGpuArray:  # noqa: ANN401
        """Return a view of another shape, given as sizes or one tuple; a copy where strides do not allow a view."""
        return self._xp.reshape(self, shape[0] if len(shape) == 1 else shape)  # type: ignore[no-any-return]

    def transpose(self, *axes: Any) -> WebGpuArray:  # noqa: ANN401
        """Return a view with its axes in another order."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
        return self._xp.transpose(self, order or None)  # type: ignore[no-any-return]

    def copy(self) -> WebGpuArray:
        """Return a copy on the device."""
        return self._xp.asarray(self, copy=True)

    def flatten(self) -> WebGpuArray:
        """Return a copy with one axis."""
        return self.copy().reshape(-1)

    def fill(self, value: Any) -> None:  # noqa: ANN401
        """Overwrite every number with one."""
        self[...] = value

    def to_device(self, device: Any, /, *, stream: Any = None) -> WebGpuArray:  # noqa: ANN401
        """Return the array itself: there is one device."""
        self._gpu.require_device(device)
        return self

    __copy__ = copy

    def __deepcopy__(self, _: object) -> WebGpuArray:
        return self.copy()

    def __reduce__(self) -> NoReturn:
        raise UnknownOperationError("pickling an array", ["get"], who=WHO)

    def __array_namespace__(self, *, api_version: str | None = None) -> Namespace:
        return self._xp

    def __len__(self) -> int:
        if not self._shape:
            raise TypeError("len() of unsized object")
        return self._shape[0]

    def require_on(self, gpu: WebGpu) -> None:
        """Refuse an array of another device (two `gpu_lessons.gpu` share one), or one whose memory was freed.

        Raises
        ------
        ValueError, RuntimeError
            One sentence each.
        """
        if self._gpu.engine is not gpu.engine:
            raise ValueError(
                "Array device must be same as the current device: "
                f"array device = {self._gpu.device} while current = {gpu.device}"
            )
        if self._memory.is_free:
            raise RuntimeError("the memory of this array was freed; make a new array instead of using it")

    @property
    def is_packed(self) -> bool:
        """Whether its numbers follow each other in C's order."""
        strides = zip(self._shape, self._strides, packed_strides(self._shape), strict=True)
        return all(length == 1 or given == packed for length, given, packed in strides)

    @property
    def _xp(self) -> Namespace:
        return self._gpu.xp

    def _view(self, shape: Sequence[int], strides: Sequence[int], offset: int | None = None) -> WebGpuArray:
        self.require_on(self._gpu)
        place = self._offset if offset is None else offset
        view = WebGpuArray(self._gpu, self._memory, self.dtype, tuple(shape), tuple(strides), place)
        view._base = self if self._base is None else self._base
        return view

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name in ("conj", "conjugate"):
            return lambda: self
        if name in _METHODS:
            function = getattr(self._xp, name)
            return lambda *arguments, **options: function(self, *arguments, **options)
        if name.startswith("_"):
            raise AttributeError(f"a device array has no attribute {name!r}")
        known = [*_METHODS, *(each for each in dir(self) if each[0] != "_")]
        raise UnknownOperationError(f"ndarray.{name}", known, who=WHO)


def packed_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the distances of neighbours along each axis, in numbers, where they follow each other in C's order."""
    strides: list[int] = []
    step = 1
    for length in reversed(shape):
        strides.append(step)
        step *= length
    return tuple(reversed(strides))
