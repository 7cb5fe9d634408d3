"""A version's lists for the buyers of a complete week, from that week's histories.

The article keys of a version are those of the day it was fitted, and a key may mean another article
in today's tables, so articles are matched by article_id. A version cannot list an article it does
not know; an article it lists that today's tables lack becomes NO_ARTICLE and counts as a miss.
Customers are assigned to the version's own clusters.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq
from scipy import sparse

from hemline import columns, tables
from hemline.data.histories import Histories, load_histories
from hemline.evaluation.protocol import AP, recommend_in_batches, score_customers
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.recommender import Recommender
from hemline.segments.attributes import age_band_index
from hemline.segments.kmodes import Segmentation

LIST_LENGTH: Final = 12


@dataclass(frozen=True)
class TargetWeek:
    """A complete week to recommend for, in today's keys.

    Attributes:
        known: histories of all customers before the week.
        bought: their purchases in the week.
        customers: the same customers (as tables.read_described returns them).
        article_ids: article_id by article key.
    """

    known: Histories
    bought: Histories
    customers: pd.DataFrame
    article_ids: Sequence[str]

    @classmethod
    def read(cls, *, histories: Path, test: Path, customers: Path, articles: Path) -> Self:
        """Return the week from the files of stage prepare and the tables."""
        return cls(
            load_histories(histories),
            load_histories(test),
            tables.read_described(customers, tables.CUSTOMERS),
            read_article_ids(articles),
        )


@dataclass(frozen=True)
class WeekLists:
    """What a version recommends to the buyers of a week, and each list's AP@12.

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
        """How many distinct articles are listed."""
        return len(np.setdiff1d(self.articles, [NO_ARTICLE]))


def recommend_to_buyers(
    recommender: Recommender,
    segmentation: Segmentation,
    own_article_ids: Sequence[str],
    week: TargetWeek,
) -> WeekLists:
    """Return the lists of the week's buyers and their scores.

    Args:
        recommender: of a version; it lists its own article keys.
        segmentation: of the same version.
        own_article_ids: article_id by the recommender's key.
        week: whose buyers get lists.
    """
    buyers = np.flatnonzero(~week.bought.is_cold())
    today, own = pd.Index(week.article_ids), pd.Index(own_article_ids)
    people, known = week.customers.iloc[buyers], week.known.rows(buyers)
    own_key_of = own.get_indexer(today)
    in_own_keys = Histories.from_matrices(
        to_columns(known.units, own_key_of, len(own)),
        to_columns(known.days_ago, own_key_of, len(own)),
        known.clusters,
        age_band_index(people[columns.AGE]),
    )
    in_own_keys = replace(
        in_own_keys,
        clusters=segmentation.segment(people, in_own_keys),
        unlikes=known.unlikes.in_articles(own_key_of),
    )
    lists = recommend_in_batches(recommender, in_own_keys, LIST_LENGTH).articles
    # Index -1, NO_ARTICLE, reads the last entry, which is NO_ARTICLE again.
    articles = np.append(today.get_indexer(own), NO_ARTICLE)[lists].astype(np.int32)
    scores = score_customers(articles, week.bought.units[buyers])[AP].to_numpy(np.float64)
    return WeekLists(buyers.astype(np.int64), articles, scores, known.is_cold())


def read_article_ids(articles: Path) -> list[str]:
    """Return the article_id of each article key from tables.ARTICLES."""
    ids: list[str] = pq.read_table(articles, columns=[columns.ARTICLE_ID])[0].to_pylist()
    return ids


def to_columns(
    matrix: sparse.csr_matrix, column_of: npt.NDArray[np.intp], n_columns: int
) -> sparse.csr_matrix:
    """Return the matrix with column j moved to column_of[j], and dropped where that is -1."""
    present = np.flatnonzero(column_of >= 0)
    cells = (np.ones(len(present), np.float32), (present, column_of[present]))
    places = sparse.csr_matrix(cells, shape=(matrix.shape[1], n_columns))
    moved = sparse.csr_matrix(matrix @ places)
    moved.sort_indices()
    return moved
