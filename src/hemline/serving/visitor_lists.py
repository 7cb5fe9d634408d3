"""A visitor's list: ranked by the models, filtered, ordered, and with a reason for each article.

What is in the basket or was bought in the session is not listed: the models see it as bought
yesterday and would offer it first. What the visitor does not want is never listed.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from hemline.kernels.lists import NO_ARTICLE
from hemline.models.popularity import segment_index
from hemline.models.recommender import Recommender
from hemline.serving.answers_params import AnswersParams
from hemline.serving.article_table import ArticleTable, first_of_each_product
from hemline.serving.list_rules import ListRules, is_permitted
from hemline.serving.listed import Answer, Listed, answer_of
from hemline.serving.reasons import Relations, assign_reasons
from hemline.serving.shop_groups import ShopGroups
from hemline.serving.shop_order import LookAlikes, shown_order
from hemline.serving.version_models import VersionModels
from hemline.serving.visitor_history import SessionState, VisitorHistory

BESTSELLERS: Final = "bestsellers"
"""Source of what fills a list that a filter leaves short: sold most in the last four weeks."""

_POPULAR_WITH_GROUP: Final = 100


@dataclass(frozen=True)
class _Sequence:
    """Articles in the order of the models, after filters, and the source of each."""

    keys: npt.NDArray[np.int32]
    sources: list[str]


class VisitorLists:
    """Lists for the visitors of a shop that offers one version."""

    def __init__(
        self,
        articles: ArticleTable,
        models: VersionModels,
        groups: ShopGroups,
        params: AnswersParams,
    ) -> None:
        self._articles = articles
        self._models = models
        self._groups = groups
        self._params = params
        self._look_alikes = LookAlikes(articles.products, models.alike)
        self._relations = Relations(
            articles.products,
            models.together.articles,
            models.support,
            models.alike,
            params.min_support,
        )

    def list_for(
        self,
        history: VisitorHistory,
        session: SessionState,
        rules: ListRules,
        recommender: Recommender,
    ) -> Answer:
        """Return the list that a model gives a visitor, under the caller's and the shop's rules."""
        rules.require_valid(self._articles)
        hidden = {*history.unliked.tolist(), *session.bought, *session.basket}
        rules = replace(rules, exclude=rules.exclude | hidden)
        ranked = self._ranked(history, rules, recommender)
        if not len(ranked.keys):
            return answer_of(())
        is_moved = self._look_alikes.of(history.unliked, ranked.keys)
        if history.is_cold:
            is_moved |= self._is_demoted(ranked.keys, session)
        down = self._params.places_down * is_moved[None]
        order = shown_order(down, self._groups.is_discreet[ranked.keys][None])[0, : rules.k]
        keys, sources = ranked.keys[order], [ranked.sources[place] for place in order]
        reasons = assign_reasons(
            keys, sources, self._nameable(history), self._relations, self._popular_with(history)
        )
        listed = tuple(map(Listed, keys.tolist(), sources, reasons))
        return answer_of(listed)

    def _ranked(
        self, history: VisitorHistory, rules: ListRules, recommender: Recommender
    ) -> _Sequence:
        """Return what the rules permit in the order of the models, as long as the order needs."""
        needed = rules.k + self._params.places_down
        most = rules.most_of_a_product(self._models.per_product)
        row, depth = history.as_histories(len(self._articles)), 2 * needed
        while True:
            lists = recommender.recommend(row, depth)
            keys = lists.articles[0][lists.articles[0] != NO_ARTICLE]
            permitted = np.flatnonzero(
                is_permitted(keys, rules, self._articles, self._groups.in_stock)
            )
            products = self._articles.products[keys[permitted]]
            permitted = permitted[first_of_each_product(products, most)]
            if len(permitted) >= needed or len(keys) < depth:
                break
            depth *= 4
        permitted = permitted[:needed]
        sources = [lists.source_names[source] for source in lists.sources[0][permitted]]
        ranked = _Sequence(keys[permitted], sources)
        return self._filled(ranked, rules) if rules.is_narrowed else ranked

    def _filled(self, ranked: _Sequence, rules: ListRules) -> _Sequence:
        """Return a list filled up with the bestsellers that the rules permit."""
        if len(ranked.keys) >= rules.k:
            return ranked
        sold = np.flatnonzero(self._articles.sold > 0).astype(np.int32)
        sold = sold[is_permitted(sold, rules, self._articles, self._groups.in_stock)]
        sold = sold[np.argsort(-self._articles.sold[sold], kind="stable")]
        keys = np.concatenate([ranked.keys, sold[~np.isin(sold, ranked.keys)]])
        most = rules.most_of_a_product(self._models.per_product)
        keys = keys[first_of_each_product(self._articles.products[keys], most)]
        keys = keys[: rules.k + self._params.places_down]
        return _Sequence(keys, ranked.sources + [BESTSELLERS] * (len(keys) - len(ranked.keys)))

    def _is_demoted(
        self, keys: npt.NDArray[np.int32], session: SessionState
    ) -> npt.NDArray[np.bool_]:
        viewed = np.array(session.viewed, np.int64)
        groups = self._groups.product_group[keys]
        is_viewed = np.isin(groups, self._groups.product_group[viewed])
        if self._groups.is_on_request[viewed].any():
            is_viewed |= self._groups.is_on_request[keys]
        return np.asarray(self._groups.is_demoted[keys] & ~is_viewed)

    def _nameable(self, history: VisitorHistory) -> npt.NDArray[np.int32]:
        """Return the visitor's latest articles that a reason may refer to."""
        latest = history.latest(self._params.named_purchases)
        return latest[~self._groups.is_discreet[latest]]

    def _popular_with(self, history: VisitorHistory) -> frozenset[int]:
        model = self._models.segment_popularity
        if model is None or history.age_band < 0:
            return frozenset()
        segment = int(segment_index(history.as_histories(len(self._articles)), model.n_bands)[0])
        if segment >= len(model.articles):
            return frozenset()
        return frozenset(model.articles[segment, :_POPULAR_WITH_GROUP].tolist())
