"""Lists of an interleaving experiment: drafted from two versions, with who added each article.

The coins of a draft are a hash of experiment, day and visitor, so all workers draft alike. Articles
are those of the later version, which knows more of them; what it does not know is left out of
the other's ranking. A list that cannot be recorded is not drafted: it is the later version's own,
and nobody gets credit for what it sells.
"""

from dataclasses import dataclass, replace
from datetime import date
from hashlib import blake2b
from typing import Final

import numpy as np

from hemline.clock import now
from hemline.errors import BadInput
from hemline.experiments.assignment import CONTROL, TREATMENT, place_of
from hemline.experiments.interleaving import INTERLEAVING, interleave
from hemline.serving.answers import Answers
from hemline.serving.listed import Answer, Listed, answer_of
from hemline.shop.event_log import ShopEvent

_SEEDS: Final = 2**53


@dataclass(frozen=True)
class Draft:
    """A list and the event that says who added which article."""

    answer: Answer
    event: ShopEvent


def drafted_list(
    lists: tuple[Answer, Answer],
    versions: tuple[Answers, Answers],
    *,
    is_own_treatment: bool,
    experiment: str,
    visitor: str,
    day: date,
    k: int,
) -> Draft:
    """Return the list of a visitor, in the keys of the first version.

    Args:
        lists: of both versions, each in its own keys.
        versions: whose they are.
        is_own_treatment: whether the first one is the treatment.
        experiment: its name.
        visitor: name of the visitor.
        day: of the shop's clock.
        k: length of the list, at most.
    """
    own, other = versions
    first = {one.article: one for one in lists[0].listed}
    second = {
        one.article: one
        for each in lists[1].listed
        if (one := _in_keys_of(each, other, own)) is not None
    }
    rng = np.random.default_rng(int(place_of(visitor, f"{experiment}/{day}/draft") * _SEEDS))
    control, treatment = (second, first) if is_own_treatment else (first, second)
    found = interleave(list(control), list(treatment), k, rng)
    listed = tuple(
        (control if team == CONTROL else treatment)[article]
        for article, team in zip(found.articles, found.teams, strict=True)
    )
    ids = {
        name: " ".join(
            own.articles.id_of(article)
            for article, team in zip(found.articles, found.teams, strict=True)
            if team == name
        )
        for name in (CONTROL, TREATMENT)
    }
    digest = blake2b(f"{ids[CONTROL]}|{ids[TREATMENT]}".encode(), digest_size=8).hexdigest()
    key = f"{INTERLEAVING}:{experiment}:{day}:{digest}:{visitor}"
    context = {"experiment": experiment, "day": day.isoformat(), **ids}
    return Draft(
        answer_of(listed), ShopEvent(INTERLEAVING, visitor, "", key, now(), context=context)
    )


def _in_keys_of(listed: Listed, of: Answers, into: Answers) -> Listed | None:
    """Return an article of a list in the keys of another version; None where that has none."""
    try:
        article = into.find_article(of.articles.id_of(listed.article))
        subject = listed.reason.article
        if subject is not None:
            subject = into.find_article(of.articles.id_of(subject))
    except BadInput:
        return None
    return replace(listed, article=article, reason=replace(listed.reason, article=subject))
