"""The inner loops of `kernels.dense_topk`, in a module of their own because numba compiles them.

Every article that may be among the k best is a candidate, stored with the lowest and the highest
score it can have. The number of places is fixed: when they are full, candidates whose highest score
is below the k-th best lowest score are pruned, and if that is not enough, all are scored exactly
and k remain. Candidates stay in ascending order of article, so ties go to the lower article, as in
a stable sort.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.kernels.compiled import compiled, inlined

Floats = npt.NDArray[np.float32]

_LOWEST: Final = np.float32(np.finfo(np.float32).min)
_LANES: Final = 64
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
        products: float32 of shape (customers, articles of the tile); without the bias; changed.
        first: number of the tile's first article.
        slack: float32 of shape (customers,); largest error of a product plus bias.
        factors: what the products were computed from.
        candidates: those of earlier tiles; changed.
        k: length of the lists.
    """
    error = np.empty(products.shape[1], np.float32)
    for row in range(len(products)):
        error[:] = slack[row]
        products[row] += slack[row]
        add_candidates(products[row], error, first, row, factors, candidates, k)


@inlined
def add_candidates(
    high: Floats,
    error: Floats,
    first: int,
    row: int,
    factors: Factors,
    candidates: BoundedCandidates,
    k: int,
) -> None:
    """Add the articles to a row's candidates that may be among its k best.

    What changes for one row only is held in variables of its own: read from the arrays of all rows
    for each article, it takes twice as long.

    Args:
        high: float32 of shape (articles,); highest possible product of each, without its bias.
        error: float32 beside `high`; how far the product may lie on either side of its mean.
        first: number of the first article.
        row: of the customer.
        factors: what the products were computed from.
        candidates: those of earlier articles; changed.
        k: length of the lists.
    """
    articles, low, highest = candidates.articles[row], candidates.low[row], candidates.high[row]
    n, threshold = candidates.n[row], candidates.threshold[row]
    for start in range(0, len(high), _LANES):
        stop = min(start + _LANES, len(high))
        bias = factors.bias[first + start : first + stop]
        if not _any_at_least(high[start:stop], bias, threshold):
            continue
        for place in range(start, stop):
            score = high[place] + factors.bias[first + place]
            if score >= threshold:
                articles[n] = first + place
                low[n], highest[n] = score - 2 * error[place], score
                n += 1
                if n == len(articles):
                    candidates.n[row] = n
                    _make_room(row, factors, candidates, k)
                    n, threshold = candidates.n[row], candidates.threshold[row]
    candidates.n[row] = n


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


@inlined
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


@inlined
def _any_at_least(scores: Floats, bias: Floats, threshold: float) -> bool:
    """Return whether a score and its bias reach the threshold."""
    reached = False
    for place in range(len(scores)):  # no early exit, so that the loop vectorises
        reached |= scores[place] + bias[place] >= threshold
    return reached


@inlined
def _make_room(row: int, factors: Factors, candidates: BoundedCandidates, k: int) -> None:
    """Remove the candidates of a row that cannot be among the k best, at least one."""
    candidates.threshold[row] = _kth(candidates.low[row], k)
    _prune(row, candidates)
    if candidates.n[row] > candidates.articles.shape[1] // 2:
        _score_exactly(row, factors, candidates)
        candidates.threshold[row] = _kth(candidates.low[row, : candidates.n[row]], k)
        _prune(row, candidates)
        _prune_ties(row, candidates, k)


@inlined
def _kth(values: Floats, k: int) -> float:
    """Return the k-th highest of at least k values: the top of a heap of the k highest so far."""
    heap = values[:k].copy()
    for place in range(k // 2 - 1, -1, -1):
        _sink(heap, place, heap[place])
    for value in values[k:]:
        if value > heap[0]:
            _sink(heap, 0, value)
    worst: float = heap[0]
    return worst


@inlined
def _sink(heap: Floats, place: int, value: float) -> None:
    """Write a value to a place of the heap, or as far below it as lower values stand."""
    below = 2 * place + 1
    while below < len(heap):
        if below + 1 < len(heap) and heap[below + 1] < heap[below]:
            below += 1
        if heap[below] >= value:
            break
        heap[place] = heap[below]
        place, below = below, 2 * below + 1
    heap[place] = value


@inlined
def _prune(row: int, candidates: BoundedCandidates) -> None:
    """Remove candidates that cannot reach the k-th best."""
    n_left = 0
    for place in range(candidates.n[row]):
        if candidates.high[row, place] >= candidates.threshold[row]:
            _move(row, place, n_left, candidates)
            n_left += 1
    candidates.n[row] = n_left


@inlined
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


@inlined
def _move(row: int, place: int, to: int, candidates: BoundedCandidates) -> None:
    candidates.articles[row, to] = candidates.articles[row, place]
    candidates.low[row, to] = candidates.low[row, place]
    candidates.high[row, to] = candidates.high[row, place]


@inlined
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


@inlined
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
