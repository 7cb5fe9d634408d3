"""Interaction matrices of any source: checked and ordered, before they become histories.

Row is a customer, column an article. Whoever answers one customer does not import scipy through
this module.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hemline.errors import BadInput

if TYPE_CHECKING:
    from scipy import sparse


def checked_interactions(
    units: "sparse.csr_matrix", days_ago: "sparse.csr_matrix | None"
) -> "tuple[sparse.csr_matrix, sparse.csr_matrix]":
    """Return units and days as float32 copies of one structure, sorted and without stored zeros.

    Without `days_ago` every purchase is one day old, and units that are stored twice are added.

    Raises:
        BadInput: `days_ago` does not hold one number for exactly the purchases in `units`, a
            number of units is negative or not finite, or a purchase is not before the cut.
    """
    from scipy import sparse  # noqa: PLC0415  (not needed to recommend)

    units = _sorted_rows(units)
    if days_ago is None:
        units.sum_duplicates()
        ones = np.ones_like(units.data)
        days_ago = sparse.csr_matrix((ones, units.indices, units.indptr), shape=units.shape)
    days_ago = _sorted_rows(days_ago)
    _require_same_purchases(units, days_ago)
    is_bought = units.data != 0
    units, days_ago = entries_where(is_bought, units), entries_where(is_bought, days_ago)
    _require_each(units, units.data > 0, "units are positive numbers")
    _require_each(days_ago, days_ago.data >= 1, "a purchase lies at least one day before the cut")
    return units, days_ago


def entries_where(
    is_chosen: npt.NDArray[np.bool_], matrix: "sparse.csr_matrix"
) -> "sparse.csr_matrix":
    """Return the matrix with the chosen of its stored entries only."""
    from scipy import sparse  # noqa: PLC0415  (not needed to recommend)

    ends = np.concatenate([[0], np.cumsum(is_chosen)])[matrix.indptr]
    entries = matrix.data[is_chosen], matrix.indices[is_chosen], ends
    return sparse.csr_matrix(entries, shape=matrix.shape)


def _sorted_rows(matrix: "sparse.csr_matrix") -> "sparse.csr_matrix":
    """Return a copy with sorted indices; the caller's matrix is not changed."""
    from scipy import sparse  # noqa: PLC0415  (not needed to recommend)

    ordered = sparse.csr_matrix(matrix, dtype=np.float32, copy=True)
    ordered.sort_indices()
    return ordered


def _require_same_purchases(units: "sparse.csr_matrix", days_ago: "sparse.csr_matrix") -> None:
    """Refuse days of other purchases than the units, and purchases that are stored twice."""
    same = units.shape == days_ago.shape and all(
        np.array_equal(getattr(units, name), getattr(days_ago, name))
        for name in ("indptr", "indices")
    )
    if not same:
        raise BadInput(
            "units and days_ago hold the same purchases",
            found=f"different purchases: {units.nnz:,} of {units.shape} and {days_ago.nnz:,} of "
            f"{days_ago.shape}",
            fix="build both from the same rows and columns",
        )
    if not units.has_canonical_format:
        raise BadInput(
            "a customer and an article have one number of units and one of days",
            found="pairs that are stored twice",
            fix="add up the units of a pair, and take its latest day",
        )


def _require_each(matrix: "sparse.csr_matrix", holds: npt.NDArray[np.bool_], rule: str) -> None:
    """Refuse a matrix with a value that is not finite or for which the rule does not hold."""
    wrong = np.flatnonzero(~(holds & np.isfinite(matrix.data)))
    if len(wrong):
        row = int(np.searchsorted(matrix.indptr, wrong[0], side="right")) - 1
        place = f"customer {row}, article {matrix.indices[wrong[0]]}"
        others = f", and {len(wrong) - 1:,} more" if len(wrong) > 1 else ""
        raise BadInput(
            rule, found=f"{matrix.data[wrong[0]]} of {place}{others}", fix="correct or remove them"
        )
