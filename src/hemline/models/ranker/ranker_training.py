"""Training the ranker on past weeks: who bought what, among what would have been proposed.

A training week is a cut in the past: sources, facts and histories as they were, and the purchases
of the seven days after as labels. LambdaRank (Burges 2010) weights each pair of candidates of one
customer by what swapping them would change in the list's NDCG.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
from pydantic import Field, PositiveFloat, PositiveInt
from scipy import sparse

from hemline.data.histories import Histories
from hemline.errors import BadInput
from hemline.models.ranker.article_features import ArticleFeatures
from hemline.models.ranker.candidates import collect_candidates
from hemline.models.ranker.pair_features import Matrix, feature_names, pair_features
from hemline.models.ranker.sources import Proposals, sources_of
from hemline.models.recommender import Recommender
from hemline.params import Section

LIST_LENGTH: Final = 12
_BATCH: Final = 4096


class RankParams(Section):
    """What is proposed, which weeks teach, and how the trees grow."""

    section: ClassVar[str] = "rank"
    candidates: dict[str, PositiveInt]
    training_weeks: PositiveInt
    enough_customers: PositiveInt
    max_customers: PositiveInt
    repurchase_days: PositiveInt
    cvae_epochs: PositiveInt
    leaves: Annotated[int, Field(ge=2)]
    min_pairs_in_leaf: PositiveInt
    feature_share: Annotated[float, Field(gt=0, le=1)]
    learning_rate: PositiveFloat
    max_trees: PositiveInt
    patience: PositiveInt
    seed: int

    @property
    def proposals(self) -> Proposals:
        """Who proposes, as the ranker keeps it."""
        return Proposals(dict(self.candidates), self.repurchase_days)


@dataclass(frozen=True)
class RankedWeek:
    """The candidates of one week's buyers and which of them were bought.

    Kept are only the pairs of customers who bought one of theirs: nobody else's order can be wrong.

    Attributes:
        features: float32 of shape (pairs, features).
        is_bought: bool of shape (pairs,).
        n_candidates: int of shape (customers,); pairs of each customer kept, in order.
        n_asked: number of buyers whose candidates were looked at, kept or not.
    """

    features: Matrix
    is_bought: npt.NDArray[np.bool_]
    n_candidates: npt.NDArray[np.int64]
    n_asked: int


def ranked_week(
    models: Mapping[str, Recommender],
    proposals: Proposals,
    facts: ArticleFeatures,
    known: Histories,
    bought: sparse.csr_matrix,
) -> RankedWeek:
    """Return the labelled candidates of a week.

    Args:
        models: fitted at the week's start.
        proposals: which of them propose.
        facts: of the articles at the week's start.
        known: histories of the week's buyers at its start.
        bought: CSR of shape (buyers, articles), what they bought in the week.
    """
    sources, depths = sources_of(proposals, facts, models), proposals.depths
    parts = []
    for start in range(0, known.n_customers, _BATCH):
        rows = np.arange(start, min(start + _BATCH, known.n_customers))
        asked = known.rows(rows)
        candidates = collect_candidates(sources, depths, asked, facts.is_on_sale)
        is_bought = np.asarray(bought[rows][candidates.rows, candidates.articles]).ravel() > 0
        has_hit = np.bincount(candidates.rows, is_bought, minlength=len(rows)) > 0
        kept = has_hit[candidates.rows]
        features = pair_features(candidates, asked, facts)[kept]
        n_candidates = np.bincount(candidates.rows, minlength=len(rows))[has_hit]
        parts.append((features, is_bought[kept], n_candidates))
    features, labels, n_candidates = (np.concatenate(part) for part in zip(*parts, strict=True))
    return RankedWeek(features, labels, n_candidates, known.n_customers)


def fit_trees(
    weeks: Sequence[RankedWeek], validation: RankedWeek | None, params: RankParams, n_trees: int
) -> lgb.Booster:
    """Return LambdaRank trees fitted on the weeks.

    Args:
        weeks: what to learn from.
        validation: where to stop; None grows exactly n_trees.
        params: section `rank`.
        n_trees: at most so many.

    Raises:
        BadInput: nobody bought a candidate, in any week or in the validation week.
    """
    taught = any(week.is_bought.any() for week in weeks)
    if not taught or (validation is not None and not validation.is_bought.any()):
        raise BadInput(
            "in the training weeks, and in the validation week, somebody buys a candidate",
            found="none in the validation week" if taught else f"none in {len(weeks)} weeks",
            fix="raise rank.training_weeks or the numbers under rank.candidates in params.yaml",
        )
    names = list(feature_names(tuple(params.candidates)))
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
    if validation is None:
        return lgb.train(settings, train, n_trees)
    stop = lgb.early_stopping(params.patience, verbose=False)
    seen = _dataset([validation], names, reference=train)
    return lgb.train(settings, train, n_trees, valid_sets=[seen], callbacks=[stop])


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
