"""Whether a week's data have come and are in order, and whom it concerns where they are not.

Both tasks return the problem in words and do not fail: what the run does about it is the flow's. By
then its owner was told, unless the look is only tried.
"""

from datetime import date
from typing import Final

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from flows import dvc
from flows.alerting import links, send_alert
from flows.monitor_steps import Log
from flows.project import Project
from hemline.data.expectations.rules import ValidateParams
from hemline.engine.engine import open_engine
from monitoring.alerts.alert import Alert, AlertParams
from monitoring.alerts.week_alerts import data_late, validation_failed
from monitoring.completeness import FreshDataParams, broken_rules, check_completeness, check_week

_LOCK_SECONDS: Final = 5


@task(cache_policy=NO_CACHE)
def bring_tables(project: Project, acts: bool) -> str | None:
    """Bring stage acquire up to date, and return why that cannot be; None where it could."""
    logger = get_run_logger()
    try:
        with dvc.training_lock(project.root, logger.info, wait_seconds=_LOCK_SECONDS) as lock:
            outcome = dvc.reproduce("acquire", project.root, logger.info, lock=lock)
        logger.info("tables: %s", outcome)
    except dvc.TrainingLocked as busy:
        logger.warning("looking at the tables as they are: %s", busy)
    except dvc.StageFailed as failure:
        return _told(_not_brought(failure, project), project, acts=acts, problem=str(failure))
    return None


@task(cache_policy=NO_CACHE)
def check(project: Project, week_end: date, acts: bool) -> str | None:
    """Return why the week cannot be judged, after telling whose data it is; None where it can.

    The report lies among the live pages, in a rehearsal too: it is of the data, not of a decision.
    """
    tables, params = project.root / project.tables, AlertParams.load(project.params)
    fresh = FreshDataParams.load(project.params)
    with open_engine(project.engine) as engine:
        arrival = check_completeness(engine, tables / "transactions.parquet", week_end, fresh)
    if not arrival.is_complete:
        late = data_late(week_end, latest_day=arrival.latest_day, links=links(), params=params)
        return _told(late, project, acts=acts, problem=arrival.sentence)
    checks = Log(project.monitoring).page_of(week_end).parent / "checks"
    rules = ValidateParams.load(project.params)
    broken = broken_rules(check_week(project.engine, tables, week_end, rules, checks))
    if broken:
        failed = validation_failed(week_end, broken=broken, links=links(), params=params)
        return _told(failed, project, acts=acts, problem="; ".join(broken))
    return None


def _not_brought(failure: dvc.StageFailed, project: Project) -> Alert:
    """Return the alert that there are no tables to look at; that need not be the data's fault."""
    params = AlertParams.load(project.params)
    alert = validation_failed(None, broken=[failure.output], links=links(), params=params)
    title = "The tables could not be brought up to date"
    words = {
        "title": title,
        "happened": f"{title}: {failure.output}",
        "first_thing": "Mend what it names, then `python -m flows.monitor`. Nothing is lost: every "
        "week since the last decision is judged then.",
    }
    return alert.model_copy(update=words)


def _told(alert: Alert, project: Project, *, acts: bool, problem: str) -> str:
    if acts:
        send_alert(alert, project, get_run_logger())
    return problem
