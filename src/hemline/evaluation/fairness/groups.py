"""The groups that are compared: customers by their attributes, cluster and history.

Every customer is in exactly one group of each attribute, "unknown" included, so no list is left out
of "everybody". A group below `min_group` customers is shown and counted in everybody, but no gap is
claimed from it. How much a customer bought before is not a protected attribute; it is audited
because it is the likeliest cause of a gap in the others.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from hemline import columns
from hemline.data.article_attributes import MISSING
from hemline.data.histories import UNKNOWN_SEGMENT, Histories
from hemline.segments.attributes import AGE_BANDS

HISTORY: Final = "history"
_HISTORY_NAMES: Final = ("no purchase", "1 to 4", "5 to 19", "20 to 59", "60 or more")
_HISTORY_STARTS: Final = np.array([1, 5, 20, 60])


@dataclass(frozen=True)
class Grouping:
    """One attribute and the group of every customer.

    Attributes:
        attribute: what the groups differ by.
        names: of the groups that occur, in reading order.
        codes: int64 of shape (customers,); index into names.
        min_group: smaller groups are not compared.
    """

    attribute: str
    names: tuple[str, ...]
    codes: npt.NDArray[np.int64]
    min_group: int

    @classmethod
    def of(
        cls, attribute: str, labels: npt.NDArray[np.str_], order: tuple[str, ...], min_group: int
    ) -> Self:
        """Return the grouping by labels; the names that occur are in the given order."""
        names = tuple(name for name in order if name in set(labels.tolist()))
        positions = {name: position for position, name in enumerate(names)}
        codes = np.array([positions[label] for label in labels.tolist()], np.int64)
        return cls(attribute, names, codes, min_group)

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """Customers per group."""
        return np.bincount(self.codes, minlength=len(self.names)).astype(np.int64)

    @property
    def large(self) -> npt.NDArray[np.int64]:
        """Indices of the groups that are compared."""
        return np.flatnonzero(self.sizes >= self.min_group)

    @property
    def is_comparable(self) -> bool:
        """Whether at least two groups are large enough."""
        return len(self.large) > 1

    def members(self, group: int) -> npt.NDArray[np.int64]:
        """Return the rows of a group's customers."""
        return np.flatnonzero(self.codes == group)


@dataclass(frozen=True)
class Buyers:
    """The customers of the audit, row by row: their histories, and their purchases in the week.

    Attributes:
        known: histories before the cut.
        bought: CSR of shape (customers, articles); a nonzero was bought; no row is empty.
        groupings: of the same customers.
    """

    known: Histories
    bought: sparse.csr_matrix
    groupings: tuple[Grouping, ...]


def group_customers(
    groups: pd.DataFrame, histories: Histories, *, min_group: int
) -> tuple[Grouping, ...]:
    """Return the audited groupings of the customers.

    Args:
        groups: one row per row of histories (attributes.customer_groups).
        histories: what each customer bought before the cut, with segments.
        min_group: smaller groups are not compared.
    """
    labels = {
        **{str(name): groups[name].to_numpy(str) for name in groups},
        columns.CLUSTER: _cluster_names(histories.clusters),
        HISTORY: _history_names(histories),
    }
    orders = {columns.AGE_BAND: (*AGE_BANDS, MISSING), HISTORY: _HISTORY_NAMES}
    return tuple(
        Grouping.of(name, values, orders.get(name, _by_name(values)), min_group)
        for name, values in labels.items()
    )


def _cluster_names(clusters: npt.NDArray[np.int8]) -> npt.NDArray[np.str_]:
    return np.array([MISSING if one == UNKNOWN_SEGMENT else f"cluster {one}" for one in clusters])


def _history_names(histories: Histories) -> npt.NDArray[np.str_]:
    n_articles = np.diff(histories.units.indptr)
    return np.array(_HISTORY_NAMES)[np.searchsorted(_HISTORY_STARTS, n_articles, side="right")]


def _by_name(labels: npt.NDArray[np.str_]) -> tuple[str, ...]:
    return tuple(sorted(set(labels.tolist()), key=lambda name: (name == MISSING, name)))
