"""Articles or customers of a described source: from their own file, or from the lines of the sales.

Rows are ordered by id, so the keys do not depend on the order of an export. Where an id occurs
several times, the latest value wins: of a file its last row, of the sales the latest value that is
not missing. How many changed is logged.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final

import narwhals as nw
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from hemline import columns
from hemline.data.acquire.block import Block
from hemline.data.acquire.dialect import Dialect
from hemline.data.acquire.source_file import SourceFile
from hemline.data.acquire.source_params import ArticleSource, CustomerSource
from hemline.data.acquire.values import Unfit, as_ids, as_numbers, as_text, as_whole
from hemline.engine.engine import Engine, Rows
from hemline.errors import BadInput

logger = logging.getLogger(__name__)

MOMENT: Final = "moment"
_TYPES: Final = {"text": pa.string(), "number": pa.float64()}


@dataclass(frozen=True)
class DescribedColumn:
    """A column that describes an article or a customer.

    Attributes:
        name: of the column in our table.
        theirs: its name in the file.
        type: of its values.
        carried: its name in the lines of the sales, which engines compare without case.
        is_id: whether it is read as an id, and not as text.
    """

    name: str
    theirs: str
    type: pa.DataType
    carried: str
    is_id: bool = False


def described_columns(
    table: ArticleSource | CustomerSource, schema: pa.Schema, id_name: str
) -> list[DescribedColumn]:
    """Return the columns of the table but its id, ours first.

    Args:
        table: the description.
        schema: tables.ARTICLES or CUSTOMERS.
        id_name: of the column that is no description.
    """
    ours = [(name, theirs, schema.field(name).type) for name, theirs in table.columns.items()
            if name != id_name]  # fmt: skip
    kept = [(name, name, _TYPES[kind]) for name, kind in table.attributes.items()]
    noun = id_name.removesuffix("_id")
    return [DescribedColumn(*one, f"{noun}_{place}") for place, one in enumerate([*ours, *kept])]


def converted(values: pa.Array, dtype: pa.DataType, dialect: Dialect) -> pa.Array:
    """Return values as the type of a description; raises Unfit."""
    if pa.types.is_string(dtype):
        return as_text(values, dialect)
    if pa.types.is_floating(dtype):
        return as_numbers(values, dialect)
    return as_whole(values, dialect, (1 << (dtype.bit_width - 1)) - 1).cast(dtype)


def misfit(source: SourceFile, block: Block, column: str, error: Unfit) -> BadInput:
    """Return the refusal of a value with the column and its place in the file."""
    place = "" if error.row < 0 else f"{block.place(error.row)}: "
    return BadInput(
        f"every {column} of {source} is {error.expected}",
        found=f"{place}{error.found}"[:300],
        fix=source.fix,
    )


def read_own_files(
    files: Sequence[tuple[SourceFile, Iterator[Block]]],
    id_theirs: str,
    described: Sequence[DescribedColumn],
    id_name: str,
) -> pa.Table:
    """Return one row per id in order, the id first; raises BadInput for a value that does not fit.

    Rows without an id are left out. The files are those of an export and of its deliveries.
    """
    read = []
    for source, block in ((file, block) for file, blocks in files for block in blocks):
        parts = {}
        for name, theirs, dtype in (
            (id_name, id_theirs, None),
            *((one.name, one.theirs, one.type) for one in described),
        ):
            values = block.rows.column(theirs)
            try:
                parts[name] = (
                    as_ids(values, source.dialect)
                    if dtype is None
                    else converted(values, dtype, source.dialect)
                )
            except Unfit as error:
                raise misfit(source, block, theirs, error) from None
        read.append(pa.table(parts))
    rows = pa.concat_tables(read).combine_chunks()
    rows = rows.filter(pc.is_valid(rows[id_name]))
    place = pa.array(range(len(rows)), pa.int64())
    latest = rows.append_column("place", place).group_by(id_name).aggregate([("place", "max")])
    if len(latest) < len(rows):
        logger.info(
            "%s: %d ids occur several times, their last row is used",
            files[0][0], len(rows) - len(latest),
        )  # fmt: skip
    return rows.take(latest.sort_by(id_name)["place_max"].combine_chunks())


def from_sales(
    engine: Engine, sales: Rows, described: Sequence[DescribedColumn], id_name: str
) -> pa.Table:
    """Return one row per id of the sales in order, with the latest value of each description.

    Args:
        engine: groups.
        sales: id, MOMENT and the carried columns.
        described: what to take.
        id_name: of the id; rows without one are left out.
    """
    known = sales.filter(~nw.col(id_name).is_null())
    ids = engine.to_arrow(known.select(id_name).unique().sort(id_name))[id_name].to_pandas()
    values = [_latest(engine, known, one, id_name) for one in described]
    frame = reduce(lambda rows, one: rows.join(one), values, pd.DataFrame(index=ids.to_numpy()))
    schema = pa.schema([(id_name, pa.string()), *((one.name, one.type) for one in described)])
    frame = frame.rename_axis(id_name).reset_index()
    return pa.Table.from_pandas(frame, schema, preserve_index=False).replace_schema_metadata(None)


def _latest(engine: Engine, sales: Rows, one: DescribedColumn, id_name: str) -> pd.DataFrame:
    """Return the latest value by id; of values of the same moment the largest.

    A sale to a customer counts before all sales to nobody, where shops record what was lost or
    damaged, with a note in place of the description.
    """
    valued = sales.filter(~nw.col(one.carried).is_null())
    is_known = (~nw.col(columns.CUSTOMER_ID).is_null()).cast(nw.Int32)
    spans = valued.with_columns(is_known=is_known).group_by(id_name, one.carried, "is_known")
    found = engine.to_arrow(spans.agg(nw.col(MOMENT).max())).to_pandas()
    found = found.sort_values(["is_known", MOMENT, one.carried])
    distinct = found[[id_name, one.carried]].drop_duplicates()
    n_changed = int((distinct[id_name].value_counts() > 1).sum())
    if n_changed:
        logger.info("%s: %d of %d have several values, the latest is used",
                    one.name, n_changed, found[id_name].nunique())  # fmt: skip
    latest = found.drop_duplicates(id_name, keep="last").set_index(id_name)[[one.carried]]
    renamed: pd.DataFrame = latest.set_axis([one.name], axis=1)
    return renamed
