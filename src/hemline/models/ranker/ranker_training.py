"""Training the ranker on past weeks: who bought what, among what would have been proposed.

A training week is a cut in the past: sources, article features and histories as they were, and the
purchases of the seven days after as labels. LambdaRank (Burges 2010) weights each pair of
candidates of one customer by what swapping them would change in the list's NDCG.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, ClassVar, Final

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt
from scipy import sparse
from threadpoolctl import threadpool_limits

from hemline.data.histories import Histories
from hemline.errors import BadInput
from hemline.models.openmp_threads import openmp_threads
from hemline.models.ranker.article_features import ATTRIBUTES, ArticleFeatures
from hemline.models.ranker.feature_groups import Group
from hemline.models.ranker.pair_features import Matrix, described_candidates, feature_names
from hemline.models.ranker.sources import OWN, SAME_PRODUCT, RankerSettings, sources_of
from hemline.models.recommender import Recommender
from hemline.params import Section

LIST_LENGTH: Final = 12
_BATCH: Final = 4096


class RankParams(Section):
    """What is proposed, which weeks are trained on, and how the trees grow."""

    section: ClassVar[str] = "rank"
    candidates: dict[str, PositiveInt] = {  # noqa: RUF012  (pydantic copies it)
        OWN: 60,
        SAME_PRODUCT: 20,
        "popularity": 60,
        "segment_popularity": 60,
        "copurchase": 80,
        "tfidf": 20,
        "item_knn": 80,
        "als": 80,
        "cvae": 100,
    }
    repurchase_days: PositiveInt = 730
    units_weight: PositiveFloat = 0.5
    same_product_articles: PositiveInt = 10
    latest_articles: PositiveInt = 20
    on_sale_days: PositiveInt = 28
    own_on_sale_days: NonNegativeInt = 365
    prior_buyers: PositiveFloat = 20.0
    profile_half_life_days: PositiveFloat = 90.0
    features: tuple[Group, ...] = ()
    training_weeks: PositiveInt = 4
    enough_customers: PositiveInt = 40_000
    least_customers: NonNegativeInt = 3_000
    most_weeks: PositiveInt = 26
    max_customers: PositiveInt = 20_000
    cvae_epochs: PositiveInt = 16
    leaves: Annotated[int, Field(ge=2)] = 31
    min_pairs_in_leaf: PositiveInt = 100
    feature_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    learning_rate: PositiveFloat = 0.05
    max_trees: PositiveInt = 500
    patience: PositiveInt = 50
    least_lists: NonNegativeInt = 100
    untested_trees: PositiveInt = 60
    seed: int = 7

    @property
    def settings(self) -> RankerSettings:
        """What a ranker is saved with."""
        shared = {field.name for field in fields(RankerSettings)} - {"depths"}
        numbers = self.model_dump(include=shared)
        return RankerSettings(depths=dict(self.candidates), **numbers)


@dataclass(frozen=True)
class RankedWeek:
    """The candidates of one week's buyers and which of them were bought.

    Pairs of customers who bought none of theirs are left out: their order cannot be wrong. So are
    pairs of an article that the customer did not want to see: it would not have been listed.

    Attributes:
        features: float32 of shape (pairs, features).
        is_bought: bool of shape (pairs,).
        n_candidates: int of shape (customers,); pairs of each remaining customer, in order.
        n_buyers: number of buyers whose candidates were labelled, left out or not.
    """

    features: Matrix
    is_bought: npt.NDArray[np.bool_]
    n_candidates: npt.NDArray[np.int64]
    n_buyers: int


def ranked_week(
    models: Mapping[str, Recommender],
    settings: RankerSettings,
    features: ArticleFeatures,
    known: Histories,
    bought: sparse.csr_matrix,
) -> RankedWeek:
    """Return the labelled candidates of a week.

    Args:
        models: fitted at the week's start.
        settings: which of them propose, and how candidates are described.
        features: of the articles at the week's start.
        known: histories of the week's buyers at its start.
        bought: CSR of shape (buyers, articles), what they bought in the week.
    """
    sources, parts = sources_of(settings, features, models), []
    for start in range(0, known.n_customers, _BATCH):
        rows = np.arange(start, min(start + _BATCH, known.n_customers))
        some = known.rows(rows)
        candidates, described = described_candidates(sources, settings, features, some)
        is_unliked = some.unlikes.include(candidates.rows, candidates.articles)
        is_bought = np.asarray(bought[rows][candidates.rows, candidates.articles]).ravel() > 0
        is_bought &= ~is_unliked
        has_hit = np.bincount(candidates.rows, is_bought, minlength=len(rows)) > 0
        informs = has_hit[candidates.rows] & ~is_unliked
        n_candidates = np.bincount(candidates.rows[informs], minlength=len(rows))[has_hit]
        parts.append((described[informs], is_bought[informs], n_candidates))
    described, labels, counts = (np.concatenate(part) for part in zip(*parts, strict=True))
    return RankedWeek(described, labels, counts, known.n_customers)


def can_stop(validation: RankedWeek, params: RankParams) -> bool:
    """Return whether the week has lists enough to say how many trees there should be."""
    return len(validation.n_candidates) >= params.least_lists


def can_learn(weeks: Sequence[RankedWeek], validation: RankedWeek | None) -> bool:
    """Return whether somebody buys a candidate in one of the weeks, and in the validation week."""
    is_stopped = validation is None or bool(validation.is_bought.any())
    return is_stopped and any(week.is_bought.any() for week in weeks)


def fit_trees(
    weeks: Sequence[RankedWeek],
    validation: RankedWeek | None,
    params: RankParams,
    n_trees: int,
    attributes: tuple[str, ...] = ATTRIBUTES,
) -> lgb.Booster:
    """Return LambdaRank trees fitted on the weeks.

    Args:
        weeks: what to learn from.
        validation: where to stop; None grows exactly n_trees.
        params: section `rank`.
        n_trees: at most this many.
        attributes: by which articles are compared (article_features.compared_attributes).

    Raises:
        BadInput: nobody bought a candidate, in any week or in the validation week.
    """
    if not can_learn(weeks, validation):
        has_labels = can_learn(weeks, None)
        raise BadInput(
            "in the training weeks, and in the validation week, somebody buys a candidate",
            found="none in the validation week" if has_labels else f"none in {len(weeks)} weeks",
            fix="raise rank.training_weeks or the numbers under rank.candidates in params.yaml",
        )
    names = list(feature_names(tuple(params.candidates), attributes, params.features))
    train = _dataset(weeks, names)
    settings = {
        "objective": "lambdarank",
        "metric": "ndcg",
        "eval_at": [LIST_LENGTH],
        "lambdarank_truncation_level": LIST_LENGTH + 3,
        "num_leaves": params.leaves,
        "min_data_in_leaf": params.min_pairs_in_leaf,
        "feature_fraction": params.feature_share,
        "learning_rate": params.learning_rate,
        "seed": params.seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }
    # No parameter of LightGBM, which would write it into the trees; they are the same with any.
    with threadpool_limits(openmp_threads(), "openmp"):
        if validation is None:
            return lgb.train(settings, train, n_trees)
        stop = lgb.early_stopping(params.patience, verbose=False)
        stop_on = _dataset([validation], names, reference=train)
        return lgb.train(settings, train, n_trees, valid_sets=[stop_on], callbacks=[stop])


def _dataset(
    weeks: Sequence[RankedWeek], names: list[str], reference: lgb.Dataset | None = None
) -> lgb.Dataset:
    """Return the weeks' pairs, binned; the weeks are not copied together first."""
    return lgb.Dataset(
        [week.features for week in weeks if len(week.features)],
        np.concatenate([week.is_bought for week in weeks]),
        group=np.concatenate([week.n_candidates for week in weeks]),
        feature_name=names,
        reference=reference,
    )
