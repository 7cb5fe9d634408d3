"""What a bandit over versions or shelves shows: who got how much of the traffic, what that saved.

An exposure is a visitor's day. Conversion by arm weighs each with one over its propensity, since
days differ and shares change from day to day. Regret is what was lost against always showing the
arm that sold best by these very numbers, so it flatters both ways of sharing out alike.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from hemline.experiments.experiment_files import PlannedExperiment
from hemline.experiments.guardrail_state import GuardrailState
from hemline.experiments.rate_guardrails import broken_sentence
from hemline.experiments.thompson import SHARES
from hemline.shop.bandit_days import BanditDays
from hemline.shop.event_log import EventLog, ShopEvent
from hemline.shop.slot_log import all_events

Values = npt.NDArray[np.float64]

_SAMPLES: Final = 1000
_SEED: Final = 7
_TAIL: Final = 0.025


@dataclass(frozen=True)
class BanditArm:
    """One version or shelf of a bandit.

    Attributes:
        arm: as it is logged.
        name: number of the version, or name of the shelf.
        n_exposures: visitors' days.
        latest_share: of the traffic, on the last day that has one.
        conversion: share of its exposures that bought on the day, and a 95 % interval; None where
            it has none.
    """

    arm: str
    name: str
    n_exposures: int
    latest_share: float
    conversion: tuple[float, float, float] | None


@dataclass(frozen=True)
class BanditReadout:
    """What a bandit shows, of complete days.

    Attributes:
        of: what its arms are.
        arms: in the order of the plan.
        n_days: complete days.
        lost: conversions that the bandit has lost against the best arm.
        lost_by_equal_split: that equal shares would have lost.
        saved: the difference, with a 95 % interval.
        shares: of the traffic, by shop day and then by arm, in order; days that are not complete,
            too.
        guardrails: how they stand, of each arm but the first; today counts.
    """

    of: Literal["version", "shelf"]
    arms: tuple[BanditArm, ...]
    n_days: int
    lost: float
    lost_by_equal_split: float
    saved: tuple[float, float, float]
    shares: Mapping[date, Sequence[float]]
    guardrails: tuple[GuardrailState, ...] = ()

    @property
    def sentence(self) -> str:
        """What it says, in words; of a broken guardrail first."""
        return f"{broken_sentence(self.guardrails)} {self._shared_out}".lstrip()

    @property
    def _shared_out(self) -> str:
        if not self.n_days:
            return "No day of the bandit is complete yet."
        best = max(self.arms, key=lambda each: each.latest_share)
        middle, low, high = self.saved
        if self.of == "version":
            leads = f"Version {best.name} has {best.latest_share:.0%} of the traffic"
            limits = "How much better a version is, an A/B test says."
        else:
            leads = f"'{best.name}' stands first for {best.latest_share:.0%} of the visitors"
            limits = "The less a shelf is shown, the less exactly it is measured."
        after = "1 day" if self.n_days == 1 else f"{self.n_days} days"
        return (
            f"{leads} after {after}. The bandit lost {self.lost:.1f} conversions "
            f"against the {self.of} that sells best, equal shares would have lost "
            f"{self.lost_by_equal_split:.1f}: {middle:.1f} saved [{low:.1f}, {high:.1f}]. {limits}"
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
    names = [name for name, _ in plan.allocation.arms]
    days = BanditDays(plan.name, day_of)
    for event in events:
        days.add(event)
    met = days.before(today)
    arm = np.array([names.index(each.arm) for each, _ in met], np.int64)
    converted = np.array([float(has_converted) for _, has_converted in met])
    weight = 1 / np.array([each.propensity for each, _ in met])
    _, visitor = np.unique([each.visitor for each, _ in met], return_inverse=True)
    shares = _shares(events, plan.name, names)
    latest = [*shares.values()][-1] if shares else [1 / len(names)] * len(names)
    lost, equally, draws, rates = _regret(arm, converted, weight, visitor, len(names))
    arms = tuple(
        BanditArm(
            names[n],
            name,
            int((arm == n).sum()),
            latest[n],
            _conversion(rates, n, len(np.unique(visitor[arm == n]))),
        )
        for n, name in enumerate(plan.arms_in_words)
    )
    low, high = np.quantile(draws, [_TAIL, 1 - _TAIL]) if len(draws) else (0.0, 0.0)
    n_days = len({each.day for each, _ in met})
    saved = (equally - lost, float(low), float(high))
    kind: Literal["version", "shelf"] = "shelf" if plan.kind == "shelves" else "version"
    return BanditReadout(kind, arms, n_days, lost, equally, saved, shares)


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


def _conversion(rates: Values, arm: int, n_visitors: int) -> tuple[float, float, float] | None:
    """Return the rate of an arm and its interval.

    Where nobody bought, or everybody did, drawing visitors anew shows no spread. There the bound is
    the exact one of so many visitors (Clopper and Pearson 1934).
    """
    if not n_visitors:
        return None
    rate = float(rates[0, arm])
    low, high = np.quantile(rates[1:, arm], [_TAIL, 1 - _TAIL])
    if rate == 0:
        high = 1 - _TAIL ** (1 / n_visitors)
    elif rate == 1:
        low = _TAIL ** (1 / n_visitors)
    return rate, float(low), float(high)
