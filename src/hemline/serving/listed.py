"""An answer: the articles of a list, the model that listed each, and why."""

from dataclasses import dataclass

from hemline.serving.reasons import Reason


@dataclass(frozen=True)
class Listed:
    """One article of a list, the model that listed it, and why."""

    article: int
    source: str
    reason: Reason


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
