"""One held-out week: its buyers, every row's lists for them, and each list's scores.

The scores of each customer, row and truth are in one long frame that intervals, slices and paired
tests all read, for one week or many. A truth says which of the held-out purchases count. All of
them do, except in slices of articles: there the lists stay the same, only purchases of new (or of
older) articles count as hits, and a customer who bought none of these is left out.

The oracle lists what will be bought, in the order of keys, so that the ceiling of every metric, and
the novelty of actual purchases, are in the same frame as any row.

The schema is defined here and not in tables.py: adding a metric should not make `acquire` stale.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from scipy import sparse

from hemline import columns
from hemline.data.histories import Histories
from hemline.evaluation.beyond_accuracy import (
    BEYOND,
    Assortment,
    assortment_at,
    of_lists,
    score_beyond,
)
from hemline.evaluation.protocol import (
    BASELINE,
    METRICS,
    ORACLE,
    EvaluateParams,
    recommend_in_batches,
    score_customers,
)
from hemline.kernels.lists import top_k_sparse
from hemline.models.recommender import Recommender
from hemline.segments.attributes import customer_groups

Lists = dict[str, npt.NDArray[np.int32]]

EVERYTHING: Final = "all articles"
NEW: Final = "new articles"
OLDER: Final = "older articles"
TRUTHS: Final = (EVERYTHING, NEW, OLDER)
SCORES: Final = (*METRICS, *BEYOND)

SCORED_LISTS: Final = pa.schema(
    [
        ("cut", pa.date32()),
        (columns.CUSTOMER, pa.int32()),
        ("is_cold", pa.bool_()),
        ("model", pa.string()),
        ("truth", pa.string()),
        *((name, pa.float64()) for name in SCORES),
    ]
)
"""One row per cut, buyer, row of the score table and truth; every model has the same buyers."""


@dataclass(frozen=True)
class HeldOut:
    """The buyers of the week from a cut on.

    Attributes:
        cut: first day of the week.
        customers: int64, the buyers' keys.
        known: their histories at the cut.
        bought: CSR of shape (buyers, articles); a nonzero was bought in the week.
        assortment: the articles at the cut.
    """

    cut: date
    customers: npt.NDArray[np.int64]
    known: Histories
    bought: sparse.csr_matrix
    assortment: Assortment


def hold_out(
    cut: date,
    known: Histories,
    bought: Histories,
    articles: pd.DataFrame,
    params: EvaluateParams,
) -> HeldOut:
    """Return the week's buyers from the histories of everybody before it and in it."""
    buyers = np.flatnonzero(~bought.is_cold())
    assortment = assortment_at(
        known,
        articles,
        recent_days=params.recent_days,
        new_article_days=params.new_article_days,
    )
    return HeldOut(cut, buyers, known.rows(buyers), bought.units[buyers], assortment)


def lists_of(rows: Mapping[str, Recommender], known: Histories, length: int) -> Lists:
    """Return every row's lists for the customers of the histories, by name of the row."""
    return {
        name: recommend_in_batches(model, known, length).articles for name, model in rows.items()
    }


def with_oracle(lists: Lists, week: HeldOut) -> Lists:
    """Return the lists and those of an oracle, which list exactly what will be bought."""
    is_bought = week.bought.copy()
    is_bought.data = np.ones_like(is_bought.data)
    oracle, _ = top_k_sparse(is_bought, next(iter(lists.values())).shape[1])
    return lists | {ORACLE: oracle}


def score_lists(lists: Lists, week: HeldOut) -> pd.DataFrame:
    """Return SCORED_LISTS of one week; `lists` include the baseline's.

    METRICS count the purchases of the truth; BEYOND uses the whole list and all purchases.
    """
    is_cold = week.known.is_cold()
    beyond = {
        name: score_beyond(articles, lists[BASELINE], week.known, week.bought, week.assortment)
        for name, articles in lists.items()
    }
    parts = []
    for truth, rows, bought in _truths(week):
        about = {"cut": week.cut, columns.CUSTOMER: week.customers[rows], "is_cold": is_cold[rows]}
        for name, articles in lists.items():
            keys = pd.DataFrame({**about, "model": name, "truth": truth})
            scores = score_customers(articles[rows], bought)
            more = beyond[name].iloc[rows].reset_index(drop=True)
            parts.append(pd.concat([keys, scores, more], axis=1))
    return pd.concat(parts, ignore_index=True)


def score_all_lists(lists: Lists, week: HeldOut) -> dict[str, dict[str, float]]:
    """Return, by name of the row, the measures of all its lists together."""
    return {name: of_lists(listed, week.known.n_articles) for name, listed in lists.items()}


def buyers_of(scored: pd.DataFrame, model: str = ORACLE) -> pd.DataFrame:
    """Return one model's scored lists where all articles count: one row per buyer (and cut)."""
    return scored[(scored["truth"] == EVERYTHING) & (scored["model"] == model)]


def slices(
    buyers: pd.DataFrame, segments: pd.DataFrame, customers: pd.DataFrame
) -> dict[str, npt.NDArray[np.intp]]:
    """Return the rows of each slice: all, warm, cold, cluster, and group of customers.

    Args:
        buyers: columns customer and is_cold, one row per buyer (and cut).
        segments: tables.SEGMENTS of all customers.
        customers: all customers, as tables.read_described returns them.
    """
    keys = buyers[columns.CUSTOMER].to_numpy()
    is_cold = buyers["is_cold"].to_numpy(bool)
    clusters = segments[columns.CLUSTER].to_numpy()[keys]
    groups = customer_groups(customers)
    parts = {"all": np.arange(len(keys))}
    parts |= {"warm": np.flatnonzero(~is_cold), "cold": np.flatnonzero(is_cold)}
    by_kind = {columns.CLUSTER: clusters}
    by_kind |= {_KINDS.get(str(name), str(name)): groups[name].to_numpy()[keys] for name in groups}
    for kind, values in by_kind.items():
        for value in sorted(set(values)):
            parts[f"{kind} {value}"] = np.flatnonzero(values == value)
    return {name: rows for name, rows in parts.items() if len(rows)}


_KINDS: Final = {columns.AGE_BAND: "age", columns.CLUB: "club"}


def _truths(
    week: HeldOut,
) -> Iterator[tuple[str, npt.NDArray[np.intp], sparse.csr_matrix]]:
    """Yield each truth, the rows of customers who have one, and what they bought of it."""
    is_new = week.assortment.is_new
    for truth, counts in zip(TRUTHS, (np.ones_like(is_new), is_new, ~is_new), strict=True):
        bought = sparse.csr_matrix(week.bought @ sparse.diags_array(counts.astype(np.float32)))
        bought.eliminate_zeros()
        bought.sort_indices()
        rows = np.flatnonzero(np.diff(bought.indptr))
        if len(rows):
            yield truth, rows, bought[rows]
