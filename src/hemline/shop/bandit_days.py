"""What visitors of a bandit did: which arm each met on a shop day, and whether it bought then.

A visitor converts who buys on the day of the exposure and after it, in the order of the log. What
comes later, returns too, comes too late for the next day's shares.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from hemline.experiments.assignment import EXPOSURE
from hemline.shop.event_log import ShopEvent


@dataclass(frozen=True, slots=True)
class BanditDay:
    """A visitor's day.

    Attributes:
        visitor: its name.
        day: of the shop, in ISO form.
        arm: that the visitor met first.
        propensity: the chance that it met this one.
    """

    visitor: str
    day: str
    arm: str
    propensity: float


class BanditDays:
    """The days of one bandit, as far as the log was read.

    Args:
        experiment: its name.
        day_of: the shop's clock.
    """

    def __init__(self, experiment: str, day_of: Callable[[datetime], date]) -> None:
        self._experiment = experiment
        self._day_of = day_of
        self._met: dict[tuple[str, str], BanditDay] = {}
        self._converted: set[tuple[str, str]] = set()

    def add(self, event: ShopEvent) -> None:
        """Count an event, if it is of the bandit; events come in the order of the log."""
        if event.kind == EXPOSURE and event.context["experiment"] == self._experiment:
            at, context = (event.visitor, event.context["day"]), event.context
            day = BanditDay(*at, context["arm"], float(context["propensity"]))
            self._met.setdefault(at, day)
        elif event.kind == "purchase":
            at = (event.visitor, self._day_of(event.at).isoformat())
            if at in self._met:
                self._converted.add(at)

    def before(self, day: date) -> list[tuple[BanditDay, bool]]:
        """Return the visitors' days of before a shop day, and whether each converted."""
        end = day.isoformat()
        return [(each, at in self._converted) for at, each in self._met.items() if each.day < end]
