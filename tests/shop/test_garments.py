"""Drawings of articles: one for every product type, small, deterministic, harmless."""

import re
import xml.etree.ElementTree as ET
from itertools import product
from typing import Final

import pytest

from hemline.shop.garments.colours import HEX, hex_of, ink_on
from hemline.shop.garments.objects import hang_tag
from hemline.shop.garments.patterns import APPEARANCES
from hemline.shop.garments.product_types import DRAWINGS, drawing_of
from hemline.shop.garments.tile import Garment, tile

MOST_BYTES: Final = 3000
WORDS: Final = ("", "lace flower bead button straw kids v-neck long sleeves")


def garment(**changes: str) -> Garment:
    usual = {
        "article_id": "0123456001",
        "product_code": "0123456",
        "product_type": "T-shirt",
        "colour": "Dark Blue",
        "pattern": "Solid",
        "words": "",
    }
    return Garment(**usual | changes)


def is_an_svg(drawn: str) -> bool:
    return ET.fromstring(drawn).tag == "svg"  # noqa: S314  (our own drawing)


def shape_of(drawn: str) -> list[str]:
    return re.findall(r' d="([^"]+)"', drawn)


def test_every_product_type_and_colour_of_the_data_set_has_an_entry() -> None:
    assert len(DRAWINGS) == 131
    assert len(HEX) == 50
    assert len(APPEARANCES) == 30
    without_shape = {name for name, draw in DRAWINGS.items() if draw is hang_tag}
    assert without_shape == {"Other accessories", "Accessories set", "Unknown"}


@pytest.mark.parametrize("product_type", sorted(DRAWINGS))
def test_every_drawing_is_well_formed_and_small(product_type: str) -> None:
    for number, (pattern, words) in enumerate(product(sorted(APPEARANCES), WORDS)):
        code = f"{number * 7919:07d}"
        drawn = tile(
            garment(product_type=product_type, product_code=code, pattern=pattern, words=words)
        )
        assert len(drawn.encode()) <= MOST_BYTES
        assert is_an_svg(drawn)
        assert "nan" not in drawn
        assert "style=" not in drawn


def test_the_same_article_is_drawn_with_the_same_bytes() -> None:
    first = tile(garment(pattern="Stripe"))
    tile.cache_clear()
    assert tile(garment(pattern="Stripe")) == first


def test_articles_of_one_product_have_one_shape_in_their_own_colours() -> None:
    red, blue = (tile(garment(colour=name, article_id=name)) for name in ("Red", "Blue"))
    assert shape_of(red) == shape_of(blue)
    assert hex_of("Red") in red
    assert hex_of("Blue") in blue


def test_products_of_one_type_differ() -> None:
    shapes = {
        str(shape_of(tile(garment(product_type="Top", product_code=str(n))))) for n in range(40)
    }
    assert len(shapes) >= 10


def test_the_text_decides_the_shape() -> None:
    long, short = (
        {str(shape_of(tile(garment(words=words, product_code=str(n))))) for n in range(20)}
        for words in ("long sleeves", "short sleeves")
    )
    assert not long & short


def test_a_type_that_is_not_known_gets_a_tag_with_its_name_and_no_markup() -> None:
    drawn = tile(garment(product_type="<script>alert(1)</script> & more", article_id='"><b>'))
    assert drawing_of("<script>alert(1)</script> & more") is hang_tag
    assert "<script" not in drawn
    assert "&lt;script&" in drawn
    assert is_an_svg(drawn)


def test_the_ids_of_two_drawings_of_one_article_differ_by_place() -> None:
    ids = [set(re.findall(r'id="(\w+)"', tile(garment(pattern="Dot"), place))) for place in "ab"]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_lines_on_black_are_light_and_lines_on_white_are_dark() -> None:
    assert ink_on(hex_of("Black")) > "#80"
    assert ink_on(hex_of("White")) < "#80"


def test_a_long_word_stays_on_its_tag() -> None:
    drawn = tile(garment(product_type="RETROSPOT TEA"))
    assert 'textLength="60" lengthAdjust="spacingAndGlyphs">RETROSPOT<' in drawn
    assert re.search(r'y="\d+">TEA<', drawn)
