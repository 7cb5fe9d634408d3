"""How often, how lately and for how much customers bought: customer value is estimated from it.

A visit is a customer's day with a purchase. Recency and age are counted in weeks from the first
visit, so that a customer of the opening day and one of last month are described alike.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from hemline import columns
from hemline.errors import BadInput

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BuyingRecords:
    """One element per customer who bought before a day.

    Attributes:
        customer: keys, ascending.
        repeats: visits after the first.
        recency: weeks from the first visit to the latest; 0 without repeats.
        age: weeks from the first visit to the day.
        spend: mean spend of a visit.
    """

    customer: npt.NDArray[np.int64]
    repeats: Values
    recency: Values
    age: Values
    spend: Values

    def __len__(self) -> int:
        """Return the number of customers."""
        return len(self.customer)


def visits_of(transactions: pd.DataFrame) -> pd.DataFrame:
    """Return one row per customer and day, with what was spent.

    Args:
        transactions: day, customer and price, and units where a row stands for several.
    """
    spend = transactions[columns.PRICE].astype(np.float64)
    if columns.UNITS in transactions:
        spend = spend * transactions[columns.UNITS]
    rows = pd.DataFrame(
        {
            columns.CUSTOMER: transactions[columns.CUSTOMER].to_numpy(),
            columns.DAY: transactions[columns.DAY].to_numpy("datetime64[D]"),
            "spend": spend.to_numpy(),
        }
    )
    by_visit = rows.groupby([columns.CUSTOMER, columns.DAY], sort=True)["spend"].sum()
    return by_visit.reset_index()


def buying_records(visits: pd.DataFrame, before: date) -> BuyingRecords:
    """Return the record of everybody who bought before a day.

    Args:
        visits: of `visits_of`.
        before: visits on and after this day do not count.

    Raises:
        BadInput: nobody bought before that day.
    """
    days = visits[columns.DAY].to_numpy("datetime64[D]")
    known = visits[days < np.datetime64(before, "D")]
    if known.empty:
        raise BadInput(
            f"somebody bought before {before}",
            found="no purchase",
            fix="take a later day",
        )
    by_customer = known.groupby(columns.CUSTOMER, sort=True).agg(
        first=(columns.DAY, "min"),
        latest=(columns.DAY, "max"),
        n_visits=(columns.DAY, "size"),
        spend=("spend", "mean"),
    )
    first = by_customer["first"].to_numpy("datetime64[D]")
    latest = by_customer["latest"].to_numpy("datetime64[D]")
    end = np.datetime64(before, "D")
    return BuyingRecords(
        by_customer.index.to_numpy(np.int64),
        by_customer["n_visits"].to_numpy(np.float64) - 1,
        (latest - first).astype(np.float64) / 7,
        (end - first).astype(np.float64) / 7,
        by_customer["spend"].to_numpy(np.float64),
    )


def spent_between(
    visits: pd.DataFrame, customers: npt.NDArray[np.int64], start: date, end: date
) -> Values:
    """Return what each customer spent from a day on and before another one.

    Args:
        visits: of `visits_of`.
        customers: keys, ascending.
        start: first day.
        end: the day after the last one.
    """
    days = visits[columns.DAY].to_numpy("datetime64[D]")
    within = visits[(days >= np.datetime64(start, "D")) & (days < np.datetime64(end, "D"))]
    spent = within.groupby(columns.CUSTOMER)["spend"].sum()
    return spent.reindex(customers, fill_value=0.0).to_numpy(np.float64)
