"""The weekly look: is the world still the one we trained on, and if not, who is to do what.

Everything a week leads to hangs on its decision, which is put on record once and for all before
anybody is told. What follows from it (pages, report, alerts, event) is done again by every run and
comes to the same, so a run that was killed is completed by the next one, and a week that is looked
at twice has one decision, one alert and one training. The price: such a second run is not free, it
draws its pages anew.

Weeks are decided in their order. One that came late is looked at together with the next; one that
breaks rules or lacks days is told of and passed over, so that it does not hold up those after it.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
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
from flows.check_data import bring_tables, check
from flows.command_line import run_command
from flows.project import Project
from flows.schedule import is_overtaken, rehearsal, weeks_wanted
from hemline import environment
from hemline.engine.engine import Engine, open_engine
from hemline.errors import BadInput
from monitoring.alerts.alert import AlertParams
from monitoring.champion_lists import Champion
from monitoring.dashboard.week_artifact import week_artifact
from monitoring.evidently_workspace import Reference, add_to_workspace
from monitoring.monitor_params import MonitorParams
from monitoring.transactions import sample_transactions
from monitoring.windows import Span


@dataclass(frozen=True)
class Look:
    """What a run of the flow came to.

    Attributes:
        decision: the row of the decision log that counts for the week.
        is_new: whether this run took it.
        is_rehearsed: whether it stands in a log of its own, told to nobody.
        page: the week's page.
    """

    decision: Any
    is_new: bool
    is_rehearsed: bool
    page: Path


@flow(name="monitor")
def monitor(
    root: Path = Path(),
    week_end: date | None = None,
    acts: bool = True,
    expects_a_new_week: bool = False,
) -> Look | State[Any]:
    """Look at every week that is due, decide, and tell whoever has to know.

    Args:
        root: the project folder.
        week_end: the first day after the one week to look at; None is every week in the data since
            the last decision, at first the last one.
        acts: whether anybody is told: without it no alert is raised, no event is sent and no
            decision goes into the live log. A week before the latest decision never acts.
        expects_a_new_week: whether it is an alert that the last week was decided already.

    Returns:
        What the last of them came to, or a failed state: the tables could not be brought, week_end
        is no week of the data, or a week is not all there or breaks rules.
    """
    root = root.resolve()
    environment.apply(root)
    project, logger = Project.at(root), get_run_logger()
    log = monitor_steps.Log(project.monitoring)
    try:
        problem = bring_tables(project, acts)
        if problem is not None:
            if acts and not log.decisions.empty:
                announce(project, log.decisions, log.verdicts, log.decisions["week_end"].max())
            return Failed(message=problem)
        weeks = weeks_wanted(project, log, week_end, is_expected=expects_a_new_week)
        acts = acts and not is_overtaken(weeks[0], log)
        if not acts and log.decision_of(weeks[0]) is None:
            log = rehearsal(project, weeks[0])
        found = [_look_at(project, log, wanted, acts=acts) for wanted in weeks]
    except BadInput as refusal:
        logger.error("%s", refusal)  # noqa: TRY400  (the message is the whole story)
        return Failed(message=str(refusal))
    problems = [one for one in found if isinstance(one, str)]
    return Failed(message="; ".join(problems)) if problems else cast("Look", found[-1])


@task(cache_policy=NO_CACHE)
def summarise(project: Project, week_end: date, champion: Champion | None) -> pd.DataFrame:
    """Count the week, and ask the champion about it."""
    return monitor_steps.summarise(project, week_end, champion)


@task(cache_policy=NO_CACHE)
def decide(
    project: Project,
    log: monitor_steps.Log,
    week_end: date,
    summaries: pd.DataFrame,
    champion: Champion | None,
) -> None:
    """Judge the week, measure the champion on it, and put the decision on record."""
    monitor_steps.judge(project, log, week_end, summaries)
    monitor_steps.measure(project, log, week_end, champion)
    age = None if champion is None else (week_end - champion[0].cut).days
    decision = monitor_steps.conclude(project, log, week_end, summaries, age)
    get_run_logger().info("retrain: %s. %s", decision.retrain, " ".join(decision.reasons))


@task(cache_policy=NO_CACHE)
def report(
    project: Project, log: monitor_steps.Log, week_end: date, summaries: pd.DataFrame
) -> None:
    """Report the week against its references in Evidently's workspace."""
    params = MonitorParams.load(project.params)
    windows = monitor_steps.windows_of(summaries, week_end, params)
    spans: dict[Reference, tuple[Span, ...]] = {
        "recent weeks": windows.recent,
        "last year": windows.seasonal,
    }

    def sample(engine: Engine, parts: Sequence[Span]) -> pd.DataFrame:
        days = [(span.first, span.end) for span in parts]
        tables = project.root / project.tables
        return sample_transactions(engine, tables, days, max_rows=params.max_rows)

    with open_engine(project.engine) as engine:
        current = sample(engine, [windows.current])
        references = {name: sample(engine, parts) for name, parts in spans.items() if parts}
    add_to_workspace(
        log.folder / "evidently",
        week_end,
        current,
        references,
        threshold=params.threshold,
        owner=AlertParams.load(project.params).owners["drift confirmed"],
        page=log.page_of(week_end).parent / "evidently.html",
    )


