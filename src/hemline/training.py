"""Every model as it would have been fitted at a cut: for the ranker's weeks and the backtest.

A stage fits one model at `data.cut` from files. Here any model is fitted at any earlier day from
the purchases before it, by the same functions with the same parameters, so that what a backtest
scores is what the pipeline would have served that day.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from tqdm import tqdm

from hemline import columns
from hemline.data.guests import guest_histories
from hemline.data.histories import Histories, with_segments
from hemline.data.history_building import build_histories, no_unlikes, without_unliked
from hemline.data.past_weeks import PurchaseLog
from hemline.data.split import DataParams, weeks_of
from hemline.data.unlikes import Unlikes
from hemline.errors import BadInput
from hemline.evaluation.validation_week import ValidationWeek
from hemline.models.catalogue import TIMELESS, TrainingData, Validation, entry_of
from hemline.models.cvae.cvae_training import CvaeParams, fit_cvae_for
from hemline.models.ranker.article_features import (
    ArticleFeatures,
    compared_attributes,
    compute_article_features,
)
from hemline.models.ranker.ranker import Ranker
from hemline.models.ranker.ranker_training import RankedWeek, RankParams, fit_trees, ranked_week
from hemline.models.ranker.sources import RankerSettings
from hemline.models.ranker.tree_file import TreeFile
from hemline.models.recommender import Recommender
from hemline.segments.attributes import AGE_BANDS
from hemline.segments.kmodes import ClusterParams
from hemline.segments.segmenting import Past, depends_on_purchases, segment_customers

_WEEKS_SEARCHED: Final = 53  # before the validation week, for training weeks with purchases
NOTHING: Final[Mapping[str, Recommender]] = MappingProxyType({})


@dataclass(frozen=True)
class Shop:
    """What any model can be fitted from.

    Attributes:
        purchases: tables.PURCHASES, ordered by day; may reach beyond the cuts.
        articles: as tables.read_described returns them.
        segments: tables.SEGMENTS.
        data: how long histories and held-out weeks are.
        unlikes: tables.UNLIKES; may reach beyond the cuts, as the purchases.
        customers: as tables.read_described returns them; needed where segments depend on purchases.
        clusters: section `cluster`, needed likewise.
        guests: guests.GUEST_PURCHASES; None where the shop has no sales without a customer.
    """

    purchases: pd.DataFrame
    articles: pd.DataFrame
    segments: pd.DataFrame
    data: DataParams
    unlikes: pd.DataFrame = field(default_factory=no_unlikes)
    customers: pd.DataFrame | None = None
    clusters: ClusterParams | None = None
    guests: pd.DataFrame | None = None

    def purchases_in(self, start: date, end: date) -> pd.DataFrame:
        """Return the purchases from start up to, and without, end."""
        days = self.purchases[columns.DAY].to_numpy("datetime64[D]")
        first, last = np.searchsorted(days, np.array([start, end], "datetime64[D]"))
        return self.purchases.iloc[first:last]

    def purchases_before(self, cut: date) -> pd.DataFrame:
        """Return the purchases in the history years before the cut."""
        start = weeks_of(self.data.model_copy(update={"cut": cut})).history_start
        return self.purchases_in(start, cut)

    def known_at(self, cut: date) -> Histories:
        """Return the histories of all customers at the cut, with their segments."""
        known = self._histories(self.purchases_before(cut), cut, self.unlikes)
        return with_segments(known, self.segments_at(cut))

    def learned_from(self, cut: date) -> pd.DataFrame:
        """Return the purchases in the histories at the cut, in order of their days."""
        return without_unliked(self.purchases_before(cut), Unlikes.at(self.unlikes, cut))

    def bought_in(self, start: date, end: date) -> Histories:
        """Return what all customers bought from start up to, and without, end.

        It is what lists are to predict: purchases count whether they were liked afterwards or not.
        """
        return with_segments(
            self._histories(self.purchases_in(start, end), end, None), self.segments
        )

    def guests_at(self, cut: date) -> Histories | None:
        """Return the baskets of guests before the cut."""
        if self.guests is None:
            return None
        start = weeks_of(self.data.model_copy(update={"cut": cut})).history_start
        days = self.guests[columns.DAY].to_numpy("datetime64[D]")
        first, last = np.searchsorted(days, np.array([start, cut], "datetime64[D]"))
        before = self.guests.iloc[first:last]
        return guest_histories(before, cut=cut, n_articles=len(self.articles))

    def segments_at(self, cut: date) -> pd.DataFrame:
        """Return tables.SEGMENTS as they were at the cut, with nothing of what came after it."""
        if self.customers is None or self.clusters is None:
            return self.segments
        if not self._is_by_behaviour:
            return self.segments
        if cut not in self._segments_by_cut:
            past = Past(
                lambda: self._histories(self.purchases_before(cut), cut, self.unlikes),
                lambda: self.learned_from(cut),
                lambda: self.articles,
            )
            found = segment_customers(self.customers, past, self.clusters)
            self._segments_by_cut[cut] = found.table
        return self._segments_by_cut[cut]

    @cached_property
    def _is_by_behaviour(self) -> bool:
        return self.customers is not None and depends_on_purchases(self.customers)

    @cached_property
    def _segments_by_cut(self) -> dict[date, pd.DataFrame]:
        return {}

    def _histories(
        self, purchases: pd.DataFrame, cut: date, unlikes: pd.DataFrame | None
    ) -> Histories:
        return build_histories(
            purchases,
            cut=cut,
            n_customers=len(self.segments),
            n_articles=len(self.articles),
            unlikes=unlikes,
        )


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
    return _fit_from(data_at(shop, cut, params), params, names, fitted)


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
        n_clusters=ClusterParams.load(params).n_clusters,
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


def _fit_from(
    data: TrainingData, params: Path, names: Iterable[str], fitted: Mapping[str, Recommender]
) -> dict[str, Recommender]:
    names = list(names)
    entries = {name: entry_of(name) for name in names if name not in fitted}
    return {
        name: entries[name].fit_as_in(params, data) if name in entries else fitted[name]
        for name in names
    }


def fit_ranker(
    shop: Shop,
    cut: date,
    params: Path,
    fitted: Mapping[str, Recommender],
    *,
    weeks: dict[date, RankedWeek] | None = None,
) -> Ranker:
    """Return the ranker over the models fitted at the cut, trained on the weeks before it.

    The number of trees is chosen on the validation week; then the trees are grown anew with that
    week among the training weeks. Each week's sources and article features are fitted at that
    week's start, which is what costs: in a large shop few weeks have `rank.enough_customers`, and
    earlier ones are not made.

    Args:
        shop: what to fit from.
        cut: the first day that is not known yet.
        params: params.yaml.
        fitted: the models at the cut, those under rank.candidates among them.
        weeks: weeks already made, by their first day; those made here are added.
    """
    rank_params, made = RankParams.load(params), {} if weeks is None else weeks
    starts = _weeks_with_purchases(shop, cut, rank_params.training_weeks)
    validation, *training = _weeks_from(starts, shop, params, fitted, made)
    names = compared_attributes(shop.articles)
    growing = fit_trees(training, validation, rank_params, rank_params.max_trees, names)
    trees = fit_trees([validation, *training], None, rank_params, growing.best_iteration, names)
    settings = rank_params.settings
    return Ranker(TreeFile.of(trees), _article_features_at(shop, cut, settings), settings, fitted)


def _weeks_from(
    starts: list[date],
    shop: Shop,
    params: Path,
    fitted: Mapping[str, Recommender],
    made: dict[date, RankedWeek],
) -> list[RankedWeek]:
    """Return the validation week and, latest first, training weeks with enough buyers."""
    enough, weeks = RankParams.load(params).enough_customers, list[RankedWeek]()
    for start in tqdm(starts, desc="ranker's weeks", unit="week"):
        if sum(week.n_buyers for week in weeks[1:]) >= enough:
            break
        if start not in made:
            made[start] = _week_from(shop, start, params, fitted)
        weeks.append(made[start])
    return weeks


def _weeks_with_purchases(shop: Shop, cut: date, n_training: int) -> list[date]:
    """Return the first days of the ranker's weeks before the cut, latest first.

    Weeks in which the shop was closed are skipped, and earlier ones taken in their place.

    Raises:
        BadInput: no purchase lies in the validation week, or the year before it holds fewer
            training weeks with purchases, or none lies before them.
    """
    length = timedelta(days=shop.data.validation_days)
    starts = [cut - length * (back + 1) for back in range(n_training + _WEEKS_SEARCHED)]
    sold = [start for start in starts if not shop.purchases_in(start, start + length).empty]
    weeks = sold[: n_training + 1]
    has_enough = len(weeks) == n_training + 1 and weeks[0] == starts[0]
    if not has_enough or shop.purchases_in(date.min, weeks[-1]).empty:
        raise BadInput(
            f"the ranker's week from {starts[0]} on, {n_training} weeks before it, and the time "
            "before these hold purchases",
            found=f"purchases in {len(weeks)} such weeks: from {', '.join(map(str, weeks))} on"
            if weeks
            else "none",
            fix="lower rank.training_weeks in params.yaml, or set data.cut to a later day",
        )
    return weeks


def _week_from(
    shop: Shop, start: date, params: Path, fitted: Mapping[str, Recommender]
) -> RankedWeek:
    """Return the labelled candidates of the week from start on, everything fitted at its start."""
    rank_params, data = RankParams.load(params), data_at(shop, start, params)
    ready = {name: fitted[name] for name in TIMELESS & fitted.keys()}
    if "cvae" in rank_params.candidates:
        ready["cvae"] = fit_cvae_for(
            data.histories(),
            CvaeParams.load(params),
            n_conditions=data.n_clusters,
            n_epochs=rank_params.cvae_epochs,
        )
    names = [name for name in rank_params.candidates if name in fitted]
    models = _fit_from(data, params, names, ready)
    bought = shop.bought_in(start, start + timedelta(days=shop.data.validation_days))
    buyers = np.flatnonzero(~bought.is_cold())
    if len(buyers) > rank_params.max_customers:
        rng = np.random.default_rng(rank_params.seed)
        buyers = np.sort(rng.choice(buyers, rank_params.max_customers, replace=False))
    settings = rank_params.settings
    return ranked_week(
        models,
        settings,
        _article_features_at(shop, start, settings),
        data.histories().rows(buyers),
        bought.units[buyers],
    )


def _article_features_at(shop: Shop, cut: date, settings: RankerSettings) -> ArticleFeatures:
    return compute_article_features(
        shop.learned_from(cut),
        cut,
        shop.articles,
        shop.segments_at(cut),
        recent_days=settings.on_sale_days,
        prior_buyers=settings.prior_buyers,
    )
