"""The loops of `pair_features`, in a module of their own because numba compiles them.

A row of the table is written from left to right in the order of `feature_names`. Sums over a
customer's purchases are added in their order, in float64, so a pair has the same features whoever
else is described with it.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.kernels.compiled import compiled, inlined

Matrix = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
Articles = npt.NDArray[np.int32]

N_CUSTOMER = 9
"""Features of a customer alone."""
_WINDOWS_DAYS = (7, 28, 91)


class Pairs(NamedTuple):
    """What is described; see candidates.Candidates."""

    rows: Integers
    articles: Articles
    ranks: Matrix
    scores: Matrix


class Purchases(NamedTuple):
    """What the customers bought; see histories.Histories.

    Attributes:
        indptr: where the purchases of each customer start.
        articles: of all purchases.
        units: float32 beside `articles`.
        days: float32 beside `articles`.
        decayed: float32 beside `articles`; what each counts in the customer's profile.
        clusters: int8, of each customer.
        age_bands: int8, of each customer.
    """

    indptr: npt.NDArray[np.int32]
    articles: Articles
    units: Matrix
    days: Matrix
    decayed: Matrix
    clusters: npt.NDArray[np.int8]
    age_bands: npt.NDArray[np.int8]


class Described(NamedTuple):
    """What is known of the articles; see article_features.ArticleFeatures.

    Attributes:
        state: float32 of shape (articles, numbers).
        codes: int32 of shape (articles, attributes); the first is the product.
        band_lift: float32 of shape (articles, age bands + 1).
        cluster_lift: float32 of shape (articles, clusters + 1).
        log_price: column of the state.
        mean_age_band: column of the state.
    """

    state: Matrix
    codes: Articles
    band_lift: Matrix
    cluster_lift: Matrix
    log_price: int
    mean_age_band: int


@compiled
def fill_features(pairs: Pairs, purchases: Purchases, known: Described, table: Matrix) -> None:
    """Write the features of each pair; see pair_features."""
    customer, row = np.empty(N_CUSTOMER, np.float32), -1
    total = np.float32(0)
    for pair in range(len(table)):
        if pairs.rows[pair] != row:
            row = pairs.rows[pair]
            total = _describe(row, purchases, known, customer)
        article = pairs.articles[pair]
        end = _write_sources(pairs.ranks[pair], pairs.scores[pair], table[pair])
        for number in range(known.state.shape[1]):
            table[pair, end + number] = known.state[article, number]
        end += known.state.shape[1]
        table[pair, end : end + N_CUSTOMER] = customer
        end += N_CUSTOMER
        price = known.state[article, known.log_price]
        if not math.isfinite(price):
            price = np.float32(np.nan)
        table[pair, end + 2] = price - customer[6]
        table[pair, end + 3] = known.state[article, known.mean_age_band] - customer[8]
        table[pair, end + 4] = _lift(known.band_lift[article], purchases.age_bands[row])
        table[pair, end + 5] = _lift(known.cluster_lift[article], purchases.clusters[row])
        bought = slice(purchases.indptr[row], purchases.indptr[row + 1])
        _compare(article, bought, purchases, known.codes, total, table[pair, end:])


@inlined
def _write_sources(ranks: Matrix, scores: Matrix, out: Matrix) -> int:
    """Write ranks, scores and the number of sources that proposed; return where they end."""
    n_sources, n_proposed = len(ranks), 0
    for source in range(n_sources):
        out[source], out[n_sources + source] = ranks[source], scores[source]
        n_proposed += not math.isnan(ranks[source])
    out[2 * n_sources] = n_proposed
    return 2 * n_sources + 1


@inlined
def _describe(row: int, purchases: Purchases, known: Described, out: Matrix) -> np.float32:
    """Write the customer's own features; return what all purchases count, more than nothing."""
    start, end = purchases.indptr[row], purchases.indptr[row + 1]
    out[:3], out[3] = 0, end - start
    last, first = np.float32(np.nan), np.float32(np.nan)
    n_priced, total_price, squares, total = 0.0, 0.0, 0.0, 0.0
    for entry in range(start, end):
        days = purchases.days[entry]
        for window in range(len(_WINDOWS_DAYS)):
            out[window] += days <= _WINDOWS_DAYS[window]
        last, first = (days if not last <= days else last), (days if not first >= days else first)
        total += purchases.decayed[entry]
        price = np.float64(known.state[purchases.articles[entry], known.log_price])
        if math.isfinite(price):
            n_priced, total_price, squares = n_priced + 1, total_price + price, squares + price**2
    out[4], out[5], out[6], out[7] = last, first, np.nan, np.nan
    if n_priced:
        mean = total_price / n_priced
        out[6], out[7] = mean, math.sqrt(max(squares / n_priced - mean * mean, 0.0))
    band = purchases.age_bands[row]
    out[8] = band if band >= 0 else np.nan
    return max(np.float32(total), np.float32(1e-9))


@inlined
def _lift(lifts: Matrix, segment: int) -> np.float32:
    """Return the lift for the segment; 0, the last, for one unknown at the cut."""
    is_known = 0 <= segment < len(lifts) - 1
    lift: np.float32 = lifts[segment] if is_known else lifts[-1]
    return lift


@inlined
def _compare(
    candidate: int,
    bought: slice,
    purchases: Purchases,
    codes: Articles,
    total: np.float32,
    out: Matrix,
) -> None:
    """Write how a candidate compares with the customer's purchases.

    Units bought of exactly this article, and days since then, NaN if never; four numbers on, by
    attribute, the decayed share of the customer's purchases with the article's value; and days
    since the customer last bought any colour of the product, NaN if never.
    """
    n_attributes = codes.shape[1]
    shares = out[6 : 6 + n_attributes]
    out[0], out[1], shares[:] = 0, np.nan, 0
    since_product = np.float32(np.nan)
    for entry in range(bought.start, bought.stop):
        article, days = purchases.articles[entry], purchases.days[entry]
        if article == candidate:
            out[0], out[1] = purchases.units[entry], days
        counts = purchases.decayed[entry]
        for attribute in range(n_attributes):
            is_equal = codes[article, attribute] == codes[candidate, attribute]
            shares[attribute] += counts if is_equal else np.float32(0)
        if codes[article, 0] == codes[candidate, 0] and not since_product <= days:
            since_product = days
    shares /= total
    out[6 + n_attributes] = since_product
