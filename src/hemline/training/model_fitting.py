"""Every model of the catalogue as it would have been fitted at a cut."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from hemline.data.past_weeks import PurchaseLog
from hemline.evaluation.validation_week import ValidationWeek
from hemline.models.catalogue import TrainingData, Validation, entry_of
from hemline.models.recommender import Recommender
from hemline.segments.attributes import AGE_BANDS
from hemline.segments.kmodes import ClusterParams
from hemline.training.training_shop import Shop

NOTHING: Final[Mapping[str, Recommender]] = MappingProxyType({})


def fit_models(
    shop: Shop,
    cut: date,
    params: Path,
    names: Iterable[str],
    *,
    fitted: Mapping[str, Recommender] = NOTHING,
) -> dict[str, Recommender]:
    """Return the named models, fitted on what was known at the cut and on nothing later.

    Args:
        shop: what to fit from.
        cut: the first day that is not known yet.
        params: params.yaml.
        names: of the models, as in models.catalogue.
        fitted: returned as they are, for instance TF-IDF, which knows no time.

    Raises:
        BadInput: no model has one of the names.
    """
    return fit_from(data_at(shop, cut, params), params, names, fitted)


def data_at(shop: Shop, cut: date, params: Path) -> TrainingData:
    """Return what was known at the cut; the validation week is the last days before it."""

    def validation(max_buyers: int) -> Validation:
        start = cut - timedelta(days=shop.data.validation_days)
        before = shop.known_at(start)
        week = ValidationWeek(before, shop.bought_in(start, cut), max_buyers=max_buyers)
        return Validation(before, week)

    return TrainingData(
        histories=cache(lambda: shop.known_at(cut)),
        articles=lambda: shop.articles,
        validation=validation,
        n_clusters=ClusterParams.load(params).most_clusters,
        n_age_bands=len(AGE_BANDS),
        guests=lambda: shop.guests_at(cut),
        purchases=lambda: PurchaseLog(
            shop.purchases_before(cut),
            shop.unlikes,
            cut,
            len(shop.articles),
            shop.data.validation_days,
        ),
    )


def fit_from(
    data: TrainingData, params: Path, names: Iterable[str], fitted: Mapping[str, Recommender]
) -> dict[str, Recommender]:
    """Return the same from data that `data_at` has returned."""
    names = list(names)
    entries = {name: entry_of(name) for name in names if name not in fitted}
    return {
        name: entries[name].fit_as_in(params, data) if name in entries else fitted[name]
        for name in names
    }
