"""How the guardrails of interleaving experiments and bandits of this project's shop stand."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

from hemline.experiments.experiment_files import PlannedExperiment
from hemline.experiments.guardrail_state import GuardrailState
from hemline.experiments.rate_guardrails import judged_limits
from hemline.shop.arm_tallies import read_arms, read_tallies, tallies_file
from hemline.shop.bandit_guardrails import bandit_states
from hemline.shop.event_log import EventLog
from hemline.shop.interleaving_guardrails import interleaving_states
from hemline.shop.slot_log import all_events


def guardrail_states(
    plan: PlannedExperiment,
    log: EventLog,
    day_of: Callable[[datetime], date],
    root: Path,
    until: datetime,
) -> tuple[GuardrailState, ...]:
    """Return how the guardrails of a plan stand; none of a plan without limits.

    Args:
        plan: of an interleaving experiment or a bandit.
        log: of the shop.
        day_of: the shop's clock.
        root: the project folder.
        until: events after this moment do not count, in UTC.

    Raises:
        LogUnavailable: the events, or the lists that were counted, cannot be read.
    """
    if not judged_limits(plan):
        return ()
    events = [each.event for each in all_events(log) if each.event.at <= until]
    path = tallies_file(root)
    if plan.kind == "interleaving":
        return interleaving_states(events, read_tallies(path, plan.name), plan)
    return bandit_states(events, read_arms(path, plan.name), plan, day_of)
