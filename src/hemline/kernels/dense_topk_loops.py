"""The inner loops of `kernels.dense_topk`, in a module of their own because numba compiles them.

Every article that may be among the k best is a candidate, stored with the lowest and the highest
score it can have. The number of places is fixed: when they are full, candidates whose highest score
is below the k-th best lowest score are pruned, and if that is not enough, all are scored exactly
and k remain. Candidates stay in ascending order of article, so ties go to the lower article, as in
a stable sort.
"""

from typing import Final, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from hemline.kernels.compiled import compiled

Floats = npt.NDArray[np.float32]

_LOWEST: Final = np.float32(np.finfo(np.float32).min)
LANES: Final = 64
_AT_ONCE: Final = 4


class Factors(NamedTuple):
    """What a score is computed from: the product of two rows, and a bias.

    Attributes:
        customers: float32 of shape (customers, width).
        vectors: float32 of shape (articles, width).
        bias: float32 of shape (articles,).
    """

    customers: Floats
    vectors: Floats
    bias: Floats


class BoundedCandidates(NamedTuple):
    """The articles that may be among the k best, a row per customer.

    Attributes:
        articles: int32 of shape (customers, places), ascending.
        low: float32 of the same shape; lower bound of the score.
        high: float32 of the same shape; upper bound of the score.
        n: int64 of shape (customers,); number of places in use.
        threshold: float32 of shape (customers,); an article that cannot reach it is not listed.
    """

    articles: npt.NDArray[np.int32]
    low: Floats
    high: Floats
    n: npt.NDArray[np.int64]
    threshold: Floats

    @classmethod
    def empty(cls, n_customers: int, k: int) -> "BoundedCandidates":
        """Return free places for this many customers."""
        shape = (n_customers, 4 * k + 32)
        return cls(
            np.empty(shape, np.int32),
            np.empty(shape, np.float32),
            np.empty(shape, np.float32),
            np.zeros(n_customers, np.int64),
            np.full(n_customers, _LOWEST, np.float32),
        )


@compiled
def scan_tile(
    products: Floats,
    first: int,
    slack: Floats,
    factors: Factors,
    candidates: BoundedCandidates,
    k: int,
) -> None:
    """Add the articles of a tile that may be among the k best.

    Args:
        products: float32 of shape (customers, articles of the tile); without the bias.
        first: number of the tile's first article.
        slack: float32 of shape (customers,); largest error of a product plus bias.
        factors: what the products were computed from.
        candidates: those of earlier tiles; changed.
        k: length of the lists.
    """
    for row in range(len(products)):
        scores, error = products[row], slack[row]
        for start in range(0, len(scores), LANES):
            stop = min(start + LANES, len(scores))
            bias = factors.bias[first + start : first + stop]
            if not any_at_least(scores[start:stop], bias, candidates.threshold[row] - error):
                continue
            for place in range(start, stop):
                score = scores[place] + factors.bias[first + place]
                if score + error >= candidates.threshold[row]:
                    add_candidate(
                        first + place, score - error, score + error, row, factors, candidates, k
                    )


@compiled
def write_lists(
    factors: Factors, candidates: BoundedCandidates, articles: npt.NDArray[np.int32], scores: Floats
) -> None:
    """Write the best candidates into empty lists of articles and scores, best first."""
    k = scores.shape[1]
    for row in range(len(scores)):
        if candidates.n[row] > k:
            candidates.threshold[row] = _kth(candidates.low[row, : candidates.n[row]], k)
            _prune(row, candidates)
        _score_exactly(row, factors, candidates)
        for place in range(min(candidates.n[row], k)):
            _insert(row, place, place, candidates, articles, scores)
        for place in range(k, candidates.n[row]):
            if candidates.low[row, place] > scores[row, k - 1]:
                _insert(row, place, k - 1, candidates, articles, scores)


@numba.njit(nogil=True)
def _insert(
    row: int,
    place: int,
    rank: int,
    candidates: BoundedCandidates,
    articles: npt.NDArray[np.int32],
    scores: Floats,
) -> None:
    """Insert a candidate behind the better ones of a list, which is free from `rank` on."""
    score = candidates.low[row, place]
    while rank > 0 and scores[row, rank - 1] < score:
        scores[row, rank] = scores[row, rank - 1]
        articles[row, rank] = articles[row, rank - 1]
        rank -= 1
    scores[row, rank] = score
    articles[row, rank] = candidates.articles[row, place]