@task(cache_policy=NO_CACHE)
def draw(project: Project, log: monitor_steps.Log, week_end: date, summaries: pd.DataFrame) -> Path:
    """Write the pages, those of earlier weeks that lack one too, and an artifact of this run."""
    today = datetime.now(tz=UTC).date()
    for day in log.decisions["week_end"]:
        # The summaries end with this week, so a later one cannot be drawn of them.
        if day == week_end or (day < week_end and not log.page_of(day).exists()):
            monitor_steps.draw(project, log, day, summaries, links=links(), today=today)
    decision = log.decision_of(week_end)
    text = week_artifact(decision, log.verdicts, log.performance, links())
    create_markdown_artifact(text, key="week", description=f"The week before {week_end}")
    return log.page_of(week_end)


def main(
    week_end: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="The first day after the week; default: all that are due."
        ),
    ] = None,
    acts: Annotated[
        bool, typer.Option(help="Whether it counts: goes on record, alerts and event go out.")
    ] = True,
) -> None:
    """Look at the weeks of the project in this folder and print what came of the last one."""
    day = None if week_end is None else week_end.date()
    state = monitor(week_end=day, acts=acts, return_state=True)
    logging.getLogger("prefect").setLevel(logging.WARNING)  # the last words are ours
    if not state.is_completed():
        typer.secho(f"\n{state.message}", err=True, fg="red")
        raise SystemExit(1)
    look = cast("Look", state.result())
    typer.echo(f"\nThe week before {look.decision.week_end}", nl=False)
    if look.is_rehearsed:
        typer.echo(" was looked at for you alone: nothing goes on record, nobody is told")
    else:
        typer.echo("" if look.is_new else " was decided before; the first decision counts")
    typer.echo("".join(f"  {reason}\n" for reason in look.decision.reasons), nl=False)
    typer.echo(f"retrain: {'yes' if look.decision.retrain else 'no'}\npage:    {look.page}")


def _look_at(project: Project, log: monitor_steps.Log, week_end: date, *, acts: bool) -> Look | str:
    """Return what a week came to, or why it cannot be judged."""
    get_run_logger().info(
        "the week from %s up to %s (exclusive)", week_end - monitor_steps.WEEK, week_end
    )
    is_new = log.decision_of(week_end) is None
    problem = check(project, week_end, acts) if is_new else None
    if problem is None:
        champion = monitor_steps.champion_of_today()
        summaries = summarise(project, week_end, champion)
        if is_new:
            decide(project, log, week_end, summaries, champion)
    if acts:
        announce(project, log.decisions, log.verdicts, week_end)
    if problem is not None:
        return problem
    report(project, log, week_end, summaries)
    page = draw(project, log, week_end, summaries)
    is_rehearsed = log.folder != project.monitoring
    return Look(log.decision_of(week_end), is_new, is_rehearsed, page)


if __name__ == "__main__":
    run_command("monitor", main, joins_server=True)
