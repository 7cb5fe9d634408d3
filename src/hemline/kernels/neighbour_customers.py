"""Lists from a customer's own articles and from those of the customers with the most similar past.

A row at a time in a fixed order, with sums in float64 that are rounded to float32 before they are
compared, so lists are equal to the bit for one customer and for many. Only customers and articles
that a row reaches are looked at: the work is that of the purchases, not that of the catalogue.
"""

import math
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.kernels.blocks import for_blocks
from hemline.kernels.compiled import compiled, inlined
from hemline.kernels.heap import is_better, sink, sort_heap
from hemline.kernels.lists import NO_ARTICLE, Lists, WeightRows, empty_lists

Indptr = npt.NDArray[np.signedinteger[Any]]
Articles = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Keys = npt.NDArray[np.int64]

_IDENTICAL: Final = 1.0 - 1e-6
"""A cosine from which two pasts are the same: such a neighbour knows nothing more."""


class ComparedPurchases(NamedTuple):
    """What customers bought, weighted twice.

    Attributes:
        indptr: where the purchases of each customer start (histories.Histories).
        articles: int32, of all purchases, ascending within a customer.
        own: float32 beside `articles`; what each counts for buying it again.
        compared: float32 beside `articles`; what each counts for finding neighbours.
    """

    indptr: Indptr
    articles: Articles
    own: Floats
    compared: Floats


class StoredCustomers(NamedTuple):
    """Customers that may be neighbours, without a key that says who they are.

    Attributes:
        by_article: a row per article; the customers who bought it, by what it counts in their past,
            where each past has Euclidean length 1.
        offers: a row per customer; the articles they vote for, and the weight of the vote.
    """

    by_article: WeightRows
    offers: WeightRows


def best_with_neighbours(
    purchases: ComparedPurchases,
    stored: StoredCustomers,
    n_neighbours: int,
    own_share: float,
    k: int,
) -> Lists:
    """Return each customer's k best articles by their own past mixed with that of neighbours.

    A score is own_share * own + (1 - own_share) * mean vote, the mean over the n_neighbours
    customers with the largest cosine, weighted by it.

    Args:
        purchases: of the customers that lists are for.
        stored: who may be a neighbour.
        n_neighbours: at least 1.
        own_share: from 0 to 1.
        k: length of the lists.
    """
    listed, best = empty_lists(len(purchases.indptr) - 1, k)

    def fill(rows: slice) -> None:
        _fill(rows.start, purchases, stored, n_neighbours, own_share, listed[rows], best[rows])

    for_blocks(fill, len(listed))
    return listed, best


@compiled
def _fill(
    first: int,
    purchases: ComparedPurchases,
    stored: StoredCustomers,
    n_neighbours: int,
    own_share: float,
    listed: Articles,
    best: Floats,
) -> None:
    n_articles, n_stored = len(stored.by_article.indptr) - 1, len(stored.offers.indptr) - 1
    products, totals = np.zeros(n_stored), np.zeros(n_articles)
    reached, voted = np.empty(n_stored, np.int64), np.empty(n_articles, np.int64)
    for place in range(len(best)):
        row = first + place
        n_reached = _multiply(row, purchases, stored.by_article, products, reached)
        neighbours, cosines = np.full(n_neighbours, -1, np.int64), np.full(n_neighbours, -np.inf)
        length = _length(row, purchases)
        for customer in reached[:n_reached]:
            cosine = np.float64(np.float32(products[customer] / length))
            products[customer] = 0
            if cosine < _IDENTICAL and is_better(cosine, customer, neighbours, cosines):
                sink(neighbours, cosines, n_neighbours, customer, cosine)
        sort_heap(neighbours, cosines)
        n_voted = _vote(neighbours, cosines, 1.0 - own_share, stored.offers, totals, voted)
        for entry in range(purchases.indptr[row], purchases.indptr[row + 1]):
            weight = own_share * np.float64(purchases.own[entry])
            n_voted = _add(purchases.articles[entry], weight, totals, voted, n_voted)
        _write_best(voted[:n_voted], totals, listed[place], best[place])


@inlined
def _multiply(
    row: int, purchases: ComparedPurchases, by_article: WeightRows, products: Doubles, reached: Keys
) -> int:
    """Add a row's products with the stored customers; return how many customers it reaches."""
    n_reached = 0
    for entry in range(purchases.indptr[row], purchases.indptr[row + 1]):
        article, weight = purchases.articles[entry], np.float64(purchases.compared[entry])
        for other in range(by_article.indptr[article], by_article.indptr[article + 1]):
            product = weight * np.float64(by_article.data[other])
            n_reached = _add(by_article.indices[other], product, products, reached, n_reached)
    return n_reached


@inlined
def _length(row: int, purchases: ComparedPurchases) -> float:
    square = 0.0
    for entry in range(purchases.indptr[row], purchases.indptr[row + 1]):
        square += np.float64(purchases.compared[entry]) ** 2
    return math.sqrt(max(square, 1e-24))


@inlined
def _vote(
    neighbours: Keys,
    cosines: Doubles,
    share: float,
    offers: WeightRows,
    totals: Doubles,
    voted: Keys,
) -> int:
    """Add the neighbours' mean vote, best neighbour first; return how many articles it reaches."""
    whole, n_voted = 0.0, 0
    for cosine in cosines:
        if cosine > 0:
            whole += cosine
    for rank in range(len(neighbours)):
        if cosines[rank] <= 0:
            break
        for entry in range(offers.indptr[neighbours[rank]], offers.indptr[neighbours[rank] + 1]):
            weight = share * cosines[rank] / whole * np.float64(offers.data[entry])
            n_voted = _add(offers.indices[entry], weight, totals, voted, n_voted)
    return n_voted


@inlined
def _add(place: int, weight: float, sums: Doubles, reached: Keys, n_reached: int) -> int:
    """Add to a sum; return how many sums are not 0 now, whose places stand in `reached`."""
    if weight <= 0:
        return n_reached
    if sums[place] == 0:
        reached[n_reached] = place
        n_reached += 1
    sums[place] += weight
    return n_reached


@inlined
def _write_best(voted: Keys, totals: Doubles, listed: Articles, best: Floats) -> None:
    """Write the articles with the largest totals, and clear the totals."""
    k = len(best)
    columns, scores = np.full(k, NO_ARTICLE, np.int64), np.full(k, -np.inf)
    for article in voted:
        score = np.float64(np.float32(totals[article]))
        totals[article] = 0
        if score > 0 and is_better(score, article, columns, scores):
            sink(columns, scores, k, article, score)
    sort_heap(columns, scores)
    listed[:], best[:] = columns, scores
