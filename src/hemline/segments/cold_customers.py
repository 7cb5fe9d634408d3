"""Somebody without an account, by what they say of themselves, as the customer they would be."""

from dataclasses import dataclass
from typing import Final

import pandas as pd

from hemline import columns
from hemline.errors import BadInput

CLUB_STATUSES: Final = ("ACTIVE", "PRE-CREATE", "LEFT CLUB")
NEWS_FREQUENCIES: Final = ("NONE", "Regularly", "Monthly")
AGES: Final = range(16, 100)


@dataclass(frozen=True)
class Stranger:
    """What somebody without an account may tell about themselves; all of it optional."""

    age: int | None = None
    club_member_status: str | None = None
    fashion_news_frequency: str | None = None
    fn: bool = False
    active: bool = False


def as_customer(stranger: Stranger) -> pd.DataFrame:
    """Return the one row of tables.CUSTOMERS, its keys aside, that describes the stranger.

    Raises:
        BadInput: an attribute has a value no customer can have.
    """
    if stranger.age is not None and stranger.age not in AGES:
        raise BadInput(
            f"an age lies between {AGES.start} and {AGES.stop - 1}",
            found=str(stranger.age),
            fix="correct it, or leave it out",
        )
    club = _allowed(columns.CLUB, stranger.club_member_status, CLUB_STATUSES)
    news = _allowed(columns.NEWS, stranger.fashion_news_frequency, NEWS_FREQUENCIES)
    return pd.DataFrame(
        {
            columns.AGE: pd.array([stranger.age], dtype="Int16"),
            columns.CLUB: pd.Series([club], dtype=object),
            columns.NEWS: pd.Series([news], dtype=object),
            columns.FN: [int(stranger.fn)],
            columns.ACTIVE: [int(stranger.active)],
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
