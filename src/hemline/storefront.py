"""Answers for one customer, one stranger or one article, from the files of one version.

Everything is read when it is first needed: an answer about articles never loads the network, and
one about a stranger never loads the histories. Histories travel with the version, so a champion
answers for the day it was fitted; `average_precision` asks it with newer ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy import sparse

from hemline import columns, tables
from hemline.data.histories import Histories, load_histories
from hemline.errors import BadInput
from hemline.evaluation.protocol import AP, recommend_in_batches, score_customers
from hemline.models.neighbours import Neighbours
from hemline.segments.attributes import age_band_index, customer_attributes
from hemline.segments.kmodes import Segmentation
from hemline.segments.strangers import Stranger, as_customer

if TYPE_CHECKING:
    from hemline.models.cascade import Served

RECOMMENDATION_COLUMNS: Final = (
    "rank",
    columns.ARTICLE_ID,
    "name",
    "product_type",
    "colour",
    "score",
    "source",
)

FORM: Final = "2"
"""Of a version's files; to be raised when today's code can no longer read those of before."""

_SHORTEST_PREFIX: Final = 8
_CUSTOMER_ID_LENGTH: Final = 64
_ARTICLE_ID_LENGTH: Final = 10
_LIST_LENGTH: Final = 12
_SHOWN: Final = {
    columns.ARTICLE_ID: columns.ARTICLE_ID,
    "prod_name": "name",
    "product_type_name": "product_type",
    "colour_group_name": "colour",
}


@dataclass(frozen=True)
class VersionFiles:
    """The files one version of the model consists of."""

    models: Path
    articles: Path
    customer_keys: Path
    segments: Path
    histories: Path
    params: Path

    @classmethod
    def of(cls, paths: Mapping[str, str | Path]) -> Self:
        """Return the files from paths by name."""
        return cls(**{field.name: Path(paths[field.name]) for field in fields(cls)})


@dataclass(frozen=True)
class Week:
    """The files of one test week: what was known before it, and what was bought in it."""

    test: Path
    histories: Path
    articles: Path
    customers: Path


class Storefront:
    """One version of the model, ready to answer."""

    def __init__(self, files: VersionFiles) -> None:
        self.files = files

    def for_customer(self, customer_id: str, k: int) -> pd.DataFrame:
        """Return up to k recommendations for a customer, RECOMMENDATION_COLUMNS, best first.

        Args:
            customer_id: 64 characters, or the first 8 or more if no other customer has them.
            k: length of the list.

        Raises:
            BadInput: nobody has this id, or more than one customer does.
        """
        return self._recommend(self._histories.rows(np.array([self._customer(customer_id)])), k)

    def for_stranger(self, stranger: Stranger, k: int) -> pd.DataFrame:
        """Return up to k recommendations for somebody who never bought anything.

        Raises:
            BadInput: an attribute has a value no customer can have.
        """
        attributes = as_customer(stranger)
        nothing = sparse.csr_matrix(np.zeros((1, len(self._articles)), np.float32))
        cold = Histories(
            nothing,
            nothing.copy(),
            self._segmentation.assign(customer_attributes(attributes)),
            age_band_index(attributes[columns.AGE]),
        )
        return self._recommend(cold, k)

    def similar(self, article_id: str, k: int) -> pd.DataFrame:
        """Return up to k articles whose texts are most similar; raises BadInput as also_bought."""
        return self._neighbours("tfidf", article_id, k)

    def also_bought(self, article_id: str, k: int) -> pd.DataFrame:
        """Return up to k articles that the same customers bought; empty when there are none.

        Raises:
            BadInput: no article has this id.
        """
        return self._neighbours("copurchase", article_id, k)

    def first_known(self, customer_ids: Sequence[str]) -> str | None:
        """Return the first of these customers who bought something before the cut, or None."""
        has_bought = ~self._histories.is_cold()
        keys = pq.read_table(self.files.customer_keys)[columns.CUSTOMER_ID].to_numpy()
        known = set(keys[np.flatnonzero(has_bought)])
        return next((one for one in customer_ids if one in known), None)

    def average_precision(self, week: Week) -> npt.NDArray[np.float64]:
        """Return AP@12 of this version for the buyers of a week, asked with that week's histories.

        Articles are matched by article_id: a version cannot list what it never heard of, and what
        it lists that is no longer known counts as a miss. Clusters are its own.

        Returns:
            One value per buyer, in the order of today's customer keys.
        """
        bought = load_histories(week.test)
        buyers = np.flatnonzero(~bought.is_cold())
        today_ids = pd.Index(_article_ids(week.articles))
        own_ids = pd.Index(_article_ids(self.files.articles))
        people = tables.read_table(week.customers, tables.CUSTOMERS).iloc[buyers]
        known = load_histories(week.histories).rows(buyers)
        asked = Histories(
            _to_columns(known.units, own_ids.get_indexer(today_ids), len(own_ids)),
            _to_columns(known.days_ago, own_ids.get_indexer(today_ids), len(own_ids)),
            self._segmentation.assign(customer_attributes(people)),
            age_band_index(people[columns.AGE]),
        )
        lists = recommend_in_batches(self._served, asked, _LIST_LENGTH).articles
        # Index -1, NO_ARTICLE, reads the last entry, which is NO_ARTICLE again.
        today = np.append(today_ids.get_indexer(own_ids), -1)[lists]
        return score_customers(today, bought.units[buyers])[AP].to_numpy(np.float64)

    def _recommend(self, histories: Histories, k: int) -> pd.DataFrame:
        answered = self._served.recommend(histories, k)
        sources = [answered.source_names[source] for source in answered.sources[0]]
        return self._described(answered.articles[0], answered.scores[0], sources)

    def _neighbours(self, model: str, article_id: str, k: int) -> pd.DataFrame:
        table = Neighbours.load(self.files.models / model)
        articles, scores = table.similar_to(self._article(article_id), k)
        return self._described(articles, scores, [model] * len(articles))

    def _described(
        self,
        articles: npt.NDArray[np.int32],
        scores: npt.NDArray[np.float32],
        sources: list[str],
    ) -> pd.DataFrame:
        listed = articles >= 0
        rows = self._articles.iloc[articles[listed]].reset_index(drop=True)
        rows.insert(0, "rank", np.arange(1, len(rows) + 1))
        rows["score"] = scores[listed].astype(np.float64)
        rows["source"] = pd.Series(
            [source for source, is_listed in zip(sources, listed, strict=True) if is_listed],
            dtype=str,
        )
        return rows[list(RECOMMENDATION_COLUMNS)]

    def _customer(self, customer_id: str) -> int:
        found = _customers_like(self.files.customer_keys, customer_id)
        if len(found) != 1:
            shown = f"{len(found)} of them" if len(found) else "none"
            raise BadInput(
                f"exactly one customer's id starts with '{customer_id}'",
                found=shown,
                fix="give the 64 characters of customer_id as in customers.csv, or its first "
                f"{_SHORTEST_PREFIX} or more",
            )
        return int(found[columns.CUSTOMER].iloc[0])

    def _article(self, article_id: str) -> int:
        ids = self._articles[columns.ARTICLE_ID]
        match = np.flatnonzero(ids == article_id)
        if len(match) == 0:
            raise BadInput(
                "an article_id is 10 digits of an article in articles.csv",
                found=repr(article_id),
                fix=_suggestion(article_id, ids),
            )
        return int(match[0])

    @cached_property
    def _articles(self) -> pd.DataFrame:
        stored = pd.read_parquet(self.files.articles, columns=list(_SHOWN))
        return stored.rename(columns=_SHOWN)

    @cached_property
    def _histories(self) -> Histories:
        segments = tables.read_table(self.files.segments, tables.SEGMENTS)
        return load_histories(self.files.histories, segments)

    @cached_property
    def _segmentation(self) -> Segmentation:
        return Segmentation.load(self.files.models / "clusters")

    @cached_property
    def _served(self) -> "Served":
        # Brings in torch, two seconds that an answer about articles does not need.
        from hemline.models.cascade import (  # noqa: PLC0415
            ServeParams,
            load_models,
            served_by,
        )

        serve = ServeParams.load(self.files.params)
        return served_by(serve, load_models(self.files.models, {*serve.warm, *serve.cold}))


def _customers_like(customer_keys: Path, customer_id: str) -> pd.DataFrame:
    if not _SHORTEST_PREFIX <= len(customer_id) <= _CUSTOMER_ID_LENGTH:
        raise BadInput(
            f"a customer_id has {_CUSTOMER_ID_LENGTH} characters; its first "
            f"{_SHORTEST_PREFIX} or more will do",
            found=f"{len(customer_id)} characters",
            fix="give more of the id as in customers.csv",
        )
    starts_so = pc.starts_with(pc.field(columns.CUSTOMER_ID), customer_id.lower())
    found: pd.DataFrame = pq.read_table(customer_keys, filters=starts_so).to_pandas()
    return found


def _suggestion(article_id: str, ids: "pd.Series[str]") -> str:
    padded = article_id.zfill(_ARTICLE_ID_LENGTH)
    if (ids == padded).any():
        return f"keep the leading zero: {padded}"
    siblings = ids[ids.str.startswith(padded[:7])].head(3).tolist()
    if siblings:
        return f"the same product has {', '.join(siblings)}"
    return f"look it up in articles.csv; the first one there is {ids.iloc[0]}"


def _article_ids(articles: Path) -> list[str]:
    ids: list[str] = pq.read_table(articles, columns=[columns.ARTICLE_ID])[0].to_pylist()
    return ids


def _to_columns(
    matrix: sparse.csr_matrix, column_of: npt.NDArray[np.intp], n_columns: int
) -> sparse.csr_matrix:
    """Return the matrix with column j moved to column_of[j], and dropped where that is -1."""
    kept = np.flatnonzero(column_of >= 0)
    ones = np.ones(len(kept), np.float32)
    places = sparse.csr_matrix((ones, (kept, column_of[kept])), shape=(matrix.shape[1], n_columns))
    moved = sparse.csr_matrix(matrix @ places)
    moved.sort_indices()
    return moved
