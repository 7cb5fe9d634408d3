"""What the guardrails of bandits and interleaved lists count, from events whose rates are known."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from hemline.experiments.experiment_files import SHELVES
from hemline.experiments.guardrail_state import GuardrailState
from hemline.experiments.served_tallies import ServedArms, ServedTally
from hemline.experiments.thompson import ArmCounts, traffic_shares
from hemline.shop.arm_tallies import arm_of_day
from hemline.shop.bandit_guardrails import bandit_states
from hemline.shop.event_log import ShopEvent
from hemline.shop.interleaving_guardrails import interleaving_states
from tests.experiments.test_served_guardrails import tally
from tests.shop.test_experiment_arms import planned
from tests.shop.tiny_workers import NOW

LIMITS = {"unlikes": 0.1, "returns": 0.1, "p99": 0.5, "fallbacks": 0.02, "least_answers": 1000}
MANY = planned(name="many", kind="bandit", versions=(1, 2), floor=0.1, guardrails=LIMITS)
DRAFTS = planned(
    name="drafts", kind="interleaving", reward_days=3, guardrails={**LIMITS, "coverage": 0.3}
)
NOTHING = ServedArms(ServedTally(), ServedTally())
HOUR = timedelta(hours=1)


def day_of(at: datetime) -> date:
    return at.date()


def act(kind: Any, who: str, article: str, at: datetime, units: int = 1) -> ShopEvent:
    return ShopEvent(kind, who, article, f"{kind}:{who}:{article}:{at}", at, units, 1.0)


def shared_out(day: int, shares: Mapping[str, float]) -> ShopEvent:
    at = NOW + timedelta(days=day)
    context = {"experiment": "many", "day": str(at.date())}
    named = {name: str(share) for name, share in shares.items()}
    return ShopEvent("shares", "many", "", f"s{day}", at, context=context | named)


def met(who: str, arm: str, day: int, propensity: float) -> ShopEvent:
    at = NOW + timedelta(days=day)
    context = {"experiment": "many", "day": str(at.date()), "arm": arm, "propensity": propensity}
    named = {name: str(each) for name, each in context.items()}
    return ShopEvent("exposure", who, "", f"e{who}{day}", at, context=named)


def by_name(states: tuple[GuardrailState, ...]) -> dict[str, GuardrailState]:
    return {each.name: each for each in states}


def broken(states: tuple[GuardrailState, ...]) -> list[str]:
    return [each.name for each in states if each.is_broken]


def two_days(worse: int = 0, n: int = 150) -> list[ShopEvent]:
    """Let version 2 have most of the traffic on the day on which everybody unlikes two articles.

    Args:
        worse: unlikes more of each visitor's day with version 2.
        n: times that each visitor's day is repeated.
    """
    events = []
    days: list[tuple[dict[str, float], dict[str, int], int]] = [
        ({"v1": 0.75, "v2": 0.25}, {"v1": 3, "v2": 1}, 0),
        ({"v1": 0.25, "v2": 0.75}, {"v1": 1, "v2": 3}, 2),
    ]
    for day, (shares, visitors, unlikes) in enumerate(days):
        events.append(shared_out(day, shares))
        for arm, times in visitors.items():
            for number in range(n * times):
                who = f"guest:{day}{arm}{number}"
                events.append(met(who, arm, day, shares[arm]))
                at = NOW + timedelta(days=day) + HOUR
                for article in range(unlikes + worse * (arm == "v2")):
                    events.append(act("unlike", who, str(article), at))  # noqa: PERF401
    return events


def test_an_arm_that_is_shown_more_on_a_bad_day_is_not_worse() -> None:
    states = by_name(bandit_states(two_days(), {}, MANY, day_of))
    found = states["unlikes (version 2)"].comparison
    v1 = (0 * 3 / 0.75 + 2 * 1 / 0.25) / (3 / 0.75 + 1 / 0.25)
    v2 = (0 * 1 / 0.25 + 2 * 3 / 0.75) / (1 / 0.25 + 3 / 0.75)
    assert (v1, v2) == (1.0, 1.0)
    assert found.control == pytest.approx(v1)
    assert found.treatment == pytest.approx(v2)
    assert (found.n_control, found.n_treatment) == (600, 600)
    assert not any(each.is_broken for each in states.values())


def test_an_arm_that_is_unliked_is_found() -> None:
    states = bandit_states(two_days(worse=1), {}, MANY, day_of)
    assert broken(states) == ["unlikes (version 2)"]
    assert by_name(states)["unlikes (version 2)"].comparison.treatment == pytest.approx(2)


def adaptive(seed: int, rates: Mapping[str, float]) -> list[ShopEvent]:
    """Let a bandit share out ten days by who sells; the same visitors come every other day."""
    rng, counts = np.random.default_rng(seed), ArmCounts.none(2)
    events = []
    for day in range(10):
        shares = dict(zip(rates, traffic_shares(counts, 0.1, rng), strict=True))
        events.append(shared_out(day, shares))
        arms = rng.choice(2, 300, p=[*shares.values()])
        sells = rng.random(300) < np.array([0.05, 0.1])[arms]
        for number, arm in enumerate(arms):
            who, name = f"guest:{number}-{day % 2}", [*rates][arm]
            at = NOW + timedelta(days=day, hours=1)
            events.append(met(who, name, day, shares[name]))
            if sells[number]:
                events.append(act("purchase", who, "a", at))
            if rng.random() < rates[name] * (1 + day % 3):
                events.append(act("unlike", who, "b", at))
        shown = np.bincount(arms, minlength=2)
        counts = counts.plus(shown, np.bincount(arms, sells, 2).astype(np.int64))
    return events


def is_broken_on_some_day(events: list[ShopEvent]) -> bool:
    days = [NOW + timedelta(days=day) for day in (2, 4, 6, 8, 10)]
    parts = ([each for each in events if each.at < day] for day in days)
    plan = MANY.model_copy(update={"guardrails": {"unlikes": 1e-9}})
    return any(broken(bandit_states(part, {}, plan, day_of)) for part in parts)


def test_a_bandit_that_shares_out_by_sales_is_seldom_stopped_for_nothing() -> None:
    equal = sum(is_broken_on_some_day(adaptive(seed, {"v1": 0.1, "v2": 0.1})) for seed in range(60))
    assert equal <= 0.05 * 60
    assert all(is_broken_on_some_day(adaptive(seed, {"v1": 0.05, "v2": 0.2})) for seed in range(10))


def test_only_what_follows_the_exposure_on_its_day_belongs_to_an_arm() -> None:
    one, other = "guest:one", "guest:other"
    events = [
        act("unlike", one, "a", NOW - HOUR),
        met(one, "v1", 0, 0.5),
        met(other, "v2", 0, 0.5),
        act("unlike", one, "b", NOW + HOUR),
        act("purchase", one, "c", NOW + HOUR, units=4),
        act("unlike", one, "d", NOW + timedelta(days=1)),  # met no arm on this day
        act("return", one, "c", NOW + timedelta(days=5), units=3),
        act("purchase", one, "c", NOW + timedelta(days=6)),
        act("return", one, "c", NOW + timedelta(days=7)),  # of what no arm sold
    ]
    states = by_name(bandit_states(events, {}, MANY, day_of))
    assert states["unlikes (version 2)"].comparison.control == 1.0
    assert states["returns (version 2)"].comparison.control == 3 / 4


def sold(kind: str, arms: Sequence[str], bought: int, returned: tuple[int, int]) -> list[ShopEvent]:
    """Let who meets the second arm buy five times as much as who meets the first one."""
    events = []
    for number in range(600):
        arm = number % 2
        who, units = f"guest:{number}", bought * (1, 5)[arm]
        events += [
            met(who, arms[arm], 0, 0.5),
            act("purchase", who, "a", NOW + HOUR, units),
            act("return", who, "a", NOW + timedelta(days=9), returned[arm] * (number % 4 < 2)),
        ]
    assert kind in {"bandit", "shelves"}
    return events


@pytest.mark.parametrize(("kind", "arms"), [("bandit", ("v1", "v2")), ("shelves", SHELVES)])
def test_who_sells_more_may_have_more_back_but_not_a_larger_share(
    kind: str, arms: Sequence[str]
) -> None:
    plan = MANY.model_copy(update={"kind": kind, "shelves": SHELVES})
    name = "returns (version 2)" if kind == "bandit" else "returns (similar)"
    states = bandit_states(sold(kind, arms, 2, (1, 5)), {}, plan, day_of)
    assert by_name(states)[name].comparison.treatment == 5 / 10 / 2
    assert by_name(states)[name].comparison.control == 1 / 2 / 2
    assert broken(states) == []
    assert broken(bandit_states(sold(kind, arms, 2, (1, 10)), {}, plan, day_of)) == [name]


def test_a_bandit_over_shelves_has_no_guardrail_on_lists() -> None:
    plan = MANY.model_copy(update={"kind": "shelves", "shelves": SHELVES})
    names = [
        each.name for each in bandit_states(sold("shelves", SHELVES, 1, (0, 0)), {}, plan, day_of)
    ]
    assert names == ["unlikes (similar)", "returns (similar)"]


def served(bad_day: Mapping[str, ServedTally]) -> dict[str, ServedTally]:
    """Return the lists of two days, of which each arm has its share of 20,000."""
    shares: list[dict[str, float]] = [{"v1": 0.75, "v2": 0.25}, {"v1": 0.25, "v2": 0.75}]
    first, second = NOW.date(), (NOW + timedelta(days=1)).date()
    calm = {arm_of_day(arm, first): tally(int(20_000 * share)) for arm, share in shares[0].items()}
    return calm | {arm_of_day(arm, second): each for arm, each in bad_day.items()}


@pytest.mark.parametrize(("slow", "failing"), [(9.0, 0.0), (1.0, 0.5)])
def test_lists_of_a_bad_day_count_by_its_shares(slow: float, failing: float) -> None:
    both = {
        arm: tally(n, slow=slow, fallbacks=int(failing * n))
        for arm, n in (("v1", 5000), ("v2", 15_000))
    }
    states = bandit_states(two_days(n=1), served(both), MANY, day_of)
    assert broken(states) == []
    fallbacks = by_name(states)["fallbacks (version 2)"].comparison
    assert fallbacks.control == pytest.approx(failing / 2, abs=1e-3)
    assert fallbacks.treatment == pytest.approx(failing / 2, abs=1e-3)
    worse = {**both, "v1": tally(5000)}
    name = "p99 (version 2)" if slow > 1 else "fallbacks (version 2)"
    assert broken(bandit_states(two_days(n=1), served(worse), MANY, day_of)) == [name]


def drafted(who: str, n_bought: Mapping[str, int] = {}) -> list[ShopEvent]:
    context = {"experiment": "drafts", "day": str(NOW.date())}
    arm = {"experiment": "drafts", "arm": "interleaved"}
    teams = {**context, "control": "a b", "treatment": "c d"}
    return [
        ShopEvent("exposure", who, "", f"e{who}", NOW, context=arm),
        ShopEvent("interleaving", who, "", f"l{who}", NOW, context=teams),
        *(act("purchase", who, article, NOW + HOUR, n) for article, n in n_bought.items()),
    ]


@pytest.mark.parametrize(("unliked", "expected"), [("ac", []), ("a", []), ("c", ["unlikes"]),
                                                   ("acd", ["unlikes"])])  # fmt: skip
def test_unlikes_count_for_who_added_the_article(unliked: str, expected: list[str]) -> None:
    events = []
    for number in range(400):
        events += drafted(f"customer:{number}")
        events += [
            act("unlike", f"customer:{number}", article, NOW + HOUR)
            for article in unliked
            if number % 4
        ]
    states = interleaving_states(events, NOTHING, DRAFTS)
    assert broken(states) == [f"{each} (version 2)" for each in expected]
    found = by_name(states)["unlikes (version 2)"].comparison
    assert found.control == pytest.approx(0.75 * len({*unliked} & {*"ab"}) / 2)
    assert found.treatment == pytest.approx(0.75 * len({*unliked} & {*"cd"}) / 2)


@pytest.mark.parametrize(("share_back", "expected"), [(2, []), (1, ["returns (version 2)"])])
def test_a_ranking_that_sells_more_is_not_stopped_for_its_returns(
    share_back: int, expected: list[str]
) -> None:
    events = []
    for number in range(400):
        who = f"customer:{number}"
        events += drafted(who, {"a": 2, "c": 8})
        back = NOW + timedelta(days=9)
        events += [act("return", who, "a", back), act("return", who, "c", back, 8 // share_back)]
    states = interleaving_states(events, NOTHING, DRAFTS)
    found = by_name(states)["returns (version 2)"].comparison
    assert (found.control, found.treatment) == (1 / 2, 1 / share_back)
    assert broken(states) == expected


def test_what_is_bought_too_late_and_sent_back_is_nobodys() -> None:
    events = [
        *drafted("customer:1", {"c": 2}),
        act("purchase", "customer:1", "c", NOW + timedelta(days=4)),
        act("return", "customer:1", "c", NOW + timedelta(days=6)),
    ]
    states = by_name(interleaving_states(events, NOTHING, DRAFTS))
    found = states["returns (version 2)"].comparison
    assert (found.treatment, found.n_treatment) == (0.0, 1)


def test_lists_that_the_versions_make_for_drafts_are_compared_as_arms() -> None:
    for name, treatment in (
        ("p99", tally(slow=2.0)), ("fallbacks", tally(fallbacks=400)),
        ("coverage", tally(articles=150)),
    ):  # fmt: skip
        states = interleaving_states([], ServedArms(tally(), treatment), DRAFTS)
        assert broken(states) == [f"{name} (version 2)"]
    assert broken(interleaving_states([], ServedArms(tally(), tally()), DRAFTS)) == []
