"""Csv files as arrow batches: cut into blocks of whole records here, parsed by arrow.

Arrow's own streaming reader is not used: with a stream written in Python it sometimes loses an
error of the last block, and the rows with it, and it drops a line feed where a block ends within a
quoted CRLF. Parsing block by block, in order and in this thread, also lets a refusal name the line.
The price: one core, about 500 MB of csv a second.

Values in quotes may hold line breaks (RFC 4180). A block without a quote, which is all of the
transactions, is cut at its last line end; only others are searched for the end of a record.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import islice
from typing import Final

import pyarrow as pa
from pyarrow import csv as arrow_csv

from hemline.data.acquire.block import Block
from hemline.data.acquire.dialect import Dialect
from hemline.data.acquire.source_file import SourceFile, opened
from hemline.errors import BadInput

_BLOCK_BYTES: Final = 1 << 23
_LONGEST_RECORD: Final = 1 << 26
_LONGEST_HEADER: Final = 1 << 16
_SHOWN: Final = 200
_LINE_FEED: Final = 0x0A
_BOM: Final = b"\xef\xbb\xbf"

_LINE_END: Final = re.compile(rb"\r\n|\n|\r")

_OTHER_KINDS: Final = {
    b"PAR1": ("a parquet file", "give it the ending .parquet"),
    b"PK\x03\x04": ("a zip or a spreadsheet", "give a zip the ending .csv.zip; export a sheet"),
    b"\x1f\x8b": ("a gzip file", "give it the ending .csv.gz"),
}


def read_header(source: SourceFile) -> list[str]:
    """Return the names of the columns; raises BadInput if there is no header."""
    with opened(source) as read:
        buffer = bytearray(_LONGEST_HEADER)
        head = bytes(buffer[: _fill(read, buffer, 0)])
    for magic, (kind, fix) in _OTHER_KINDS.items():
        if head.startswith(magic):
            raise BadInput(f"{source} is csv text", found=kind, fix=fix)
    return _names(source, _header_record(source, head))


def read_blocks(source: SourceFile) -> Iterator[Block]:
    """Yield the schema's columns block by block; raises BadInput if a value does not fit.

    A block names the line of a row only until the next one is taken.
    """
    header, quote = read_header(source), source.dialect.quote
    convert = arrow_csv.ConvertOptions(
        column_types=source.schema,
        include_columns=source.schema.names,
        null_values=[""],
        strings_can_be_null=True,
    )
    parse = arrow_csv.ParseOptions(
        delimiter=source.dialect.delimiter, quote_char=quote or False, newlines_in_values=True
    )
    for block, line in _blocks(source):
        # One block for arrow, whatever it holds.
        options = arrow_csv.ReadOptions(
            column_names=header, use_threads=False, block_size=len(block) + 1
        )
        stream = pa.BufferReader(pa.py_buffer(block))
        try:
            rows = arrow_csv.read_csv(stream, options, parse, convert)
        except pa.ArrowInvalid as error:
            raise _refusal(source, header, str(error), block, line) from None
        place = partial(_place, source.dialect, block, line)
        yield from (Block(batch, place) for batch in rows.combine_chunks().to_batches())


def _place(dialect: Dialect, block: memoryview, first_line: int, row: int) -> str:
    return f"line {_line_of(dialect, row + 1, block, first_line)}"


def _blocks(source: SourceFile) -> Iterator[tuple[memoryview, int]]:
    """Yield whole records after the header, and the line of the first of them.

    A block is valid until the next one is taken.
    """
    buffer = bytearray(_BLOCK_BYTES)
    n_held, line, is_header = 0, 1, True
    with opened(source) as read:
        is_last = False
        while not is_last:
            n_new = _fill(read, buffer, n_held)
            _refuse_nul(source, buffer, n_held, n_held + n_new, line)
            n_held += n_new
            is_last = n_held < len(buffer)
            if is_last and n_held and buffer[n_held - 1] != _LINE_FEED:
                buffer[n_held] = _LINE_FEED
                n_held += 1
            start, end = 0, _end_of_records(source.dialect, buffer, n_held)
            if is_header and end:
                start, is_header = _header_end(source.dialect, buffer, n_held), False
                line += _n_lines(buffer, 0, start)
            if end > start:
                yield memoryview(buffer)[start:end], line
                line += _n_lines(buffer, start, end)
            if end < n_held and (is_last or (end == 0 and n_held >= _LONGEST_RECORD)):
                raise _open_quote(source, buffer[end:n_held], line)
            if end == 0 and not is_last:
                buffer = buffer + bytes(len(buffer))  # not in place: arrow may hold the earlier one
            buffer[: n_held - end] = buffer[end:n_held]
            n_held -= end


def _fill(read: Callable[[memoryview], int], buffer: bytearray, start: int) -> int:
    """Read until the buffer is full or the file ends; return how many bytes are new."""
    place, view = start, memoryview(buffer)
    while place < len(buffer) and (n_new := read(view[place:])):
        place += n_new
    return place - start


def _end_of_records(dialect: Dialect, buffer: bytearray, n_bytes: int) -> int:
    """Return how many of the first bytes are whole records."""
    if dialect.quote and buffer.find(dialect.quote.encode(), 0, n_bytes) >= 0:
        end, one_record = 0, _record(dialect)
        while record := one_record.match(buffer, end, n_bytes):
            end = record.end()
        return end
    last = buffer.rfind(b"\n", 0, n_bytes)
    if last < 0:
        last = buffer.rfind(b"\r", 0, max(n_bytes - 1, 0))
    return last + 1


def _header_end(dialect: Dialect, buffer: bytearray, n_bytes: int) -> int:
    record = _record(dialect).match(buffer, 0, n_bytes)
    return record.end() if record else 0


def _header_record(source: SourceFile, head: bytes) -> bytes:
    if len(head) < _LONGEST_HEADER and head:
        head += b"\n"
    record = _record(source.dialect).match(head)
    if record is None and head:
        raise BadInput(
            f"the header of {source} is one line of at most {_LONGEST_HEADER:,} bytes",
            found=_shown(head),
            fix=source.fix,
        )
    line = record[0].removeprefix(_BOM).strip() if record else b""
    if not line:
        found = "an empty first line" if head.strip() else "an empty file"
        raise BadInput(f"{source} has a header line", found=found, fix=source.fix)
    return line


def _names(source: SourceFile, header: bytes) -> list[str]:
    try:
        text = header.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8(source, f"the header: {error.reason}") from None
    if "\0" in text:
        raise _no_text(source, 1)
    dialect = source.dialect
    quoting = {"quotechar": dialect.quote} if dialect.quote else {"quoting": csv.QUOTE_NONE}
    lines = io.StringIO(text, newline="")
    return next(csv.reader(lines, delimiter=dialect.delimiter, **quoting))


@lru_cache(maxsize=16)
def _record(dialect: Dialect, *, is_whole: bool = False) -> re.Pattern[bytes]:
    """Return the pattern of a record with its line end.

    A carriage return at the very end may be the first half of a CRLF, unless the text is whole.
    Possessive groups (`(...)*+`) match wrongly before Python 3.11.5, single characters do not.
    """
    comma = re.escape(dialect.delimiter).encode()
    bare = rb"[^" + comma + rb"\r\n]*+"
    field = bare
    if dialect.quote:
        q = re.escape(dialect.quote).encode()
        inside = rb"[^" + q + rb"]*+"
        quoted = q + inside + rb"(?:" + q + q + inside + rb")*" + q + rb"(?!" + q + rb")" + bare
        field = rb"(?:" + quoted + rb"|(?!" + q + rb")" + bare + rb")"
    end = rb"(?:\r\n|\n|\r)" if is_whole else rb"(?:\r\n|\n|\r(?!\Z))"
    return re.compile(field + rb"(?:" + comma + field + rb")*" + end)


def _refuse_nul(source: SourceFile, buffer: bytearray, start: int, end: int, line: int) -> None:
    place = buffer.find(b"\0", start, end)
    if place >= 0:
        raise _no_text(source, line + _n_lines(buffer, 0, place))


def _no_text(source: SourceFile, line: int) -> BadInput:
    return BadInput(
        f"{source} is text without NUL characters",
        found=f"line {line}: a NUL character",
        fix="save it as UTF-8 (every second byte of UTF-16 is NUL), or download it again",
    )


def _open_quote(source: SourceFile, rest: bytearray, line: int) -> BadInput:
    return BadInput(
        f"every quote of {source} is closed, and no record is longer than "
        f"{_LONGEST_RECORD >> 20} MB",
        found=f"line {line}: {_shown(bytes(rest[:_SHOWN]))}",
        fix=source.fix,
    )


def _n_lines(buffer: bytearray, start: int, end: int) -> int:
    """Return the number of line ends, which are carriage returns where there is nothing else."""
    return buffer.count(b"\n", start, end) or buffer.count(b"\r", start, end)


def _refusal(
    source: SourceFile, header: list[str], error: str, block: memoryview, first_line: int
) -> BadInput:
    """Return arrow's message as a refusal that names the column and the line of the file."""
    if ragged := re.search(r"Row #(\d+): Expected (\d+) columns, got (.*)", error, re.DOTALL):
        row, n_columns, got = ragged.groups()
        line = _line_of(source.dialect, int(row), block, first_line)
        rule = f"every line of {source} has {n_columns} fields"
        return BadInput(rule, found=f"line {line}: {got[:_SHOWN]}", fix=source.fix)
    wrong = re.search(r"column #(\d+): (?:Row #(\d+): )?(.*)", error, re.DOTALL)
    if wrong is None:
        return BadInput(f"{source} is a csv file", found=error[:_SHOWN], fix=source.fix)
    index, row, detail = wrong.groups()
    column, detail = header[int(index)], detail[:_SHOWN]
    where = (
        f"line {_line_of(source.dialect, int(row), block, first_line)}: {detail}" if row else detail
    )
    if "UTF8" in detail:
        return _not_utf8(source, f"column {column}, {where}")
    expected = describe(source.schema.field(column).type)
    return BadInput(f"every {column} of {source} is {expected}", found=where, fix=source.fix)


def describe(dtype: pa.DataType) -> str:
    """Return what a value of the type is, for a rule."""
    if pa.types.is_date(dtype):
        return "a day written YYYY-MM-DD"
    if pa.types.is_floating(dtype):
        return "a number"
    return "text" if pa.types.is_string(dtype) else "a whole number"


def _line_of(dialect: Dialect, row: int, block: memoryview, first_line: int) -> int:
    """Return the line of the file on which a row of the block starts; blank lines are no rows."""
    records = (
        one for one in _record(dialect, is_whole=True).finditer(block) if one[0].strip(b"\r\n")
    )
    start = next(islice(records, row - 1, None)).start()
    return first_line + len(_LINE_END.findall(block[:start]))


def _shown(text: bytes) -> str:
    return text[:_SHOWN].decode(errors="backslashreplace")


def _not_utf8(source: SourceFile, found: str) -> BadInput:
    declare = f", or set {source.described_in}.encoding (cp1252, latin-1)" * bool(
        source.described_in
    )
    return BadInput(f"{source} is encoded as UTF-8", found=found, fix=f"save it as UTF-8{declare}")
