"""Csv is read as Python's own reader reads it, wherever a block ends, and refused with its line."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from hemline.data.acquire import csv_records
from hemline.data.acquire.source_file import SourceFile
from tests.data.raw_tables import assert_refused, read_raw, refusal_of

PIECES = ["a", "é", '"', ",", "\n", "\r", "\r\n"]
SCHEMA = pa.schema([("one", pa.string()), ("two", pa.string()), ("three", pa.string())])


def read_rows(path: Path) -> list[list[str | None]]:
    source = SourceFile(path.name, path, SCHEMA)
    batches = (one.rows for one in csv_records.read_blocks(source))
    return [list(row.values()) for batch in batches for row in batch.to_pylist()]


def quoted(value: str) -> str:
    escaped = value.replace('"', '""')
    return f'"{escaped}"' if set(value) & set('",\r\n') else value


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_line_break_in_quotes_is_read_wherever_a_block_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line_end: str
) -> None:
    rng = np.random.default_rng(1)
    path = tmp_path / "t.csv"
    for _ in range(5):
        drawn = [
            ["".join(rng.choice(PIECES, rng.integers(1, 7))) for _ in SCHEMA] for _ in range(4)
        ]
        lines = [",".join(map(quoted, row)) for row in [SCHEMA.names, *drawn]]
        content = (line_end.join(lines) + line_end).encode()
        path.write_bytes(content)
        with path.open(encoding="utf-8", newline="") as file:
            assert list(csv.reader(file))[1:] == drawn
        for size in range(1, len(content) + 2):
            monkeypatch.setattr(csv_records, "_BLOCK_BYTES", size)
            assert read_rows(path) == drawn, size


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\r", "\n\n\n"])
def test_the_last_line_is_read_with_any_ending(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"one,two,three\n1,2,3\n4,5,6" + ending.encode())
    assert read_rows(path) == [["1", "2", "3"], ["4", "5", "6"]]


def test_a_quote_within_a_value_is_a_character_of_it(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('one,two,three\n5" heel,2,3\n"a,""b""",5,6\n7,8,9\n')
    assert read_rows(path) == [['5" heel', "2", "3"], ['a,"b"', "5", "6"], ["7", "8", "9"]]


def test_carriage_returns_alone_end_lines(kaggle: Path, flawless: Path) -> None:
    for path in kaggle.glob("*.csv"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r"))
    assert read_raw(kaggle) == read_raw(flawless)


def test_a_refusal_names_the_line_of_the_file_after_breaks_in_quotes_and_blank_lines(
    kaggle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = kaggle / "articles.csv"
    lines = path.read_text().splitlines()
    lines[1] = lines[1].replace("A vest, cut", "A vest,\r\n\ncut")
    path.write_text("\n".join([*lines[:3], "", lines[3].replace("253", "vest"), ""]), newline="")
    for size in (1 << 9, 1 << 20):
        monkeypatch.setattr(csv_records, "_BLOCK_BYTES", size)
        assert refusal_of(kaggle).found.startswith("line 7: ")


def test_a_late_refusal_is_never_lost(kaggle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_records, "_BLOCK_BYTES", 64)
    with (kaggle / "transactions_train.csv").open("a") as file:
        file.write("2020-09-22,cut short")
    for _ in range(200):
        assert "line 25: 2: " in refusal_of(kaggle).found


def nul_in_an_id(content: bytes) -> bytes:
    return content.replace(b"0108775015", b"010877\x005015", 1)


def no_mark_utf_16(content: bytes) -> bytes:
    return content.decode().encode("utf-16-le")


def an_encoded_surrogate(content: bytes) -> bytes:
    return content.replace(b"Plain vest", b"Plain \xed\xa0\x80", 1)


def an_open_quote_at_the_end(content: bytes) -> bytes:
    return content.removesuffix(b'"\n')


def an_open_quote_in_the_middle(content: bytes) -> bytes:
    return content.replace(b'"A vest', b'"' + b"A vest\n" * 1000, 1)[:-200].replace(
        b'straight"', b""
    )


def parquet(_content: bytes) -> bytes:
    return b"PAR1\0\0\0PAR1"


def a_spreadsheet(_content: bytes) -> bytes:
    return b"PK\x03\x04" + b"\0" * 100


def a_gzip(_content: bytes) -> bytes:
    return b"\x1f\x8b" + b"\0" * 100


def an_endless_header(_content: bytes) -> bytes:
    return b"x" * (1 << 17)


def blank_first_line(content: bytes) -> bytes:
    return b"\n" + content


BROKEN = [
    (nul_in_an_id, "text without NUL", "line 2: a NUL character", "UTF-8"),
    (no_mark_utf_16, "text without NUL", "line 1", "every second byte of UTF-16"),
    (an_encoded_surrogate, "encoded as UTF-8", "column prod_name, line 2", "save it as UTF-8"),
    (an_open_quote_at_the_end, "every quote of articles.csv is closed", "line 4: 0110", "unchang"),
    (an_open_quote_in_the_middle, "every quote of articles.csv is closed", "line 2", "unchanged"),
    (parquet, "is csv text", "a parquet file", "ending .parquet"),
    (a_spreadsheet, "is csv text", "a spreadsheet", "ending .csv.zip"),
    (a_gzip, "is csv text", "a gzip file", "ending .csv.gz"),
    (an_endless_header, "header of articles.csv is one line", "xxx", "unchanged"),
    (blank_first_line, "has a header line", "an empty first line", "unchanged"),
]


@pytest.mark.parametrize(
    ("break_it", "rule", "found", "fix"), BROKEN, ids=[case[0].__name__ for case in BROKEN]
)
def test_what_is_no_csv_is_refused(
    kaggle: Path, break_it: Callable[[bytes], bytes], rule: str, found: str, fix: str
) -> None:
    path = kaggle / "articles.csv"
    path.write_bytes(break_it(path.read_bytes()))
    assert_refused(kaggle, rule, found, fix)


def test_a_record_longer_than_any_text_is_refused_before_it_fills_the_memory(
    kaggle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_records, "_BLOCK_BYTES", 1 << 12)
    monkeypatch.setattr(csv_records, "_LONGEST_RECORD", 1 << 14)
    with (kaggle / "articles.csv").open("a") as file:
        file.write("0" * (1 << 20))
    assert "no record is longer" in refusal_of(kaggle).rule


@pytest.mark.parametrize("day", ["9999-12-31", "1899-12-31", "2200-01-01", "0001-01-01"])
def test_a_day_that_no_shop_has_seen_is_refused(kaggle: Path, day: str) -> None:
    path = kaggle / "transactions_train.csv"
    path.write_text(path.read_text().replace("2020-09-04", day))
    refusal = refusal_of(kaggle)
    assert "lies between 1900-01-01 and 2199-12-31" in refusal.rule
    assert refusal.found == day
