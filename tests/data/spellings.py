"""The small shop in many spellings: each writes an export and completes its description."""

import gzip
import random
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tests.data.small_shop import (
    CUSTOMERS,
    TOWNS,
    Description,
    Row,
    lines,
    write_csv,
)

Spelling = Callable[[Path, Description], None]


def as_csv(path: str = "sales.csv", **options: Any) -> Spelling:
    def write(folder: Path, described: Description) -> None:
        write_csv(folder / path, lines(), **options)
        described["transactions"]["file"] = path

    return write


def describe(spelling: Spelling, **changes: Any) -> Spelling:
    """Return a spelling whose description of the transactions says more."""

    def write(folder: Path, described: Description) -> None:
        spelling(folder, described)
        described["transactions"].update(changes)

    return write


def with_section(spelling: Spelling, **sections: Any) -> Spelling:
    def write(folder: Path, described: Description) -> None:
        spelling(folder, described)
        described.update(sections)

    return write


def changed_rows(change: Callable[[Row], Row], **options: Any) -> Spelling:
    def write(folder: Path, _described: Description) -> None:
        write_csv(folder / "sales.csv", [change(row) for row in lines()], **options)

    return write


def renamed(folder: Path, described: Description) -> None:
    changed_rows(lambda row: {f"{name} (x)": value for name, value in row.items()})(
        folder, described
    )
    names = described["transactions"]["columns"]
    described["transactions"]["columns"] = {ours: f"{name} (x)" for ours, name in names.items()}
    described["articles"]["columns"] = {"prod_name": "Text (x)"}
    described["customers"] = {"attributes": {"Town (x)": "text"}}


def reordered(folder: Path, described: Description) -> None:
    changed_rows(lambda row: dict(sorted(row.items())))(folder, described)


def shuffled(folder: Path, _described: Description) -> None:
    rows = lines()
    random.Random(3).shuffle(rows)  # noqa: S311  (no secret)
    write_csv(folder / "sales.csv", rows)


def among_markets(folder: Path, described: Description) -> None:
    """Write the shop with lines of other markets between its own, which would change its tables."""
    rows: list[Row] = []
    for number, row in enumerate(lines()):
        rows.append(row | {"Country": ("AT", "DE")[number % 2]})
        foreign = row | {"Text": "elsewhere", "Town": "elsewhere", "Client": f"f{number}"}
        rows.append(foreign | {"Country": ("CH", None, "de")[number % 3]})
    write_csv(folder / "sales.csv", rows)
    described["transactions"]["columns"]["market"] = "Country"
    described["markets"] = {"only": ["DE", "AT"]}


def zipped(folder: Path, described: Description) -> None:
    write_csv(folder / "sales.csv", lines())
    with zipfile.ZipFile(folder / "export.zip", "w") as archive:
        archive.write(folder / "sales.csv", "any name.csv")
        archive.writestr("__MACOSX/._any name.csv", b"of the Finder")
    described["transactions"]["file"] = "export.zip"


def gzipped(folder: Path, described: Description) -> None:
    write_csv(folder / "sales.csv", lines())
    (folder / "sales.csv.gz").write_bytes(gzip.compress((folder / "sales.csv").read_bytes()))
    described["transactions"]["file"] = "sales.csv.gz"


def as_parquet(change: Callable[[pd.DataFrame], pd.DataFrame] = lambda frame: frame) -> Spelling:
    def write(folder: Path, described: Description) -> None:
        frame = change(pd.DataFrame(lines()))
        pq.write_table(pa.Table.from_pandas(frame), folder / "sales.parquet")
        described["transactions"]["file"] = "sales.parquet"

    return write


def as_parts(folder: Path, described: Description) -> None:
    rows = pd.DataFrame(lines())
    (folder / "sales" / "year=2011").mkdir(parents=True)
    for number in range(3):
        path = folder / "sales" / "year=2011" / f"part-{number}.parquet"
        rows[number * 8 : number * 8 + 8].to_parquet(path)
    (folder / "sales" / "_SUCCESS").touch()
    described["transactions"]["file"] = "sales"


def categories(frame: pd.DataFrame) -> pd.DataFrame:
    texts = ("Client", "SKU", "Shop", "Town")
    return frame.astype(dict.fromkeys(texts, "category"))


