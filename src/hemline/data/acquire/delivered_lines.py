"""The lines of the export and of its deliveries, those that are still valid."""

import logging
from collections.abc import Iterator, Sequence
from typing import Final

import narwhals as nw
import pyarrow as pa

from hemline import columns
from hemline.data.acquire.deliveries import (
    KEY,
    NUMBER,
    TOUCHED,
    DataDelivery,
    delivered_blocks,
    joined_keys,
    touched_keys,
)
from hemline.data.acquire.described_table import DescribedColumn
from hemline.data.acquire.kaggle_files import check_days, read_blocks_of
from hemline.data.acquire.line_reader import Counted
from hemline.data.acquire.sale_lines import line_schema, read_lines
from hemline.data.acquire.source_file import SourceFile
from hemline.data.acquire.source_params import SourceParams
from hemline.engine.engine import Engine, Rows

logger = logging.getLogger(__name__)

_LATEST: Final = "latest"


def sales_lines(
    engine: Engine,
    source: SourceFile,
    deliveries: Sequence[DataDelivery],
    params: SourceParams,
    carried: Sequence[DescribedColumn],
) -> Rows:
    """Return the lines in the schema of `line_schema`.

    Args:
        engine: replaces and deletes.
        source: the transactions of the export.
        deliveries: in order.
        params: the description.
        carried: columns that describe articles and customers.

    Raises:
        BadInput: a value does not fit, or a row needs a decision; it names the line.
    """
    deliveries = [one for one in deliveries if one.touches_sales]
    schema = line_schema(carried)
    if not (deliveries and params.sold.key):
        return engine.from_batches(_all_batches(source, deliveries, params, carried), schema)
    keyed = pa.schema([*schema, *TOUCHED])
    lines = engine.from_batches(_all_batches(source, deliveries, params, carried, keyed), keyed)
    touched = engine.from_batches(touched_keys(deliveries, params), TOUCHED)
    latest = touched.group_by(KEY).agg(nw.col(NUMBER).max().alias(_LATEST))
    joined = lines.join(latest, on=KEY, how="left")
    is_valid = nw.col(_LATEST).is_null() | (nw.col(NUMBER) >= nw.col(_LATEST))
    valid = engine.persist(joined.filter(is_valid).select(*schema.names))
    n_replaced = _count(engine, lines) - _count(engine, valid)
    logger.info("deliveries: %s earlier lines were replaced or deleted", f"{n_replaced:,}")
    return valid


def _count(engine: Engine, rows: Rows) -> int:
    return int(engine.to_arrow(rows.select(nw.len().alias("n")))["n"][0].as_py())


def _all_batches(
    source: SourceFile,
    deliveries: Sequence[DataDelivery],
    params: SourceParams,
    carried: Sequence[DescribedColumn],
    keyed: pa.Schema | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield the lines of all files in order; with key and number where a schema has them."""
    keys = [DescribedColumn(one, one, pa.string(), f"{KEY}_{place}", is_id=True)
            for place, one in enumerate(params.sold.key if keyed else ())]  # fmt: skip
    files = {0: source}
    files |= {one.number: one.files["transactions"] for one in deliveries
              if "transactions" in one.files}  # fmt: skip
    for number, file in files.items():
        counted = Counted()
        blocks = delivered_blocks(file, params, counted) if number else read_blocks_of(file)
        for batch in read_lines(blocks, file, params, [*carried, *keys], counted):
            check_days(file, batch.column(columns.DAY))
            yield _with_key(batch, keyed, number) if keyed else batch
        _log(file, counted)


def _with_key(batch: pa.RecordBatch, keyed: pa.Schema, number: int) -> pa.RecordBatch:
    parts = [batch.column(name) for name in batch.schema.names if name.startswith(f"{KEY}_")]
    found = [batch.column(name) for name in keyed.names[: -len(TOUCHED)]]
    numbers = pa.array([number] * batch.num_rows, pa.int32())
    return pa.RecordBatch.from_arrays([*found, joined_keys(parts), numbers], schema=keyed)


def _log(source: SourceFile, counted: Counted) -> None:
    for text, number in (
        ("lines", counted.lines),
        ("lines of other markets: left out", counted.other_markets.total()),
        ("lines of what is no article: left out", counted.not_articles.total()),
        ("lines of other currencies: left out", counted.other_currency),
        ("lines of no unit: left out", counted.without_units),
        ("lines are marked as deleted", counted.deleted),
        (f"returns, of {counted.returned_units:,} units", counted.returns),
        ("of these without a customer: left out", counted.guest_returns),
        ("sales to guests", counted.guest_sales),
    ):
        if number:
            logger.info("%s: %s %s", source, f"{number:,}", text)
    for what, left_out in (
        ("other markets", counted.other_markets),
        ("no articles", counted.not_articles),
    ):
        if left_out:
            named = ", ".join(f"{one} ({n:,})" for one, n in left_out.most_common(20))
            logger.info("%s: %s: %s", source, what, named)