@numba.njit(nogil=True)
def any_at_least(scores: Floats, bias: Floats, threshold: float) -> bool:
    """Return whether a score and its bias reach the threshold."""
    reached = False
    for place in range(len(scores)):  # no early exit, so that the loop vectorises
        reached |= scores[place] + bias[place] >= threshold
    return reached


@numba.njit(nogil=True)
def add_candidate(
    article: int,
    low: float,
    high: float,
    row: int,
    factors: Factors,
    candidates: BoundedCandidates,
    k: int,
) -> None:
    """Add a candidate of a row, and make room for the next one."""
    n = candidates.n[row]
    candidates.articles[row, n] = article
    candidates.low[row, n] = low
    candidates.high[row, n] = high
    candidates.n[row] = n + 1
    if n + 1 < candidates.articles.shape[1]:
        return
    candidates.threshold[row] = _kth(candidates.low[row], k)
    _prune(row, candidates)
    if candidates.n[row] > candidates.articles.shape[1] // 2:
        _score_exactly(row, factors, candidates)
        candidates.threshold[row] = _kth(candidates.low[row, : candidates.n[row]], k)
        _prune(row, candidates)
        _prune_ties(row, candidates, k)


@numba.njit(nogil=True)
def _kth(values: Floats, k: int) -> float:
    """Return the k-th highest of at threshold k values."""
    best = np.full(k, _LOWEST, np.float32)
    for value in values:
        if value <= best[k - 1]:
            continue
        rank = k - 1
        while rank > 0 and best[rank - 1] < value:
            best[rank] = best[rank - 1]
            rank -= 1
        best[rank] = value
    worst: float = best[k - 1]
    return worst


@numba.njit(nogil=True)
def _prune(row: int, candidates: BoundedCandidates) -> None:
    """Remove candidates that cannot reach the k-th best."""
    n_left = 0
    for place in range(candidates.n[row]):
        if candidates.high[row, place] >= candidates.threshold[row]:
            _move(row, place, n_left, candidates)
            n_left += 1
    candidates.n[row] = n_left


@numba.njit(nogil=True)
def _prune_ties(row: int, candidates: BoundedCandidates, k: int) -> None:
    """Of exactly scored candidates that tie for the k-th place, retain the first."""
    n_free = k
    for place in range(candidates.n[row]):
        n_free -= candidates.low[row, place] > candidates.threshold[row]
    n_left = 0
    for place in range(candidates.n[row]):
        is_equal = candidates.low[row, place] == candidates.threshold[row]
        if is_equal and n_free == 0:
            continue
        n_free -= is_equal
        _move(row, place, n_left, candidates)
        n_left += 1
    candidates.n[row] = n_left


@numba.njit(nogil=True)
def _move(row: int, place: int, to: int, candidates: BoundedCandidates) -> None:
    candidates.articles[row, to] = candidates.articles[row, place]
    candidates.low[row, to] = candidates.low[row, place]
    candidates.high[row, to] = candidates.high[row, place]


@numba.njit(nogil=True)
def _score_exactly(row: int, factors: Factors, candidates: BoundedCandidates) -> None:
    customer, n = factors.customers[row], candidates.n[row]
    totals = np.empty(_AT_ONCE)
    for start in range(0, n, _AT_ONCE):
        places = np.minimum(np.arange(start, start + _AT_ONCE), n - 1)
        articles = candidates.articles[row][places]
        _add_products(customer, factors.vectors, articles, totals)
        for place, article, total in zip(places, articles, totals):  # noqa: B905  (numba)
            score = np.float32(total + np.float64(factors.bias[article]))
            candidates.low[row, place] = score
            candidates.high[row, place] = score


@numba.njit(nogil=True)
def _add_products(
    customer: Floats,
    vectors: Floats,
    articles: npt.NDArray[np.int32],
    totals: npt.NDArray[np.float64],
) -> None:
    """Write the products with four articles: each sum in order, so four of them at a time."""
    first, second = vectors[articles[0]], vectors[articles[1]]
    third, fourth = vectors[articles[2]], vectors[articles[3]]
    one, two, three, four = 0.0, 0.0, 0.0, 0.0
    for column in range(len(customer)):
        value = np.float64(customer[column])
        one += value * np.float64(first[column])
        two += value * np.float64(second[column])
        three += value * np.float64(third[column])
        four += value * np.float64(fourth[column])
    totals[0], totals[1], totals[2], totals[3] = one, two, three, four
