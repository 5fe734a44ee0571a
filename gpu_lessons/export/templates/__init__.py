"""The templates of the pages, and how one is filled."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

__all__ = ["filled"]


@cache
def _templates() -> Environment:
    loader = FileSystemLoader(Path(__file__).parent)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def filled(name: str, **values: object) -> Markup:
    """Return the template ``name`` with ``values`` in it; text among them is escaped, markup is not."""
    return Markup(_templates().get_template(name).render(values))
