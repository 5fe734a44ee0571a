"""The commands about the course as files: open a learner's folder, say how far they are, begin anew, export pages."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from gpu_lessons.hardware.course import ANSWERS
from gpu_lessons.lab import CannotOpenError, fill_folder, open_course, usual_folder
from gpu_lessons.terminal import UserError, say

__all__ = ["add_course_commands"]


def add_course_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add all of them; what they run raises `UserError` for a user's mistake."""
    lab = commands.add_parser(
        "lab",
        help="open your own copy of the course in JupyterLab",
        description="Open your own copy of the course in JupyterLab. New lessons are added and those that you have not "
        "touched are brought up to date; what you have worked in is left as it is.",
    )
    _add_folder(lab)
    lab.add_argument("--no-browser", action="store_true", help="print the address only")
    lab.add_argument("--port", type=int, help="port to listen on (default: the first free one from 8888)")
    lab.set_defaults(run=_lab)
    deliver = commands.add_parser(
        "deliver",
        help="put the newest lessons into a learner's folder, without opening it",
        description="Put the newest lessons into a learner's folder, as lab does, without opening it: for a server, or "
        "to hand the course out.",
    )
    deliver.add_argument("folder", metavar="DIR", type=Path, help="the learner's folder; it is made if there is none")
    deliver.add_argument("--no-solutions", action="store_true", help="leave the solutions out")
    deliver.set_defaults(run=_deliver)
    progress = commands.add_parser("progress", help="say which lessons, predictions and exercises are done")
    _add_folder(progress)
    progress.set_defaults(run=_progress)
    reset = commands.add_parser(
        "reset",
        help="begin the course anew; the old answers are kept",
        description="Begin the course anew: your answers are put aside, under a name with the date. The lessons stay; "
        "one that you delete comes back as it ships at the next start.",
    )
    _add_folder(reset)
    reset.add_argument("--yes", action="store_true", help="do not ask")
    reset.set_defaults(run=_reset)
    export = commands.add_parser(
        "export",
        help="write the lessons as pages that need neither Jupyter nor a network",
        description="Write every lesson as a page of its own into DIR, its sliders alive, with an index and a lecture "
        "view. The pages need no server, no kernel and no network.",
    )
    export.add_argument("folder", metavar="DIR", type=Path, help="folder for the pages; an earlier export is replaced")
    export.add_argument("--solutions", action="store_true", help="pages with the solutions as well")
    export.add_argument("--shared", action="store_true", help="one copy of Vega for all pages instead of one in each")
    export.add_argument("--force", action="store_true", help="do not ask where DIR holds other files; they stay")
    export.set_defaults(run=_export)


def _add_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", metavar="DIR", nargs="?", type=Path,
        help="your folder (default: the one you are in, else my_course in a clone of the repository or here)",
    )  # fmt: skip


def _lab(options: argparse.Namespace) -> int:
    try:
        open_course(options.folder, options.port, browser=not options.no_browser)
    except CannotOpenError as error:
        raise UserError(str(error)) from error
    return 0


def _deliver(options: argparse.Namespace) -> int:
    try:
        own, told = fill_folder(options.folder, solutions=not options.no_solutions)
    except CannotOpenError as error:
        raise UserError(str(error)) from error
    say("\n".join([f"The course is in {own}.", *told]))
    return 0


def _progress(options: argparse.Namespace) -> int:
    from gpu_lessons.lessons.my_progress import my_progress

    say(str(my_progress(_existing(options.folder))))
    return 0


def _reset(options: argparse.Namespace) -> int:
    from gpu_lessons.lessons.progress import put_aside

    answers = _existing(options.folder) / ANSWERS
    if not answers.exists():
        say(f"There are no answers in {answers.parent}, so there is nothing to put aside.")
        return 0
    if not options.yes and not _agreed(f"Put your answers in {answers} aside and begin anew? [y/N] "):
        say("Nothing was changed.")
        return 0
    try:
        say(f"Your old answers are now in {put_aside(answers)}.")
    except OSError as error:
        raise UserError(f"{answers} cannot be put aside: {error.strerror}") from error
    return 0


def _export(options: argparse.Namespace) -> int:
    from gpu_lessons.export import ExportError, export_course, other_files

    folder: Path = options.folder
    try:
        others = other_files(folder)
        if others and not options.force:
            held = f"{folder} holds other files, such as {others[0]}"
            if not _agreed(f"{held}. Write the pages beside them? [y/N] "):
                raise UserError(f"{held}; name another folder or add --force")
        names = export_course(folder, solutions=options.solutions, shared=options.shared)
    except ExportError as error:
        raise UserError(str(error)) from error
    pages = [name for name in names if name.endswith(".html")]
    say(f"{len(pages)} pages in {folder}; open {folder / 'index.html'}")
    return 0


def _existing(folder: Path | None) -> Path:
    own = usual_folder() if folder is None else folder
    if not own.is_dir():
        raise UserError(f"there is no course in {own}; gpu-lessons lab makes one")
    return own


def _agreed(question: str) -> bool:
    try:
        return input(question).strip().lower() in ("y", "yes")
    except EOFError:  # nobody is there to ask
        say("")
        return False
