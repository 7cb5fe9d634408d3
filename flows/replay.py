"""A span of past weeks, looked at one after the other as the monitor would have then.

Each week is judged from what was known before its week_end. Records and pages lie in a folder of
the replay's own, so the live log never mixes with it; nobody is told anything. Weeks that are
on record are not looked at again, so a replay that was stopped goes on where it was.

Two things are not as they were. The champion is today's: it has no number for weeks it was fitted
on, and is not asked what it would have recommended then (the models of the time do not exist, and
training one a week is what `hemline.backtest` is for). And the model's age counts from the first
week replayed and then from every decision to retrain, as if each had been followed.
"""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import pandas as pd
import typer
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from rich.console import Console
from rich.table import Table

from flows import monitor_steps
from flows.alerting import links
from flows.command_line import run_command
from flows.project import Project
from hemline import environment
from hemline.engine.engine import open_engine
from hemline.errors import BadInput
from monitoring.champion_lists import Champion
from monitoring.completeness import FreshDataParams, check_completeness
from monitoring.verdict import Verdict, places

ALARMS: Final = "alarms"
_VERDICTS: Final = (Verdict.DRIFT, Verdict.SEASONAL, Verdict.LEVEL_CHANGE, Verdict.NEW)
_HEADINGS: Final = ("week_end", *_VERDICTS, "confirmed", "decision")
_BETWEEN: Final = "; "


@flow(name="replay")
def replay(
    first: date, last: date, root: Path = Path(), fresh: bool = False, pages: bool = True
) -> Path:
    """Look at every week from `first` to `last` and write the alarm history.

    Args:
        first: week_end of the first week.
        last: week_end of the last week, a whole number of weeks later.
        root: the project folder.
        fresh: whether to begin anew, in a new folder, instead of going on.
        pages: whether to draw the dashboard's pages as well.

    Returns:
        The folder of the replay: decisions, verdicts, performance, pages, alarms.csv, alarms.md.

    Raises:
        BadInput: the span is no whole number of weeks.
    """
    root = root.resolve()
    environment.apply(root)
    project = Project.at(root)
    weeks = _weeks(first, last)
    log = monitor_steps.Log(_folder(project, first, last, fresh=fresh))
    decided = set(log.decisions["week_end"])
    champion = monitor_steps.champion_of_today()
    summaries = monitor_steps.summarise(project, last, None)
    for week_end in weeks:
        if week_end not in decided:
            look_back(project, log, week_end, first, summaries, champion)
    if pages:
        draw(project, log, summaries)
    write_alarms(log)
    return log.folder


@task(cache_policy=NO_CACHE, task_run_name="{week_end}")
def look_back(
    project: Project,
    log: monitor_steps.Log,
    week_end: date,
    first: date,
    summaries: pd.DataFrame,
    champion: Champion | None,
) -> None:
    """Look at one week with what was known then, unless its transactions are not all there."""
    fresh = FreshDataParams.load(project.params)
    transactions = project.root / project.tables / "transactions.parquet"
    with open_engine(project.engine) as engine:
        arrival = check_completeness(engine, transactions, week_end, fresh)
    if not arrival.is_complete:
        get_run_logger().warning("passed over: %s", arrival.sentence)
        return
    known = summaries[summaries["week_end"] <= week_end]
    monitor_steps.judge(project, log, week_end, known)
    monitor_steps.measure(project, log, week_end, champion)
    monitor_steps.conclude(project, log, week_end, known, _model_age_days(log, week_end, first))


@task(cache_policy=NO_CACHE)
def draw(project: Project, log: monitor_steps.Log, summaries: pd.DataFrame) -> None:
    """Write the pages of all weeks that have none yet."""
    days = log.decisions["week_end"].tolist()
    for day in days:
        if not log.page_of(day).exists():
            monitor_steps.draw(project, log, day, summaries, links=links(), today=days[-1])


@task(cache_policy=NO_CACHE)
def write_alarms(log: monitor_steps.Log) -> None:
    """Write alarms.csv and alarms.md, and the table as an artifact of this run."""
    history = alarm_history(log)
    history.to_csv(log.folder / f"{ALARMS}.csv", index=False)
    text = _as_markdown(history)
    (log.folder / f"{ALARMS}.md").write_text(text, encoding="utf-8")
    create_markdown_artifact(text, key=ALARMS, description="What a replay has found")


