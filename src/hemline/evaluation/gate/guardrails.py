"""What a better mean must not cost: coverage, cold customers, the baseline, groups, latency.

Each guardrail is one number against one limit, with its verdict in words. Two versions are compared
by their interval, so that a quiet week rejects no version by chance; where nothing can be claimed
(too few cold customers, no champion) the guardrail passes and says so. The price: a guardrail does
not prove that a version is harmless, it only rejects what is shown to be harmful.
"""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar, Final, Literal

import numpy as np
import pandas as pd
from pydantic import Field, PositiveFloat, PositiveInt

from hemline.evaluation.fairness.audit import REAL
from hemline.evaluation.gate.version_comparison import Comparison, Values, compare
from hemline.evaluation.protocol import SERVED
from hemline.evaluation.version_lists import WeekLists
from hemline.params import Section

POPULARITY: Final = "popularity"
"""Name of the guardrail that stands in for a champion where there is none."""

_OUTCOMES: Final = ("separation", "sufficiency")

Share = Annotated[float, Field(ge=0, le=1)]


class GateParams(Section):
    """What a challenger may cost.

    Attributes:
        min_customers: with fewer buyers in the week, the comparison is inconclusive.
        max_relative_loss: of the champion's MAP@12, on average, however wide the interval is.
        max_first_loss: of popularity's MAP@12, that must be ruled out where there is no champion;
            None: a first version serves unless it is shown to be worse than popularity.
        min_coverage_ratio: of distinct articles in the lists of the week, to the champion's.
        min_cold_buyers: with fewer buyers who are cold customers, they are not compared.
        max_fairness_gap: widest real gap in recall or precision between groups of customers.
        latency_answers: how many single lists are timed.
        max_latency_ms: that 99 of 100 single lists may take.
        rollout: whether a version that passes becomes champion at once, or meets the shop's
            visitors first, beside the champion.
    """

    section: ClassVar[str] = "gate"
    min_customers: PositiveInt
    max_relative_loss: Share
    max_first_loss: Share | None
    min_coverage_ratio: Share
    min_cold_buyers: PositiveInt
    max_fairness_gap: Share
    latency_answers: PositiveInt
    max_latency_ms: PositiveFloat
    rollout: Literal["at_once", "canary"] = "at_once"


@dataclass(frozen=True)
class Guardrail:
    """One thing a challenger must not cost.

    Attributes:
        name: one word, for tags.
        value: what was measured; None where nothing could be.
        limit: what the value is compared with.
        passes: whether this guardrail allows a promotion.
        sentence: the same in words, numbers included.
        comparison: of the lists' AP@12, where that is what was measured.
    """

    name: str
    value: float | None
    limit: float
    passes: bool
    sentence: str
    comparison: Comparison | None = None


@dataclass(frozen=True)
class Gap:
    """How far apart the best and the worst served group are, and which groups these are."""

    width: float
    text: str


@dataclass(frozen=True)
class Evidence:
    """What was measured of a challenger, whoever the champion is.

    Attributes:
        lists: for the week's buyers.
        popularity_ap: AP@12 of recent popularity at the challenger's cut, for the same buyers.
        gap: widest real gap of the fairness audit; None where no gap is real.
        latency_ms: float64; how long single lists took.
        are_gaps_tested: whether the audit had two groups large enough to compare.
    """

    lists: WeekLists
    popularity_ap: Values
    gap: Gap | None
    latency_ms: Values
    are_gaps_tested: bool = True


def widest_real_gap(gaps: pd.DataFrame) -> Gap | None:
    """Return the widest gap in recall or precision that is not chance, or None.

    Gaps in the composition of lists are left out: they follow the customers' tastes, and should.

    Args:
        gaps: the audit's (reports/fairness/gaps.csv).
    """
    outcomes = _served_outcomes(gaps)
    real = outcomes[outcomes["verdict"] == REAL]
    if real.empty:
        return None
    widest = real.nlargest(1, "gap").iloc[0]
    groups = f"from '{widest['lowest']}' to '{widest['highest']}'"
    return Gap(float(widest["gap"]), f"{widest['measure']} by {widest['attribute']}, {groups}")


