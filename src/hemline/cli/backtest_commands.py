"""The command that asks what would have been recommended in earlier weeks."""

from pathlib import Path
from typing import Annotated

import typer

from hemline.cli.terminal import print_table
from hemline.errors import BadInput, exit_on_bad_input


def backtest(
    *,
    weeks: Annotated[int, typer.Option(min=1, max=52, help="How many, the test week last.")] = 4,
    rows: Annotated[
        str | None, typer.Option(help="Rows of the score table, with a comma between; else all.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Fit again what is kept.")] = False,
    check_leaks: Annotated[
        bool, typer.Option("--check-leaks", help="First show that no row sees the future.")
    ] = False,
) -> None:
    """Score what would have been recommended in earlier weeks; writes reports/backtest."""
    from hemline.backtest import backtest as weeks_back  # noqa: PLC0415  (--help is not to wait)
    from hemline.backtest import weekly_lists  # noqa: PLC0415  (as above)

    with exit_on_bad_input():
        paths = _pipeline_paths(Path.cwd())
        test = weekly_lists.Backtest.of(
            Path("params.yaml"),
            paths["tables"],
            paths["segments"] / "segments.parquet",
            paths["reports"] / "backtest",
            only=rows.split(",") if rows else (),
        )
        if check_leaks:
            weeks_back.check_leaks(test)
            typer.echo("No list changes when what came after the cut is shuffled or deleted.")
        result = weeks_back.run_backtest(test, weeks, fresh=fresh)
    print_table(weeks_back.summary(result))
    typer.echo(f"more in {test.folder / 'scores.md'}")


def _pipeline_paths(here: Path) -> dict[str, Path]:
    """Return where dvc.yaml, the one place that says so, puts things."""
    import yaml  # noqa: PLC0415  (as above)

    if not (here / "dvc.yaml").exists():
        raise BadInput(
            "a backtest is run in the project folder, where dvc.yaml lies",
            found=f"none in {here}",
            fix="go to the project folder, and acquire data there: make demo",
        )
    pipeline = yaml.safe_load((here / "dvc.yaml").read_text(encoding="utf-8"))
    return {name: Path(path) for name, path in pipeline["vars"][0]["paths"].items()}
