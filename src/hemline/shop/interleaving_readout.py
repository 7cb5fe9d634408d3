"""Whose articles customers bought from interleaved lists, and how certain that is.

A purchase counts for the team that had added the article to the latest list that showed it, within
the reward's days, unless it is sent back or unliked. A customer prefers the version
whose team sold more; that of all who prefer one is tested against a fair coin.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from scipy.stats import binomtest

from hemline.experiments.assignment import CONTROL, EXPOSURE, TREATMENT
from hemline.experiments.experiment_files import PlannedExperiment
from hemline.experiments.guardrail_state import GuardrailState
from hemline.experiments.interleaving import INTERLEAVING, InterleavingResult, preference
from hemline.experiments.rate_guardrails import broken_sentence
from hemline.shop.event_log import EventLog, ShopEvent
from hemline.shop.slot_log import all_events

_LEVEL: Final = 0.95


@dataclass(frozen=True)
class InterleavingReadout:
    """What interleaved lists show.

    Attributes:
        versions: control and treatment.
        n_customers: who met such lists.
        n_lists: different ones.
        result: of the customers' preferences.
        low: lower end of the 95 % interval of the preference.
        high: upper end.
        p_value: of the sign test.
        sold: purchases by team.
        unliked: unlikes of articles that a list showed, by team.
        guardrails: how they stand.
    """

    versions: tuple[int, int]
    n_customers: int
    n_lists: int
    result: InterleavingResult
    low: float
    high: float
    p_value: float
    sold: Mapping[str, int]
    unliked: Mapping[str, int]
    guardrails: tuple[GuardrailState, ...] = ()

    @property
    def is_decided(self) -> bool:
        """Whether the sign test, at a single look, excludes that neither is preferred."""
        return self.p_value < 1 - _LEVEL

    @property
    def preferred(self) -> int:
        """The version that more customers bought more of."""
        return self.versions[1 if self.result.preference > 0 else 0]

    @property
    def sentence(self) -> str:
        """What it says, in words; of a broken guardrail first."""
        return f"{broken_sentence(self.guardrails)} {self._preference}".lstrip()

    @property
    def _preference(self) -> str:
        counts = (
            f"{self.n_customers} customers met {self.n_lists} lists; {self.result.n_decided} "
            f"bought more of one version, p = {self.p_value:.3g} (sign test)"
        )
        if not self.is_decided:
            return f"Neither ranking is preferred so far: {counts}. It may be chance."
        return (
            f"Customers prefer the ranking of version {self.preferred}: {counts}. It says nothing "
            "of revenue and returns: an A/B test decides those."
        )


def read_interleaving(log: EventLog, plan: PlannedExperiment, now: datetime) -> InterleavingReadout:
    """Return what the lists of an experiment show.

    Args:
        log: of the shop.
        plan: of the experiment.
        now: the present moment, in UTC.

    Raises:
        LogUnavailable: the events cannot be read.
    """
    events = [each.event for each in all_events(log) if each.event.at <= now]
    met = {
        each.visitor
        for each in events
        if each.kind == EXPOSURE and each.context["experiment"] == plan.name
    }
    shown = lists_shown(events, plan.name)
    sold, unliked = _earned(events, shown, timedelta(days=plan.reward_days))
    credit = dict.fromkeys(met, 0.0)
    by_team: Counter[str] = Counter()
    for (who, _), (team, units) in sold.items():
        if units > 0:
            credit[who] = credit.get(who, 0.0) + (1 if team == TREATMENT else -1)
            by_team[team] += units
    result = preference(np.array(list(credit.values())))
    wins = round((result.preference + 1) / 2 * result.n_decided)
    test = binomtest(wins, max(result.n_decided, 1)) if result.n_decided else None
    bounds = None if test is None else test.proportion_ci(_LEVEL, method="wilson")
    return InterleavingReadout(
        (plan.control, plan.treatment),
        len(credit),
        sum(each.kind == INTERLEAVING and each.context["experiment"] == plan.name
            for each in events),
        result,
        -1.0 if bounds is None else 2 * float(bounds.low) - 1,
        1.0 if bounds is None else 2 * float(bounds.high) - 1,
        1.0 if test is None else float(test.pvalue),
        by_team,
        unliked,
    )  # fmt: skip


Shown = tuple[datetime, str]
"""When a list showed an article, and which team had added it."""


def lists_shown(events: Sequence[ShopEvent], experiment: str) -> dict[tuple[str, str], list[Shown]]:
    """Return when which team's lists showed each article to each visitor."""
    shown: dict[tuple[str, str], list[Shown]] = defaultdict(list)
    for each in events:
        if each.kind != INTERLEAVING or each.context["experiment"] != experiment:
            continue
        for team in (CONTROL, TREATMENT):
            for article in each.context[team].split():
                shown[each.visitor, article].append((each.at, team))
    return shown


def latest_list(event: ShopEvent, shown: Mapping[tuple[str, str], Sequence[Shown]]) -> Shown | None:
    """Return the last list before an event that showed its visitor its article; None: none did."""
    before = [
        each for each in shown.get((event.visitor, event.article_id), ()) if each[0] <= event.at
    ]
    return before[-1] if before else None


def _earned(
    events: Sequence[ShopEvent], shown: Mapping[tuple[str, str], Sequence[Shown]], days: timedelta
) -> tuple[dict[tuple[str, str], tuple[str, int]], Counter[str]]:
    """Return the team and the net units by visitor and article, and the unlikes by team."""
    sold: dict[tuple[str, str], tuple[str, int]] = {}
    unliked: Counter[str] = Counter()
    for each in events:
        who = (each.visitor, each.article_id)
        latest = latest_list(each, shown)
        if latest is None:
            continue
        at, team = latest
        if each.kind == "purchase" and each.at <= at + days:
            sold[who] = (team, sold.get(who, (team, 0))[1] + each.units)
        elif each.kind == "return" and who in sold:
            sold[who] = (sold[who][0], sold[who][1] - each.units)
        elif each.kind == "unlike":
            unliked[team] += 1
            if who in sold:
                sold[who] = (sold[who][0], 0)
    return sold, unliked
