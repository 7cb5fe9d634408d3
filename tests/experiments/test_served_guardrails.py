from dataclasses import replace

import numpy as np
import pytest

from hemline.experiments.experiment_params import Guardrails
from hemline.experiments.readout import LookPlan, read_out
from hemline.experiments.served_guardrails import distinct, served_states
from hemline.experiments.served_tallies import (
    ServedArms,
    ServedTally,
    bucket_of,
    percentile,
)
from tests.experiments.test_readout import drawn, seen_of

LIMITS = Guardrails(p99=0.5, fallbacks=0.02, coverage=0.3, fairness_gap=0.3)
BETWEEN = LookPlan((0.7,), is_look=False, is_last=False, planned_error=0.05, alpha=0.05)
ALPHA = 0.01


def tally(
    n: int = 5000, *, slow: float = 1.0, fallbacks: int = 0, articles: int = 300
) -> ServedTally:
    """Lists that take 3 to 30 ms, of articles that are all listed alike often."""
    times = slow * np.geomspace(3.0, 30.0, n)
    buckets, counts = np.unique([bucket_of(each) for each in times], return_counts=True)
    milliseconds = dict(zip(buckets.tolist(), counts.tolist(), strict=True))
    return ServedTally(n, fallbacks, milliseconds, np.full(articles, 12 * n / articles))


def broken(treatment: ServedTally, control: ServedTally | None = None) -> list[str]:
    arms = ServedArms(control or tally(), treatment)
    return [each.name for each in served_states(arms, LIMITS, ALPHA) if each.is_broken]


def test_arms_that_are_answered_alike_break_nothing() -> None:
    assert broken(tally()) == []
    assert broken(tally(n=1500), tally(n=9000)) == []


@pytest.mark.parametrize(
    ("name", "treatment"),
    [
        ("p99", tally(slow=2.0)),
        ("fallbacks", tally(fallbacks=400)),
        ("coverage", tally(articles=150)),
    ],
)
def test_each_guardrail_finds_what_it_is_for_once_there_are_enough_answers(
    name: str, treatment: ServedTally
) -> None:
    assert broken(treatment) == [name]
    few = replace(treatment, n_answers=999)
    assert broken(few, replace(tally(), n_answers=999)) == []


def test_what_is_within_its_limit_breaks_nothing() -> None:
    assert broken(tally(slow=1.3)) == []
    assert broken(tally(fallbacks=110)) == []
    assert broken(tally(articles=240)) == []


def test_coverage_is_that_of_as_many_lists() -> None:
    rng = np.random.default_rng(7)
    shown = np.bincount(rng.integers(0, 400, 12 * 50), minlength=400).astype(float)
    more = np.bincount(rng.integers(0, 400, 12 * 500), minlength=400).astype(float)
    assert distinct(more, 500, 50) == pytest.approx(distinct(shown, 50, 50), rel=0.08)
    assert distinct(shown, 50, 50) < distinct(more, 500, 500)


def test_a_percentile_is_right_to_a_twentieth() -> None:
    times = np.random.default_rng(1).lognormal(2.0, 0.5, 20_000)
    counts: dict[int, int] = {}
    for each in times:
        counts[bucket_of(each)] = counts.get(bucket_of(each), 0) + 1
    assert percentile(counts, 0.99) == pytest.approx(np.quantile(times, 0.99), rel=0.06)
    assert np.isnan(percentile({}, 0.99))


def test_the_sentence_says_what_was_found() -> None:
    seen = seen_of(*drawn(0.0))
    arms = ServedArms(tally(), tally(slow=2.0, fallbacks=500))
    found = read_out(seen, BETWEEN, LIMITS, served=arms)
    assert found.decision == "stop"
    assert "worse in p99, fallbacks than the guardrail allows" in found.sentence
    assert "fallbacks: 0.1 against 0, at most 0.02 is allowed" in found.sentence
    as_planned_before = Guardrails(unlikes=0.1, returns=0.1, orders=0.05)
    assert read_out(seen, BETWEEN, as_planned_before, served=arms).decision == "running"


def test_a_group_that_fares_worse_than_others_breaks_the_fairness_gap() -> None:
    n = 2000
    segments = np.array([f"cluster {number % 4}" for number in range(2 * n)], dtype=object)
    orders = np.random.default_rng(5).poisson(1.0, 2 * n).astype(float)
    treated = np.arange(2 * n) >= n
    fair = seen_of(*drawn(0.0, n), orders=orders)
    found = read_out(fair, BETWEEN, LIMITS, segments=segments)
    assert [each.name[:12] for each in found.guardrails][-1] == "fairness gap"
    assert found.decision == "running"
    unfair = np.where(treated & (segments == "cluster 2"), 0.2 * orders, orders)
    unfair = np.where(treated & (segments != "cluster 2"), 1.3 * orders, unfair)
    found = read_out(seen_of(*drawn(0.0, n), orders=unfair), BETWEEN, LIMITS, segments=segments)
    assert found.decision == "stop"
    assert "worse in fairness gap (cluster 2)" in found.sentence
