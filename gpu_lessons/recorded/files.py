"""Files of recordings: found, read within limits, and written so that a kill never leaves half a file."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from gpu_lessons.hardware.course import RECORDINGS, course_root, learners_folder
from gpu_lessons.recorded.fields import checked_slug, is_slug
from gpu_lessons.recorded.schema import Recording, RecordingError, format_recording, parse_recording

__all__ = [
    "load_recording",
    "only_writer",
    "read_recording",
    "recording_files",
    "recordings",
    "recordings_folder",
    "require_room",
    "write_recording",
]

_LARGEST_BYTES = 8_000_000
# The most a recording takes.
_ROOM_BYTES = 1_000_000


def recordings_folder() -> Path:
    """Return the folder of the recordings that ship."""
    return course_root() / "data" / "recordings"


def recording_files(slug: str) -> list[Path]:
    """Return the files of this name: the learner's own first, then the one that ships."""
    return [path for path in (folder / f"{slug}.json" for folder in _folders()) if os.path.lexists(path)]


def recordings() -> list[str]:
    """Return the slugs of the complete recordings here, in alphabetical order: those that ship, and the learner's own.

    The learner's own lie in the folder ``recordings`` beside the lessons: what `gpu-lessons record` wrote there, and
    what a teacher hands out.

    A file that is no recording is left out with a warning that says why. One that `gpu-lessons record` has not
    finished is left out too, as its holes lie anywhere; `load_recording` loads it all the same.

    Examples
    --------
    >>> all(load_recording(slug).provenance.complete for slug in recordings())
    True
    """
    slugs = []
    for slug in sorted({path.stem for folder in _folders() for path in folder.glob("*.json")}):
        for path in recording_files(slug):
            try:
                complete = read_recording(path).provenance.complete
            except RecordingError as error:
                warnings.warn(f"{error}; the other recordings are not affected", stacklevel=2)
                continue
            if complete:
                slugs.append(slug)
            break
    return slugs


def load_recording(recording: str | Path) -> Recording:
    """Return a recording by its name or from its file.

    Parameters
    ----------
    recording : str or Path
        One of `recordings`, or a file such as ``"Downloads/lab-server-2026.json"``.

    Raises
    ------
    RecordingError
        If there is none of this name, or the file is no valid recording; the sentence names the field.
    """
    if isinstance(recording, Path) or (isinstance(recording, str) and recording.endswith(".json")):
        path = Path(recording).expanduser()
        # A bare file name may well be that of a file in one of the folders.
        near = recording_files(path.stem) if path.name == str(path) and not os.path.lexists(path) else []
        return _first_valid(near or [path])
    slug = checked_slug("slug", recording)
    found = recording_files(slug)
    if not found:
        known = sorted({path.stem for folder in _folders() for path in folder.glob("*.json")})
        raise RecordingError(f"no recording {slug!r} here; there are: {', '.join(known) or 'none'}")
    return _first_valid(found)


def _first_valid(paths: list[Path]) -> Recording:
    """Return the first recording of several of one name that can be read: a bad file never hides a good one."""
    for path in paths[:-1]:
        with suppress(RecordingError):
            return read_recording(path)
    return read_recording(paths[-1])


def _folders() -> list[Path]:
    own = learners_folder()
    return [*([] if own is None else [own / RECORDINGS]), recordings_folder()]


def read_recording(path: Path) -> Recording:
    """Read and check one file.

    Parameters
    ----------
    path : Path
        A file written by `write_recording`; its name is the recording's slug. Nothing in it is executed.

    Raises
    ------
    RecordingError
        If it is larger than 8 MB, no regular file, or no valid recording.
    """
    name = _told(path.name)
    try:
        # Links are followed, but a pipe or a device would never end.
        if not path.is_file():
            raise RecordingError(f"{name}: {'not a regular file' if path.exists() else 'there is no such file'}")
        with path.open("rb") as file:
            content = file.read(_LARGEST_BYTES + 1)
        if len(content) > _LARGEST_BYTES:
            raise RecordingError(f"{name}: larger than 8 MB, which no recording is")
        return _parsed(path.stem, name, content)
    except OSError as error:
        raise RecordingError(f"{name}: cannot be read: {error.strerror or type(error).__name__}") from error
    except UnicodeDecodeError as error:
        raise RecordingError(f"{name}: not text in UTF-8 at byte {error.start}") from error


