"""A cold customer as a row of customers: no purchases, and whatever attributes are known."""

from dataclasses import dataclass
from typing import Final

import pandas as pd

from hemline import columns
from hemline.errors import BadInput

CLUB_STATUSES: Final = ("ACTIVE", "PRE-CREATE", "LEFT CLUB")
NEWS_FREQUENCIES: Final = ("NONE", "Regularly", "Monthly")
AGES: Final = range(16, 100)


@dataclass(frozen=True)
class ColdCustomer:
    """Attributes of a customer who has bought nothing yet; all of them optional."""

    age: int | None = None
    club_member_status: str | None = None
    fashion_news_frequency: str | None = None
    fn: bool = False
    active: bool = False


def as_customer_row(customer: ColdCustomer) -> pd.DataFrame:
    """Return the one row of tables.CUSTOMERS, its keys aside, that describes the customer.

    Raises:
        BadInput: an attribute has a value no customer can have.
    """
    if customer.age is not None and customer.age not in AGES:
        raise BadInput(
            f"an age lies between {AGES.start} and {AGES.stop - 1}",
            found=str(customer.age),
            fix="correct it, or leave it out",
        )
    club = _allowed(columns.CLUB, customer.club_member_status, CLUB_STATUSES)
    news = _allowed(columns.NEWS, customer.fashion_news_frequency, NEWS_FREQUENCIES)
    return pd.DataFrame(
        {
            columns.AGE: pd.array([customer.age], dtype="Int16"),
            columns.CLUB: pd.Series([club], dtype=object),
            columns.NEWS: pd.Series([news], dtype=object),
            columns.FN: [int(customer.fn)],
            columns.ACTIVE: [int(customer.active)],
        }
    )


def _allowed(name: str, value: str | None, values: tuple[str, ...]) -> str | None:
    if value is None:
        return None
    for known in values:
        if known.casefold() == value.casefold():
            return known
    raise BadInput(
        f"{name} is one of {', '.join(values)}",
        found=repr(value),
        fix="use one of them, or leave it out",
    )
