"""Where the links of a lesson lead on its page, and which pages stand beside it."""

from __future__ import annotations

import re
from collections.abc import Container
from pathlib import PurePosixPath
from urllib.parse import unquote

__all__ = ["INDEX", "around", "on_page"]

INDEX = "index.html"


def on_page(url: str, at: str, pages: Container[str]) -> str | None:
    """Return where the link ``url`` of a lesson leads from the page ``at``; None if nothing is there."""
    if re.match(r"[a-z][a-z0-9+.-]*:", url, re.IGNORECASE):
        return url
    path, _, heading = url.partition("#")
    anchor = f"#{heading.removeprefix('heading=')}" if heading else ""
    if not path:
        return anchor
    target = PurePosixPath(unquote(path))
    if target.suffix == ".md":
        return f"{'../' * at.count('/')}{INDEX}" if target.stem == "README" else None
    page = target.with_suffix(".html")
    return f"{page}{anchor}" if target.suffix == ".ipynb" and _resolved(at, page) in pages else None


def _resolved(at: str, target: PurePosixPath) -> str:
    parts: list[str] = []
    for part in (*PurePosixPath(at).parent.parts, *target.parts):
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
    return "/".join(parts)


def around(name: str, names: list[str]) -> dict[str, str | None]:
    """Return the lessons before and after a page, where there are such pages beside it."""
    beside = [each for each in names if each.count("/") == name.count("/") and PurePosixPath(each).stem[:2].isdigit()]
    if name not in beside:
        return {"before": None, "after": None}
    pages = [None, *(PurePosixPath(each).name for each in beside), None]
    place = beside.index(name) + 1
    return {"before": pages[place - 1], "after": pages[place + 1]}
