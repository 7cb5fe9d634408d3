"""The format of days and times, inferred from all values of a column."""

from typing import Final

import pandas as pd

ISO: Final = ""
_ISO_LIKE: Final = r"\d{4}-\d{2}-\d{2}([T ].*)?"
_HAS_ZONE: Final = r".{12,}([Zz]|[+-]\d{2}:?\d{2})"
_TIMES: Final = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_DAYS: Final = (
    "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y%m%d", "%d/%m/%y", "%m/%d/%y",
    "%d.%m.%y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%Y.%m.%d",
)  # fmt: skip


def day_formats(values: "pd.Series[str]") -> list[str]:
    """Return all formats that fit every value, the likeliest first; ISO 8601 is ISO.

    >>> day_formats(pd.Series(["03/04/2011", "05/04/2011"]))
    ['%d/%m/%Y', '%m/%d/%Y']
    """
    texts = values.drop_duplicates()
    if not len(texts) or texts.str.len().max() > 40:  # noqa: PLR2004  (no time is as long)
        return []
    if texts.str.fullmatch(_ISO_LIKE).all():
        parsed = pd.to_datetime(texts, format="ISO8601", errors="coerce", utc=True)
        return [ISO] if parsed.notna().all() else []
    some = texts.iloc[:50]
    fitting = [day + time for day in _DAYS for time in _TIMES if _fits(some, day + time)]
    return [one for one in fitting if _fits(texts, one)]


def day_format(values: "pd.Series[str]") -> str | None:
    """Return the likeliest format; None if the values are no days."""
    formats = day_formats(values)
    return formats[0] if formats else None


def has_zone(values: "pd.Series[str]") -> bool:
    """Return whether the times have a zone."""
    return bool(values.str.fullmatch(_HAS_ZONE).any())


def _fits(texts: "pd.Series[str]", form: str) -> bool:
    return bool(pd.to_datetime(texts, format=form, errors="coerce").notna().all())
