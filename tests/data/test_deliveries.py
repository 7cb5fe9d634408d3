"""A weekly delivery of late, corrected and deleted rows leaves the tables of the final state."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from hemline.data.acquire.deliveries import delivery_folders
from hemline.data.acquire.source_params import SourceParams
from hemline.data.fetch.added_delivery import add_delivery
from hemline.engine.engine import Engine
from hemline.errors import BadInput
from tests.data.small_shop import (
    CUSTOMERS,
    TOWNS,
    Description,
    Row,
    acquire,
    description,
    lines,
    rows_of,
    write_csv,
)

KEY = ["Bill", "SKU"]
WEEK = timedelta(days=7)


def keyed(**changes: Any) -> Description:
    described = description()
    described["transactions"] |= {"key": KEY, **changes}
    return described


def export(folder: Path, rows: list[Row]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(folder / "sales.csv", rows)
    return folder


def add(folder: Path, described: Description, *given: Path) -> list[str]:
    return list(add_delivery(SourceParams.model_validate(described), folder, *given))


def changed() -> tuple[list[Row], list[Row], list[Row]]:
    """Return the rows of a delivery, the rows that it deletes, and all rows after it.

    Two lines of new days, one of a day long past, one with other units and another customer, one
    that a second line joins, one deleted.
    """
    rows = lines()
    new = [row | {"Date": row["Date"] + 2 * WEEK, "Bill": f"n{place}"}
           for place, row in enumerate(rows[:2])]  # fmt: skip
    late = rows[0] | {"Bill": "late", "Qty": 4}
    corrected = rows[5] | {"Qty": 9, "Client": "C-10", "Town": "Köln"}
    split = [rows[8] | {"Qty": 2}, rows[8] | {"Qty": 3, "Price": 1.5}]
    delivery = [*new, late, corrected, *split]
    kept = [row for place, row in enumerate(rows) if place not in (5, 8, 11)]
    return delivery, [rows[11]], [*kept, *delivery]


@pytest.mark.parametrize("marked", [True, False])
def test_late_corrected_and_deleted_rows_leave_the_bytes_of_the_final_state(
    on_duckdb: Engine, tmp_path: Path, *, marked: bool
) -> None:
    delivery, deleted, after = changed()
    folder, week = export(tmp_path / "source", lines()), tmp_path / "week.csv"
    described = keyed(**({"deleted": {"column": "op", "values": ["D"]}} if marked else {}))
    if marked:
        nothing = dict.fromkeys(delivery[0])
        gone = [nothing | {name: row[name] for name in KEY} | {"op": "D"} for row in deleted]
        write_csv(week, [*(row | {"op": "U"} for row in delivery), *gone])
        given = [week]
    else:
        write_csv(week, delivery)
        write_csv(tmp_path / "gone.csv", [{name: row[name] for name in KEY} for row in deleted])
        given = [week, tmp_path / "gone.csv"]
    said = add(folder, described, *given)
    assert said[0].startswith("Added as deliveries/0001-")
    assert said[1] == f"transactions: 6 lines, and {int(marked)} marked as deleted"
    final = acquire(on_duckdb, export(tmp_path / "final", after), description())
    assert acquire(on_duckdb, folder, described) == final
    assert add(folder, described, *given)[0].startswith("It was added before, as 0001-")
    assert acquire(on_duckdb, folder, described) == final
    assert len(delivery_folders(folder)) == 1


def test_a_third_delivery_corrects_the_second_and_one_in_parquet_counts_alike(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    delivery, _, _ = changed()
    folder, described = export(tmp_path / "source", lines()), keyed()
    write_csv(tmp_path / "week.csv", delivery)
    add(folder, described, tmp_path / "week.csv")
    again = [row | {"Price": 2.0} for row in delivery]
    pd.DataFrame(again).to_parquet(tmp_path / "week.parquet")
    add(folder, described, tmp_path / "week.parquet")
    kept = [row for place, row in enumerate(lines()) if place not in (5, 8)]
    final = acquire(on_duckdb, export(tmp_path / "final", [*kept, *again]), description())
    assert acquire(on_duckdb, folder, described) == final
    assert [one.name[:5] for one in delivery_folders(folder)] == ["0001-", "0002-"]


def test_a_delivery_in_another_order_of_rows_adds_nothing_twice(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    delivery, _, _ = changed()
    folder, described = export(tmp_path / "source", lines()), keyed()
    for name, rows in (("a.csv", delivery), ("b.csv", delivery[::-1])):
        write_csv(tmp_path / name, rows)
        add(folder, described, tmp_path / name)
    assert len(delivery_folders(folder)) == 2
    kept = [row for place, row in enumerate(lines()) if place not in (5, 8)]
    final = acquire(on_duckdb, export(tmp_path / "final", [*kept, *delivery]), description())
    assert acquire(on_duckdb, folder, described) == final


def test_a_line_that_becomes_no_article_leaves_nothing(on_duckdb: Engine, tmp_path: Path) -> None:
    described = keyed(key=["Bill"]) | {"not_articles": {"ids": ["POST"]}}
    folder = export(tmp_path / "source", lines())
    write_csv(tmp_path / "week.csv", [lines()[0] | {"SKU": "POST"}])
    add(folder, described, tmp_path / "week.csv")
    final = export(tmp_path / "final", lines()[2:])  # a bill has two lines
    assert acquire(on_duckdb, folder, described) == acquire(on_duckdb, final, description())


def test_without_a_key_lines_are_added_and_the_command_says_so(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    folder, week = export(tmp_path / "source", lines()), lines()[:3]
    write_csv(tmp_path / "week.csv", week)
    assert "further sales" in add(folder, description(), tmp_path / "week.csv")[-1]
    final = export(tmp_path / "final", [*lines(), *week])
    assert acquire(on_duckdb, folder, description()) == acquire(on_duckdb, final, description())


def test_a_folder_delivers_customers_too_and_their_last_row_counts(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    described = keyed()
    described["customers"] = {
        "file": "people.csv", "columns": {"customer_id": "No"}, "attributes": {"Town": "text"},
    }  # fmt: skip
    folder = export(tmp_path / "source", lines())
    people = [{"No": c, "Town": t} for c, t in zip(CUSTOMERS, TOWNS, strict=True)]
    write_csv(folder / "people.csv", people)
    week = tmp_path / "week"
    week.mkdir()
    write_csv(week / "people.csv", [{"No": "C-10", "Town": "Bonn"}, {"No": "C-9", "Town": "Ulm"}])
    assert add(folder, described, week)[0].endswith(": customers.")
    read = rows_of(acquire(on_duckdb, folder, described), "customers", "customer_id", "Town")
    assert read == [["C-10", "Bonn"], ["C-11", "Genève"], ["C-12", None], ["C-13", "Århus"],
                    ["C-9", "Ulm"]]  # fmt: skip


def without(name: str) -> list[Row]:
    return [{key: value for key, value in row.items() if key != name} for row in lines()[:2]]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (without("Price"), "has the column Price"),
        ([lines()[0] | {"Qty": 1.5}], "line 2: "),
        ([lines()[0], lines()[1] | {"Bill": None}], "line 3: None"),
        ([lines()[0] | {"Client": None}], "guest"),
    ],
)
def test_a_delivery_that_does_not_fit_leaves_nothing_behind(
    tmp_path: Path, rows: list[Row], found: str
) -> None:
    folder = export(tmp_path / "source", lines())
    write_csv(tmp_path / "week.csv", rows)
    with pytest.raises(BadInput, match=found):
        add(folder, keyed(), tmp_path / "week.csv")
    assert list((folder / "deliveries").iterdir()) == []


def test_the_export_itself_is_no_delivery(tmp_path: Path) -> None:
    folder = export(tmp_path / "source", lines())
    assert add(folder, keyed(), folder / "sales.csv") == [
        "It is the export itself: nothing changes."
    ]
    with pytest.raises(BadInput, match="a delivery is a file of transactions"):
        add(folder, keyed(), tmp_path / "none.csv")
    with pytest.raises(BadInput, match="names the columns of a file of deleted keys"):
        add(folder, description(), folder / "sales.csv", folder / "sales.csv")
    with pytest.raises(ValidationError, match="`deleted` needs the `key`"):
        SourceParams.model_validate(keyed(key=[], deleted={"column": "op", "values": ["D"]}))


def test_a_database_takes_no_delivery(tmp_path: Path) -> None:
    described = keyed()
    del described["transactions"]["file"]
    described["transactions"] |= {"url": "sqlite:////shop.db", "table": "sales"}
    with pytest.raises(BadInput, match="read whole each time"):
        add(tmp_path, described, tmp_path)
