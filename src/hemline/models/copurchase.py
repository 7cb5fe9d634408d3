"""Others also bought: what the buyers of an article bought lately, by shrunk cosine.

The relation is directed. Any article has neighbours, however old its buyers; offered is only what
they bought in the last `offered_days`. Counting both sides over all time put articles that were
gone into every list and scored below popularity (docs/decisions.md).
"""

from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import NonNegativeFloat, PositiveInt
from scipy import sparse

from hemline.data.histories import Histories
from hemline.models.label_shift import ALL_DAYS, open_window
from hemline.models.neighbours import Neighbours
from hemline.params import Section


class CopurchaseParams(Section):
    """What counts as evidence, and how many neighbours an article has."""

    section: ClassVar[str] = "copurchase"
    offered_days: PositiveInt = ALL_DAYS
    shrinkage: NonNegativeFloat = 30.0
    neighbours: PositiveInt = 50
    latest_articles: PositiveInt = 50


def fit_copurchase(histories: Histories, params: CopurchaseParams) -> Neighbours:
    """Return, for every article, the articles its buyers bought lately.

    The similarity of j to i is n_ij / (sqrt(n_i m_j) + shrinkage): n_i customers ever bought i, m_j
    bought j within `offered_days`, n_ij did both (item-to-item cosine, Sarwar et al. 2001;
    shrinkage as in Bell & Koren 2007).
    """
    from hemline.kernels.sparse_topk import Cosine, best_of_product  # noqa: PLC0415  (numba)

    ever = _ones(histories.units)
    lately = ever.copy()
    days = histories.days_ago.data
    lately.data = (days <= open_window(days, params.offered_days)).astype(np.float32)
    lately.eliminate_zeros()
    nearest = best_of_product(
        sparse.csr_matrix(ever.T),
        lately,
        params.neighbours,
        cosine=Cosine(_root_of_buyers(ever), _root_of_buyers(lately), params.shrinkage),
        own=np.arange(histories.n_articles),
        progress="also bought",
    )
    return Neighbours("copurchase", *nearest, params.latest_articles)


def count_buyers(histories: Histories, params: CopurchaseParams) -> npt.NDArray[np.int32]:
    """Return n_i and m_i of `fit_copurchase` of every article, int32 of shape (articles, 2)."""
    is_recent = histories.days <= open_window(histories.days, params.offered_days)
    bought = histories.indices
    counts = [np.bincount(part, minlength=histories.n_articles) for part in
              (bought, bought[is_recent])]  # fmt: skip
    return np.stack(counts, axis=1).astype(np.int32)


def _ones(structure: sparse.csr_matrix) -> sparse.csr_matrix:
    ones = np.ones(structure.nnz, np.float32)
    return sparse.csr_matrix((ones, structure.indices, structure.indptr), shape=structure.shape)


def _root_of_buyers(bought: sparse.csr_matrix) -> npt.NDArray[np.float64]:
    return np.sqrt(np.bincount(bought.indices, minlength=bought.shape[1]))
