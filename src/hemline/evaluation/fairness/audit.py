"""The fairness audit: three questions about groups of customers, and one about articles.

Independence: do all groups get lists of the same composition? Separation: of what customers buy, is
the same share listed in every group (recall)? Sufficiency: of what is listed, is the same share
bought (precision)? The names are those of Barocas, Hardt & Narayanan, "Fairness and Machine
Learning" (2023), chapter 3, who also show that the three can hardly hold at once: an audit shows
gaps, and people decide which of them matter.

A recommender is supposed to give different lists to different tastes. So the purchases of the same
customers in the test week are a row of their own: the lists follow a gap that is there too, they do
not create it.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

import numpy as np
import pandas as pd
from pydantic import Field, PositiveInt

from hemline.evaluation.beyond_accuracy import as_matrix
from hemline.evaluation.fairness.aspects import ARTICLE_GROUP, INDEX_GROUP, Aspect, main_aspect
from hemline.evaluation.fairness.exposure import concentration, expose_categories
from hemline.evaluation.fairness.fairness_measures import (
    BOUGHT,
    Listed,
    criterion_of,
    measure_customers,
    outcomes_of,
)
from hemline.evaluation.fairness.gaps import GAPS, describe_groups, draw_means, find_gaps
from hemline.evaluation.fairness.groups import HISTORY, Buyers, Grouping
from hemline.evaluation.fairness.outcomes import ListOutcomes, compare_outcomes
from hemline.evaluation.fairness.reranking import RerankParams, price_of_calibration
from hemline.evaluation.protocol import SERVED, recommend_in_batches
from hemline.evaluation.significance import holm
from hemline.models.calibrated import ArticleGroups
from hemline.models.recommender import Recommender
from hemline.params import Section

REAL, CHANCE = "real", "within chance"
JUDGED: Final = (*GAPS, "ratio", "criterion", "p_holm", "verdict")

Share = Annotated[float, Field(gt=0, lt=1)]


class FairnessParams(Section):
    """Which lists are audited, for whom, and when a gap counts.

    Attributes:
        rows: rows of evaluate.rows that are audited besides what is served.
        list_length: places of a list.
        min_group: a smaller group is shown but not compared.
        level: of the tests of one row together.
        tolerance: an article group with less than this ratio of places to sales is under-exposed.
        recent_days: what counts as recent sales.
        new_days: an article first sold at most this many days before the cut is new.
        max_customers: of more buyers a random sample of this size is audited.
        permutations: random splits behind every p.
        bootstrap_samples: resamples behind every interval.
        rerank: the calibrated re-rank whose cost is shown.
        seed: of sample, splits and resamples.
    """

    section: ClassVar[str] = "fairness"
    rows: tuple[str, ...]
    list_length: Annotated[int, Field(ge=12)]
    min_group: Annotated[int, Field(ge=2)]
    level: Share
    tolerance: Share
    recent_days: PositiveInt
    new_days: PositiveInt
    max_customers: PositiveInt
    permutations: PositiveInt
    bootstrap_samples: PositiveInt
    rerank: RerankParams
    seed: int


@dataclass(frozen=True)
class Audit:
    """The results, as tables with one line per result.

    Attributes:
        groups: row, attribute, group, measure, category: value, interval (gaps.describe_groups).
        gaps: row, criterion, attribute, measure: the gap and the gaps of chance (gaps.find_gaps),
            ratio (worst to best; outcomes only), p_holm over the tests of the row, verdict.
        exposure: row, aspect, category: places against sales (exposure.expose_categories).
        concentration: by row, how unequally articles share the places (exposure.concentration).
        reranking: strength: accuracy and gaps of the calibrated lists (price_of_calibration).
        groupings: the groups that were compared.
        n_customers: buyers audited.
        composition: the aspect that is drawn by group of customers.
        calibrated: the aspect that lists are calibrated by.
    """

    groups: pd.DataFrame
    gaps: pd.DataFrame
    exposure: pd.DataFrame
    concentration: dict[str, dict[str, float]]
    reranking: pd.DataFrame
    groupings: tuple[Grouping, ...]
    n_customers: int
    composition: str = INDEX_GROUP
    calibrated: str = ARTICLE_GROUP


def audit(
    models: dict[str, Recommender],
    buyers: Buyers,
    aspects: tuple[Aspect, ...],
    sales: np.ndarray,
    params: FairnessParams,
) -> Audit:
    """Return the audit of every model's lists; the same input gives the same audit.

    Args:
        models: by row; SERVED is one of them.
        buyers: whose lists are audited.
        aspects: how articles are divided.
        sales: float64 of shape (articles,); recent sales.
        params: how gaps are judged.
    """
    rng = np.random.default_rng(params.seed)
    lists = {
        name: recommend_in_batches(model, buyers.known, _list_length(name, params))
        for name, model in models.items()
    }
    listed = {
        name: as_matrix(of_row.articles[:, : params.list_length], buyers.known.n_articles)
        for name, of_row in lists.items()
    }
    article_groups = _article_groups(aspects, params.rerank.prior_articles)
    values = measure_customers(listed, buyers, aspects, article_groups)
    outcomes = {name: outcomes_of(places, buyers) for name, places in listed.items()}
    groups, gaps = _compare(values, outcomes, buyers.groupings, params, rng)
    return Audit(
        groups=groups,
        gaps=gaps,
        exposure=_exposures(listed, aspects, params, rng),
        concentration={name: concentration(places, sales) for name, places in listed.items()},
        reranking=price_of_calibration(
            lists[SERVED],
            buyers,
            article_groups,
            params.rerank,
            list_length=params.list_length,
            n_samples=params.bootstrap_samples,
            rng=rng,
        ),
        groupings=buyers.groupings,
        n_customers=buyers.known.n_customers,
        composition=main_aspect(aspects, INDEX_GROUP).name,
        calibrated=main_aspect(aspects, ARTICLE_GROUP).name,
    )


def headline(audit: Audit) -> dict[str, dict[str, object]]:
    """Return the numbers of `dvc metrics`: by row, how many gaps are real and how wide all are."""
    numbers: dict[str, dict[str, object]] = {}
    for row in (*audit.concentration, BOUGHT):
        gaps = audit.gaps[audit.gaps["row"] == row]
        spread = {name: round(n, 6) for name, n in audit.concentration.get(row, {}).items()}
        widths = {
            f"{measure}_gap": dict(zip(lines["attribute"], lines["gap"].round(6), strict=True))
            for measure, lines in gaps.groupby("measure", sort=False)
        }
        n_real = int((gaps["verdict"] == REAL).sum())
        numbers[row] = {"tested_gaps": len(gaps), "real_gaps": n_real, **spread, **widths}
    return numbers


def _list_length(row: str, params: FairnessParams) -> int:
    """Return the length to request; a longer list begins with the shorter one."""
    n_candidates = params.rerank.candidates if row == SERVED else 0
    return max(params.list_length, n_candidates)


def _article_groups(aspects: tuple[Aspect, ...], prior_articles: float) -> ArticleGroups:
    aspect = main_aspect(aspects, ARTICLE_GROUP)
    return ArticleGroups(aspect.codes, aspect.sold, prior_articles)


def _exposures(
    listed: Listed,
    aspects: tuple[Aspect, ...],
    params: FairnessParams,
    rng: np.random.Generator,
) -> pd.DataFrame:
    parts = []
    for name, lists in listed.items():
        exposed = expose_categories(
            lists,
            aspects,
            tolerance=params.tolerance,
            n_samples=params.bootstrap_samples,
            rng=rng,
        )
        parts.append(exposed.assign(row=name))
    return pd.concat(parts, ignore_index=True)


def _compare(
    values: pd.DataFrame,
    outcomes: dict[str, ListOutcomes],
    groupings: tuple[Grouping, ...],
    params: FairnessParams,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the lines of all groups and of all gaps."""
    history = next(grouping for grouping in groupings if grouping.attribute == HISTORY)
    groups, gaps = [], []
    for grouping in groupings:
        draws = draw_means(values, grouping, n_samples=params.bootstrap_samples, rng=rng)
        groups.append(describe_groups(values, draws, grouping))
        if grouping.is_comparable:
            observed = find_gaps(
                values,
                draws,
                grouping,
                history.codes,
                n_permutations=params.permutations,
                rng=rng,
            )
            gaps.append(_with_ratios(observed, outcomes, grouping))
    return pd.concat(groups, ignore_index=True), _judged(gaps, params.level)


