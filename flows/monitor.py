"""The weekly look: is the world still the one we trained on, and if not, who is to do what.

Everything a week leads to hangs on its decision, which is put on record once and for all before
anybody is told. What follows from it (pages, report, alerts, event) is done again by every run and
comes to the same, so a run that was killed is completed by the next one, and a week that is looked
at twice has one decision, one alert and one training. The price: such a second run is not free, it
draws its pages anew.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Final, cast

import pandas as pd
import typer
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Failed

from flows import dvc, week
from flows.announce import announce
from flows.project import Project
from flows.server import join_running_server
from flows.tell import links, tell
from hemline import environment
from hemline.data.expectations.rules import ValidateParams
from hemline.data.split import DataParams
from hemline.errors import BadInput
from monitoring.alerts.alert import Alert, AlertParams
from monitoring.alerts.composed import data_late, validation_failed
from monitoring.answers import Champion
from monitoring.dashboard.artifact import week_artifact
from monitoring.drift import Reference, add_to_workspace
from monitoring.fresh_data import FreshDataParams, broken_rules, check_week, see_arrival
from monitoring.transactions import sample_transactions
from monitoring.windows import MonitorParams, Span

_LOCK_SECONDS: Final = 5


@dataclass(frozen=True)
class Look:
    """What a run of the flow came to.

    Attributes:
        decision: the row of the decision log that counts for the week.
        is_new: whether this run took it.
        page: the week's page.
    """

    decision: Any
    is_new: bool
    page: Path


@flow(name="monitor")
def monitor(
    root: Path = Path(),
    as_of: date | None = None,
    acts: bool = True,
    expects_a_new_week: bool = False,
) -> Look | State[Any]:
    """Look at a week, decide, and tell whoever has to know.

    Args:
        root: the project folder.
        as_of: the first day after the week; None is the last week that lies in the data.
        acts: whether anybody is told: without it no alert is raised and no event is sent.
        expects_a_new_week: whether it is an alert that the last week was decided already.

    Returns:
        What it came to, or a failed state: the week is not all there, or breaks rules.
    """
    root = root.resolve()
    environment.apply(root)
    project, logger = Project.at(root), get_run_logger()
    log = week.Log(project.monitoring)
    try:
        bring_tables(project, acts)
        wanted = as_of or _next_week(project, log, is_expected=expects_a_new_week)
        logger.info("the week from %s up to %s (exclusive)", wanted - week.WEEK, wanted)
        is_new = log.decision_of(wanted) is None
        problem = check(project, wanted, acts) if is_new else None
        champion = week.champion_of_today()
        if problem is None:
            summaries = summarise(project, wanted, champion)
            if is_new:
                decide(project, log, wanted, summaries, champion)
        if acts:
            announce(project, log, wanted)
        if problem is not None:
            return Failed(message=problem)
        report(project, wanted, summaries)
        return Look(log.decision_of(wanted), is_new, draw(project, log, wanted, summaries))
    except (BadInput, dvc.StageFailed) as refusal:
        logger.error("%s", refusal)  # noqa: TRY400  (the message is the whole story)
        return Failed(message=str(refusal))


@task(cache_policy=NO_CACHE)
def bring_tables(project: Project, acts: bool) -> None:
    """Bring stage acquire up to date, so that files delivered since are seen."""
    logger = get_run_logger()
    try:
        with dvc.training_lock(project.root, logger.info, wait_seconds=_LOCK_SECONDS) as lock:
            outcome = dvc.reproduce("acquire", project.root, logger.info, lock=lock)
        logger.info("tables: %s", outcome)
    except dvc.TrainingLocked as busy:
        logger.warning("looking at the tables as they are: %s", busy)
    except dvc.StageFailed as failure:
        params = AlertParams.load(project.params)
        broken = validation_failed(None, broken=[failure.said], links=links(), params=params)
        _told(broken, project, acts=acts, problem=failure.said)
        raise


@task(cache_policy=NO_CACHE)
def check(project: Project, as_of: date, acts: bool) -> str | None:
    """Return why the week cannot be judged, after telling whose data it is; None where it can."""
    tables, params = project.root / project.tables, AlertParams.load(project.params)
    fresh = FreshDataParams.load(project.params)
    arrival = see_arrival(tables / "transactions.parquet", as_of, fresh)
    if not arrival.is_complete:
        late = data_late(as_of, latest_day=arrival.latest_day, links=links(), params=params)
        return _told(late, project, acts=acts, problem=arrival.sentence)
    report = project.monitoring / "pages" / as_of.isoformat() / "checks"
    broken = broken_rules(check_week(tables, as_of, ValidateParams.load(project.params), report))
    if broken:
        failed = validation_failed(as_of, broken=broken, links=links(), params=params)
        return _told(failed, project, acts=acts, problem="; ".join(broken))
    return None


@task(cache_policy=NO_CACHE)
def summarise(project: Project, as_of: date, champion: Champion | None) -> pd.DataFrame:
    """Count the week, and ask the champion about it."""
    return week.summarise(project, as_of, champion)


@task(cache_policy=NO_CACHE)
def decide(
    project: Project,
    log: week.Log,
    as_of: date,
    summaries: pd.DataFrame,
    champion: Champion | None,
) -> None:
    """Judge the week, measure the champion on it, and put the decision on record."""
    week.judge(project, log, as_of, summaries)
    week.measure(project, log, as_of, champion)
    age = None if champion is None else (as_of - champion[0].as_of).days
    decision = week.conclude(project, log, as_of, summaries, age)
    get_run_logger().info("retrain: %s. %s", decision.retrain, " ".join(decision.reasons))


@task(cache_policy=NO_CACHE)
def report(project: Project, as_of: date, summaries: pd.DataFrame) -> None:
    """Report the week against its references in Evidently's workspace."""
    params = MonitorParams.load(project.params)
    windows = week.windows_of(summaries, as_of, params)
    spans: dict[Reference, tuple[Span, ...]] = {
        "recent weeks": windows.recent,
        "last year": windows.seasonal,
    }

    def sample(parts: Sequence[Span]) -> pd.DataFrame:
        days = [(span.first, span.end) for span in parts]
        tables = project.root / project.tables
        return sample_transactions(tables, days, max_rows=params.max_rows)

    add_to_workspace(
        project.monitoring / "evidently",
        as_of,
        sample([windows.current]),
        {reference: sample(parts) for reference, parts in spans.items() if parts},
        threshold=params.threshold,
        owner=AlertParams.load(project.params).owners["drift confirmed"],
        page=project.monitoring / "pages" / as_of.isoformat() / "evidently.html",
    )


