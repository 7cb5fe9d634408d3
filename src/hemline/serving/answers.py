"""What one version of the model answers: lists for customers, guests and articles, and why.

An answer is ranked by the version's models from the visitor's history with the session in it, then
filtered (list_rules), ordered (shop_order) and explained (reasons). Without a session and filters
it is, order included, the list that `hemline export` writes for the customer.

What is in the basket or was bought in the session is not listed: the models see it as bought
yesterday and would offer it first. What the visitor does not want is never listed.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from hemline.data.expectations.thresholds import ValidateParams
from hemline.data.identifiers import no_single_customer, require_customer_id
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.popularity import segment_index
from hemline.models.recommender import Recommender
from hemline.segments.attributes import age_band_of
from hemline.segments.cold_customers import ColdCustomer, allowed_customer, attributes_of
from hemline.segments.kmodes import Segmentation
from hemline.serving import layout as layouts
from hemline.serving.answers_params import AnswersParams
from hemline.serving.article_table import ArticleTable
from hemline.serving.explanations import Explanation, explain_list
from hemline.serving.id_index import IdIndex
from hemline.serving.list_rules import ListRules, first_of_each_product, is_permitted
from hemline.serving.reasons import Reason, Relations, assign_reasons
from hemline.serving.season import out_of_season
from hemline.serving.shop_order import shown_order
from hemline.serving.version_models import VersionModels
from hemline.serving.visitor_history import SessionState, VisitorHistory

BESTSELLERS: Final = "bestsellers"
"""Source of what fills a list that a filter leaves short: sold most in the last four weeks."""

_POPULAR_WITH_GROUP: Final = 100


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


@dataclass(frozen=True)
class _Sequence:
    """Articles in the order of the models, after filters, and the source of each."""

    keys: npt.NDArray[np.int32]
    sources: list[str]


class Answers:
    """One version of the model, its files mapped.

    Attributes:
        version: its number, 0 where it is not registered.
        cut: the first day it has not seen.
        articles: of the version.
    """

    def __init__(
        self, layout: Path, params: AnswersParams, in_stock: npt.NDArray[np.bool_] | None
    ) -> None:
        about = layouts.about(layout)
        self.version = about.version
        self.cut = date.fromisoformat(about.cut)
        self.articles = ArticleTable.load(layout / "articles")
        self._params = params
        self._in_stock = in_stock
        self._allowed = ValidateParams.load(layout / "params.yaml")
        self._customers = IdIndex.load(layout / "customers")
        self._segmentation = Segmentation.load(layout / "models" / "clusters")
        self._models = VersionModels(layout / "models", layout / "params.yaml", len(self.articles))
        self._bought = {
            name: np.load(layout / "histories" / f"{name}.npy", mmap_mode="r")
            for name in ("indptr", "indices", "units", "days_ago", "clusters", "age_bands")
        }
        self._groups = np.load(layout / "articles" / "groups.npy", mmap_mode="r")
        sales = np.load(layout / "articles" / "group_sales.npy", mmap_mode="r")
        self._is_off_season = out_of_season(
            sales, params.season_window_days, params.out_of_season_share
        )
        self._is_on_request = self.articles.in_groups(params.on_request)
        self._is_discreet = self.articles.in_groups(params.discreet)
        self._relations = Relations(
            self.articles.products,
            self._models.together.articles,
            self._models.support,
            self._models.alike.articles,
            params.min_support,
        )

    @classmethod
    def open(
        cls,
        layout: Path,
        params: AnswersParams | None = None,
        in_stock: npt.NDArray[np.bool_] | None = None,
    ) -> Self:
        """Return the answers of a version that was laid out.

        Args:
            layout: folder of layout.laid_out.
            params: the shop's rules; None for their defaults.
            in_stock: bool by article key; None where everything is in stock.
        """
        answers = cls(layout, params or AnswersParams(), in_stock)
        _ = answers._models.served  # so that the first visitor does not wait for it
        return answers

    def find_customer(self, customer_id: str) -> int:
        """Return the key of a customer.

        Args:
            customer_id: 64 characters, or the first 8 or more if no other customer has them.

        Raises:
            BadInput: no customer has this id, or more than one does.
        """
        start = require_customer_id(customer_id)
        key = self._customers.key_of(start)
        if key is not None:
            return key
        matches = self._customers.keys_starting_with(start)
        if len(matches) != 1:
            raise no_single_customer(customer_id, len(matches))
        return int(matches[0])

    def find_article(self, article_id: str) -> int:
        """Return the key of an article; raises BadInput where there is no such article."""
        return self.articles.find(article_id)

    def for_customer(self, customer: int, session: SessionState, rules: ListRules) -> Answer:
        """Return a list for a customer."""
        return self._answer(self._visitor(customer, session), session, rules, self._models.served)

    def for_guest(self, guest: ColdCustomer, session: SessionState, rules: ListRules) -> Answer:
        """Return a list for a visitor without an account.

        Raises:
            BadInput: section validate of the version's params.yaml does not allow an attribute.
        """
        return self._answer(self._visitor(guest, session), session, rules, self._models.served)

    def under_model(
        self,
        model: str,
        visitor: int | ColdCustomer,
        session: SessionState,
        rules: ListRules,
    ) -> Answer:
        """Return the list that one model of the version gives; raises BadInput as `by_name`."""
        recommender = self._models.by_name(model)
        return self._answer(self._visitor(visitor, session), session, rules, recommender)

    def explain(
        self, visitor: int | ColdCustomer, session: SessionState, rules: ListRules
    ) -> Explanation:
        """Return what the models saw of each article of the visitor's list."""
        history = self._visitor(visitor, session)
        answer = self._answer(history, session, rules, self._models.served)
        listed = [one.article for one in answer.listed]
        return explain_list(listed, history, self._models, len(self.articles))

    def model_names(self) -> list[str]:
        """Return the models that `under_model` knows."""
        return self._models.names()

    def recent_purchases(self, customer: int, n: int) -> list[tuple[int, int]]:
        """Return the last n articles a customer bought, and how many days before the cut."""
        history = self._history(customer)
        order = np.argsort(history.days_ago, kind="stable")[:n]
        return [(int(history.articles[one]), int(history.days_ago[one])) for one in order]

    def similar(self, article: int, rules: ListRules) -> Answer:
        """Return the articles with the most similar texts."""
        near, how_near = self._two_steps(article)
        order = np.lexsort((near, -how_near))
        sequence = self._permitted(near[order], rules, beside=article)
        return self._beside(article, sequence, "tfidf", lambda _: Reason("similar_text", article))

    def also_bought(self, article: int, rules: ListRules) -> Answer:
        """Return what the buyers of an article bought: at least `answers.min_support` of them.

        The most similar first; of equally similar ones that of more common buyers, then the lower
        key.
        """
        together = self._models.together
        keys, support = together.articles[article], self._models.support[article]
        enough = (keys != NO_ARTICLE) & (support >= self._params.min_support)
        cosines = together.scores[article][enough]
        keys, support = keys[enough], support[enough]
        order = np.lexsort((keys, -support, -cosines))
        count = dict(zip(keys.tolist(), support.tolist(), strict=True))
        sequence = self._permitted(keys[order], rules, beside=article)
        return self._beside(
            article,
            sequence,
            "copurchase",
            lambda key: Reason("bought_together", article, count[key]),
        )

    def _beside(
        self,
        article: int,
        keys: npt.NDArray[np.int32],
        model: str,
        reason: Callable[[int], Reason],
    ) -> Answer:
        discreet = self._is_discreet[keys] & ~self._is_discreet[article]
        unmoved = np.zeros(len(keys), bool)
        if len(keys):
            keys = keys[shown_order(unmoved[None], discreet[None], 0)[0]]
        listed = tuple(Listed(key, model, reason(key)) for key in keys.tolist())
        return Answer(listed, model if listed else "none")

    def _two_steps(self, article: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Return the neighbours of an article and theirs, by text, and how similar they are.

        Of a neighbour's neighbour the similarity is the product of both, its lower bound by the
        data at hand: the model saves only the nearest of each article.
        """
        alike = self._models.alike
        near = alike.articles[article]
        is_near = near != NO_ARTICLE
        near, how_near = near[is_near], alike.scores[article][is_near]
        further = alike.articles[near].ravel()
        how_far = (alike.scores[near] * how_near[:, None]).ravel()
        keys, scores = np.concatenate([near, further]), np.concatenate([how_near, how_far])
        is_other = (keys != NO_ARTICLE) & (keys != article)
        keys, scores = keys[is_other], scores[is_other]
        order = np.lexsort((keys, -scores))
        _, first = np.unique(keys[order], return_index=True)
        # A direct neighbour stands before all others, as in the model's own list.
        first = np.sort(first)
        keys, scores = keys[order][first], scores[order][first]
        return keys, scores + np.isin(keys, near)

    def _permitted(
        self, keys: npt.NDArray[np.int32], rules: ListRules, *, beside: int
    ) -> npt.NDArray[np.int32]:
        """Return the first k that the rules permit; the article beside them counts as listed."""
        rules.require_valid(self.articles)
        keys = keys[is_permitted(keys, rules, self.articles, self._in_stock)]
        products = self.articles.products[np.concatenate([[beside], keys]).astype(np.int64)]
        return keys[first_of_each_product(products, rules.per_product)[1:]][: rules.k]

    def _answer(
        self,
        history: VisitorHistory,
        session: SessionState,
        rules: ListRules,
        recommender: Recommender,
    ) -> Answer:
        rules.require_valid(self.articles)
        hidden = {*session.unliked, *session.bought, *session.basket}
        rules = replace(rules, exclude=rules.exclude | hidden)
        ranked = self._ranked(history, rules, recommender)
        if not len(ranked.keys):
            return Answer((), "none")
        is_moved = self._looks_unliked(ranked.keys, session)
        if history.is_cold:
            is_moved |= self._is_unasked(ranked.keys, session)
        order = shown_order(
            is_moved[None], self._is_discreet[ranked.keys][None], self._params.places_down
        )[0, : rules.k]
        keys, sources = ranked.keys[order], [ranked.sources[place] for place in order]
        reasons = assign_reasons(
            keys, sources, self._nameable(history), self._relations, self._popular_with(history)
        )
        listed = tuple(map(Listed, keys.tolist(), sources, reasons))
        return Answer(listed, sources[0].partition(" (")[0])

    def _ranked(
        self, history: VisitorHistory, rules: ListRules, recommender: Recommender
    ) -> _Sequence:
        """Return what the rules permit in the order of the models, as long as the order needs."""
        needed = rules.k + self._params.places_down
        row, depth = history.as_histories(len(self.articles)), 2 * needed
        while True:
            lists = recommender.recommend(row, depth)
            keys = lists.articles[0][lists.articles[0] != NO_ARTICLE]
            kept = np.flatnonzero(is_permitted(keys, rules, self.articles, self._in_stock))
            products = self.articles.products[keys[kept]]
            kept = kept[first_of_each_product(products, rules.per_product)]
            if len(kept) >= needed or len(keys) < depth:
                break
            depth *= 4
        kept = kept[:needed]
        sources = [lists.source_names[source] for source in lists.sources[0][kept]]
        ranked = _Sequence(keys[kept], sources)
        return self._filled(ranked, rules) if rules.is_narrowed else ranked

    def _filled(self, ranked: _Sequence, rules: ListRules) -> _Sequence:
        """Return a list filled up with the bestsellers that the rules permit."""
        if len(ranked.keys) >= rules.k:
            return ranked
        sold = np.flatnonzero(self.articles.sold > 0).astype(np.int32)
        sold = sold[is_permitted(sold, rules, self.articles, self._in_stock)]
        sold = sold[np.argsort(-self.articles.sold[sold], kind="stable")]
        keys = np.concatenate([ranked.keys, sold[~np.isin(sold, ranked.keys)]])
        keys = keys[first_of_each_product(self.articles.products[keys], rules.per_product)]
        keys = keys[: rules.k + self._params.places_down]
        return _Sequence(keys, ranked.sources + [BESTSELLERS] * (len(keys) - len(ranked.keys)))

    def _visitor(self, visitor: int | ColdCustomer, session: SessionState) -> VisitorHistory:
        is_guest = isinstance(visitor, ColdCustomer)
        history = self._guest(visitor) if is_guest else self._history(visitor)
        return history.with_session(session)

    def _history(self, customer: int) -> VisitorHistory:
        bought = self._bought
        row = slice(int(bought["indptr"][customer]), int(bought["indptr"][customer + 1]))
        return VisitorHistory(
            bought["indices"][row],
            bought["units"][row],
            bought["days_ago"][row],
            int(bought["clusters"][customer]),
            int(bought["age_bands"][customer]),
        )

    def _guest(self, guest: ColdCustomer) -> VisitorHistory:
        allowed = allowed_customer(guest, self._allowed)
        nothing = np.empty(0, np.float32)
        return VisitorHistory(
            nothing.astype(np.int32),
            nothing,
            nothing,
            self._segmentation.cluster_of(attributes_of(allowed)),
            -1 if allowed.age is None else age_band_of(allowed.age),
        )

    def _looks_unliked(
        self, keys: npt.NDArray[np.int32], session: SessionState
    ) -> npt.NDArray[np.bool_]:
        unliked = np.array(session.unliked, np.int64)
        if not len(unliked):
            return np.zeros(len(keys), bool)
        products = self.articles.products
        return np.asarray(
            np.isin(products[keys], products[unliked])
            | np.isin(keys, self._models.alike.articles[unliked])
        )

    def _is_unasked(
        self, keys: npt.NDArray[np.int32], session: SessionState
    ) -> npt.NDArray[np.bool_]:
        viewed = np.array(session.viewed, np.int64)
        groups = self._groups[keys]
        is_moved = self._is_off_season[groups] & ~np.isin(groups, self._groups[viewed])
        if not self._is_on_request[viewed].any():
            is_moved |= self._is_on_request[keys]
        return np.asarray(is_moved)

    def _nameable(self, history: VisitorHistory) -> npt.NDArray[np.int32]:
        """Return the visitor's latest articles that a reason may refer to."""
        latest = history.latest(self._params.named_purchases)
        return latest[~self._is_discreet[latest]]

    def _popular_with(self, history: VisitorHistory) -> frozenset[int]:
        model = self._models.segment_popularity
        if model is None or history.age_band < 0:
            return frozenset()
        segment = int(segment_index(history.as_histories(len(self.articles)), model.n_bands)[0])
        if segment >= len(model.articles):
            return frozenset()
        return frozenset(model.articles[segment, :_POPULAR_WITH_GROUP].tolist())
