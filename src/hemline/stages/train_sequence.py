"""Stage train_sequence: purchases to a sequence model and its training curve.

No stage of dvc.yaml: what it brings does not pay for its minute (docs/decisions.md). Run by hand it
writes the model where rows of the score table, orders and the ranker look for it.
"""

import csv

from hemline import tables
from hemline.data.histories import load_histories
from hemline.data.history_building import read_unlikes
from hemline.data.past_weeks import PurchaseLog
from hemline.data.split import DataParams
from hemline.evaluation.validation_week import ValidationWeek
from hemline.models.sequence.sequence_training import (
    SequenceEpoch,
    SequenceParams,
    fit_sequence,
)
from hemline.stages.command import InPath, OutPath, ParamsPath, run


def main(
    params: ParamsPath,
    purchases: InPath,
    articles: InPath,
    unlikes: InPath,
    fit_histories: InPath,
    validation: InPath,
    model: OutPath,
    curve: OutPath,
) -> None:
    """Train until the validation week stops improving, then on that week too."""
    dates, numbers = DataParams.load(params), SequenceParams.load(params)
    described = tables.read_described(articles, tables.ARTICLES)
    log = PurchaseLog(
        tables.read_table(purchases, tables.PURCHASES),
        read_unlikes(unlikes),
        dates.cut,
        len(described),
        dates.validation_days,
    )
    week = ValidationWeek(
        load_histories(fit_histories),
        load_histories(validation),
        max_buyers=numbers.validation_customers,
    )
    curve.parent.mkdir(parents=True, exist_ok=True)
    with curve.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(SequenceEpoch._fields)

        def write_epoch(epoch: SequenceEpoch) -> None:
            lines.writerow([f"{value:.6g}" for value in epoch])
            file.flush()

        fitted = fit_sequence(log, described, numbers, validate=week, on_epoch=write_epoch)
    model.mkdir(parents=True, exist_ok=True)
    fitted.save(model)


if __name__ == "__main__":
    run(main)
