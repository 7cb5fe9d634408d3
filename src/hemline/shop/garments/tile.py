"""A drawing of an article as SVG: deterministic, about 2 kB, without a script and without a file.

The type says what is drawn, the colour and the pattern how it is painted. What remains is decided by
the words of the article and by its product code, so articles of one product have one shape in
several colours. A tile belongs on a page that has `defs.svg.j2` once and `garments.css`.
"""

# ruff: noqa: E501  (path data is not broken)

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from markupsafe import Markup

from hemline.pages.rendering import render
from hemline.shop.garments.colours import hex_of, ink_on, is_dark
from hemline.shop.garments.drawing import Cut, Drawing, Layer
from hemline.shop.garments.fabric import Paints, Pattern
from hemline.shop.garments.objects import hang_tag
from hemline.shop.garments.patterns import IN_ONE_PLACE, pattern_of
from hemline.shop.garments.prints import emblem
from hemline.shop.garments.product_types import drawing_of

_TEMPLATE: Final = Path(__file__).with_name("tile.svg.j2")
_SMALL: Final = ("baby", "kids", "newborn", "young ", "girls ", "boys ")
_LINES: Final = 3
_LIGHT: Final = Layer("lit", "-")


@dataclass(frozen=True, slots=True)
class Garment:
    """What is drawn of an article: names as in the articles file; words are name, department, text."""

    article_id: str
    product_code: str
    product_type: str
    colour: str
    pattern: str
    words: str


@lru_cache(maxsize=4096)
def tile(garment: Garment, place: str = "") -> Markup:
    """Return the drawing of an article.

    Args:
        garment: what is drawn.
        place: where on the page; it keeps the ids of two drawings of one article apart.
    """
    cut = Cut(f"{garment.product_type} {garment.words}", garment.product_code)
    draw = drawing_of(garment.product_type)
    drawing = draw(cut)
    colour = hex_of(garment.colour)
    pattern, print_layers = _painted(garment, drawing, colour, cut)
    name = "".join(sign for sign in place + garment.article_id if sign.isascii() and sign.isalnum())
    text = render(
        _TEMPLATE,
        name=name,
        colour=colour,
        ink=ink_on(colour),
        is_dark=is_dark(colour),
        drawing=drawing,
        behind=_merged(drawing.behind),
        front=_merged(print_layers + (_LIGHT,) * bool(drawing.fabric) + drawing.front),
        pattern=pattern,
        is_small=cut.says(*_SMALL),
        written=garment.product_type.split()[:_LINES] if draw is hang_tag else [],
    )
    return Markup(text)  # noqa: S704  (a template has escaped it)


def _merged(layers: tuple[Layer, ...]) -> list[Layer]:
    """Return the layers with neighbours of one look as one path."""
    merged: list[Layer] = []
    for one in layers:
        if merged and one.look == merged[-1].look != "plain":
            merged[-1] = Layer(one.look, merged[-1].path + one.path)
        elif one.path:
            merged.append(one)
    return merged


def _painted(
    garment: Garment, drawing: Drawing, colour: str, cut: Cut
) -> tuple[Pattern | None, tuple[Layer, ...]]:
    """Return the pattern of the fabric, or the layers of a print in one place."""
    if not drawing.fabric:
        return None, ()
    paints = Paints.of(colour, cut.pick(*range(5)))
    if garment.pattern in IN_ONE_PLACE and drawing.emblem is not None:
        return None, emblem(paints, cut, drawing.emblem)
    return pattern_of(garment.pattern, paints, cut), ()
