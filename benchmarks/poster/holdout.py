"""The TrainDy protocol as matrices: 70 % of a customer's articles are known, 30 % are held out.

The split is at random and not by time, so this is not forecasting: a held-out article may have been
bought last spring. That makes recall_30 reachable, and it is why the numbers do not carry over to
the next week. A tenth of the customers are cold: all of their articles are held out, for the
poster's cold start.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict
from scipy import sparse

from hemline import columns
from hemline.data.acquire.kaggle_files import find_sources
from hemline.data.acquire.typed_tables import read_tables
from hemline.data.histories import Histories
from hemline.data.synthetic.shop import SyntheticParams, generate_shop
from hemline.engine.engine import EngineParams, open_engine
from hemline.errors import BadInput
from hemline.segments.attributes import customer_attributes
from hemline.segments.kmodes import fit_clusters
from hemline.tables import TRANSACTIONS

_DAY = np.timedelta64(1, "D")


class HoldoutParams(BaseModel):
    """Section `holdout` of settings.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    known_share: float
    validation_share: float
    cold_share: float
    min_articles: int
    max_customers: int
    n_clusters: int
    n_init: int
    seed: int


@dataclass(frozen=True)
class Holdout:
    """What is known and what is held out; all matrices of shape (customers, articles).

    Attributes:
        fit: histories to choose settings on: `known` without the validation articles.
        validation: CSR of the articles of `known` that are held out to choose on.
        known: histories a final model is fitted on and queried with; empty rows for cold customers.
        held_out: CSR of the test part; all articles of a cold customer.
    """

    fit: Histories
    validation: sparse.csr_matrix
    known: Histories
    held_out: sparse.csr_matrix


def generated(size: str, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return customers and transactions of a generated shop."""
    params = SyntheticParams.model_validate({"size": size, "seed": seed, "events": ()})
    shop = generate_shop(params)
    return shop.customers, shop.transactions


def from_kaggle(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return customers and transactions of the Kaggle files in a folder."""
    with open_engine(EngineParams.load(Path("params.yaml"))) as engine:
        tables = read_tables(engine, find_sources(folder, keep_postal_code=False))
        transactions = engine.to_arrow(tables.transactions.sort(*TRANSACTIONS.names))
    return tables.customers.to_pandas(), transactions.to_pandas()


def hold_out(customers: pd.DataFrame, transactions: pd.DataFrame, params: HoldoutParams) -> Holdout:
    """Return the hold-out of customers with at least `min_articles` different articles.

    Articles without a known purchase are removed from the catalogue, and so are held-out purchases
    of them, so that no model is tested on columns that it could not learn.

    Raises:
        BadInput: no customer bought enough.
    """
    rng = np.random.default_rng(params.seed)
    bought = _of_enough(_last_purchases(transactions), params, rng)
    people, row = np.unique(bought[columns.CUSTOMER], return_inverse=True)
    part = _parts(row, params, rng)
    catalogue = np.unique(bought.loc[part != _HELD_OUT, columns.ARTICLE])
    is_offered = np.isin(bought[columns.ARTICLE], catalogue)
    days = bought[columns.DAY].to_numpy("datetime64[D]")
    pairs = _Interactions(
        row[is_offered],
        np.searchsorted(catalogue, bought.loc[is_offered, columns.ARTICLE]),
        (days.max() - days + _DAY)[is_offered] / _DAY,
        (len(people), len(catalogue)),
    )
    part = part[is_offered]
    clusters = _clusters(customers.iloc[people], params)
    return Holdout(
        fit=pairs.histories(part == _FIT, clusters),
        validation=pairs.matrix(part == _VALIDATION),
        known=pairs.histories(part != _HELD_OUT, clusters),
        held_out=pairs.matrix(part == _HELD_OUT),
    )


@dataclass(frozen=True)
class _Interactions:
    """One entry per customer and article: row, column, days since it was last bought."""

    row: npt.NDArray[np.int64]
    column: npt.NDArray[np.int64]
    days_ago: npt.NDArray[np.float64]
    shape: tuple[int, int]

    def matrix(
        self, which: npt.NDArray[np.bool_], values: npt.NDArray[np.float64] | None = None
    ) -> sparse.csr_matrix:
        data = np.ones(len(self.row)) if values is None else values
        entries = (data[which].astype(np.float32), (self.row[which], self.column[which]))
        return sparse.csr_matrix(entries, shape=self.shape)

    def histories(self, which: npt.NDArray[np.bool_], clusters: npt.NDArray[np.int8]) -> Histories:
        days_ago = self.matrix(which, self.days_ago)
        return Histories.from_interactions(self.matrix(which), days_ago=days_ago, clusters=clusters)


_FIT, _VALIDATION, _HELD_OUT = 0, 1, 2


def _last_purchases(transactions: pd.DataFrame) -> pd.DataFrame:
    """Return one row per customer and article with the day it was last bought."""
    days = pd.DataFrame(
        {
            columns.CUSTOMER: transactions[columns.CUSTOMER].to_numpy(),
            columns.ARTICLE: transactions[columns.ARTICLE].to_numpy(),
            columns.DAY: transactions[columns.DAY].to_numpy("datetime64[D]").astype("M8[s]"),
        }
    )
    pair = [columns.CUSTOMER, columns.ARTICLE]
    return days.groupby(pair, as_index=False).agg({columns.DAY: "max"})


def _of_enough(
    bought: pd.DataFrame, params: HoldoutParams, rng: np.random.Generator
) -> pd.DataFrame:
    n_bought = bought[columns.CUSTOMER].value_counts()
    enough = np.sort(n_bought.index[n_bought >= params.min_articles].to_numpy())
    if len(enough) == 0:
        raise BadInput(
            f"some customer bought at least {params.min_articles} different articles",
            found=f"at most {n_bought.max()}",
            fix="lower holdout.min_articles in benchmarks/poster/settings.yaml",
        )
    drawn = rng.permutation(enough)[: params.max_customers]
    return bought[bought[columns.CUSTOMER].isin(drawn)].reset_index(drop=True)


def _parts(
    keys: npt.NDArray[np.int64], params: HoldoutParams, rng: np.random.Generator
) -> npt.NDArray[np.int8]:
    """Return the part of each purchase, drawn within each customer."""
    order = np.lexsort((rng.random(len(keys)), keys))
    n_bought = np.bincount(keys)
    rank = np.empty(len(keys), np.int64)
    rank[order] = np.arange(len(keys)) - np.repeat(np.cumsum(n_bought) - n_bought, n_bought)
    n_known = np.round(params.known_share * n_bought).astype(np.int64)
    n_fit = n_known - np.maximum(1, np.round(params.validation_share * n_bought)).astype(np.int64)
    is_cold = rng.random(len(n_bought)) < params.cold_share
    n_known[is_cold] = n_fit[is_cold] = 0
    part = np.full(len(keys), _HELD_OUT, np.int8)
    part[rank < n_known[keys]] = _VALIDATION
    part[rank < n_fit[keys]] = _FIT
    return part


def _clusters(customers: pd.DataFrame, params: HoldoutParams) -> npt.NDArray[np.int8]:
    attributes = customer_attributes(customers)
    fitted = fit_clusters(
        attributes, n_clusters=params.n_clusters, n_init=params.n_init, seed=params.seed
    )
    return fitted.assign(attributes)
