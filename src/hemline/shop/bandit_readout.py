"""What a bandit over versions shows: who got how much of the traffic, and what that saved.

An exposure is a visitor's day. Conversion by version weighs each with one over its propensity,
since days differ and shares change from day to day. Regret is what was lost against always showing
the version that sold best by these very numbers, so it flatters both ways of sharing out alike.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from hemline.experiments.assignment import EXPOSURE
from hemline.experiments.experiment_files import PlannedExperiment
from hemline.experiments.thompson import SHARES
from hemline.shop.event_log import EventLog, ShopEvent
from hemline.shop.slot_log import all_events

Values = npt.NDArray[np.float64]

_SAMPLES: Final = 1000
_SEED: Final = 7


@dataclass(frozen=True)
class BanditArm:
    """One version of a bandit.

    Attributes:
        version: its number.
        n_exposures: visitors' days.
        latest_share: of the traffic, on the last day that has one.
        conversion: share of its exposures that bought on the day, and a 95 % interval; None where
            it has none.
    """

    version: int
    n_exposures: int
    latest_share: float
    conversion: tuple[float, float, float] | None


@dataclass(frozen=True)
class BanditReadout:
    """What a bandit shows, of complete days.

    Attributes:
        arms: by version.
        n_days: complete days.
        lost: conversions that the bandit has lost against the best version.
        lost_by_equal_split: that equal shares would have lost.
        saved: the difference, with a 95 % interval.
        shares: of the traffic, by shop day and then by version, in order; days that are not
            complete, too.
    """

    arms: tuple[BanditArm, ...]
    n_days: int
    lost: float
    lost_by_equal_split: float
    saved: tuple[float, float, float]
    shares: Mapping[date, Sequence[float]]

    @property
    def sentence(self) -> str:
        """What it says, in words."""
        if not self.n_days:
            return "No day of the bandit is complete yet."
        best = max(self.arms, key=lambda each: each.latest_share)
        middle, low, high = self.saved
        return (
            f"Version {best.version} has {best.latest_share:.0%} of the traffic after "
            f"{self.n_days} days. The bandit lost {self.lost:.1f} conversions against the version "
            f"that sells best, equal shares would have lost {self.lost_by_equal_split:.1f}: "
            f"{middle:.1f} saved [{low:.1f}, {high:.1f}]. How much better a version is, an A/B "
            "test says."
        )


def read_bandit(
    log: EventLog, plan: PlannedExperiment, today: date, day_of: Callable[[datetime], date]
) -> BanditReadout:
    """Return what a bandit shows.

    Args:
        log: of the shop.
        plan: of a bandit.
        today: the shop day that is not over.
        day_of: the shop's clock.

    Raises:
        LogUnavailable: the log cannot be read.
    """
    events = [each.event for each in all_events(log)]
    names = [f"v{number}" for number in plan.versions]
    exposures = _exposures(events, plan.name, today)
    bought = {(each.visitor, day_of(each.at).isoformat()) for each in events
              if each.kind == "purchase"}  # fmt: skip
    arm = np.array([names.index(each.context["arm"]) for each in exposures], np.int64)
    converted = np.array(
        [float((each.visitor, each.context["day"]) in bought) for each in exposures]
    )
    weight = 1 / np.array([float(each.context["propensity"]) for each in exposures])
    _, visitor = np.unique([each.visitor for each in exposures], return_inverse=True)
    shares = _shares(events, plan.name, names)
    latest = [*shares.values()][-1] if shares else [1 / len(names)] * len(names)
    lost, equally, draws, rates = _regret(arm, converted, weight, visitor, len(names))
    arms = tuple(
        BanditArm(plan.versions[n], int((arm == n).sum()), latest[n], _conversion(rates, n))
        for n in range(len(names))
    )
    low, high = np.quantile(draws, [0.025, 0.975]) if len(draws) else (0.0, 0.0)
    n_days = len({each.context["day"] for each in exposures})
    saved = (equally - lost, float(low), float(high))
    return BanditReadout(arms, n_days, lost, equally, saved, shares)


def _exposures(events: Sequence[ShopEvent], experiment: str, today: date) -> list[ShopEvent]:
    """Return the first exposure of each visitor and complete day."""
    first: dict[tuple[str, str], ShopEvent] = {}
    for each in events:
        if each.kind == EXPOSURE and each.context["experiment"] == experiment:
            first.setdefault((each.visitor, each.context["day"]), each)
    return [each for (_, day), each in first.items() if day < today.isoformat()]


def _shares(
    events: Sequence[ShopEvent], experiment: str, names: Sequence[str]
) -> dict[date, list[float]]:
    found = {
        date.fromisoformat(each.context["day"]): [float(each.context[name]) for name in names]
        for each in events
        if each.kind == SHARES and each.context["experiment"] == experiment
    }
    return dict(sorted(found.items()))


def _regret(
    arm: npt.NDArray[np.int64],
    converted: Values,
    weight: Values,
    visitor: npt.NDArray[np.int64],
    n_arms: int,
) -> tuple[float, float, Values, Values]:
    """Return both regrets, draws of their difference, and rates: as they are, then drawn."""
    if not len(arm):
        return 0.0, 0.0, np.empty(0), np.empty((0, n_arms))
    rng = np.random.default_rng(_SEED)
    lost, rates = [], []
    for number in range(_SAMPLES + 1):
        drawn = rng.standard_exponential(int(visitor.max()) + 1)[visitor] if number else 1.0
        weighted = weight * drawn
        shown = np.bincount(arm, weighted, n_arms)
        sold = np.bincount(arm, weighted * converted, n_arms)
        rate = np.divide(sold, shown, out=np.zeros(n_arms), where=shown > 0)
        rates.append(rate)
        n_shown = np.bincount(arm, np.ones(len(arm)) * drawn, n_arms)
        lost.append((n_shown @ (rate.max() - rate), n_shown.sum() * (rate.max() - rate.mean())))
    by_bandit, equally = np.array(lost).T
    return float(by_bandit[0]), float(equally[0]), (equally - by_bandit)[1:], np.array(rates)


def _conversion(rates: Values, arm: int) -> tuple[float, float, float] | None:
    if not len(rates):
        return None
    low, high = np.quantile(rates[1:, arm], [0.025, 0.975])
    return float(rates[0, arm]), float(low), float(high)
