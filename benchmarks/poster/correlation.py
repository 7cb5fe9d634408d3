"""The deck's other model: articles correlated over customers, five for the latest purchase.

Two articles are alike when the same customers bought them (Pearson's correlation of their columns).
A customer gets the five most alike to the latest purchase, then everybody's favourites until the
list is full. Correlation is read off co-purchase counts: a pair nobody bought together correlates
negatively and is never among the five.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hemline.data.histories import Histories
from hemline.kernels.lists import NO_ARTICLE, empty_lists, top_k_sparse
from hemline.models.recommender import Recommendations, answer

_BLOCK = 1024


@dataclass(frozen=True)
class Correlation:
    """The five articles most alike to each article, best first; int32 of shape (articles, 5)."""

    alike: npt.NDArray[np.int32]
    name: str = "deck: correlation"

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return the articles most alike to each customer's latest purchase, at most five."""
        days = histories.days_ago
        fresh = sparse.csr_matrix((-days.data, days.indices, days.indptr), shape=days.shape)
        latest = top_k_sparse(fresh, 1)[0][:, 0]
        kept = min(k, self.alike.shape[1])
        articles, scores = empty_lists(histories.n_customers, k)
        bought = latest != NO_ARTICLE
        articles[bought, :kept] = self.alike[latest[bought], :kept]
        ranks = np.arange(1, kept + 1, dtype=np.float32)
        scores[:, :kept] = np.where(articles[:, :kept] == NO_ARTICLE, -np.inf, 1 / ranks)
        return answer(self.name, articles, scores)


def fit_correlation(histories: Histories, *, n_alike: int = 5) -> Correlation:
    """Return the `n_alike` articles with the highest positive correlation to each article."""
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
        kept = (row != both.col) & (correlation > 0)
        entries = (correlation[kept].astype(np.float32), (both.row[kept], both.col[kept]))
        parts.append(top_k_sparse(sparse.csr_matrix(entries, shape=both.shape), n_alike)[0])
    return Correlation(np.concatenate(parts))
