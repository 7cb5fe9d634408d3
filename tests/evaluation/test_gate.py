"""The gate, where the numbers can be worked out in the head."""

from dataclasses import replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from hemline.evaluation.gate.gate_verdict import (
    ALREADY_CHAMPION,
    NO_CHAMPION,
    UNREADABLE,
    confirm_champion,
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
    has_tested_gaps,
    widest_real_gap,
)
from hemline.evaluation.gate.version_comparison import Comparison, compare
from hemline.evaluation.version_lists import LIST_LENGTH, WeekLists
from hemline.kernels.lists import NO_ARTICLE

EVERYBODY = np.array([0.0, 0.5, 1.0])
GATE = GateParams(
    min_customers=50,
    max_relative_loss=0.05,
    max_first_loss=0.05,
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
    return Comparison(champion, challenger, low, high, n_customers=900, min_customers=50)


def drawn(champion: npt.NDArray[np.float64], challenger: npt.NDArray[np.float64]) -> Comparison:
    return compare(champion, challenger, min_customers=50, n_samples=1000, rng=rng())


def against_popularity(comparison: Comparison) -> Guardrail:
    return Guardrail("popularity", None, 0.0, not comparison.is_worse, "", comparison)


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
    base = rng().uniform(0, 0.5, size=2000)
    comparison = drawn(base, base + 0.25)
    # Every customer gains the same, however far apart customers are; what is left is the customer
    # nobody has seen, who may lose or gain 1 and weighs less than 4 / 2000 in 975 of 1000 draws.
    assert 0.25 - 1.25 * 4 / 2000 < comparison.low < 0.25
    assert 0.25 < comparison.high < 0.25 + 0.75 * 4 / 2000
    assert comparison.champion == pytest.approx(base.mean())
    assert comparison.difference == pytest.approx(0.25)
    assert comparison.n_customers == 2000


def test_one_lucky_customer_among_many_gives_an_interval_that_reaches_zero() -> None:
    champion = np.zeros(50)
    challenger = champion.copy()
    challenger[0] = 1.0
    comparison = drawn(champion, challenger)
    assert comparison.difference == pytest.approx(1 / 50)
    assert comparison.low < 0
    assert comparison.high > 1 / 50


@pytest.mark.parametrize(("champion", "challenger"), [(0.1, 0.5), (0.5, 0.1), (0.0, 1.0)])
def test_a_week_of_one_buyer_tells_nothing_and_the_champion_stays(
    champion: float, challenger: float
) -> None:
    comparison = drawn(np.array([champion]), np.array([challenger]))
    # The seen and the unseen customer share the weight: the ends lie within 2.5 % of -1 and 1.
    assert comparison.low < -0.9
    assert comparison.high > 0.9
    verdict = judge(comparison, (), max_relative_loss=1.0)
    assert not verdict.promotes
    assert "inconclusive (fewer than 50 customers) against the champion" in verdict.reason
    assert "hemline promote" in verdict.reason
    assert "significantly" not in verdict.reason


def test_customers_without_any_hit_tell_nothing_however_equal_they_are() -> None:
    comparison = drawn(np.zeros(65), np.zeros(65))
    # Of 65 misses the rule of three allows a mean of 3 / 65, two-sided 3.7 / 65.
    assert comparison.high == pytest.approx(3.7 / 65, rel=0.1)
    assert comparison.low == pytest.approx(-3.7 / 65, rel=0.1)
    verdict = judge(comparison, (), max_relative_loss=0.05)
    assert not verdict.promotes
    assert "inconclusive (too few of the customers have a hit)" in verdict.reason


def test_equal_lists_with_hits_are_a_draw_that_was_measured() -> None:
    equal = np.tile([0.0, 0.0, 0.5], 100)
    comparison = drawn(equal, equal)
    assert comparison.is_conclusive
    assert -0.02 < comparison.low < 0 < comparison.high < 0.02
    assert judge(comparison, (), max_relative_loss=0.05).promotes


def test_different_customers_are_not_compared() -> None:
    with pytest.raises(ValueError, match="3"):
        drawn(EVERYBODY, EVERYBODY[:2])


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


def cold_start(champion: WeekLists, challenger: WeekLists) -> Guardrail:
    checked = check_against_champion(champion, challenger, GATE, n_samples=1000, rng=rng())
    return named(checked)["cold_start"]


def test_cold_customers_must_not_pay_for_a_better_mean() -> None:
    champion = lists(np.array([0.6] * 20 + [0.1] * 80), n_cold=20)
    challenger = lists(np.array([0.1] * 20 + [0.3] * 80), n_cold=20)
    cold = cold_start(champion, challenger)
    assert not cold.passes
    assert cold.comparison is not None
    assert cold.comparison.difference == pytest.approx(0.1 - 0.6)
    assert cold.value == cold.comparison.high < 0
    assert "significantly worse than the champion for cold customers" in cold.sentence
    assert "over 20 customers" in cold.sentence
    beside = named(
        check_challenger(
            evidence(challenger, champion.average_precision), GATE, n_samples=1000, rng=rng()
        )
    )
    assert not beside["cold_start_popularity"].passes
    assert beside["popularity"].passes


def test_too_few_cold_customers_tell_nothing() -> None:
    cold = cold_start(lists(np.ones(50), n_cold=9), lists(np.zeros(50), n_cold=9))
    assert cold.passes
    assert cold.value is None
    assert "inconclusive (fewer than 10 customers)" in cold.sentence


def test_without_cold_customers_nothing_is_compared() -> None:
    cold = cold_start(lists(np.ones(50)), lists(np.zeros(50)))
    assert cold.passes
    assert cold.comparison is None
    assert cold.sentence.startswith("no buyer of the week is to be compared with the champion")


def test_a_model_significantly_below_popularity_is_rejected() -> None:
    ours = lists(np.full(400, 0.03))
    alone = named(
        check_challenger(evidence(ours, np.full(400, 0.06)), GATE, n_samples=1000, rng=rng())
    )
    assert not alone["popularity"].passes
    assert "significantly worse than popularity: MAP@12 0.0300" in alone["popularity"].sentence


@pytest.mark.parametrize(("width", "passes"), [(0.25, True), (0.26, False)])
def test_a_wide_gap_between_groups_is_rejected(*, width: float, passes: bool) -> None:
    ours = evidence(lists(EVERYBODY), EVERYBODY, Gap(width, "recall by age_band"))
    gap = named(check_challenger(ours, GATE, n_samples=10, rng=rng()))["fairness_gap"]
    assert gap.passes is passes
    assert "recall by age_band" in gap.sentence


def test_groups_too_small_to_compare_are_not_called_equal() -> None:
    untested = replace(evidence(lists(EVERYBODY), EVERYBODY), are_gaps_tested=False)
    gap = named(check_challenger(untested, GATE, n_samples=10, rng=rng()))["fairness_gap"]
    assert gap.passes
    assert gap.value is None
    assert "inconclusive" in gap.sentence
    tested = named(
        check_challenger(evidence(lists(EVERYBODY), EVERYBODY), GATE, n_samples=10, rng=rng())
    )
    assert "no gap between groups is larger than chance" in tested["fairness_gap"].sentence


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
    assert has_tested_gaps(gaps[:3])
    assert not has_tested_gaps(gaps[:2])


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


@pytest.mark.parametrize(
    ("comparison", "promotes", "says"),
    [
        (compared(0.10, 0.12, 0.01, 0.03), True, "significantly better than popularity"),
        (compared(0.10, 0.11, -0.01, 0.03), True, "it serves because no other version can"),
        (compared(0.002, 0.006, -0.05, 0.06), True, "inconclusive"),
        (compared(0.10, 0.08, -0.03, -0.01), False, "no version serves until one is not worse"),
    ],
)
def test_the_first_version_is_compared_with_popularity(
    *, comparison: Comparison, promotes: bool, says: str
) -> None:
    verdict = judge_unopposed(NO_CHAMPION, (against_popularity(comparison),))
    assert verdict.promotes is promotes
    assert verdict.reason.startswith("there was no champion to compare with; ")
    assert says in verdict.reason
    assert comparison.numbers in verdict.reason


def test_the_first_versions_other_failed_guardrails_are_named() -> None:
    popularity = against_popularity(compared(0.10, 0.12, 0.01, 0.03))
    verdict = judge_unopposed(NO_CHAMPION, (popularity, FAILED))
    assert verdict.promotes
    assert verdict.guardrails == (popularity, FAILED)
    assert "coverage: 50 articles" in verdict.reason
    with pytest.raises(ValueError, match="compared with popularity"):
        judge_unopposed(NO_CHAMPION, (FAILED,))


def test_a_version_that_serves_already_is_not_taken_away() -> None:
    worse = against_popularity(compared(0.10, 0.08, -0.03, -0.01))
    verdict = confirm_champion((worse,))
    assert verdict.promotes
    assert verdict.reason.startswith(ALREADY_CHAMPION)


def test_a_shops_own_data_replaces_the_demo_and_never_the_other_way_round() -> None:
    popularity = against_popularity(compared(0.002, 0.006, -0.05, 0.06))
    replaced = judge_other_data("synthetic", "kaggle", (popularity,))
    assert replaced.promotes
    assert "inconclusive" in replaced.reason
    rejected = judge_other_data("kaggle", "synthetic", (popularity,))
    assert not rejected.promotes
    assert "fitted on kaggle data, this version on synthetic" in rejected.reason


def test_an_unreadable_champion_is_replaced() -> None:
    popularity = against_popularity(compared(0.10, 0.12, 0.01, 0.03))
    assert judge_unopposed(UNREADABLE, (popularity,)).promotes


def test_a_version_that_was_rolled_back_is_never_promoted_by_the_gate() -> None:
    verdict = refuse_rolled_back("2020-09-20: lists of swimwear in September")
    assert not verdict.promotes
    assert "swimwear" in verdict.reason
    assert "hemline promote" in verdict.reason
