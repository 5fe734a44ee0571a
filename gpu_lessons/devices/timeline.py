"""Virtual time of a simulated GPU: what the host does, what the device does meanwhile, and who waits for whom."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal

from gpu_lessons.devices.unknown import UnknownOperationError

__all__ = ["Engine", "Event", "Span", "Stream", "Timeline"]

#: The parts of a device that work at the same time: the SMs, and one copy engine for each direction.
Engine = Literal["kernels", "copy in", "copy out"]

# A training loop that runs for hours must not fill the memory with its history.
_SPANS_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Span:
    """Something that took time.

    Attributes
    ----------
    name : str
        What was done: ``"matmul"``, ``"launch matmul"``, ``"wait"``.
    place : {"host", "kernels", "copy in", "copy out"}
        Who was busy with it.
    start_s, end_s : float
        Virtual seconds since the GPU was made.
    """

    name: str
    place: Literal["host"] | Engine
    start_s: float
    end_s: float


class Timeline:
    """Host time, and for every engine and stream the time at which its queue is empty.

    The host pays for a launch and goes on. The work starts once it has been launched, its stream has finished what
    was queued before, and the engine is free. Two kernels never run at once, as when each fills the device.

    Attributes
    ----------
    host_s : float
        The host's clock, in virtual seconds.
    spans : deque of Span
        What happened, in the order it was queued; the oldest are dropped.
    null : Stream
        The default stream.
    """

    def __init__(self) -> None:
        self.host_s = 0.0
        self.spans: deque[Span] = deque(maxlen=_SPANS_KEPT)
        self._free_s: dict[Engine, float] = {"kernels": 0.0, "copy in": 0.0, "copy out": 0.0}
        self.null = Stream(self, null=True)
        self._entered = [self.null]

    @property
    def current_stream(self) -> Stream:
        """The stream that work is queued on: that of the innermost ``with`` block, else the default one."""
        return self._entered[-1]

    def enqueue(self, name: str, engine: Engine, duration_s: float, *, overhead_s: float) -> None:
        """Let the host launch work of ``duration_s`` on the current stream; it does not wait for the end."""
        self.host_works(f"launch {name}", overhead_s)
        stream = self.current_stream
        start_s = max(self.host_s, stream.done_s, self._free_s[engine])
        stream.done_s = self._free_s[engine] = start_s + duration_s
        self.spans.append(Span(name, engine, start_s, stream.done_s))

    def host_works(self, name: str, duration_s: float) -> None:
        """Let the host be busy for ``duration_s``."""
        start_s, self.host_s = self.host_s, self.host_s + duration_s
        self.spans.append(Span(name, "host", start_s, self.host_s))

    def wait_until(self, time_s: float) -> None:
        """Let the host wait; a time that has passed costs nothing."""
        if time_s > self.host_s:
            self.host_works("wait", time_s - self.host_s)
            self.host_s = time_s  # the sum above may miss it by a rounding

    def synchronize(self) -> None:
        """Let the host wait until every engine is idle."""
        self.wait_until(max(self._free_s.values()))

    def require_event(self, event: Event) -> None:
        """Refuse what is no event of this device.

        Raises
        ------
        TypeError, ValueError
            One sentence each.
        """
        if not isinstance(event, Event):
            raise TypeError(f"event must be what Stream.record returns, got {event!r}")
        self.null.require_of(event._timeline)


class Stream:
    """A queue of work on the device: in order within itself, free to overlap with other streams.

    Used in a ``with`` statement, it receives the work queued inside. Two streams overlap where they use different
    engines: a copy beside a kernel, or a copy in beside a copy out.
    """

    def __init__(
        self,
        timeline: Timeline,
        null: bool = False,
        non_blocking: bool = False,
        ptds: bool = False,
        priority: int | None = None,
    ) -> None:
        self.done_s = 0.0
        self.priority = priority or 0
        self.is_non_blocking = non_blocking
        self._timeline = timeline

    def __enter__(self) -> Stream:
        self._timeline._entered.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timeline._entered.pop()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name.startswith("_"):
            raise AttributeError(name)
        raise UnknownOperationError(f"Stream.{name}", ["Stream.record", "Stream.synchronize", "Stream.wait_event"])

    @property
    def done(self) -> bool:
        """Whether all work queued here is done; the host does not wait."""
        return self.done_s <= self._timeline.host_s

    def use(self) -> Stream:
        """Receive all work from now on."""
        self._timeline._entered[-1] = self
        return self

    def synchronize(self) -> None:
        """Let the host wait until all work queued here is done."""
        self._timeline.wait_until(self.done_s)

    def record(self, event: Event | None = None) -> Event:
        """Return the point in this queue that has been reached when everything queued so far is done."""
        event = Event(self._timeline) if event is None else event
        self._timeline.require_event(event)
        event._time_s = max(self._timeline.host_s, self.done_s)
        return event

    def wait_event(self, event: Event) -> None:
        """Let what is queued from now on start after ``event``; the host does not wait.

        Raises
        ------
        TypeError, ValueError
            If ``event`` is no event, or one of another device.
        """
        self._timeline.require_event(event)
        if event._time_s is not None:  # one that was never recorded holds nobody, as in CUDA
            self.done_s = max(self.done_s, event._time_s)

    def require_of(self, timeline: Timeline) -> None:
        """Refuse to work for another device.

        Raises
        ------
        ValueError
            If ``timeline`` is not the one of this stream.
        """
        if timeline is not self._timeline:
            raise ValueError("this stream or event belongs to another device; make one with stream() of this GPU")


class Event:
    """A point in a stream's queue, once it is recorded there."""

    def __init__(
        self, timeline: Timeline, block: bool = False, disable_timing: bool = False, interprocess: bool = False
    ) -> None:
        self._time_s: float | None = None
        self._timeline = timeline
        self.has_time = not disable_timing

    @property
    def time_s(self) -> float:
        """When the device reaches it.

        Raises
        ------
        RuntimeError
            If it was never recorded, in the words of CUDA.
        """
        if self._time_s is None or not self.has_time:
            raise RuntimeError("cudaErrorInvalidResourceHandle: invalid resource handle; record the event first")
        return self._time_s

    @property
    def done(self) -> bool:
        """Whether the device has reached it; the host does not wait."""
        return self._time_s is None or self._time_s <= self._timeline.host_s

    def record(self, stream: Stream | None = None) -> None:
        """Let it be the point that ``stream``, or the current one, has reached when all queued so far is done."""
        (self._timeline.current_stream if stream is None else stream).record(self)

    def synchronize(self) -> None:
        """Let the host wait for it; for one that was never recorded nobody waits."""
        if self._time_s is not None:
            self._timeline.wait_until(self._time_s)
