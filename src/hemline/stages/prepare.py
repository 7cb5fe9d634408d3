"""Stage prepare: validated transactions to purchases before the cut, histories, held-out weeks."""

import logging
from pathlib import Path

import pyarrow.parquet as pq

from hemline import columns, tables
from hemline.data.guest_sales import select_guests
from hemline.data.guests import GUEST_FILE, GUEST_PURCHASES, guest_histories
from hemline.data.histories import save_histories
from hemline.data.history_building import build_histories, read_unlikes
from hemline.data.purchases import select_purchases
from hemline.data.split import DataParams, weeks_of
from hemline.engine.engine import EngineParams, open_engine
from hemline.errors import BadInput
from hemline.stages.command import InPath, OutPath, ParamsPath, run

logger = logging.getLogger(__name__)


def main(params: ParamsPath, table_folder: InPath, prepared: OutPath) -> None:
    """Cut at cut, hold out the validation and test weeks, build the histories."""
    weeks = weeks_of(DataParams.load(params))
    transactions = table_folder / "transactions.parquet"
    unlikes = read_unlikes(table_folder / "unlikes.parquet")
    shape = {
        "n_customers": _n_rows(table_folder / "customers.parquet"),
        "n_articles": _n_rows(table_folder / "articles.parquet"),
    }
    with open_engine(EngineParams.load(params)) as engine:
        purchases = select_purchases(engine, transactions, start=weeks.history_start, end=weeks.cut)
        tested = select_purchases(engine, transactions, start=weeks.cut, end=weeks.test_end)
        guests = select_guests(
            engine,
            table_folder / "guest_sales.parquet",
            start=weeks.history_start,
            end=weeks.cut,
        )
    tables.write_table(purchases, prepared / "purchases.parquet", tables.PURCHASES)
    tables.write_table(guests, prepared / GUEST_FILE, GUEST_PURCHASES)
    baskets = guest_histories(guests, cut=weeks.cut, n_articles=shape["n_articles"])
    save_histories(baskets, prepared / "guests.npz")
    logger.info("guests: %d baskets, %d pairs", baskets.n_customers, baskets.units.nnz)
    is_fit = purchases[columns.DAY].to_numpy("datetime64[D]") < weeks.validation_start
    parts = {
        "histories": (purchases, weeks.cut, unlikes),
        "fit_histories": (purchases[is_fit], weeks.validation_start, unlikes),
        # What is predicted is purchases, whether their buyers liked them afterwards or not.
        "validation": (purchases[~is_fit], weeks.cut, None),
        "test": (tested, weeks.test_end, None),
    }
    for name, (part, cut, unliked) in parts.items():
        if part.empty:
            raise BadInput(
                "there are purchases before, in and after the validation week, which is "
                f"{weeks.validation_start} to {weeks.cut} (exclusive)",
                found=f"none for {name}",
                fix="set data.cut in params.yaml to a later day, or data.validation_days to more",
            )
        histories = build_histories(part, cut=cut, unlikes=unliked, **shape)
        save_histories(histories, prepared / f"{name}.npz")
        buyers = histories.n_customers - int(histories.is_cold().sum())
        logger.info("%s: %d customers, %d pairs", name, buyers, histories.units.nnz)


def _n_rows(path: Path) -> int:
    return int(pq.read_metadata(path).num_rows)


if __name__ == "__main__":
    run(main)
