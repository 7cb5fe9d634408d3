"""Two folds of a table: one to choose numbers on, one that the search never sees.

A table with days is split by them: the last days are the test fold, those before them validation,
and lists may hold what was bought before, as in the pipeline. A table without days is split within
each customer: of five articles one is held out for the test, one for validation, and lists hold
only others than those that are known.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from hemline import columns
from hemline.data.histories import Histories
from hemline.data.history_building import build_histories
from hemline.errors import BadInput
from hemline.tuning.interaction_table import Interactions

_PARTS: Final = 5
_VALIDATION, _TEST = 3, 4
_FEWEST: Final = 50


@dataclass(frozen=True)
class Fold:
    """What is known, and what is to be predicted.

    Attributes:
        fit: histories of everybody, which models are fitted on.
        known: histories of the customers whose lists are scored.
        held_out: CSR of shape (customers of `known`, articles); a nonzero is to be predicted.
        lists_known: whether a list may hold what the customer had before.
    """

    fit: Histories
    known: Histories
    held_out: sparse.csr_matrix
    lists_known: bool


class Folds(NamedTuple):
    """The two folds of a table."""

    validation: Fold
    test: Fold


def split_table(table: Interactions, *, days: int, seed: int, max_customers: int) -> Folds:
    """Return the folds of a table.

    Args:
        table: any.
        days: length of each fold of a table with days.
        seed: draws what is held out of a table without days, and the customers that are scored.
        max_customers: of more than these in a fold, so many are scored.

    Raises:
        BadInput: fewer than 50 customers are left to be scored in a fold.
    """
    rng = np.random.default_rng(seed)
    by_day = table.last_day is not None
    made = _by_day(table, days) if by_day else _within_customers(table, rng)
    folds = [_sampled(fold, max_customers, rng) for fold in made]
    for name, fold in zip(Folds._fields, folds, strict=True):
        if fold.known.n_customers < _FEWEST:
            raise BadInput(
                f"a fold has {_FEWEST} customers or more",
                found=f"{fold.known.n_customers} in the {name} fold",
                fix="raise --days" if by_day else "bring a larger table",
            )
    return Folds(*folds)


def _by_day(table: Interactions, days: int) -> list[Fold]:
    if table.last_day is None:
        raise ValueError("the table has no days")
    end, length = table.last_day + timedelta(days=1), timedelta(days=days)
    return [_ending(table, end - length, length), _ending(table, end, length)]


def _ending(table: Interactions, end: date, length: timedelta) -> Fold:
    rows, cut = table.rows, end - length
    days = rows[columns.DAY].to_numpy("datetime64[D]")
    first, last = np.datetime64(cut, "D"), np.datetime64(end, "D")
    everybody = build_histories(
        rows[days < first],
        cut=cut,
        n_customers=table.n_customers,
        n_articles=table.n_articles,
    )
    held_out = _matrix(rows[(days >= first) & (days < last)], table)
    return _scored(everybody, held_out, lists_known=True)


def _within_customers(table: Interactions, rng: np.random.Generator) -> list[Fold]:
    """Hold out by the place of each article in a random order of the customer's own."""
    pairs = table.rows.groupby([columns.CUSTOMER, columns.ARTICLE], as_index=False, sort=True).sum()
    shuffled = pairs.iloc[rng.permutation(len(pairs))].sort_values(columns.CUSTOMER, kind="stable")
    place = shuffled.groupby(columns.CUSTOMER).cumcount().to_numpy()
    held_in = place % _PARTS
    parts = []
    for held, known in ((_VALIDATION, held_in < _VALIDATION), (_TEST, held_in < _TEST)):
        everybody = Histories.from_interactions(_matrix(shuffled[known], table))
        parts.append(
            _scored(everybody, _matrix(shuffled[held_in == held], table), lists_known=False)
        )
    return parts


def _scored(everybody: Histories, held_out: sparse.csr_matrix, *, lists_known: bool) -> Fold:
    rows = np.flatnonzero(np.diff(held_out.indptr))
    return Fold(everybody, everybody.rows(rows), sparse.csr_matrix(held_out[rows]), lists_known)


def _sampled(fold: Fold, max_customers: int, rng: np.random.Generator) -> Fold:
    n_rows = fold.known.n_customers
    if n_rows <= max_customers:
        return fold
    rows = np.sort(rng.choice(n_rows, max_customers, replace=False))
    held_out = sparse.csr_matrix(fold.held_out[rows])
    return Fold(fold.fit, fold.known.rows(rows), held_out, fold.lists_known)


def _matrix(rows: pd.DataFrame, table: Interactions) -> sparse.csr_matrix:
    """Return units by customer and article, those of a pair added up."""
    places = rows[columns.CUSTOMER].to_numpy(), rows[columns.ARTICLE].to_numpy()
    shape = table.n_customers, table.n_articles
    added = sparse.coo_matrix((rows[columns.UNITS].to_numpy(np.float32), places), shape=shape)
    return sparse.csr_matrix(added)
