"""`python -m benchmarks.experiments`: can the statistics of experiments be trusted?

With `--data` the customer value is judged on a genuine sample too, of which only the scores are
written.
"""

from pathlib import Path
from typing import Annotated, Final

import numpy as np
import pandas as pd
import typer

from benchmarks.experiments.bandit_trials import bandit_rows
from benchmarks.experiments.interleaving_trials import interleaving_rows
from benchmarks.experiments.off_policy_trials import off_policy_rows
from benchmarks.experiments.sequential_trials import error_rows, power_row, ratio_rows
from benchmarks.experiments.value_trials import value_rows
from benchmarks.record import Row, publish
from hemline import columns
from hemline.data.synthetic.shop import SyntheticParams, generate_shop
from hemline.experiments.buying_records import visits_of
from hemline.stages.command import run

_SAMPLE: Final = "hm-sample/transactions_train.csv.zip"
_NOTES: Final = (
    (
        "sequential: A/B tests of 28 days, 400 units a day and arm, of whom 5 % buy for a "
        "log-normal amount; the planted lift is the one that a single look at the end finds with "
        "a power of 0.8. Standard errors over trials in brackets."
    ),
    "mean sample: share of the planned sample after which a trial with the planted lift ends.",
    (
        "off-policy: 3,000 decisions of one slot with ten candidates, 1,500 customers, intervals "
        "of 95 %."
    ),
    "customer value: means of three cuts; errors and totals in units of the observed mean.",
)


def main(
    data: Annotated[Path | None, typer.Option(help="Folder that holds hm-sample.")] = None,
    trials: Annotated[int, typer.Option(min=10, help="Of each A/B test.")] = 2000,
    runs: Annotated[int, typer.Option(min=10, help="Of everything else.")] = 200,
    seed: Annotated[int, typer.Option(help="Of all randomness.")] = 7,
) -> None:
    """Simulate experiments whose truth is known, and hold every method against it."""
    rng = np.random.default_rng(seed)
    rows: list[Row] = [
        *error_rows(trials, rng),
        *power_row(trials, rng),
        *ratio_rows(trials, rng),
        *bandit_rows(runs, rng),
        *interleaving_rows(runs, rng),
        *off_policy_rows(runs, rng),
        *value_rows("demo", _demo(seed)),
    ]
    if data is not None:
        rows += value_rows("H&M sample", _genuine(data))
    is_whole = trials >= 2000 and runs >= 200 and data is not None  # noqa: PLR2004  (the defaults)
    publish("experiments" if is_whole else None, rows, notes=_NOTES)


def _demo(seed: int) -> pd.DataFrame:
    return visits_of(generate_shop(SyntheticParams(size="demo", seed=seed, events=())).transactions)


def _genuine(data: Path) -> pd.DataFrame:
    sold = pd.read_csv(data / _SAMPLE, usecols=["t_dat", "customer_id", "price"])
    return visits_of(
        pd.DataFrame(
            {
                columns.DAY: pd.to_datetime(sold["t_dat"]),
                columns.CUSTOMER: sold["customer_id"].astype("category").cat.codes,
                columns.PRICE: sold["price"],
            }
        )
    )


if __name__ == "__main__":
    run(main)
