"""One past week: who bought what in it, and the models as they would have been on its first day."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hemline.data.histories import Histories
from hemline.models.catalogue import TIMELESS
from hemline.models.cvae.cvae import Cvae
from hemline.models.cvae.cvae_params import CvaeParams
from hemline.models.cvae.cvae_training import fit_cvae_for
from hemline.models.ranker.ranker_training import RankParams
from hemline.models.recommender import Recommender
from hemline.training.model_fitting import data_at, fit_from
from hemline.training.training_shop import Shop


class WeekBuyers(NamedTuple):
    """Who buys in a week, and what.

    Attributes:
        customers: int64, their keys.
        bought: CSR of shape (customers, articles).
    """

    customers: npt.NDArray[np.int64]
    bought: sparse.csr_matrix


@dataclass(frozen=True)
class FittedWeek:
    """What was known on a week's first day, and what was bought in the week.

    Attributes:
        start: first day.
        models: fitted at the start, by name.
        buyers: int64, keys of the week's buyers, or of `rank.max_customers` of more.
        known: their histories at the start.
        bought: CSR of shape (buyers, articles), what they bought in the week.
    """

    start: date
    models: Mapping[str, Recommender]
    buyers: npt.NDArray[np.int64]
    known: Histories
    bought: sparse.csr_matrix


def make_fitted_week(
    shop: Shop, start: date, params: Path, names: Iterable[str], fitted: Mapping[str, Recommender]
) -> FittedWeek:
    """Return the week from start on with the named models, fitted at its start.

    The CVAE is fitted for `rank.cvae_epochs`, without a validation week of its own; the weight of
    its walk is that of the fitted one.

    Args:
        shop: what to fit from.
        start: first day of the week.
        params: params.yaml.
        names: of models of the catalogue.
        fitted: models of any cut, of which those that know no time are taken as they are, and the
            weight of the CVAE's walk.
    """
    rank_params, data, names = RankParams.load(params), data_at(shop, start, params), list(names)
    ready = {name: fitted[name] for name in TIMELESS & fitted.keys()}
    if "cvae" in names:
        ready["cvae"] = fit_cvae_for(
            data.histories(),
            with_walk_of(fitted.get("cvae"), CvaeParams.load(params)),
            n_conditions=data.n_clusters,
            n_epochs=rank_params.cvae_epochs,
        )
    models = fit_from(data, params, names, ready)
    week = buyers_of_week(shop, start, rank_params)
    known = data.histories().rows(week.customers)
    return FittedWeek(start, models, week.customers, known, week.bought)


def buyers_of_week(shop: Shop, start: date, params: RankParams) -> WeekBuyers:
    """Return who buys in the week from start on, or `rank.max_customers` drawn of more."""
    bought = shop.bought_in(start, start + timedelta(days=shop.data.validation_days))
    customers = np.flatnonzero(~bought.is_cold())
    if len(customers) > params.max_customers:
        rng = np.random.default_rng(params.seed)
        customers = np.sort(rng.choice(customers, params.max_customers, replace=False))
    return WeekBuyers(customers, bought.units[customers])


def with_walk_of(final: Recommender | None, params: CvaeParams) -> CvaeParams:
    """Return the params with the walk's weight of the fitted CVAE, which a past week cannot choose.

    A source's scores are features, so they must mean the same in training as when they are served.
    """
    if not isinstance(final, Cvae):
        return params
    return params.model_copy(update={"walk_weight": final.shape.walk_weight})
