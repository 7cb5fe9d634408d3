"""The inner loops of `models.scoring`, compiled by numba: the only reason this module exists.

Whoever may be among the k best is kept with the lowest and the highest score that is possible for
them. Places are few: when they are full, those whose highest is below the k-th best lowest leave,
and if that does not help, all are scored for good and k stay. Articles always stand in rising
order, so the earlier of two equal ones wins as in a sort.
"""

from typing import Final, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_LOWEST: Final = np.float32(np.finfo(np.float32).min)
_STEP: Final = 64


class Factors(NamedTuple):
    """What a score is made of: a product of two rows, and a bias.

    Attributes:
        customers: float32 of shape (customers, width).
        vectors: float32 of shape (articles, width).
        bias: float32 of shape (articles,).
    """

    customers: Floats
    vectors: Floats
    bias: Floats


class Bytes(NamedTuple):
    """Rows rounded to bytes: about `scale` times `values`.

    Attributes:
        values: int8 of the rows' shape.
        scale: float32 of shape (rows,).
        lost: float32 of shape (rows,); length of what rounding took away.
        length: float32 of shape (rows,); of the rows before.
    """

    values: npt.NDArray[np.int8]
    scale: Floats
    lost: Floats
    length: Floats


class Kept(NamedTuple):
    """Who may be among the best, a row per customer.

    Attributes:
        articles: int32 of shape (customers, places), rising.
        low: float32 of the same shape; the score is at least that.
        high: float32 of the same shape; the score is at most that.
        n: int64 of shape (customers,); places taken.
        least: float32 of shape (customers,); who cannot reach that is not among the best.
    """

    articles: npt.NDArray[np.int32]
    low: Floats
    high: Floats
    n: npt.NDArray[np.int64]
    least: Floats

    @classmethod
    def of(cls, n_customers: int, k: int) -> "Kept":
        """Return places for so many customers, all free."""
        shape = (n_customers, 4 * k + 32)
        return cls(
            np.empty(shape, np.int32),
            np.empty(shape, np.float32),
            np.empty(shape, np.float32),
            np.zeros(n_customers, np.int64),
            np.full(n_customers, _LOWEST, np.float32),
        )


@numba.njit(nogil=True, cache=True)
def keep_tile(
    products: Floats, first: int, slack: Floats, factors: Factors, kept: Kept, k: int
) -> None:
    """Keep who may be among the k best of a tile of articles.

    Args:
        products: float32 of shape (customers, articles of the tile); without the bias.
        first: number of the tile's first article.
        slack: float32 of shape (customers,); with the bias, products are off by that at most.
        factors: what they are products of.
        kept: whom earlier tiles had; changed.
        k: how many are wanted.
    """
    for row in range(len(products)):
        scores, off = products[row], slack[row]
        for start in range(0, len(scores), _STEP):
            stop = min(start + _STEP, len(scores))
            bias = factors.bias[first + start : first + stop]
            if not _any_reaches(scores[start:stop], bias, kept.least[row] - off):
                continue
            for place in range(start, stop):
                score = scores[place] + factors.bias[first + place]
                if score + off >= kept.least[row]:
                    _keep(first + place, score - off, score + off, row, factors, kept, k)


@numba.njit(nogil=True, cache=True)
def keep_bytes(
    asking: Bytes, table: Bytes, slack: Floats, factors: Factors, kept: Kept, k: int
) -> None:
    """Keep who may be among the k best of all articles, by the bytes of both factors.

    Args:
        asking: the customers in bytes.
        table: the articles in bytes.
        slack: float32 of shape (customers,); what rounding in float32 adds at most.
        factors: both as they are.
        kept: nobody yet; changed.
        k: how many are wanted.
    """
    n_articles = len(factors.vectors)
    products = np.empty(n_articles, np.float32)
    off = np.empty(n_articles, np.float32)
    for row in range(len(factors.customers)):
        _multiply(table.values, asking.values[row], products)
        length = asking.length[row] + asking.lost[row]
        for article in range(n_articles):
            lost = length * table.lost[article] + asking.lost[row] * table.length[article]
            off[article] = lost + slack[row]
            products[article] *= asking.scale[row] * table.scale[article]
            products[article] += off[article]
        for start in range(0, n_articles, _STEP):
            stop = min(start + _STEP, n_articles)
            if not _any_reaches(products[start:stop], factors.bias[start:stop], kept.least[row]):
                continue
            for article in range(start, stop):
                high = products[article] + factors.bias[article]
                if high >= kept.least[row]:
                    _keep(article, high - 2 * off[article], high, row, factors, kept, k)


