"""Any table of interactions: who had to do with what, and, where it says so, how much and when."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from hemline import columns
from hemline.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

_READERS: Final = (".csv", ".parquet")


@dataclass(frozen=True)
class TableColumns:
    """What the columns of a table are called.

    Attributes:
        customer: of the ids of customers.
        article: of the ids of articles.
        units: of the number of units; None: every row is one.
        day: of the days; None: the table does not say when.
    """

    customer: str = columns.CUSTOMER_ID
    article: str = columns.ARTICLE_ID
    units: str | None = None
    day: str | None = None

    @property
    def names(self) -> list[str]:
        """All that are named."""
        named = (self.customer, self.article, self.units, self.day)
        return [name for name in named if name is not None]


@dataclass(frozen=True)
class Interactions:
    """A table of interactions by dense keys.

    Attributes:
        rows: columns customer, article (int32 keys), units (float32) and, in a table with days,
            t_dat (datetime64[D]), in the order of the table.
        n_customers: number of customers.
        article_ids: the article of each key.
        last_day: of the table; None without days.
    """

    rows: "pd.DataFrame"
    n_customers: int
    article_ids: list[str] = field(repr=False)
    last_day: date | None

    @property
    def n_articles(self) -> int:
        """Number of articles."""
        return len(self.article_ids)


def read_interactions(path: Path, named: TableColumns) -> Interactions:
    """Return the interactions of a csv or parquet file.

    Raises:
        BadInput: the file is of another kind, lacks a column or holds no row, an id is missing, a
            number of units is no positive number, or a day is none.
    """
    import pandas as pd  # noqa: PLC0415  (--help should not wait for it)

    if path.suffix not in _READERS or not path.is_file():
        raise BadInput(
            f"a table is a file of kind {' or '.join(_READERS)}",
            found=f"{path}",
            fix="export it as one of them",
        )
    read = pd.read_csv if path.suffix == ".csv" else pd.read_parquet
    table = read(path)
    absent = [name for name in named.names if name not in table]
    if absent or table.empty:
        raise BadInput(
            f"the table has rows, and columns {', '.join(named.names)}",
            found=f"{len(table):,} rows; columns {', '.join(map(str, table))}",
            fix="name its columns: --customer, --article, --units, --day",
        )
    return from_table(table, named)


def from_table(table: "pd.DataFrame", named: TableColumns) -> Interactions:
    """Return the interactions of a table in memory; raises BadInput as `read_interactions`."""
    import pandas as pd  # noqa: PLC0415  (as above)

    for name in named.names:
        first = np.flatnonzero(table[name].isna().to_numpy())
        if len(first):
            raise _unfit(name, int(first[0]), "nothing", "a value in every row")
    customers, articles = (
        pd.factorize(table[name].astype(str), sort=True) for name in named.names[:2]
    )
    rows = pd.DataFrame(
        {
            columns.CUSTOMER: customers[0].astype(np.int32),
            columns.ARTICLE: articles[0].astype(np.int32),
            columns.UNITS: _units(table, named.units),
        }
    )
    last_day = None
    if named.day is not None:
        days = _days(table, named.day)
        rows[columns.DAY] = days
        last_day = days.max().astype(date)
    return Interactions(rows, len(customers[1]), articles[1].astype(str).tolist(), last_day)


def _units(table: "pd.DataFrame", name: str | None) -> np.ndarray:
    if name is None:
        return np.ones(len(table), np.float32)
    import pandas as pd  # noqa: PLC0415  (as above)

    units = pd.to_numeric(table[name], errors="coerce").to_numpy(np.float64)
    wrong = np.flatnonzero(~(np.isfinite(units) & (units > 0)))
    if len(wrong):
        row = int(wrong[0])
        raise _unfit(name, row, repr(table[name].tolist()[row]), "a positive number in every row")
    return units.astype(np.float32)


def _days(table: "pd.DataFrame", name: str) -> np.ndarray:
    import pandas as pd  # noqa: PLC0415  (as above)

    days = pd.to_datetime(table[name], errors="coerce", format="ISO8601")
    wrong = np.flatnonzero(days.isna().to_numpy())
    if len(wrong):
        row = int(wrong[0])
        raise _unfit(name, row, repr(table[name].tolist()[row]), "a day as 2020-09-22 in every row")
    return np.asarray(days.dt.tz_localize(None), "datetime64[D]")


def _unfit(name: str, row: int, found: str, rule: str) -> BadInput:
    return BadInput(
        f"column {name} has {rule}",
        found=f"row {row + 1:,}: {found}",
        fix="correct the table, or leave the row out",
    )
