"""How likely customers buy their own articles again: what is known of each pair, and the lists.

One function describes a customer's purchases, for training and for answers. It goes through them in
a fixed order with the logarithms of the C library, so a score is the same to the bit whether one
customer is requested or a million.
"""

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hemline.kernels.blocks import for_blocks
from hemline.kernels.compiled import compiled, inlined
from hemline.kernels.heap import is_better, sink, sort_heap
from hemline.kernels.lists import NO_ARTICLE, Lists, empty_lists

FEATURES: Final = (
    "constant",
    "gap",
    "gap_2",
    "gap_3",
    "units",
    "n_articles",
    "latest",
    "n_days",
    "first",
    "gap_by_n_articles",
    "gap_by_n_days",
    "sold_7d",
    "sold_28d",
)
"""Of a customer and an article: logarithms, but for the constant.

gap: days since the customer last bought the article, its square and cube; units: bought by them;
n_articles: distinct ones in their history; latest, first: days since the latest and the earliest
purchase in it; n_days: distinct days of these; sold: recent buyers of the article, plus one.
"""
N_FEATURES: Final = len(FEATURES)

Indptr = npt.NDArray[np.signedinteger[Any]]
Articles = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]
Sold = npt.NDArray[np.int32]
Doubles = npt.NDArray[np.float64]


def describe_bought(
    indptr: Indptr, articles: Articles, units: Floats, days: Floats, sold: Sold
) -> Doubles:
    """Return the features of every purchase, float64 of shape (purchases, N_FEATURES).

    Args:
        indptr: where the purchases of each customer start (histories.Histories).
        articles: of all purchases.
        units: float32 beside `articles`.
        days: float32 beside `articles`; days ago, at least 1.
        sold: int32 of shape (articles, 2); buyers in the latest 7 and 28 days.
    """
    described = np.empty((len(articles), N_FEATURES))

    def fill(rows: slice) -> None:
        _describe_rows(rows.start, rows.stop, indptr, articles, units, days, sold, described)

    for_blocks(fill, len(indptr) - 1)
    return described


def likeliest_bought(
    indptr: Indptr,
    articles: Articles,
    units: Floats,
    days: Floats,
    sold: Sold,
    weights: Doubles,
    least: float,
    k: int,
) -> Lists:
    """Return each customer's k likeliest articles of those bought.

    Args:
        indptr: as in `describe_bought`, with the next four.
        articles: of all purchases.
        units: beside `articles`.
        days: beside `articles`.
        sold: by article.
        weights: float64 of shape (N_FEATURES,).
        least: the log odds below which an article is not listed.
        k: length of the lists.
    """
    listed, best = empty_lists(len(indptr) - 1, k)

    def fill(rows: slice) -> None:
        _fill_likeliest(
            rows.start, indptr, articles, units, days, sold, weights, least, listed[rows],
            best[rows],
        )  # fmt: skip

    for_blocks(fill, len(listed))
    return listed, best


@compiled
def _describe_rows(
    first: int,
    last: int,
    indptr: Indptr,
    articles: Articles,
    units: Floats,
    days: Floats,
    sold: Sold,
    described: Doubles,
) -> None:
    for row in range(first, last):
        start, end = indptr[row], indptr[row + 1]
        _describe(
            articles[start:end], units[start:end], days[start:end], sold, described[start:end]
        )


@compiled
def _fill_likeliest(
    first: int,
    indptr: Indptr,
    articles: Articles,
    units: Floats,
    days: Floats,
    sold: Sold,
    weights: Doubles,
    least: float,
    listed: Articles,
    best: Floats,
) -> None:
    k = best.shape[1]
    for place in range(len(best)):
        start, end = indptr[first + place], indptr[first + place + 1]
        described = np.empty((end - start, N_FEATURES))
        _describe(articles[start:end], units[start:end], days[start:end], sold, described)
        columns, scores = np.full(k, NO_ARTICLE, np.int64), np.full(k, -np.inf)
        for entry in range(end - start):
            odds = 0.0
            for feature in range(N_FEATURES):
                odds += weights[feature] * described[entry, feature]
            score = np.float64(np.float32(odds))
            article = articles[start + entry]
            if score >= least and is_better(score, article, columns, scores):
                sink(columns, scores, k, article, score)
        sort_heap(columns, scores)
        for rank in range(k):
            is_listed = scores[rank] > -np.inf
            listed[place, rank] = columns[rank] if is_listed else NO_ARTICLE
            best[place, rank] = scores[rank]


@inlined
def _describe(
    articles: Articles, units: Floats, days: Floats, sold: Sold, described: Doubles
) -> None:
    """Write the features of one customer's purchases."""
    n_articles = len(articles)
    if n_articles == 0:
        return
    ordered = np.sort(days)
    n_days = 1
    for place in range(1, n_articles):
        if ordered[place] != ordered[place - 1]:
            n_days += 1
    log_articles, log_days = math.log(float(n_articles)), math.log(float(n_days))
    latest = math.log(max(float(ordered[0]), 1.0))
    earliest = math.log(max(float(ordered[-1]), 1.0))
    for entry in range(n_articles):
        gap = math.log(max(float(days[entry]), 1.0))
        described[entry, 0] = 1.0
        described[entry, 1] = gap
        described[entry, 2] = gap * gap
        described[entry, 3] = gap * gap * gap
        described[entry, 4] = math.log(max(float(units[entry]), 1.0))
        described[entry, 5] = log_articles
        described[entry, 6] = latest
        described[entry, 7] = log_days
        described[entry, 8] = earliest
        described[entry, 9] = gap * log_articles
        described[entry, 10] = gap * log_days
        described[entry, 11] = math.log1p(float(sold[articles[entry], 0]))
        described[entry, 12] = math.log1p(float(sold[articles[entry], 1]))
