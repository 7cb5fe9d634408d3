"""The command that searches for the numbers of models on any table."""

from pathlib import Path
from typing import Annotated

import typer

from hemline import columns
from hemline.cli.terminal import print_table, say


def tune(
    table: Annotated[Path, typer.Argument(help="csv or parquet: one row per interaction.")],
    *,
    customer: Annotated[str, typer.Option(help="Column of customers.")] = columns.CUSTOMER_ID,
    article: Annotated[str, typer.Option(help="Column of articles.")] = columns.ARTICLE_ID,
    day: Annotated[
        str | None, typer.Option(help="Column of days: the last ones are held out.")
    ] = None,
    units: Annotated[str | None, typer.Option(help="Column of units; none: a row is one.")] = None,
    models: Annotated[
        str | None, typer.Option(help="Separated by commas; default: all that can be tuned.")
    ] = None,
    trials: Annotated[int, typer.Option(min=1, max=1000, help="Of each model.")] = 20,
    minutes: Annotated[float, typer.Option(min=0.01, help="Of each model, at most.")] = 5.0,
    metric: Annotated[str, typer.Option(help="What is searched by.")] = "map@12",
    days: Annotated[int, typer.Option(min=1, help="Length of each fold, with --day.")] = 7,
    start: Annotated[
        Path | None, typer.Option(help="params.yaml to start from; none: any table's defaults.")
    ] = None,
    max_customers: Annotated[int, typer.Option(min=50, help="Scored in each fold.")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="Draws trials and folds.")] = 7,
    folder: Annotated[Path, typer.Option(help="Of the report.")] = Path("reports/tuning"),
) -> None:
    """Search for the numbers of models on a table of who had what, and report what it brought."""
    from hemline.models.catalogue import entry_of  # noqa: PLC0415  (--help should not wait for it)
    from hemline.tuning import folds, interaction_table, number_search, search_spaces, tuning_report  # noqa: PLC0415  (as above)

    names = tuple(models.split(",")) if models else search_spaces.TUNED
    bounds = number_search.SearchBounds(trials, 60 * minutes, metric, seed)
    named = interaction_table.TableColumns(customer, article, units, day)
    read = interaction_table.read_interactions(table, named)
    split = folds.split_table(read, days=days, seed=seed, max_customers=max_customers)
    starts = {name: entry_of(name).params.load(start) for name in names} if start else {}

    def show(model: str, trial: int, value: float) -> None:
        say(f"{model} {trial}: {metric} {value:.4f}")

    found = number_search.tune(
        split, names, bounds, has_days=day is not None, starts=starts, on_trial=show
    )
    about = (
        f"{table.name}: {len(read.rows):,} rows, {read.n_customers:,} customers, "
        f"{read.n_articles:,} articles; held out: "
        + (f"twice {days} days." if day else "two fifths of each customer's articles.")
    )
    page = tuning_report.write_tuning(found, metric, about, folder)
    print_table(tuning_report.summary(found))
    say(f"What to change, and what is shown, is in {page}.")
