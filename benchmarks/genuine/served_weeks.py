"""The pipeline's own protocol on the genuine sample, week after week, pooled.

A week of the sample has some 70 buyers, which tells no models apart, so a year of weeks is pooled.
Time runs forwards. At the start of each week all models of the score table are fitted on what was
known then, with the numbers of params.yaml. Every few weeks the ranker learns from the weeks before
the current one, and until then puts the candidates in order with the trees it has. What `choose`
would serve is chosen from the scores of the weeks before the current one.

Two things are cheaper than in the pipeline: the CVAE trains for `rank.cvae_epochs`, as in the
ranker's weeks, and the weight of its walk is chosen once, at the start of the first scored week.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from tqdm import tqdm

from hemline import columns
from hemline.evaluation.order_choice import choose_served
from hemline.evaluation.protocol import (
    AP,
    SERVED,
    EvaluateParams,
    recommend_in_batches,
    score_customers,
)
from hemline.evaluation.served_candidates import PAST_SCORES, ChooseParams, order_text
from hemline.models.cascade import (
    RANK,
    Cascade,
    Served,
    cascade_of,
    product_numbers,
    served_by,
)
from hemline.models.catalogue import CATALOGUE
from hemline.models.ranker.ranker import Ranker
from hemline.models.ranker.ranker_training import RankedWeek, RankParams, can_learn
from hemline.models.ranker.tree_file import TreeFile
from hemline.models.recommender import Recommender
from hemline.models.repurchase import Repurchase
from hemline.models.served_orders import ServeParams
from hemline.training.model_fitting import fit_models
from hemline.training.ranker_fitting import grow_trees
from hemline.training.ranker_weeks import RankerWeek, are_enough, make_ranker_week
from hemline.training.training_shop import Shop

OWN_730: Final = "own 730 days"
"""Own articles by freshness, then popularity: the strongest rule on genuine purchases."""
_LIST_LENGTH: Final = 12
_OWN_DAYS: Final = 730


@dataclass
class _Run:
    """What a week hands to the next, later one; `lessons` and `past` are latest first."""

    shop: Shop
    params: Path
    fitted: Mapping[str, Recommender]
    product_of: npt.NDArray[np.int32]
    lessons: list[RankedWeek] = field(default_factory=list)
    past: list[pd.DataFrame] = field(default_factory=list)
    trees: TreeFile | None = None


def weekly_scores(
    shop: Shop, params: Path, *, n_weeks: int, n_before: int, learn_every: int
) -> pd.DataFrame:
    """Return AP@12 of every row for every buyer of the last weeks up to `data.week_end`.

    Args:
        shop: the sample.
        params: params.yaml.
        n_weeks: how many are scored.
        n_before: how many weeks before these the ranker learns from at first.
        learn_every: after so many weeks it learns anew.

    Returns:
        Columns week, customer, row and map@12; a line per buyer of a week and row. Rows are those
        of evaluate.rows, OWN_730 and what would be served.
    """
    length = timedelta(days=shop.data.test_days)
    starts = [shop.data.cut - length * back for back in range(n_weeks)][::-1]
    product_of = product_numbers(shop.articles[columns.PRODUCT_CODE].tolist())
    names = [name for name in RankParams.load(params).candidates if name in CATALOGUE]
    run = _Run(shop, params, fit_models(shop, starts[0], params, names), product_of)
    before = [starts[0] - length * back for back in range(n_before, 0, -1)]
    for start in tqdm(before, desc="weeks to learn from", unit="week"):
        run.lessons.insert(0, make_ranker_week(shop, start, params, run.fitted).ranked)
    parts = []
    for place, start in enumerate(tqdm(starts, desc="scored weeks", unit="week")):
        if place % learn_every == 0:
            run.trees = _grown(run)
        week = make_ranker_week(shop, start, params, run.fitted)
        parts.append(_score(run, week))
        run.lessons.insert(0, week.ranked)
    return pd.concat(parts, ignore_index=True)


def _grown(run: _Run) -> TreeFile | None:
    """Return trees that learned from as many of the latest weeks as the pipeline uses."""
    params, lessons = RankParams.load(run.params), list[RankedWeek]()
    for lesson in run.lessons:
        if are_enough([each.n_buyers for each in lessons], params):
            break
        lessons.append(lesson)
    is_possible = bool(lessons) and can_learn(lessons[1:], lessons[0])
    return grow_trees(lessons, run.shop, run.params) if is_possible else None


def _score(run: _Run, week: RankerWeek) -> pd.DataFrame:
    """Return the week's lines, and add the scores of the orders that may serve to the past ones."""
    evaluation, choose = EvaluateParams.load(run.params), ChooseParams.load(run.params)
    serve, start = ServeParams.load(run.params), week.past.start
    named = {name for order in evaluation.rows.values() for name in order} | choose.models
    models = dict(fit_models(run.shop, start, run.params, named - {RANK}, fitted=week.past.models))
    if run.trees is not None:
        settings = RankParams.load(run.params).settings
        models[RANK] = Ranker(run.trees, week.features, settings, models)
    rows: dict[str, Recommender] = {
        name: cascade_of(name, order, models)
        for name, order in evaluation.rows.items()
        if set(order) <= models.keys()
    }
    own = Repurchase(_OWN_DAYS, RankParams.load(run.params).units_weight)
    rows[OWN_730] = Cascade(OWN_730, [own, models["popularity"]])
    orders, _ = choose_served(_past_scores(run, choose), serve, choose)
    rows[SERVED] = served_by(orders, models, run.product_of)
    _remember(run, week, models, serve, choose)
    parts = [_average_precisions(each, week).assign(row=name) for name, each in rows.items()]
    return pd.concat(parts)


def _average_precisions(model: Recommender, week: RankerWeek) -> pd.DataFrame:
    lists = recommend_in_batches(model, week.past.known, _LIST_LENGTH).articles
    scored = score_customers(lists, week.past.bought)[[AP]]
    scored[columns.CUSTOMER] = week.past.buyers
    scored["week"] = week.past.start
    return scored


def _remember(
    run: _Run,
    week: RankerWeek,
    models: Mapping[str, Recommender],
    serve: ServeParams,
    choose: ChooseParams,
) -> None:
    """Add the week's scores of the orders that may serve, as stage `rank` scores them."""
    is_cold, parts = week.past.known.is_cold(), []
    for kind in serve.chosen_kinds:
        for order in choose.orders(is_cold=kind):
            if set(order) <= models.keys():
                cascade = cascade_of(order_text(order), order, models)
                served = Served(cascade, cascade, serve.per_product, run.product_of)
                scored = _average_precisions(served, week).assign(order=order_text(order))
                parts.append(scored.assign(is_cold=is_cold)[is_cold == kind])
    run.past.insert(0, pd.concat(parts))


def _past_scores(run: _Run, choose: ChooseParams) -> pd.DataFrame:
    """Return PAST_SCORES of as many of the latest weeks as stage `rank` scores."""
    nothing: pd.DataFrame = PAST_SCORES.empty_table().to_pandas()
    warm = [week[~week["is_cold"]] for week in run.past]
    n_buyers = [week[columns.CUSTOMER].nunique() for week in warm]
    warm = warm[: choose.n_warm_weeks(n_buyers)]
    cold = [week[week["is_cold"]] for week in run.past[: choose.cold_weeks]]
    scores: pd.DataFrame = pd.concat([nothing, *warm, *cold], ignore_index=True)[nothing.columns]
    return scores
