"""``xp.cuda`` of a simulated GPU: events, streams, the device and its runtime, on the virtual clock."""

from __future__ import annotations

from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from gpu_lessons.arguments import require_count
from gpu_lessons.devices.memory import MemoryPool, OutOfMemoryError, pinned_buffer
from gpu_lessons.devices.pools import DevicePool, PinnedPool
from gpu_lessons.devices.timeline import Event, Stream
from gpu_lessons.devices.unknown import UnknownOperationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpu_lessons.devices.simulated import SimulatedGpu

__all__ = ["Cuda", "Device", "Runtime"]

# The lengths of a warp and the largest block, the same on every NVIDIA GPU so far.
_WARP, _LARGEST_BLOCK = 32, 1024


def _bound(kind: type, timeline: object, **attributes: object) -> Any:  # noqa: ANN401
    """Return the class whose objects belong to one device, so that ``Stream()`` needs no argument."""

    def start(self: Any, *arguments: Any, **options: Any) -> None:  # noqa: ANN401
        kind.__init__(self, timeline, *arguments, **options)  # type: ignore[misc]

    return type(kind.__name__, (kind,), {"__init__": start, "__doc__": kind.__doc__, **attributes})


class Cuda:
    """``xp.cuda``: what a program asks of the device itself."""

    def __init__(self, gpu: SimulatedGpu) -> None:
        self._gpu = gpu
        self.Stream = _bound(Stream, gpu.timeline, null=gpu.timeline.null)
        self.Event = _bound(Event, gpu.timeline)
        self.MemoryPool = lambda *_: DevicePool(gpu)
        self.PinnedMemoryPool = PinnedPool
        self.runtime = Runtime(gpu)
        self.memory = _Errors()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name.startswith("_"):
            raise AttributeError(f"cuda has no attribute {name!r}")
        raise UnknownOperationError(f"cuda.{name}", [f"cuda.{each}" for each in dir(self) if each[0] != "_"])

    def Device(self, device: int | None = None) -> Device:  # noqa: N802 - CuPy's name
        """Return the device of a number; there is one, 0.

        Raises
        ------
        RuntimeError
            If another one is asked for, in the words of CUDA.
        """
        _require_zero(device or 0)
        return self._gpu.device

    def get_current_stream(self, device_id: int | None = None) -> Stream:
        """Return the stream that work is queued on."""
        return self._gpu.timeline.current_stream

    def get_device_id(self) -> int:
        """Return the number of the device: 0."""
        return 0

    def is_available(self) -> bool:
        """Return True: this GPU is always there."""
        return True

    def get_elapsed_time(self, start_event: Event, end_event: Event) -> float:
        """Return the milliseconds from one event to another; both must have been reached.

        Raises
        ------
        RuntimeError
            If the device has not reached one of them yet, or it was never recorded, in the words of CUDA.
        """
        for event in (start_event, end_event):
            self._gpu.timeline.require_event(event)
            if event._time_s is not None and not event.done:
                raise RuntimeError("cudaErrorNotReady: device not ready; synchronize the event first")
        return (end_event.time_s - start_event.time_s) * 1e3

    def alloc(self, size: int) -> Any:  # noqa: ANN401
        """Return memory of ``size`` bytes on the device."""
        return self._gpu.memory.allocate(require_count("size", size, at_least=0))

    def alloc_pinned_memory(self, size: int) -> Any:  # noqa: ANN401
        """Return ``size`` bytes of pinned host memory, a buffer for ``numpy.frombuffer``."""
        return pinned_buffer(require_count("size", size, at_least=0))

    def set_allocator(self, allocator: object = None) -> None:
        """Take memory from a pool; the simulated GPU has one, so that this changes nothing."""

    def set_pinned_memory_allocator(self, allocator: object = None) -> None:
        """Take pinned memory from a pool; the simulated GPU has one, so that this changes nothing."""

    @contextmanager
    def using_allocator(self, allocator: object = None) -> Iterator[None]:
        """Take memory from a pool inside of a ``with``; the simulated GPU has one, so that this changes nothing."""
        yield


