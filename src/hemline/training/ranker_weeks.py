"""The past weeks that the ranker learns from, each as it was known on its first day.

Each week's sources and article features are fitted at that week's start, which is what costs: in a
large shop few weeks have `rank.enough_customers`, and earlier ones are not made. In a small one
four weeks show next to nothing, so earlier ones are made until they have `rank.least_customers`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from tqdm import tqdm

from hemline import columns
from hemline.errors import BadInput
from hemline.models.ranker.article_features import (
    WINDOWS_DAYS,
    ArticleFeatures,
    compute_article_features,
)
from hemline.models.ranker.ranker_training import RankedWeek, RankParams, ranked_week
from hemline.models.ranker.sources import RankerSettings
from hemline.models.recommender import Recommender
from hemline.training.at_once import make_at_once
from hemline.training.fitted_week import FittedWeek, buyers_of_week, make_fitted_week
from hemline.training.training_shop import Shop

_WEEKS_SEARCHED: Final = 53  # before the validation week, for training weeks with purchases
_FULL_HISTORY: Final = timedelta(days=max(WINDOWS_DAYS))
"""Weeks beyond `rank.training_weeks` are made only where so much lies before them."""


@dataclass(frozen=True)
class RankerWeek:
    """A past week with what the ranker learns from it.

    Attributes:
        past: the week, with the models that propose.
        features: of the articles at its start.
        ranked: the candidates of its buyers, labelled.
    """

    past: FittedWeek
    features: ArticleFeatures
    ranked: RankedWeek

    @property
    def without_models(self) -> "RankerWeek":
        """What can still be learned from, but serve nobody."""
        return replace(self, past=replace(self.past, models={}))


def make_ranker_weeks(
    shop: Shop,
    cut: date,
    params: Path,
    fitted: Mapping[str, Recommender],
    made: dict[date, RankerWeek] | None = None,
    *,
    n_with_models: int | None = None,
) -> list[RankerWeek]:
    """Return the validation week and, latest first, training weeks with enough buyers.

    Args:
        shop: what to fit from.
        cut: the first day that is not known yet.
        params: params.yaml.
        fitted: the models at the cut; those of them under rank.candidates propose.
        made: weeks already made, by their first day; those made here are added.
        n_with_models: how many of the latest weeks keep their models, which take memory; None: all.

    Raises:
        BadInput: no purchase lies in the validation week, or the year before it holds fewer
            training weeks with purchases, or none lies before them.
    """
    made = {} if made is None else made
    starts = _needed_weeks(shop, cut, RankParams.load(params))
    new = [start for start in starts if start not in made]
    weeks = make_at_once(make_ranker_week, shop, new, params, fitted)
    shown = tqdm(weeks, desc="ranker's weeks", unit="week", total=len(new))
    for start, week in zip(new, shown, strict=True):
        is_kept = n_with_models is None or starts.index(start) < n_with_models
        made[start] = week if is_kept else week.without_models
    return [made[start] for start in starts]


def make_ranker_week(
    shop: Shop, start: date, params: Path, fitted: Mapping[str, Recommender]
) -> RankerWeek:
    """Return the week from start on, everything fitted at its start.

    Args:
        shop: what to fit from.
        start: first day of the week.
        params: params.yaml.
        fitted: models of any cut, by name; those of them under rank.candidates propose.
    """
    rank_params = RankParams.load(params)
    names = [name for name in rank_params.candidates if name in fitted]
    past = make_fitted_week(shop, start, params, names, fitted)
    features = article_features_at(shop, start, rank_params.settings)
    described = rank_params.settings, features, past.known, past.bought
    return RankerWeek(past, features, ranked_week(past.models, *described))


def are_enough(n_buyers: Sequence[int], params: RankParams) -> bool:
    """Return whether no earlier week is needed.

    There are `training_weeks` unless fewer have `enough_customers`, and up to `most_weeks` until
    they have `least_customers`.

    Args:
        n_buyers: of the validation week and the training weeks so far, latest first.
        params: section `rank`.
    """
    n_learned_from, n_training = sum(n_buyers[1:]), len(n_buyers) - 1
    if n_training < params.training_weeks:
        return n_learned_from >= params.enough_customers
    return n_learned_from >= params.least_customers or n_training >= params.most_weeks


def article_features_at(shop: Shop, cut: date, settings: RankerSettings) -> ArticleFeatures:
    """Return what the ranker knows of the articles at a cut."""
    return compute_article_features(
        shop.learned_from(cut),
        cut,
        shop.articles,
        shop.segments_at(cut),
        recent_days=settings.on_sale_days,
        prior_buyers=settings.prior_buyers,
    )


def _needed_weeks(shop: Shop, cut: date, params: RankParams) -> list[date]:
    """Return the first days of the weeks with enough buyers, latest first.

    Raises:
        BadInput: as `_weeks_with_purchases`.
    """
    needed, n_buyers = list[date](), list[int]()
    for start in _weeks_with_purchases(shop, cut, params):
        if are_enough(n_buyers, params):
            break
        needed.append(start)
        n_buyers.append(len(buyers_of_week(shop, start, params).customers))
    return needed


def _weeks_with_purchases(shop: Shop, cut: date, params: RankParams) -> list[date]:
    """Return the first days of the weeks that the ranker may learn from, latest first.

    Weeks in which the shop was closed are skipped, and earlier ones taken in their place.

    Raises:
        BadInput: no purchase lies in the validation week, or the year before it holds fewer
            training weeks with purchases, or none lies before them.
    """
    length, n_training = timedelta(days=shop.data.validation_days), params.training_weeks
    n_searched = max(n_training, params.most_weeks) + _WEEKS_SEARCHED
    starts = [cut - length * (back + 1) for back in range(n_searched)]
    sold = [start for start in starts if not shop.purchases_in(start, start + length).empty]
    first_days = shop.purchases[columns.DAY].iloc[:1].to_numpy("datetime64[D]").tolist()
    known = [start for start in sold if first_days[0] < start]
    if len(known) <= n_training or known[0] != starts[0]:
        weeks = sold[: n_training + 1]
        raise BadInput(
            f"the ranker's week from {starts[0]} on, {n_training} weeks before it, and the time "
            "before these hold purchases",
            found=f"purchases in {len(weeks)} such weeks: from {', '.join(map(str, weeks))} on"
            if weeks
            else "none",
            fix="lower rank.training_weeks in params.yaml, or set data.cut to a later day",
        )
    full = [start for start in known if first_days[0] <= start - _FULL_HISTORY]
    return known[: max(n_training + 1, len(full))]
