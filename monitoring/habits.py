"""Do customers still buy what their own past predicts?

The mix of articles sold is overdispersed: one hit article changes it more than a new taste of a
third of the customers. But a hit changes what everybody buys, and hardly who buys what. So articles
and customers are embedded in one space of tastes (a truncated singular value decomposition of past
purchases; Deerwester et al. 1990), and a buyer's new articles are compared with everybody's of the
same week: how much closer are they to the buyer's own past, in standard deviations over the week's
articles? For random purchases the value is 0. With each article replaced by the centroid of its
category, the same number shows how much of this a column explains. Articles bought before are left
out, because repeat purchases continue when a taste has changed.

The price: no value before there are `history_weeks` of past, and one decomposition a week. On the
generator's shop, a medium taste shift (a third of the customers) is 8 standard errors large here, 6
in index_name, 4 if a buyer's shares of index_name are compared with the buyer's earlier ones, and
cannot be distinguished from the usual variation of the overall mix.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hemline import columns
from monitoring.monitor_params import HabitsParams, MonitorParams
from monitoring.signals import ALL, FloatArray, IntArray, Signal, as_weighted
from monitoring.week_data import WeekData

TASTE: Final = "taste"
_COLUMNS: Final = ("index_name", "product_group_name", "garment_group_name")
_OTHERS: Final = frozenset({"index_group_name", "colour_group_name", columns.PRODUCT_CODE})


def habits_of(week: WeekData, params: MonitorParams) -> Iterator[Signal]:
    """Yield the habits of a week's buyers; nothing if the data have too little past.

    - taste: how well a buyer's past distinguishes the buyer's new articles from other buyers'
    - index_name, product_group_name, garment_group_name, the shop's own: the same for the articles'
      categories, as far as there are any
    """
    if week.past is None:
        return
    buyer, article = _new_pairs(week, week.past)
    if len(np.unique(buyer)) < params.min_buyers:
        return
    embeddings = _embed_articles(week.past, np.random.default_rng(params.seed), params.habits)
    tastes = week.past[week.customers] @ embeddings
    shares = 1 / np.bincount(buyer)[buyer]
    yield _agreement(TASTE, buyer, embeddings[article], tastes, shares, params.habits.min_spread)
    own = [name for name in week.articles if name not in {*_COLUMNS, *_OTHERS}]
    for name in [*(name for name in _COLUMNS if name in week.articles), *own]:
        code = week.articles[name].codes[article]
        centroids = _centroids(code, embeddings[article], shares)
        yield _agreement(name, buyer, centroids[code], tastes, shares, params.habits.min_spread)


def _new_pairs(week: WeekData, past: sparse.csr_matrix) -> tuple[IntArray, IntArray]:
    """Return buyer and article of first purchases, by buyers with a past.

    Left out are articles that nobody bought before, which have no embedding, and other colours of
    what the buyer bought before.
    """
    n_articles = past.shape[1]
    pair = week.lines["buyer"].to_numpy(np.int64) * n_articles
    pair = np.unique(pair + week.lines[columns.ARTICLE].to_numpy(np.int64))
    buyer, article = np.divmod(pair, n_articles)
    own = past[week.customers]
    product = week.articles[columns.PRODUCT_CODE].codes
    n_products = int(product.max()) + 1
    bought = np.repeat(np.arange(len(week.customers)), np.diff(own.indptr)) * n_products
    bought += product[own.indices]
    is_new = ~np.isin(buyer * n_products + product[article], bought)
    has_past = np.diff(own.indptr)[buyer] > 0
    is_embedded = np.bincount(past.indices, minlength=n_articles)[article] > 0
    is_used = is_new & has_past & is_embedded
    return buyer[is_used], article[is_used]


def _embed_articles(
    past: sparse.csr_matrix, rng: np.random.Generator, params: HabitsParams
) -> FloatArray:
    """Return the embeddings, shape (articles, dimensions); a taste is their sum over a past.

    The dimensions span the leading right singular vectors of the weighted past, computed by
    subspace iteration. Distances do not depend on the basis of that space.
    """
    n_buyers = np.bincount(past.indices, minlength=past.shape[1])
    weight = 1 / np.sqrt(n_buyers + params.prior_buyers)
    n_bought = np.maximum(np.diff(past.indptr), 1)
    scaled = sparse.diags_array(1 / np.sqrt(n_bought)) @ past @ sparse.diags_array(weight)
    scaled = sparse.csr_matrix(scaled, dtype=np.float32)
    basis = rng.standard_normal((past.shape[1], params.dimensions)).astype(np.float32)
    for _ in range(params.iterations):
        basis = np.linalg.qr(scaled.T @ (scaled @ basis))[0]
    return np.asarray(basis * weight[:, None], np.float64)


def _centroids(code: IntArray, embeddings: FloatArray, shares: FloatArray) -> FloatArray:
    """Return the mean embedding of each category's lines, weighted by shares."""
    n_codes = int(code.max()) + 1
    member = sparse.csr_matrix((shares, (code, np.arange(len(code)))), shape=(n_codes, len(code)))
    totals = np.asarray(member.sum(axis=1)).ravel()
    return np.asarray(member @ embeddings) / np.where(totals > 0, totals, 1.0)[:, None]


def _agreement(
    name: str,
    buyer: IntArray,
    embeddings: FloatArray,
    tastes: FloatArray,
    shares: npt.NDArray[np.float64],
    min_spread: float,
) -> Signal:
    """Return how much closer to a buyer's taste the buyer's lines are than everybody's.

    A buyer's weight is the square root of the number of lines: more lines measure it more exactly.
    """
    total = shares.sum()
    centred = embeddings - (shares @ embeddings) / total
    covariance = (centred * shares[:, None]).T @ centred / total
    buyers, row = np.unique(buyer, return_inverse=True)
    taste = tastes[buyers]
    own = np.bincount(row, shares * (taste[row] * centred).sum(axis=1))
    spread = np.sqrt(np.maximum(((taste @ covariance) * taste).sum(axis=1), 0.0))
    least = min_spread * float(np.median(spread))
    distance = own / np.maximum(spread, least) if least > 0 else np.zeros(len(own))
    weight = np.sqrt(np.bincount(row))
    measured = sparse.csr_matrix(np.column_stack([weight * distance, weight]))
    return Signal("habits", name, ALL, ("",), buyers, measured, as_weighted)
