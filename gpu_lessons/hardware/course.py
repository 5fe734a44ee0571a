"""Where the course lies, inside an installed wheel or in the repository, and where a learner works in a copy of it."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["ANSWERS", "DELIVERED", "RECORDINGS", "course_root", "is_learners_folder", "learners_folder"]

_PACKAGE = Path(__file__).resolve().parent.parent

#: What lies in a learner's folder beside the lessons: their answers, their recordings, and a hidden list of what the
#: course has put there.
ANSWERS, RECORDINGS, DELIVERED = "my_course.json", "recordings", ".gpu_lessons.json"


def course_root(package: Path = _PACKAGE) -> Path:
    """Return the folder that holds ``data/machines`` and ``notebooks``.

    Parameters
    ----------
    package : Path
        The folder of the ``gpu_lessons`` package; only tests pass another one.

    Raises
    ------
    FileNotFoundError
        If neither the wheel nor the repository layout is there.

    Examples
    --------
    >>> (course_root() / "data" / "machines" / "nvidia-t4.toml").is_file()
    True
    """
    for folder in (package / "course", package.parent):
        if (folder / "data" / "machines").is_dir():
            return folder
    raise FileNotFoundError(
        f"the course files are missing: no data/machines in {package / 'course'} or {package.parent}; "
        "install gpu-lessons again or run from its repository"
    )


def is_learners_folder(folder: Path) -> bool:
    """Return whether the course has put lessons for a learner into ``folder``."""
    return os.path.lexists(folder / DELIVERED)  # unlike Path.exists, never an error


def learners_folder(start: Path | None = None) -> Path | None:
    """Return the learner's folder that ``start`` is or lies in, or None.

    It is known by what lies in it: the list of what was delivered, or answers. A lesson in it may be renamed, copied
    or moved into a folder of its own. A folder that only holds lessons counts too: they were copied by hand.

    Parameters
    ----------
    start : Path, optional
        The current folder if it is not given.
    """
    try:
        start = Path.cwd() if start is None else start.absolute()
    except FileNotFoundError:  # the current folder was removed
        return None
    for folder in (start, *start.parents):
        if is_learners_folder(folder) or os.path.lexists(folder / ANSWERS):
            return folder
    return start if any(start.glob("[0-9][0-9]_*.ipynb")) else None
