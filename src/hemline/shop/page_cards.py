"""Articles as the page shows them: a picture, what it is, and why it is there."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import Markup

from hemline.serving.answers import Answers
from hemline.serving.article_table import Article
from hemline.serving.listed import Answer
from hemline.shop.garments.tile import Garment, tile
from hemline.shop.page_texts import Texts
from hemline.shop.page_words import Why, why_for_visitor, why_on_page


@dataclass(frozen=True)
class Card:
    """One article.

    Attributes:
        article: what it is.
        place: its id on the page: the list, and the position from 1.
        drawing: of it; empty where there is a picture.
        picture: address of its picture; empty where it is drawn.
        why: why it is listed, if it is.
        note: a word beside it.
    """

    article: Article
    place: str
    drawing: Markup = field(default_factory=Markup)
    picture: str = ""
    why: Why | None = None
    note: str = ""


@dataclass(frozen=True)
class CardList:
    """A list of articles under a heading; about is what the heading adds, as a sentence."""

    name: str
    title: str
    about: Why
    cards: tuple[Card, ...] = ()


class Cards:
    """Makes cards of the articles of one version."""

    def __init__(self, answers: Answers, texts: Texts, pictures: Path | None) -> None:
        self._articles = answers.articles
        self._texts = texts
        self._pictures = pictures

    def card(self, key: int, place: str, *, why: Why | None = None, note: str = "") -> Card:
        """Return one article."""
        article = self._articles.describe(key)
        file = picture_file(self._pictures, article.article_id)
        if file is not None:
            return Card(
                article, place, picture=f"/pictures/{article.article_id}.jpg", why=why, note=note
            )
        drawing = tile(garment_of(article), place)
        return Card(article, place, drawing=drawing, why=why, note=note)

    def for_visitor(
        self, answer: Answer, name: str, *, shared: Collection[int] = (), note: str = ""
    ) -> tuple[Card, ...]:
        """Return a visitor's list; articles that are shared with another list get the note."""
        return tuple(
            self.card(
                one.article,
                f"{name}-{number}",
                why=why_for_visitor(one.reason, self._articles, self._texts),
                note=note if one.article in shared else "",
            )
            for number, one in enumerate(answer.listed, start=1)
        )

    def on_page(self, answer: Answer, name: str) -> tuple[Card, ...]:
        """Return a list about one article."""
        return tuple(
            self.card(one.article, f"{name}-{number}", why=why_on_page(one.reason, self._texts))
            for number, one in enumerate(answer.listed, start=1)
        )

    def plain(self, keys: Sequence[int], name: str) -> tuple[Card, ...]:
        """Return articles without a reason."""
        return tuple(self.card(key, f"{name}-{n}") for n, key in enumerate(keys, start=1))

    def about(self, key: str, article: int) -> Why:
        """Return a sentence of the catalogue that names an article."""
        before, after = self._texts.around_article(key)
        return Why(before, self._articles.describe(article), after)


def garment_of(article: Article) -> Garment:
    """Return what is drawn of an article."""
    return Garment(
        article.article_id,
        article.product_code,
        article.product_type or article.name,  # what a hang tag says of an unknown type
        article.colour,
        article.pattern,
        f"{article.name} {article.department} {article.description}",
    )


def picture_file(pictures: Path | None, article_id: str) -> Path | None:
    """Return the picture of an article, or None where there is none; the id is of an article."""
    if pictures is None or not article_id.isalnum():
        return None
    file = pictures / f"{article_id}.jpg"
    return file if file.is_file() else None