@lru_cache(maxsize=64)  # explorers ask for every recording again and again; a file that has changed is another content
def _parsed(slug: str, name: str, content: bytes) -> Recording:
    try:
        return parse_recording(slug, content.decode("utf-8"))
    except RecordingError as error:
        raise RecordingError(f"{name}: {error}") from error


def write_recording(path: Path, recording: Recording) -> None:
    """Write a recording; at any moment the file is either the old one or the new one, whole.

    Parameters
    ----------
    path : Path
        Where to; its stem must be the recording's slug.

    Raises
    ------
    RecordingError
        If the name is another one, or the file cannot be written; what stood there stays.
    """
    if path.name != f"{recording.slug}.json":
        raise RecordingError(
            f"{path.name}: a recording with the slug {recording.slug!r} is called {recording.slug}.json"
        )
    _replace(path, format_recording(recording).encode())


def _replace(path: Path, content: bytes) -> None:
    """Put ``content`` into ``path`` in one step.

    It is written beside it first, and lies on the disk before it takes the name.

    Raises
    ------
    RecordingError
        If that fails, such as for want of space or permission; the sentence says why.
    """
    try:
        beside = _written_beside(path, content)
        try:
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)  # there only if the line above failed
    except OSError as error:
        raise _cannot_write(path, error) from error


@contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Hold the folder of ``path``, so that no second recording is written to it meanwhile.

    The system gives it back when the process ends, in whatever way. Where folders cannot be held, nothing is.

    Raises
    ------
    RecordingError
        If another process holds it.
    """
    try:
        import fcntl

        folder = os.open(path.parent, os.O_RDONLY)
    except (ImportError, OSError):  # not on Windows; and `require_room` says what is wrong with a folder
        yield
        return
    try:
        with suppress(OSError):  # some network folders
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RecordingError(
                    f"{_told(path)} cannot be written: another recording is being made in this folder, and two at a "
                    "time would disturb each other; wait for it"
                ) from None
        yield
    finally:
        os.close(folder)


def require_room(path: Path) -> None:
    """Make sure that a recording can be written to ``path``, by writing as many bytes beside it and removing them.

    Raises
    ------
    RecordingError
        If the name is that of no recording, the folder is missing or read-only, or the disk is full.
    """
    if path.suffix != ".json" or not is_slug(path.stem):
        name = path.parent / "my-laptop-2026.json"
        raise RecordingError(f"{_told(path)} is no name of a recording; name it like {_told(name)}")
    if not path.parent.is_dir():
        raise RecordingError(f"{_told(path)} cannot be written: there is no folder {_told(path.parent)}; make it first")
    if path.is_dir():
        raise RecordingError(f"{_told(path)} cannot be written: it is a folder; name a file in it")
    try:
        for remains in path.parent.glob(f".{path.name}.*.part"):  # of a writer that was killed
            remains.unlink(missing_ok=True)
        _written_beside(path, bytes(_ROOM_BYTES)).unlink()
    except OSError as error:
        raise _cannot_write(path, error) from error


def _written_beside(path: Path, content: bytes) -> Path:
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.chmod(0o644)  # mkstemp lets nobody else read
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return beside


def _cannot_write(path: Path, error: OSError) -> RecordingError:
    return RecordingError(f"{_told(path)} cannot be written: {error.strerror or type(error).__name__}")


def _told(path: Path | str) -> str:
    """Return a path as it may stand on a screen."""
    text = str(path)
    return text if text.isprintable() else ascii(text)
