"""Files of the course: measurements of a named machine on a named day, prices, and the digits that networks learn."""

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
from gpu_lessons.recorded.prices import Offer, copy_prices, prices
from gpu_lessons.recorded.published import Published, published
from gpu_lessons.recorded.schema import Recording, RecordingError
from gpu_lessons.recorded.trainings import Training, trainings

__all__ = [
    "Digits",
    "Offer",
    "Published",
    "Recording",
    "RecordingError",
    "Training",
    "copy_prices",
    "digits",
    "load_recording",
    "only_writer",
    "prices",
    "published",
    "read_recording",
    "recording_files",
    "recordings",
    "recordings_folder",
    "require_room",
    "trainings",
    "write_recording",
]
