"""What customers buy again, and what customers with a similar past buy: TIFU-kNN.

After Hu, He, Gao & Zhang (2020), "Modeling personalized item frequency information for next-basket
recommendation". A purchase counts by its units and by its age: it decays slowly within a group of
days and fast from group to group, so that purchases of two groups differ more than two of one. A
score mixes a customer's own vector with the mean of their neighbours'.

Two differences from the paper. Histories hold an article's last purchase and its units, not every
basket, so a repeated purchase counts by its last day. Neighbours vote for articles on sale only.

The model stores the purchases of up to `max_customers` customers without saying who they are. A
stored past that equals the customer's own, mostly theirs, is no neighbour: it holds nothing new.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from hemline.arrays import load_arrays, save_arrays
from hemline.data.histories import Histories
from hemline.kernels.lists import WeightRows
from hemline.models.label_shift import ALL_DAYS, NO_DECAY_DAYS, YESTERDAY, decay_weights, on_sale
from hemline.models.recommender import (
    OneSource,
    Recommendations,
    recommendations_from,
    require_articles,
)
from hemline.params import Section

if TYPE_CHECKING:
    from scipy import sparse

Floats = npt.NDArray[np.float32]

_ABOUT: Final = "tifu_knn.json"
_WEEK: Final = 7
_STORED: Final = ("by_article", "offers")

_Decay = Annotated[float, Field(gt=0, le=1)]


class TifuKnnParams(Section):
    """How purchases count, who is a neighbour, and how much neighbours say."""

    section: ClassVar[str] = "tifu_knn"
    group_days: PositiveInt = 7
    group_decay: _Decay = 0.7
    week_decay: _Decay = 0.9
    units_power: NonNegativeFloat = 0.0
    own_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    neighbours: PositiveInt = 300
    max_customers: PositiveInt = 20_000
    compared_half_life_days: PositiveFloat = NO_DECAY_DAYS
    offered_half_life_days: PositiveFloat = NO_DECAY_DAYS
    on_sale_days: PositiveInt = ALL_DAYS


@dataclass(frozen=True)
class TifuKnn(OneSource):
    """A customer's own articles and those of their neighbours, in one list.

    Attributes:
        params: what it was fitted with.
        by_article: a row per article; the stored customers who bought it.
        offers: a row per stored customer; the articles they vote for.
    """

    params: TifuKnnParams
    by_article: WeightRows
    offers: WeightRows
    name: ClassVar[str] = "tifu_knn"

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return own articles and those of neighbours by score; none for a cold customer."""
        from hemline.kernels.neighbour_customers import (  # noqa: PLC0415  (numba)
            ComparedPurchases,
            StoredCustomers,
            best_with_neighbours,
        )

        require_articles(histories, len(self.by_article.indptr) - 1, self.name)
        weights = own_weights(histories, self.params), compared_weights(histories, self.params)
        purchases = ComparedPurchases(histories.indptr, histories.indices, *weights)
        stored = StoredCustomers(self.by_article, self.offers)
        mixing = self.params.neighbours, self.params.own_share
        return recommendations_from(self.name, *best_with_neighbours(purchases, stored, *mixing, k))

    def save(self, folder: Path) -> None:
        """Write the params as json and the stored customers as npz."""
        text = json.dumps(self.params.model_dump(), indent=1)
        (folder / _ABOUT).write_text(text + "\n", encoding="utf-8")
        for name in _STORED:
            save_arrays(folder / f"{name}.npz", getattr(self, name)._asdict())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the model saved in folder."""
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        stored = (WeightRows(**load_arrays(folder / f"{name}.npz")) for name in _STORED)
        return cls(TifuKnnParams.model_validate(about), *stored)


def fit_tifu_knn(histories: Histories, params: TifuKnnParams) -> TifuKnn:
    """Return the model with the stored customers who bought something that is on sale.

    Of more than `max_customers`, an evenly spaced sample is stored.
    """
    offered = np.isin(histories.indices, on_sale(histories, params.on_sale_days))
    votes = offered_weights(histories, params) * offered.astype(np.float32)
    n_votes = np.diff(np.concatenate([[0], np.cumsum(votes > 0)])[histories.indptr])
    customers = np.flatnonzero(n_votes)
    if len(customers) > params.max_customers:
        spaced = np.linspace(0, len(customers) - 1, params.max_customers)
        customers = customers[spaced.astype(np.int64)]
    past = _unit_rows(_rows_of(histories, compared_weights(histories, params), customers))
    offers = _rows_of(histories, votes, customers)
    return TifuKnn(params, _arrays_of(past.T.tocsr()), _arrays_of(offers))


def own_weights(histories: Histories, params: TifuKnnParams) -> Floats:
    """Return what purchases count for buying them again; of yesterday, one unit counts 1.

    >>> params = TifuKnnParams(group_days=28, units_power=0.5)
    >>> one = Histories.of_one(
    ...     np.arange(3, dtype=np.int32),
    ...     np.array([1, 1, 4], np.float32),
    ...     np.array([1, 8, 29], np.float32),
    ...     cluster=-1,
    ...     age_band=-1,
    ...     n_articles=3,
    ... )
    >>> [round(float(weight), 3) for weight in own_weights(one, params)]
    [1.0, 0.9, 1.4]
    """
    since = np.maximum(histories.days.astype(np.float64) - YESTERDAY, 0)
    group = np.floor(since / params.group_days)
    weeks = (since - group * params.group_days) / _WEEK
    decayed = params.group_decay**group * params.week_decay**weeks
    return np.asarray(decayed * _of_units(histories, params), np.float32)


def compared_weights(histories: Histories, params: TifuKnnParams) -> Floats:
    """Return what purchases count for finding neighbours."""
    return _decayed(histories, params, params.compared_half_life_days)


def offered_weights(histories: Histories, params: TifuKnnParams) -> Floats:
    """Return what purchases count where a neighbour votes for them."""
    return _decayed(histories, params, params.offered_half_life_days)


def _decayed(histories: Histories, params: TifuKnnParams, half_life_days: float) -> Floats:
    decayed = decay_weights(histories.days, half_life_days, full_day=YESTERDAY)
    return (decayed * _of_units(histories, params)).astype(np.float32)


def _of_units(histories: Histories, params: TifuKnnParams) -> npt.NDArray[np.float64]:
    # In float64: powers of float32 differ between processors.
    return np.asarray(histories.counts.astype(np.float64) ** params.units_power)


def _rows_of(
    histories: Histories, weights: Floats, customers: npt.NDArray[np.int64]
) -> "sparse.csr_matrix":
    """Return the purchases of some customers that count, by their weights."""
    from scipy import sparse  # noqa: PLC0415  (not needed to recommend)

    shape = histories.n_customers, histories.n_articles
    rows = sparse.csr_matrix((weights, histories.indices, histories.indptr), shape=shape)
    chosen = sparse.csr_matrix(rows[customers])
    chosen.eliminate_zeros()
    return chosen


def _unit_rows(rows: "sparse.csr_matrix") -> "sparse.csr_matrix":
    """Return the rows scaled to Euclidean length 1; none of them is empty."""
    from scipy import sparse  # noqa: PLC0415  (not needed to recommend)

    row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    squares = np.bincount(row, np.square(rows.data, dtype=np.float64), minlength=rows.shape[0])
    scaled = (rows.data / np.sqrt(squares)[row]).astype(np.float32)
    return sparse.csr_matrix((scaled, rows.indices, rows.indptr), shape=rows.shape)


def _arrays_of(rows: "sparse.csr_matrix") -> WeightRows:
    rows.sort_indices()
    return WeightRows(rows.indptr, rows.indices, rows.data)
