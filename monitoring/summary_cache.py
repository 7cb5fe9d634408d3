"""Summaries of all weeks, cached: a week is summarised again only when its inputs change.

Each file carries a fingerprint of the transactions, numbers and code that it was made from.
Attributes of articles and customers are not part of it: after correcting those, delete the folder.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import narwhals as nw
import pandas as pd

from hemline import columns
from hemline.engine.engine import Engine
from hemline.errors import BadInput
from hemline.files import fingerprint
from monitoring import habits, signals, summaries, week_data, week_signals
from monitoring.cached_table import cached_table
from monitoring.monitor_params import MonitorParams
from monitoring.summaries import SUMMARIES, summarise_week

_WEEK: Final = timedelta(days=7)
_MODULES: Final = (week_data, week_signals, habits, signals, summaries)
_NUMBERS_READ: Final[Sequence[str]] = (
    "reference_weeks",
    "gap_weeks",
    "history_weeks",
    "replicates",
    "seed",
    "price_step",
    "min_buyers",
    "habits",
)
_PRIME: Final = 2_147_483_647
_PRIME_WEIGHTS: Final = {
    columns.CUSTOMER: 160_481_183,
    columns.ARTICLE: 179_424_673,
    columns.PRICE: 198_491_317,
    columns.CHANNEL: 217_645_177,
    columns.UNITS: 236_887_691,
}
_PRICE_STEPS: Final = 1_000_000_000


def cached_summaries(
    engine: Engine, tables: Path, folder: Path, until: date, params: MonitorParams
) -> pd.DataFrame:
    """Return SUMMARIES of all weeks up to the one before `until`, making those not cached.

    Args:
        engine: reads the tables.
        tables: folder of articles, customers and transactions.parquet.
        folder: the cache, one `<week_end>.parquet` a week.
        until: week_end of the last week; the others end whole weeks before.
        params: as in `summarise_week`; other numbers make other summaries.

    Raises:
        BadInput: the transactions do not cover the whole last week.
    """

    def summaries_of(week_end: date, inputs: str) -> pd.DataFrame:
        stored = cached_table(
            folder / f"{week_end}.parquet",
            SUMMARIES,
            inputs,
            lambda: summarise_week(engine, tables, week_end, params),
        )
        return stored.assign(week_end=week_end)  # a date, where parquet gives a timestamp

    fingerprints = _fingerprints(engine, tables, until, params)
    return pd.concat([summaries_of(*item) for item in fingerprints.items()], ignore_index=True)


def _fingerprints(
    engine: Engine, tables: Path, until: date, params: MonitorParams
) -> dict[date, str]:
    """Return, per week up to `until`, a digest of the rows and numbers its summary is made from."""
    days = _digits_of_days(engine, tables / "transactions.parquet", until)
    if not days:
        raise BadInput(
            f"there are transactions before {until}",
            found="none",
            fix="monitor a week that lies in the data",
        )
    n_weeks = (until - min(days)).days // 7
    if not n_weeks:
        raise BadInput(
            f"the data hold the whole week before {until}",
            found=f"transactions from {min(days)} on",
            fix="monitor a week that lies in the data",
        )
    ends = [until - weeks * _WEEK for weeks in range(n_weeks - 1, -1, -1)]
    sold = {end for end in ends for day in range(1, 8) if end - timedelta(days=day) in days}
    reach = params.read_weeks * _WEEK
    numbers = params.model_dump_json(include=set(_NUMBERS_READ)) + _code()
    # An earlier week without sales is a gap; for the last one summarise_week raises an error.
    summarised = [end for end in ends if end in sold or end == until]
    return {end: _digest(days, end - reach, end, numbers) for end in summarised}


def _digits_of_days(engine: Engine, transactions: Path, until: date) -> dict[date, str]:
    """Return, by day in order, numbers that change when any of its rows does.

    Each row becomes a number modulo a prime, a weighted sum of its values. The numbers are summed,
    and so are their squares, which detects values that only changed places between rows. Sums of
    integers are the same on every engine, in any order.
    """
    rows = engine.read(transactions).filter(nw.col(columns.DAY) < until)
    there = rows.collect_schema().names()
    row = sum(
        (weight * _as_integer(name) for name, weight in _PRIME_WEIGHTS.items() if name in there),
        start=nw.lit(0),
    )
    rows = rows.select(columns.DAY, row=row % _PRIME)
    rows = rows.with_columns(square=nw.col("row") * nw.col("row") % _PRIME)
    sums = [nw.col(name).sum().cast(nw.Int64) for name in ("row", "square")]
    by_day = rows.group_by(columns.DAY).agg(*sums, n_rows=nw.len()).sort(columns.DAY)
    days = engine.to_arrow(by_day).to_pylist()
    return {day[columns.DAY]: f"{day['n_rows']}-{day['row']}-{day['square']}" for day in days}


def _as_integer(name: str) -> nw.Expr:
    """Return the values of a column as whole numbers below the prime, -1 where there is none."""
    value = nw.col(name)
    if name == columns.PRICE:
        known = nw.when(value.is_finite()).then(value.cast(nw.Float64))
        value = (known * _PRICE_STEPS + 0.5).floor()
    return (value.cast(nw.Int64) % _PRIME).fill_null(-1)


def _code() -> str:
    """Return a digest of the modules that make summaries: another version makes them again."""
    return fingerprint(*(Path(str(module.__file__)) for module in _MODULES))


def _digest(days: dict[date, str], first: date, end: date, numbers: str) -> str:
    within = [f"{day} {text}" for day, text in days.items() if first <= day < end]
    return fingerprint(numbers, *within)
