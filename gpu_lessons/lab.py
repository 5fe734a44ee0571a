"""Opening the course in JupyterLab: the repository's notebooks, or a copy of those in the wheel."""

from __future__ import annotations

import errno
import os
import shutil
import socket
from importlib.util import find_spec
from pathlib import Path

from gpu_lessons.hardware.course import course_root

__all__ = ["CannotOpenError", "copy_course", "course_folder", "jupyterlab_arguments", "open_course"]

_FIRST_PAGE = "00_start_here.ipynb"
_TAKEN_ALONG = ("*.ipynb", "README.md", "solutions/*.ipynb")
_LARGEST_PORT = 65535


class CannotOpenError(Exception):
    """Why the course does not open, in one sentence."""


def open_course(folder: Path | None, port: int | None, *, browser: bool) -> None:
    """Open the course in JupyterLab and return when JupyterLab ends.

    It listens on this machine only and asks for the random token that JupyterLab makes at every start.

    Parameters
    ----------
    folder : Path or None
        Where to put a copy of the course first; None opens the repository's own notebooks.
    port : int or None
        Port to listen on; None lets JupyterLab take the first free one from 8888.
    browser : bool
        Whether to open a browser as well as print the address.

    Raises
    ------
    CannotOpenError
        If JupyterLab is missing, the port cannot be used, or there is no folder to open.
    """
    if find_spec("jupyterlab") is None:
        raise CannotOpenError("JupyterLab is not installed; install it with: pip install jupyterlab")
    if port is not None:
        _require_free(port)
    arguments = jupyterlab_arguments(course_folder(folder), port, browser=browser)
    _start_jupyterlab(arguments)


def course_folder(folder: Path | None, root: Path | None = None) -> Path:
    """Return the folder of notebooks to open, after copying the course into ``folder`` if one is given.

    Parameters
    ----------
    folder : Path or None
        Where the learner wants the course.
    root : Path, optional
        What `course_root` returns; only tests pass another one.

    Raises
    ------
    CannotOpenError
        If ``folder`` cannot be written, or is None while the package was installed without its repository.
    """
    root = root or course_root()
    if folder is not None:
        copy_course(root / "notebooks", folder)
        return folder.resolve()
    if not (root / "pyproject.toml").is_file():
        raise CannotOpenError(
            "gpu-lessons was installed without its repository, so say where your copy of the course "
            "should go: gpu-lessons lab DIR"
        )
    return root / "notebooks"


def copy_course(notebooks: Path, folder: Path) -> list[Path]:
    """Copy lessons, solutions and the map into ``folder`` and return the files written.

    A file that is there already is left as it is: it may hold a learner's answers.

    Raises
    ------
    CannotOpenError
        If ``folder`` cannot be written.
    """
    written = []
    try:
        for source in [path for pattern in _TAKEN_ALONG for path in sorted(notebooks.glob(pattern))]:
            target = folder / source.relative_to(notebooks)
            if os.path.lexists(target):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            # A copy cut short must not look like a learner's file at the next start.
            unfinished = target.with_name(f".{target.name}.{os.getpid()}")
            try:
                shutil.copyfile(source, unfinished)
                unfinished.replace(target)
            finally:
                unfinished.unlink(missing_ok=True)
            written.append(target)
    except OSError as error:
        raise CannotOpenError(f"the course cannot be copied to {folder}: {error.strerror}") from error
    return written


def jupyterlab_arguments(notebooks: Path, port: int | None, *, browser: bool) -> list[str]:
    """Return the command-line arguments that open ``notebooks`` at the first lesson."""
    arguments = [
        f"--ServerApp.root_dir={notebooks}",
        "--ServerApp.ip=127.0.0.1",
        f"--LabApp.default_url=/lab/tree/{_FIRST_PAGE}",
    ]
    if port is not None:
        arguments += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if not browser:
        arguments.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")  # containers; JupyterLab refuses to start otherwise
    return arguments


def _start_jupyterlab(arguments: list[str]) -> None:
    """Run JupyterLab in this process, so that Ctrl-C and signals reach it directly."""
    from jupyterlab.labapp import LabApp

    LabApp.launch_instance(arguments)


def _require_free(port: int) -> None:
    if not 1 <= port <= _LARGEST_PORT:
        raise CannotOpenError(f"the port must be a number from 1 to {_LARGEST_PORT}, got {port}")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name == "posix":  # a port just left by another server counts as free, as it does for JupyterLab
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            why = "another program uses it" if error.errno == errno.EADDRINUSE else error.strerror
            raise CannotOpenError(f"port {port} cannot be used ({why}); choose another one with --port") from error
