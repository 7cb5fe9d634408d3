"""Whether a week's data are complete and keep the rules, and the alert where they do not.

Both tasks return the problem as text and do not fail: the flow decides what follows. By then the
owner of the data has an alert, except in a dry run.
"""

from datetime import date
from typing import Final

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from flows import dvc
from flows.alerting import links, send_alert
from flows.project import Project, fetch_source
from hemline.data.expectations.thresholds import ValidateParams, has_kaggle_ids
from hemline.engine.engine import open_engine
from hemline.errors import BadInput
from monitoring.alerts.alert import AlertDraft
from monitoring.alerts.week_alerts import data_late, tables_not_updated, validation_failed
from monitoring.completeness import CompletenessReport, FreshDataParams, check_completeness
from monitoring.monitor_params import MonitorParams
from monitoring.records import MonitorRecords
from monitoring.week_validation import broken_rules, check_week

_LOCK_SECONDS: Final = 5


@task(cache_policy=NO_CACHE)
def update_tables(project: Project, dry_run: bool) -> str | None:
    """Fetch what lies behind URLs, bring stage acquire up to date; return why that failed."""
    logger = get_run_logger()
    try:
        with dvc.training_lock(project.root, logger.info, wait_seconds=_LOCK_SECONDS) as lock:
            fetch_source(project, logger.info)
            outcome = dvc.reproduce("acquire", project.root, logger.info, lock=lock)
        logger.info("tables: %s", outcome)
    except dvc.TrainingLocked as busy:
        logger.warning("using the tables as they are: %s", busy)
    except BadInput as refusal:
        alert = tables_not_updated(str(refusal), failed="Fetching the data by their URLs")
        return _report(alert, project, dry_run, problem=str(refusal))
    except dvc.StageFailed as failure:
        alert = tables_not_updated(failure.output)
        return _report(alert, project, dry_run, problem=str(failure))
    return None


@task(cache_policy=NO_CACHE)
def check(project: Project, records: MonitorRecords, week_end: date, dry_run: bool) -> str | None:
    """Return why the week cannot be judged, after an alert to the owner of the data, or None.

    The report lies among the pages of the records.
    """
    tables = project.root / project.tables
    completeness = completeness_of(project, week_end)
    if not completeness.is_complete:
        late = data_late(week_end, completeness.latest_day)
        return _report(late, project, dry_run, problem=completeness.summary)
    if completeness.is_closed:
        closed = validation_failed(week_end, [f"a week has sales; {completeness.summary}"])
        return _report(closed, project, dry_run, problem=completeness.summary)
    if completeness.warning:
        get_run_logger().warning("%s", completeness.warning)
    checks = records.page_of(week_end).parent / "checks"
    rules = ValidateParams.load(project.params)
    is_kaggle = has_kaggle_ids(project.params)
    found = check_week(project.engine, tables, week_end, rules, checks, is_kaggle=is_kaggle)
    broken = broken_rules(found)
    if broken:
        failed = validation_failed(week_end, broken)
        return _report(failed, project, dry_run, problem="; ".join(broken))
    return None


def completeness_of(project: Project, week_end: date) -> CompletenessReport:
    """Return which days of the week are missing from the project's transactions."""
    fresh = FreshDataParams.load(project.params)
    country = MonitorParams.load(project.params).calendar.country
    transactions = project.root / project.tables / "transactions.parquet"
    with open_engine(project.engine) as engine:
        return check_completeness(engine, transactions, week_end, fresh, country)


def _report(alert: AlertDraft, project: Project, dry_run: bool, *, problem: str) -> str:
    if not dry_run:
        send_alert(alert, links(project), project, get_run_logger())
    return problem
