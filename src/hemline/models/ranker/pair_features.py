"""What the ranker knows of a pair: its ranks and scores, the article, the customer, and both.

A feature is made from the customers' histories and the article features of one cut; nothing here
knows a date, so a training week and a live request are computed by the same lines.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numba
import numpy as np
import numpy.typing as npt
from scipy import sparse

from hemline.data.histories import Histories
from hemline.models.label_shift import decay_weights
from hemline.models.ranker.article_features import ATTRIBUTES, STATE_NAMES, ArticleFeatures
from hemline.models.ranker.candidates import Candidates, collect_candidates
from hemline.models.ranker.sources import RankerSettings
from hemline.models.recommender import Recommender

Matrix = npt.NDArray[np.float32]

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


def feature_names(sources: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns of `pair_features`, in order."""
    return (
        *(f"rank_{name}" for name in sources),
        *(f"score_{name}" for name in sources),
        "n_sources",
        *STATE_NAMES,
        *_CUSTOMER_NAMES,
        *_PAIR_NAMES,
        *(f"share_{name}" for name in ATTRIBUTES),
        "days_since_product",
    )


def described_candidates(
    sources: Mapping[str, Recommender],
    settings: RankerSettings,
    features: ArticleFeatures,
    histories: Histories,
) -> tuple[Candidates, Matrix]:
    """Return what the sources propose to the customers, and the features of each pair."""
    is_on_sale = features.is_on_sale(settings.on_sale_days)
    candidates = collect_candidates(sources, settings.depths, histories, is_on_sale)
    return candidates, pair_features(candidates, histories, features, settings)


def pair_features(
    candidates: Candidates,
    histories: Histories,
    features: ArticleFeatures,
    settings: RankerSettings,
) -> Matrix:
    """Return the features of each pair, float32 of shape (pairs, len(feature_names))."""
    rows, articles = candidates.rows, candidates.articles
    customers = _customer_features(histories, features)
    price = features.column("log_price")[articles]
    price = np.where(np.isfinite(price), price, np.float32(np.nan))
    decayed = decay_weights(histories.days_ago.data, settings.profile_half_life_days)
    own, profile = _bought_before(candidates, histories, features, decayed)
    columns = [
        candidates.ranks,
        candidates.scores,
        (~np.isnan(candidates.ranks)).sum(axis=1, keepdims=True),
        features.state[articles],
        customers[rows],
        own,
        (price - customers[rows, _CUSTOMER_NAMES.index("customer_log_price")])[:, None],
        (features.column("mean_age_band")[articles] - customers[rows, -1])[:, None],
        _lift_at(features.band_lift, articles, histories.age_bands[rows]),
        _lift_at(features.cluster_lift, articles, histories.clusters[rows]),
        profile,
    ]
    # Written once into place: stacking would fill as much memory a second time.
    table = np.empty((len(rows), sum(part.shape[1] for part in columns)), np.float32)
    end = 0
    for part in columns:
        start, end = end, end + part.shape[1]
        table[:, start:end] = part
    return table


