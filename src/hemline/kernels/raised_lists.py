"""The best articles of a score table when some articles of each customer are raised.

An article that is not raised can only be among the k best if it is among the k best of the table,
because raising others never brings it forward. So the lists of the table and the raised articles
are all there is to compare, and the lists stay exact.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from hemline.kernels.blocks import for_blocks
from hemline.kernels.compiled import compiled, inlined
from hemline.kernels.dense_topk_loops import Factors
from hemline.kernels.heap import is_better, sink, sort_heap
from hemline.kernels.lists import NO_ARTICLE, Lists, empty_lists

Floats = npt.NDArray[np.float32]

_AT_ONCE: Final = 4


def best_of_raised(factors: Factors, best: Lists, raised: Lists) -> Lists:
    """Return the k best articles by product, bias and raise, and their scores.

    Sums are float64 and rounded to float32, as in `dense_topk`, so lists are equal to the bit for
    one customer and for many.

    Args:
        factors: customers, articles and bias; a bias of -inf excludes an article.
        best: the k best articles without a raise, as `dense_topk` lists them.
        raised: for each customer articles, each once, and by how much each is raised, at least 0;
            NO_ARTICLE after the last one.
    """
    articles, scores = empty_lists(*best[0].shape)

    def fill(rows: slice) -> None:
        _fill(rows.start, factors, best, raised, articles[rows], scores[rows])

    for_blocks(fill, len(articles))
    return articles, scores


@compiled
def _fill(
    first: int,
    factors: Factors,
    best: Lists,
    raised: Lists,
    articles: npt.NDArray[np.int32],
    scores: Floats,
) -> None:
    is_raised = np.zeros(len(factors.bias), np.bool_)
    k, sums = articles.shape[1], np.empty(raised[0].shape[1] + _AT_ONCE)
    for place in range(len(articles)):
        row = first + place
        listed, values = np.full(k, NO_ARTICLE, np.int64), np.full(k, -np.inf)
        n_raised = length_of(raised[0][row])
        multiply(factors.customers[row], factors.vectors, raised[0][row, :n_raised], sums)
        for rank in range(n_raised):
            article = raised[0][row, rank]
            is_raised[article] = True
            score = sums[rank] + np.float64(factors.bias[article]) + raised[1][row, rank]
            _offer(article, np.float64(np.float32(score)), listed, values)
        for rank in range(length_of(best[0][row])):
            article = best[0][row, rank]
            if not is_raised[article]:
                _offer(article, np.float64(best[1][row, rank]), listed, values)
        for article in raised[0][row, :n_raised]:
            is_raised[article] = False
        sort_heap(listed, values)
        articles[place], scores[place] = listed, values


@inlined
def length_of(articles: npt.NDArray[np.int32]) -> int:
    """Return how many articles stand before the first NO_ARTICLE."""
    length = 0
    while length < len(articles) and articles[length] != NO_ARTICLE:
        length += 1
    return length


@inlined
def _offer(
    article: int, score: float, listed: npt.NDArray[np.int64], values: npt.NDArray[np.float64]
) -> None:
    if score > -np.inf and is_better(score, article, listed, values):
        sink(listed, values, len(values), article, score)


@inlined
def multiply(
    customer: Floats,
    vectors: Floats,
    articles: npt.NDArray[np.int32],
    sums: npt.NDArray[np.float64],
) -> None:
    """Write the products with the articles, four at a time: each sum in order (dense_topk_loops).

    `sums` has room for three more, which are undefined.
    """
    for start in range(0, len(articles), _AT_ONCE):
        at = np.minimum(np.arange(start, start + _AT_ONCE), len(articles) - 1)
        first, second = vectors[articles[at[0]]], vectors[articles[at[1]]]
        third, fourth = vectors[articles[at[2]]], vectors[articles[at[3]]]
        one, two, three, four = 0.0, 0.0, 0.0, 0.0
        for column in range(len(customer)):
            value = np.float64(customer[column])
            one += value * np.float64(first[column])
            two += value * np.float64(second[column])
            three += value * np.float64(third[column])
            four += value * np.float64(fourth[column])
        sums[start], sums[start + 1], sums[start + 2], sums[start + 3] = one, two, three, four
