"""Numbers as a table spells them: with which decimal sign, and which digits are grouped by what."""

import re
from typing import Final

import pandas as pd

from hemline.data.acquire.dialect import Dialect

_SPELLINGS: Final = (
    (".", "", r"[+-]?\d*\.?\d+(e[+-]?\d+)?"),
    (",", "", r"[+-]?\d*,?\d+"),
    (".", ",", r"[+-]?\d{1,3}(,\d{3})*(\.\d+)?"),
    (",", ".", r"[+-]?\d{1,3}(\.\d{3})*(,\d+)?"),
    (",", " ", r"[+-]?\d{1,3}([ \u00a0\u202f]\d{3})*(,\d+)?"),
    (".", " ", r"[+-]?\d{1,3}([ \u00a0\u202f]\d{3})*(\.\d+)?"),
    (".", "'", r"[+-]?\d{1,3}('\d{3})*(\.\d+)?"),
)


def spelling_of(values: "pd.Series[str]") -> tuple[str, str] | None:
    """Return the decimal sign and the sign of thousands that fit all values; None if none do.

    >>> spelling_of(pd.Series(["1.234,50", "0,75"])), spelling_of(pd.Series(["7", "x"]))
    ((',', '.'), None)
    """
    for decimal, thousands, pattern in _SPELLINGS:
        if values.str.fullmatch(pattern, flags=re.IGNORECASE).all():
            return decimal, thousands
    return None


def numbers_of(values: "pd.Series[str]", dialect: Dialect) -> "pd.Series[float]":
    """Return the values as numbers by the dialect, NaN where one is none."""
    spelled = values
    if dialect.thousands:
        signs = r"[ \u00a0\u202f]" if dialect.thousands == " " else re.escape(dialect.thousands)
        spelled = spelled.str.replace(signs, "", regex=True)
    if dialect.decimal != ".":
        spelled = spelled.str.replace(dialect.decimal, ".", regex=False)
    numbers: pd.Series[float] = pd.to_numeric(spelled, errors="coerce").astype("float64")
    return numbers
