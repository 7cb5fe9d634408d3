"""The ranker as it would have been fitted at a cut, from the weeks before it."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from hemline.models.ranker.article_features import compared_attributes
from hemline.models.ranker.ranker import Ranker
from hemline.models.ranker.ranker_training import (
    RankedWeek,
    RankParams,
    can_learn,
    can_stop,
    fit_trees,
)
from hemline.models.ranker.tree_file import TreeFile
from hemline.models.recommender import Recommender
from hemline.training.ranker_weeks import RankerWeek, article_features_at
from hemline.training.training_shop import Shop


def fit_ranker(
    shop: Shop,
    cut: date,
    params: Path,
    fitted: Mapping[str, Recommender],
    weeks: Sequence[RankerWeek],
) -> Ranker:
    """Return the ranker over the models fitted at the cut, trained on the weeks before it.

    Args:
        shop: what to fit from.
        cut: the first day that is not known yet.
        params: params.yaml.
        fitted: the models at the cut, those under rank.candidates among them.
        weeks: of `make_ranker_weeks` at the same cut.

    Raises:
        BadInput: in the weeks, or in the validation week, nobody buys a candidate.
    """
    settings = RankParams.load(params).settings
    trees = grow_trees([week.ranked for week in weeks], shop, params)
    return Ranker(trees, article_features_at(shop, cut, settings), settings, fitted)


def fit_past_trees(shop: Shop, params: Path, weeks: Sequence[RankerWeek]) -> TreeFile | None:
    """Return the trees as they would have been grown from past weeks only.

    Args:
        shop: what the weeks were made from.
        params: params.yaml.
        weeks: latest first, all before those that the trees are to serve.

    Returns:
        None where there is nothing to learn from: fewer than two weeks, or no purchase of a
        candidate in the latest of them or in the others.
    """
    ranked = [week.ranked for week in weeks]
    if not can_learn(ranked[1:], ranked[0] if ranked else None):
        return None
    return grow_trees(ranked, shop, params)


def grow_trees(weeks: Sequence[RankedWeek], shop: Shop, params: Path) -> TreeFile:
    """Return trees whose number the latest week has chosen, grown anew on all weeks.

    A week with few purchases of candidates would choose by chance: there are `untested_trees` then.

    Args:
        weeks: latest first.
        shop: what the weeks were made from.
        params: params.yaml.

    Raises:
        BadInput: in the latest week, or in the others, nobody buys a candidate.
    """
    rank_params, names = RankParams.load(params), compared_attributes(shop.articles)
    validation, *training = weeks
    n_trees = min(rank_params.untested_trees, rank_params.max_trees)
    if can_stop(validation, rank_params):
        growing = fit_trees(training, validation, rank_params, rank_params.max_trees, names)
        n_trees = growing.best_iteration
    return TreeFile.of(fit_trees(weeks, None, rank_params, n_trees, names))
