"""What the ranker knows of a pair: its ranks and scores, the article, the customer, and both.

A feature is made from the customers' histories and the article features of one cut; nothing here
knows a date, so a training week and a live request are computed by the same lines.
"""

import re
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from hemline.data.histories import Histories
from hemline.models.label_shift import decay_weights
from hemline.models.ranker.article_features import ATTRIBUTES, STATE_NAMES, ArticleFeatures
from hemline.models.ranker.candidates import Candidates, collect_candidates
from hemline.models.ranker.feature_groups import GROUPS, LONG_DAYS, SHORT_DAYS, group_names
from hemline.models.ranker.group_loops import ArticleValues, Bought, FirstColumns, fill_groups
from hemline.models.ranker.pair_loops import (
    N_CUSTOMER,
    Described,
    Pairs,
    Purchases,
    fill_features,
)
from hemline.models.ranker.sources import RankerSettings, offered_by
from hemline.models.recommender import Recommender

Matrix = npt.NDArray[np.float32]

_PUNCTUATION: Final = re.compile(r"\W")
"""What LightGBM does not take in the name of a feature, and a shop's own column may have."""

_CUSTOMER_NAMES: Final = (
    "bought_7d",
    "bought_28d",
    "bought_91d",
    "bought_ever",
    "customer_days_since_last",
    "customer_days_since_first",
    "customer_log_price",
    "customer_price_spread",
    "age_band",
)
_PAIR_NAMES: Final = (
    "units",
    "days_since_bought",
    "price_gap",
    "age_gap",
    "band_lift",
    "cluster_lift",
)


def feature_names(
    sources: tuple[str, ...],
    attributes: tuple[str, ...] = ATTRIBUTES,
    groups: tuple[str, ...] = (),
) -> tuple[str, ...]:
    """Return the columns of `pair_features`, in order.

    Args:
        sources: the models that propose.
        attributes: of the articles (article_features.compared_attributes).
        groups: of features beside the usual ones (feature_groups.GROUPS).
    """
    kinds = [_PUNCTUATION.sub("_", name) for name in attributes]
    return (
        *(f"rank_{name}" for name in sources),
        *(f"score_{name}" for name in sources),
        "n_sources",
        *STATE_NAMES,
        *_CUSTOMER_NAMES,
        *_PAIR_NAMES,
        *(f"share_{name}" for name in kinds),
        "days_since_product",
        *group_names(groups, sources, kinds[1:]),
    )


def described_candidates(
    sources: Mapping[str, Recommender],
    settings: RankerSettings,
    features: ArticleFeatures,
    histories: Histories,
) -> tuple[Candidates, Matrix]:
    """Return what the sources propose to the customers, and the features of each pair."""
    offered = offered_by(settings, features)
    candidates = collect_candidates(sources, settings.depths, histories, offered, settings.scoring)
    return candidates, pair_features(candidates, histories, features, settings)


def pair_features(
    candidates: Candidates,
    histories: Histories,
    features: ArticleFeatures,
    settings: RankerSettings,
) -> Matrix:
    """Return the features of each pair, float32 of shape (pairs, len(feature_names)).

    Of a pair and the customer's purchases: units bought of exactly this article, and days since
    then, NaN if never; by attribute, the decayed share of the purchases with the article's value;
    and days since the customer last bought any colour of the product, NaN if never. A segment that
    was unknown at the cut has no lift.
    """
    purchases = Purchases(
        histories.indptr,
        histories.indices,
        histories.counts,
        histories.days,
        decay_weights(histories.days, settings.profile_half_life_days),
        histories.clusters,
        histories.age_bands,
    )
    known = Described(
        features.state,
        features.codes,
        features.band_lift,
        features.cluster_lift,
        STATE_NAMES.index("log_price"),
        STATE_NAMES.index("mean_age_band"),
    )
    n_sources = candidates.ranks.shape[1]
    n_usual = 2 * n_sources + 1 + len(STATE_NAMES) + N_CUSTOMER
    n_usual += len(_PAIR_NAMES) + features.codes.shape[1] + 1
    n_attributes = features.codes.shape[1] - 1
    more = group_names(settings.features, settings.depths, map(str, range(n_attributes)))
    table = np.empty((len(candidates.rows), n_usual + len(more)), np.float32)
    pairs = Pairs(candidates.rows, candidates.articles, candidates.ranks, candidates.scores)
    fill_features(pairs, purchases, known, table[:, :n_usual])
    if more:
        _fill_groups(candidates, histories, features, settings, table[:, n_usual:])
    return table


def _fill_groups(
    candidates: Candidates,
    histories: Histories,
    features: ArticleFeatures,
    settings: RankerSettings,
    table: Matrix,
) -> None:
    """Write the columns of feature_groups.group_names."""
    bought = Bought(
        histories.indptr,
        histories.indices,
        histories.days,
        decay_weights(histories.days, SHORT_DAYS),
        decay_weights(histories.days, LONG_DAYS),
    )
    starts, at = features.starts_of_values, len(settings.scoring)
    table[:, :at] = candidates.any_scores
    n_attributes, first = features.codes.shape[1] - 1, dict.fromkeys(GROUPS[1:], -1)
    sizes = {
        group: len(group_names([group], settings.depths, map(str, range(n_attributes))))
        for group in GROUPS[1:]
        if group in settings.features
    }
    for group, size in sizes.items():
        first[group], at = at, at + size
    product = features.of_products(settings.on_sale_days)
    values = ArticleValues(features.codes, starts, features.column("log_price"), product)
    pairs = candidates.rows, candidates.articles
    fill_groups(*pairs, bought, values, FirstColumns(**first), table)