class Device:
    """The one device: what ``xp.cuda.Device(0)`` is, and ``x.device`` of an array.

    Attributes
    ----------
    id : int
        0.
    """

    id = 0

    def __init__(self, gpu: SimulatedGpu) -> None:
        self._gpu = gpu

    def __enter__(self) -> Device:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass

    def __int__(self) -> int:
        return self.id

    def __repr__(self) -> str:
        return f"<simulated {self._gpu.machine.name}>"

    def use(self) -> None:
        """Make it the current device, which it is."""

    def synchronize(self) -> None:
        """Let the host wait until the device has finished everything."""
        self._gpu.synchronize()

    @property
    def mem_info(self) -> tuple[int, int]:
        """Bytes that are free, and all bytes of the device."""
        return self._gpu.xp.cuda.runtime.memGetInfo()

    @property
    def attributes(self) -> dict[str, int]:
        """What the device is like, by CUDA's names; those that the catalogue knows."""
        return _attributes(self._gpu)

    @property
    def compute_capability(self) -> str:
        """The generation, such as 75 for 7.5."""
        return "".join(map(str, _capability(self._gpu)))

    @property
    def pci_bus_id(self) -> str:
        """Where the card would be plugged in."""
        return "0000:00:00.0"


class Runtime:
    """``xp.cuda.runtime``: the functions of the CUDA runtime that a course meets."""

    memcpyHostToDevice, memcpyDeviceToHost, memcpyDeviceToDevice = 1, 2, 3  # noqa: N815 - CUDA's names

    def __init__(self, gpu: SimulatedGpu) -> None:
        self._gpu = gpu
        self.CUDARuntimeError = RuntimeError

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name.startswith("_"):
            raise AttributeError(f"cuda.runtime has no attribute {name!r}")
        raise UnknownOperationError(f"cuda.runtime.{name}", [each for each in dir(self) if each[0] != "_"])

    def getDeviceCount(self) -> int:  # noqa: N802 - CUDA's name
        """Return 1."""
        return 1

    def getDevice(self) -> int:  # noqa: N802 - CUDA's name
        """Return 0."""
        return 0

    def setDevice(self, device: int) -> None:  # noqa: N802 - CUDA's name
        """Make device 0 the current one, which it is."""
        _require_zero(device)

    def deviceSynchronize(self) -> None:  # noqa: N802 - CUDA's name
        """Let the host wait until the device has finished everything."""
        self._gpu.synchronize()

    def memGetInfo(self) -> tuple[int, int]:  # noqa: N802 - CUDA's name
        """Return the bytes that are free, and all bytes of the device."""
        pool: MemoryPool = self._gpu.memory
        return pool.capacity_bytes - pool.used_bytes - pool.held_bytes, pool.capacity_bytes

    def getDeviceProperties(self, device: int) -> dict[str, Any]:  # noqa: N802 - CUDA's name
        """Return what the device is like; what the catalogue knows of it."""
        _require_zero(device)
        machine, attributes = self._gpu.machine, _attributes(self._gpu)
        major, minor = _capability(self._gpu)
        return {
            "name": machine.name.encode(),
            "totalGlobalMem": self._gpu.memory.capacity_bytes,
            "major": major,
            "minor": minor,
            "multiProcessorCount": attributes["MultiProcessorCount"],
            "l2CacheSize": attributes.get("L2CacheSize", 0),
            "clockRate": attributes.get("ClockRate", 0),
            "maxThreadsPerMultiProcessor": attributes.get("MaxThreadsPerMultiProcessor", 0),
            "maxThreadsPerBlock": _LARGEST_BLOCK,
            "warpSize": _WARP,
            "integrated": int(machine.link_bandwidth_bytes_per_s is None),
        }


def _require_zero(device: int) -> None:
    if require_count("device", device, at_least=0) != 0:
        raise RuntimeError("cudaErrorInvalidDevice: invalid device ordinal; the simulated GPU is device 0")


class _Errors:
    """``xp.cuda.memory``: where CuPy keeps its out-of-memory error."""

    OutOfMemoryError = OutOfMemoryError


def _attributes(gpu: SimulatedGpu) -> dict[str, int]:
    machine = gpu.machine
    known = {
        "MultiProcessorCount": machine.sm_count,
        "L2CacheSize": machine.cache_bytes,
        "ClockRate": machine.clock_hz and machine.clock_hz / 1e3,
        "MaxThreadsPerMultiProcessor": machine.max_threads_per_sm,
        "MaxThreadsPerBlock": _LARGEST_BLOCK,
        "WarpSize": _WARP,
    }
    return {name: int(value) for name, value in known.items() if value is not None}


def _capability(gpu: SimulatedGpu) -> tuple[int, int]:
    major, _, minor = (gpu.machine.compute_capability or "0.0").partition(".")
    return int(major), int(minor)
