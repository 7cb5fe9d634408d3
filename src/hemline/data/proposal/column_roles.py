"""Which column is which: by its name in several languages, then by its values.

A name alone never decides: a column of that name whose values do not fit is passed over.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import pandas as pd

from hemline.data.acquire.dialect import Dialect
from hemline.data.proposal.day_formats import day_format
from hemline.data.proposal.numbers import numbers_of

_CUSTOMER: Final = r"custom|client|kund|cliente|user|member|buyer|account|shopper|household|person"
_ARTICLE: Final = r"article|artikel|articolo|sku|stock|item|product|produ[kc]t|ean|upc|asin"
_TEXTUAL: Final = r"name|desc|text|title|titel|bezeich|label|categor|group|type|colou?r|price|preis"
NAMES: Final[Mapping[str, str]] = {
    "t_dat": r"date|day|datum|tag|fecha|jour|time|zeit|t_dat|when|purchased|created",
    "customer_id": _CUSTOMER,
    "article_id": _ARTICLE,
    "price": r"price|preis|prix|precio|prezzo|amount|betrag|revenue|umsatz|paid|total|value|sales",
    "units": r"quantit|qty|units|menge|anzahl|stück|pieces|cantidad|^count$|^n$",
    "sales_channel_id": r"channel|kanal|canal|shop|store|filiale|outlet|platform",
    "basket": r"invoice|order|basket|receipt|bon|transaction|ticket|bill|beleg|rechnung|cart",
    "currency": r"currency|w(ä|ae)hrung|devise|moneda|valuta",
    "line_type": r"type|kind|status|typ$|art$|reason",
}
_ARTICLE_NAMES: Final[Mapping[str, str]] = {
    "prod_name": r"name|descr|title|titel|bezeich|text",
    "product_type_name": r"categor|kategor|type|typ$",
    "product_group_name": r"group|gruppe|family",
    "colour_group_name": r"colou?r|farbe|couleur",
    "department_name": r"depart|abteilung",
    "section_name": r"section",
    "product_code": r"model|style|parent|product.?code|product.?id",
}
_CUSTOMER_NAMES: Final[Mapping[str, str]] = {
    "age": r"^age$|alter|edad",
    "club_member_status": r"club|loyal|tier|member.?status",
}
_MOST_CHANNELS: Final = 60
_MOST_TYPES: Final = 20
_SEEN: Final = 20_000


@dataclass(frozen=True)
class Column:
    """A column of a table, seen by its values."""

    name: str
    values: "pd.Series[str]"
    dialect: Dialect
    stored: str

    @cached_property
    def seen(self) -> "pd.Series[str]":
        """Up to 20,000 of its values, evenly spread."""
        known = self.values.dropna()
        return known.iloc[:: max(1, len(known) // _SEEN)]

    @cached_property
    def is_number(self) -> bool:
        """Whether the values seen are numbers."""
        return len(self.seen) > 0 and bool(numbers_of(self.seen, self.dialect).notna().all())

    @cached_property
    def is_day(self) -> bool:
        """Whether the values seen are days or times."""
        is_typed = self.stored.startswith(("timestamp", "date"))
        return is_typed or day_format(self.seen) is not None

    @cached_property
    def n_distinct(self) -> int:
        """The number of different values."""
        return int(self.values.nunique())

    def is_named(self, pattern: str) -> bool:
        """Return whether the name, in lower case with its words apart, has the pattern."""
        return re.search(pattern, _spelled(self.name)) is not None


def _spelled(name: str) -> str:
    """Return a name in lower case, CamelCase apart: 'UnitPrice' is 'unit price'.

    >>> _spelled("UnitPrice"), _spelled("SKU"), _spelled("order_id")
    ('unit price', 'sku', 'order id')
    """
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return re.sub(r"[_\W]+", " ", apart).strip().lower()


def sale_roles(columns: list[Column]) -> dict[str, str]:
    """Return our name of the sales' columns and theirs, for those that are recognised."""
    fits: Mapping[str, Callable[[Column], bool]] = {
        "t_dat": lambda one: one.is_day,
        "customer_id": _is_id,
        "article_id": lambda one: _is_id(one) and not one.is_named(_TEXTUAL),
        "units": lambda one: one.is_number and _is_whole(one),
        "price": lambda one: one.is_number,
        "currency": lambda one: bool(one.seen.str.fullmatch(r"[A-Za-z]{3}|[€$£]").all()),
        "basket": lambda one: _is_id(one) and one.n_distinct > len(one.values) / 100,
        "line_type": lambda one: 1 < one.n_distinct <= _MOST_TYPES and not one.is_number,
        "sales_channel_id": lambda one: 1 <= one.n_distinct <= _MOST_CHANNELS,
    }
    return _assigned(columns, fits, NAMES)


def described_roles(columns: list[Column], noun: str) -> dict[str, str]:
    """Return our name of the columns that describe an article or a customer, and theirs."""
    if noun == "customer":
        fits = {"age": lambda one: one.is_number, "club_member_status": lambda _: True}
        return _assigned(columns, fits, _CUSTOMER_NAMES)
    texts = dict.fromkeys(_ARTICLE_NAMES, lambda one: not one.is_number)
    texts["product_code"] = lambda _: True
    return _assigned(columns, texts, _ARTICLE_NAMES)


def _assigned(
    columns: list[Column],
    fits: Mapping[str, Callable[[Column], bool]],
    names: Mapping[str, str],
) -> dict[str, str]:
    roles: dict[str, str] = {}
    for ours, fit in fits.items():
        named = [one for one in columns if one.name not in roles.values()
                 and one.is_named(names[ours]) and len(one.seen) and fit(one)]  # fmt: skip
        if named:
            roles[ours] = min(named, key=lambda one: _rank(one, ours)).name
    return roles


def _rank(column: Column, ours: str) -> tuple[int, int, int]:
    """Return what is lower for the likelier column: an id is called one, a price is of a unit.

    Of two that may be customers, the one with more of them: the other may count them.
    """
    name = _spelled(column.name)
    is_likely = {
        "customer_id": bool(re.search(r"\b(id|no|nr|number|key)\b", name)),
        "article_id": bool(re.search(r"\b(id|no|nr|number|key|code|sku)\b", name)),
        "price": bool(re.search(r"price|preis|prix|unit", name)),
        "t_dat": bool(re.search(r"date|dat\b|day|time", name)),
    }.get(ours, True)
    n_distinct = column.n_distinct if ours == "customer_id" else 0
    return (0 if is_likely else 1, -n_distinct, len(name))


def is_line_total(name: str) -> bool:
    """Return whether a price column is named as that of a whole line."""
    spelled = _spelled(name)
    return bool(re.search(r"total|amount|betrag|revenue|umsatz|line|value", spelled)) and not (
        re.search(r"unit|each|single|stück", spelled)
    )


def _is_id(column: Column) -> bool:
    if column.is_day:
        return False
    numbers = numbers_of(column.seen, column.dialect)
    is_fraction = numbers.notna().all() and bool((numbers % 1 != 0).any())
    return not is_fraction


def _is_whole(column: Column) -> bool:
    return bool((numbers_of(column.seen, column.dialect) % 1 == 0).all())
