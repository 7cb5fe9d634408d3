"""Thresholds of validation as the tables suggest them, for a person to review.

What is proposed leaves room: half of the rows there are, a tenth and ten times the prices, twice
the share of nulls. It says what the tables are like today, not what is right: a shop whose first
export is broken gets thresholds that allow it.
"""

import math
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import narwhals as nw
import pyarrow as pa
import pyarrow.parquet as pq
from ruamel.yaml.comments import CommentedMap

from hemline import columns, tables
from hemline.data.expectations.thresholds import ValidateParams
from hemline.edited_params import editor
from hemline.engine.engine import Engine
from hemline.files import replaced_file

_KNOWN: Final = {
    "customers": (columns.FN, columns.ACTIVE, columns.CLUB, columns.NEWS),
    "transactions": (columns.CHANNEL,),
}
_MOST_KNOWN: Final = 20
_LEAST_NULL_SHARE: Final = 0.05
_ROOM: Final = 2.0
_PRICE_ROOM: Final = 10.0
_SPARE_DAYS: Final = 7

_TABLES: Final = {
    "articles": tables.ARTICLES,
    "customers": tables.CUSTOMERS,
    "transactions": tables.TRANSACTIONS,
}
_CODES: Final = frozenset({columns.ARTICLE, columns.CUSTOMER, *tables.NAME_BY_CODE})


def propose_thresholds(engine: Engine, folder: Path, current: ValidateParams) -> dict[str, Any]:
    """Return section `validate` for these tables.

    Args:
        engine: reads them.
        folder: of the tables.
        current: what stands in params.yaml; days and ages are widened, never narrowed.
    """
    nulls = {
        name: _null_shares(folder / f"{name}.parquet", schema) for name, schema in _TABLES.items()
    }
    span = _span(engine, folder / "transactions.parquet")
    age = _range(folder / "customers.parquet", columns.AGE)
    rows = {name: int(pq.read_metadata(folder / f"{name}.parquet").num_rows) for name in _TABLES}
    repeated, most_units = _repeats(engine, folder / "transactions.parquet", rows["transactions"])
    return {
        "min_rows": {name: _two_digits(n_rows / _ROOM) for name, n_rows in rows.items()},
        "max_null_share": nulls,
        "known_values": _known_values(engine, folder),
        "min_age": min(current.min_age, *(age[:1] or (current.min_age,))),
        "max_age": max(current.max_age, *(age[1:] or (current.max_age,))),
        **_price_bounds(span),
        "earliest_day": str(min(span["first"], current.latest_day)),
        "latest_day": str(max(current.latest_day, span["last"])),
        "max_missing_days": _SPARE_DAYS + 2 * _n_missing_days(span["days"]),
        "max_repeated_share": round(min(1.0, max(0.2, _ROOM * repeated)), 2),
        "max_units": max(1000, _two_digits(_ROOM * most_units)),
    }


def write_thresholds(params: Path, proposed: Mapping[str, Any]) -> list[str]:
    """Write the section and return a line per threshold that has changed.

    Comments beside thresholds stay where the thresholds stay.
    """
    yaml = editor()
    content = yaml.load(params)
    changes = list(_changes(content["validate"], proposed, "validate"))
    if changes:
        with replaced_file(params) as unfinished:
            yaml.dump(content, unfinished)
    return changes


def _changes(section: CommentedMap, proposed: Mapping[str, Any], name: str) -> "list[str]":
    """Set what differs in a section, and return what was changed."""
    lines = []
    for key in [key for key in section if key not in proposed]:
        lines.append(f"{name}.{key}: removed")
        del section[key]
    for key, value in proposed.items():
        if isinstance(value, Mapping):
            section.setdefault(key, CommentedMap())
            lines += _changes(section[key], value, f"{name}.{key}")
        elif section.get(key) != value:
            lines.append(f"{name}.{key}: {section.get(key)} is now {value}")
            section[key] = value
    return lines


