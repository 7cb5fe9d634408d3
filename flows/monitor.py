"""The weekly look: is the world still the one we trained on, and if not, who is to do what.

Everything a week leads to hangs on its decision, which is put on record once and for all before
anybody is told. What follows from it (pages, report, alerts, event) is done again by every run and
comes to the same, so a run that was killed is completed by the next one, and a week that is looked
at twice has one decision, one alert and one training. The price: such a second run is not free, it
draws its pages anew.

Weeks are decided in their order. One that came late is looked at together with the next; one that
breaks rules or lacks days is told of and passed over, so that it does not hold up those after it.
A look that is only tried, and one at a week before the latest decision, has a log of its own, which
the next such look replaces.
"""

import logging
import shutil
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
from hemline.engine.engine import Engine, open_engine
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
    as_of: date | None = None,
    acts: bool = True,
    expects_a_new_week: bool = False,
) -> Look | State[Any]:
    """Look at every week that is due, decide, and tell whoever has to know.

    Args:
        root: the project folder.
        as_of: the first day after the one week to look at; None is every week in the data since
            the last decision, at first the last one.
        acts: whether anybody is told: without it no alert is raised, no event is sent and no
            decision goes into the live log. A week before the latest decision never acts.
        expects_a_new_week: whether it is an alert that the last week was decided already.

    Returns:
        What the last of them came to, or a failed state: the tables could not be brought, as_of is
        no week of the data, or a week is not all there or breaks rules.
    """
    root = root.resolve()
    environment.apply(root)
    project, logger = Project.at(root), get_run_logger()
    log = week.Log(project.monitoring)
    try:
        problem = bring_tables(project, acts)
        if problem is not None:
            if acts and not log.decisions.empty:
                announce(project, log, log.decisions["as_of"].max())
            return Failed(message=problem)
        weeks = _weeks_wanted(project, log, as_of, is_expected=expects_a_new_week)
        acts = acts and not week.is_overtaken(weeks[0], log)
        if not acts and log.decision_of(weeks[0]) is None:
            log = _rehearsal(project, weeks[0])
        found = [_look_at(project, log, wanted, acts=acts) for wanted in weeks]
    except BadInput as refusal:
        logger.error("%s", refusal)  # noqa: TRY400  (the message is the whole story)
        return Failed(message=str(refusal))
    problems = [one for one in found if isinstance(one, str)]
    return Failed(message="; ".join(problems)) if problems else cast("Look", found[-1])


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
def check(project: Project, as_of: date, acts: bool) -> str | None:
    """Return why the week cannot be judged, after telling whose data it is; None where it can.

    The report lies among the live pages, in a rehearsal too: it is of the data, not of a decision.
    """
    tables, params = project.root / project.tables, AlertParams.load(project.params)
    fresh = FreshDataParams.load(project.params)
    with open_engine(project.engine) as engine:
        arrival = see_arrival(engine, tables / "transactions.parquet", as_of, fresh)
    if not arrival.is_complete:
        late = data_late(as_of, latest_day=arrival.latest_day, links=links(), params=params)
        return _told(late, project, acts=acts, problem=arrival.sentence)
    checks = week.Log(project.monitoring).page_of(as_of).parent / "checks"
    rules = ValidateParams.load(project.params)
    broken = broken_rules(check_week(project.engine, tables, as_of, rules, checks))
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
def report(project: Project, log: week.Log, as_of: date, summaries: pd.DataFrame) -> None:
    """Report the week against its references in Evidently's workspace."""
    params = MonitorParams.load(project.params)
    windows = week.windows_of(summaries, as_of, params)
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
        as_of,
        current,
        references,
        threshold=params.threshold,
        owner=AlertParams.load(project.params).owners["drift confirmed"],
        page=log.page_of(as_of).parent / "evidently.html",
    )


@task(cache_policy=NO_CACHE)
def draw(project: Project, log: week.Log, as_of: date, summaries: pd.DataFrame) -> Path:
    """Write the pages, those of earlier weeks that lack one too, and an artifact of this run."""
    today = datetime.now(tz=UTC).date()
    for day in log.decisions["as_of"]:
        # The summaries end with this week, so a later one cannot be drawn of them.
        if day == as_of or (day < as_of and not log.page_of(day).exists()):
            week.draw(project, log, day, summaries, links=links(), today=today)
    decision = log.decision_of(as_of)
    text = week_artifact(decision, log.verdicts, log.performance, links())
    create_markdown_artifact(text, key="week", description=f"The week before {as_of}")
    return log.page_of(as_of)


