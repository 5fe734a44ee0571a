"""A GPU to rehearse on: numbers by NumPy, time by the model, memory by a pool of the card's size."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from gpu_lessons.arguments import require_count, shown
from gpu_lessons.devices.arrays import DeviceArray
from gpu_lessons.devices.cuda_words import Device
from gpu_lessons.devices.cupyx_words import Cupyx
from gpu_lessons.devices.memory import MemoryPool, OutOfMemoryError, Shape, empty_pinned, is_pinned
from gpu_lessons.devices.namespace import Namespace
from gpu_lessons.devices.operations import new_array
from gpu_lessons.devices.timeline import Engine, Stream, Timeline
from gpu_lessons.hardware.machines import Machine
from gpu_lessons.model import GpuCalibration, calibrate
from gpu_lessons.work.kernels import Kernel

__all__ = ["SimulatedGpu"]

Host = np.ndarray[Any, Any]

# CuPy compiles an elementwise kernel when it is first called. NVRTC needs 0.13 to 0.20 s for a few lines (measured
# on a 2-core machine without a GPU, in the preparation of this course). Loading cuBLAS at the first product takes
# time too; no figure for it was found, so none is charged.
_COMPILE_S = 0.15


class SimulatedGpu:
    """A GPU of the catalogue, simulated: `gpu_lessons.gpu` returns one where there is no CUDA device.

    Every operation computes its numbers at once, with NumPy, and takes its predicted time on a virtual clock. The
    same cells give the same times on every machine.

    Parameters
    ----------
    machine : Machine
        A GPU of the catalogue.
    memory_bytes : int, optional
        Memory it may use, never more than the card has; all of it otherwise.

    Attributes
    ----------
    xp : Namespace
        The functions of NumPy, for arrays on this GPU; CuPy's names.
    cupyx : Cupyx
        What stands in for ``import cupyx``.
    machine : Machine
        The card that is simulated.
    kind : str
        ``"simulated"``.
    source : str
        Where its times come from: ``"predicted"``.
    memory : MemoryPool
        ``used_bytes``, ``peak_bytes`` and ``capacity_bytes``.
    timeline : Timeline
        What host and device did, and when.

    Raises
    ------
    TypeError, ValueError
        If ``machine`` is no GPU the model has numbers for, or ``memory_bytes`` is no integer of at least 1.
    """

    kind = "simulated"
    source = "predicted"
    out_of_memory_error = OutOfMemoryError

    def __init__(self, machine: Machine, *, memory_bytes: int | None = None) -> None:
        calibration = calibrate(machine)
        if not isinstance(calibration, GpuCalibration):
            raise ValueError(f"machine must be a GPU of the catalogue, got the CPU {machine.name}")
        if machine.memory_bytes is None:
            raise ValueError(f"the catalogue has no memory_bytes for {machine.name}; choose another GPU")
        self.machine = machine
        self.calibration = calibration
        if memory_bytes is not None:
            memory_bytes = min(require_count("memory_bytes", memory_bytes), machine.memory_bytes)
        self.memory = MemoryPool(machine.memory_bytes if memory_bytes is None else memory_bytes)
        self.timeline = Timeline()
        self.device = Device(self)
        self.xp = Namespace(self)
        self.cupyx = Cupyx(self)
        self._compiled: set[Hashable] = set()
        self._in_call = self._paid = False
        self._fused: list[Kernel] | None = None

    def __str__(self) -> str:
        return f"{self.machine.name}, simulated, times predicted"

    def perf_counter(self) -> float:
        """Return the host's clock in virtual seconds. It does not wait for the device."""
        return self.timeline.host_s

    def synchronize(self) -> None:
        """Let the host wait until the device has finished everything."""
        self.timeline.synchronize()

    def stream(self) -> Stream:
        """Return a new stream, to be used in a ``with`` statement."""
        return Stream(self.timeline)

    def empty_pinned(self, shape: Shape, dtype: Any = "float32") -> Host:  # noqa: ANN401
        """Return a NumPy array in pinned host memory, whose copies are faster and let the host go on."""
        return empty_pinned(shape, dtype)

    def to_device(self, x: Any) -> DeviceArray:  # noqa: ANN401
        """Copy a host array to the device; one that is there already is returned as it is.

        From pinned memory the host goes on during the copy. From pageable memory it first moves the numbers into
        pinned memory, and goes on then.
        """
        if isinstance(x, DeviceArray):
            x.require_on(self)
            return x
        numbers = np.asarray(x)
        numbers = numbers.astype(numbers.dtype.newbyteorder("="), copy=False)
        turned = numbers.flags.f_contiguous and not numbers.flags.c_contiguous
        out = new_array(self, numbers.shape, numbers.dtype, "F" if turned else "C")
        self.copy_into(out, numbers)
        return out

    def to_host(self, x: DeviceArray) -> Host:
        """Wait for the device and copy one of its arrays to the host."""
        return self.copy_out(x)

    def copy_into(self, array: DeviceArray, numbers: Host, *, stream: Stream | None = None) -> None:
        """Overwrite a device array with a host array; see ``to_device``."""
        array.require_on(self)
        _require_same_form(numbers, array)
        array._numbers[...] = numbers
        pinned = is_pinned(numbers)
        self._copy("copy in", numbers.nbytes, stream, pinned=pinned, wait=False)

    def copy_out(
        self,
        array: DeviceArray,
        *,
        stream: Stream | None = None,
        out: Host | None = None,
        blocking: bool = True,
    ) -> Host:
        """Copy a device array to the host, into ``out`` if it is given."""
        if not isinstance(array, DeviceArray):
            raise TypeError(f"x must be an array on the device, got {shown(array)}")
        array.require_on(self)
        host = np.empty(array.shape, array.dtype) if out is None else out
        _require_same_form(host, array)
        host[...] = array._numbers
        pinned = is_pinned(host)
        self._copy("copy out", host.nbytes, stream, pinned=pinned, wait=blocking or not pinned)
        return host

    @property
    def call_overhead_s(self) -> float:
        """Host seconds of one call of CuPy that launches one kernel: Python's part and the launch."""
        return self.calibration.call_overhead_s

    @contextmanager
    def one_call(self) -> Iterator[None]:
        """Let the kernels launched inside belong to one call: Python's part is paid with the first of them."""
        outer, self._in_call = self._in_call, True
        self._paid = self._paid if outer else False
        try:
            yield
        finally:
            self._in_call = outer

    @contextmanager
    def fusing(self) -> Iterator[list[Kernel]]:
        """Collect the kernels inside instead of queueing them; what lies between them stays in registers.

        Raises
        ------
        NotImplementedError
            If one of them is a kernel of a library.
        """
        outer, kept_bytes = self._fused, self.memory.peak_bytes
        self._fused = []
        try:
            yield self._fused
        finally:
            self._fused = outer
            self.memory.peak_bytes = max(kept_bytes, self.memory.used_bytes)

    def launch(self, kernel: Kernel, *, variant: Hashable = None) -> None:
        """Queue a kernel: the host pays for the call, and for compiling it where its ``variant`` is new.

        Parameters
        ----------
        kernel : Kernel
            What it does.
        variant : hashable, optional
            What CuPy compiles a kernel anew for. Without one the kernel ships compiled, in a library.
        """
        if not kernel.bytes_moved:
            return
        if self._fused is not None:
            if kernel.matmul is not None:
                raise NotImplementedError(f"{kernel.name} cannot be fused: it is a kernel of a library")
            self._fused.append(kernel)
            return
        if variant is not None and variant not in self._compiled:
            self._compiled.add(variant)
            self.timeline.host_works(f"compile {kernel.name}", _COMPILE_S)
        duration_s = self.calibration.kernel_time(kernel).total_s
        overhead_s = self.calibration.launch_overhead_s if self._in_call and self._paid else self.call_overhead_s
        self._paid = True
        self.timeline.enqueue(kernel.name, "kernels", duration_s, overhead_s=overhead_s)

    def read_number(self, size_bytes: int) -> None:
        """Let the host wait for a few bytes of the device, such as the size of a result."""
        self._copy("copy out", size_bytes, None, pinned=True, wait=True)

    def require_device(self, device: Device | None) -> None:
        """Refuse to make an array elsewhere.

        Raises
        ------
        ValueError
            If ``device`` is not this GPU's.
        """
        if device is not None and device is not self.device:
            raise ValueError(f"device must be {self.device}, got {device!r}")

    def _copy(self, engine: Engine, size_bytes: int, stream: Stream | None, *, pinned: bool, wait: bool) -> None:
        copy_s = self.calibration.copy_time(size_bytes, pinned=pinned)
        staging_s = 0.0
        if engine == "copy in" and not pinned:
            staging_s = copy_s - self.calibration.copy_time(size_bytes, pinned=True)
        # The latency of a copy is measured from the call, so the call is a part of it.
        overhead_s = min(self.call_overhead_s, copy_s - staging_s)
        with ExitStack() as entered:
            if stream is not None:
                if not isinstance(stream, Stream):
                    raise TypeError(f"stream must be what stream() of this GPU returns, got {shown(stream)}")
                stream.require_of(self.timeline)
                entered.enter_context(stream)
            if staging_s:
                self.timeline.host_works("copy to pinned memory", staging_s)
            self.timeline.enqueue(engine, engine, copy_s - staging_s - overhead_s, overhead_s=overhead_s)
            if wait:
                self.timeline.current_stream.synchronize()


def _require_same_form(host: Host, array: DeviceArray) -> None:
    if not isinstance(host, np.ndarray):
        raise TypeError(f"a copy needs a NumPy array on the host, got {shown(host)}")
    if host.dtype != array.dtype:
        raise TypeError(f"a copy needs the same dtype on both sides, got {host.dtype} on the host and {array.dtype}")
    if host.shape != array.shape:
        raise ValueError(f"a copy needs the same shape on both sides, got {host.shape} on the host and {array.shape}")