def has_tested_gaps(gaps: pd.DataFrame) -> bool:
    """Return whether the audit tested any gap in recall or precision of what is served."""
    return not _served_outcomes(gaps).empty


def check_challenger(
    evidence: Evidence, params: GateParams, *, n_samples: int, rng: np.random.Generator
) -> tuple[Guardrail, ...]:
    """Return the guardrails that need no champion."""
    lists, baseline = evidence.lists, evidence.popularity_ap
    not_below = partial(_not_below, lists, baseline, n_samples=n_samples, rng=rng)
    return (
        not_below(POPULARITY, "popularity", min_customers=params.min_customers),
        not_below(
            "cold_start_popularity",
            "popularity for cold customers",
            is_counted=lists.is_cold,
            min_customers=params.min_cold_buyers,
        ),
        _limit_gap(evidence, params.max_fairness_gap),
        _limit_latency(evidence.latency_ms, params.max_latency_ms),
    )


def check_against_champion(
    champion: WeekLists,
    challenger: WeekLists,
    params: GateParams,
    *,
    n_samples: int,
    rng: np.random.Generator,
) -> tuple[Guardrail, ...]:
    """Return the guardrails that compare the challenger's lists with the champion's."""
    return (
        _limit_coverage(champion.n_articles, challenger.n_articles, params.min_coverage_ratio),
        _not_below(
            challenger,
            champion.average_precision,
            "cold_start",
            "the champion for cold customers",
            is_counted=challenger.is_cold,
            min_customers=params.min_cold_buyers,
            n_samples=n_samples,
            rng=rng,
        ),
    )


def _not_below(
    lists: WeekLists,
    baseline_ap: Values,
    name: str,
    baseline: str,
    *,
    is_counted: np.ndarray | None = None,
    min_customers: int,
    n_samples: int,
    rng: np.random.Generator,
) -> Guardrail:
    """Return whether the lists of those counted are not significantly worse than a baseline's."""
    rows = np.arange(len(baseline_ap)) if is_counted is None else np.flatnonzero(is_counted)
    if len(rows) == 0:
        text = f"no buyer of the week is to be compared with {baseline}"
        return Guardrail(name, None, 0.0, passes=True, sentence=text)
    comparison = compare(
        baseline_ap[rows],
        lists.average_precision[rows],
        min_customers=min_customers,
        n_samples=n_samples,
        rng=rng,
    )
    value = comparison.high if comparison.is_conclusive else None
    text = f"{comparison.outcome} {baseline}: {comparison.numbers}"
    return Guardrail(name, value, 0.0, not comparison.is_worse, text, comparison)


def _limit_coverage(champion: int, challenger: int, min_ratio: float) -> Guardrail:
    ratio = challenger / champion if champion else 1.0
    text = (
        f"{challenger:,} articles in the week's lists against the champion's {champion:,}, ratio "
        f"{ratio:.2f}, at least {min_ratio:.2f} required"
    )
    return Guardrail("coverage", ratio, min_ratio, ratio >= min_ratio, text)


def _served_outcomes(gaps: pd.DataFrame) -> pd.DataFrame:
    return gaps[(gaps["row"] == SERVED) & gaps["criterion"].isin(_OUTCOMES)]


def _limit_gap(evidence: Evidence, limit: float) -> Guardrail:
    gap = evidence.gap
    if not evidence.are_gaps_tested:
        text = "inconclusive: no two groups have enough buyers to be compared"
        return Guardrail("fairness_gap", None, limit, passes=True, sentence=text)
    if gap is None:
        text = f"no gap between groups is larger than chance (limit {limit:.2f})"
        return Guardrail("fairness_gap", 0.0, limit, passes=True, sentence=text)
    text = f"widest real gap {gap.width:.3f} ({gap.text}), at most {limit:.2f} allowed"
    return Guardrail("fairness_gap", gap.width, limit, gap.width <= limit, text)


def _limit_latency(latency_ms: Values, limit: float) -> Guardrail:
    p99 = float(np.quantile(latency_ms, 0.99))
    text = (
        f"99 of 100 lists took at most {p99:.0f} ms, at most {limit:.0f} ms allowed "
        f"({len(latency_ms)} timed)"
    )
    return Guardrail("latency", p99, limit, p99 <= limit, text)
