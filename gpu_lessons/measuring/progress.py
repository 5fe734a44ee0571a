"""How far a recording is, on one line of the terminal; elsewhere a line now and then."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TextIO

from gpu_lessons.measuring.recorder import Progress, record
from gpu_lessons.recorded import Recording, RecordingError, read_recording
from gpu_lessons.units import format_time

__all__ = ["ProgressLine", "record_with_progress"]

_BAR_CELLS = 24
# On a narrower terminal the time left is worth more than the bar.
_COLUMNS_FOR_BAR = 55
# In a log file, where nothing can be drawn over.
_SECONDS_A_LINE = 15.0


class ProgressLine:
    """Draws every `Progress` it is called with over the one before.

    Parameters
    ----------
    stream : text stream
        Where to; if it is no terminal, a line is written every 15 seconds.
    clock : callable
        Returns seconds.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._is_drawn = False
        self._said_s: float | None = None

    def __call__(self, progress: Progress) -> None:
        """Show it."""
        if self._stream.isatty():
            columns = shutil.get_terminal_size().columns - 1
            self._stream.write(f"\r{_line(progress, bar=columns >= _COLUMNS_FOR_BAR)[:columns]:<{columns}}")
            self._is_drawn = True
        elif self._said_s is None or self._clock() - self._said_s >= _SECONDS_A_LINE:
            self._stream.write(f"{_line(progress, bar=False)}\n")
            self._said_s = self._clock()
        self._stream.flush()

    def say(self, text: str) -> None:
        """Write a sentence that stays, above the line."""
        self.close()
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def close(self) -> None:
        """Leave the line, so that what is printed next stands below it."""
        if self._is_drawn:
            self._stream.write("\n")
            self._stream.flush()
            self._is_drawn = False


def record_with_progress(path: Path, stream: TextIO, *, quick: bool) -> Recording:
    """Do what `record` does and draw how far it is; say what was made again, and what is kept when Ctrl-C stops it.

    Raises
    ------
    RecordingError
        As `record`.
    KeyboardInterrupt
        After Ctrl-C, once that is said.
    """
    line = ProgressLine(stream)
    try:
        with _interrupts() as stop_if_asked:

            def show(progress: Progress) -> None:
                stop_if_asked()
                line(progress)

            return record(path, quick=quick, on_progress=show, on_remade=line.say)
    except KeyboardInterrupt:
        line.close()
        stream.write(f"Stopped; {_kept(path)}\n")
        raise
    finally:
        line.close()


@contextmanager
def _interrupts() -> Iterator[Callable[[], None]]:
    """Yield what raises KeyboardInterrupt if Ctrl-C came where an exception is lost: C called threadpoolctl back."""
    is_asked = False

    def stop_if_asked() -> None:
        if is_asked:
            raise KeyboardInterrupt

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal is_asked
        is_asked = True
        while frame is not None:
            if Path(frame.f_code.co_filename).stem == "threadpoolctl":
                return
            frame = frame.f_back
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:  # somebody else's, or ignored
        yield stop_if_asked
        return
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield stop_if_asked
    finally:
        signal.signal(signal.SIGINT, before)


def _kept(path: Path) -> str:
    try:
        count = len(read_recording(path).measurements)
    except RecordingError:
        return "nothing was measured yet."
    return f"{path} keeps the {count} points measured so far, and the same command goes on."


def _line(progress: Progress, *, bar: bool) -> str:
    full = _BAR_CELLS * progress.done // progress.total
    drawn = f"[{'#' * full}{'.' * (_BAR_CELLS - full)}] " if bar else ""
    left = "" if progress.left_s is None else f", {_left(progress.left_s)} left"
    return f"{drawn}{progress.done} of {progress.total} points{left}: {progress.what}"


def _left(left_s: float) -> str:
    """Return a time of which only the size is known."""
    return f"{max(0, round(left_s))} s" if left_s < 100 else f"about {format_time(60 * round(left_s / 60))}"
