"""Whom a flow tells: alerts into the outbox and out of it, with the links a reader needs.

Alerts are for those who are not looking. A run that a person started tells its terminal, so of it
only a change of champion is worth an alert: that concerns everybody.
"""

from datetime import UTC, date, datetime
from logging import Logger, LoggerAdapter
from typing import Any

from prefect.runtime import deployment, flow_run

from flows.notify import deliver
from flows.project import Project
from flows.ui import addresses
from hemline.registry.champions import NOBODY, Change, changes
from hemline.registry.versions import CHAMPION, Version, known_version, version_by_alias
from monitoring.alerts.alert import Alert, AlertParams
from monitoring.alerts.composed import challenger_rejected, champion_changed, retrain_failed
from monitoring.alerts.outbox import raise_alert

Log = Logger | LoggerAdapter[Any]


def is_unattended() -> bool:
    """Return whether a schedule or an automation started this run, and not a person."""
    return deployment.id is not None


def links() -> dict[str, str]:
    """Return the pages of this run, of the monitor and of the registry, by name."""
    where = addresses()
    pages = {
        "dashboard": where.monitoring,
        "runbook": where.runbook,
        "MLflow": where.mlflow,
        "Evidently": where.evidently,
    }
    if flow_run.id is not None:
        pages["Prefect run"] = f"{where.prefect}/runs/flow-run/{flow_run.id}"
    return pages


def tell(alert: Alert, project: Project, logger: Log) -> None:
    """Raise an alert, once however often it is raised, and send what waits in the outbox."""
    params, outbox = AlertParams.load(project.params), project.monitoring / "alerts"
    raised = raise_alert(alert, outbox, params, now=datetime.now(tz=UTC))
    if raised != "new":
        logger.info("alert '%s' is %s", alert.title, raised)
    deliver(outbox, params, logger)


def tell_of_failure(
    project: Project, logger: Log, *, as_of: date | None, stage: str, said: str
) -> None:
    """Alert that a training nobody watched has failed."""
    if not is_unattended():
        return
    champion = version_by_alias(CHAMPION)
    alert = retrain_failed(
        as_of,
        stage=stage,
        said=said,
        champion=champion.number if champion else NOBODY,
        links=links(),
        params=AlertParams.load(project.params),
    )
    tell(alert, project, logger)


def tell_of_verdict(
    project: Project, logger: Log, *, as_of: date, version: Version, reason: str
) -> None:
    """Alert that another version answers, or that the one of an unwatched training may not."""
    tell_of_champion(project, logger)
    champion = version_by_alias(CHAMPION)
    if champion is None or champion.number == version.number or not is_unattended():
        return
    alert = challenger_rejected(
        as_of,
        version=version.number,
        champion=champion.number,
        reason=reason,
        links=links(),
        params=AlertParams.load(project.params),
    )
    tell(alert, project, logger)


def tell_of_champion(project: Project, logger: Log) -> None:
    """Alert of the latest change of champion, however it came about; not of the first champion."""
    log = changes()
    if not log or log[-1].previous == NOBODY:
        return
    tell(_champion_alert(log[-1], len(log), project), project, logger)


def _champion_alert(change: Change, number: int, project: Project) -> Alert:
    return champion_changed(
        known_version(change.version).as_of,  # and not the clock's day, so that it is one alert
        change=str(number),
        version=change.version,
        previous=change.previous,
        how=change.how,
        reason=change.reason,
        links=links(),
        params=AlertParams.load(project.params),
    )
