"""What a better mean must not cost: coverage, strangers, the baseline, groups, waiting.

Each guardrail is one number against one limit, with its verdict in words. What compares two models
is judged by its interval, so that a quiet week rejects nobody by chance; what cannot be claimed
(too few strangers, no champion) passes and says so. The price: a guardrail proves no harm, it only
refuses what is shown to be harmful.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

import numpy as np
import pandas as pd
from pydantic import Field, PositiveFloat, PositiveInt

from hemline.evaluation.gate.version_comparison import Values, compare
from hemline.evaluation.protocol import SERVED
from hemline.evaluation.version_lists import WeekLists
from hemline.params import Section

_OUTCOMES: Final = ("separation", "sufficiency")

Share = Annotated[float, Field(ge=0, le=1)]


class GateParams(Section):
    """What a challenger may cost.

    Attributes:
        max_relative_loss: of the champion's MAP@12, on average, however wide the interval is.
        min_coverage_ratio: of distinct articles in the lists of the week, to the champion's.
        min_cold_buyers: of fewer buyers without a history nothing is claimed.
        max_fairness_gap: widest real gap in recall or precision between groups of customers.
        latency_answers: how many buyers are answered one at a time.
        max_latency_ms: of the slowest answer but one in a hundred.
    """

    section: ClassVar[str] = "gate"
    max_relative_loss: Share
    min_coverage_ratio: Share
    min_cold_buyers: PositiveInt
    max_fairness_gap: Share
    latency_answers: PositiveInt
    max_latency_ms: PositiveFloat


@dataclass(frozen=True)
class Guardrail:
    """One thing a challenger must not cost.

    Attributes:
        name: in a word, for tags.
        value: what was measured; None where nothing could be.
        limit: what it is held against.
        passes: whether it may be promoted as far as this goes.
        sentence: the same in words, numbers included.
    """

    name: str
    value: float | None
    limit: float
    passes: bool
    sentence: str


@dataclass(frozen=True)
class Gap:
    """How far apart the best and the worst served group are, and which groups that are."""

    width: float
    words: str


@dataclass(frozen=True)
class Evidence:
    """What is known of a challenger before it meets anybody.

    Attributes:
        lists: for the week's buyers.
        popularity_ap: AP@12 of recent popularity at the challenger's cut, for the same buyers.
        gap: widest real gap of the fairness audit; None where no gap is real.
        latency_ms: float64; how long single answers took.
    """

    lists: WeekLists
    popularity_ap: Values
    gap: Gap | None
    latency_ms: Values


def widest_real_gap(gaps: pd.DataFrame) -> Gap | None:
    """Return the widest gap in recall or precision that is no chance, or None.

    Gaps in what the lists are made of are left out: they follow tastes, and should.

    Args:
        gaps: the audit's (reports/fairness/gaps.csv).
    """
    # Brings in fairlearn, which nobody else here should wait for.
    from hemline.evaluation.fairness.audit import REAL  # noqa: PLC0415

    is_ours = (gaps["row"] == SERVED) & gaps["criterion"].isin(_OUTCOMES)
    real = gaps[is_ours & (gaps["verdict"] == REAL)]
    if real.empty:
        return None
    widest = real.nlargest(1, "gap").iloc[0]
    groups = f"from '{widest['lowest']}' to '{widest['highest']}'"
    return Gap(float(widest["gap"]), f"{widest['measure']} by {widest['attribute']}, {groups}")


def check_alone(
    evidence: Evidence, params: GateParams, *, n_samples: int, rng: np.random.Generator
) -> tuple[Guardrail, ...]:
    """Return the guardrails that need no champion."""
    lists, baseline = evidence.lists, evidence.popularity_ap
    is_cold = lists.is_cold
    everybody = np.ones(len(is_cold), bool)
    return (
        _not_below("popularity", "popularity", lists, baseline, everybody, 1, n_samples, rng),
        _not_below(
            "cold_start_popularity",
            "popularity for buyers without a history",
            lists,
            baseline,
            is_cold,
            params.min_cold_buyers,
            n_samples,
            rng,
        ),
        _keep_gap(evidence.gap, params.max_fairness_gap),
        _answer_in_time(evidence.latency_ms, params.max_latency_ms),
    )


def check_beside(
    champion: WeekLists,
    challenger: WeekLists,
    params: GateParams,
    *,
    n_samples: int,
    rng: np.random.Generator,
) -> tuple[Guardrail, ...]:
    """Return the guardrails that hold the challenger's lists against the champion's."""
    return (
        _keep_coverage(champion.n_articles, challenger.n_articles, params.min_coverage_ratio),
        _not_below(
            "cold_start",
            "the champion for buyers without a history",
            challenger,
            champion.average_precision,
            challenger.is_cold,
            params.min_cold_buyers,
            n_samples,
            rng,
        ),
    )


def _not_below(
    name: str,
    baseline: str,
    lists: WeekLists,
    baseline_ap: Values,
    asked: np.ndarray,
    min_buyers: int,
    n_samples: int,
    rng: np.random.Generator,
) -> Guardrail:
    """Return whether the lists of those asked are not significantly worse than a baseline's."""
    n_asked = int(asked.sum())
    if n_asked < min_buyers:
        said = f"{n_asked} buyers are too few to compare with {baseline} (at least {min_buyers})"
        return Guardrail(name, None, 0.0, passes=True, sentence=said)
    seen = compare(baseline_ap[asked], lists.average_precision[asked], n_samples=n_samples, rng=rng)
    passes = seen.high >= 0
    said = f"{'not significantly' if passes else 'significantly'} below {baseline}"
    return Guardrail(name, seen.high, 0.0, passes, f"{said}: {seen.in_numbers}")


def _keep_coverage(champion: int, challenger: int, min_ratio: float) -> Guardrail:
    ratio = challenger / champion if champion else 1.0
    said = (
        f"{challenger:,} articles in the week's lists against the champion's {champion:,}, ratio "
        f"{ratio:.2f}, at least {min_ratio:.2f} asked"
    )
    return Guardrail("coverage", ratio, min_ratio, ratio >= min_ratio, said)


def _keep_gap(gap: Gap | None, limit: float) -> Guardrail:
    if gap is None:
        said = f"no gap between groups is more than chance (limit {limit:.2f})"
        return Guardrail("fairness_gap", 0.0, limit, passes=True, sentence=said)
    said = f"widest real gap {gap.width:.3f} ({gap.words}), at most {limit:.2f} allowed"
    return Guardrail("fairness_gap", gap.width, limit, gap.width <= limit, said)


def _answer_in_time(latency_ms: Values, limit: float) -> Guardrail:
    p99 = float(np.quantile(latency_ms, 0.99))
    said = (
        f"99 of 100 answers came within {p99:.0f} ms, at most {limit:.0f} ms allowed "
        f"({len(latency_ms)} asked)"
    )
    return Guardrail("latency", p99, limit, p99 <= limit, said)
