"""Guardrails of interleaved lists: what one version added to them, against what the other did.

Every customer meets both versions, so only what the version that added an article answers for can
be compared: unlikes per article that it added, and of the units that it sold those that came back.
Both versions make a list for every draft, for the same visitors, so how long these take, how often
popularity stands in, and how many distinct articles they have are compared as those of two arms.
The draft itself takes two lists by design: it has no p99 that could be held against other lists.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np

from hemline.experiments.assignment import CONTROL, TREATMENT
from hemline.experiments.experiment_files import PlannedExperiment
from hemline.experiments.experiment_params import Guardrails
from hemline.experiments.guardrail_state import GuardrailState
from hemline.experiments.rate_guardrails import Rate, judged_limits, n_guardrails, rate_state
from hemline.experiments.served_guardrails import served_states
from hemline.experiments.served_tallies import ServedArms
from hemline.shop.event_log import ShopEvent
from hemline.shop.interleaving_readout import Shown, latest_list, lists_shown

_Counts = Mapping[str, Counter[str]]


def interleaving_states(
    events: Sequence[ShopEvent], served: ServedArms, plan: PlannedExperiment
) -> tuple[GuardrailState, ...]:
    """Return how the guardrails of an interleaving experiment stand.

    Args:
        events: of the shop until a moment, in the order of the log.
        served: the lists that the versions made for drafts.
        plan: of the experiment.
    """
    limits = judged_limits(plan)
    alpha = plan.alpha / max(n_guardrails(limits), 1)
    shown = lists_shown(events, plan.name)
    counts = _counts(events, shown, timedelta(days=plan.reward_days))
    customers = sorted({who for who, _ in shown})
    chances = {"unlikes": "listed", "returns": "sold"}
    states = [
        rate_state(
            name,
            _rate(counts, customers, CONTROL, name, per),
            _rate(counts, customers, TREATMENT, name, per),
            limits[name],
            alpha,
        )
        for name, per in chances.items()
        if name in limits
    ]
    states += served_states(served, Guardrails.model_validate(limits), alpha)
    return tuple(replace(each, name=f"{each.name} (version {plan.treatment})") for each in states)


def _rate(counts: _Counts, customers: Sequence[str], team: str, events: str, per: str) -> Rate:
    def of(what: str) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        return np.array([counts[f"{team} {what}"][who] for who in customers], np.float64)

    return Rate(np.minimum(of(events), of(per)), of(per))


def _counts(
    events: Sequence[ShopEvent],
    shown: Mapping[tuple[str, str], Sequence[Shown]],
    within: timedelta,
) -> _Counts:
    """Return articles listed, units sold, returns and unlikes, by team and then by customer."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for (visitor, _), lists in shown.items():
        for team in {team for _, team in lists}:
            counts[f"{team} listed"][visitor] += 1
    sold_by: dict[tuple[str, str], str] = {}
    for each in events:
        who = (each.visitor, each.article_id)
        latest = latest_list(each, shown)
        if latest is None:
            continue
        at, team = latest
        if each.kind == "unlike":
            counts[f"{team} unlikes"][each.visitor] += 1
        elif each.kind == "purchase" and each.at > at + within:
            sold_by.pop(who, None)  # nobody is credited with it, nor with its return
        elif each.kind == "purchase":
            sold_by[who] = team
            counts[f"{team} sold"][each.visitor] += each.units
        elif each.kind == "return" and who in sold_by:
            counts[f"{sold_by[who]} returns"][each.visitor] += each.units
    return counts
