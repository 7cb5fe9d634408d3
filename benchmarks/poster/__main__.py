"""`python -m benchmarks.poster`: the TrainDy protocol, the poster's models beside Hemline's."""

from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer
import yaml

from benchmarks.poster.contest import TRAINDY, run_contest
from benchmarks.poster.holdout import (
    Holdout,
    HoldoutParams,
    from_kaggle,
    generated,
    hold_out,
)
from benchmarks.poster.success import ORACLE, ceilings, success_rates, table
from benchmarks.record import Row, show, write_results
from hemline.stages.command import run

_SETTINGS: Final = Path(__file__).parent / "settings.yaml"


def main(
    *,
    data: Annotated[Path | None, typer.Option(help="Kaggle's files; generated without it.")] = None,
    size: Annotated[str, typer.Option(help="Of the generated shop: tiny or demo.")] = "demo",
    max_customers: Annotated[
        int | None, typer.Option(help="For a quick look: nothing is written.")
    ] = None,
) -> None:
    """Hold out 30 % of every customer's articles, let every model guess them, print the table."""
    settings = yaml.safe_load(_SETTINGS.read_text(encoding="utf-8"))
    if max_customers is not None:
        settings["holdout"]["max_customers"] = max_customers
    params = HoldoutParams.model_validate(settings["holdout"])
    customers, transactions = from_kaggle(data) if data else generated(size, params.seed)
    holdout = hold_out(customers, transactions, params)
    lists = run_contest(settings["models"], holdout, params.n_clusters)

    rng = np.random.default_rng(params.seed)
    rows: list[Row] = []
    for case, is_in in (("warm", ~holdout.is_stranger), ("cold", holdout.is_stranger)):
        asked = np.flatnonzero(is_in & (np.diff(holdout.held_out.indptr) > 0))
        held_out = holdout.held_out[asked]
        answered = {name: each[asked] for name, each in lists.items() if (each[asked] >= 0).any()}
        rates = {name: success_rates(each, held_out) for name, each in answered.items()}
        rates[ORACLE] = ceilings(held_out)
        n_samples = settings["bootstrap_samples"]
        rows += table(case, rates, baseline=TRAINDY, n_samples=n_samples, rng=rng)
    notes = _notes(holdout, params, "Kaggle files" if data else f"generated shop, size {size}")
    show(rows, notes=notes)
    if max_customers is None:
        name = "poster-kaggle" if data else f"poster-{size}"
        typer.echo(f"written to {write_results(name, rows, notes=notes)}")


def _notes(holdout: Holdout, params: HoldoutParams, source: str) -> list[str]:
    n_strangers = int(holdout.is_stranger.sum())
    n_warm, n_articles = holdout.known.n_customers - n_strangers, holdout.known.n_articles
    return [
        f"{source}: {n_warm:,} customers, {n_strangers:,} strangers, {n_articles:,} articles.",
        f"Customers bought at least {params.min_articles} different articles.",
        f"{params.known_share:.0%} of them are known, drawn at random, not by time: no forecast.",
        "What is known is not listed. Lists of 20. Standard errors by bootstrap over customers.",
        "Every model was chosen on articles held back from the known ones, then fitted on all.",
    ]


if __name__ == "__main__":
    run(main)
