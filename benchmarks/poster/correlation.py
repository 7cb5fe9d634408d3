"""The deck's other model: the five articles most correlated with the latest purchase.

Two articles are similar if the same customers bought them (Pearson's correlation of their columns).
A list starts with the five articles most similar to the latest purchase and is filled up with
popular ones. Correlations are computed from co-purchase counts: a pair without co-purchases has a
negative correlation and is never among the five.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hemline.data.histories import Histories
from hemline.kernels.lists import NO_ARTICLE, empty_lists, top_k_sparse
from hemline.models.recommender import OneSource, Recommendations, recommendations_from

_BLOCK = 1024


@dataclass(frozen=True)
class Correlation(OneSource):
    """The five articles most similar to each article, best first; int32, shape (articles, 5)."""

    similar: npt.NDArray[np.int32]
    name: str = "deck: correlation"

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return the articles most similar to each customer's latest purchase, at most five."""
        days = histories.days_ago
        fresh = sparse.csr_matrix((-days.data, days.indices, days.indptr), shape=days.shape)
        latest = top_k_sparse(fresh, 1)[0][:, 0]
        n_listed = min(k, self.similar.shape[1])
        articles, scores = empty_lists(histories.n_customers, k)
        bought = latest != NO_ARTICLE
        articles[bought, :n_listed] = self.similar[latest[bought], :n_listed]
        ranks = np.arange(1, n_listed + 1, dtype=np.float32)
        scores[:, :n_listed] = np.where(articles[:, :n_listed] == NO_ARTICLE, -np.inf, 1 / ranks)
        return recommendations_from(self.name, articles, scores)


def fit_correlation(histories: Histories, *, n_similar: int = 5) -> Correlation:
    """Return the `n_similar` articles with the highest positive correlation to each article."""
    bought = histories.units.copy()
    bought.data[:] = 1.0
    n_customers, n_articles = bought.shape
    n_buyers = np.asarray(bought.sum(axis=0), np.float64).ravel()
    deviation = np.sqrt(n_buyers * (1 - n_buyers / n_customers))
    buyers_of = sparse.csr_matrix(bought.T)
    parts = []
    for start in range(0, n_articles, _BLOCK):
        both = sparse.coo_matrix(buyers_of[start : start + _BLOCK] @ bought)
        row = both.row + start
        above_chance = both.data - n_buyers[row] * n_buyers[both.col] / n_customers
        correlation = above_chance / np.maximum(deviation[row] * deviation[both.col], 1e-12)
        positive = (row != both.col) & (correlation > 0)
        entries = (
            correlation[positive].astype(np.float32),
            (both.row[positive], both.col[positive]),
        )
        parts.append(top_k_sparse(sparse.csr_matrix(entries, shape=both.shape), n_similar)[0])
    return Correlation(np.concatenate(parts))
