"""An answer: the articles of a list, the model that listed each, and why."""

from dataclasses import dataclass

from hemline.serving.reasons import Reason


@dataclass(frozen=True)
class Listed:
    """One article of a list.

    Attributes:
        article: its key.
        source: the model that listed it.
        reason: why it is listed.
        similarity: to the article beside which it is listed, 0 to 1: the cosine of both texts, or
            of the buyers of both; None elsewhere, and for the neighbour of a neighbour.
        propensity: with which it was drawn for its place, where the shop explores; None elsewhere.
    """

    article: int
    source: str
    reason: Reason
    similarity: float | None = None
    propensity: float | None = None


@dataclass(frozen=True)
class Answer:
    """A list, and the model that listed its first article; "none" for an empty list."""

    listed: tuple[Listed, ...]
    model: str


def answer_of(listed: tuple[Listed, ...]) -> Answer:
    """Return the answer that consists of these articles.

    >>> answer_of((Listed(7, "rank (als, cvae)", Reason("like_yours")),)).model
    'rank'
    """
    return Answer(listed, listed[0].source.partition(" (")[0] if listed else "none")
