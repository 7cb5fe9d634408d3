"""Purchase histories (UPH in the literature): what each customer bought and when, as sparse rows.

"How many" and "how long ago" are two arrays over one structure, so they are read side by side. The
loops that recommend read these arrays; training reads them as two sparse matrices, which share
them. A history at a cut holds what was known before it: see `history_building.py`.

Whoever answers one customer imports neither pandas nor scipy through this module.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import numpy.typing as npt

from hemline import columns
from hemline.arrays import load_arrays, save_arrays
from hemline.data.interaction_matrix import checked_interactions
from hemline.data.unlikes import Unlikes
from hemline.errors import BadInput
from hemline.files import replaced_file

if TYPE_CHECKING:
    import pandas as pd
    from scipy import sparse

UNKNOWN_SEGMENT: Final = -1
"""Cluster or age band of a customer without known attributes."""


@dataclass(frozen=True)
class Histories:
    """Purchase histories of customers at a cut date.

    Attributes:
        indptr: of shape (customers + 1,); where the purchases of each customer start, int32
            unless there are too many.
        indices: int32 of shape (purchases,); the bought articles, ascending within a customer.
        counts: float32 beside `indices`; number of units bought.
        days: float32 beside `indices`; days from the last purchase of the article to the cut, at
            least 1.
        clusters: int8 of shape (customers,); k-modes cluster or UNKNOWN_SEGMENT.
        age_bands: int8 of shape (customers,); index into segments.attributes.AGE_BANDS or
            UNKNOWN_SEGMENT.
        n_articles: number of articles there are, bought or not.
        unlikes: what each customer does not want to see; no purchase of it is in the history.
    """

    indptr: npt.NDArray[np.signedinteger[Any]]
    indices: npt.NDArray[np.int32]
    counts: npt.NDArray[np.float32]
    days: npt.NDArray[np.float32]
    clusters: npt.NDArray[np.int8]
    age_bands: npt.NDArray[np.int8]
    n_articles: int
    unlikes: Unlikes = field(default_factory=Unlikes.none)

    @property
    def n_customers(self) -> int:
        """Number of rows."""
        return len(self.indptr) - 1

    @cached_property
    def units(self) -> "sparse.csr_matrix":
        """CSR float32 of shape (customers, articles); a nonzero is a bought article."""
        return self._matrix_of(self.counts)

    @cached_property
    def days_ago(self) -> "sparse.csr_matrix":
        """CSR float32 with the structure of `units`; days from the last purchase to the cut."""
        return self._matrix_of(self.days)

    def rows(self, customers: npt.NDArray[np.int_]) -> Self:
        """Return the histories of the given rows, in that order; rows in a sequence are a view."""
        starts = self.indptr[customers]
        n_bought = self.indptr[customers + 1] - starts
        indptr = np.zeros(len(customers) + 1, self.indptr.dtype)
        np.cumsum(n_bought, out=indptr[1:])
        places: slice | npt.NDArray[Any]
        if _is_a_sequence(customers):
            first = int(starts[0]) if len(starts) else 0
            places = slice(first, first + int(indptr[-1]))
        else:
            places = np.arange(indptr[-1]) + np.repeat(starts - indptr[:-1], n_bought)
        return type(self)(
            indptr,
            self.indices[places],
            self.counts[places],
            self.days[places],
            self.clusters[customers],
            self.age_bands[customers],
            self.n_articles,
            self.unlikes.of_rows(customers),
        )

    def is_cold(self) -> npt.NDArray[np.bool_]:
        """Return, per customer, whether nothing was bought before the cut."""
        return np.asarray(self.indptr[1:] == self.indptr[:-1])

    def _matrix_of(self, values: npt.NDArray[np.float32]) -> "sparse.csr_matrix":
        from scipy import sparse  # noqa: PLC0415  (not needed to recommend)

        shape = (self.n_customers, self.n_articles)
        return sparse.csr_matrix((values, self.indices, self.indptr), shape=shape)

    @classmethod
    def of_one(
        cls,
        articles: npt.NDArray[np.int32],
        units: npt.NDArray[np.float32],
        days_ago: npt.NDArray[np.float32],
        *,
        cluster: int,
        age_band: int,
        n_articles: int,
    ) -> Self:
        """Return the history of one customer.

        Args:
            articles: int32 of shape (purchases,), ascending, each of them once.
            units: float32 beside `articles`; how many were bought.
            days_ago: float32 beside `articles`; days since the last purchase, at least 1.
            cluster: as in `clusters`.
            age_band: as in `age_bands`.
            n_articles: number of articles there are.
        """
        return cls(
            np.array([0, len(articles)], np.int32),
            np.asarray(articles, np.int32),
            np.asarray(units, np.float32),
            np.asarray(days_ago, np.float32),
            np.array([cluster], np.int8),
            np.array([age_band], np.int8),
            n_articles,
        )

    @classmethod
    def from_matrices(
        cls,
        units: "sparse.csr_matrix",
        days_ago: "sparse.csr_matrix",
        clusters: npt.NDArray[np.int8],
        age_bands: npt.NDArray[np.int8],
    ) -> Self:
        """Return histories that share the arrays of two matrices of one structure, sorted."""
        return cls(
            units.indptr,
            np.asarray(units.indices, np.int32),
            units.data,
            days_ago.data,
            clusters,
            age_bands,
            int(units.shape[1]),
        )

    @classmethod
    def from_interactions(
        cls,
        units: "sparse.csr_matrix",
        *,
        days_ago: "sparse.csr_matrix | None" = None,
        clusters: npt.NDArray[np.int8] | None = None,
    ) -> Self:
        """Return histories from any interaction matrix of shape (customers, articles).

        Without `days_ago` every purchase is one day old, and units that are stored twice are added;
        without `clusters` all are unknown. A stored zero in `units` is no purchase. The caller's
        matrices are not changed, and the result shares no array with them.

        Raises:
            BadInput: `days_ago` does not hold one number for exactly the purchases in `units`, a
                number of units is negative or not finite, a purchase is not before the cut, or
                there is not one cluster for each customer.
        """
        units, days_ago = checked_interactions(units, days_ago)
        unknown = np.full(units.shape[0], UNKNOWN_SEGMENT, np.int8)
        if clusters is not None and clusters.shape != unknown.shape:
            raise BadInput(
                f"there is a cluster for each customer ({len(unknown):,})",
                found=f"clusters of shape {clusters.shape}",
                fix="pass one for each row of units, -1 where it is not known",
            )
        segments = (unknown if clusters is None else clusters), unknown
        return cls.from_matrices(units, days_ago, *segments)


def _is_a_sequence(rows: npt.NDArray[np.int_]) -> bool:
    """Return whether each row follows the one before it.

    >>> [_is_a_sequence(np.array(rows, np.int64)) for rows in ([], [7], [7, 8], [7, 9], [8, 7])]
    [True, True, True, False, False]
    """
    return len(rows) < 2 or bool((rows[1:] - rows[:-1] == 1).all())  # noqa: PLR2004  (two rows)


def with_segments(histories: Histories, segments: "pd.DataFrame") -> Histories:
    """Return the histories with cluster and age band of each row (tables.SEGMENTS)."""
    return replace(
        histories,
        clusters=segments[columns.CLUSTER].to_numpy(np.int8),
        age_bands=segments[columns.AGE_BAND].to_numpy(np.int8),
    )


def with_guests(histories: Histories, guests: Histories) -> Histories:
    """Return the histories, and after them the baskets of guests, who belong to no segment."""
    unknown = np.full(guests.n_customers, UNKNOWN_SEGMENT, np.int8)
    return Histories(
        np.concatenate([histories.indptr, histories.indptr[-1] + guests.indptr[1:]]),
        np.concatenate([histories.indices, guests.indices]),
        np.concatenate([histories.counts, guests.counts]),
        np.concatenate([histories.days, guests.days]),
        np.concatenate([histories.clusters, unknown]),
        np.concatenate([histories.age_bands, unknown]),
        histories.n_articles,
        histories.unlikes,
    )


def save_histories(histories: Histories, path: Path) -> None:
    """Write the purchases and unlikes (not the segments) as a byte-stable npz file."""
    arrays: dict[str, npt.NDArray[Any]] = {
        "shape": np.array([histories.n_customers, histories.n_articles], np.int64),
        "indptr": histories.indptr,
        "indices": histories.indices,
        "units": histories.counts,
        "days_ago": histories.days,
        **histories.unlikes.to_arrays(),
    }
    with replaced_file(path) as unfinished:
        save_arrays(unfinished, arrays)


def load_histories(path: Path, segments: "pd.DataFrame | None" = None) -> Histories:
    """Return saved histories, with the segments of their customers when given."""
    stored = load_arrays(path)
    n_customers, n_articles = stored["shape"].tolist()
    unknown = np.full(n_customers, UNKNOWN_SEGMENT, np.int8)
    purchased = stored["indptr"], stored["indices"], stored["units"], stored["days_ago"]
    unlikes = Unlikes.from_arrays(stored)
    histories = Histories(*purchased, unknown, unknown, n_articles, unlikes)
    return histories if segments is None else with_segments(histories, segments)