def _customer_features(histories: Histories, features: ArticleFeatures) -> Matrix:
    days = histories.days_ago
    length = np.diff(days.indptr)
    row = np.repeat(np.arange(len(length)), length)

    def total(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(np.bincount(row, values, minlength=len(length)), np.float64)

    last, first = np.full(len(length), np.nan), np.full(len(length), np.nan)
    bought = length > 0
    starts = days.indptr[:-1][bought]
    if len(starts):
        last[bought] = np.minimum.reduceat(days.data, starts)
        first[bought] = np.maximum.reduceat(days.data, starts)
    price = features.column("log_price")[days.indices]
    has_price = np.isfinite(price)  # rankers saved before have -inf for free articles
    n_priced = total(has_price.astype(np.float64))
    known_price = np.where(has_price, price, 0).astype(np.float64)
    with np.errstate(invalid="ignore"):
        mean = total(known_price) / n_priced
        spread = np.sqrt(np.maximum(total(known_price**2) / n_priced - mean**2, 0))
    bands = np.where(histories.age_bands >= 0, histories.age_bands, np.nan)
    windows = [total((days.data <= window).astype(np.float64)) for window in (7, 28, 91)]
    table = [*windows, length, last, first, mean, spread, bands]
    return np.stack(table, axis=1).astype(np.float32)


def _lift_at(
    lift: Matrix, articles: npt.NDArray[np.int32], segments: npt.NDArray[np.int8]
) -> Matrix:
    """Return the lift of each pair; 0, the last column, for a segment unknown at the cut."""
    known = np.where(segments < lift.shape[1] - 1, segments, -1)
    return lift[articles, known][:, None]


def _bought_before(
    candidates: Candidates, histories: Histories, features: ArticleFeatures, decayed: Matrix
) -> tuple[Matrix, Matrix]:
    """Return how each pair compares with the customer's purchases.

    First, float32 of shape (pairs, 2): units bought of exactly this article, and days since then,
    NaN if never. Second, float32 of shape (pairs, len(ATTRIBUTES) + 1): by attribute, the decayed
    share of the customer's purchases with the article's value; and days since the customer last
    bought any colour of the product, NaN if never.
    """
    days, n_pairs = histories.days_ago, len(candidates.rows)
    own = np.full((n_pairs, 2), np.nan, np.float32)
    profile = np.full((n_pairs, len(ATTRIBUTES) + 1), np.nan, np.float32)
    by_customer = sparse.csr_matrix((decayed, days.indices, days.indptr), shape=days.shape)
    totals = np.maximum(np.asarray(by_customer.sum(axis=1), np.float32).ravel(), 1e-9)
    purchases = _Purchases(
        days.indptr, days.indices, histories.units.data, days.data, decayed, totals
    )
    _compare(candidates.rows, candidates.articles, purchases, features.codes, own, profile)
    return own, profile


class _Purchases(NamedTuple):
    """Purchases by customer, as numba reads them.

    Attributes:
        indptr: of the CSR matrix of shape (customers, articles).
        indices: of the same; the other arrays but the last stand beside it.
        units: how many.
        days_ago: of the latest purchase.
        decayed: what the purchase still counts.
        totals: by customer, what all purchases count, a little more than nothing.
    """

    indptr: npt.NDArray[np.int32]
    indices: npt.NDArray[np.int32]
    units: Matrix
    days_ago: Matrix
    decayed: Matrix
    totals: Matrix


@numba.njit(nogil=True, cache=True)
def _compare(
    rows: npt.NDArray[np.int64],
    articles: npt.NDArray[np.int32],
    purchases: _Purchases,
    codes: npt.NDArray[np.int32],
    own: Matrix,
    profile: Matrix,
) -> None:
    """Fill own and profile, which are NaN; see _bought_before."""
    n_attributes = codes.shape[1]
    for pair in range(len(rows)):
        candidate = articles[pair]
        own[pair, 0] = 0
        profile[pair, :n_attributes] = 0
        for place in range(purchases.indptr[rows[pair]], purchases.indptr[rows[pair] + 1]):
            article = purchases.indices[place]
            if article == candidate:
                own[pair, 0] = purchases.units[place]
                own[pair, 1] = purchases.days_ago[place]
            counts = purchases.decayed[place]
            for attribute in range(n_attributes):
                is_equal = codes[article, attribute] == codes[candidate, attribute]
                profile[pair, attribute] += counts if is_equal else np.float32(0)
            is_sooner = not profile[pair, n_attributes] <= purchases.days_ago[place]
            if codes[article, 0] == codes[candidate, 0] and is_sooner:
                profile[pair, n_attributes] = purchases.days_ago[place]
        profile[pair, :n_attributes] /= purchases.totals[rows[pair]]
