"""Lists from what customers bought: their own articles, and what neighbours of these get votes.

One loop serves one customer and a million, a row at a time in a fixed order, so lists and scores
are equal to the bit however many customers are requested, on however many threads.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.kernels.blocks import for_blocks
from hemline.kernels.compiled import compiled, inlined
from hemline.kernels.heap import is_better, sink, sort_heap
from hemline.kernels.lists import NO_ARTICLE, Lists, empty_lists

Indptr = npt.NDArray[np.int32]
Articles = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]


class LatestVotes(NamedTuple):
    """Who votes for whom.

    Attributes:
        articles: int32 of shape (articles, neighbours), NO_ARTICLE at the end of short lists.
        scores: float32 of the same shape; the weight of the vote.
        latest: how many of a customer's latest articles vote.
    """

    articles: Articles
    scores: Floats
    latest: int


def best_bought(indptr: Indptr, articles: Articles, scores: Floats, k: int) -> Lists:
    """Return each customer's k best articles of those bought; a score of -inf is not listed.

    Args:
        indptr: where the purchases of each customer start (histories.Histories).
        articles: of all purchases.
        scores: float32 beside `articles`.
        k: length of the lists.
    """
    listed, best = empty_lists(len(indptr) - 1, k)

    def fill(rows: slice) -> None:
        _fill_bought(rows.start, indptr, articles, scores, listed[rows], best[rows])

    for_blocks(fill, len(listed))
    return listed, best


def best_by_votes(
    indptr: Indptr, articles: Articles, days: Floats, votes: LatestVotes, k: int
) -> Lists:
    """Return the neighbours of each customer's latest articles by the sum of their scores.

    Args:
        indptr: where the purchases of each customer start (histories.Histories).
        articles: of all purchases.
        days: float32 beside `articles`; days ago, where everything since yesterday is as late.
        votes: of each article.
        k: length of the lists.
    """
    listed, best = empty_lists(len(indptr) - 1, k)

    def fill(rows: slice) -> None:
        _fill_votes(rows.start, indptr, articles, days, votes, listed[rows], best[rows])

    for_blocks(fill, len(listed))
    return listed, best


@compiled
def _fill_bought(
    first: int, indptr: Indptr, articles: Articles, values: Floats, listed: Articles, best: Floats
) -> None:
    k = best.shape[1]
    for place in range(len(best)):
        columns, scores = np.full(k, NO_ARTICLE, np.int64), np.full(k, -np.inf)
        for entry in range(indptr[first + place], indptr[first + place + 1]):
            if is_better(values[entry], articles[entry], columns, scores):
                sink(columns, scores, k, articles[entry], values[entry])
        sort_heap(columns, scores)
        for rank in range(k):
            is_listed = scores[rank] > -np.inf
            listed[place, rank] = columns[rank] if is_listed else NO_ARTICLE
            best[place, rank] = scores[rank]


@compiled
def _fill_votes(
    first: int,
    indptr: Indptr,
    articles: Articles,
    days: Floats,
    votes: LatestVotes,
    listed: Articles,
    best: Floats,
) -> None:
    # Few articles get votes: to look at these only is faster than to look for them among all.
    k, n_most = best.shape[1], votes.latest * votes.articles.shape[1]
    totals, voted = np.zeros(len(votes.articles)), np.empty(n_most, np.int64)
    for place in range(len(best)):
        start, end = indptr[first + place], indptr[first + place + 1]
        columns, scores = np.full(k, NO_ARTICLE, np.int64), np.full(k, -np.inf)
        n_voted = 0
        for voter in _latest(articles[start:end], days[start:end], votes.latest):
            for rank in range(votes.articles.shape[1]):
                article = votes.articles[voter, rank]
                if article == NO_ARTICLE:
                    break
                if totals[article] == 0:
                    voted[n_voted] = article
                    n_voted += 1
                totals[article] += votes.scores[voter, rank]
        for article in voted[:n_voted]:
            score = np.float64(np.float32(totals[article]))
            totals[article] = 0
            if score > 0 and is_better(score, article, columns, scores):
                sink(columns, scores, k, article, score)
        sort_heap(columns, scores)
        listed[place], best[place] = columns, scores


@inlined
def _latest(articles: Articles, days: Floats, n_latest: int) -> npt.NDArray[np.int64]:
    """Return the latest articles in ascending order; of one day the lower ones."""
    if len(articles) <= n_latest:
        return articles.astype(np.int64)
    columns, scores = np.full(n_latest, NO_ARTICLE, np.int64), np.full(n_latest, -np.inf)
    for entry in range(len(articles)):
        score = -max(np.float64(days[entry]), 1.0)
        if is_better(score, articles[entry], columns, scores):
            sink(columns, scores, n_latest, articles[entry], score)
    return np.sort(columns)
