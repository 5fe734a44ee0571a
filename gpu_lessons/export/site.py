"""All lessons as pages that link each other, with an index."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat
import vl_convert
from markupsafe import Markup

from gpu_lessons.export.figures import as_script
from gpu_lessons.export.lesson import Lesson, read_lesson
from gpu_lessons.export.links import INDEX, around, on_page
from gpu_lessons.export.prose import Prose
from gpu_lessons.export.teaching import plan_for
from gpu_lessons.export.templates import filled
from gpu_lessons.export.trouble import ExportError
from gpu_lessons.export.writing import write_pages
from gpu_lessons.hardware.course import course_root
from gpu_lessons.lessons.claims import CLAIMS
from gpu_lessons.lessons.guesses import CLOSE, FAR

__all__ = ["export_course"]

_ASSETS = Path(__file__).parent / "assets"
#: In this order: a script uses what those before it have defined.
_SCRIPTS = (
    *("course", "explorers", "tables", "products", "webgpu", "measure"),
    *("codes", "questions", "vote", "ratings", "lecture", "notes"),
)


def export_course(
    folder: Path, *, solutions: bool = False, shared: bool = False, root: Path | None = None
) -> list[str]:
    """Write every lesson as a page into ``folder`` and return the names of the files.

    Parameters
    ----------
    folder : Path
        It is made if there is none; an earlier export in it is replaced.
    solutions : bool
        Whether pages with the solutions are made as well, in ``solutions``.
    shared : bool
        Whether the pages share one file of Vega, one of scripts and one of styles, instead of holding them each.
    root : Path, optional
        The folder with ``notebooks`` and ``TEACHING.md``; what `course_root` returns otherwise.

    Raises
    ------
    ExportError
        If a lesson cannot be made into a page, or something cannot be written; then an earlier export is as it was.
    """
    root = course_root() if root is None else root
    lessons = root / "notebooks"
    sources = _sources(lessons, solutions=solutions)
    guide = _text(root / "TEACHING.md")
    pages: dict[str, bytes] = {}
    for name, source in sources.items():
        prose = Prose(partial(on_page, at=name, pages=sources))
        lesson = read_lesson(PurePosixPath(name).stem, _notebook(source), prose)
        pages[name] = _page(lesson, name, guide, around(name, list(sources)), shared=shared)
    pages[INDEX] = _index(_text(lessons / "README.md"), sources, shared=shared)
    if shared:
        pages |= {"vega.js": _vega().encode(), "page.js": _scripts().encode(), "page.css": _style().encode()}
    write_pages(folder, pages)
    return sorted(pages)


def _sources(notebooks: Path, *, solutions: bool) -> dict[str, Path]:
    """Return the notebook of each page, by the name of the page."""
    folders = ("", "solutions") if solutions else ("",)
    found = {
        (PurePosixPath(part) / f"{path.stem}.html").as_posix(): path
        for part in folders
        for pattern in ("[0-9][0-9]_*.ipynb", "glossary.ipynb")
        for path in sorted((notebooks / part).glob(pattern))
    }
    if not found:
        raise ExportError(f"there are no lessons in {notebooks}")
    return found


def _notebook(path: Path) -> dict[str, Any]:
    try:
        notebook: dict[str, Any] = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, nbformat.ValidationError) as error:
        raise ExportError(f"{path.name} cannot be read: {error}") from error
    return notebook


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ExportError(f"{path.name} cannot be read: {error.strerror}") from error


def _page(lesson: Lesson, name: str, guide: str, near: dict[str, str | None], *, shared: bool) -> bytes:
    plan = plan_for(lesson.name, guide)
    facts = {
        "lesson": lesson.name,
        "title": lesson.title,
        "claims": [claim.key for claim in CLAIMS],
        "close": CLOSE,
        "far": FAR,
        "sections": [
            {"title": each.title, "minutes": plan.minutes.get(each.title, 0), "note": plan.notes.get(each.title, "")}
            for each in lesson.sections
        ],
        "beside": plan.beside,
    }
    return filled(
        "page.html",
        lesson=lesson,
        near=near,
        facts=as_script(facts),
        up="../" * name.count("/"),
        is_solution="/" in name,
        **_assets(shared=shared, vega=lesson.has_charts),
    ).encode()


def _index(readme: str, sources: dict[str, Path], *, shared: bool) -> bytes:
    """Return the index: the map of the lessons in their README, and the pages that it does not name."""
    table = "\n".join(line for line in readme.splitlines() if line.startswith("|"))
    body = Prose(partial(on_page, at=INDEX, pages=sources)).html(table)
    rest = [name for name in sources if f'href="{name}"' not in body]
    return filled(
        "index.html", body=Markup(body), rest=rest, facts=as_script({}), up="", **_assets(shared=shared, vega=False)
    ).encode()


def _assets(*, shared: bool, vega: bool) -> dict[str, Any]:
    if shared:
        return {"shared": True, "vega": vega, "script": "", "style": ""}
    own = {"vega": _vega() if vega else "", "script": _scripts(), "style": _style()}
    return {"shared": False} | {name: Markup(text) for name, text in own.items()}


@cache
def _vega() -> str:
    """Return Vega, Vega-Lite and their embedding as one script, from the wheel: it needs no network."""
    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version="5.20")
    return f"(() => {{{bundle}}})();".replace("</script", "<\\/script").replace("<!--", "<\\!--")


@cache
def _scripts() -> str:
    return "\n".join((_ASSETS / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS)


@cache
def _style() -> str:
    return (_ASSETS / "page.css").read_text(encoding="utf-8")
