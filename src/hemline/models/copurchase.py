"""Others also bought: articles whose buyers overlap, by shrunk cosine of the buyer columns.

Only articles sold in the last `on_sale_days` are offered: most of a fashion catalogue is gone, and
a neighbour that cannot be bought helps nobody. Every article, gone or not, may ask.
"""

from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
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
    shrinkage: NonNegativeFloat
    on_sale_days: PositiveInt
    neighbours: PositiveInt
    latest_articles: PositiveInt


def fit_copurchase(histories: Histories, params: CopurchaseParams) -> Neighbours:
    """Return the articles on sale most often bought by the same customers.

    The similarity of articles i and j is n_ij / (sqrt(n_i n_j) + shrinkage), with n the number of
    customers who bought one or both (Sarwar et al. 2001; shrinkage as in Bell & Koren 2007).
    """
    bought = histories.units.copy()
    bought.data = np.ones_like(bought.data)
    n_buyers = np.bincount(bought.indices, minlength=histories.n_articles)
    on_sale = np.flatnonzero(_is_on_sale(histories, params.on_sale_days))
    buyers_of = sparse.csr_matrix(bought.T)
    bought_on_sale = sparse.csr_matrix(bought[:, on_sale])
    blocks = []
    for start in tqdm(range(0, histories.n_articles, _BLOCK), desc="also bought", unit="block"):
        both = sparse.coo_matrix(buyers_of[start : start + _BLOCK] @ bought_on_sale)
        asking, offered = both.row + start, on_sale[both.col]
        similarity = both.data / (np.sqrt(n_buyers[asking] * n_buyers[offered]) + params.shrinkage)
        others = asking != offered
        pairs = (similarity[others].astype(np.float32), (both.row[others], offered[others]))
        shape = (both.shape[0], histories.n_articles)
        blocks.append(top_k_sparse(sparse.csr_matrix(pairs, shape=shape), params.neighbours))
    articles, similarities = zip(*blocks, strict=True)
    nearest = np.concatenate(articles), np.concatenate(similarities)
    return Neighbours("copurchase", *nearest, params.latest_articles)


def _is_on_sale(histories: Histories, days: int) -> npt.NDArray[np.bool_]:
    recent = histories.days_ago.data <= days
    return np.bincount(histories.days_ago.indices[recent], minlength=histories.n_articles) > 0
