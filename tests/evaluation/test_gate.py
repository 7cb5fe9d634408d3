"""The gate, where the numbers can be worked out in the head."""

from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from hemline.evaluation.gate.gate_verdict import (
    NO_CHAMPION,
    UNREADABLE,
    has_seen_the_week,
    judge,
    judge_other_data,
    judge_unopposed,
    refuse_comparison,
    refuse_rolled_back,
)
from hemline.evaluation.gate.guardrails import (
    Evidence,
    Gap,
    GateParams,
    Guardrail,
    check_against_champion,
    check_challenger,
    widest_real_gap,
)
from hemline.evaluation.gate.version_comparison import Comparison, compare
from hemline.evaluation.version_lists import LIST_LENGTH, WeekLists
from hemline.kernels.lists import NO_ARTICLE

EVERYBODY = np.array([0.0, 0.5, 1.0])
GATE = GateParams(
    max_relative_loss=0.05,
    min_coverage_ratio=0.8,
    min_cold_buyers=10,
    max_fairness_gap=0.25,
    latency_answers=100,
    max_latency_ms=500,
)
FAILED = Guardrail("coverage", 0.5, 0.8, passes=False, sentence="50 articles against 100")


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def compared(champion: float, challenger: float, low: float, high: float) -> Comparison:
    return Comparison(champion, challenger, low, high, 900)


def promotes(comparison: Comparison, *guardrails: Guardrail) -> bool:
    return judge(comparison, guardrails, max_relative_loss=0.05).promotes


def lists(ap: npt.NDArray[np.float64], *, n_articles: int = 12, n_cold: int = 0) -> WeekLists:
    """Return lists that hold n_articles articles between them; the first n_cold buyers are cold."""
    articles = np.arange(len(ap) * LIST_LENGTH).reshape(-1, LIST_LENGTH) % n_articles
    customers = np.arange(len(ap))
    return WeekLists(customers, articles.astype(np.int32), ap, customers < n_cold)


def evidence(
    ours: WeekLists,
    popularity: npt.NDArray[np.float64],
    gap: Gap | None = None,
    latency_ms: float = 30.0,
) -> Evidence:
    return Evidence(ours, popularity, gap, np.full(100, latency_ms))


def named(guardrails: tuple[Guardrail, ...]) -> dict[str, Guardrail]:
    return {guardrail.name: guardrail for guardrail in guardrails}


def test_a_challenger_that_does_not_lose_significantly_is_promoted() -> None:
    assert promotes(compared(0.100, 0.110, 0.001, 0.019))
    assert promotes(compared(0.100, 0.100, 0.0, 0.0))
    assert promotes(compared(0.100, 0.098, -0.010, 0.006))


def test_a_significant_loss_is_rejected_however_small() -> None:
    verdict = judge(compared(0.100, 0.099, -0.002, -0.0001), (), max_relative_loss=0.05)
    assert not verdict.promotes
    assert "significantly worse than the champion" in verdict.reason


def test_a_wide_interval_does_not_excuse_a_large_mean_loss() -> None:
    verdict = judge(compared(0.100, 0.080, -0.060, 0.020), (), max_relative_loss=0.05)
    assert not verdict.promotes
    assert "a loss of 20.0% is more than the 5.0% allowed" in verdict.reason


def test_a_failed_guardrail_rejects_the_better_model_and_is_named_with_its_number() -> None:
    verdict = judge(compared(0.100, 0.120, 0.010, 0.030), (FAILED,), max_relative_loss=0.05)
    assert not verdict.promotes
    assert "significantly better than the champion" in verdict.reason
    assert "coverage: 50 articles against 100" in verdict.reason


def test_a_champion_that_scores_nothing_cannot_be_lost_to() -> None:
    assert compared(0.0, 0.01, 0.0, 0.02).relative_loss == 0
    assert compared(0.10, 0.08, -0.03, -0.01).relative_loss == pytest.approx(0.02 / 0.10)


def test_the_comparison_is_paired_by_customer() -> None:
    comparison = compare(EVERYBODY, EVERYBODY + 0.25, n_samples=100, rng=rng())
    # Every customer gains the same, so no resample differs, however far apart customers are.
    assert comparison.low == pytest.approx(0.25)
    assert comparison.high == pytest.approx(0.25)
    assert comparison.champion == pytest.approx((0.0 + 0.5 + 1.0) / 3)
    assert comparison.difference == pytest.approx(0.25)
    assert comparison.n_customers == 3


def test_one_lucky_customer_among_many_gives_an_interval_that_reaches_zero() -> None:
    champion = np.zeros(50)
    challenger = champion.copy()
    challenger[0] = 1.0
    comparison = compare(champion, challenger, n_samples=1000, rng=rng())
    assert comparison.difference == pytest.approx(1 / 50)
    # A customer is left out of a resample with probability (49 / 50) ** 50 = 0.36.
    assert comparison.low == 0.0
    assert comparison.high > 1 / 50


def test_different_customers_are_not_compared() -> None:
    with pytest.raises(ValueError, match="3"):
        compare(EVERYBODY, EVERYBODY[:2], n_samples=10, rng=rng())


def test_fewer_articles_than_four_fifths_of_the_champions_are_too_few() -> None:
    scores = np.zeros(10)
    for n_articles, expected in ((100, True), (80, True), (79, False)):
        champion, challenger = (
            lists(scores, n_articles=100),
            lists(scores, n_articles=n_articles),
        )
        coverage = named(
            check_against_champion(champion, challenger, GATE, n_samples=10, rng=rng())
        )["coverage"]
        assert coverage.value == pytest.approx(n_articles / 100)
        assert coverage.passes is expected


