"""A version's lists for a complete week, asked with that week's histories, in today's keys.

A version keeps the articles of its own day: a key of then may mean another article now. Articles
are therefore matched by article_id. A version cannot list what it never heard of, and what it lists
that is no longer known becomes NO_ARTICLE and counts as a miss. Clusters are its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from hemline import columns
from hemline.data.histories import Histories
from hemline.evaluation.protocol import AP, recommend_in_batches, score_customers
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.recommender import Recommender
from hemline.segments.attributes import age_band_index, customer_attributes
from hemline.segments.kmodes import Segmentation

LIST_LENGTH: Final = 12


@dataclass(frozen=True)
class WeekAnswers:
    """What a version recommends to the buyers of a week, and how right that was.

    Attributes:
        customers: int64 of shape (buyers,); today's customer keys, rising.
        articles: int32 of shape (buyers, 12); today's article keys, best first; NO_ARTICLE where a
            list ends, and anywhere in it for an article that is no longer known.
        average_precision: float64 of shape (buyers,); AP@12 of each list.
        is_cold: bool of shape (buyers,); who had bought nothing before the week.
    """

    customers: npt.NDArray[np.int64]
    articles: npt.NDArray[np.int32]
    average_precision: npt.NDArray[np.float64]
    is_cold: npt.NDArray[np.bool_]

    @property
    def n_articles(self) -> int:
        """How many distinct articles stand in the lists."""
        return len(np.setdiff1d(self.articles, [NO_ARTICLE]))


def answer_buyers(
    recommender: Recommender,
    segmentation: Segmentation,
    *,
    own_ids: Sequence[str],
    today_ids: Sequence[str],
    bought: Histories,
    known: Histories,
    customers: pd.DataFrame,
) -> WeekAnswers:
    """Return the lists of a week's buyers and what they score.

    Args:
        recommender: answers in its own article keys.
        segmentation: of the same version.
        own_ids: article_id by the recommender's key.
        today_ids: article_id by today's key.
        bought: the week's purchases, rows and columns in today's keys.
        known: the histories before the week, in today's keys.
        customers: today's customers (tables.CUSTOMERS).
    """
    buyers = np.flatnonzero(~bought.is_cold())
    today, own = pd.Index(today_ids), pd.Index(own_ids)
    people, histories = customers.iloc[buyers], known.rows(buyers)
    asked = Histories(
        to_columns(histories.units, own.get_indexer(today), len(own)),
        to_columns(histories.days_ago, own.get_indexer(today), len(own)),
        segmentation.assign(customer_attributes(people)),
        age_band_index(people[columns.AGE]),
    )
    lists = recommend_in_batches(recommender, asked, LIST_LENGTH).articles
    # Index -1, NO_ARTICLE, reads the last entry, which is NO_ARTICLE again.
    articles = np.append(today.get_indexer(own), NO_ARTICLE)[lists].astype(np.int32)
    scores = score_customers(articles, bought.units[buyers])[AP].to_numpy(np.float64)
    return WeekAnswers(buyers.astype(np.int64), articles, scores, histories.is_cold())


def to_columns(
    matrix: sparse.csr_matrix, column_of: npt.NDArray[np.intp], n_columns: int
) -> sparse.csr_matrix:
    """Return the matrix with column j moved to column_of[j], and dropped where that is -1."""
    kept = np.flatnonzero(column_of >= 0)
    ones = np.ones(len(kept), np.float32)
    places = sparse.csr_matrix((ones, (kept, column_of[kept])), shape=(matrix.shape[1], n_columns))
    moved = sparse.csr_matrix(matrix @ places)
    moved.sort_indices()
    return moved
