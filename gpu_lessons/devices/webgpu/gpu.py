"""The GPU that a laptop has, through WebGPU, behind the same interface as CuPy's and the simulated one."""

from __future__ import annotations

import math
import time
import warnings
from types import TracebackType
from typing import Any, NoReturn

import numpy as np

from gpu_lessons.arguments import require_count, shown
from gpu_lessons.devices.memory import OutOfMemoryError, Shape, require_host_room, sizes_of
from gpu_lessons.devices.unknown import UnknownOperationError
from gpu_lessons.devices.webgpu.arrays import WHO, WebGpuArray
from gpu_lessons.devices.webgpu.elementwise import assign
from gpu_lessons.devices.webgpu.engine import engine_of
from gpu_lessons.devices.webgpu.formats import fitting
from gpu_lessons.devices.webgpu.memory import BufferPool
from gpu_lessons.devices.webgpu.namespace import Namespace
from gpu_lessons.devices.webgpu.peaks import measured_peaks
from gpu_lessons.hardware.adapters import Adapter, this_webgpu
from gpu_lessons.hardware.recognition import with_found

__all__ = ["WebGpu"]

Host = np.ndarray[Any, Any]

_NOT_PINNED = "WebGPU has no pinned memory: this is ordinary memory, from which copies are not faster"
#: Copies inside the device begin and end at multiples of this.
_ALIGNED = 4


