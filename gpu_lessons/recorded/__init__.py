"""Recordings: measurements of a named machine on a named day, in files that can be shown anywhere."""

from gpu_lessons.recorded.files import (
    load_recording,
    only_writer,
    read_recording,
    recordings,
    recordings_folder,
    require_room,
    write_recording,
)
from gpu_lessons.recorded.schema import Recording, RecordingError

__all__ = [
    "Recording",
    "RecordingError",
    "load_recording",
    "only_writer",
    "read_recording",
    "recordings",
    "recordings_folder",
    "require_room",
    "write_recording",
]
