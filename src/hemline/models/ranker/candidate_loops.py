"""The loops of `candidates` and `ranker`, in a module of their own because numba compiles them."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.kernels.compiled import compiled, inlined
from hemline.kernels.lists import NO_ARTICLE

Articles = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

_PLACE_BITS = 24
"""Of a number that holds an article and, below it, a place in the lists of all sources."""


class Offered(NamedTuple):
    """Which articles may be proposed.

    Attributes:
        is_offered: bool of shape (articles,).
        is_own_offered: bool of shape (articles,); of the source that lists own articles.
        own: number of that source, -1 where there is none.
    """

    is_offered: npt.NDArray[np.bool_]
    is_own_offered: npt.NDArray[np.bool_]
    own: int


class Proposals(NamedTuple):
    """The lists of all sources side by side.

    Attributes:
        articles: int32 of shape (customers, places), NO_ARTICLE where a list is shorter.
        scores: float32 of the same shape.
        starts: int64 of shape (sources + 1,); where each source's list starts, and the end.
    """

    articles: Articles
    scores: Floats
    starts: Integers


@compiled
def count_pairs(proposals: Proposals, offered: Offered) -> tuple[Integers, Integers]:
    """Return what is proposed and offered, sorted, and where each customer's pairs end.

    Returns:
        int64 of shape (customers, places): article and place as one number, ascending, -1 at the
        end. int64 of shape (customers + 1,): number of different pairs up to each customer.
    """
    n_customers, n_places = proposals.articles.shape
    places, ends = np.full((n_customers, n_places), -1), np.zeros(n_customers + 1, np.int64)
    own = proposals.starts[offered.own] if offered.own >= 0 else n_places
    own_end = proposals.starts[offered.own + 1] if offered.own >= 0 else n_places
    for row in range(n_customers):
        n_proposed = 0
        for place in range(n_places):
            article = proposals.articles[row, place]
            if article == NO_ARTICLE:
                continue
            is_own = own <= place < own_end
            if offered.is_own_offered[article] if is_own else offered.is_offered[article]:
                places[row, n_proposed] = (np.int64(article) << _PLACE_BITS) | place
                n_proposed += 1
        places[row, :n_proposed].sort()
        n_pairs, previous = 0, np.int64(NO_ARTICLE)
        for number in places[row, :n_proposed]:
            n_pairs += number >> _PLACE_BITS != previous
            previous = number >> _PLACE_BITS
        ends[row + 1] = ends[row] + n_pairs
    return places, ends


@compiled
def fill_pairs(
    proposals: Proposals,
    places: Integers,
    ends: Integers,
    rows: Integers,
    articles: Articles,
    ranks: Floats,
    scores: Floats,
) -> None:
    """Write row and article of each pair, and its ranks and scores, which are NaN before."""
    for row in range(len(places)):
        pair, previous = ends[row] - 1, np.int64(NO_ARTICLE)
        for number in places[row]:
            if number < 0:
                break
            article, place = number >> _PLACE_BITS, number & ((1 << _PLACE_BITS) - 1)
            if article != previous:
                pair, previous = pair + 1, article
                rows[pair], articles[pair] = row, article
            source = np.searchsorted(proposals.starts, place, side="right") - 1
            ranks[pair, source] = place - proposals.starts[source] + 1
            scores[pair, source] = proposals.scores[row, place]


@compiled
def fill_best(
    rows: Integers,
    pairs: Articles,
    ranks: Floats,
    score: Floats,
    articles: Articles,
    scores: Floats,
    sources: npt.NDArray[np.int16],
) -> None:
    """Write each customer's best pairs into empty lists, best first.

    Equal scores go by the best rank that a source gave, so that trees with few splits (few weeks,
    few customers) leave the sources' order as it is; then by article, as the pairs stand.

    Args:
        rows: int64 of shape (pairs,), ascending; row of the lists.
        pairs: int32 beside `rows`; the articles, ascending within a row.
        ranks: float32 of shape (pairs, sources), NaN where a source did not propose.
        score: float32 beside `rows`.
        articles: int32 of shape (customers, k); changed, as the next two.
        scores: float32 of the same shape.
        sources: int16 of the same shape; sources that proposed as bits, the first the lowest.
    """
    k, start = articles.shape[1], 0
    while start < len(rows):
        row, end = rows[start], start
        while end < len(rows) and rows[end] == row:
            end += 1
        order = np.empty(min(k, end - start), np.int64)
        best = np.empty(end - start, np.float32)
        n_listed = 0
        for pair in range(start, end):
            best[pair - start] = _lowest(ranks[pair])
            if n_listed == len(order) and not _is_before(pair, order[-1], start, score, best):
                continue
            place = n_listed if n_listed < len(order) else n_listed - 1
            n_listed = min(n_listed + 1, len(order))
            while place > 0 and _is_before(pair, order[place - 1], start, score, best):
                order[place] = order[place - 1]
                place -= 1
            order[place] = pair
        for rank in range(len(order)):
            articles[row, rank], scores[row, rank] = pairs[order[rank]], score[order[rank]]
            sources[row, rank] = _bits(ranks[order[rank]])
        start = end


@inlined
def _is_before(pair: int, other: int, start: int, score: Floats, best: Floats) -> bool:
    """Return whether a pair is listed before another that stands before it among the pairs."""
    is_higher: bool = score[pair] > score[other]
    is_equal = score[pair] == score[other]
    return is_higher or (is_equal and best[pair - start] < best[other - start])


@inlined
def _lowest(ranks: Floats) -> np.float32:
    lowest = np.float32(np.inf)
    for rank in ranks:
        lowest = min(rank, lowest) if not np.isnan(rank) else lowest
    return lowest


@inlined
def _bits(ranks: Floats) -> int:
    bits = 0
    for source in range(len(ranks)):
        if not np.isnan(ranks[source]):
            bits |= 1 << source
    return bits
