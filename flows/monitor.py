"""Monitoring, first slice: the week after the cut beside the weeks before it, page and table.

It reports and decides nothing: telling a season from a drift, and retraining on the latter, build
on these windows.
"""

from pathlib import Path

import pandas as pd
import typer
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from flows.project import Project
from hemline import environment
from hemline.data.split import DataParams
from monitoring.drift import measure_drift
from monitoring.windows import MonitorParams, read_windows


@flow(name="monitor")
def monitor(root: Path = Path()) -> pd.DataFrame:
    """Compare the test week with the weeks before it; write the page and a Prefect artifact.

    Returns:
        The lines of monitoring.drift.measure_drift.
    """
    environment.apply(root.resolve())
    project = Project.at(root)
    lines = compare_weeks(project)
    drifted = lines.loc[lines["drifted"], "column"].tolist()
    get_run_logger().info("unlike the weeks before: %s", ", ".join(drifted) or "nothing")
    create_markdown_artifact(_page(lines), key="drift", description="This week and the last ones")
    return lines


def main() -> None:
    """Compare the weeks of the project in this folder and print what came of it."""
    lines = monitor(Path.cwd())
    typer.echo(lines.to_string(index=False))
    typer.echo(f"page: {_page_path(Project.at(Path.cwd()))}")


@task(cache_policy=NO_CACHE)
def compare_weeks(project: Project) -> pd.DataFrame:
    """Measure every column's distance between the two windows."""
    wanted, dates = MonitorParams.load(project.params), DataParams.load(project.params)
    windows = read_windows(
        project.root / project.tables,
        as_of=dates.as_of,
        current_days=dates.test_days,
        reference_weeks=wanted.reference_weeks,
        max_rows=wanted.max_rows,
    )
    return measure_drift(windows, threshold=wanted.threshold, page=_page_path(project))


def _page_path(project: Project) -> Path:
    as_of = DataParams.load(project.params).as_of
    return project.root / project.reports / "drift" / f"{as_of}.html"


def _page(lines: pd.DataFrame) -> str:
    rows = "\n".join(
        f"| {line.column} | {line.method} | {line.distance:.4f} | "
        f"{'yes' if line.drifted else 'no'} |"
        for line in lines.itertuples()
    )
    return f"## Drift\n\n| column | method | distance | drifted |\n|---|---|---|---|\n{rows}\n"


if __name__ == "__main__":
    environment.apply_or_start_again(Path.cwd(), "flows.monitor")
    main()
