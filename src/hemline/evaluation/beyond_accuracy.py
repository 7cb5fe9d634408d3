"""What accuracy does not show: novelty, diversity, popularity bias, repeats, personalisation.

All measures are of the first 12 places, the list a customer gets. An empty list counts as zero, and
so does the diversity of a list of one.
Popularity is the share of recent buyers, so an article that was loved last year is not popular.
Two articles are alike by the share of five attributes they have in common, which is the cosine of
their one-hot rows: this needs no fitted text model, costs a sparse product, and is easy to explain.

Means over all pairs (of articles in a list, of customers) are exact, and their cost is linear in
the places of the lists: the sum of all cosines of unit rows is the squared length of their sum.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from hemline import columns
from hemline.data.article_attributes import as_categories, categories
from hemline.data.histories import Histories
from hemline.evaluation.metrics import Values
from hemline.evaluation.protocol import hits_in
from hemline.kernels.lists import NO_ARTICLE

Articles = npt.NDArray[np.int32]

ATTRIBUTES: Final = (
    columns.PRODUCT_CODE,
    "product_type_name",
    "graphical_appearance_name",
    "colour_group_name",
    "section_name",
)
"""The product and the usual attributes in which articles of a list may differ."""

BEYOND: Final = (
    "novelty@12",
    "diversity@12",
    "popularity@12",
    "head_share@12",
    "repeat_share@12",
    "serendipity@12",
)
OF_LISTS: Final = ("coverage", "personalisation@12", "gini@12")
HEAD: Final = 0.01
_K: Final = 12


@dataclass(frozen=True)
class Assortment:
    """The articles at a cut.

    Attributes:
        shares: float64 of shape (articles,); share of the recent buyers who bought the article.
        rarest: share of one buyer, the smallest share that novelty uses.
        is_head: bool of shape (articles,); the HEAD of recently sold articles with the most buyers.
        is_new: bool of shape (articles,); no customer's last purchase of it is older than the
            limit. An article that all its early buyers bought again recently counts as new, too.
        attributes: CSR of shape (articles, attribute values) with a 1 per attribute and row.
        n_attributes: how many there are.
    """

    shares: Values
    rarest: float
    is_head: npt.NDArray[np.bool_]
    is_new: npt.NDArray[np.bool_]
    attributes: sparse.csr_matrix
    n_attributes: int


def assortment_at(
    known: Histories, articles: pd.DataFrame, *, recent_days: int, new_article_days: int
) -> Assortment:
    """Return the assortment as the histories of all customers show it.

    Args:
        known: histories of all customers at the cut, not only of those who get lists.
        articles: as tables.read_described returns them.
        recent_days: an article's buyers in these days count.
        new_article_days: an article first bought at most this many days ago is new.
    """
    days, column = known.days_ago.data, known.days_ago.indices
    is_recent = days <= recent_days
    n_buyers = np.bincount(column[is_recent], minlength=known.n_articles)
    row = np.repeat(np.arange(known.n_customers), np.diff(known.days_ago.indptr))
    n_recent = max(1, len(np.unique(row[is_recent])))
    first_days_ago = np.zeros(known.n_articles, np.float32)
    np.maximum.at(first_days_ago, column, days)
    names = differing_attributes(articles)
    n_head = max(1, round(HEAD * np.count_nonzero(n_buyers)))
    is_head = np.zeros(known.n_articles, bool)
    is_head[np.argsort(-n_buyers, kind="stable")[:n_head]] = True
    return Assortment(
        n_buyers / n_recent,
        1 / n_recent,
        is_head & (n_buyers > 0),
        first_days_ago <= new_article_days,
        _one_hot(articles, names),
        len(names),
    )


def differing_attributes(articles: pd.DataFrame) -> tuple[str, ...]:
    """Return the product and the attributes that vary, by which diversity is measured."""
    return (ATTRIBUTES[0], *categories(articles, ATTRIBUTES[1:]))


def score_beyond(
    articles: Articles,
    baseline: Articles,
    known: Histories,
    bought: sparse.csr_matrix,
    assortment: Assortment,
) -> pd.DataFrame:
    """Return BEYOND of each list, one row per customer.

    - novelty: mean self-information in bits, -log2 of the share of recent buyers (Zhou et al. 2010)
    - diversity: share of attributes in which two articles of the list differ, mean over its pairs
    - popularity: mean share of recent buyers
    - head_share: share of the list that the most popular hundredth of sold articles takes
    - repeat_share: share of the list that the customer had bought before
    - serendipity: share of the list that was bought and that the baseline did not list

    Args:
        articles: int32 of shape (customers, list length), NO_ARTICLE allowed.
        baseline: the popularity baseline's lists for the same customers.
        known: histories of the same customers at the cut.
        bought: CSR of shape (customers, articles); a nonzero was bought from the cut on.
        assortment: the articles at the cut.
    """
    top = articles[:, :_K]
    is_obvious = hits_in(top, as_matrix(baseline[:, :_K], known.n_articles))
    is_surprise = hits_in(top, bought) & ~is_obvious
    values = (
        _mean_over(
            top, _of_articles(top, -np.log2(np.maximum(assortment.shares, assortment.rarest)))
        ),
        _diversity(top, assortment),
        _mean_over(top, _of_articles(top, assortment.shares)),
        _mean_over(top, _of_articles(top, assortment.is_head.astype(np.float64))),
        _mean_over(top, hits_in(top, known.units).astype(np.float64)),
        _mean_over(top, is_surprise.astype(np.float64)),
    )
    return pd.DataFrame(dict(zip(BEYOND, values, strict=True)))


def of_lists(articles: Articles, n_articles: int) -> dict[str, float]:
    """Return OF_LISTS, the measures of all lists together.

    - coverage: share of the catalogue that is in at least one list, at any place
    - personalisation: 1 - cosine of two customers' lists, mean over all pairs of customers
    - gini: of the places per article of the catalogue; 0 is equal shares, 1 is one article only
    """
    listed = as_matrix(articles[:, :_K], n_articles)
    values = (
        len(np.unique(articles[articles != NO_ARTICLE])) / n_articles,
        np.clip(1 - _mean_cosine(listed), 0.0, 1.0),  # sums of square roots round
        gini(np.asarray(listed.sum(axis=0), np.float64).ravel()),
    )
    return dict(zip(OF_LISTS, map(float, values), strict=True))


def gini(amounts: Values) -> float:
    """Return the Gini coefficient of amounts that are not negative.

    >>> gini(np.array([0.0, 0.0, 0.0, 8.0]))
    0.75
    """
    ascending = np.sort(amounts)
    n, total = len(ascending), ascending.sum()
    if total == 0:
        return 0.0
    ranks = np.arange(1, n + 1)
    return float((2 * (ranks * ascending).sum() / total - n - 1) / n)


def as_matrix(articles: Articles, n_articles: int) -> sparse.csr_matrix:
    """Return lists as CSR float64 of shape (customers, articles) with a 1 per listed article."""
    is_listed = articles != NO_ARTICLE
    indptr = np.concatenate([[0], np.cumsum(is_listed.sum(axis=1))])
    ones = np.ones(int(indptr[-1]))
    return sparse.csr_matrix((ones, articles[is_listed], indptr), shape=(len(articles), n_articles))


def _diversity(articles: Articles, assortment: Assortment) -> Values:
    listed = as_matrix(articles, assortment.attributes.shape[0])
    counts = sparse.csr_matrix(listed @ assortment.attributes)
    alike = np.asarray(counts.multiply(counts).sum(axis=1)).ravel() / assortment.n_attributes
    n = np.diff(listed.indptr).astype(np.float64)
    n_pairs = np.maximum(n * (n - 1), 1)
    return np.asarray(np.where(n > 1, 1 - (alike - n) / n_pairs, 0.0))


def _mean_cosine(rows: sparse.csr_matrix) -> float:
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    unit = sparse.diags_array(1 / np.maximum(lengths, 1)) @ rows
    n = rows.shape[0]
    total = np.asarray(unit.sum(axis=0)).ravel()
    with_itself = np.count_nonzero(lengths)
    return float(((total @ total) - with_itself) / max(1, n * (n - 1)))


def _of_articles(articles: Articles, values: Values) -> Values:
    """Return the value of each listed article; NO_ARTICLE, index -1, reads the zero at the end."""
    return np.asarray(np.append(values, 0.0)[articles])


def _mean_over(articles: Articles, values: Values) -> Values:
    n_listed = (articles != NO_ARTICLE).sum(axis=1)
    return np.asarray(values.sum(axis=1) / np.maximum(n_listed, 1))


def _one_hot(articles: pd.DataFrame, names: tuple[str, ...]) -> sparse.csr_matrix:
    parts = []
    for name in names:
        codes, values = pd.factorize(as_categories(articles[name]))
        places = (np.ones(len(codes)), (np.arange(len(codes)), codes))
        parts.append(sparse.csr_matrix(places, shape=(len(codes), len(values))))
    return sparse.csr_matrix(sparse.hstack(parts))
