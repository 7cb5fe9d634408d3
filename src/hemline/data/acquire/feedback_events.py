"""What the shop's visitors did, as rows of the tables: `hemline feedback export` wrote the files.

A purchase by a customer of the customers table becomes a transaction, online, one row per unit. A
return takes one away again: of the events' own purchases the latest, else of the other
transactions. Purchases by guests, and by customers whom the customers table does not have, are left
out: nothing is known of them. A purchase without a price has the mean price of its article, and of
all articles if nobody bought that one before.

Reading the same files again gives the same tables, so an event counts once however often the
pipeline runs.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hemline import columns, tables
from hemline.data.acquire.typed_tables import Tables
from hemline.engine.engine import Engine, Rows
from hemline.errors import BadInput

logger = logging.getLogger(__name__)

_CUSTOMER: Final = "customer:"
_ONLINE: Final = 2
_PAIR: Final = [columns.CUSTOMER, columns.ARTICLE]
_READ: Final = ("purchase", "return", "unlike", "undo")


def read_events(folder: Path) -> pa.Table:
    """Return the events of all files that change a table, in order, as tables.EVENTS.

    Raises:
        BadInput: a file is damaged, or lacks a column.
    """
    days = [_read_day(path) for path in sorted(folder.glob("*.parquet"))]
    return pa.concat_tables([tables.EVENTS.empty_table(), *days])


def with_feedback(engine: Engine, acquired: Tables, events: pa.Table | None) -> Tables:
    """Return the tables with the events in them, and the table of unlikes.

    Args:
        engine: changes the transactions.
        acquired: the tables without.
        events: of `read_events`; None to leave them out.
    """
    if events is None or not len(events):
        return acquired
    known = _with_keys(events, acquired)
    n_unknown = len(events) - len(known)
    if n_unknown:
        logger.info("%d of %d events are of guests or unknown: left out", n_unknown, len(events))
    bought, returned = _netted(known)
    transactions = acquired.transactions
    if len(returned):
        transactions = _without_returned(engine, transactions, returned)
    if len(bought):
        schema = _schema_of(transactions)
        sold = _sold(engine, acquired, bought, schema)
        transactions = nw.concat([transactions.select(*schema.names), sold])
    logger.info("feedback: %d units bought, %d of earlier ones returned", len(bought),
                int(returned["units"].sum()) if len(returned) else 0)  # fmt: skip
    return replace(acquired, transactions=transactions, unlikes=_unlikes(known))


def _read_day(path: Path) -> pa.Table:
    try:
        day = pq.read_table(path, columns=tables.EVENTS.names).cast(tables.EVENTS)
    except (OSError, pa.ArrowException, KeyError) as error:
        raise BadInput(
            f"{path} is a day of events as `hemline feedback export` wrote it",
            found=str(error).partition("\n")[0],
            fix="restore it from a backup; or move it and all later days away, and run "
            "`hemline feedback export` again",
        ) from error
    rows = day.replace_schema_metadata(None)
    return rows.filter(pc.is_in(rows["kind"], pa.array(_READ)))


def _with_keys(events: pa.Table, acquired: Tables) -> pd.DataFrame:
    """Return the events of known customers and articles with their keys, in order."""
    visitors = events["visitor"]
    is_customer = pc.starts_with(visitors, _CUSTOMER)
    events = events.filter(is_customer)
    ids = pc.utf8_slice_codeunits(events["visitor"], len(_CUSTOMER), None)
    frame: pd.DataFrame = events.drop_columns(["visitor", "context", "at"]).to_pandas()
    frame[columns.CUSTOMER] = _keys(ids, acquired.customers[columns.CUSTOMER_ID])
    frame[columns.ARTICLE] = _keys(
        events[columns.ARTICLE_ID], acquired.articles[columns.ARTICLE_ID]
    )
    return frame[(frame[_PAIR] >= 0).all(axis=1)].reset_index(drop=True)


def _keys(
    ids: pa.ChunkedArray, known: pa.ChunkedArray
) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    """Return the key of each id, which is its row; -1 for an unknown one."""
    found = pc.index_in(ids, known.combine_chunks()).fill_null(-1)
    return np.asarray(found.to_numpy(), np.int32)


class _Row(NamedTuple):
    """One event, with keys."""

    kind: str
    customer: int
    article: int
    units: int
    price: float
    day: date


def _rows(events: pd.DataFrame) -> Iterator[_Row]:
    names = ("kind", *_PAIR, columns.UNITS, columns.PRICE, columns.DAY)
    yield from map(_Row, *(events[name].tolist() for name in names))


def _netted(events: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the purchases that stand, one row per unit, and what is returned of earlier ones.

    Returns:
        Day, customer, article and price of each unit; customer, article and units.
    """
    standing: dict[tuple[int, int], list[tuple[date, float]]] = {}
    owed: dict[tuple[int, int], int] = {}
    for row in _rows(events):
        pair = row.customer, row.article
        if row.kind == "purchase":
            standing.setdefault(pair, []).extend([(row.day, row.price)] * row.units)
        elif row.kind == "return":
            units = standing.get(pair, [])
            n_own = min(len(units), row.units)
            del units[len(units) - n_own :]
            if row.units > n_own:
                owed[pair] = owed.get(pair, 0) + row.units - n_own
    bought = pd.DataFrame(
        [(day, *pair, price) for pair, units in standing.items() for day, price in units],
        columns=[columns.DAY, *_PAIR, columns.PRICE],
    )
    returned = pd.DataFrame(
        [(*pair, units) for pair, units in owed.items()], columns=[*_PAIR, columns.UNITS]
    )
    return bought, returned


