"""Markdown of a lesson as HTML: headings that links reach, mathematics as MathML, code in colours."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pygments
from latex2mathml.converter import convert
from mistune import HTMLRenderer
from nbconvert.filters.markdown_mistune import MarkdownWithMath
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

__all__ = ["Prose", "highlighted", "in_sections"]

#: Takes where a link of a lesson leads, and returns where it leads on the page; None if there is no such page.
Rewrite = Callable[[str], str | None]

_ANCHOR = re.compile(r'<a href="([^"]*)">(.*?)</a>', re.DOTALL)


class Prose:
    """The text of one page.

    Parameters
    ----------
    rewrite : callable
        What a link becomes.
    """

    def __init__(self, rewrite: Rewrite) -> None:
        self._rewrite = rewrite
        self._markdown = MarkdownWithMath(renderer=_Renderer(self._link))

    def html(self, markdown: str) -> str:
        """Return ``markdown`` as HTML.

        Raises
        ------
        ValueError
            If a formula in it cannot be written as MathML.
        """
        return self.with_links(str(self._markdown(markdown)))

    def with_links(self, raw: str) -> str:
        """Return HTML, such as a cell has shown, with its links rewritten; one that leads nowhere becomes its words."""
        return _ANCHOR.sub(lambda found: self._link(found[2], html.unescape(found[1])), raw)

    def _link(self, words: str, url: str) -> str:
        target = self._rewrite(url)
        return words if target is None else f'<a class="link" href="{html.escape(target)}">{words}</a>'


class _Renderer(HTMLRenderer):
    def __init__(self, make_link: Callable[[str, str], str]) -> None:
        super().__init__(escape=False)
        self._make_link = make_link
        self._headings: dict[str, int] = {}

    def heading(self, text: str, level: int, **_: Any) -> str:  # noqa: ANN401
        # As JupyterLab names a heading, so that its links lead here too.
        name = html.unescape(re.sub(r"<[^>]*>", "", text)).strip().replace(" ", "-")
        self._headings[name] = number = self._headings.get(name, 0) + 1
        unique = name if number == 1 else f"{name}-{number}"
        return f'<h{level} id="{html.escape(unique)}">{text}</h{level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        return self._make_link(text, url)

    def block_code(self, code: str, info: str | None = None) -> str:
        return f'<pre class="code">{highlighted(code)}</pre>\n'

    def block_math(self, body: str) -> str:
        return f'<div class="formula" role="group" aria-label="Formula" tabindex="0">{_mathml(body, "block")}</div>\n'

    def inline_math(self, body: str) -> str:
        return _mathml(body, "inline")

    def latex_environment(self, name: str, body: str) -> str:
        return self.block_math(rf"\begin{{{name}}}{body}\end{{{name}}}")


def _mathml(formula: str, display: str) -> str:
    try:
        markup: str = convert(html.unescape(formula).strip(), display=display)
    except Exception as error:  # the library raises many kinds, none with a common ancestor
        raise ValueError(f'the formula "{formula.strip()}" cannot be written as MathML') from error
    if "\\" in markup:  # what it does not know it leaves as it was typed
        raise ValueError(f'the formula "{formula.strip()}" has a command that cannot be written as MathML')
    return markup


def highlighted(code: str) -> str:
    """Return Python code as HTML, with a class for each kind of word."""
    return str(pygments.highlight(code, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True))).rstrip("\n")


def in_sections(markdown: str) -> list[str]:
    """Return a text in parts, each but the first beginning with a heading of the second level."""
    parts: list[list[str]] = [[]]
    is_code = False
    for line in markdown.splitlines():
        is_code ^= line.lstrip().startswith("```")
        if line.startswith("## ") and not is_code:
            parts.append([])
        parts[-1].append(line)
    return [text for part in parts if (text := "\n".join(part).strip())]