@task(cache_policy=NO_CACHE)
def draw(project: Project, log: week.Log, as_of: date, summaries: pd.DataFrame) -> Path:
    """Write the pages, those of earlier weeks that lack one too, and an artifact of this run."""
    today = datetime.now(tz=UTC).date()
    for day in log.decisions["as_of"]:
        if day == as_of or not log.page_of(day).exists():
            week.draw(project, log, day, summaries, links=links(), today=today)
    decision = log.decision_of(as_of)
    text = week_artifact(decision, log.verdicts, log.performance, links())
    create_markdown_artifact(text, key="week", description=f"The week before {as_of}")
    return log.page_of(as_of)


def main(
    as_of: Annotated[
        str | None, typer.Option(help="The first day after the week; default: the last one.")
    ] = None,
    acts: Annotated[bool, typer.Option(help="Whether alerts and the event go out.")] = True,
) -> None:
    """Look at a week of the project in this folder and print what came of it."""
    state = monitor(
        as_of=None if as_of is None else date.fromisoformat(as_of), acts=acts, return_state=True
    )
    logging.getLogger("prefect").setLevel(logging.WARNING)  # the last words are ours
    if not state.is_completed():
        typer.secho(f"\n{state.message}", err=True, fg="red")
        raise SystemExit(1)
    look = cast("Look", state.result())
    typer.echo(f"\nThe week before {look.decision.as_of}", nl=False)
    typer.echo("" if look.is_new else " was decided before; the first decision counts")
    typer.echo("".join(f"  {reason}\n" for reason in look.decision.reasons), nl=False)
    typer.echo(f"retrain: {'yes' if look.decision.retrain else 'no'}\npage:    {look.page}")


def _next_week(project: Project, log: week.Log, *, is_expected: bool) -> date:
    """Return the last week of the tables, or the one after it where a new one is expected.

    Weeks begin on the weekday of those looked at before, at first on that of data.as_of.
    """
    decided = log.decisions["as_of"].tolist()
    anchor = decided[-1] if decided else DataParams.load(project.params).as_of
    latest = week.latest_week(project.root / project.tables, anchor)
    return latest + week.WEEK if is_expected and latest in decided else latest


def _told(alert: Alert, project: Project, *, acts: bool, problem: str) -> str:
    if acts:
        tell(alert, project, get_run_logger())
    return problem


if __name__ == "__main__":
    join_running_server(Path.cwd(), "flows.monitor")
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
