"""What flows report: alerts for people, and the event that starts a training.

Alerts are for those who are not watching. A run that a person started reports to its terminal, so
of it only a change of champion is worth an alert: that concerns everybody. Alerts and events lie in
an outbox before they are sent, so that every run may report everything again, whatever week it is
about. A week's event comes last: once a week has one, it was reported, and a run that was killed
before that is completed by the next.
"""

from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import pandas as pd
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import deployment, flow_run

from flows.addresses import addresses
from flows.project import Project
from flows.ui_pages import publish_project
from hemline.clock import now
from hemline.identity import project_id
from hemline.registry.champion_log import NO_VERSION, number_of
from hemline.registry.champions import settle
from hemline.registry.versions import (
    CANARY,
    CANARY_REASON,
    CHAMPION,
    GATE_PROMOTED,
    Version,
    all_versions,
    known_version,
    version_by_alias,
    version_page,
)
from hemline.rollout.pending import RUNS, WAITS
from monitoring.alerts.alert import AlertDraft, AlertParams, Links, complete_alert
from monitoring.alerts.alert_delivery import held_back, raise_alert
from monitoring.alerts.channels import deliver
from monitoring.alerts.outbox import Logger, Outbox
from monitoring.alerts.retrain_events import EventName, StoredEvent, deliver_events
from monitoring.alerts.training_alerts import (
    canary_refused,
    canary_started,
    challenger_rejected,
    champion_changed,
    retrain_failed,
)
from monitoring.alerts.week_alerts import digest, drift_confirmed
from monitoring.column_names import ColumnNames
from monitoring.monitor_params import MonitorParams
from monitoring.records import MonitorRecords
from monitoring.verdict import Verdict

_RUNBOOK: Final = "docs/monitoring.md"


def is_unattended() -> bool:
    """Return whether a schedule or an automation started this run, and not a person."""
    return deployment.id is not None


def links(
    project: Project, week_end: date | None = None, version: str | None = None
) -> dict[str, str]:
    """Return the pages of this run, of the monitor and of the registry, by name.

    Args:
        project: whose pages they are.
        week_end: of a week whose page is then the dashboard, in place of that of all weeks, if it
            has been written.
        version: number of a version, whose page is then MLflow's in place of the front page.
    """
    where, live = addresses(), MonitorRecords(project.monitoring)
    has_page = week_end is not None and live.page_of(week_end).exists()
    pages = {
        "dashboard": where.week(week_end) if week_end and has_page else where.monitoring,
        "MLflow": version_page(where.mlflow, version) if version else where.mlflow,
        "Evidently": where.evidently,
    }
    if flow_run.id is not None:
        pages["Prefect run"] = f"{where.prefect}/runs/flow-run/{flow_run.id}"
    return pages


def send_alert(draft: AlertDraft, pages: Links, project: Project, logger: Logger) -> None:
    """Raise an alert, once however often it is raised, and send what waits in the outbox."""
    _raise(draft, pages, project, logger)
    _send_pending(project, logger)


def report_failure(
    project: Project, logger: Logger, *, week_end: date | None, stage: str, message: str
) -> None:
    """Alert that a training nobody watched has failed."""
    if is_unattended():
        publish_project(project.root)
        champion = _champion_if_known(logger)
        draft = retrain_failed(week_end, stage=stage, message=message, champion=champion)
        send_alert(draft, links(project, week_end), project, logger)


def report_verdict(
    project: Project, logger: Logger, *, week_end: date, version: Version, reason: str
) -> None:
    """Alert that the champion changed, or that the version of an unwatched training was rejected.

    A version that won and was rolled back since was not rejected, so there is no alert.
    """
    report_champion_changes(project, logger)
    champion = version_by_alias(CHAMPION)
    if not is_unattended() or (champion and champion.number == version.number):
        return
    judged = known_version(version.number)  # what was handed over was read before the gate
    if judged.tags.get(CANARY) in {WAITS, RUNS}:
        draft = canary_started(
            week_end, version=version.number, champion=number_of(champion), reason=reason
        )
        send_alert(draft, links(project, version=version.number), project, logger)
    if judged.tags.get(GATE_PROMOTED) == "false":
        draft = challenger_rejected(
            week_end,
            version=version.number,
            champion=champion.number if champion else None,
            reason=reason,
            is_popularity_alone=champion is not None and champion.is_popularity_alone,
        )
        send_alert(draft, links(project, version=version.number), project, logger)


