"""Ranking metrics per customer, from hits and the number of articles bought.

Every function takes `hits`, bool of shape (customers, list length), true where the article at that
rank was bought in the test week, and `n_bought`, int of shape (customers,), at least 1; it returns
float64 of shape (customers,). The caller takes means, and so can compute intervals.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Hits = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

SUCCESS_SHARE: Final = 0.3
"""The TrainDy poster's recall_30: this share of the listed articles is bought."""


def average_precision(hits: Hits, n_bought: Counts, k: int) -> Values:
    """Return AP@k as Kaggle's H&M competition defines it: divided by min(n_bought, k).

    >>> hits = np.array([[True, False, True]])
    >>> float(average_precision(hits, np.array([2]), 3)[0]) == (1 / 1 + 2 / 3) / 2
    True
    """
    top = hits[:, :k]
    precision = np.cumsum(top, axis=1) / np.arange(1, top.shape[1] + 1)
    return np.asarray((precision * top).sum(axis=1) / np.minimum(n_bought, k))


def recall(hits: Hits, n_bought: Counts, k: int) -> Values:
    """Return the share of the bought articles that the first k hold."""
    return np.asarray(hits[:, :k].sum(axis=1) / n_bought)


def ndcg(hits: Hits, n_bought: Counts, k: int) -> Values:
    """Return NDCG@k with binary gains (Jarvelin & Kekalainen 2002)."""
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    gained = (hits[:, :k] * discounts[: hits[:, :k].shape[1]]).sum(axis=1)
    ideal = np.concatenate([[0.0], np.cumsum(discounts)])[np.minimum(n_bought, k)]
    return np.asarray(gained / ideal)


def precision(hits: Hits, k: int) -> Values:
    """Return the share of k places that hold a bought article; an empty place is a miss."""
    return np.asarray(hits[:, :k].sum(axis=1) / k)


def reciprocal_rank(hits: Hits, k: int) -> Values:
    """Return 1 / rank of the first bought article, 0 where the first k hold none.

    >>> float(reciprocal_rank(np.array([[False, True, True]]), 3)[0])
    0.5
    """
    top = hits[:, :k]
    return np.asarray(np.where(top.any(axis=1), 1.0 / (1 + top.argmax(axis=1)), 0.0))


def hit(hits: Hits, k: int) -> Values:
    """Return 1 where at least one of the first k was bought (the poster's recall_1 at k = 20)."""
    return np.asarray(hits[:, :k].any(axis=1), np.float64)


def success_30(hits: Hits, k: int) -> Values:
    """Return 1 where at least 30 % of a list of k was bought (the poster's recall_30 at k = 20)."""
    return np.asarray(hits[:, :k].sum(axis=1) >= np.ceil(SUCCESS_SHARE * k), np.float64)