def alarm_history(log: monitor_steps.Log) -> pd.DataFrame:
    """Return a row per week: what was unlike, what was confirmed, what was decided and why."""
    verdicts = log.verdicts
    return pd.DataFrame(
        [
            _alarm_row(decision, verdicts[verdicts["week_end"] == decision.week_end])
            for decision in log.decisions.itertuples()
        ],
        columns=[*_HEADINGS, "candidates", "reasons"],
    )


def main(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"])],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"])],
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew, in a new folder.")] = False,
    pages: Annotated[bool, typer.Option(help="Whether to draw the pages as well.")] = True,
) -> None:
    """Replay a span of past weeks and print the alarm history; both days are week_end of a week."""
    folder = replay(first.date(), last.date(), Path.cwd(), fresh=fresh, pages=pages)
    _print(alarm_history(monitor_steps.Log(folder)), Console())
    typer.echo(f"{folder}")


def _weeks(first: date, last: date) -> list[date]:
    n_weeks, rest = divmod((last - first).days, monitor_steps.WEEK.days)
    if rest or n_weeks < 0:
        raise BadInput(
            "a replay is a whole number of weeks long",
            found=f"from {first} to {last}, {(last - first).days} days",
            fix="both are the first day after a week; choose the same day of the week",
        )
    return [first + weeks * monitor_steps.WEEK for weeks in range(n_weeks + 1)]


def _folder(project: Project, first: date, last: date, *, fresh: bool) -> Path:
    """Return the folder to go on in: that of the latest replay of the span, or a new one."""
    replays, number = project.monitoring / "replays", 1
    while (replays / f"{first}_{last}_{number + 1 - fresh}").exists():
        number += 1
    return replays / f"{first}_{last}_{number}"


def _model_age_days(log: monitor_steps.Log, week_end: date, first: date) -> int:
    decisions = log.decisions
    trained = decisions[decisions["retrain"] & (decisions["week_end"] < week_end)][
        "week_end"
    ].tolist()
    # A model that knows everything before `first` is as old as one trained on the week before it.
    latest: date = max([first - monitor_steps.WEEK, *trained])
    return (week_end - latest).days


def _alarm_row(decision: Any, verdicts: pd.DataFrame) -> dict[str, object]:
    names = verdicts["about"] + " " + places(verdicts)
    by_verdict: dict[str, str] = {
        verdict: _BETWEEN.join(names[verdicts["verdict"] == verdict]) for verdict in _VERDICTS
    }
    return {
        "week_end": decision.week_end,
        **by_verdict,
        "confirmed": _BETWEEN.join(decision.confirmed),
        "decision": "retrain" if decision.retrain else "",
        "candidates": _BETWEEN.join(decision.candidates),
        "reasons": " ".join(decision.reasons),
    }


def _as_markdown(history: pd.DataFrame) -> str:
    heads = list(history.columns)
    rows = [heads, ["---"] * len(heads), *history.itertuples(index=False)]
    return "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)


def _print(history: pd.DataFrame, console: Console) -> None:
    """Print the history with numbers of signals in place of their names."""
    table = Table(title="Week by week: number of signals (their names stand in alarms.csv)")
    for heading in _HEADINGS:
        table.add_column(heading, justify="right" if heading in _VERDICTS else "left")
    for row in history.to_dict("records"):
        counts = [
            str(len(row[verdict].split(_BETWEEN))) if row[verdict] else "" for verdict in _VERDICTS
        ]
        columns = {place.partition(" in ")[0] for place in row["confirmed"].split(_BETWEEN)}
        shown = [str(row["week_end"]), *counts, ", ".join(sorted(columns)), row["decision"]]
        table.add_row(*shown, style="bold" if row["decision"] else None)
    console.print(table)
    confirmed = int(history["confirmed"].ne("").sum())
    retrained = int(history["decision"].ne("").sum())
    console.print(f"{len(history)} weeks, {confirmed} with a confirmed drift, {retrained} retrains")


if __name__ == "__main__":
    run_command("replay", main, joins_server=True)
