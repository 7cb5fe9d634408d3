"""Every model as it would have been fitted at a cut: for the ranker's weeks and the backtest.

A stage fits one model at `data.cut` from files. Here any model is fitted at any earlier day from
the purchases before it, by the same functions with the same parameters, so that what a backtest
scores is what the pipeline would have served that day.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from tqdm import tqdm

from hemline import columns
from hemline.data.histories import Histories, build_histories, with_segments
from hemline.data.split import DataParams, weeks_of
from hemline.errors import BadInput
from hemline.evaluation.validation_week import ValidationWeek
from hemline.models.als import AlsParams, fit_als
from hemline.models.copurchase import CopurchaseParams, fit_copurchase
from hemline.models.cvae.cvae import Cvae
from hemline.models.cvae.cvae_training import CvaeParams, fit_cvae, fit_cvae_for
from hemline.models.ease import EaseParams, fit_ease
from hemline.models.item_knn import ItemKnnParams, Rp3betaParams, fit_item_knn, fit_rp3beta
from hemline.models.popularity import PopularityParams, fit_popularity, fit_segment_popularity
from hemline.models.ranker.article_features import ArticleFeatures, compute_article_features
from hemline.models.ranker.ranker import Ranker
from hemline.models.ranker.ranker_training import RankedWeek, RankParams, fit_trees, ranked_week
from hemline.models.recommender import Recommender
from hemline.models.repurchase import Repurchase, RepurchaseParams
from hemline.models.tfidf import TfidfParams, fit_tfidf
from hemline.segments.attributes import AGE_BANDS
from hemline.segments.kmodes import ClusterParams

_TIMELESS: Final = {"tfidf"}
NOTHING: Final[Mapping[str, Recommender]] = MappingProxyType({})


@dataclass(frozen=True)
class Shop:
    """What any model can be fitted from.

    Attributes:
        purchases: tables.PURCHASES, ordered by day; may reach beyond the cuts asked for.
        articles: tables.ARTICLES.
        segments: tables.SEGMENTS.
        data: how long histories and held-out weeks are.
    """

    purchases: pd.DataFrame
    articles: pd.DataFrame
    segments: pd.DataFrame
    data: DataParams

    def purchases_in(self, start: date, end: date) -> pd.DataFrame:
        """Return the purchases from start up to, and without, end."""
        days = self.purchases[columns.DAY].to_numpy("datetime64[D]")
        first, last = np.searchsorted(days, np.array([start, end], "datetime64[D]"))
        return self.purchases.iloc[first:last]

    def known_at(self, cut: date) -> Histories:
        """Return the histories of all customers at the cut, with their segments."""
        start = weeks_of(self.data.model_copy(update={"cut": cut})).history_start
        return self._histories(self.purchases_in(start, cut), cut)

    def bought_in(self, start: date, end: date) -> Histories:
        """Return what all customers bought from start up to, and without, end."""
        return self._histories(self.purchases_in(start, end), end)

    def _histories(self, purchases: pd.DataFrame, cut: date) -> Histories:
        histories = build_histories(
            purchases, cut=cut, n_customers=len(self.segments), n_articles=len(self.articles)
        )
        return with_segments(histories, self.segments)


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
        names: of the models, as in models.cascade.MODELS.
        fitted: taken as they are, for instance TF-IDF, which knows no time.

    Raises:
        BadInput: no model has one of the names.
    """
    return _fitted_on(shop.known_at(cut), shop, cut, params, list(names), fitted)


def _fitted_on(
    known: Histories,
    shop: Shop,
    cut: date,
    params: Path,
    names: list[str],
    fitted: Mapping[str, Recommender],
) -> dict[str, Recommender]:
    """Return the named models from the histories at the cut, each fitted when its turn comes."""
    fits: dict[str, Callable[[], Recommender]] = {
        "popularity": lambda: fit_popularity(known, PopularityParams.load(params)),
        "segment_popularity": lambda: fit_segment_popularity(
            known, PopularityParams.load(params), n_bands=len(AGE_BANDS)
        ),
        "repurchase": lambda: Repurchase(**RepurchaseParams.load(params).model_dump()),
        "tfidf": lambda: fit_tfidf(shop.articles, TfidfParams.load(params)),
        "copurchase": lambda: fit_copurchase(known, CopurchaseParams.load(params)),
        "item_knn": lambda: fit_item_knn(known, ItemKnnParams.load(params)),
        "rp3beta": lambda: fit_rp3beta(known, Rp3betaParams.load(params)),
        "ease": lambda: fit_ease(known, EaseParams.load(params)),
        "als": lambda: fit_als(known, AlsParams.load(params)),
        "cvae": lambda: _fit_cvae(shop, cut, params),
    }
    unknown = [name for name in names if name not in fits and name not in fitted]
    if unknown:
        raise BadInput(
            f"a model that can be fitted at any cut ({', '.join(sorted(fits))})",
            found=", ".join(unknown),
            fix="correct the name in params.yaml, or teach training.fit_models to fit the model",
        )
    return {name: fitted[name] if name in fitted else fits[name]() for name in names}


