"""Stage rank: past weeks and the fitted models to the trees that put their proposals in order."""

from pathlib import Path

import pandas as pd

from hemline import tables
from hemline.data.guests import read_guests
from hemline.data.history_building import read_unlikes
from hemline.data.split import DataParams
from hemline.models.cascade import load_models
from hemline.models.ranker.ranker import Ranker
from hemline.models.ranker.ranker_training import RankParams
from hemline.plots import plot_importance
from hemline.segments.kmodes import ClusterParams
from hemline.stages.command import InPath, OutPath, ParamsPath, run
from hemline.training import Shop, fit_ranker


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
    ranker = fit_ranker(shop, shop.data.cut, params, fitted)
    model.mkdir(parents=True, exist_ok=True)
    ranker.save(model)
    _report(ranker, importance, importance_picture)


def _report(ranker: Ranker, importance: Path, picture: Path) -> None:
    """Write which features the trees split on, by their share of the total gain."""
    gains = ranker.feature_gains()
    importance.parent.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame({"feature": list(gains), "gain_share": list(gains.values())})
    table.round(6).to_csv(importance, index=False, lineterminator="\n")
    plot_importance(table, picture)


if __name__ == "__main__":
    run(main)
