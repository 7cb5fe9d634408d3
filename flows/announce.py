"""What a decision leads to outside of its record: alerts for people, an event for the server.

Both lie in an outbox before anybody is told, so that this can be done as often as one likes. Of a
week the event comes last: a week that has one has been seen to, and a run that was killed before it
is made up for by the next, whatever week that one looks at.
"""

from datetime import date
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from flows.events import Name, deliver_events, keep_event, read_events
from flows.monitor_steps import WEEK, Log
from flows.project import Project
from flows.tell import links, tell, tell_of_champion
from monitoring.alerts.alert import AlertParams
from monitoring.alerts.outbox import held_back
from monitoring.alerts.week_alerts import digest, drift_confirmed
from monitoring.windows import MonitorParams


@task(cache_policy=NO_CACHE)
def announce(project: Project, log: Log, week_end: date) -> None:
    """Tell of every decision that nobody was told of, and deliver what has not arrived.

    What is older than the cool-down is left: a drift that lasts is confirmed anew.
    """
    logger, outbox = get_run_logger(), project.monitoring / "events"
    cool_down = MonitorParams.load(project.params).cool_down_weeks
    oldest = week_end - cool_down * WEEK
    told = {event.week_end for event in read_events(outbox)}
    decision: Any
    for decision in log.decisions.itertuples():
        if decision.week_end >= oldest and decision.week_end.isoformat() not in told:
            _raise_alerts(project, log, decision)
            keep_event(outbox, _event_name(log, decision), decision.week_end, _payload(decision))
    deliver_events(outbox, oldest=oldest, logger=logger)
    tell_of_champion(project, logger)  # last: a registry out of order must not hold up a training


def _raise_alerts(project: Project, log: Log, decision: Any) -> None:
    logger, params = get_run_logger(), AlertParams.load(project.params)
    if decision.confirmed:
        alert = drift_confirmed(
            decision.week_end,
            confirmed=decision.confirmed,
            reasons=decision.reasons,
            verdicts=log.verdicts,
            retrain=decision.retrain,
            pages_a_person=decision.pages_a_person,
            links=links(decision.week_end),
            params=params,
        )
        tell(alert, project, logger)
    weekly = digest(
        decision.week_end,
        verdicts=log.verdicts,
        held_back=held_back(project.monitoring / "alerts", decision.week_end),
        links=links(decision.week_end),
        params=params,
    )
    tell(weekly, project, logger)


def _event_name(log: Log, decision: Any) -> Name:
    if decision.confirmed:
        return "hemline.drift.confirmed"
    verdicts = log.verdicts
    of_the_week = verdicts[verdicts["week_end"] == decision.week_end]["verdict"]
    return "hemline.season.changed" if of_the_week.eq("seasonal").any() else "hemline.drift.ok"


def _payload(decision: Any) -> dict[str, Any]:
    return {
        "week_end": decision.week_end.isoformat(),
        "retrain": bool(decision.retrain),
        "confirmed": decision.confirmed,
        "reasons": decision.reasons,
        "version": decision.version,
    }
