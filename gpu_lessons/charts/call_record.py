"""What the timeline figure shows: one call of a layer as host and device lived it, at every batch size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gpu_lessons.charts.theme import four_digits
from gpu_lessons.units import format_factor, format_time

__all__ = ["CLOCKS", "Block", "Call", "CallRecord"]

#: How the call is timed, as the picker names it.
CLOCKS = ("not waiting", "waiting", "waiting, with both copies")

# A reading that misses the device's end by less is honest.
_HONEST = 1.05


@dataclass(frozen=True, slots=True)
class Block:
    """Something that took time: its name, who was busy (``"host"`` or ``"device"``), of what kind, and when."""

    name: str
    row: str
    kind: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of the layer, timed in one way.

    Attributes
    ----------
    batch_log2 : int
        Samples, as a power of two.
    clock : int
        Place of the way in ``CLOCKS``.
    blocks : sequence of Block
        What happened; seconds since the first reading of the clock.
    stop_s : float
        The second reading.
    """

    batch_log2: int
    clock: int
    blocks: Sequence[Block]
    stop_s: float

    @property
    def done_s(self) -> float:
        """When the device had finished."""
        return max(block.end_s for block in self.blocks if block.row == "device")

    @property
    def waited(self) -> bool:
        """Whether the clock was read when the device had finished, give or take a twentieth."""
        return self.done_s <= _HONEST * self.stop_s

    @property
    def copies_s(self) -> float:
        """Seconds of the device's copies over the bus."""
        return sum(block.end_s - block.start_s for block in self.blocks if block.kind.startswith("copy"))


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """Everything the figure shows.

    Attributes
    ----------
    calls : sequence of Call
        One for every batch size and way of timing.
    gpu : str
        The GPU and where its times come from, in a few words.
    width : int
        Inputs and neurons of the layer.
    launch_s : float
        What one launch costs the host.
    """

    calls: Sequence[Call]
    gpu: str
    width: int
    launch_s: float

    def at(self, batch_log2: int, clock: int) -> Call:
        """Return the call at one batch size, timed in one way."""
        return next(call for call in self.calls if (call.batch_log2, call.clock) == (batch_log2, clock))

    def headline(self, call: Call) -> str:
        """Return what the clock said, and of what."""
        return f"Your clock said {format_time(call.stop_s)}: it read the {self._read(call)}"

    def second_line(self, call: Call) -> str:
        """Return what the device needed in truth."""
        if not call.waited:
            missed = format_factor(call.done_s / call.stop_s)[:-1]
            return f"the result existed only after {format_time(call.done_s)}, {missed} times as long"
        if call.copies_s:
            share = call.copies_s / call.stop_s
            return f"the result was back on the host; {share:.0%} of the time went into the bus"
        return "the result existed when the clock was read"

    def setting(self, call: Call) -> str:
        """Return the sizes."""
        return f"batch {2**call.batch_log2:,}, width {self.width:,}"

    def sentence(self, **chosen: int) -> str:
        """Return the figure in one sentence, for those who do not see it."""
        call = self.at(**chosen)
        return (
            f"One call of a dense layer, {self.setting(call)}, {self.gpu}, timed {CLOCKS[call.clock]}: the clock said "
            f"{format_time(call.stop_s)} and read the {self._read(call)}; {self.second_line(call)}."
        )

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a call, its blocks as lists side by side, numbers rounded to four digits."""
        return [self._row(call) for call in self.calls]

    def table(self) -> list[dict[str, Any]]:
        """Return one row a block, numbers rounded to four digits."""
        return [
            {
                "batch_size": 2**call.batch_log2,
                "clock": CLOCKS[call.clock],
                "row": block.row,
                "block": block.name,
                "start_s": four_digits(block.start_s),
                "end_s": four_digits(block.end_s),
                "clock_read_s": four_digits(call.stop_s),
            }
            for call in self.calls
            for block in call.blocks
        ]

    def _read(self, call: Call) -> str:
        return "device" if call.waited else "host"

    def _row(self, call: Call) -> dict[str, Any]:
        return {
            "batch_log2": call.batch_log2,
            "clock": call.clock,
            "stop_s": four_digits(call.stop_s),
            "done_s": four_digits(call.done_s),
            "waited": call.waited,
            "headline": self.headline(call),
            "line": f"{self.second_line(call)}   ·   {self.setting(call)}",
            "read": format_time(call.stop_s),
            "name": [block.name for block in call.blocks],
            "row": [block.row for block in call.blocks],
            "kind": [block.kind for block in call.blocks],
            # Differences of the rounded seconds below would not be right to three digits.
            "took": [format_time(block.end_s - block.start_s) for block in call.blocks],
            "start_s": [four_digits(block.start_s) for block in call.blocks],
            "end_s": [four_digits(block.end_s) for block in call.blocks],
        }