@numba.njit(nogil=True, cache=True)
def finish(factors: Factors, kept: Kept, articles: npt.NDArray[np.int32], scores: Floats) -> None:
    """Write the best of those kept into empty lists of articles and scores, best first."""
    k = scores.shape[1]
    for row in range(len(scores)):
        if kept.n[row] > k:
            kept.least[row] = _kth(kept.low[row, : kept.n[row]], k)
            _thin(row, kept)
        _score_for_good(row, factors, kept)
        for place in range(min(kept.n[row], k)):
            _insert(row, place, place, kept, articles, scores)
        for place in range(k, kept.n[row]):
            if kept.low[row, place] > scores[row, k - 1]:
                _insert(row, place, k - 1, kept, articles, scores)


@numba.njit(nogil=True)
def _insert(
    row: int,
    place: int,
    rank: int,
    kept: Kept,
    articles: npt.NDArray[np.int32],
    scores: Floats,
) -> None:
    """Put one of those kept behind the better ones of a list, which is open from `rank` on."""
    score = kept.low[row, place]
    while rank > 0 and scores[row, rank - 1] < score:
        scores[row, rank] = scores[row, rank - 1]
        articles[row, rank] = articles[row, rank - 1]
        rank -= 1
    scores[row, rank] = score
    articles[row, rank] = kept.articles[row, place]


@numba.njit(nogil=True)
def _multiply(table: npt.NDArray[np.int8], vector: npt.NDArray[np.int8], products: Floats) -> None:
    for article in range(len(table)):
        row = table[article]
        total = np.int32(0)
        for column in range(len(vector)):
            total += np.int32(row[column]) * np.int32(vector[column])
        products[article] = total


@numba.njit(nogil=True)
def _any_reaches(scores: Floats, bias: Floats, least: float) -> bool:
    any_does = False
    for place in range(len(scores)):  # to the end every time: so it takes 16 in one go
        any_does |= scores[place] + bias[place] >= least
    return any_does


@numba.njit(nogil=True)
def _keep(
    article: int, low: float, high: float, row: int, factors: Factors, kept: Kept, k: int
) -> None:
    n = kept.n[row]
    kept.articles[row, n] = article
    kept.low[row, n] = low
    kept.high[row, n] = high
    kept.n[row] = n + 1
    if n + 1 < kept.articles.shape[1]:
        return
    kept.least[row] = _kth(kept.low[row], k)
    _thin(row, kept)
    if kept.n[row] > kept.articles.shape[1] // 2:
        _score_for_good(row, factors, kept)
        kept.least[row] = _kth(kept.low[row, : kept.n[row]], k)
        _thin(row, kept)
        _drop_equals(row, kept, k)


@numba.njit(nogil=True)
def _kth(values: Floats, k: int) -> float:
    """Return the k-th highest of at least k values."""
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
def _thin(row: int, kept: Kept) -> None:
    """Let those go who cannot reach the k-th best."""
    n_left = 0
    for place in range(kept.n[row]):
        if kept.high[row, place] >= kept.least[row]:
            _move(row, place, n_left, kept)
            n_left += 1
    kept.n[row] = n_left


@numba.njit(nogil=True)
def _drop_equals(row: int, kept: Kept, k: int) -> None:
    """Keep, of those who share the k-th place for good, the first."""
    n_free = k
    for place in range(kept.n[row]):
        n_free -= kept.low[row, place] > kept.least[row]
    n_left = 0
    for place in range(kept.n[row]):
        is_equal = kept.low[row, place] == kept.least[row]
        if is_equal and n_free == 0:
            continue
        n_free -= is_equal
        _move(row, place, n_left, kept)
        n_left += 1
    kept.n[row] = n_left


@numba.njit(nogil=True)
def _move(row: int, place: int, to: int, kept: Kept) -> None:
    kept.articles[row, to] = kept.articles[row, place]
    kept.low[row, to] = kept.low[row, place]
    kept.high[row, to] = kept.high[row, place]


@numba.njit(nogil=True)
def _score_for_good(row: int, factors: Factors, kept: Kept) -> None:
    customer = factors.customers[row]
    for place in range(kept.n[row]):
        article = kept.articles[row, place]
        vector = factors.vectors[article]
        total = 0.0
        for column in range(len(customer)):
            total += np.float64(customer[column]) * np.float64(vector[column])
        score = np.float32(total + np.float64(factors.bias[article]))
        kept.low[row, place] = score
        kept.high[row, place] = score
