"""What each page shows, computed from a visit; the templates only lay it out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from hemline.errors import BadInput
from hemline.segments.attributes import AGE_BANDS
from hemline.segments.cold_customers import ColdCustomer
from hemline.serving.answers import Answers
from hemline.serving.explanations import ExplainedArticle
from hemline.serving.list_rules import ListRules
from hemline.serving.listed import Answer, Listed
from hemline.serving.visitor_history import SessionState
from hemline.shop.page_cards import Card, CardList, Cards
from hemline.shop.page_shelves import PageShelves, in_order
from hemline.shop.page_texts import Texts
from hemline.shop.page_words import Why
from hemline.shop.served_lists import list_for
from hemline.shop.shadow import list_of_other_version
from hemline.shop.shop_service import ShopService
from hemline.shop.visits import Visit

N_FAVOURITES: Final = 12
_N_RECENT: Final = 8
_N_TASTE: Final = 6
_N_FOUND: Final = 24
AGES: Final[Mapping[str, int]] = {band: int(band[:2]) + 2 for band in AGE_BANDS}
"""The age that a guest of an age group is answered as."""


@dataclass(frozen=True)
class Notice:
    """What an action did; it can be undone where `undo` names the article."""

    text: str
    undo: str = ""
    name: str = ""


@dataclass(frozen=True)
class Home:
    """The first page.

    Attributes:
        favourites: the list.
        model: that answered it.
        others: the shelves, in their order.
        recent: earlier purchases with how many days ago.
        taste: articles that a guest may choose as liked, and whether each is.
        challenger: its list, where both are shown; None otherwise.
        challenger_version: its version, 0 where there is none.
        n_in_common: articles that both lists have.
        example: the start of a customer's id, for trying; empty where others reach the shop.
        first_shelf: the one that a bandit put first; empty where none did.
    """

    favourites: CardList
    model: str
    others: tuple[CardList, ...]
    recent: tuple[tuple[Card, str], ...] = ()
    taste: tuple[tuple[Card, bool], ...] = ()
    challenger: CardList | None = None
    challenger_version: int = 0
    n_in_common: int = 0
    example: str = ""
    shortest_id: int = 1
    asks_age: bool = True
    first_shelf: str = ""


@dataclass(frozen=True)
class StaffRow:
    """One article of a list and what the models saw of it."""

    card: Card
    source: str
    proposals: str
    features: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Staff:
    """What the models saw of a visitor."""

    rows: tuple[StaffRow, ...]
    history: tuple[tuple[Card, float, int], ...]
    cluster: int
    age_group: str
    models: tuple[str, ...]
    chosen: str
    cut: str
    other: CardList | None = field(default=None)


class PageViews:
    """Computes the pages of one visit.

    Attributes:
        state: the visit's, and for a guest also the articles chosen as taste, which count like a
            purchase.
    """

    def __init__(
        self, visit: Visit, shop: ShopService, texts: Texts, pictures: Path | None
    ) -> None:
        self._visit = visit
        self._shop = shop
        self._texts = texts
        self._answers: Answers = visit.answers
        self._cards = Cards(visit.answers, texts, pictures)
        self._who: int | ColdCustomer = visit.guest if visit.customer is None else visit.customer
        liked = () if visit.session.customer_id else _keys(visit.answers, visit.session.liked)
        self.state: SessionState = replace(visit.state, basket=(*visit.state.basket, *liked))
        self._liked = liked
        self._shelves = PageShelves(visit.answers, self._cards, texts, self.state)

    async def favourites(self) -> Answer:
        """Return the visitor's list, for `home` and `staff`."""
        remembered = replace(self._visit.remembered, state=self.state)
        arm, rules = self._visit.arm, ListRules(k=N_FAVOURITES)
        return await list_for(self._shop, arm, self._visit.visitor, self._who, remembered, rules)

    async def home(self, answer: Answer, challenger: Answers | None, *, compares: bool) -> Home:
        """Return the first page, once it is durable that a bandit ordered its shelves, if one did.

        On request it has the challenger's list beside the champion's.
        """
        other, n_in_common = None, 0
        shared: set[int] = set()
        if challenger is not None and compares:
            other, shared = self._challenger_list(challenger, answer)
            n_in_common = len(shared)
        favourites = self._list_of(answer, "favourites", shared)
        first, others = await in_order(self._shop, self._visit, self._shelves.below(answer))
        return Home(
            favourites,
            answer.model,
            others,
            self._recent(),
            self._taste(),
            other,
            0 if challenger is None else challenger.version,
            n_in_common,
            self._example(),
            self._answers.shortest_customer_id,
            self._answers.knows_age,
            first,
        )

    def _list_of(self, answer: Answer, name: str, shared: set[int]) -> CardList:
        texts = self._texts
        is_guest = self._visit.session.customer_id is None
        title = texts("favourites_guest" if is_guest else "favourites")
        cards = self._cards.for_visitor(answer, name, shared=shared, note=texts("in_both"))
        return CardList(name, title, Why(texts("favourites_by", model=answer.model)), cards)

    def _challenger_list(self, challenger: Answers, answer: Answer) -> tuple[CardList, set[int]]:
        """Return the challenger's list of the champion's articles, and what both lists have."""
        rules = ListRules(k=N_FAVOURITES)
        theirs = list_of_other_version(self._answers, challenger, self._who, self.state, rules)
        ours = {self._answers.articles.id_of(one.article): one.article for one in answer.listed}
        ids = [challenger.articles.id_of(one.article) for one in theirs.listed]
        cards = Cards(challenger, self._texts, None).for_visitor(
            theirs,
            "challenger",
            shared=[one.article for one, i in zip(theirs.listed, ids, strict=True) if i in ours],
            note=self._texts("in_both"),
        )
        about = Why(self._texts("favourites_by", model=theirs.model))
        title = self._texts("challenger")
        return CardList("challenger", title, about, cards), {ours[i] for i in ids if i in ours}

    def _recent(self) -> tuple[tuple[Card, str], ...]:
        if self._visit.customer is None:
            return ()
        bought = self._answers.recent_purchases(self._visit.customer, _N_RECENT)
        return tuple(
            (
                self._cards.card(key, f"recent-{number}"),
                self._texts("days_ago_one") if days <= 1 else self._texts("days_ago", count=days),
            )
            for number, (key, days) in enumerate(bought, start=1)
        )

    def _taste(self) -> tuple[tuple[Card, bool], ...]:
        if self._visit.session.customer_id is not None:
            return ()
        rules = ListRules(k=_N_TASTE, exclude=frozenset(self._liked))
        begin = replace(self._visit.state, basket=())
        offered = self._answers.under_model("popularity", self._visit.guest, begin, rules)
        keys = [*self._liked, *(one.article for one in offered.listed)][:_N_TASTE]
        cards = self._cards.plain(keys, "taste")
        return tuple((card, key in self._liked) for card, key in zip(cards, keys, strict=True))

    def _example(self) -> str:
        is_asked = self._visit.session.customer_id is None and not self._shop.is_public
        if not is_asked:
            return ""
        example = self._answers.customer_id(0)
        shortest = self._answers.shortest_customer_id
        return example[:shortest] if shortest > 1 else example

    def article(self, key: int) -> tuple[Card, tuple[CardList, ...]]:
        """Return the page of an article."""
        return self._cards.card(key, "article-1"), self._shelves.beside(key)

    def found(self, query: str, *, all_colours: bool = False) -> tuple[Card, ...]:
        """Return the articles that a search finds: one of each product, or any number."""
        per_product = 0 if all_colours else 1
        keys = self._answers.articles.search(query, _N_FOUND, per_product=per_product)
        return self._cards.plain(keys, "found")

    def basket(self) -> tuple[Card, ...]:
        """Return what lies in the basket."""
        return self._cards.plain(self._visit.state.basket, "basket")

    def staff(self, answer: Answer, model: str) -> Staff:
        """Return what the models saw of the visitor's list, and the list under one of them.

        Raises:
            BadInput: the version has no such model.
        """
        answers, rules = self._answers, ListRules(k=N_FAVOURITES)
        seen = answers.explain(self._who, self.state, rules)
        by_article = {one.article: one for one in seen.articles}
        cards = self._cards.for_visitor(answer, "staff")
        rows = tuple(
            _staff_row(card, self._source(one), by_article.get(one.article))
            for card, one in zip(cards, answer.listed, strict=True)
        )
        other = None
        if model:
            under = answers.under_model(model, self._who, self.state, rules)
            shared = {one.article for one in answer.listed}
            other = replace(self._list_of(under, "other", shared), title=model)
        history = tuple(
            (self._cards.card(key, f"history-{number}"), units, days)
            for number, (key, units, days) in enumerate(seen.history[:20], start=1)
        )
        known = seen.age_band in range(len(AGE_BANDS))
        age_group = str(AGE_BANDS[seen.age_band]) if known else ""
        models = tuple(answers.model_names())
        return Staff(rows, history, seen.cluster, age_group, models, model, str(answers.cut), other)

    def _source(self, listed: Listed) -> str:
        if listed.propensity is None:
            return listed.source
        drawn = self._texts("staff_drawn", percent=f"{100 * listed.propensity:.1f}")
        return f"{listed.source}, {drawn}"


def _staff_row(card: Card, source: str, seen: ExplainedArticle | None) -> StaffRow:
    if seen is None:
        return StaffRow(card, source, "", ())
    proposals = ", ".join(f"{one.model} {one.rank}" for one in seen.proposals)
    features = tuple((name, f"{value:.4g}") for name, value in seen.features.items())
    return StaffRow(card, source, proposals, features)


def _keys(answers: Answers, article_ids: tuple[str, ...]) -> tuple[int, ...]:
    found = []
    for article_id in article_ids:
        try:
            found.append(answers.find_article(article_id))
        except BadInput:  # this version does not know what was liked under an earlier one
            continue
    return tuple(found)
