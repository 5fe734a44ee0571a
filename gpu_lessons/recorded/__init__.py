"""Files of the course: measurements of a named machine on a named day, and the digits that networks learn."""

from gpu_lessons.recorded.files import (
    load_recording,
    only_writer,
    read_recording,
    recording_files,
    recordings,
    recordings_folder,
    require_room,
    write_recording,
)
from gpu_lessons.recorded.handwriting import Digits, digits
from gpu_lessons.recorded.published import Published, published
from gpu_lessons.recorded.schema import Recording, RecordingError

__all__ = [
    "Digits",
    "Published",
    "Recording",
    "RecordingError",
    "digits",
    "load_recording",
    "only_writer",
    "published",
    "read_recording",
    "recording_files",
    "recordings",
    "recordings_folder",
    "require_room",
    "write_recording",
]
