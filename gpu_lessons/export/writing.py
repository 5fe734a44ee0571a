"""Writing a folder of pages so that it is either the old export or the new one."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from gpu_lessons.export.trouble import ExportError

__all__ = ["other_files", "write_pages"]

#: In the folder of an export: the names of what the export has put there.
_LIST = ".gpu_lessons_pages.json"


def other_files(folder: Path) -> list[str]:
    """Return the files in ``folder`` that no export has put there.

    Raises
    ------
    ExportError
        If ``folder`` is no folder, or cannot be read.
    """
    if not os.path.lexists(folder):
        return []
    if not folder.is_dir():
        raise ExportError(f"{folder} is a file; name a folder for the pages")
    try:
        found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    except OSError as error:
        raise ExportError(f"{folder} cannot be read: {error.strerror}") from error
    return sorted(found - set(_written_before(folder)) - {_LIST})


def write_pages(folder: Path, pages: dict[str, bytes]) -> None:
    """Put ``pages``, by their names, into ``folder``; pages of an earlier export that are not among them are removed.

    Everything is written beside its place first, so that a full disk leaves the earlier export as it was.

    Raises
    ------
    ExportError
        If something cannot be written.
    """
    old = _written_before(folder)
    pages = pages | {_LIST: json.dumps(sorted(pages)).encode()}
    unfinished = {folder / name: (folder / name).with_name(f".{Path(name).name}.{os.getpid()}") for name in pages}
    try:
        for (target, beside), content in zip(unfinished.items(), pages.values(), strict=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(content)
        for target, beside in unfinished.items():
            beside.replace(target)
        for name in set(old) - set(pages):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise ExportError(f"the pages cannot be written: {error.filename}: {error.strerror}") from error
    finally:
        for beside in unfinished.values():
            with suppress(OSError):
                beside.unlink(missing_ok=True)


def _written_before(folder: Path) -> list[str]:
    """Return what an earlier export has put into ``folder``; a list that cannot be used counts as none."""
    try:
        names = json.loads((folder / _LIST).read_bytes())
    except (OSError, ValueError, RecursionError):
        return []
    return [name for name in names if _stays_inside(name)] if isinstance(names, list) else []


def _stays_inside(name: object) -> bool:
    return isinstance(name, str) and not Path(name).is_absolute() and ".." not in Path(name).parts
