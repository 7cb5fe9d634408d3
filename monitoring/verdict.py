"""The verdicts, what each means, and which signals can confirm a drift.

The monitor, the decision, the pages and the alerts read this one vocabulary. A verdict is stored as
its string.
"""

from enum import StrEnum
from typing import Final, Self

import pandas as pd

from monitoring.signals import ALL

_CONFIRMING: Final = ("transactions", "habits")
_MIX_WITHIN: Final = "product_group_name"  # of the columns measured within index groups


class Verdict(StrEnum):
    """What the tests of a signal conclude about a week, most urgent first.

    Attributes:
        symbol: its sign on pages.
        meaning: a sentence.
    """

    DRIFT = "drift", "◆", "Unlike the recent weeks and unlike the forecast."
    NEW = (
        "new",
        "?",
        "Unlike the recent weeks; whether it is the season is unknown, for lack of last year.",
    )
    LEVEL_CHANGE = "level change", "▲", "Like the recent weeks, but last year changed at this time."
    SEASONAL = "seasonal", "○", "Changed as last year did (weak evidence: not corrected)."
    NONE = "none", "·", "As expected."

    symbol: str
    meaning: str

    # The defaults are for the type checker only: Verdict("drift") looks a member up.
    def __new__(cls, value: str, symbol: str = "", meaning: str = "") -> Self:
        """Return a member that is the string value."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.symbol, member.meaning = symbol, meaning
        return member


def most_urgent_first(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Return VERDICT_SCHEMA rows by urgency, then by q-value."""
    urgency = {verdict: place for place, verdict in enumerate(Verdict)}
    return verdicts.sort_values("q_value", kind="stable").sort_values(
        "verdict", key=lambda column: column.map(urgency), kind="stable"
    )


def can_confirm(about: str, column: str, segment: str) -> bool:
    """Return whether a drift of a signal may be confirmed, and so start a retraining.

    Only what is bought (transactions) and by whom (habits) counts: a shop that sells less does not
    make a model worse, and recommendations follow from both. Product groups within an index group
    show where something happens, but a season moves them as much as any drift does.

    >>> can_confirm("transactions", "price", "Menswear"), can_confirm("shop", "volume", "all")
    (True, False)
    >>> can_confirm("transactions", "product_group_name", "Menswear")
    False
    """
    is_mix_within = column == _MIX_WITHIN and segment != ALL
    return about in _CONFIRMING and not is_mix_within


def confirming(signals: pd.DataFrame) -> "pd.Series[bool]":
    """Return `can_confirm` of each row, from its about, column and segment."""
    keys = zip(signals["about"], signals["column"], signals["segment"], strict=True)
    return pd.Series([can_confirm(*key) for key in keys], signals.index, bool)


def places(signals: pd.DataFrame) -> "pd.Series[str]":
    """Return how decisions name each row: its column, or "column in segment"."""
    within = signals["column"] + " in " + signals["segment"]
    return signals["column"].where(signals["segment"] == ALL, within)