def test_the_end_of_a_list_is_no_article() -> None:
    lists = np.full((1, LIST_LENGTH), NO_ARTICLE, np.int32)
    lists[0, :2] = 5, 9
    none = np.zeros(1)
    assert WeekLists(np.zeros(1, np.int64), lists, none, none.astype(bool)).n_articles == 2


def test_cold_customers_must_not_pay_for_a_better_mean() -> None:
    champion = lists(np.array([0.2] * 20 + [0.1] * 80), n_cold=20)
    challenger = lists(np.array([0.1] * 20 + [0.3] * 80), n_cold=20)
    cold = named(check_against_champion(champion, challenger, GATE, n_samples=100, rng=rng()))[
        "cold_start"
    ]
    assert not cold.passes
    assert cold.value == pytest.approx(0.1 - 0.2)
    assert "over 20 customers" in cold.sentence
    beside = named(
        check_challenger(
            evidence(challenger, champion.average_precision), GATE, n_samples=100, rng=rng()
        )
    )
    assert not beside["cold_start_popularity"].passes
    assert beside["popularity"].passes


def test_too_few_cold_customers_are_not_compared() -> None:
    champion, challenger = lists(np.ones(50), n_cold=9), lists(np.zeros(50), n_cold=9)
    cold = named(check_against_champion(champion, challenger, GATE, n_samples=10, rng=rng()))[
        "cold_start"
    ]
    assert cold.passes
    assert cold.value is None
    assert "9 buyers are too few" in cold.sentence


def test_a_model_significantly_below_popularity_is_rejected() -> None:
    ours = lists(np.full(50, 0.03))
    alone = named(
        check_challenger(evidence(ours, np.full(50, 0.04)), GATE, n_samples=10, rng=rng())
    )
    assert not alone["popularity"].passes
    assert "MAP@12 0.0300 against 0.0400" in alone["popularity"].sentence


@pytest.mark.parametrize(("width", "passes"), [(0.25, True), (0.26, False)])
def test_a_wide_gap_between_groups_is_rejected(*, width: float, passes: bool) -> None:
    ours = evidence(lists(EVERYBODY), EVERYBODY, Gap(width, "recall by age_band"))
    gap = named(check_challenger(ours, GATE, n_samples=10, rng=rng()))["fairness_gap"]
    assert gap.passes is passes
    assert "recall by age_band" in gap.sentence


def test_only_real_gaps_in_the_outcomes_of_served_lists_count() -> None:
    names = ["row", "measure", "attribute", "lowest", "highest", "gap", "criterion", "verdict"]
    lines = [
        ("popularity", "recall", "age_band", "a", "b", 0.9, "separation", "real"),
        ("served", "price", "age_band", "a", "b", 0.8, "independence", "real"),
        ("served", "recall", "age_band", "a", "b", 0.7, "separation", "within chance"),
        ("served", "recall", "history", "none", "many", 0.2, "separation", "real"),
        ("served", "precision", "history", "none", "many", 0.1, "sufficiency", "real"),
    ]
    gaps = pd.DataFrame(lines, columns=names)
    assert widest_real_gap(gaps) == Gap(0.2, "recall by history, from 'none' to 'many'")
    assert widest_real_gap(gaps[:3]) is None


def test_the_slowest_lists_decide_and_a_single_one_does_not() -> None:
    ours = lists(EVERYBODY)
    one_slow = np.array([30.0] * 199 + [900.0])
    three_slow = np.array([30.0] * 197 + [900.0] * 3)
    for latency_ms, passes in ((one_slow, True), (three_slow, False)):
        guardrails = check_challenger(
            Evidence(ours, EVERYBODY, None, latency_ms), GATE, n_samples=10, rng=rng()
        )
        assert named(guardrails)["latency"].passes is passes


def test_a_champion_fitted_later_has_seen_the_week() -> None:
    assert has_seen_the_week(date(2020, 9, 17), date(2020, 9, 16))
    assert not has_seen_the_week(date(2020, 9, 16), date(2020, 9, 16))
    verdict = refuse_comparison(date(2020, 9, 23), date(2020, 9, 16))
    assert not verdict.promotes
    assert "2020-09-23" in verdict.reason


def test_the_first_version_is_promoted_and_its_failed_guardrails_are_named() -> None:
    assert judge_unopposed(NO_CHAMPION, ()).reason == "there was no champion to compare with"
    verdict = judge_unopposed(NO_CHAMPION, (FAILED,))
    assert verdict.promotes
    assert verdict.guardrails == (FAILED,)
    assert "coverage: 50 articles" in verdict.reason


def test_a_shops_own_data_replaces_the_demo_and_never_the_other_way_round() -> None:
    assert judge_other_data("synthetic", "kaggle", ()).promotes
    rejected = judge_other_data("kaggle", "synthetic", ())
    assert not rejected.promotes
    assert "fitted on kaggle data, this version on synthetic" in rejected.reason


def test_an_unreadable_champion_is_replaced() -> None:
    assert judge_unopposed(UNREADABLE, ()).promotes


def test_a_version_that_was_rolled_back_is_never_promoted_by_the_gate() -> None:
    verdict = refuse_rolled_back("2020-09-20: lists of swimwear in September")
    assert not verdict.promotes
    assert "swimwear" in verdict.reason
    assert "hemline promote" in verdict.reason
