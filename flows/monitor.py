"""The weekly run of the monitor: do the data still look like those the model was trained on?

Everything that follows from a week depends on its decision, which is recorded once before any
message is sent. Pages come before the messages that link to them; where a page cannot be drawn, the
messages are sent all the same and link to the page of all weeks. Pages, report, alerts and event
are made again by every run with the same result, so the next run completes one that was killed, and
a week that is evaluated twice has one decision, one alert and one training. The price: a second run
draws its pages again.

Weeks are decided in their order. A week that came late is evaluated together with the next one. One
that breaks rules or lacks days is reported and skipped, so that it does not hold up later weeks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, cast

import pandas as pd
import typer
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Failed

from flows import monitor_steps
from flows.alerting import announce, links
from flows.check_data import check, completeness_of, update_tables
from flows.command_line import foreign_server, run_command
from flows.one_run import only_run
from flows.project import Project
from flows.schedule import dry_run_records, is_overtaken, weeks_to_evaluate
from flows.screen import RunFailed, open_screen, show, step, unrecorded_end
from flows.sections import check_monitor_params
from flows.ui_pages import publish_project
from hemline import environment
from hemline.cli.terminal import say
from hemline.engine.engine import Engine, open_engine
from hemline.errors import BadInput
from monitoring.alerts.alert import AlertParams
from monitoring.champion_lists import Champion
from monitoring.column_names import ColumnNames
from monitoring.dashboard.week_artifact import week_artifact
from monitoring.evidently_panels import Reference
from monitoring.evidently_workspace import add_to_workspace
from monitoring.monitor_params import MonitorParams
from monitoring.records import MonitorRecords
from monitoring.transactions import sample_transactions
from monitoring.windows import Span


@dataclass(frozen=True)
class MonitorRun:
    """The outcome of a run for one week.

    Attributes:
        decision: the recorded decision that counts for the week, as a row; of a dry run, its own.
        is_new: whether this run made it.
        is_dry_run: whether it is recorded apart, without alerts or events.
        page: the week's page.
        standing: after a dry run of a week that is decided, its live decision, as a row.
    """

    decision: Any
    is_new: bool
    is_dry_run: bool
    page: Path
    standing: Any = None


@flow(name="monitor")
def monitor(
    root: Path = Path(),
    week_end: date | None = None,
    dry_run: bool = False,
    expects_a_new_week: bool = False,
) -> MonitorRun | State[Any]:
    """Evaluate every week that is due, decide, and send alerts and events.

    Args:
        root: the project folder.
        week_end: the first day after the one week to evaluate; None is every week in the data since
            the last decision, at first the last one.
        dry_run: leave live records and pages as they are, send no alerts and no events; a week that
            is decided is judged anew. A week before the latest decision is always a dry run.
        expects_a_new_week: whether it is an alert that the last week was decided already.

    Returns:
        The outcome for the last of them, or a failed state: the tables could not be updated, the
        data hold no such week, or a week is incomplete or breaks rules.
    """
    root = root.resolve()
    environment.apply(root)
    logger = get_run_logger()
    lock = root / ".hemline" / "monitor.lock"
    try:
        with only_run(lock, "the monitor", _inform):
            project = Project.at(root)
            check_monitor_params(project.params)
            records = live = MonitorRecords(project.monitoring)
            dry_run = dry_run or (week_end is not None and is_overtaken(week_end, live))
            if not dry_run:  # so that the address of all weeks, in every alert, leads somewhere
                monitor_steps.draw_history(project, records, links(project))
            publish_project(root)
            problem = update_tables(project, dry_run)
            if problem is not None:
                if not dry_run and not records.decisions.empty:
                    _announce_earlier(project, records, records.decisions["week_end"].max())
                return Failed(message=problem)
            weeks = weeks_to_evaluate(project, records, week_end, is_expected=expects_a_new_week)
            dry_run = dry_run or is_overtaken(weeks[0], records)
            if dry_run:
                records = dry_run_records(project, weeks[0])
            outcomes = [_evaluate(project, records, week, dry_run=dry_run) for week in weeks]
    except BadInput as refusal:
        logger.error("%s", refusal)  # noqa: TRY400  (the message is the whole story)
        return Failed(message=str(refusal))
    problems = [outcome for outcome in outcomes if isinstance(outcome, str)]
    if problems:
        return Failed(message="; ".join(problems))
    run = cast("MonitorRun", outcomes[-1])
    return replace(run, standing=live.decision_of(weeks[-1])) if dry_run else run


@task(cache_policy=NO_CACHE)
@step("summarise the week")
def summarise(project: Project, week_end: date, champion: Champion | None) -> pd.DataFrame:
    """Summarise the weeks up to this one, and the champion's lists for the latest of them."""
    return monitor_steps.summarise(project, week_end, champion)


@task(cache_policy=NO_CACHE)
@step("decide")
def decide(
    project: Project,
    records: MonitorRecords,
    week_end: date,
    summaries: pd.DataFrame,
    champion: Champion | None,
) -> None:
    """Judge the week, measure the champion on it, and record the decision."""
    monitor_steps.judge(project, records, week_end, summaries)
    monitor_steps.measure(project, records, week_end, champion)
    age = monitor_steps.age_days(champion, week_end)
    warning = completeness_of(project, week_end).warning
    decision = monitor_steps.conclude(project, records, week_end, summaries, age, warning=warning)
    get_run_logger().info("retrain: %s. %s", decision.retrain, " ".join(decision.reasons))


