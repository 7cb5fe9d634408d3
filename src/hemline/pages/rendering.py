"""Pages from templates: one layout, one style sheet, no script, nothing fetched from anywhere.

A template lies beside the module that fills it and extends layout.html.j2, which lies here. Jinja
escapes whatever enters a page, and refuses a template that uses a name it was not given. The style
sheet is part of every page, so a page is one file. The price: 6 kB of it in each.
"""

from functools import cache
from numbers import Number
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from hemline.errors import printable
from hemline.files import write_text
from hemline.pages.escaping import escape_markdown

_SHARED: Final = Path(__file__).parent


def write_page(path: Path, template: Path, **context: Any) -> None:
    """Write a page; a reader never sees half of one.

    Args:
        path: the html file; its folder is made where it is missing.
        template: file of the template.
        context: by name, what the template shows.
    """
    write_text(path, render(template, **context))


def render(template: Path, **context: Any) -> str:
    """Return a page; the same context gives the same bytes."""
    return _environment(template.parent).get_template(template.name).render(context)


@cache
def _environment(folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader([folder, _SHARED]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    environment.filters["markdown"] = _in_markdown
    environment.tests["web_address"] = _is_web_address
    return environment


def _number(value: Any, form: str) -> str:
    """Return a number as text; a missing one, however it was stored, is empty.

    >>> _number(1234.5, ",.0f"), _number(float("nan"), ".3f"), _number(None, ".3f")
    ('1,234', '', '')
    """
    is_known = isinstance(value, Number) and value == value  # noqa: PLR0124  (NaN differs from itself)
    return format(value, form) if is_known else ""


def _in_markdown(text: str) -> Markup:
    return Markup(escape_markdown(text))  # noqa: S704  (escaped there, < and & too)


def _visible(value: Any) -> Any:
    """Return what a template shows; of text, signs in place of characters that act."""
    if isinstance(value, Markup):
        return value
    return printable(value) if isinstance(value, str) else value


def _is_web_address(address: str) -> bool:
    """Return whether a link may lead there; a browser would run some addresses as code.

    >>> _is_web_address("../index.html"), _is_web_address("javascript:alert(1)")
    (True, False)
    """
    return ":" not in address or address.partition(":")[0] in {"http", "https"}