def report_champion_changes(project: Project, logger: Logger) -> None:
    """Alert of every change of champion that has no alert yet, whatever caused it.

    Likewise of every canary that was refused. Not of a first champion, of an alias taken away, or
    of versions that were deleted since.
    """
    versions = all_versions()
    weeks = {version.number: version.cut for version in versions}
    for number, change in enumerate(settle(now()), start=1):
        if change.previous != NO_VERSION and change.version in weeks:
            week_end = weeks[change.version]  # not the clock's day, so that it is one alert
            draft = champion_changed(week_end, number, change)
            _raise(draft, links(project, version=change.version), project, logger)
    champion = number_of(version_by_alias(CHAMPION))
    for version in versions:
        if version.tags.get(CANARY) == "refused":
            why = version.tags[CANARY_REASON]
            draft = canary_refused(
                version.cut, version=version.number, champion=champion, reason=why
            )
            _raise(draft, links(project, version=version.number), project, logger)
    _send_pending(project, logger)


@task(cache_policy=NO_CACHE)
def announce(
    project: Project, decisions: pd.DataFrame, verdicts: pd.DataFrame, week_end: date
) -> None:
    """Report every decision that was not reported yet, and deliver what has not arrived.

    What is older than the cool-down is left: a drift that lasts is confirmed again.
    """
    logger = get_run_logger()
    outbox = Outbox(project.monitoring / "events", StoredEvent)
    oldest = week_end - timedelta(weeks=MonitorParams.load(project.params).cool_down_weeks)
    reported = {event.week_end for event in outbox.read()}
    decision: Any
    for decision in decisions.itertuples():
        if decision.week_end >= oldest and decision.week_end not in reported:
            _report_week(decision, verdicts, project, logger)
            outbox.add(_event(decision, verdicts, project_id(project.root)))
    project_name = project_id(project.root)
    deliver_events(outbox.folder, project=project_name, oldest=oldest, logger=logger)
    report_champion_changes(project, logger)  # last: a broken registry must not delay a training


def _report_week(decision: Any, verdicts: pd.DataFrame, project: Project, logger: Logger) -> None:
    pages, names = links(project, decision.week_end), ColumnNames.of(project.params)
    if decision.confirmed:
        send_alert(drift_confirmed(decision, verdicts, names), pages, project, logger)
    suppressed = held_back(_outbox(project), decision.week_end)
    send_alert(digest(decision.week_end, verdicts, suppressed, names), pages, project, logger)


def _event(decision: Any, verdicts: pd.DataFrame, project: str) -> StoredEvent:
    payload = {
        "retrain": bool(decision.retrain),
        "confirmed": decision.confirmed,
        "reasons": decision.reasons,
        "version": decision.version,
    }
    week = verdicts[verdicts["week_end"] == decision.week_end]
    name: EventName = "hemline.drift.ok"
    if decision.confirmed:
        name = "hemline.drift.confirmed"
    elif week["verdict"].eq(Verdict.SEASONAL).any():
        name = "hemline.season.changed"
    return StoredEvent(name=name, week_end=decision.week_end, payload=payload, project=project)


def _outbox(project: Project) -> Path:
    return project.monitoring / "alerts"


def _raise(draft: AlertDraft, pages: Links, project: Project, logger: Logger) -> None:
    params = _with_our_runbook(AlertParams.load(project.params))
    alert = complete_alert(draft, pages, params)
    raised = raise_alert(alert, _outbox(project), params, now=now())
    if raised == "suppressed":
        logger.info("alert '%s' is held back by cool-down", alert.title)


def _with_our_runbook(params: AlertParams) -> AlertParams:
    """Return the parameters with the address of the page that shows the project's own runbook."""
    is_ours = params.runbook == _RUNBOOK
    return params.model_copy(update={"runbook": addresses().runbook}) if is_ours else params


def _send_pending(project: Project, logger: Logger) -> None:
    params = AlertParams.load(project.params)
    deliver(_outbox(project), params, logger, project=project_id(project.root))


def _champion_if_known(logger: Logger) -> str | None:
    """Return the champion's number, or None, also where the registry is what failed."""
    try:
        champion = version_by_alias(CHAMPION)
    except Exception:
        logger.exception("the registry cannot be read, so the alert does not name the champion")
        return None
    return champion.number if champion else None
