"""The handwritten digits that networks of the course learn: 1,797 real ones, shipped with it."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from gpu_lessons.hardware.course import course_root

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Digits", "digits"]

_FILE = "digits.npz"
_MOST_INK = 16
_MOST_IMAGES, _MOST_BYTES = 10_000, 2**20


@dataclass(frozen=True, slots=True)
class Digits:
    """Images of 8 x 8 pixels, and which digit each shows; every image is in one of two parts, always the same.

    Attributes
    ----------
    train_images, test_images : array of float32, shapes (1437, 8, 8) and (360, 8, 8)
        Ink of each pixel, from 0 to 1. Learn from the first part, and judge by the second, which was never seen.
    train_labels, test_labels : array of int64, shapes (1437,) and (360,)
        The digit, 0 to 9.
    """

    train_images: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.float32]
    test_labels: NDArray[np.int64]

    def __str__(self) -> str:
        return (
            f"{len(self.train_labels):,} handwritten digits to learn from and {len(self.test_labels):,} to test on, "
            "8 x 8 pixels each (Alpaydin and Kaynak 1998, UCI Machine Learning Repository)"
        )


def digits(folder: Path | None = None) -> Digits:
    """Return handwritten digits, as NumPy arrays.

    Parameters
    ----------
    folder : Path, optional
        Where digits.npz lies, if not in the data of the course.

    Raises
    ------
    FileNotFoundError
        If the file is missing; one sentence with what to do.
    ValueError
        If it is damaged; one sentence with what to do.

    Examples
    --------
    >>> data = digits()
    >>> data.train_images.shape, data.test_images.shape
    ((1437, 8, 8), (360, 8, 8))
    """
    path = (course_root() / "data" if folder is None else folder) / _FILE
    again = "install gpu-lessons again, or get data/digits.npz from its repository"
    if not path.is_file():
        raise FileNotFoundError(f"the handwritten digits are missing: there is no {path}; {again}")
    try:
        return _read(path)
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"the handwritten digits are damaged: {path}: {reason[:200]}; {again}") from error


def _read(path: Path) -> Digits:
    import numpy as np

    names = [each.name for each in fields(Digits)]
    _require_small(path, names)
    with np.load(path, allow_pickle=False) as file:  # a file may hold code only if it is pickled
        arrays = {name: np.asarray(file[name]) for name in names}
    for part in ("train", "test"):
        images, labels = arrays[f"{part}_images"], arrays[f"{part}_labels"]
        count = len(labels) if labels.ndim == 1 else 0
        if not 0 < count <= _MOST_IMAGES or images.shape != (count, 8, 8):
            raise ValueError(f"{part}_images must be images of 8 x 8 pixels, with a label for each")
        if images.dtype != np.uint8 or labels.dtype != np.uint8 or images.max() > _MOST_INK or labels.max() > 9:
            raise ValueError(f"{part}_images must hold ink from 0 to {_MOST_INK}, and {part}_labels digits from 0 to 9")
        arrays[f"{part}_images"] = images.astype(np.float32) / np.float32(_MOST_INK)
        arrays[f"{part}_labels"] = labels.astype(np.int64)
    return Digits(**arrays)


def _require_small(path: Path, names: list[str]) -> None:
    """Refuse a file that would unpack into more than a few megabytes, before anything is unpacked."""
    with zipfile.ZipFile(path) as archive:
        sizes = {info.filename.removesuffix(".npy"): info.file_size for info in archive.infolist()}
    for name in names:
        if name not in sizes:
            raise ValueError(f"it holds no {name}")
        if sizes[name] > _MOST_BYTES:
            raise ValueError(f"{name} would take {sizes[name]:,} bytes")
