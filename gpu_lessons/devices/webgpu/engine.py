"""One WebGPU device and its queue: kernels compiled once, work handed over, waiting, the device's own clock."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from gpu_lessons.devices.webgpu.errors import DeviceLostError, KernelTooLongError, wgsl_error
from gpu_lessons.hardware.adapters import Adapter, quiet_stderr, webgpu_module
from gpu_lessons.hardware.recognition import Found

__all__ = ["Engine", "Span", "engine_of"]

Result = TypeVar("Result")

#: Buffers of call numbers that are kept for calls with the same numbers.
_FORMS = 1024
#: What a learner's own kernel may keep the host waiting for, and how many times as long if software runs it.
WATCHDOG_S = 20.0
_SOFTWARE_SLOWER = 3
_TIMESTAMP = "timestamp-query"
_TICK_BYTES = 8


class Span:
    """Seconds between the start of the first kernel and the end of the last one, by the device's clock."""

    def __init__(self) -> None:
        self.passes = 0
        self.seconds = 0.0


class Engine:
    """The device of an adapter.

    Parameters
    ----------
    adapter : Adapter
        Which one.

    Attributes
    ----------
    compiled : int
        Shaders compiled so far, each text once.
    has_clock : bool
        Whether the device has timestamp queries.
    peaks : dict or None
        What the device reached in a first look, as fields of a machine.
    limits : dict
        What the device allows, as WebGPU names it.

    Raises
    ------
    RuntimeError
        If it gives no device.
    """

    def __init__(self, adapter: Adapter) -> None:
        self._wgpu = wgpu = webgpu_module()
        self.adapter = adapter
        self.has_clock = _TIMESTAMP in adapter.handle.features
        try:
            with quiet_stderr():
                features = [_TIMESTAMP] if self.has_clock else []
                self.device = adapter.handle.request_device_sync(required_features=features)
        except Exception as error:
            raise RuntimeError(f"{adapter} gives no device ({_first_line(error)}); renew its driver") from None
        self.limits = dict(self.device.limits)
        self._usage = wgpu.BufferUsage.STORAGE | wgpu.BufferUsage.COPY_SRC | wgpu.BufferUsage.COPY_DST
        self._pipelines: dict[str, tuple[Any, Any]] = {}
        self._forms: OrderedDict[bytes, Any] = OrderedDict()
        self._fence = self.device.create_buffer(size=4, usage=self._usage)
        self._span: Span | None = None
        self._has_own_kernel = False
        self._gone = ""
        self.peaks: dict[str, Found] | None = None
        self._queries: Any = None
        self._ticks: Any = None
        if self.has_clock:
            self._queries, self._ticks = self._clock()

    @property
    def compiled(self) -> int:
        """Shaders compiled so far."""
        return len(self._pipelines)

    @property
    def is_gone(self) -> bool:
        """Whether the device was lost or given up."""
        return bool(self._gone)

    @property
    def buffer_limit_bytes(self) -> int:
        """The most bytes of one array: what a kernel can be given at once."""
        return int(min(self.limits["max-buffer-size"], self.limits["max-storage-buffer-binding-size"]))

    def new_buffer(self, size_bytes: int) -> Any:  # noqa: ANN401
        """Return a buffer.

        Raises
        ------
        MemoryError
            If the driver has no room.
        """
        try:
            return self._checked(self.device.create_buffer, size=max(4, size_bytes), usage=self._usage)
        except self._wgpu.GPUOutOfMemoryError:
            raise MemoryError(f"{self.adapter.name} has no room for {size_bytes:,} bytes more") from None

    def groups_for(self, count: int) -> tuple[int, int, int]:
        """Return a grid of at least ``count`` workgroups that keeps to the limit of each direction."""
        most = int(self.limits["max-compute-workgroups-per-dimension"])
        wide = max(1, min(count, most))
        return wide, max(1, -(-count // wide)), 1

    def run(self, text: str, buffers: Sequence[Any], form: Sequence[int], groups: tuple[int, int, int]) -> None:
        """Queue a kernel: ``form`` is its buffer 0, ``buffers`` follow. The host does not wait."""
        pipeline, layout = self.pipeline(text)
        self._queue(pipeline, layout, [self._form(form), *buffers], groups)

    def run_own(self, text: str, entry: str, buffers: Sequence[Any], groups: tuple[int, int, int]) -> None:
        """Queue a learner's kernel; the next wait gives up after `WATCHDOG_S` seconds, of software after more."""
        pipeline, layout = self.pipeline(text, entry)
        self._has_own_kernel = True
        self._queue(pipeline, layout, buffers, groups)

    def pipeline(self, text: str, entry: str = "main", kinds: Sequence[str] | None = None) -> tuple[Any, Any]:
        """Return the compiled kernel of a WGSL text and the layout of its buffers; compiled at the first call only.

        Its buffers are those it uses, or if their ``kinds`` are given, as many as these.

        Raises
        ------
        WgslError
            If it does not compile; the message shows the line.
        """
        key = f"{entry}:{text}"
        if key not in self._pipelines:
            try:
                module = self._checked(self.device.create_shader_module, code=text)
                compute = {"module": module, "entry_point": entry}
                layout = "auto" if kinds is None else self._checked(self._layout_of, kinds)
                made = self._checked(self.device.create_compute_pipeline, layout=layout, compute=compute)
                self._pipelines[key] = made, made.get_bind_group_layout(0)
            except self._wgpu.GPUError as error:
                raise wgsl_error(text, str(error)) from None
        return self._pipelines[key]

    def write(self, buffer: Any, offset_bytes: int, data: np.ndarray[Any, Any]) -> None:  # noqa: ANN401
        """Queue a copy of host bytes into a buffer; they are taken at once."""
        self._checked(self.device.queue.write_buffer, buffer, offset_bytes, data)

    def read(self, buffer: Any, offset_bytes: int, size_bytes: int) -> memoryview:  # noqa: ANN401
        """Wait for the device and return bytes of a buffer."""
        return self._waited(lambda: self.device.queue.read_buffer(buffer, offset_bytes, size_bytes))

    def synchronize(self) -> None:
        """Wait until the device has done everything; a few bytes are read, which come last."""
        self.read(self._fence, 0, 4)

    @contextmanager
    def timed(self) -> Iterator[Span]:
        """Let the device note when the kernels inside begin and end; waits for them."""
        span = self._span = Span()
        try:
            yield span
        finally:
            self._span = None
        if span.passes:
            encoder = self.device.create_command_encoder()
            encoder.resolve_query_set(self._queries, 0, 2, self._ticks, 0)
            self.device.queue.submit([encoder.finish()])
            begin, end = np.frombuffer(self.read(self._ticks, 0, 2 * _TICK_BYTES), np.uint64)
            span.seconds = float(int(end) - int(begin)) * self._tick_s
        else:
            self.synchronize()

    def _clock(self) -> tuple[Any, Any]:
        usage = self._wgpu.BufferUsage.QUERY_RESOLVE | self._wgpu.BufferUsage.COPY_SRC
        # Resolved as the device counts; the native library tells the length of a tick.
        native = self._wgpu.backends.wgpu_native
        self._tick_s = float(native.lib.wgpuQueueGetTimestampPeriod(self.device.queue._internal)) * 1e-9
        queries = self.device.create_query_set(type="timestamp", count=2)
        return queries, self.device.create_buffer(size=2 * _TICK_BYTES, usage=usage)

    def _layout_of(self, kinds: Sequence[str]) -> Any:  # noqa: ANN401
        stage = self._wgpu.ShaderStage.COMPUTE
        entries = [{"binding": i, "visibility": stage, "buffer": {"type": kind}} for i, kind in enumerate(kinds)]
        group = self.device.create_bind_group_layout(entries=entries)
        return self.device.create_pipeline_layout(bind_group_layouts=[group])

    def _queue(self, pipeline: Any, layout: Any, buffers: Sequence[Any], groups: tuple[int, int, int]) -> None:  # noqa: ANN401
        self._checked(self._submit, pipeline, layout, buffers, groups)

    def _submit(self, pipeline: Any, layout: Any, buffers: Sequence[Any], groups: tuple[int, int, int]) -> None:  # noqa: ANN401
        entries = [
            {"binding": place, "resource": {"buffer": buffer, "offset": 0, "size": buffer.size}}
            for place, buffer in enumerate(buffers)
        ]
        bound = self.device.create_bind_group(layout=layout, entries=entries)
        encoder = self.device.create_command_encoder()
        work = encoder.begin_compute_pass(timestamp_writes=self._notes())
        work.set_pipeline(pipeline)
        work.set_bind_group(0, bound)
        work.dispatch_workgroups(*groups)
        work.end()
        self.device.queue.submit([encoder.finish()])

    def _notes(self) -> dict[str, Any] | None:
        if self._span is None or self._queries is None:
            return None
        notes = {"query_set": self._queries, "end_of_pass_write_index": 1}
        if not self._span.passes:
            notes["beginning_of_pass_write_index"] = 0
        self._span.passes += 1
        return notes

    def _form(self, numbers: Sequence[int]) -> Any:  # noqa: ANN401
        words = np.asarray(numbers, np.int32)
        key = words.tobytes()
        if key in self._forms:
            self._forms.move_to_end(key)
            return self._forms[key]
        buffer = self._forms[key] = self.new_buffer(words.nbytes)
        self.write(buffer, 0, words)
        if len(self._forms) > _FORMS:
            self._forms.popitem(last=False)
        return buffer

    def _waited(self, read: Callable[[], Result]) -> Result:
        """Return what ``read`` returns; after a learner's kernel, wait in another thread and not for ever."""
        if not self._has_own_kernel:
            return self._checked(read)
        found: list[Result] = []
        problems: list[Exception] = []

        def wait() -> None:
            try:
                found.append(read())
            except Exception as error:
                problems.append(error)

        waiter = threading.Thread(target=wait, daemon=True)
        waiter.start()
        limit_s = WATCHDOG_S * (_SOFTWARE_SLOWER if self.adapter.is_software else 1)
        waiter.join(limit_s)
        if waiter.is_alive():
            self._gone = "a kernel does not end"
            raise KernelTooLongError(limit_s)
        self._has_own_kernel = False
        if problems:
            self._checked(_raise, problems[0])
        return found[0]

    def _checked(self, do: Callable[..., Result], *arguments: Any, **options: Any) -> Result:  # noqa: ANN401
        """Return what ``do`` returns; an error of a device that is gone becomes one sentence."""
        if self._gone:
            raise DeviceLostError(self.adapter.name, self._gone)
        try:
            return do(*arguments, **options)
        except Exception as error:
            if not re.search(r"\blost\b", str(error), re.IGNORECASE):
                raise
            self._gone = _first_line(error)
        raise DeviceLostError(self.adapter.name, self._gone)


_ENGINES: dict[Adapter, Engine] = {}


def engine_of(adapter: Adapter) -> Engine:
    """Return the device of an adapter: the one there is, or a new one where it is gone."""
    engine = _ENGINES.get(adapter)
    if engine is None or engine.is_gone:
        engine = _ENGINES[adapter] = Engine(adapter)
    return engine


def _raise(error: Exception) -> None:
    raise error


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1]}" if lines else type(error).__name__
