"""A file of transactions, block by block, as lines in our terms: ids, day, unit price, units.

What a line is, is decided here: a sale or a return, of a customer or of a guest, of an article or
of something that is no article. Rows that need a decision which the description does not make are
refused with their line. What is left out is counted.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hemline import columns
from hemline.data.acquire.block import Block
from hemline.data.acquire.described_table import MOMENT, DescribedColumn, converted
from hemline.data.acquire.line_prices import of_one_currency, unit_prices
from hemline.data.acquire.line_reader import Counted, LineReader, checked
from hemline.data.acquire.moments import as_moments
from hemline.data.acquire.source_file import SourceFile
from hemline.data.acquire.source_params import LINE_TYPE, MARKET, SourceParams
from hemline.data.acquire.source_rules import Guests, Returns
from hemline.data.acquire.values import as_ids, as_whole, is_one_of
from hemline.errors import BadInput

IS_RETURN: Final = "is_return"
_MOST_UNITS: Final = (1 << 31) - 1
_LINE: Final = (
    (columns.DAY, pa.date32()),
    (MOMENT, pa.timestamp("us")),
    (columns.CUSTOMER_ID, pa.string()),
    (columns.ARTICLE_ID, pa.string()),
    (columns.PRICE, pa.float64()),
    (columns.UNITS, pa.int64()),
    (columns.CHANNEL, pa.string()),
    (columns.BASKET, pa.string()),
    (IS_RETURN, pa.bool_()),
)


def line_schema(described: Sequence[DescribedColumn]) -> pa.Schema:
    """Return the columns of the lines, with those that describe articles and customers."""
    return pa.schema([*_LINE, *((one.carried, one.type) for one in described)])


def read_lines(
    blocks: Iterable[Block],
    source: SourceFile,
    params: SourceParams,
    described: Sequence[DescribedColumn],
    counted: Counted,
) -> Iterator[pa.RecordBatch]:
    """Yield the lines that are read, in the schema of `line_schema`.

    Args:
        blocks: of the file.
        source: the file.
        params: its description.
        described: columns that describe articles and customers.
        counted: is filled.

    Raises:
        BadInput: a value does not fit, or a row needs a decision; it names the line.
    """
    for block in blocks:
        counted.lines += block.rows.num_rows
        reader = LineReader(source, params, block)
        for leave_out in (_of_the_market, _not_articles, of_one_currency, _without_units):
            reader = leave_out(reader, counted)
        yield _lines(reader, described, counted)


def _of_the_market(reader: LineReader, counted: Counted) -> LineReader:
    if not reader.has(MARKET):
        return reader
    names = reader.texts(MARKET)
    is_read = is_one_of(names, reader.params.markets.only)
    counted.other_markets.update(map(str, names.filter(pc.invert(is_read)).to_pylist()))
    return reader.only(is_read)


def _not_articles(reader: LineReader, counted: Counted) -> LineReader:
    rule = reader.params.not_articles
    if not (rule.ids or rule.pattern):
        return reader
    ids = reader.read(columns.ARTICLE_ID, lambda values: as_ids(values, reader.source.dialect))
    is_none = is_one_of(ids, rule.ids)
    if rule.pattern:
        is_none = pc.or_(is_none, pc.match_substring_regex(ids, rule.pattern).fill_null(False))
    counted.not_articles.update(ids.filter(is_none).to_pylist())
    return reader.only(pc.invert(is_none))


def _without_units(reader: LineReader, counted: Counted) -> LineReader:
    if not reader.has(columns.UNITS):
        return reader
    is_zero = pc.equal(_signed_units(reader), 0)
    counted.without_units += int(pc.sum(is_zero).as_py() or 0)
    return reader.only(pc.invert(is_zero))


def _signed_units(reader: LineReader) -> pa.Array:
    """Return the units as they are written; 1 where there is no such column."""
    if not reader.has(columns.UNITS):
        return pa.array(np.ones(reader.block.rows.num_rows, np.int64))

    def convert(values: pa.Array) -> pa.Array:
        units = as_whole(values, reader.source.dialect, _MOST_UNITS)
        return checked(pc.is_null(units), units, "a whole number")

    return reader.read(columns.UNITS, convert)


def _lines(
    reader: LineReader, described: Sequence[DescribedColumn], counted: Counted
) -> pa.RecordBatch:
    dialect, params = reader.source.dialect, reader.params
    moments = reader.read(columns.DAY, lambda values: as_moments(values, dialect, params.days))
    customers, is_guest = _customers(reader)
    signed = _signed_units(reader)
    is_return = _are_returns(reader, signed)
    units = pc.abs(signed)
    found = {
        columns.DAY: pc.floor_temporal(moments, unit="day").cast(pa.date32()),
        MOMENT: moments,
        columns.CUSTOMER_ID: customers,
        columns.ARTICLE_ID: reader.read(columns.ARTICLE_ID, lambda ids: as_ids(ids, dialect)),
        columns.PRICE: unit_prices(reader, units, is_return),
        columns.UNITS: units,
        columns.CHANNEL: _channels(reader),
        columns.BASKET: _texts_or_none(reader, columns.BASKET),
        IS_RETURN: is_return,
    }
    for one in described:
        as_described = partial(converted, dtype=one.type, dialect=dialect)
        convert = partial(as_ids, dialect=dialect) if one.is_id else as_described
        found[one.carried] = reader.read_theirs(one.theirs, convert)
    schema = line_schema(described)
    lines = pa.RecordBatch.from_arrays([found[name] for name in schema.names], schema=schema)
    return _counted(lines, is_guest, params, counted)


def _counted(
    lines: pa.RecordBatch, is_guest: pa.Array, params: SourceParams, counted: Counted
) -> pa.RecordBatch:
    """Count returns and guests, and return the lines that the policies leave."""
    is_return, is_known = lines.column(IS_RETURN), pc.invert(is_guest)
    is_guest_return = pc.and_(is_return, is_guest)
    returned = lines.column(columns.UNITS).filter(is_return)
    counted.returns += len(returned)
    counted.returned_units += int(pc.sum(returned).as_py() or 0)
    counted.guest_returns += is_guest_return.true_count
    counted.guest_sales += is_guest.true_count - is_guest_return.true_count
    is_read = pc.invert(is_guest_return)
    if params.returns and params.returns.policy == "drop":
        is_read = pc.and_(is_read, pc.invert(is_return))
    if params.guests and params.guests.policy == "drop":
        is_read = pc.and_(is_read, is_known)
    return lines.filter(is_read)


def _customers(reader: LineReader) -> tuple[pa.Array, pa.Array]:
    """Return the customer_ids, null for a guest, and whether each is one."""
    guests = reader.params.guests or Guests(policy="drop")
    ids = reader.read(columns.CUSTOMER_ID, lambda ids: as_ids(ids, reader.source.dialect))
    is_guest = pc.or_(pc.is_null(ids), is_one_of(ids, guests.ids))
    first = pc.index(is_guest, True).as_py()
    if first >= 0 and reader.params.guests is None:
        raise BadInput(
            f"every line of {reader.source} has a customer_id, or params.yaml says what to do "
            "with those of guests",
            found=f"{reader.block.place(first)}: none",
            fix="set source.guests to {policy: anonymous}, which writes them to a table of their "
            "own, or to {policy: drop}",
        )
    return pc.if_else(is_guest, pa.scalar(None, pa.string()), ids), is_guest


def _are_returns(reader: LineReader, signed: pa.Array) -> pa.Array:
    """Return whether each line takes something back."""
    is_return = pc.less(signed, 0)
    first = pc.index(is_return, True).as_py()
    rule = reader.params.returns
    if rule is None:
        if first >= 0:
            raise BadInput(
                f"the units of {reader.source} are positive, or params.yaml says what returns do",
                found=f"{reader.block.place(first)}: {signed[first]}",
                fix="set source.returns to {policy: net}, by which a return takes back the "
                "customer's latest purchase of the article, or to {policy: drop}",
            )
        return is_return
    return pc.or_(is_return, _returned_otherwise(reader, rule, len(signed)))


def _returned_otherwise(reader: LineReader, rule: Returns, n_lines: int) -> pa.Array:
    """Return which lines are of a cancelled basket or of a type that is a return."""
    is_return = pa.array(np.zeros(n_lines, bool))
    if rule.basket_pattern:
        baskets = reader.texts(columns.BASKET)
        is_cancelled = pc.match_substring_regex(baskets, rule.basket_pattern).fill_null(False)
        is_return = pc.or_(is_return, is_cancelled)
    if rule.types:
        is_return = pc.or_(is_return, is_one_of(reader.texts(LINE_TYPE), rule.types))
    return is_return


def _channels(reader: LineReader) -> pa.Array:
    """Return the names of the channels, store and online under these names."""
    names = _texts_or_none(reader, columns.CHANNEL)
    for ours, theirs in (
        ("store", reader.params.channels.store),
        ("online", reader.params.channels.online),
    ):
        is_ours = pc.or_(is_one_of(names, theirs), pc.equal(pc.utf8_lower(names), ours))
        names = pc.if_else(is_ours.fill_null(False), ours, names)
    return names


def _texts_or_none(reader: LineReader, name: str) -> pa.Array:
    if reader.has(name):
        return reader.texts(name)
    return pa.nulls(reader.block.rows.num_rows, pa.string())
