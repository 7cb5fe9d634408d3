"""How well each order of models would have served past weeks, for stage `choose`.

Everything is as it was on the first day of a week: the models and the histories. The ranker that
is scored has learned from the weeks before all of the scored ones, so its trees are grown once; the
one that serves has more to learn from, and later weeks. Cold buyers are few, so orders for them are
scored in earlier weeks, too; the ranker is not, since it has learned from these.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from tqdm import tqdm

from hemline import columns
from hemline.evaluation.protocol import AP, recommend_in_batches, score_customers
from hemline.evaluation.served_candidates import PAST_SCORES, SIMPLEST, ChooseParams, order_text
from hemline.models.cascade import RANK, Served, cascade_of, product_numbers
from hemline.models.ranker.ranker import Ranker
from hemline.models.ranker.ranker_training import RankParams
from hemline.models.recommender import Recommender
from hemline.models.served_orders import ServeParams
from hemline.training.at_once import make_at_once
from hemline.training.fitted_week import FittedWeek, buyers_of_week, make_fitted_week
from hemline.training.model_fitting import fit_models
from hemline.training.ranker_fitting import fit_past_trees
from hemline.training.ranker_weeks import RankerWeek
from hemline.training.training_shop import Shop

_LIST_LENGTH: Final = 12
_LEAST_LEARNED: Final = 2
"""Weeks that trees learn from: one to grow on and one to stop on."""
_NO_SCORES: Final[pd.DataFrame] = PAST_SCORES.empty_table().to_pandas()

_Orders = Mapping[bool, Sequence[tuple[str, ...]]]


def score_orders(
    weeks: Sequence[RankerWeek],
    shop: Shop,
    params: Path,
    cold_scores: dict[date, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Return PAST_SCORES of all orders whose choice params.yaml leaves to past weeks.

    Args:
        weeks: of `make_ranker_weeks`, latest first.
        shop: what the weeks were made from.
        params: params.yaml.
        cold_scores: of earlier weeks, by first day; those made here are added.

    Raises:
        BadInput: an order names a model that there is not.
    """
    kinds, choose = ServeParams.load(params).chosen_kinds, ChooseParams.load(params)
    n_scored = choose.n_warm_weeks([_n_warm(week) for week in weeks])
    n_ranked = max(0, min(n_scored, len(weeks) - _LEAST_LEARNED))
    is_ranked = RANK in choose.models and bool(kinds)
    trees = fit_past_trees(shop, params, weeks[n_ranked:]) if is_ranked and n_ranked else None
    settings, parts = RankParams.load(params).settings, [_NO_SCORES]
    for place, week in enumerate(weeks[: max(n_scored, choose.cold_weeks)]):
        orders = _orders_at(kinds, choose, is_late=place < n_scored)
        names = sorted(_models_in(orders) - {RANK})
        models = fit_models(shop, week.past.start, params, names, fitted=week.past.models)
        if trees is not None and place < n_ranked:
            models[RANK] = Ranker(trees, week.features, settings, week.past.models)
        parts.append(_score_week(week.past, orders, models, shop, params))
    if True in kinds:
        made = {} if cold_scores is None else cold_scores
        parts += _score_earlier(weeks, _n_cold(parts), shop, params, made)
    return pd.concat(parts, ignore_index=True)


def _n_warm(week: RankerWeek) -> int:
    return int((~week.past.known.is_cold()).sum())


def _orders_at(kinds: Sequence[bool], choose: ChooseParams, *, is_late: bool) -> _Orders:
    """Return the orders to be scored in a week, by the kind of customers.

    Args:
        kinds: of customers whose order is chosen.
        choose: section `choose`.
        is_late: whether the week is one of the latest, in which every order is scored.
    """
    return {
        is_cold: [
            order
            for order in choose.orders(is_cold=is_cold)
            if is_late or (is_cold and RANK not in order)
        ]
        for is_cold in kinds
    }


def _models_in(orders: _Orders) -> set[str]:
    return {name for some in orders.values() for order in some for name in order}


def _score_earlier(
    weeks: Sequence[RankerWeek],
    n_cold: int,
    shop: Shop,
    params: Path,
    made: dict[date, pd.DataFrame],
) -> list[pd.DataFrame]:
    """Return the scores for cold customers in weeks before the given ones, until they suffice."""
    starts = _weeks_of_cold(weeks, n_cold, shop, params)
    new = [start for start in starts if start not in made]
    scores = make_at_once(_score_cold, shop, new, params, weeks[0].past.models)
    shown = tqdm(scores, desc="weeks of cold buyers", unit="week", total=len(new))
    made.update(zip(new, shown, strict=True))
    return [made[start] for start in starts]


def _weeks_of_cold(
    weeks: Sequence[RankerWeek], n_cold: int, shop: Shop, params: Path
) -> list[date]:
    """Return first days of weeks before the given ones, latest first, until cold buyers suffice."""
    choose, rank_params = ChooseParams.load(params), RankParams.load(params)
    length, needed = timedelta(days=shop.data.validation_days), list[date]()
    for back in range(1, 1 + choose.cold_weeks - len(weeks)):
        start = weeks[-1].past.start - length * back
        if n_cold >= choose.enough_cold or shop.purchases_before(start).empty:
            break
        buyers = buyers_of_week(shop, start, rank_params).customers
        if len(buyers):
            needed.append(start)
            n_cold += int(shop.known_at(start).rows(buyers).is_cold().sum())
    return needed


def _score_cold(
    shop: Shop, start: date, params: Path, fitted: Mapping[str, Recommender]
) -> pd.DataFrame:
    """Return PAST_SCORES of a week for its cold buyers, with models fitted at its start."""
    orders = _orders_at([True], ChooseParams.load(params), is_late=False)
    week = make_fitted_week(shop, start, params, _models_in(orders), fitted)
    return _score_week(week, orders, week.models, shop, params)


def _n_cold(parts: Sequence[pd.DataFrame]) -> int:
    simplest = order_text(SIMPLEST)
    return sum(int((part["is_cold"] & (part["order"] == simplest)).sum()) for part in parts)


def _score_week(
    week: FittedWeek,
    orders: _Orders,
    models: Mapping[str, Recommender],
    shop: Shop,
    params: Path,
) -> pd.DataFrame:
    """Return PAST_SCORES of the orders whose models are there, for the customers they are for."""
    product_of = product_numbers(shop.articles[columns.PRODUCT_CODE].tolist())
    per_product = ServeParams.load(params).per_product
    parts = [_NO_SCORES]
    is_cold = week.known.is_cold()
    for kind, some in orders.items():
        rows = np.flatnonzero(is_cold == kind)
        for order in some if len(rows) else ():
            if RANK in order and RANK not in models:
                continue
            cascade = cascade_of(order_text(order), order, models)
            served = Served(cascade, cascade, per_product, product_of)
            lists = recommend_in_batches(served, week.known.rows(rows), _LIST_LENGTH)
            scored = score_customers(lists.articles, week.bought[rows])[[AP]]
            scored = scored.assign(week=week.start, is_cold=kind, order=order_text(order))
            scored[columns.CUSTOMER] = week.buyers[rows]
            parts.append(scored[PAST_SCORES.names])
    return pd.concat(parts, ignore_index=True)