def in_utc(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(Date=frame["Date"].dt.tz_localize("Europe/London").dt.tz_convert("UTC"))


def three_files(folder: Path, described: Description) -> None:
    rows = lines()
    texts = {row["SKU"]: row["Text"] for row in rows}
    write_csv(folder / "art.csv", [{"SKU": sku, "Text": text} for sku, text in texts.items()])
    people = [{"No": c, "Town": t} for c, t in zip(CUSTOMERS, TOWNS, strict=True)]
    outdated = {"No": CUSTOMERS[0], "Town": "Bonn"}
    write_csv(folder / "people.csv", [outdated, *people], delimiter=";", encoding="cp1252")
    sold = [{name: row[name] for name in list(row)[:7]} for row in rows]
    write_csv(folder / "sales.csv", sold)
    described["articles"] = {
        "file": "art.csv",
        "columns": {"article_id": "SKU", "prod_name": "Text"},
    }
    described["customers"] = {
        "file": "people.csv",
        "delimiter": ";",
        "encoding": "cp1252",
        "columns": {"customer_id": "No"},
        "attributes": {"Town": "text"},
    }


def london(time: datetime) -> datetime:
    return time.replace(tzinfo=ZoneInfo("Europe/London"))


def with_comma(number: float) -> str:
    return f"{number:,}".translate(str.maketrans(",.", ".,"))


def cents(row: Row) -> Row:
    return row | {"Price": round(row["Price"] * 100)}


def line_total(row: Row) -> Row:
    return row | {"Price": row["Price"] * row["Qty"]}


def null_spelled(row: Row) -> Row:
    return {name: "NULL" if value is None else value for name, value in row.items()}


def other_channel_names(row: Row) -> Row:
    return row | {"Shop": {"online": "W", "store": "Filiale 3"}[row["Shop"]]}


def padded(row: Row) -> Row:
    return row | {"Client": f" {row['Client']} ", "SKU": f"{row['SKU']}  "}


SPELLINGS: dict[str, Spelling] = {
    "renamed columns": renamed,
    "reordered columns": reordered,
    "reordered rows": shuffled,
    "semicolon": describe(as_csv(delimiter=";"), delimiter=";"),
    "tab": describe(as_csv("sales.tsv", delimiter="\t"), delimiter="\t"),
    "pipe": describe(as_csv("sales.txt", delimiter="|"), delimiter="|"),
    "decimal comma": describe(
        as_csv(delimiter=";", number=lambda n: repr(n).replace(".", ",")),
        delimiter=";", decimal=",",
    ),
    "thousands by point": describe(as_csv(number=with_comma), decimal=",", thousands="."),
    "thousands by blank": describe(
        as_csv(number=lambda n: f"{n:,}".replace(",", "\u00a0")), thousands=" "
    ),
    "latin-1": describe(as_csv(encoding="latin-1"), encoding="latin-1"),
    "utf-16": describe(as_csv(encoding="utf-16"), encoding="utf-16"),
    "byte order mark": as_csv(encoding="utf-8-sig"),
    "single quotes": describe(as_csv(quote="'"), quote="'"),
    "no quotes": describe(as_csv(quote=None, delimiter="\t"), quote=None, delimiter="\t"),
    "ISO 8601 with T": as_csv(day=datetime.isoformat),
    "days only, by month": with_section(
        as_csv(day=lambda t: f"{t:%d/%m/%Y}"), days={"format": "%d/%m/%Y"}
    ),
    "American times": with_section(
        as_csv(day=lambda t: f"{t:%m/%d/%Y %I:%M %p}"), days={"format": "%m/%d/%Y %I:%M %p"}
    ),
    "moments with a zone": with_section(
        as_csv(day=lambda t: london(t).isoformat()), days={"zone": "Europe/London"}
    ),
    "moments in UTC": with_section(
        as_csv(day=lambda t: f"{london(t).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"),
        days={"zone": "Europe/London"},
    ),
    "stored in UTC": with_section(
        as_csv(day=lambda t: f"{london(t).astimezone(UTC):%Y-%m-%d %H:%M}"),
        days={"zone": "Europe/London", "stored_in": "UTC"},
    ),
    "gzip": gzipped,
    "zip": zipped,
    "parquet": as_parquet(),
    "parquet of categories": as_parquet(categories),
    "parquet of moments": with_section(as_parquet(in_utc), days={"zone": "Europe/London"}),
    "parts of parquet": as_parts,
    "cents": with_section(changed_rows(cents), price={"divide_by": 100, "currency": "EUR"}),
    "totals of lines": with_section(changed_rows(line_total), price={"of": "line"}),
    "NULL": describe(changed_rows(null_spelled), null_values=["NULL"]),
    "three files": three_files,
    "names of channels": with_section(
        changed_rows(other_channel_names), channels={"online": ["W"], "store": ["Filiale 3"]}
    ),
    "blanks around ids": changed_rows(padded),
    "two of several markets": among_markets,
}  # fmt: skip