def _without_returned(engine: Engine, transactions: Rows, returned: pd.DataFrame) -> Rows:
    """Return the transactions without the latest units of what was returned."""
    pairs = pa.Table.from_pandas(returned, preserve_index=False).cast(
        pa.schema([(name, pa.int32()) for name in (*_PAIR, columns.UNITS)])
    )
    owed, schema = (
        engine.from_arrow(pairs.rename_columns([*_PAIR, "owed"])),
        _schema_of(transactions),
    )
    concerned = engine.to_arrow(transactions.join(owed, on=_PAIR, how="inner")).to_pandas()
    concerned = concerned.sort_values([*_PAIR, columns.DAY, columns.CHANNEL, columns.PRICE])
    if columns.UNITS not in schema.names:
        concerned[columns.UNITS] = 1
    through_end = concerned[::-1].groupby(_PAIR)[columns.UNITS].cumsum()[::-1]
    later = through_end - concerned[columns.UNITS]
    taken_back = (concerned["owed"] - later).clip(0, concerned[columns.UNITS])
    concerned[columns.UNITS] -= taken_back
    left = concerned[concerned[columns.UNITS] > 0]
    others = transactions.select(*schema.names).join(owed, on=_PAIR, how="anti")
    return nw.concat([others, engine.from_arrow(_as_transactions(left, schema))])


def _schema_of(transactions: Rows) -> pa.Schema:
    return tables.transactions_schema(transactions.collect_schema().names())


def _sold(engine: Engine, acquired: Tables, bought: pd.DataFrame, schema: pa.Schema) -> Rows:
    """Return purchases as transactions."""
    is_open = bought[columns.PRICE].isna()
    if is_open.any():
        articles = bought[is_open][columns.ARTICLE]
        means, of_all = _mean_prices(engine, acquired.transactions, articles)
        priced = bought[columns.ARTICLE].map(means).fillna(of_all)
        bought[columns.PRICE] = bought[columns.PRICE].fillna(priced)
    bought = bought.assign(**{columns.CHANNEL: _ONLINE, columns.UNITS: 1})
    return engine.from_arrow(_as_transactions(bought, schema))


def _mean_prices(
    engine: Engine, transactions: Rows, articles: "pd.Series[int]"
) -> tuple[dict[int, float], float]:
    """Return the mean price of each of these articles that was sold, and that of everything."""
    price = nw.col(columns.PRICE).cast(nw.Float64)
    mean = price.mean()
    if columns.UNITS in transactions.collect_schema().names():
        units = nw.when(~price.is_null()).then(nw.col(columns.UNITS)).cast(nw.Float64)
        mean = ((price * units).sum() / units.sum()).alias(columns.PRICE)
    unpriced: Sequence[int] = articles.unique().tolist()
    sold = transactions.filter(nw.col(columns.ARTICLE).is_in(unpriced))
    prices = engine.to_arrow(sold.group_by(columns.ARTICLE).agg(mean))
    of_each = zip(
        prices[columns.ARTICLE].to_pylist(), prices[columns.PRICE].to_pylist(), strict=True
    )
    return dict(of_each), float(engine.to_arrow(transactions.select(mean))[0][0].as_py())


def _as_transactions(rows: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    table = pa.Table.from_pandas(rows[schema.names], preserve_index=False)
    return table.cast(schema).replace_schema_metadata(None)


def _unlikes(events: pd.DataFrame) -> pa.Table:
    """Return what customers did not want to see, and until when, as tables.UNLIKES.

    Unliked again, an article has the day on which it was unliked first.
    """
    holding: dict[tuple[int, int], date] = {}
    ended: list[tuple[date, int, int, date | None]] = []
    for row in _rows(events):
        pair = row.customer, row.article
        if row.kind == "unlike":
            holding.setdefault(pair, row.day)
        elif row.kind == "undo" and pair in holding:
            given = holding.pop(pair)
            if given < row.day:
                ended.append((given, *pair, row.day))
    rows = [*ended, *((day, *pair, None) for pair, day in holding.items())]
    rows.sort(key=lambda row: row[:3])
    return pa.Table.from_pylist(
        [dict(zip(tables.UNLIKES.names, row, strict=True)) for row in rows], tables.UNLIKES
    )