@task(cache_policy=NO_CACHE)
@step("report to Evidently")
def report(
    project: Project, records: MonitorRecords, week_end: date, summaries: pd.DataFrame
) -> None:
    """Compare the week with its references in Evidently's workspace."""
    params = MonitorParams.load(project.params)
    windows = monitor_steps.windows_of(summaries, week_end, params)
    spans: dict[Reference, tuple[Span, ...]] = {
        "recent weeks": monitor_steps.with_sales(windows.recent, summaries),
        "last year": monitor_steps.with_sales(windows.seasonal, summaries),
    }

    def sample(engine: Engine, parts: Sequence[Span]) -> pd.DataFrame:
        days = [(span.first, span.end) for span in parts]
        tables = project.root / project.tables
        return sample_transactions(engine, tables, days, max_rows=params.max_rows)

    with open_engine(project.engine) as engine:
        current = sample(engine, [windows.current])
        references = {name: sample(engine, parts) for name, parts in spans.items() if parts}
    add_to_workspace(
        records.folder / "evidently",
        week_end,
        current,
        references,
        threshold=params.threshold,
        owner=AlertParams.load(project.params).owners["drift confirmed"],
        page=records.page_of(week_end).parent / "evidently.html",
        names=ColumnNames.of(project.params),
    )


@task(cache_policy=NO_CACHE)
@step("draw the pages")
def draw(
    project: Project, records: MonitorRecords, week_end: date, summaries: pd.DataFrame
) -> Path:
    """Write the week's page, missing pages of earlier weeks, and an artifact of this run."""
    where = links(project)
    for day in records.decisions["week_end"]:
        # The summaries end with this week, so a later one cannot be drawn from them.
        if day == week_end or (day < week_end and not records.page_of(day).exists()):
            monitor_steps.draw_week(project, records, day, summaries, where)
    monitor_steps.draw_history(project, records, where)
    decision, mark = records.decision_of(week_end), records.kind.mark
    words = records.verdicts, records.performance, where, records.kind
    text = week_artifact(decision, *words, ColumnNames.of(project.params))
    create_markdown_artifact(text, key="week", description=f"{mark}The week before {week_end}")
    return records.page_of(week_end)


def main(
    week_end: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="Evaluate only the week before this day. Default: every week that is due.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Record nothing, send no alerts, start no training.")
    ] = False,
) -> None:
    """Evaluate the weeks that are due and print the decision about the last one."""
    if foreign := foreign_server():
        typer.echo(
            f"The Prefect server at {foreign} is another project's, so this run does not join it, "
            "and a training that it requests waits. To run this project's beside it, choose "
            "another port: HEMLINE_PREFECT_PORT=<port> for 'hemline ui' and 'hemline monitor'.",
            err=True,
        )
    day = None if week_end is None else week_end.date()
    with open_screen("monitor"):
        with unrecorded_end(lambda: "Decisions that were recorded stand."):
            state = monitor(week_end=day, dry_run=dry_run, return_state=True)
        if not state.is_completed():
            raise RunFailed(str(state.message))
    run = cast("MonitorRun", state.result())
    typer.echo(f"\nThe week before {run.decision.week_end}")
    if run.is_dry_run:
        typer.echo("Dry run: nothing is recorded, no alerts are sent.")
        if run.standing is not None:
            typer.echo("The week is decided already; this is what would be decided today.")
    elif not run.is_new:
        typer.echo("It was decided before; the first decision counts.")
    for reason in run.decision.reasons:
        say(f"  {reason}")
    say(f"retrain: {'yes' if run.decision.retrain else 'no'}")
    say(f"page:    {run.page}")
    if run.standing is not None:
        retrain = "yes" if run.standing.retrain else "no"
        reasons = " ".join(run.standing.reasons)
        say(f"The decision recorded before stands: retrain: {retrain}. {reasons}")


def _inform(message: str) -> None:
    get_run_logger().info(message)
    show(message)


def _evaluate(
    project: Project, records: MonitorRecords, week_end: date, *, dry_run: bool
) -> MonitorRun | str:
    """Return the outcome for a week, or why it cannot be judged."""
    first = week_end - monitor_steps.WEEK
    period = f"the week from {first} to {week_end - timedelta(days=1)}"
    get_run_logger().info("evaluating %s", period)
    show(f"Evaluating {period}")
    is_new = records.decision_of(week_end) is None
    problem = check(project, records, week_end, dry_run) if is_new else None
    if problem is not None:
        if not dry_run:
            _announce_earlier(project, records, week_end)
        return problem
    champion = monitor_steps.champion_of_today()
    summaries = summarise(project, week_end, champion)
    if is_new:
        decide(project, records, week_end, summaries, champion)
    reported = report(project, records, week_end, summaries, return_state=True)
    drawn = draw(project, records, week_end, summaries, return_state=True)
    if not dry_run:
        _announce(project, records, week_end)
    reported.result()  # raises what went wrong, now that nobody waits for a message
    page = drawn.result()
    return MonitorRun(records.decision_of(week_end), is_new, dry_run, page)


def _announce_earlier(project: Project, records: MonitorRecords, week_end: date) -> None:
    """Report what an earlier run decided and did not report, its pages first."""
    undrawn = [day for day in records.decisions["week_end"] if not records.page_of(day).exists()]
    if undrawn:
        champion = monitor_steps.champion_of_today()
        summaries = summarise(project, undrawn[-1], champion, return_state=True)
        if summaries.is_completed():
            draw(project, records, undrawn[-1], summaries.result(), return_state=True)
    _announce(project, records, week_end)


def _announce(project: Project, records: MonitorRecords, week_end: date) -> None:
    """Send alerts and events, and show on the page of all weeks what became of them."""
    announce(project, records.decisions, records.verdicts, week_end)
    monitor_steps.draw_history(project, records, links(project))


if __name__ == "__main__":
    run_command("monitor", main, joins_server=True)