def main(
    as_of: Annotated[
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
    day = None if as_of is None else as_of.date()
    state = monitor(as_of=day, acts=acts, return_state=True)
    logging.getLogger("prefect").setLevel(logging.WARNING)  # the last words are ours
    if not state.is_completed():
        typer.secho(f"\n{state.message}", err=True, fg="red")
        raise SystemExit(1)
    look = cast("Look", state.result())
    typer.echo(f"\nThe week before {look.decision.as_of}", nl=False)
    if look.is_rehearsed:
        typer.echo(" was looked at for you alone: nothing goes on record, nobody is told")
    else:
        typer.echo("" if look.is_new else " was decided before; the first decision counts")
    typer.echo("".join(f"  {reason}\n" for reason in look.decision.reasons), nl=False)
    typer.echo(f"retrain: {'yes' if look.decision.retrain else 'no'}\npage:    {look.page}")


def _weeks_wanted(
    project: Project, log: week.Log, as_of: date | None, *, is_expected: bool
) -> list[date]:
    """Return the weeks to look at, oldest first; raises BadInput where as_of is none of the data.

    Weeks begin on the weekday of those decided before, at first on that of data.as_of.
    """
    decided = log.decisions["as_of"].tolist()
    anchor = decided[-1] if decided else DataParams.load(project.params).as_of
    with open_engine(project.engine) as engine:
        latest = week.latest_week(engine, project.root / project.tables, anchor)
    if as_of is None:
        return week.weeks_due(latest, decided[-1] if decided else None, is_expected=is_expected)
    if as_of > latest or (latest - as_of) % week.WEEK:
        raise BadInput(
            "a week to look at lies in the transactions, and begins on the weekday of the others",
            found=f"as_of {as_of}, {as_of:%A}",
            fix=f"a {latest:%A} up to {latest}, the first day after the last week",
        )
    return [as_of]


def _rehearsal(project: Project, as_of: date) -> week.Log:
    """Return a log that holds what the live one knew before a week, in place of earlier ones."""
    folder = project.monitoring / "rehearsal"
    shutil.rmtree(folder, ignore_errors=True)
    for kind in ("decisions", "verdicts", "performance"):
        (folder / kind).mkdir(parents=True)
        for record in (project.monitoring / kind).glob("*.parquet"):
            if record.stem < as_of.isoformat():
                shutil.copy(record, folder / kind)
    return week.Log(folder)


def _look_at(project: Project, log: week.Log, as_of: date, *, acts: bool) -> Look | str:
    """Return what a week came to, or why it cannot be judged."""
    get_run_logger().info("the week from %s up to %s (exclusive)", as_of - week.WEEK, as_of)
    is_new = log.decision_of(as_of) is None
    problem = check(project, as_of, acts) if is_new else None
    if problem is None:
        champion = week.champion_of_today()
        summaries = summarise(project, as_of, champion)
        if is_new:
            decide(project, log, as_of, summaries, champion)
    if acts:
        announce(project, log, as_of)
    if problem is not None:
        return problem
    report(project, log, as_of, summaries)
    page = draw(project, log, as_of, summaries)
    is_rehearsed = log.folder != project.monitoring
    return Look(log.decision_of(as_of), is_new, is_rehearsed, page)


def _not_brought(failure: dvc.StageFailed, project: Project) -> Alert:
    """Return the alert that there are no tables to look at; that need not be the data's fault."""
    params = AlertParams.load(project.params)
    alert = validation_failed(None, broken=[failure.said], links=links(), params=params)
    title = "The tables could not be brought up to date"
    words = {
        "title": title,
        "happened": f"{title}: {failure.said}",
        "first_thing": "Mend what it names, then `python -m flows.monitor`. Nothing is lost: every "
        "week since the last decision is judged then.",
    }
    return alert.model_copy(update=words)


def _told(alert: Alert, project: Project, *, acts: bool, problem: str) -> str:
    if acts:
        tell(alert, project, get_run_logger())
    return problem


if __name__ == "__main__":
    join_running_server(Path.cwd(), "flows.monitor")
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