def _null_shares(path: Path, schema: pa.Schema) -> dict[str, float]:
    """Return the share of nulls to allow, of the columns that the shop has at all."""
    names = [name for name in schema.names if name not in _CODES and tables.has_values(path, name)]
    stored = pq.read_table(path, columns=names)
    return {name: _allowed(stored[name].null_count, len(stored)) for name in names}


def _allowed(n_null: int, n_rows: int) -> float:
    if not n_null:
        return 0.0
    return round(min(1.0, max(_LEAST_NULL_SHARE, _ROOM * n_null / n_rows)), 3)


def _known_values(engine: Engine, folder: Path) -> dict[str, dict[str, list[Any]]]:
    known: dict[str, dict[str, list[Any]]] = {}
    for table, names in _KNOWN.items():
        path = folder / f"{table}.parquet"
        for name in names:
            if not tables.has_values(path, name):
                continue
            counted = engine.read(path).group_by(name).agg(n_rows=nw.len())
            values = engine.to_arrow(counted.sort(name))[name].drop_null().to_pylist()
            if len(values) <= _MOST_KNOWN:
                known.setdefault(table, {})[name] = values
    return known


def _range(path: Path, column: str) -> tuple[int, ...]:
    values = pq.read_table(path, columns=[column])[0].drop_null().to_pylist()
    return (min(values), max(values)) if values else ()


def _span(engine: Engine, transactions: Path) -> dict[str, Any]:
    rows = engine.read(transactions)
    price = nw.col(columns.PRICE)
    counted = rows.group_by(columns.DAY).agg(low=price.min(), high=price.max())
    days = engine.to_arrow(counted.sort(columns.DAY)).to_pylist()
    lows = [one["low"] for one in days if one["low"] is not None]
    highs = [one["high"] for one in days if one["high"] is not None]
    return {
        "days": [one[columns.DAY] for one in days],
        "first": days[0][columns.DAY],
        "last": days[-1][columns.DAY],
        "low": min(lows, default=0.0),
        "high": max(highs, default=1.0),
    }


def _price_bounds(span: Mapping[str, Any]) -> dict[str, float]:
    low = 0.0 if span["low"] <= 0 else _significant(span["low"] / _PRICE_ROOM)
    return {"min_price": low, "max_price": _significant(max(span["high"], 1e-6) * _PRICE_ROOM)}


def _n_missing_days(days: list[date]) -> int:
    """Return how many days without sales lie on weekdays that usually have some."""
    sold = set(days)
    span = [days[0] + timedelta(days=back) for back in range((days[-1] - days[0]).days + 1)]
    n_weeks = max(1, len(span) // 7)
    by_weekday = [sum(day.weekday() == weekday for day in sold) for weekday in range(7)]
    return sum(day not in sold and 2 * by_weekday[day.weekday()] >= n_weeks for day in span)


def _repeats(engine: Engine, transactions: Path, n_rows: int) -> tuple[float, int]:
    """Return the share of rows that repeat an article of a customer's day, and the most units."""
    key = (columns.DAY, columns.CUSTOMER, columns.ARTICLE)
    has_units = columns.UNITS in pq.read_schema(transactions).names
    n_units = nw.col(columns.UNITS).sum() if has_units else nw.len()
    counted = engine.read(transactions).group_by(*key).agg(n_units=n_units)
    measured = counted.select(most=nw.col("n_units").max(), n_purchases=nw.len())
    (row,) = engine.to_arrow(measured).to_pylist()
    return 1 - row["n_purchases"] / max(1, n_rows), int(row["most"] or 1)


def _two_digits(number: float) -> int:
    """Return a whole number, rounded down to two digits.

    >>> _two_digits(26416.5), _two_digits(7)
    (26000, 7)
    """
    return int(_significant(math.floor(number), down=True))


def _significant(number: float, *, down: bool = False) -> float:
    """Return a number with two significant digits.

    >>> _significant(0.004567), _significant(8142.75)
    (0.0046, 8100.0)
    """
    if number <= 0:
        return 0.0
    digits = 1 - math.floor(math.log10(number))
    scaled = number * 10.0**digits
    return round((math.floor(scaled) if down else round(scaled)) / 10.0**digits, max(digits, 0))
