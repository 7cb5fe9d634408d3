"""Whom a flow tells: alerts into the outbox and out of it, with the links a reader needs.

Alerts are for those who are not looking. A run that a person started tells its terminal, so of it
only a change of champion is worth an alert: that concerns everybody.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import deployment, flow_run

from flows.addresses import addresses
from flows.project import Project
from hemline.registry.champions import NO_VERSION, Change, settle
from hemline.registry.versions import (
    CHAMPION,
    GATE_PROMOTED,
    Version,
    all_versions,
    known_version,
    version_by_alias,
    version_page,
)
from monitoring.alerts.alert import Alert, AlertParams
from monitoring.alerts.alert_delivery import Raised, held_back, raise_alert
from monitoring.alerts.channels import Logger, deliver
from monitoring.alerts.retrain_events import EventName, deliver_events, read_events, store_event
from monitoring.alerts.training_alerts import (
    challenger_rejected,
    champion_changed,
    retrain_failed,
)
from monitoring.alerts.week_alerts import digest, drift_confirmed
from monitoring.monitor_params import MonitorParams
from monitoring.verdict import Verdict


def is_unattended() -> bool:
    """Return whether a schedule or an automation started this run, and not a person."""
    return deployment.id is not None


def links(week_end: date | None = None, version: str | None = None) -> dict[str, str]:
    """Return the pages of this run, of the monitor and of the registry, by name.

    Args:
        week_end: of a week whose page is then the dashboard, in place of that of all weeks.
        version: number of a version, whose page is then MLflow's in place of the front page.
    """
    where = addresses()
    pages = {
        "dashboard": where.week(week_end) if week_end else where.monitoring,
        "MLflow": version_page(where.mlflow, version) if version else where.mlflow,
        "Evidently": where.evidently,
    }
    if flow_run.id is not None:
        pages["Prefect run"] = f"{where.prefect}/runs/flow-run/{flow_run.id}"
    return pages


def send_alert(alert: Alert, project: Project, logger: Logger) -> None:
    """Raise an alert, once however often it is raised, and send what waits in the outbox."""
    raised = _keep(alert, project)
    if raised != "new":
        logger.info("alert '%s' is %s", alert.title, raised)
    _deliver(project, logger)


def report_failure(
    project: Project, logger: Logger, *, week_end: date | None, stage: str, said: str
) -> None:
    """Alert that a training nobody watched has failed."""
    if not is_unattended():
        return
    alert = retrain_failed(
        week_end,
        stage=stage,
        said=said,
        champion=_champion_if_known(logger),
        links=links(week_end),
        params=AlertParams.load(project.params),
    )
    send_alert(alert, project, logger)


def report_verdict(
    project: Project, logger: Logger, *, week_end: date, version: Version, reason: str
) -> None:
    """Alert that another version answers, or that the one of an unwatched training may not.

    A version that won and was rolled back since was not refused, and nothing is told of it.
    """
    report_champion_changes(project, logger)
    champion = version_by_alias(CHAMPION)
    if not is_unattended() or champion is None or champion.number == version.number:
        return
    judged = known_version(version.number)  # what was handed over was read before the gate
    if judged.tags.get(GATE_PROMOTED) != "false":
        return
    alert = challenger_rejected(
        week_end,
        version=version.number,
        champion=champion.number,
        reason=reason,
        links=links(version=version.number),
        params=AlertParams.load(project.params),
    )
    send_alert(alert, project, logger)


def report_champion_changes(project: Project, logger: Logger) -> None:
    """Alert of every change of champion that was not told, however it came about.

    Not of a first champion, of an alias taken away, or of versions that were deleted since.
    """
    weeks = {version.number: version.cut for version in all_versions()}
    for number, change in enumerate(settle(datetime.now(tz=UTC)), start=1):
        if change.previous != NO_VERSION and change.version in weeks:
            _keep(_champion_alert(change, number, weeks[change.version], project), project)
    _deliver(project, logger)


@task(cache_policy=NO_CACHE)
def announce(
    project: Project, decisions: pd.DataFrame, verdicts: pd.DataFrame, week_end: date
) -> None:
    """Tell of every decision that nobody was told of, and deliver what has not arrived.

    What is older than the cool-down is left: a drift that lasts is confirmed anew.
    """
    logger, outbox = get_run_logger(), project.monitoring / "events"
    cool_down = MonitorParams.load(project.params).cool_down_weeks
    oldest = week_end - timedelta(weeks=cool_down)
    told = {event.week_end for event in read_events(outbox)}
    decision: Any
    for decision in decisions.itertuples():
        if decision.week_end >= oldest and decision.week_end.isoformat() not in told:
            _send_week_alerts(project, verdicts, decision)
            store_event(
                outbox, _event_name(verdicts, decision), decision.week_end, _payload(decision)
            )
    deliver_events(outbox, oldest=oldest, logger=logger)
    report_champion_changes(
        project, logger
    )  # last: a registry out of order must not hold up a training


def _keep(alert: Alert, project: Project) -> Raised:
    params, outbox = AlertParams.load(project.params), project.monitoring / "alerts"
    return raise_alert(alert, outbox, params, now=datetime.now(tz=UTC))


def _deliver(project: Project, logger: Logger) -> None:
    deliver(project.monitoring / "alerts", AlertParams.load(project.params), logger)


def _champion_if_known(logger: Logger) -> str | None:
    """Return the champion's number, or None, also where the registry is what failed."""
    try:
        champion = version_by_alias(CHAMPION)
    except Exception:
        logger.exception("who the champion is cannot be said")
        return None
    return champion.number if champion else None


def _champion_alert(change: Change, number: int, week_end: date, project: Project) -> Alert:
    return champion_changed(
        week_end,  # and not the clock's day, so that it is one alert
        change=str(number),
        version=change.version,
        previous=change.previous,
        how=change.how,
        reason=change.reason,
        links=links(version=change.version),
        params=AlertParams.load(project.params),
    )


def _send_week_alerts(project: Project, verdicts: pd.DataFrame, decision: Any) -> None:
    logger, params = get_run_logger(), AlertParams.load(project.params)
    if decision.confirmed:
        alert = drift_confirmed(
            decision.week_end,
            confirmed=decision.confirmed,
            reasons=decision.reasons,
            verdicts=verdicts,
            retrain=decision.retrain,
            pages_a_person=decision.pages_a_person,
            links=links(decision.week_end),
            params=params,
        )
        send_alert(alert, project, logger)
    weekly = digest(
        decision.week_end,
        verdicts=verdicts,
        held_back=held_back(project.monitoring / "alerts", decision.week_end),
        links=links(decision.week_end),
        params=params,
    )
    send_alert(weekly, project, logger)


def _event_name(verdicts: pd.DataFrame, decision: Any) -> EventName:
    if decision.confirmed:
        return "hemline.drift.confirmed"
    of_the_week = verdicts[verdicts["week_end"] == decision.week_end]["verdict"]
    has_season = of_the_week.eq(Verdict.SEASONAL).any()
    return "hemline.season.changed" if has_season else "hemline.drift.ok"


def _payload(decision: Any) -> dict[str, Any]:
    return {
        "week_end": decision.week_end.isoformat(),
        "retrain": bool(decision.retrain),
        "confirmed": decision.confirmed,
        "reasons": decision.reasons,
        "version": decision.version,
    }
