"""What explored places earned: beside the places around them, and against the best candidate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from hemline.experiments.off_policy import OffPolicyEstimate
from hemline.experiments.slot_values import best_candidate, mean_interval, slot_value
from hemline.shop.slot_log import SlotDecision, SlotLog, logged_decisions, with_all_candidates

Interval = tuple[float, float, float]

_SEED: Final = 7


@dataclass(frozen=True)
class PlaceEarnings:
    """What a place earned per list: the share that bought, and revenue.

    Attributes:
        name: of the place.
        n_decisions: lists.
        bought: the drawn article; mean and 95 % interval.
        revenue: of the drawn article, likewise.
        bought_beside: a place above or below that was not drawn.
        revenue_beside: likewise.
    """

    name: str
    n_decisions: int
    bought: Interval
    revenue: Interval
    bought_beside: Interval
    revenue_beside: Interval


@dataclass(frozen=True)
class SlotReadout:
    """What the explored places earned.

    Attributes:
        places: each, and all together first.
        n_waiting: decisions whose days are not over.
        n_customers: visitors of the decisions.
        gain: conversion that the best candidate would have had over what was drawn, per list, by
            DR: the price of exploration.
        revenue_gain: the same of revenue.
        effective: decisions that the log is worth for the best candidate alone.
    """

    places: tuple[PlaceEarnings, ...]
    n_waiting: int
    n_customers: int
    gain: OffPolicyEstimate | None
    revenue_gain: OffPolicyEstimate | None
    effective: float

    @property
    def sentence(self) -> str:
        """What it says, in words."""
        if not self.places:
            return (
                f"Nothing can be said yet: of {self.n_waiting} decisions none is over. Name places "
                "in shop.exploration, and wait for its reward_days."
            )
        n = self.places[0].n_decisions
        sold = None if self.gain is None else self.gain.interval
        money = None if self.revenue_gain is None else self.revenue_gain.interval
        if sold is None or money is None:
            why = "" if self.gain is None else f" {self.gain.refusal}"
            return f"The price of exploration is not known from {n} decisions.{why}"
        return (
            f"Exploration cost {_shown(sold)} purchases and {_shown(money)} revenue per drawn "
            f"place, which is {_shown([n * each for each in money])} revenue over {n} decisions, "
            "against always showing the best candidate there. The log is worth "
            f"{self.effective:.0f} decisions of that."
        )


def read_out_slots(log: SlotLog) -> SlotReadout:
    """Return what the explored places of a log earned."""
    decisions = log.decisions
    rng = np.random.default_rng(_SEED)
    if not decisions:
        return SlotReadout((), log.n_waiting, 0, None, None, 0.0)
    numbers = sorted({each.place for each in decisions})
    groups = {"all": list(decisions)} | {
        f"place {number}": [each for each in decisions if each.place == number]
        for number in numbers
    }
    places = tuple(_earnings(name, each, rng) for name, each in groups.items())
    whole = with_all_candidates(decisions)
    sold, money = (logged_decisions(whole, revenue=revenue) for revenue in (False, True))
    value = slot_value(sold, best_candidate(sold), rng)
    gain = slot_value(money, best_candidate(money), rng).gain_by_model
    return SlotReadout(
        places,
        log.n_waiting,
        len({each.visitor for each in decisions}),
        value.gain_by_model,
        gain,
        value.by_weights.effective_sample,
    )


def _earnings(
    name: str, decisions: Sequence[SlotDecision], rng: np.random.Generator
) -> PlaceEarnings:
    _, customer = np.unique([each.visitor for each in decisions], return_inverse=True)
    beside = [(one, at) for one, each in zip(customer, decisions, strict=True)
              for at in each.outcomes_beside]  # fmt: skip

    def mean(values: Sequence[float], of: Sequence[int]) -> Interval:
        if not values:
            return (np.nan, np.nan, np.nan)
        return mean_interval(np.array(values, np.float64), np.array(of, np.int64), rng)

    of_beside = [one for one, _ in beside]
    return PlaceEarnings(
        name,
        len(decisions),
        mean([each.outcome.bought for each in decisions], list(customer)),
        mean([each.outcome.revenue for each in decisions], list(customer)),
        mean([each.bought for _, each in beside], of_beside),
        mean([each.revenue for _, each in beside], of_beside),
    )


def _shown(interval: Sequence[float]) -> str:
    middle, low, high = interval
    return f"{middle:.4g} [{low:.4g}, {high:.4g}]"
