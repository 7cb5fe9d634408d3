"""Markdown as HTML for our pages: the runbook, the scores, the table of a replay.

HTML inside the markdown is shown as text, a link that the caller does not know becomes plain text,
and nothing is loaded from another host. Headings get the ids that GitHub gives them, so a link to
a section works in both places.
"""

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

Place = Callable[[str], str | None]
"""Returns where a link of the markdown leads from the page; None: nowhere, so it is no link."""

_NOT_IN_IDS: Final = re.compile(r"[^\w\- ]")
_TABLE: Final = '<div class="scroll" role="region" aria-label="Table" tabindex="0"><table>\n'


@dataclass(frozen=True)
class MarkdownPage:
    """A markdown file as a page shows it.

    Attributes:
        title: its first heading of level 1, which is left out of the body; empty without one.
        body: the rest as HTML.
    """

    title: str
    body: Markup


def read_markdown(text: str, place: Place) -> MarkdownPage:
    """Return markdown as HTML.

    Args:
        text: the markdown (CommonMark with tables).
        place: where links and pictures are.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("table_open", _open_table)
    parser.add_render_rule("table_close", _close_table)
    tokens = parser.parse(text)
    title, tokens = _without_title(tokens)
    _name_headings(tokens)
    for token in tokens:
        _align_by_class(token)
        if token.children is not None:
            token.children = list(_placed(token.children, place))
    return MarkdownPage(title, Markup(parser.renderer.render(tokens, parser.options, {})))  # noqa: S704  (markdown-it escapes; html is off)


def _without_title(tokens: list[Token]) -> tuple[str, list[Token]]:
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        return tokens[1].content, tokens[3:]
    return "", tokens


def _name_headings(tokens: Sequence[Token]) -> None:
    """Give every heading the id that GitHub would."""
    seen: Counter[str] = Counter()
    for opening, content in itertools.pairwise(tokens):
        if opening.type == "heading_open":
            name = heading_id(content.content)
            opening.attrSet("id", f"{name}-{seen[name]}" if seen[name] else name)
            seen[name] += 1


def heading_id(heading: str) -> str:
    """Return the id of a heading.

    >>> heading_id("Lineage: what made a version, and how to `repeat` it")
    'lineage-what-made-a-version-and-how-to-repeat-it'
    """
    return _NOT_IN_IDS.sub("", heading.lower()).replace(" ", "-")


def _align_by_class(token: Token) -> None:
    """Put our class in place of the style attribute of a column of numbers."""
    style = token.attrs.pop("style", None)
    if style == "text-align:right":
        token.attrSet("class", "n")


def _placed(children: Sequence[Token], place: Place) -> Iterator[Token]:
    """Yield the parts of a line; links that lead nowhere lose their ends, pictures become words."""
    is_open = True
    for child in children:
        if child.type == "link_open":
            address = place(str(child.attrs["href"]))
            is_open = address is not None
            if address is not None:
                child.attrSet("href", address)
                yield child
        elif child.type == "link_close":
            if is_open:
                yield child
        elif child.type == "image":
            yield _picture(child, place)
        else:
            yield child


def _picture(image: Token, place: Place) -> Token:
    address = place(str(image.attrs["src"]))
    if address is None or ":" in address:  # nothing is loaded from elsewhere
        return Token("text", "", 0, content=image.content)
    image.attrSet("src", address)
    return image


def _open_table(*_: Any) -> str:
    return _TABLE


def _close_table(*_: Any) -> str:
    return "</table></div>\n"
