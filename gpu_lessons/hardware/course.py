"""Where the course lies: inside an installed wheel, or in the repository that holds the package."""

from __future__ import annotations

from pathlib import Path

__all__ = ["course_root"]

_PACKAGE = Path(__file__).resolve().parent.parent


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