def fit_ranker(
    shop: Shop,
    cut: date,
    params: Path,
    fitted: Mapping[str, Recommender],
    *,
    weeks: dict[date, RankedWeek] | None = None,
) -> Ranker:
    """Return the ranker over the models fitted at the cut, taught by the weeks before it.

    The number of trees is found on the validation week; then the trees are grown anew with that
    week among the lessons. Each week's sources and facts are fitted at that week's start, which is
    what costs: in a large shop few weeks have `rank.enough_customers`, and earlier ones are not
    made.

    Args:
        shop: what to fit from.
        cut: the first day that is not known yet.
        params: params.yaml.
        fitted: the models at the cut, those under rank.candidates among them.
        weeks: weeks already made, by their first day; those made here are added.
    """
    wanted, made = RankParams.load(params), {} if weeks is None else weeks
    length = timedelta(days=shop.data.validation_days)
    starts = [cut - length * (back + 1) for back in range(wanted.training_weeks + 1)]
    _refuse_empty_weeks(shop, starts, length)
    validation, *lessons = _weeks_from(starts, shop, params, fitted, made)
    n_trees = fit_trees(lessons, validation, wanted, wanted.max_trees).best_iteration
    trees = fit_trees([validation, *lessons], None, wanted, n_trees)
    facts = _facts_at(shop, cut)
    return Ranker(trees, facts, wanted.proposals, fitted)


def _weeks_from(
    starts: list[date],
    shop: Shop,
    params: Path,
    fitted: Mapping[str, Recommender],
    made: dict[date, RankedWeek],
) -> list[RankedWeek]:
    """Return the validation week and, latest first, the lessons until enough customers taught."""
    enough, weeks = RankParams.load(params).enough_customers, list[RankedWeek]()
    for start in tqdm(starts, desc="ranker's weeks", unit="week"):
        if sum(week.n_asked for week in weeks[1:]) >= enough:
            break
        if start not in made:
            made[start] = _week_from(shop, start, params, fitted)
        weeks.append(made[start])
    return weeks


def _refuse_empty_weeks(shop: Shop, starts: list[date], length: timedelta) -> None:
    """Refuse weeks without a purchase, or without one before them, before anything is fitted."""
    empty = [start for start in starts if shop.purchases_in(start, start + length).empty]
    if empty or shop.purchases_in(date.min, starts[-1]).empty:
        raise BadInput(
            "the ranker's weeks, and the time before the first of them, hold purchases",
            found=f"none in the week from {empty[0]} on" if empty else f"none before {starts[-1]}",
            fix="lower rank.training_weeks in params.yaml, or set data.cut to a later day",
        )


def _week_from(
    shop: Shop, start: date, params: Path, fitted: Mapping[str, Recommender]
) -> RankedWeek:
    """Return the labelled candidates of the week from start on, everything fitted at its start."""
    wanted = RankParams.load(params)
    known = shop.known_at(start)
    timeless = {name: fitted[name] for name in _TIMELESS & fitted.keys()}
    if "cvae" in wanted.candidates:
        timeless["cvae"] = fit_cvae_for(
            known,
            CvaeParams.load(params),
            n_conditions=ClusterParams.load(params).n_clusters,
            n_epochs=wanted.cvae_epochs,
        )
    names = [name for name in wanted.candidates if name in fitted]
    models = _fitted_on(known, shop, start, params, names, timeless)
    facts = _facts_at(shop, start)
    bought = shop.bought_in(start, start + timedelta(days=shop.data.validation_days))
    buyers = np.flatnonzero(~bought.is_cold())
    if len(buyers) > wanted.max_customers:
        rng = np.random.default_rng(wanted.seed)
        buyers = np.sort(rng.choice(buyers, wanted.max_customers, replace=False))
    return ranked_week(
        models,
        wanted.proposals,
        facts,
        known.rows(buyers),
        bought.units[buyers],
    )


def _facts_at(shop: Shop, cut: date) -> ArticleFeatures:
    start = weeks_of(shop.data.model_copy(update={"cut": cut})).history_start
    return compute_article_features(
        shop.purchases_in(start, cut), cut, shop.articles, shop.segments
    )


def _fit_cvae(shop: Shop, cut: date, params: Path) -> Cvae:
    """Return the CVAE as its stage fits it: stopped on the last days before the cut."""
    wanted = CvaeParams.load(params)
    border = cut - timedelta(days=shop.data.validation_days)
    before = shop.known_at(border)
    return fit_cvae(
        before,
        shop.known_at(cut),
        wanted,
        n_conditions=ClusterParams.load(params).n_clusters,
        validate=ValidationWeek(
            before, shop.bought_in(border, cut), max_buyers=wanted.validation_customers
        ),
        on_epoch=lambda _: None,
    )
