"""Why an article is listed: an association that can be checked, never a cause or a trait.

A reason refers to an article of the visitor's own where one is related, else to what many buy. Of
the reasons that hold for an article, the one is given whose subject was named least in this list so
far, so that twelve articles do not refer to the same pair of jeans; then by the order of `KINDS`.
Articles of discreet groups are never referred to, nor described as bought before.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from hemline.kernels.lists import NO_ARTICLE
from hemline.models.neighbours import Neighbours

ReasonKind = Literal[
    "bought_before",
    "same_product",
    "bought_together",
    "similar_text",
    "popular_with_group",
    "like_yours",
    "popular",
]
KINDS: Final[tuple[ReasonKind, ...]] = get_args(ReasonKind)
"""From the most to the least specific."""

_LIKE_YOURS: Final = ("cvae", "als", "item_knn", "rp3beta", "ease", "new_articles")


@dataclass(frozen=True)
class Reason:
    """An association, never a cause, never an inferred trait.

    Attributes:
        kind: "bought_together": customers bought both; "similar_text": the descriptions are alike;
            "same_product": another variant of it; "bought_before": this very article;
            "popular_with_group": among the articles that the visitor's group buys most;
            "like_yours": customers with similar purchases bought it; "popular": many buy it.
        article: the visitor's own article that it refers to, or the article whose page it is.
        count: of customers who bought both.
    """

    kind: ReasonKind
    article: int | None = None
    count: int | None = None


@dataclass(frozen=True)
class Relations:
    """What relates two articles of a version.

    Attributes:
        products: int32 of shape (articles,), equal where the product code is equal.
        together: int32 of shape (articles, neighbours), what the same customers bought.
        support: int32 of the same shape, how many.
        alike: the nearest by text.
        min_support: fewer common buyers are no reason.
    """

    products: npt.NDArray[np.int32]
    together: npt.NDArray[np.int32]
    support: npt.NDArray[np.int32]
    alike: Neighbours
    min_support: int


def assign_reasons(
    listed: npt.NDArray[np.int32],
    sources: list[str],
    own: npt.NDArray[np.int32],
    relations: Relations,
    popular_with_group: frozenset[int],
) -> list[Reason]:
    """Return a reason for each listed article.

    Args:
        listed: article keys.
        sources: of each, which model listed it.
        own: article keys that may be referred to, latest first.
        relations: of the version's articles.
        popular_with_group: keys of the articles that the visitor's group buys most.
    """
    related = _related(listed, own, relations)
    named: Counter[int | str] = Counter()
    reasons = []
    for place, (article, source) in enumerate(zip(listed.tolist(), sources, strict=True)):
        possible = [
            *related.get(place, ()),
            *_general(source, is_popular=article in popular_with_group, has_bought=len(own) > 0),
        ]
        if not possible:
            possible.append(Reason("like_yours" if len(own) else "popular_with_group"))
        chosen = min(
            possible,
            key=lambda reason: (named[_subject(reason)], KINDS.index(reason.kind)),
        )
        named[_subject(chosen)] += chosen.kind != "bought_before"
        reasons.append(chosen)
    return reasons


def _subject(reason: Reason) -> int | str:
    return reason.kind if reason.article is None else reason.article


def _related(
    listed: npt.NDArray[np.int32], own: npt.NDArray[np.int32], relations: Relations
) -> Mapping[int, list[Reason]]:
    """Return, by place in the list, the reasons that refer to an own article, latest first."""
    found: dict[int, list[Reason]] = {}
    for place, reason in _pairs(listed, own, relations):
        found.setdefault(place, []).append(reason)
    return found


def _pairs(
    listed: npt.NDArray[np.int32], own: npt.NDArray[np.int32], relations: Relations
) -> Iterator[tuple[int, Reason]]:
    for place, which in np.argwhere(listed[:, None] == own).tolist():
        yield place, Reason("bought_before", int(own[which]))
    same = relations.products[listed][:, None] == relations.products[own]
    for place, which in np.argwhere(same & (listed[:, None] != own)).tolist():
        yield place, Reason("same_product", int(own[which]))
    together, support = relations.together[own], relations.support[own]
    together = np.where(support >= relations.min_support, together, NO_ARTICLE)
    for place, which, rank in np.argwhere(listed[:, None, None] == together).tolist():
        yield place, Reason("bought_together", int(own[which]), int(support[which, rank]))
    alike = relations.alike.around(own)[0]
    for place, which, _ in np.argwhere(listed[:, None, None] == alike).tolist():
        yield place, Reason("similar_text", int(own[which]))


def _general(source: str, *, is_popular: bool, has_bought: bool) -> Iterator[Reason]:
    """Yield the reasons that refer to no article."""
    if is_popular:
        yield Reason("popular_with_group")
    if has_bought and any(name in source for name in _LIKE_YOURS):
        yield Reason("like_yours")
    if "popularity" in source:
        yield Reason("popular")


_WORDS: Final[Mapping[ReasonKind, str]] = {
    "bought_before": "bought before",
    "same_product": "another variant of {name}",
    "bought_together": "often bought with {name}",
    "similar_text": "similar to {name}",
    "popular_with_group": "popular with customers like you",
    "like_yours": "bought by customers with similar purchases",
    "popular": "popular now",
}


def in_words(reason: Reason, name: str) -> str:
    """Return a reason in words.

    >>> in_words(Reason("bought_together", 7, 12), "Dorothy jeans")
    'often bought with Dorothy jeans'

    Args:
        reason: why an article is listed.
        name: of the article that the reason refers to.
    """
    return _WORDS[reason.kind].format(name=name)
