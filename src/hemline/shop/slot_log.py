"""What was drawn for explored places, and what came of it, from the event log.

A purchase counts for the latest list that showed the article to its buyer in the place, within the
reward's days; what was sent back is taken off again. A decision counts once those days are over.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from hemline.experiments.exploration_slots import EXPLORATION
from hemline.experiments.off_policy import LoggedDecisions
from hemline.shop.event_log import EventLog, Recorded, ShopEvent

_AT_ONCE: Final = 10_000


@dataclass(frozen=True)
class Outcome:
    """What an article that was shown earned.

    Attributes:
        bought: 1 where it was bought and not sent back, else 0.
        revenue: paid for it, less what was paid back.
    """

    bought: float = 0.0
    revenue: float = 0.0


@dataclass(frozen=True)
class SlotDecision:
    """What was drawn for one place of one visitor's lists of a day.

    Attributes:
        sequence: of the event in the log.
        at: when it was first shown.
        visitor: the customer, also where it was shown before the guest signed in.
        shown_to: the name that the visitor had then.
        version: whose ranking it was drawn from.
        place: in the list, from 1.
        candidates: article_ids, best first.
        propensities: of each candidate.
        chosen: index among the candidates.
        beside: article_ids above and below that were not drawn.
        outcome: of the chosen one.
        outcomes_beside: of those beside.
    """

    sequence: int
    at: datetime
    visitor: str
    shown_to: str
    version: int
    place: int
    candidates: tuple[str, ...]
    propensities: tuple[float, ...]
    chosen: int
    beside: tuple[str, ...]
    outcome: Outcome = field(default_factory=Outcome)
    outcomes_beside: tuple[Outcome, ...] = ()


@dataclass(frozen=True)
class SlotLog:
    """The decisions of a log.

    Attributes:
        decisions: whose days are over, oldest first.
        n_waiting: other decisions.
    """

    decisions: tuple[SlotDecision, ...]
    n_waiting: int


def read_slot_log(log: EventLog, now: datetime, reward_days: int) -> SlotLog:
    """Return what was drawn until now and what it earned.

    Args:
        log: of the shop.
        now: the present moment, in UTC.
        reward_days: how long after a list a purchase counts for it.

    Raises:
        LogUnavailable: it cannot be read.
    """
    events = [each for each in all_events(log) if each.event.at <= now]
    drawn = [_decision(each) for each in events if each.event.kind == EXPLORATION]
    earned = _earned(drawn, [each.event for each in events], timedelta(days=reward_days))
    is_over = [each.at + timedelta(days=reward_days) <= now for each in drawn]
    decisions = tuple(
        replace(
            each,
            outcome=earned[each.sequence, each.candidates[each.chosen]],
            outcomes_beside=tuple(earned[each.sequence, one] for one in each.beside),
        )
        for each, over in zip(drawn, is_over, strict=True)
        if over
    )
    return SlotLog(decisions, len(drawn) - len(decisions))


def logged_decisions(
    decisions: Sequence[SlotDecision], *, revenue: bool = False
) -> LoggedDecisions:
    """Return decisions of as many candidates each as arrays.

    Args:
        decisions: at least one.
        revenue: whether the reward is revenue, not whether it was bought.
    """
    _, customer = np.unique([each.visitor for each in decisions], return_inverse=True)
    propensities = np.array([each.propensities for each in decisions])
    rewards = [each.outcome.revenue if revenue else each.outcome.bought for each in decisions]
    return LoggedDecisions(
        customer.astype(np.int64),
        np.array([each.chosen for each in decisions], np.int64),
        propensities / propensities.sum(axis=1, keepdims=True),  # of rounded ones
        np.array(rewards),
    )


def with_all_candidates(decisions: Sequence[SlotDecision]) -> list[SlotDecision]:
    """Return the decisions that have as many candidates as any: a short ranking has fewer."""
    most = max((len(each.candidates) for each in decisions), default=0)
    return [each for each in decisions if len(each.candidates) == most]


def all_events(log: EventLog) -> Iterable[Recorded]:
    """Yield the events of a log, in order, linked guests as customers."""
    sequence = 0
    while some := log.since(sequence, _AT_ONCE):
        sequence = some[-1].sequence
        yield from some


def _decision(recorded: Recorded) -> SlotDecision:
    event = recorded.event
    context = event.context
    candidates = tuple(context["candidates"].split())
    return SlotDecision(
        recorded.sequence,
        event.at,
        event.visitor,
        event.key.split(":", 4)[-1],
        int(context["version"]),
        int(context["place"]),
        candidates,
        tuple(float(each) for each in context["propensities"].split()),
        candidates.index(event.article_id),
        tuple(context["beside"].split()),
    )


def _earned(
    drawn: Sequence[SlotDecision], events: Sequence[ShopEvent], within: timedelta
) -> dict[tuple[int, str], Outcome]:
    """Return what each article of each decision earned."""
    shown: dict[tuple[str, str], list[SlotDecision]] = defaultdict(list)
    for each in drawn:
        for article in {each.candidates[each.chosen], *each.beside}:
            shown[each.visitor, article].append(each)
    units: dict[tuple[int, str], int] = defaultdict(int)
    revenue: dict[tuple[int, str], float] = defaultdict(float)
    latest: dict[tuple[str, str], list[SlotDecision]] = {}
    for event in events:
        who = (event.visitor, event.article_id)
        if event.kind == "purchase":
            latest[who] = _latest(shown.get(who, []), event.at, within)
        elif event.kind != "return":
            continue
        sign = 1 if event.kind == "purchase" else -1
        for each in latest.get(who, []):
            units[each.sequence, event.article_id] += sign * event.units
            revenue[each.sequence, event.article_id] += sign * event.units * (event.price or 0.0)
    return defaultdict(
        Outcome,
        {at: Outcome(float(net > 0), max(revenue[at], 0.0)) for at, net in units.items()},
    )


def _latest(shown: Sequence[SlotDecision], at: datetime, within: timedelta) -> list[SlotDecision]:
    """Return the decisions of the latest list that showed an article before a moment."""
    before = [each for each in shown if each.at <= at <= each.at + within]
    last = max((each.at for each in before), default=None)
    return [each for each in before if each.at == last]
