"""Ids to dense int32 keys, which happens here and nowhere else, by joins on the engine."""

from typing import Final

import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc

from hemline.data.acquire.source_file import UNCHANGED
from hemline.engine.engine import Engine, Rows
from hemline.errors import BadInput

_LONGEST_ID: Final = 200
_UNPRINTABLE_OR_LONG: Final = rf"[\pC\x{{2028}}\x{{2029}}]|^.{{{_LONGEST_ID + 1}}}"


def with_keys(
    engine: Engine, transactions: Rows, known: pa.Table, fix: str = UNCHANGED
) -> tuple[Rows, pa.Table]:
    """Return the transactions with keys in place of ids, and all keys including new ones.

    Args:
        engine: joins.
        transactions: read once, so they may stream.
        known: key and id of all rows of articles or customers.
        fix: what to do about an id that cannot be shown.
    """
    key, name = known.column_names
    is_new = nw.col(key).is_null()
    keyed = engine.persist(
        transactions.with_columns(nw.col(name).fill_null(""))
        .join(_joinable(engine, known), on=name, how="left")
        .with_columns(nw.when(is_new).then(nw.col(name)).alias(name))
    )
    names = engine.to_arrow(keyed.filter(is_new).select(name).unique().sort(name))[name]
    if not len(names):
        return keyed.drop(name), known
    check_ids(names, name, fix)
    numbers = pa.array(range(known.num_rows, known.num_rows + len(names)), pa.int32())
    new = pa.table({key: numbers, name: names.cast(pa.string())})
    given = _joinable(engine, new).rename({key: "given"})
    keyed = keyed.join(given, on=name, how="left")
    keyed = keyed.with_columns(nw.coalesce(key, "given").alias(key)).drop(name, "given")
    new = new.set_column(1, name, _named(new[name]))
    return keyed, pa.concat_tables([known, new.cast(known.schema)]).combine_chunks()


def _joinable(engine: Engine, keys: pa.Table) -> Rows:
    """Return the keys by id, a missing id as an empty text: nulls never match in a join."""
    name = keys.column_names[1]
    return engine.from_arrow(keys).with_columns(nw.col(name).fill_null(""))


def number_ids(ids: pa.ChunkedArray, schema: pa.Schema) -> tuple[pa.Array, pa.Table]:
    """Return the key of each id, and all keys: ids are numbered in the order of their first row."""
    encoded = _named(ids).combine_chunks().dictionary_encode(null_encoding="encode")
    check_ids(encoded.dictionary, schema.names[1])
    numbers = pa.array(range(len(encoded.dictionary)), pa.int32())
    return encoded.indices, pa.table([numbers, encoded.dictionary], schema)


def check_ids(ids: pa.Array | pa.ChunkedArray, name: str, fix: str = UNCHANGED) -> None:
    """Refuse ids that no page, log or terminal could show; an id may be missing, though."""
    wrong = ids.filter(pc.match_substring_regex(ids, _UNPRINTABLE_OR_LONG))
    if len(wrong):
        raise BadInput(
            f"every {name} is text of at most {_LONGEST_ID} printable characters",
            found=ascii(wrong[0].as_py())[:_LONGEST_ID],
            fix=fix,
        )


def _named(ids: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the ids, an empty one as null, as in a csv file."""
    return pc.if_else(pc.equal(ids, ""), pa.scalar(None, pa.string()), ids)