def _with_ratios(
    gaps: pd.DataFrame, outcomes: dict[str, ListOutcomes], grouping: Grouping
) -> pd.DataFrame:
    """Return the gaps with fairlearn's ratio of the worst to the best group."""
    ratios = {
        (row, measure): ratio
        for row, outcome in outcomes.items()
        for measure, ratio in compare_outcomes(outcome, grouping)["ratio"].items()
    }
    keys = zip(gaps["row"], gaps["measure"], strict=True)
    gaps = gaps.assign(ratio=[ratios.get(key, np.nan) for key in keys])
    if grouping.attribute == HISTORY:  # permuting within its own groups changes nothing
        gaps["p_same_history"] = np.nan
    return gaps


def _judged(parts: list[pd.DataFrame], level: float) -> pd.DataFrame:
    """Return all gaps with their verdicts: real where the corrected p is at most level."""
    if not parts:
        return pd.DataFrame(columns=list(JUDGED))
    gaps = pd.concat(parts, ignore_index=True)
    gaps["criterion"] = gaps["measure"].map(criterion_of)
    gaps["p_holm"] = gaps.groupby("row")["p"].transform(lambda p: holm(p.to_numpy()))
    gaps["verdict"] = np.where(gaps["p_holm"] <= level, REAL, CHANCE)
    return gaps
