"""A span of past weeks, evaluated one after the other as the monitor would have done then.

Each week is judged from what was known before its week_end. A replay has a folder of its own for
records and pages, so it never mixes with the live ones, and it sends no alerts. Weeks that are
recorded are not evaluated again, so a replay that was stopped resumes.

Two things differ from the live monitor. The champion is today's: it is not measured on weeks it was
fitted on, and its past lists are not judged (the models of the time do not exist, and training one
a week is what `hemline backtest` is for). And the model's age counts from the first week replayed
and then from every decision to retrain, as if each had been followed.
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
from flows.check_data import completeness_of
from flows.command_line import run_command
from flows.one_run import only_run
from flows.project import ALARMS, Project
from flows.screen import expect_steps, open_screen, show, step
from flows.ui_pages import publish_project
from hemline import environment
from hemline.cli.terminal import as_text, say
from hemline.errors import BadInput
from hemline.pages.escaping import escape_markdown, spreadsheet_safe
from monitoring.champion_lists import Champion
from monitoring.column_names import ColumnNames
from monitoring.records import MonitorRecords, RunKind
from monitoring.verdict import Verdict, places

_VERDICTS: Final = (Verdict.DRIFT, Verdict.SEASONAL, Verdict.LEVEL_CHANGE, Verdict.NEW)
_HEADINGS: Final = ("week_end", *_VERDICTS, "confirmed", "decision")
_BETWEEN: Final = "; "


@flow(name="replay")
def replay(
    first: date, last: date, root: Path = Path(), fresh: bool = False, pages: bool = True
) -> Path:
    """Evaluate every week from `first` to `last` and write the alarm history.

    Args:
        first: week_end of the first week.
        last: week_end of the last week, a whole number of weeks later.
        root: the project folder.
        fresh: start over in a new folder instead of resuming.
        pages: whether to draw the pages as well.

    Returns:
        The folder of the replay: decisions, verdicts, performance, pages, alarms.csv, alarms.md.

    Raises:
        BadInput: the span is no whole number of weeks.
    """
    root = root.resolve()
    environment.apply(root)
    project = Project.at(root)
    weeks = _weeks(first, last)
    records = MonitorRecords(_folder(project, first, last, fresh=fresh), RunKind.REPLAY)
    decided = set(records.decisions["week_end"])
    champion = monitor_steps.champion_of_today()
    summaries = monitor_steps.summarise(project, last, None)
    undecided = [week_end for week_end in weeks if week_end not in decided]
    expect_steps(len(undecided) + pages)
    for week_end in undecided:
        replay_week(project, records, week_end, first, summaries, champion)
    if pages:
        draw(project, records, summaries)
    write_alarms(project, records)
    publish_project(root)
    return records.folder


@task(cache_policy=NO_CACHE, task_run_name="{week_end}")
def replay_week(
    project: Project,
    records: MonitorRecords,
    week_end: date,
    first: date,
    summaries: pd.DataFrame,
    champion: Champion | None,
) -> None:
    """Evaluate one week with what was known then, unless its data are incomplete or empty."""
    completeness = completeness_of(project, week_end)
    if not completeness.is_complete or completeness.is_closed:
        get_run_logger().warning("skipped: %s", completeness.summary)
        return
    known = summaries[summaries["week_end"] <= week_end]
    with step(str(week_end)):
        monitor_steps.judge(project, records, week_end, known)
        monitor_steps.measure(project, records, week_end, champion)
        age = _model_age_days(records, week_end, first)
        warning = completeness.warning
        monitor_steps.conclude(project, records, week_end, known, age, warning=warning)


@task(cache_policy=NO_CACHE)
@step("draw the pages")
def draw(project: Project, records: MonitorRecords, summaries: pd.DataFrame) -> None:
    """Write the pages of all weeks that have none yet."""
    days = records.decisions["week_end"].tolist()
    where = links(project)
    for day in days:
        if not records.page_of(day).exists():
            monitor_steps.draw_week(project, records, day, summaries, where)
    monitor_steps.draw_history(project, records, where)


@task(cache_policy=NO_CACHE)
def write_alarms(project: Project, records: MonitorRecords) -> None:
    """Write alarms.csv and alarms.md, and the table as an artifact of this run."""
    history = alarm_history(records, ColumnNames.of(project.params))
    spreadsheet_safe(history).to_csv(records.folder / f"{ALARMS}.csv", index=False)
    table, mark = _as_markdown(history), records.kind.mark
    (records.folder / f"{ALARMS}.md").write_text(table, encoding="utf-8")
    text = f"## {mark}Verdicts and decisions\n\n{records.kind.meaning}\n\n{table}"
    create_markdown_artifact(text, key=ALARMS, description=f"{mark}Verdicts and decisions")


def alarm_history(records: MonitorRecords, names: ColumnNames) -> pd.DataFrame:
    """Return a row per week: verdicts, confirmed drifts, and the decision with its reasons."""
    verdicts = records.verdicts
    return pd.DataFrame(
        [
            _alarm_row(decision, verdicts[verdicts["week_end"] == decision.week_end], names)
            for decision in records.decisions.itertuples()
        ],
        columns=[*_HEADINGS, "candidates", "reasons"],
    )


def main(
    first: Annotated[
        datetime,
        typer.Option("--from", formats=["%Y-%m-%d"], help="The first day after the first week."),
    ],
    last: Annotated[
        datetime,
        typer.Option("--to", formats=["%Y-%m-%d"], help="The first day after the last week."),
    ],
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start over in a new folder instead of resuming.")
    ] = False,
    pages: Annotated[bool, typer.Option(help="Draw the pages as well.")] = True,
) -> None:
    """Evaluate past weeks again, as the monitor would have done then, and print the alarms."""
    lock = Path.cwd() / ".hemline" / "replay.lock"
    with open_screen("replay"), only_run(lock, "the replay", show):
        folder = replay(first.date(), last.date(), Path.cwd(), fresh=fresh, pages=pages)
    names = ColumnNames.of(Path.cwd() / "params.yaml")
    _print(alarm_history(MonitorRecords(folder), names), Console())
    say(str(folder))


def _weeks(first: date, last: date) -> list[date]:
    n_weeks, rest = divmod((last - first).days, monitor_steps.WEEK.days)
    if rest or n_weeks < 0:
        raise BadInput(
            "a replay covers a whole number of weeks",
            found=f"from {first} to {last}, {(last - first).days} days",
            fix="pass the first day after the first and after the last week: the same weekday",
        )
    return [first + weeks * monitor_steps.WEEK for weeks in range(n_weeks + 1)]


def _folder(project: Project, first: date, last: date, *, fresh: bool) -> Path:
    """Return the folder of the latest replay of the span, which is resumed, or a new one."""
    replays, number = project.monitoring / "replays", 1
    while (replays / f"{first}_{last}_{number + 1 - fresh}").exists():
        number += 1
    return replays / f"{first}_{last}_{number}"


def _model_age_days(records: MonitorRecords, week_end: date, first: date) -> int:
    decisions = records.decisions
    trained = decisions[decisions["retrain"] & (decisions["week_end"] < week_end)][
        "week_end"
    ].tolist()
    # A model that knows everything before `first` is as old as one trained on the week before it.
    latest: date = max([first - monitor_steps.WEEK, *trained])
    return (week_end - latest).days


def _alarm_row(decision: Any, verdicts: pd.DataFrame, names: ColumnNames) -> dict[str, object]:
    signals = verdicts["about"] + " " + places(verdicts).map(names.place)
    by_verdict: dict[str, str] = {
        verdict: _BETWEEN.join(signals[verdicts["verdict"] == verdict]) for verdict in _VERDICTS
    }
    return {
        "week_end": decision.week_end,
        **by_verdict,
        "confirmed": _BETWEEN.join(map(names.place, decision.confirmed)),
        "decision": "retrain" if decision.retrain else "",
        "candidates": _BETWEEN.join(map(names.place, decision.candidates)),
        "reasons": " ".join(decision.reasons),
    }


def _as_markdown(history: pd.DataFrame) -> str:
    heads = list(history.columns)
    cells = [
        [escape_markdown(str(cell)) for cell in row] for row in history.itertuples(index=False)
    ]
    rows = [heads, ["---"] * len(heads), *cells]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _print(history: pd.DataFrame, console: Console) -> None:
    """Print the history with numbers of signals instead of their names."""
    table = Table(title="Signals by verdict, week by week (alarms.csv has their names)")
    for heading in _HEADINGS:
        table.add_column(heading, justify="right" if heading in _VERDICTS else "left")
    for row in history.to_dict("records"):
        counts = [
            str(len(row[verdict].split(_BETWEEN))) if row[verdict] else "" for verdict in _VERDICTS
        ]
        columns = {place.partition(" in ")[0] for place in row["confirmed"].split(_BETWEEN)}
        shown = [str(row["week_end"]), *counts, ", ".join(sorted(columns)), row["decision"]]
        table.add_row(*map(as_text, shown), style="bold" if row["decision"] else None)
    console.print(table)
    confirmed = int(history["confirmed"].ne("").sum())
    retrained = int(history["decision"].ne("").sum())
    console.print(
        f"{len(history)} weeks, {confirmed} with a confirmed drift, {retrained} with a retraining"
    )


if __name__ == "__main__":
    run_command("replay", main, joins_server=True)
