"""Columns as a file stores them, text or not, converted to ids, texts, numbers and moments.

One function per kind of value, for csv and parquet alike, so that both give the same tables. What
would change a value's meaning is refused with the row: a fraction of a unit, an id that a
spreadsheet has rounded.
"""

from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from hemline.data.acquire.dialect import Dialect

_NUMBER: Final = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_ROUNDED: Final = r"^\d([.,]\d+)?[eE]\+\d+$"
_WHOLE_FLOAT: Final = r"^(-?\d+)\.0+$"
_LARGEST_EXACT: Final = float(1 << 53)
_WHITE: Final = " \t\r\n\u00a0\u202f"


class Unfit(ValueError):  # noqa: N818  (says what a value is, as BadInput does)
    """A value that is not what it should be.

    Attributes:
        row: of the block; -1 if the whole column is wrong.
        expected: what it should be.
        found: the value.
    """

    def __init__(self, row: int, expected: str, found: str) -> None:
        super().__init__(f"{expected}, not {found}")
        self.row, self.expected, self.found = row, expected, found


def refuse_where(is_wrong: pa.Array, values: pa.Array, expected: str) -> None:
    """Raise Unfit for the first row that is wrong; null is not."""
    wrong = pc.index(is_wrong, True).as_py()
    if wrong >= 0:
        raise Unfit(wrong, expected, repr(values[wrong].as_py()))


def as_text(values: pa.Array, dialect: Dialect) -> pa.Array:
    """Return the values as text without surrounding blanks; what stands for nothing is null."""
    values = _plain(values)
    if pa.types.is_floating(values.type):
        values = _whole_as_integers(values)
    if pa.types.is_decimal(values.type):
        values = pc.replace_substring_regex(values.cast(pa.string()), r"\.0+$", "")
    try:
        text = values.cast(pa.string())
    except pa.ArrowException:
        raise Unfit(-1, "text", str(values.type)) from None
    text = pc.utf8_trim(text, _WHITE)
    missing = pa.array(["", *dialect.null_values], pa.string())
    return pc.if_else(pc.is_in(text, missing), pa.scalar(None, pa.string()), text)


def as_ids(values: pa.Array, dialect: Dialect) -> pa.Array:
    """Return the values as ids: text, where numbers have no decimals (12345.0 is 12345)."""
    stored = _plain(values).type
    if pa.types.is_boolean(stored) or pa.types.is_temporal(stored):
        raise Unfit(-1, "an id: text or a whole number", str(stored))
    ids = pc.replace_substring_regex(as_text(values, dialect), _WHOLE_FLOAT, r"\1")
    is_rounded = pc.match_substring_regex(ids, _ROUNDED)
    refuse_where(is_rounded, ids, "an id in full (a spreadsheet has rounded this one)")
    return ids


def as_numbers(values: pa.Array, dialect: Dialect) -> pa.Array:
    """Return the values as float64."""
    values = _plain(values)
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        return values.cast(pa.float64(), safe=False)
    if pa.types.is_decimal(values.type):  # arrow's own cast is off by a last bit
        return values.cast(pa.string()).cast(pa.float64())
    if pa.types.is_boolean(values.type) or pa.types.is_temporal(values.type):
        raise Unfit(-1, "a number", str(values.type))
    text = as_text(values, dialect)
    spelled = text
    if dialect.thousands:
        blanks = r"[ \x{a0}\x{202f}]" if dialect.thousands == " " else ""
        group = blanks or f"[{dialect.thousands}]"
        spelled = pc.replace_substring_regex(spelled, rf"(\d){group}(\d)", r"\1\2")
        spelled = pc.replace_substring_regex(spelled, rf"(\d){group}(\d)", r"\1\2")
    if dialect.decimal == ",":
        has_point = pc.match_substring(spelled, ".")
        refuse_where(has_point, text, "a number with a decimal comma")
        spelled = pc.replace_substring(spelled, ",", ".")
    is_wrong = pc.invert(pc.match_substring_regex(spelled, _NUMBER))
    how = f"a number with the decimal sign '{dialect.decimal}'"
    if dialect.thousands:
        how += f" and thousands by '{dialect.thousands}'"
    refuse_where(is_wrong, text, how)
    spelled = pc.replace_substring_regex(spelled, r"^\+", "")
    return spelled.cast(pa.float64())


def as_whole(values: pa.Array, dialect: Dialect, largest: int) -> pa.Array:
    """Return the values as int64 from -largest to largest."""
    numbers = as_numbers(values, dialect)
    is_wrong = pc.or_(
        pc.not_equal(numbers, pc.floor(numbers)), pc.greater(pc.abs(numbers), float(largest))
    )
    refuse_where(is_wrong, numbers, f"a whole number up to {largest:,}")
    is_number = pc.is_finite(numbers)
    refuse_where(pc.invert(is_number), numbers, "a whole number")
    return numbers.cast(pa.int64())


def _plain(values: pa.Array) -> pa.Array:
    """Return the values without dictionary, extension or view."""
    if isinstance(values.type, pa.UuidType):
        values = pa.array([one and str(one) for one in values.to_pylist()], pa.string())
    elif isinstance(values.type, pa.BaseExtensionType):
        values = values.storage
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if values.type in (pa.large_string(), pa.string_view()) or pa.types.is_null(values.type):
        values = values.cast(pa.string())
    if pa.types.is_string(values.type) and pc.any(pc.match_substring(values, "\0")).as_py():
        refuse_where(pc.match_substring(values, "\0"), values, "text without NUL characters")
    return values


def _whole_as_integers(values: pa.Array) -> pa.Array:
    """Return floats that are all whole as integers; NaN is null."""
    values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    is_whole = pc.equal(values, pc.floor(values))
    if not pc.all(is_whole).as_py():
        return values
    is_large = pc.greater_equal(pc.abs(values), _LARGEST_EXACT)
    refuse_where(is_large, values, "a whole number of at most 15 digits where floats are stored")
    return values.cast(pa.int64())


def is_one_of(values: pa.Array, names: Sequence[str]) -> pa.Array:
    """Return whether each text is one of these; null is not."""
    return pc.is_in(values, pa.array(names, pa.string()))
