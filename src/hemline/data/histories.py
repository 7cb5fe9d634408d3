"""The user purchase history (UPH): what each customer bought and when, as sparse rows.

Two sparse matrices share one structure, so "how often" and "how long ago" are read side by side.
The UPH at a cut holds only purchases strictly before it; `build_histories` refuses others.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from hemline import columns

UNKNOWN_SEGMENT: Final = -1
"""Cluster or age band of a customer about whom nothing is known."""


@dataclass(frozen=True)
class Histories:
    """Purchase histories of customers at a cut date.

    Attributes:
        units: CSR float32 of shape (customers, articles); a nonzero is a bought article, its value
            the number of units; indices sorted.
        days_ago: CSR float32 with the structure of `units`; days from the last purchase of the
            article to the cut, at least 1.
        clusters: int8 of shape (customers,); k-modes cluster or UNKNOWN_SEGMENT.
        age_bands: int8 of shape (customers,); index into segments.attributes.AGE_BANDS or
            UNKNOWN_SEGMENT.
    """

    units: sparse.csr_matrix
    days_ago: sparse.csr_matrix
    clusters: npt.NDArray[np.int8]
    age_bands: npt.NDArray[np.int8]

    @property
    def n_customers(self) -> int:
        """Number of rows."""
        return int(self.units.shape[0])

    @property
    def n_articles(self) -> int:
        """Number of columns."""
        return int(self.units.shape[1])

    def rows(self, customers: npt.NDArray[np.int_]) -> Self:
        """Return the histories of the given rows, in that order."""
        return type(self)(
            self.units[customers],
            self.days_ago[customers],
            self.clusters[customers],
            self.age_bands[customers],
        )

    def is_cold(self) -> npt.NDArray[np.bool_]:
        """Return, per customer, whether nothing was bought before the cut."""
        return np.asarray(np.diff(self.units.indptr) == 0)

    @classmethod
    def from_interactions(
        cls,
        units: sparse.csr_matrix,
        *,
        days_ago: sparse.csr_matrix | None = None,
        clusters: npt.NDArray[np.int8] | None = None,
    ) -> Self:
        """Return histories from any interaction matrix of shape (customers, articles).

        Without `days_ago` every purchase counts as one day old; without `clusters` nobody has one.

        Raises:
            ValueError: `days_ago` does not hold a number for exactly the purchases in `units`.
        """
        units = _sorted_rows(units)
        if days_ago is None:
            ones = np.ones_like(units.data)
            days_ago = sparse.csr_matrix((ones, units.indices, units.indptr), shape=units.shape)
        days_ago = _sorted_rows(days_ago)
        if not (
            np.array_equal(units.indptr, days_ago.indptr)
            and np.array_equal(units.indices, days_ago.indices)
        ):
            raise ValueError("units and days_ago hold different purchases")
        nobody = np.full(units.shape[0], UNKNOWN_SEGMENT, np.int8)
        return cls(units, days_ago, nobody if clusters is None else clusters, nobody)


def build_histories(
    purchases: pd.DataFrame, *, cut: date, n_customers: int, n_articles: int
) -> Histories:
    """Return the histories at the cut from purchases; rows on or after the cut are an error.

    Args:
        purchases: columns customer, article, t_dat and units (tables.PURCHASES).
        cut: the first day that is not known yet.
        n_customers: rows of the result.
        n_articles: columns of the result.

    Raises:
        ValueError: a purchase lies on or after the cut, which would leak the future.
    """
    days = np.asarray(purchases[columns.DAY], "datetime64[D]")
    days_ago = (np.datetime64(cut, "D") - days).astype(np.int64)
    if len(days_ago) and days_ago.min() < 1:
        raise ValueError(f"histories at {cut} were given purchases up to {days.max()}")
    pair = purchases[columns.CUSTOMER].to_numpy(np.int64) * n_articles
    pair += purchases[columns.ARTICLE].to_numpy(np.int64)
    order = np.lexsort((days_ago, pair))
    pair, days_ago = pair[order], days_ago[order]
    starts = np.flatnonzero(np.diff(pair, prepend=-1))
    units = np.add.reduceat(purchases[columns.UNITS].to_numpy(np.float32)[order], starts)
    customer, article = np.divmod(pair[starts], n_articles)
    indptr = np.searchsorted(customer, np.arange(n_customers + 1)).astype(np.int64)
    shape = (n_customers, n_articles)
    index = article.astype(np.int32)
    nobody = np.full(n_customers, UNKNOWN_SEGMENT, np.int8)
    return Histories(
        sparse.csr_matrix((units, index, indptr), shape=shape),
        sparse.csr_matrix((days_ago[starts].astype(np.float32), index, indptr), shape=shape),
        nobody,
        nobody,
    )


def _sorted_rows(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return a copy with sorted indices; the caller's matrix keeps its order."""
    ordered = sparse.csr_matrix(matrix, dtype=np.float32, copy=True)
    ordered.sort_indices()
    return ordered


def with_segments(histories: Histories, segments: pd.DataFrame) -> Histories:
    """Return the histories with cluster and age band of each row (tables.SEGMENTS)."""
    return Histories(
        histories.units,
        histories.days_ago,
        segments[columns.CLUSTER].to_numpy(np.int8),
        segments[columns.AGE_BAND].to_numpy(np.int8),
    )


def save_histories(histories: Histories, path: Path) -> None:
    """Write the purchases (not the segments) as a byte-stable npz file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished.npz")
    np.savez(
        unfinished,
        shape=np.array(histories.units.shape, np.int64),
        indptr=histories.units.indptr,
        indices=histories.units.indices,
        units=histories.units.data,
        days_ago=histories.days_ago.data,
    )
    unfinished.replace(path)


def load_histories(path: Path, segments: pd.DataFrame | None = None) -> Histories:
    """Return saved histories, with the segments of their customers when given."""
    with np.load(path, allow_pickle=False) as stored:
        shape = tuple(stored["shape"])
        indptr, indices = stored["indptr"], stored["indices"]
        units = sparse.csr_matrix((stored["units"], indices, indptr), shape=shape)
        days_ago = sparse.csr_matrix((stored["days_ago"], indices, indptr), shape=shape)
    nobody = np.full(shape[0], UNKNOWN_SEGMENT, np.int8)
    histories = Histories(units, days_ago, nobody, nobody)
    return histories if segments is None else with_segments(histories, segments)
