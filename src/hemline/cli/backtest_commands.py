"""The command that scores past weeks."""

from pathlib import Path
from typing import Annotated

import typer

from hemline import environment
from hemline.cli.terminal import print_table, project_folder, say


def backtest(
    *,
    weeks: Annotated[
        int, typer.Option(min=1, max=52, help="Number of weeks up to the test week.")
    ] = 4,
    rows: Annotated[
        str | None, typer.Option(help="Rows of the score table, separated by commas; default: all.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Ignore cached lists.")] = False,
    check_leaks: Annotated[
        bool,
        typer.Option("--check-leaks", help="First check that no row uses later data."),
    ] = False,
) -> None:
    """Score what past weeks would have recommended.

    The tables are written to reports/backtest.
    """
    from hemline.backtest import backtest as weeks_back  # noqa: PLC0415  (--help should not wait for it)
    from hemline.backtest import weekly_lists  # noqa: PLC0415  (as above)

    root = project_folder()
    environment.require_writable(root)
    paths = _pipeline_paths(root)
    test = weekly_lists.Backtest.of(
        Path("params.yaml"),
        paths["tables"],
        paths["segments"] / "segments.parquet",
        paths["reports"] / "backtest",
        only=rows.split(",") if rows else (),
    )
    if check_leaks:
        weeks_back.check_leaks(test)
        typer.echo(
            "No list changes when what came after the cut is shuffled or deleted, and every row is "
            "fitted anew."
        )
    result = weeks_back.run_backtest(test, weeks, fresh=fresh)
    print_table(weeks_back.summary(result))
    say(" ".join(result.significance.values()))
    say(f"More in {test.folder / 'scores.md'}")


def _pipeline_paths(project: Path) -> dict[str, Path]:
    """Return the paths in dvc.yaml, the one place where they are written."""
    from hemline.params import pipeline_paths  # noqa: PLC0415  (as above)

    return pipeline_paths(project / "dvc.yaml")
