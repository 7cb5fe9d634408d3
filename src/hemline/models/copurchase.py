"""Others also bought: what the buyers of an article bought lately, by shrunk cosine.

The relation is directed. Any article may ask, however old its buyers; offered is only what they
bought in the last `offered_days`. Counting both sides over all time put articles that were gone
into every list and scored below popularity (docs/decisions.md).
"""

from typing import ClassVar, Final

import numpy as np
from pydantic import NonNegativeFloat, PositiveInt
from scipy import sparse
from tqdm import tqdm

from hemline.data.histories import Histories
from hemline.models.neighbours import Neighbours
from hemline.models.ranking import top_k_sparse
from hemline.params import Section

_BLOCK: Final = 2048


class CopurchaseParams(Section):
    """What counts as evidence, and how many neighbours are kept."""

    section: ClassVar[str] = "copurchase"
    offered_days: PositiveInt
    shrinkage: NonNegativeFloat
    neighbours: PositiveInt
    latest_articles: PositiveInt


def fit_copurchase(histories: Histories, params: CopurchaseParams) -> Neighbours:
    """Return, for every article, the articles its buyers bought lately.

    The similarity of j to i is n_ij / (sqrt(n_i m_j) + shrinkage): n_i customers ever bought i, m_j
    bought j within `offered_days`, n_ij did both (item-to-item cosine, Sarwar et al. 2001;
    shrinkage as in Bell & Koren 2007).
    """
    ever, lately = _ones(histories.units), _ones(histories.units)
    lately.data = (histories.days_ago.data <= params.offered_days).astype(np.float32)
    n_ever = np.asarray(ever.sum(axis=0)).ravel()
    n_lately = np.asarray(lately.sum(axis=0)).ravel()
    lately.eliminate_zeros()
    buyers_of = sparse.csr_matrix(ever.T)
    blocks = []
    for start in tqdm(range(0, histories.n_articles, _BLOCK), desc="also bought", unit="block"):
        both = sparse.coo_matrix(buyers_of[start : start + _BLOCK] @ lately)
        asking = both.row + start
        similarity = both.data / (np.sqrt(n_ever[asking] * n_lately[both.col]) + params.shrinkage)
        others = asking != both.col
        pairs = (similarity[others], (both.row[others], both.col[others]))
        blocks.append(top_k_sparse(sparse.csr_matrix(pairs, shape=both.shape), params.neighbours))
    articles, similarities = zip(*blocks, strict=True)
    nearest = np.concatenate(articles), np.concatenate(similarities)
    return Neighbours("copurchase", *nearest, params.latest_articles)


def _ones(structure: sparse.csr_matrix) -> sparse.csr_matrix:
    ones = structure.copy()
    ones.data = np.ones(structure.nnz, np.float32)
    return ones
