"""Opening the learner's own copy of the course in JupyterLab."""

from __future__ import annotations

import errno
import os
import shutil
import socket
from importlib.util import find_spec
from pathlib import Path

from gpu_lessons.delivery import deliver
from gpu_lessons.hardware.course import ANSWERS, course_root, is_learners_folder, learners_folder
from gpu_lessons.jupyter import served_folder, unwritable_folders

__all__ = ["CannotOpenError", "fill_folder", "jupyterlab_arguments", "open_course", "usual_folder"]

_FIRST_PAGE = "00_start_here.ipynb"
_USUAL_NAME = "my_course"
_LARGEST_PORT = 65535


class CannotOpenError(Exception):
    """Why the course does not open, in one sentence."""


def open_course(folder: Path | None, port: int | None, *, browser: bool) -> None:
    """Open the learner's course in JupyterLab and return when JupyterLab ends.

    It listens on this machine only and asks for the random token that JupyterLab makes at every start.

    Parameters
    ----------
    folder : Path or None
        Where the learner wants the course; None for the `usual_folder`.
    port : int or None
        Port to listen on; None lets JupyterLab take the first free one from 8888.
    browser : bool
        Whether to open a browser as well as print the address.

    Raises
    ------
    CannotOpenError
        If JupyterLab is missing, the port cannot be used, or the folder cannot be filled.
    """
    if find_spec("jupyterlab") is None:
        raise CannotOpenError("JupyterLab is not installed; install it with: pip install jupyterlab")
    if (refused := unwritable_folders()) is not None:
        raise CannotOpenError(refused)
    if port is not None:
        _require_free(port)
    own, told = fill_folder(folder)
    print("\n".join([f"Your course is in {own}.", *told]), flush=True)
    _start_jupyterlab(jupyterlab_arguments(own, port, browser=browser))


def usual_folder(root: Path | None = None) -> Path:
    """Return the learner's folder where none is named.

    That is the one that the current folder lies in, else ``my_course``: in the clone of the repository if the course
    runs from one, else in the current folder.

    Parameters
    ----------
    root : Path, optional
        What `course_root` returns; only tests pass another one.
    """
    here = learners_folder()
    if here is not None and is_learners_folder(here):
        return here
    root = root or course_root()
    return (root if (root / "pyproject.toml").is_file() else Path()) / _USUAL_NAME


def fill_folder(folder: Path | None, root: Path | None = None, *, solutions: bool = True) -> tuple[Path, list[str]]:
    """Return the learner's folder, with the newest lessons in it, and what the learner should be told.

    Parameters
    ----------
    folder : Path or None
        Where the learner wants the course; None for the `usual_folder`.
    root : Path, optional
        What `course_root` returns; only tests pass another one.
    solutions : bool
        Whether the solutions are delivered too.

    Raises
    ------
    CannotOpenError
        If the folder cannot be written, or is the repository.
    """
    root = root or course_root()
    try:
        own = (folder or usual_folder(root)).resolve()
        if own == (root / "notebooks").resolve():  # a maintainer may well look at these
            return own, ["That is the course itself, not a copy: what you save there changes it."]
        if own == root.resolve():
            raise CannotOpenError(f"{own} is the repository; name a folder of your own, such as {own / _USUAL_NAME}")
        _bring_answers(root / "notebooks" / ANSWERS, own, is_usual=own == (root / _USUAL_NAME).resolve())
        return own, deliver(root / "notebooks", own, solutions=solutions)
    except OSError as error:
        raise CannotOpenError(
            f"the course cannot be copied to {folder or _USUAL_NAME}: {error.strerror}; name a folder that you can "
            "write to: gpu-lessons lab DIR"
        ) from error


def _bring_answers(earlier: Path, own: Path, *, is_usual: bool) -> None:
    """Take over the answers of those who worked in the clone's own notebooks before they had a folder."""
    if is_usual and earlier.is_file() and not os.path.lexists(own / ANSWERS):
        own.mkdir(exist_ok=True)
        shutil.copyfile(earlier, own / ANSWERS)


def jupyterlab_arguments(notebooks: Path, port: int | None, *, browser: bool) -> list[str]:
    """Return the command-line arguments that open ``notebooks`` at the first lesson."""
    arguments = [
        *served_folder(notebooks),
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
