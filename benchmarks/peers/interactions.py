"""The peers' data: a generated shop's purchases with a given number of articles.

Purchases have structure (styles, seasons, price), so that quality is meaningful. Every article has
a buyer in train, because RecBole drops articles without one and all peers need the same width.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy import sparse

from benchmarks.ranking_measures import matrix_of
from hemline import columns
from hemline.data.synthetic.shop import SyntheticParams, generate_shop
from hemline.data.synthetic.world import ShopSize
from hemline.errors import BadInput

_SPARE = 2
"""Articles generated per article used: half of them have no buyer among the customers."""


@dataclass(frozen=True)
class Parts:
    """Three CSR matrices of ones of shape (customers, articles) without a common entry."""

    train: sparse.csr_matrix
    validation: sparse.csr_matrix
    test: sparse.csr_matrix


def draw_parts(n_customers: int, n_articles: int, *, min_articles: int, seed: int) -> Parts:
    """Return purchases split 80/10/10 within each customer, at random.

    Args:
        n_customers: customers with at least `min_articles` different articles.
        n_articles: columns; the best-selling ones of a larger catalogue.
        min_articles: shorter rows are dropped, counted before the rarest articles are.
        seed: of the shop and of the split.

    Raises:
        BadInput: the shop has too few such customers or articles.
    """
    rng = np.random.default_rng(seed)
    bought = _purchases(n_customers, n_articles, seed)
    busy = np.flatnonzero(np.diff(bought.indptr) >= min_articles)
    if len(busy) < n_customers:
        raise BadInput(
            f"the generated shop has {n_customers} customers with {min_articles} articles",
            found=str(len(busy)),
            fix="use fewer customers",
        )
    bought = sparse.csr_matrix(bought[np.sort(rng.permutation(busy)[:n_customers])])
    n_buyers = np.bincount(bought.indices, minlength=bought.shape[1])
    sellers = np.sort(np.argsort(-n_buyers, kind="stable")[:n_articles])
    return split_rows(sparse.csr_matrix(bought[:, sellers]), rng)


def split_rows(bought: sparse.csr_matrix, rng: np.random.Generator) -> Parts:
    """Return 80/10/10 of each row; articles without a buyer in train are moved to train.

    Raises:
        BadInput: an article has no buyer at all.
    """
    row = np.repeat(np.arange(bought.shape[0]), np.diff(bought.indptr))
    order = np.lexsort((rng.random(len(row)), row))
    rank = np.empty(len(row), np.int64)
    rank[order] = np.arange(len(row)) - bought.indptr[row]
    tenth = np.maximum(1, np.round(0.1 * np.diff(bought.indptr))).astype(np.int64)[row]
    part = np.where(rank < tenth, 1, np.where(rank < 2 * tenth, 2, 0))
    part[~np.isin(bought.indices, np.unique(bought.indices[part == 0]))] = 0
    if len(np.unique(bought.indices)) < bought.shape[1]:
        raise BadInput(
            "every article of the catalogue has a buyer",
            found=f"{bought.shape[1] - len(np.unique(bought.indices))} without one",
            fix="use fewer articles or more customers",
        )
    entries = [(row[part == which], bought.indices[part == which]) for which in range(3)]
    return Parts(*(matrix_of(*each, bought.shape) for each in entries))


def _purchases(n_customers: int, n_articles: int, seed: int) -> sparse.csr_matrix:
    """Return the purchases of a larger shop, as ones."""
    size = ShopSize(
        n_customers=4 * n_customers,
        n_articles=_SPARE * n_articles,
        first_day=date(2018, 9, 20),
        last_day=date(2020, 9, 22),
    )
    shop = generate_shop(SyntheticParams(size=size, seed=seed, events=()))
    pairs = shop.transactions[[columns.CUSTOMER, columns.ARTICLE]].to_numpy()
    return matrix_of(pairs[:, 0], pairs[:, 1], (size.n_customers, size.n_articles))
