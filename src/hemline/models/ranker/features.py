"""What the ranker sees of a pair: the sources' opinions, the article, the customer, and both.

A feature uses the histories asked about and the article facts of one cut; nothing here knows a
date, so a training week and a live question are computed by the same lines.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hemline.data.histories import Histories
from hemline.models.ranker.candidates import Candidates
from hemline.models.ranker.facts import ATTRIBUTES, STATE_NAMES, ArticleFacts

Matrix = npt.NDArray[np.float32]

_PROFILE_HALF_LIFE_DAYS: Final = 90.0
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


def pair_features(candidates: Candidates, histories: Histories, facts: ArticleFacts) -> Matrix:
    """Return the features of each pair, float32 of shape (pairs, len(feature_names))."""
    rows, articles = candidates.rows, candidates.articles
    customers = _customer_features(histories, facts)
    price = facts.column("log_price")[articles]
    parts = [
        candidates.ranks,
        candidates.scores,
        (~np.isnan(candidates.ranks)).sum(axis=1, keepdims=True),
        facts.state[articles],
        customers[rows],
        _own(histories, candidates),
        (price - customers[rows, _CUSTOMER_NAMES.index("customer_log_price")])[:, None],
        (facts.column("mean_age_band")[articles] - customers[rows, -1])[:, None],
        _lift_at(facts.band_lift, articles, histories.age_bands[rows]),
        _lift_at(facts.cluster_lift, articles, histories.clusters[rows]),
        *_likings(histories, candidates, facts),
        _days_since_product(histories, candidates, facts)[:, None],
    ]
    return np.hstack([np.asarray(part, np.float32) for part in parts])


def _customer_features(histories: Histories, facts: ArticleFacts) -> Matrix:
    days = histories.days_ago
    length = np.diff(days.indptr)
    row = np.repeat(np.arange(len(length)), length)

    def total(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        return np.bincount(row, values, minlength=len(length)).astype(np.float64)

    last, first = np.full(len(length), np.nan), np.full(len(length), np.nan)
    bought = length > 0
    starts = days.indptr[:-1][bought]
    if len(starts):
        last[bought] = np.minimum.reduceat(days.data, starts)
        first[bought] = np.maximum.reduceat(days.data, starts)
    price = facts.column("log_price")[days.indices]
    has_price = ~np.isnan(price)
    n_priced = total(has_price.astype(np.float32))
    known_price = np.where(has_price, price, 0)
    with np.errstate(invalid="ignore"):
        mean = total(known_price) / n_priced
        spread = np.sqrt(np.maximum(total(known_price**2) / n_priced - mean**2, 0))
    bands = np.where(histories.age_bands >= 0, histories.age_bands, np.nan)
    windows = [total((days.data <= window).astype(np.float32)) for window in (7, 28, 91)]
    table = [*windows, length, last, first, mean, spread, bands]
    return np.stack(table, axis=1).astype(np.float32)


def _lift_at(
    lift: Matrix, articles: npt.NDArray[np.int32], segments: npt.NDArray[np.int8]
) -> Matrix:
    """Return the lift of each pair; 0, the last column, for a segment the facts never saw."""
    known = np.where(segments < lift.shape[1] - 1, segments, -1)
    return lift[articles, known][:, None]


def _own(histories: Histories, candidates: Candidates) -> Matrix:
    """Return units bought and days since then of exactly this article; days NaN if never."""
    units = _at(histories.units, candidates.rows, candidates.articles)
    days = _at(histories.days_ago, candidates.rows, candidates.articles)
    return np.stack([units, np.where(units > 0, days, np.nan)], axis=1)


def _likings(histories: Histories, candidates: Candidates, facts: ArticleFacts) -> list[Matrix]:
    """Return, per attribute, the faded share of the customer's purchases with its value."""
    days = histories.days_ago
    faded = sparse.csr_matrix(
        (0.5 ** (days.data / _PROFILE_HALF_LIFE_DAYS), days.indices, days.indptr), shape=days.shape
    )
    totals = np.asarray(faded.sum(axis=1)).ravel()[candidates.rows]
    shares = []
    for column in range(facts.codes.shape[1]):
        codes = facts.codes[:, column]
        by_value = sparse.csr_matrix(faded @ _one_hot(codes))
        by_value.sort_indices()
        weight = _at(by_value, candidates.rows, codes[candidates.articles])
        share = weight / np.maximum(totals, 1e-9)
        shares.append(share[:, None].astype(np.float32))
    return shares


def _days_since_product(
    histories: Histories, candidates: Candidates, facts: ArticleFacts
) -> Matrix:
    """Return the days since the customer last bought any colour of the product, NaN if never."""
    product = facts.codes[:, 0]
    days = histories.days_ago
    row = np.repeat(np.arange(days.shape[0]), np.diff(days.indptr))
    n_products = int(product.max(initial=0)) + 1
    key = row * np.int64(n_products) + product[days.indices]
    order = np.lexsort((days.data, key))
    first = order[np.flatnonzero(np.diff(key[order], prepend=-1))]
    asked = candidates.rows * np.int64(n_products) + product[candidates.articles]
    position = np.searchsorted(key[first], asked)
    position[position == len(first)] = 0
    if len(first) == 0:
        return np.full(len(asked), np.nan, np.float32)
    found = key[first][position] == asked
    return np.where(found, days.data[first][position], np.nan).astype(np.float32)


def _one_hot(codes: npt.NDArray[np.int32]) -> sparse.csr_matrix:
    ones = np.ones(len(codes), np.float32)
    shape = (len(codes), int(codes.max(initial=0)) + 1)
    return sparse.csr_matrix((ones, codes, np.arange(len(codes) + 1)), shape=shape)


def _at(
    matrix: sparse.csr_matrix, rows: npt.NDArray[np.int64], places: npt.NDArray[np.int32]
) -> Matrix:
    return np.asarray(matrix[rows, places], np.float32).ravel()