class WebGpu:
    """A GPU through WebGPU: `gpu_lessons.gpu` returns one where there is no CUDA device and wgpu finds a GPU.

    Parameters
    ----------
    adapter : Adapter
        A GPU, or software in its place.
    memory_bytes : int, optional
        Memory its arrays may use.

    Attributes
    ----------
    xp : Namespace
        The functions of NumPy, for arrays on this GPU; CuPy's names.
    kind : str
        ``"webgpu"``, as `gpu_lessons.measure` calls it.
    machine : Machine
        The GPU under its own name, with what it reached in a first look. Where its memory is the CPU's,
        ``shares_memory_with_cpu`` says so.
    source : str
        Where its times come from: ``"measured"``.
    memory : BufferPool
        ``used_bytes``, ``peak_bytes`` and ``capacity_bytes``. WebGPU does not tell what a card of its own holds: the
        capacity is then that of the largest array.

    Raises
    ------
    RuntimeError
        If the adapter gives no device.
    TypeError, ValueError
        If ``memory_bytes`` is no integer of at least 1.
    """

    kind = "webgpu"
    source = "measured"
    out_of_memory_error = OutOfMemoryError

    def __init__(self, adapter: Adapter, *, memory_bytes: int | None = None) -> None:
        if memory_bytes is not None:
            memory_bytes = require_count("memory_bytes", memory_bytes)
        self.adapter = adapter
        self.machine = this_webgpu(adapter)
        self.engine = engine_of(adapter)
        told = self.machine.memory_bytes or self.engine.buffer_limit_bytes
        self.memory = BufferPool(self.engine, told if memory_bytes is None else min(memory_bytes, told))
        self.device = _Device(self)
        self.xp = Namespace(self)
        if self.engine.peaks is None:
            self.engine.peaks = measured_peaks(self)
        self.machine = with_found(self.machine, self.engine.peaks)

    def __str__(self) -> str:
        return f"{self.adapter.name}, {self.adapter.kind} through WebGPU ({self.adapter.backend}), times measured"

    @property
    def cupyx(self) -> NoReturn:
        """Refuse: what comes with CuPy is not here."""
        raise UnknownOperationError("cupyx", [], who=WHO)

    def perf_counter(self) -> float:
        """Return the host's clock in seconds. It does not wait for the device."""
        return time.perf_counter()

    def synchronize(self) -> None:
        """Let the host wait until the device has finished everything."""
        self.engine.synchronize()

    def stream(self) -> _Queue:
        """Return the one queue of WebGPU, to be used in a ``with`` statement."""
        return _Queue(self)

    def empty_pinned(self, shape: Shape, dtype: Any = "float32") -> Host:  # noqa: ANN401
        """Return a NumPy array in ordinary memory, with a warning: WebGPU has no pinned memory."""
        warnings.warn(_NOT_PINNED, stacklevel=2)
        return np.empty(sizes_of(shape), dtype)

    def to_device(self, x: Any) -> WebGpuArray:  # noqa: ANN401
        """Copy a host array to the device; one that is there already is returned as it is.

        The numbers are taken at once, and reach the device while the host goes on.

        Raises
        ------
        TypeError, ValueError
            If the device has no such numbers: float64 and complex ones, integers of more than 32 bits.
        """
        if isinstance(x, WebGpuArray):
            x.require_on(self)
            return x
        numbers = fitting(np.asarray(x))
        out = self.new_array(numbers.shape, numbers.dtype)
        self.copy_into(out, numbers)
        return out

    def to_host(self, x: WebGpuArray) -> Host:
        """Wait for the device and copy one of its arrays to the host."""
        return self.copy_out(x)

    def new_array(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> WebGpuArray:
        """Return an array of any content.

        Raises
        ------
        OutOfMemoryError
            If there is no room.
        MemoryError
            If the device shares the CPU's memory and there is none left.
        """
        dtype = np.dtype(dtype)
        size_bytes = math.prod(shape) * dtype.itemsize
        memory = (
            self.memory.allocate(size_bytes) if not self.adapter.shares_memory_with_cpu else self._shared(size_bytes)
        )
        return WebGpuArray(self, memory, dtype, shape)

    def copy_into(self, array: WebGpuArray, numbers: Host) -> None:
        """Overwrite a device array with a host array of the same shape and dtype."""
        array.require_on(self)
        _require_same_form(numbers, array)
        if not array.size:
            return
        begin, end = array._offset * array.itemsize, (array._offset + array.size) * array.itemsize
        fills = begin % _ALIGNED == 0 and (end % _ALIGNED == 0 or end == array._memory.size_bytes)
        if not (array.is_packed and fills):
            assign(self, array, self.to_device(numbers))
            return
        data = np.ascontiguousarray(numbers).reshape(-1).view(np.uint8)
        if end % _ALIGNED:
            data = np.concatenate([data, np.zeros(-end % _ALIGNED, np.uint8)])
        self.engine.write(array._memory.buffer, begin, data)

    def copy_out(self, array: WebGpuArray, *, out: Host | None = None) -> Host:
        """Wait for the device and copy an array to the host, into ``out`` if it is given."""
        if not isinstance(array, WebGpuArray):
            raise TypeError(f"x must be an array on the device, got {shown(array)}")
        array.require_on(self)
        if out is not None:
            _require_same_form(out, array)
        found = self._read(array if array.is_packed else array.copy())
        if out is None:
            return found
        out[...] = found
        return out

    def asarray_here(self, x: Any) -> WebGpuArray:  # noqa: ANN401
        """Return an array as it is, and a number as one without axes."""
        return x if isinstance(x, WebGpuArray) else self.xp.asarray(x)

    def require_device(self, device: object) -> None:
        """Refuse to make an array elsewhere.

        Raises
        ------
        ValueError
            If ``device`` is not this GPU's.
        """
        if device is not None and device is not self.device:
            raise ValueError(f"device must be {self.device}, got {device!r}")

    def _shared(self, size_bytes: int) -> Any:  # noqa: ANN401
        if size_bytes <= self.engine.buffer_limit_bytes:
            require_host_room(size_bytes, f"{self.adapter.name} uses this machine's memory")
        return self.memory.allocate(size_bytes)

    def _read(self, array: WebGpuArray) -> Host:
        """Return the numbers of an array in which they follow each other; copies begin and end at whole words."""
        if not array.size:
            return np.empty(array.shape, array.dtype)
        begin = array._offset * array.itemsize
        first = begin - begin % _ALIGNED
        end = begin + array.nbytes
        told = self.engine.read(array._memory.buffer, first, end + -end % _ALIGNED - first)
        numbers = np.frombuffer(told, array.dtype, array.size, begin - first)
        return numbers.reshape(array.shape)


class _Device:
    """What ``x.device`` of an array is."""

    def __init__(self, gpu: WebGpu) -> None:
        self._name = str(gpu.adapter)

    def __repr__(self) -> str:
        return f"<WebGPU {self._name}>"


class _Queue:
    """The queue of a WebGPU device: there is one, and all work is in order."""

    def __init__(self, gpu: WebGpu) -> None:
        self._gpu = gpu

    def __enter__(self) -> _Queue:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass

    def synchronize(self) -> None:
        """Let the host wait until all work is done."""
        self._gpu.synchronize()

    def record(self) -> _Queue:
        """Return a point to wait for: with one queue, the queue itself."""
        return self

    def wait_event(self, event: object) -> None:
        """Do nothing: what comes later in the one queue waits anyway."""


def _require_same_form(host: Host, array: WebGpuArray) -> None:
    if not isinstance(host, np.ndarray):
        raise TypeError(f"a copy needs a NumPy array on the host, got {shown(host)}")
    if host.dtype != array.dtype:
        raise TypeError(f"a copy needs the same dtype on both sides, got {host.dtype} on the host and {array.dtype}")
    if host.shape != array.shape:
        raise ValueError(f"a copy needs the same shape on both sides, got {host.shape} on the host and {array.shape}")
