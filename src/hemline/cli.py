"""`hemline`: ask the champion from the terminal, as a table for people or as json for programs.

Everything slow is imported when a question is asked, so `--help` takes a tenth of a second.
"""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hemline import environment
from hemline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from hemline.storefront import Storefront

app = typer.Typer(
    help="Ask the champion for recommendations. Run it in the project folder.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Length = Annotated[int, typer.Option("-n", min=1, max=500, help="Length of the list.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print json instead of a table.")]
ArticleId = Annotated[str, typer.Option("--article", help="article_id, 10 digits.")]


@app.command()
def recommend(
    *,
    customer: Annotated[
        str | None, typer.Option(help="customer_id, or its first 8 characters or more.")
    ] = None,
    age: Annotated[int | None, typer.Option(help="Of somebody new: 16 to 99.")] = None,
    club_member_status: Annotated[
        str | None, typer.Option(help="Of somebody new: ACTIVE, PRE-CREATE or LEFT CLUB.")
    ] = None,
    fashion_news_frequency: Annotated[
        str | None, typer.Option(help="Of somebody new: NONE, Regularly or Monthly.")
    ] = None,
    fn: Annotated[bool, typer.Option("--fn", help="Of somebody new: FN is set.")] = False,
    active: Annotated[
        bool, typer.Option("--active", help="Of somebody new: Active is set.")
    ] = False,
    length: Length = 12,
    as_json: AsJson = False,
) -> None:
    """Recommend to a customer (--customer), or to somebody new by what they say of themselves."""
    described = (age, club_member_status, fashion_news_frequency, fn or None, active or None)

    def ask(storefront: "Storefront") -> "pd.DataFrame":
        from hemline.segments.strangers import Stranger  # noqa: PLC0415  (--help should not wait for it)

        if customer is None:
            stranger = Stranger(age, club_member_status, fashion_news_frequency, fn, active)
            return storefront.for_stranger(stranger, length)
        if any(value is not None for value in described):
            raise BadInput(
                "a customer is asked for by id, somebody new by attributes",
                found="both",
                fix="leave out --customer, or everything else",
            )
        return storefront.for_customer(customer, length)

    _answer(ask, as_json=as_json)


@app.command()
def similar(article: ArticleId, length: Length = 10, as_json: AsJson = False) -> None:
    """List the articles whose descriptions are most similar."""
    _answer(
        lambda storefront: storefront.similar(article, length),
        as_json=as_json,
        if_empty=f"No other article's description shares a telling word with that of {article}.",
    )


@app.command()
def also_bought(article: ArticleId, length: Length = 10, as_json: AsJson = False) -> None:
    """List the articles that the same customers bought."""
    _answer(
        lambda storefront: storefront.also_bought(article, length),
        as_json=as_json,
        if_empty=f"Nobody who bought {article} bought another article that is still on sale.",
    )


@app.command()
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
    from hemline.backtest import fitting, run  # noqa: PLC0415  (--help should not wait for it)

    try:
        paths = _pipeline_paths(Path.cwd())
        test = fitting.Backtest.of(
            Path("params.yaml"),
            paths["tables"],
            paths["segments"] / "segments.parquet",
            paths["reports"] / "backtest",
            only=rows.split(",") if rows else (),
        )
        if check_leaks:
            run.check_leaks(test)
            typer.echo("No list changes when what came after the cut is shuffled or deleted.")
        result = run.run_backtest(test, weeks, fresh=fresh)
    except BadInput as refusal:
        typer.secho(str(refusal), err=True, fg="red")
        raise typer.Exit(1) from None
    _print_table(run.summary(result))
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


def _answer(
    ask: "Callable[[Storefront], pd.DataFrame]",
    *,
    as_json: bool,
    if_empty: str = "There is nothing to recommend.",
) -> None:
    """Print the champion's answer; BadInput becomes a short red message and exit status 1."""
    try:
        _refuse_without_registry()
        from hemline.registry.versions import load_champion  # noqa: PLC0415  (as above)

        version, storefront = load_champion()
        answer = ask(storefront)
    except BadInput as refusal:
        typer.secho(str(refusal), err=True, fg="red")
        raise typer.Exit(1) from None
    if as_json:
        rows = answer.to_dict("records")
        typer.echo(json.dumps({"version": version.number, "answers": rows}, indent=1))
    elif answer.empty:
        typer.echo(if_empty)
    else:
        _print_table(answer)
    if not as_json:
        typer.echo(f"champion: version {version.number}, fitted up to {version.as_of}")


def _refuse_without_registry() -> None:
    """Refuse before MLflow creates an empty registry in whatever folder this happens to be."""
    here = Path.cwd()
    if "MLFLOW_TRACKING_URI" not in os.environ and not (here / ".hemline" / "mlflow.db").exists():
        raise BadInput(
            "the project folder holds a registry with a champion (.hemline/mlflow.db)",
            found=f"none in {here}",
            fix="go to the project folder, and train a first version there: make demo",
        )
    environment.apply(here)


def _print_table(answer: "pd.DataFrame") -> None:
    from rich.console import Console  # noqa: PLC0415  (as above)
    from rich.table import Table  # noqa: PLC0415  (as above)

    table = Table()
    for name in answer.columns:
        heading = name if name == "article_id" else name.replace("_", " ")
        table.add_column(heading, no_wrap=name == "article_id")
    for row in answer.itertuples(index=False):
        table.add_row(*(f"{cell:.4f}" if isinstance(cell, float) else str(cell) for cell in row))
    Console().print(table)
