"""The guests' lines of a span of days, as baskets (hemline.data.guests)."""

from datetime import date
from pathlib import Path

import narwhals as nw
import numpy as np
import pandas as pd

from hemline import columns
from hemline.data.guests import GUEST_PURCHASES
from hemline.engine.engine import Engine


def select_guests(engine: Engine, path: Path, *, start: date, end: date) -> pd.DataFrame:
    """Return guests.GUEST_PURCHASES of [start, end): no rows where there is no such table.

    Args:
        engine: reads the table.
        path: parquet file of tables.GUEST_SALES.
        start: the first day.
        end: the day after the last one.
    """
    if not path.exists():
        nobody: pd.DataFrame = GUEST_PURCHASES.empty_table().to_pandas()
        return nobody
    day = nw.col(columns.DAY)
    rows = engine.read(path).filter(day >= nw.lit(start), day < nw.lit(end))
    order = [columns.DAY, columns.BASKET, columns.ARTICLE, columns.UNITS]
    lines: pd.DataFrame = engine.to_arrow(rows.select(*order)).to_pandas(date_as_object=False)
    # Ordered here: the engines place nulls differently.
    lines = lines.sort_values(order, kind="stable", ignore_index=True, na_position="last")
    key = [columns.DAY, columns.CUSTOMER, columns.ARTICLE]
    numbered = lines.assign(**{columns.CUSTOMER: _baskets(lines[columns.BASKET])})
    return pd.DataFrame(numbered.groupby(key, as_index=False)[columns.UNITS].sum())


def _baskets(baskets: "pd.Series[float]") -> np.ndarray:
    """Return a number for each basket; a line without a basket is one of its own."""
    codes, known = pd.factorize(baskets)
    alone = codes < 0
    codes[alone] = len(known) + np.arange(int(alone.sum()))
    return np.asarray(codes, np.int32)
