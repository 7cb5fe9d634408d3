"""Stage rank: past weeks and the fitted models to the trees that put their proposals in order.

Where past weeks choose what serves, it also scores the orders of models in them: the models of
these weeks are fitted here and nowhere else.
"""

from pathlib import Path

import pandas as pd

from hemline import tables
from hemline.data.guests import read_guests
from hemline.data.history_building import read_unlikes
from hemline.data.split import DataParams
from hemline.evaluation.served_candidates import PAST_SCORES, ChooseParams
from hemline.models.cascade import load_models
from hemline.models.ranker.ranker import Ranker
from hemline.models.ranker.ranker_training import RankParams
from hemline.plots import plot_importance
from hemline.segments.kmodes import ClusterParams
from hemline.stages.command import InPath, OutPath, ParamsPath, run
from hemline.training.order_scores import score_orders
from hemline.training.ranker_fitting import fit_ranker
from hemline.training.ranker_weeks import make_ranker_weeks
from hemline.training.training_shop import Shop


def main(
    params: ParamsPath,
    purchases: InPath,
    articles: InPath,
    segments: InPath,
    unlikes: InPath,
    customers: InPath,
    prepared: InPath,
    models: InPath,
    model: OutPath,
    importance: OutPath,
    importance_picture: OutPath,
    past_scores: OutPath,
) -> None:
    """Fit sources and article features at the start of each week, then the trees over all."""
    shop = Shop(
        tables.read_table(purchases, tables.PURCHASES),
        tables.read_described(articles, tables.ARTICLES),
        tables.read_table(segments, tables.SEGMENTS),
        DataParams.load(params),
        read_unlikes(unlikes),
        tables.read_described(customers, tables.CUSTOMERS),
        ClusterParams.load(params),
        read_guests(prepared),
    )
    fitted = load_models(models, RankParams.load(params).candidates)
    n_scored = ChooseParams.load(params).most_weeks
    weeks = make_ranker_weeks(shop, shop.data.cut, params, fitted, n_with_models=n_scored)
    ranker = fit_ranker(shop, shop.data.cut, params, fitted, weeks)
    model.mkdir(parents=True, exist_ok=True)
    ranker.save(model)
    _report(ranker, importance, importance_picture)
    tables.write_table(score_orders(weeks, shop, params), past_scores, PAST_SCORES)


def _report(ranker: Ranker, importance: Path, picture: Path) -> None:
    """Write which features the trees split on, by their share of the total gain."""
    gains = ranker.feature_gains()
    importance.parent.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame({"feature": list(gains), "gain_share": list(gains.values())})
    table.round(6).to_csv(importance, index=False, lineterminator="\n")
    plot_importance(table, picture)


if __name__ == "__main__":
    run(main)
