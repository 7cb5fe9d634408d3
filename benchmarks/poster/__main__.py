"""`python -m benchmarks.poster`: the poster's models and Hemline's by the TrainDy protocol."""

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
from benchmarks.record import Row, publish
from hemline.stages.command import run

_SETTINGS: Final = Path(__file__).parent / "settings.yaml"


def main(
    *,
    data: Annotated[
        Path | None, typer.Option(help="Folder of the Kaggle files; a generated shop if omitted.")
    ] = None,
    size: Annotated[str, typer.Option(help="Size of the generated shop: tiny or demo.")] = "demo",
    max_customers: Annotated[
        int | None, typer.Option(help="Limit for a quick run, which writes no results.")
    ] = None,
) -> None:
    """Hold out 30 % of every customer's articles and score every model's lists on them."""
    settings = yaml.safe_load(_SETTINGS.read_text(encoding="utf-8"))
    if max_customers is not None:
        settings["holdout"]["max_customers"] = max_customers
    params = HoldoutParams.model_validate(settings["holdout"])
    customers, transactions = from_kaggle(data) if data else generated(size, params.seed)
    holdout = hold_out(customers, transactions, params)
    lists = run_contest(settings["models"], holdout, params.n_clusters)

    rng = np.random.default_rng(params.seed)
    rows: list[Row] = []
    is_cold = holdout.known.is_cold()
    for case, is_in in (("warm", ~is_cold), ("cold", is_cold)):
        customers_in = np.flatnonzero(is_in & (np.diff(holdout.held_out.indptr) > 0))
        held_out = holdout.held_out[customers_in]
        lists_in = {name: each[customers_in] for name, each in lists.items()}
        rates = {
            name: success_rates(each, held_out)
            for name, each in lists_in.items()
            if (each >= 0).any()
        }
        rates[ORACLE] = ceilings(held_out)
        n_samples = settings["bootstrap_samples"]
        rows += table(case, rates, baseline=TRAINDY, n_samples=n_samples, rng=rng)
    notes = _notes(holdout, params, "Kaggle files" if data else f"generated shop, size {size}")
    name = "poster-kaggle" if data else f"poster-{size}"
    publish(name if max_customers is None else None, rows, notes=notes)


def _notes(holdout: Holdout, params: HoldoutParams, source: str) -> list[str]:
    n_cold = int(holdout.known.is_cold().sum())
    n_warm, n_articles = holdout.known.n_customers - n_cold, holdout.known.n_articles
    return [
        f"{source}: {n_warm:,} warm customers, {n_cold:,} cold customers, {n_articles:,} articles.",
        f"Customers bought at least {params.min_articles} different articles.",
        f"{params.known_share:.0%} of these are known, drawn at random and not by time.",
        "Lists of 20 without known articles. Standard errors by bootstrap over customers.",
        "Settings were chosen on a part of the known articles, then models were fitted on all.",
    ]


if __name__ == "__main__":
    run(main)
