"""`python -m benchmarks.synthetic DATA`: genuine and generated purchases side by side.

DATA holds genuine purchases, which are not ours to keep: only aggregates are written. The rows of
the generator before visits had intents (`before`) stay as they were measured.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer

from benchmarks.record import RESULTS, Row, read_results, write_results
from benchmarks.synthetic.basket_features import basket_features
from benchmarks.synthetic.compared import HISTORIES, ONE_WEEK, Statistic, distance
from benchmarks.synthetic.samples import Sample, draw_sample, read_genuine, reduced, week_of
from benchmarks.synthetic.two_samples import Separation, separate
from hemline.data.synthetic.shop import GeneratedShop, SyntheticParams, generate_shop
from hemline.data.synthetic.world import ShopSize
from hemline.stages.command import run

NAME: Final = "synthetic"
SEPARATION: Final = "telling baskets apart"
BEFORE: Final = ", before"
_SEED: Final = 7
_CUSTOMERS: Final = 4_000
_EIGHTH: Final = ShopSize(
    n_customers=171_000,
    n_articles=13_200,
    first_day=date(2018, 9, 20),
    last_day=date(2020, 9, 22),
)
_NOTES: Final = (
    "Genuine: 1,364 whole histories; of the week, as many buyers as the demo; as an eighth has.",
    "Generated: 4,000 customers, seed 7; an eighth: 171,000 customers and 13,200 articles.",
    (
        "Distances: tv, total variation; log, mean |log ratio|, .69 is a factor of 2; diff, mean "
        "|difference|. Before: the generator without intents, commit 2696b3b."
    ),
    (
        "Telling baskets apart: LightGBM on features without ids, five folds that split no "
        "customer, 95 % interval of a bootstrap over customers; prices have 10 % of noise."
    ),
)


def main(
    data: Annotated[Path, typer.Argument(help="Folder that holds hm-sample and hm-week.")],
) -> None:
    """Compare the demo and an eighth of the full size with genuine purchases."""
    genuine, week = read_genuine(data)
    path = RESULTS / f"{NAME}.json"
    old = read_results(path) if path.exists() else []
    rows = [row for row in old if row.model.endswith(BEFORE)]
    for name, size in (("demo", "demo"), ("an eighth", _EIGHTH)):
        params = SyntheticParams.model_validate({"size": size, "seed": _SEED, "events": ()})
        rows += rows_of_shop(name, generate_shop(params), genuine, week)
    typer.echo(f"written to {write_results(NAME, rows, notes=_NOTES)}")


def rows_of_shop(name: str, shop: GeneratedShop, genuine: Sample, week: Sample) -> list[Row]:
    """Return the rows of a shop: figures of both sides, distances, and the classifier."""
    rng = np.random.default_rng(_SEED)
    bought = week_of(shop)
    same_size = reduced(week, bought.rows["customer"].nunique(), rng)
    rows = [
        *_compare(name, HISTORIES, genuine, draw_sample(shop, _CUSTOMERS, rng)),
        *_compare(name, ONE_WEEK, same_size, bought),
    ]
    n_customers = genuine.rows["customer"].nunique()
    parted = separate(
        basket_features(genuine), basket_features(draw_sample(shop, n_customers, rng)), _SEED
    )
    return [*rows, *_rows_of_separation(name, parted)]


def _compare(
    name: str, statistics: Sequence[Statistic], genuine: Sample, generated: Sample
) -> list[Row]:
    rows = []
    for statistic in statistics:
        ours, theirs = statistic.compute(generated), statistic.compute(genuine)
        case = statistic.name
        rows += [Row(case, f"genuine for {name}", label, v, None) for label, v in theirs.items()]
        rows += [Row(case, name, label, value, None) for label, value in ours.items()]
        apart = distance(statistic.measure, theirs, ours)
        rows.append(Row(case, name, f"distance ({statistic.measure})", apart, None))
    return rows


def _rows_of_separation(name: str, parted: Separation) -> list[Row]:
    figures = {"auc": parted.auc, "from": parted.low, "to": parted.high}
    figures |= {f"gain of {feature}": gain for feature, gain in parted.gains.items()}
    return [Row(SEPARATION, name, metric, value, None) for metric, value in figures.items()]


if __name__ == "__main__":
    run(main)
