"""One week of genuine baskets, and which part of them is to be found.

The protocol: each pair of customer and article counts once; articles with fewer than five buyers
are left out, then customers with fewer than two articles. A random fifth of the customers with five
articles and more is the test: 80 % of their articles are known, the rest is to be found among all
articles but the known ones. Nothing of a test customer is trained on.

A second fifth, drawn in the same way, is the validation: networks stop on it and parameters are
chosen on it. Models are fitted on everything but the test, so validation costs them no data.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from benchmarks.ranking_measures import matrix_of
from hemline.errors import BadInput

FILE: Final = Path("hm-week") / "baskets.csv.zip"
_COLUMNS: Final = ("customer", "article_id")
_LEAST_BUYERS: Final = 5
_LEAST_ARTICLES: Final = 2
_LEAST_HELD_OUT: Final = 5
_SHARE: Final = 0.2
"""Of the long baskets that are tested, and of a tested basket that is to be found."""


@dataclass(frozen=True)
class HeldOutBaskets:
    """Customers that are tested: two CSR matrices of ones of one shape, without a common entry.

    Attributes:
        known: the articles that a model is told.
        wanted: the articles that it should list.
    """

    known: sparse.csr_matrix
    wanted: sparse.csr_matrix


@dataclass(frozen=True)
class BasketSplit:
    """CSR matrices of ones over the same articles.

    Attributes:
        train: baskets of all customers that are not in `test`, those of `validation` included.
        before_validation: `train` without the customers of `validation`.
        validation: to stop and to choose on.
        test: to report.
    """

    train: sparse.csr_matrix
    before_validation: sparse.csr_matrix
    validation: HeldOutBaskets
    test: HeldOutBaskets


def read_baskets(data: Path) -> sparse.csr_matrix:
    """Return the baskets in data/hm-week, CSR of ones of shape (customers, articles).

    Raises:
        BadInput: the file or one of its columns is missing.
    """
    path = data / FILE
    if not path.is_file():
        raise BadInput(
            f"the folder of genuine data holds {FILE}",
            found=", ".join(sorted(each.name for each in data.glob("*"))) or "nothing",
            fix="make bench-genuine DATA=<the folder above hm-week>",
        )
    pairs = pd.read_csv(path, dtype=str)
    if not set(_COLUMNS) <= set(pairs.columns):
        raise BadInput(
            f"{FILE} has the columns {' and '.join(_COLUMNS)}",
            found=", ".join(pairs.columns),
            fix="use the file as it was published",
        )
    codes = [pd.factorize(pairs[column], sort=True)[0] for column in _COLUMNS]
    rows, columns = (np.asarray(each, np.int64) for each in codes)
    return matrix_of(rows, columns, (int(rows.max()) + 1, int(columns.max()) + 1))


def split_baskets(baskets: sparse.csr_matrix, *, seed: int) -> BasketSplit:
    """Return the split of the protocol.

    Raises:
        BadInput: fewer than two customers have baskets that are long enough to be tested.
    """
    rng, baskets = np.random.default_rng(seed), _frequent(baskets)
    long = np.flatnonzero(np.diff(baskets.indptr) >= _LEAST_HELD_OUT)
    size = round(_SHARE * len(long))
    if size == 0:
        raise BadInput(
            f"there are baskets of {_LEAST_HELD_OUT} articles and more to hold out",
            found=f"{len(long)} in {baskets.shape[0]} baskets",
            fix="use a week of more customers",
        )
    drawn = rng.permutation(long)
    test, validation = np.sort(drawn[:size]), np.sort(drawn[size : 2 * size])
    return BasketSplit(
        _without(baskets, test),
        _without(baskets, np.concatenate([test, validation])),
        _held_out(baskets[validation], rng),
        _held_out(baskets[test], rng),
    )


def _frequent(baskets: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return the articles with enough buyers, and the baskets with enough of these articles."""
    n_buyers = np.bincount(baskets.indices, minlength=baskets.shape[1])
    offered = sparse.csr_matrix(baskets[:, np.flatnonzero(n_buyers >= _LEAST_BUYERS)])
    return sparse.csr_matrix(offered[np.flatnonzero(np.diff(offered.indptr) >= _LEAST_ARTICLES)])


def _without(baskets: sparse.csr_matrix, customers: npt.NDArray[np.int64]) -> sparse.csr_matrix:
    remains = np.setdiff1d(np.arange(baskets.shape[0]), customers)
    return sparse.csr_matrix(baskets[remains])


def _held_out(baskets: sparse.csr_matrix, rng: np.random.Generator) -> HeldOutBaskets:
    """Return a random fifth of each basket, rounded, as what is to be found."""
    lengths = np.diff(baskets.indptr)
    row = np.repeat(np.arange(len(lengths)), lengths)
    order = np.lexsort((rng.random(len(row)), row))
    rank = np.empty(len(row), np.int64)
    rank[order] = np.arange(len(row)) - baskets.indptr[row]
    is_wanted = rank < np.round(_SHARE * lengths)[row]
    parts = [
        matrix_of(row[chosen], baskets.indices[chosen].astype(np.int64), baskets.shape)
        for chosen in (~is_wanted, is_wanted)
    ]
    return HeldOutBaskets(*parts)
