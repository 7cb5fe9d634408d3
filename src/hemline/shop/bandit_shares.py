"""The share of each arm of a bandit on a shop day: computed once, from the log of earlier days.

The first worker that needs the shares of a day records them as an event, whose idempotency key is
the experiment and the day; all others read it. So all workers agree, and whatever they were
computed from, the propensities of a day are those in the log.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Final

import numpy as np

from hemline.clock import now
from hemline.experiments.assignment import place_of
from hemline.experiments.experiment_files import PlannedExperiment
from hemline.experiments.thompson import SHARES, ArmCounts, traffic_shares
from hemline.shop.bandit_days import BanditDays
from hemline.shop.event_log import EventLog, ShopEvent

_AT_ONCE: Final = 10_000
_DIGITS: Final = 6
_SEEDS: Final = 2**53


class BanditShares:
    """The shares of one experiment.

    Args:
        plan: of a bandit.
        log: of the shop.
        day_of: the shop's clock.
    """

    def __init__(
        self, plan: PlannedExperiment, log: EventLog, day_of: Callable[[datetime], date]
    ) -> None:
        self._plan = plan
        self._log = log
        self._arms = [name for name, _ in plan.allocation.arms]
        self._sequence = 0
        self._days = BanditDays(plan.name, day_of)

    def of(self, day: date) -> Mapping[str, float]:
        """Return the share of each arm on a day that has begun.

        Raises:
            LogUnavailable: the log cannot be read or written.
        """
        recorded = self._recorded(day)
        if recorded is None:
            shares = self._computed(day)
            context = {"experiment": self._plan.name, "day": day.isoformat(), **shares}
            event = ShopEvent(SHARES, self._name, "", self._key(day), now(), context=context)
            self._log.append([event]).result()
            recorded = self._recorded(day) or event  # another worker's, where that was faster
        return {name: float(recorded.context[name]) for name in self._arms}

    @property
    def _name(self) -> str:
        return f"experiment:{self._plan.name}"

    def _key(self, day: date) -> str:
        return f"{SHARES}:{self._plan.name}:{day}"

    def _recorded(self, day: date) -> ShopEvent | None:
        key = self._key(day)
        return next(
            (each.event for each in self._log.of(self._name) if each.event.key == key), None
        )

    def _computed(self, day: date) -> dict[str, str]:
        self._read()
        shown: Counter[str] = Counter()
        converted: Counter[str] = Counter()
        for each, has_converted in self._days.before(day):
            shown[each.arm] += 1
            converted[each.arm] += has_converted
        counts = ArmCounts(
            np.array([shown[arm] for arm in self._arms], np.int64),
            np.array([converted[arm] for arm in self._arms], np.int64),
        )
        seed = int(place_of(day.isoformat(), f"{self._plan.name}/shares") * _SEEDS)
        shares = traffic_shares(counts, self._plan.floor, np.random.default_rng(seed))
        return {arm: f"{share:.{_DIGITS}f}" for arm, share in zip(self._arms, shares, strict=True)}

    def _read(self) -> None:
        """Take up what the log has more than at the last time."""
        while some := self._log.since(self._sequence, _AT_ONCE):
            self._sequence = some[-1].sequence
            for each in some:
                self._days.add(each.event)
