"""The visits that a shop's tables know: what plans of experiments are computed from."""

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hemline import columns
from hemline.errors import BadInput
from hemline.experiments.buying_records import visits_of


def read_visits(root: Path, weeks: int | None = None) -> tuple[pd.DataFrame, date]:
    """Return the visits of a project's tables, and the day after their last one.

    Args:
        root: the project folder.
        weeks: read only the last ones; None for all.

    Raises:
        BadInput: it has no tables yet, or nobody bought.
    """
    path = root / "data" / "tables" / "transactions.parquet"
    if not path.exists():
        raise BadInput(
            "the shop has a history to plan from",
            found=f"no {path.relative_to(root)}",
            fix="make demo, or make real DATA=<folder of your files>",
        )
    last = pc.max(pq.read_table(path, columns=[columns.DAY])[columns.DAY]).as_py()
    if last is None:
        raise BadInput(
            "the shop has a history to plan from",
            found=f"no row in {path.relative_to(root)}",
            fix="bring transactions: docs/data.md",
        )
    end = pd.Timestamp(last).date() + timedelta(days=1)
    names = {columns.DAY, columns.CUSTOMER, columns.PRICE, columns.UNITS}
    read = [each for each in pq.read_schema(path).names if each in names]
    start = None if weeks is None else pd.Timestamp(end - timedelta(weeks=weeks))
    filters = None if start is None else [(columns.DAY, ">=", start)]
    return visits_of(pd.read_parquet(path, columns=read, filters=filters)), end
