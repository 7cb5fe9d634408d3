"""Days and times as a file writes them, as the time on the shop's own clock.

A time without a zone is that clock's, unless the description says in which zone it is stored. A
moment with a zone falls on different days in different places, so it needs the zone of the shop.
"""

from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from hemline.data.acquire.dialect import Dialect
from hemline.data.acquire.source_rules import Days
from hemline.data.acquire.values import Unfit, as_text, refuse_where

_MOMENT: Final = pa.timestamp("us")
_HAS_ZONE: Final = r"([Zz]|[+-]\d{2}:?\d{2})$"
_ISO: Final = (
    r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?)?(\s?([Zz]|[+-]\d{2}(:?\d{2})?))?$"
)
_HOW_ISO: Final = "a day like 2020-09-15 or a time like 2020-09-15 14:30 (else set days.format)"


def as_moments(values: pa.Array, dialect: Dialect, days: Days) -> pa.Array:
    """Return the values as timestamps of the shop's clock; raises Unfit."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_date(values.type):
        return values.cast(_MOMENT)
    if pa.types.is_timestamp(values.type):
        return _local(pc.floor_temporal(values, unit="microsecond"), days)
    if pa.types.is_integer(values.type) and days.format is None:
        raise Unfit(-1, f"{_HOW_ISO}, such as '%Y%m%d'", f"{values.type} {values[0]}")
    encoded = as_text(values, dialect).dictionary_encode()
    moments = _parsed(encoded.dictionary, days) if len(encoded.dictionary) else None
    if moments is None:
        return pa.nulls(len(values), _MOMENT)
    is_lost = pc.and_(pc.is_valid(encoded.indices), pc.is_null(moments.take(encoded.indices)))
    refuse_where(is_lost, encoded.dictionary_decode(), _expected(days))
    return moments.take(encoded.indices)


def _expected(days: Days) -> str:
    return _HOW_ISO if days.format is None else f"a time of the format {days.format}"


def _parsed(texts: pa.Array, days: Days) -> pa.Array:
    """Return the local time of each text, null where it is none."""
    if days.format is None:
        is_iso = pc.match_substring_regex(texts, _ISO)
        texts = pc.if_else(is_iso, texts, pa.scalar(None, pa.string()))
        frame = pd.Series(texts.to_pandas(), dtype=object)
        has_zone = pc.match_substring_regex(texts, rf"^.{{12,}}{_HAS_ZONE}").fill_null(False)
        zoned = has_zone.to_numpy(zero_copy_only=False)
        plain = pd.to_datetime(frame.where(~zoned), format="ISO8601", errors="coerce")
        aware = pd.to_datetime(frame.where(zoned), format="ISO8601", errors="coerce", utc=True)
        return pc.coalesce(_local(_arrow(plain), days), _local(_arrow(aware), days))
    frame = pd.Series(texts.to_pandas(), dtype=object)
    is_aware = "%z" in days.format
    parsed = pd.to_datetime(frame, format=days.format, errors="coerce", utc=is_aware)
    return _local(_arrow(parsed), days)


def _arrow(parsed: "pd.Series[pd.Timestamp]") -> pa.Array:
    zone = getattr(parsed.dtype, "tz", None)
    return pa.Array.from_pandas(parsed, type=pa.timestamp("us", str(zone) if zone else None))


def _local(times: pa.Array, days: Days) -> pa.Array:
    """Return times without a zone, as the shop's clock showed them."""
    stored = times.type.tz or days.stored_in
    if stored is None or times.null_count == len(times):
        return times.cast(_MOMENT) if times.type.tz is None else pa.nulls(len(times), _MOMENT)
    if times.type.tz is None:
        times = pc.assume_timezone(times, stored, ambiguous="earliest", nonexistent="latest")
    if days.zone is None:
        local = pc.local_timestamp(times)
        if pc.all(pc.equal(local, pc.floor_temporal(local, unit="day"))).as_py():
            return local.cast(_MOMENT)
        raise Unfit(
            -1, "a time of a known zone: set days.zone to the shop's, such as Europe/London",
            f"moments of the zone {stored}",
        )  # fmt: skip
    return pc.local_timestamp(times.cast(pa.timestamp("us", days.zone))).cast(_MOMENT)
