"""One small shop in thirty spellings gives the known tables."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hemline import tables
from hemline.data.acquire import csv_records
from hemline.data.acquire.source_params import SourceParams
from hemline.data.fetch.added_delivery import add_delivery
from hemline.engine.engine import Engine
from tests.data.small_shop import (
    ARTICLES,
    CUSTOMERS,
    TOWNS,
    acquire,
    days_on,
    description,
    lines,
    rows_of,
    table_of,
    with_guests,
    write_changed,
    write_csv,
)
from tests.data.spellings import (
    SPELLINGS,
)


def test_the_plain_export_gives_the_known_tables(known: dict[str, bytes]) -> None:
    sold = ["t_dat", "customer_id", "article_id", "price", "sales_channel_id", "units"]
    code = {"store": 1, "online": 2}
    expected = [
        [days_on(n // 3), row["Client"], row["SKU"], row["Price"], code[row["Shop"]], row["Qty"]]
        for n, row in enumerate(lines())
    ]
    assert sorted(rows_of(known, "transactions", *sold)) == sorted(expected)
    schema = tables.TRANSACTIONS.append(tables.UNITS_FIELD)
    assert table_of(known, "transactions").schema.equals(schema)
    assert rows_of(known, "channels", "sales_channel_id", "name") == [[1, "store"], [2, "online"]]
    towns = [list(one) for one in zip(CUSTOMERS, TOWNS, strict=True)]
    assert rows_of(known, "customers", "customer_id", "Town") == towns
    articles = table_of(known, "articles").to_pydict()
    assert articles["article_id"] == articles["product_code"] == sorted(ARTICLES)
    assert articles["prod_name"][0] == f"Article; no. {ARTICLES.index('A1-blue')}, nice"
    assert set(known) == {
        "articles", "customers", "transactions", "article_keys", "customer_keys", "unlikes",
        "channels",
    }  # fmt: skip


def test_what_is_not_described_is_null_and_never_invented(known: dict[str, bytes]) -> None:
    for name, given_columns in (
        ("articles", {"article", "article_id", "product_code", "prod_name"}),
        ("customers", {"customer", "customer_id", "Town"}),
    ):
        table = table_of(known, name)
        for column in set(table.column_names) - given_columns:
            assert table[column].null_count == len(table), column


@pytest.mark.parametrize("name", SPELLINGS)
def test_another_spelling_gives_the_same_bytes(
    on_duckdb: Engine, tmp_path: Path, known: dict[str, bytes], name: str
) -> None:
    described = description()
    folder = tmp_path / "export"
    folder.mkdir()
    SPELLINGS[name](folder, described)
    acquired = acquire(on_duckdb, folder, described)
    if name == "renamed columns":
        assert table_of(acquired, "customers")["Town (x)"].to_pylist() == list(TOWNS)
        del acquired["customers"]
    assert acquired == {table: known[table] for table in acquired}


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_export_of_the_same_shop_gives_the_same_bytes(
    on_duckdb: Engine, tmp_path: Path, known: dict[str, bytes], data: st.DataObject
) -> None:
    rows, described = lines(), description()
    names = data.draw(st.permutations(list(rows[0])), "order")
    theirs = dict(
        zip(names, data.draw(st.lists(st.text("abcÄ \"'%,;", min_size=1), unique_by=str.strip,
                                      min_size=9, max_size=9)), strict=True)
    )  # fmt: skip
    theirs = {name: f"{place}{text.strip()}" for place, (name, text) in enumerate(theirs.items())}
    theirs["Town"] = "Town"
    rows = data.draw(st.permutations(rows), "rows")
    delimiter = data.draw(st.sampled_from(",;\t|~"))
    encoding = data.draw(st.sampled_from(["utf-8", "cp1252", "utf-16", "utf-8-sig"]))
    comma = delimiter != "," and data.draw(st.booleans())
    form = data.draw(st.sampled_from(["%Y-%m-%d %H:%M:%S", "%d.%m.%y %H:%M", "%m/%d/%Y %H:%M"]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_records, "_BLOCK_BYTES", data.draw(st.integers(300, 3000)))
        write_csv(
            tmp_path / "sales.csv",
            [{theirs[name]: row[name] for name in names} for row in rows],
            delimiter=delimiter,
            encoding=encoding,
            number=lambda n: repr(n).replace(".", ",") if comma else repr(n),
            day=lambda time: time.strftime(form),
        )
        sold = described["transactions"]
        sold |= {"delimiter": delimiter, "encoding": encoding, "decimal": "," if comma else "."}
        sold["columns"] = {ours: theirs[name] for ours, name in sold["columns"].items()}
        described["articles"]["columns"]["prod_name"] = theirs["Text"]
        described["days"] = {"format": form}
        assert acquire(on_duckdb, tmp_path, described) == known


@pytest.mark.slow  # as below; test_table_parts.py has such folders without Spark
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # as below
def test_a_folder_that_spark_wrote_gives_the_bytes_of_the_csv(
    on_duckdb: Engine, on_spark: Engine, tmp_path: Path, known: dict[str, bytes]
) -> None:
    write_csv(tmp_path / "sales.csv", lines())
    rows = on_spark.session.read.csv(str(tmp_path / "sales.csv"), header=True, inferSchema=True)
    rows.write.partitionBy("Town", "Qty").parquet(str(tmp_path / "spark"))
    assert {"_SUCCESS", "._SUCCESS.crc"} <= {one.name for one in (tmp_path / "spark").iterdir()}
    described = description()
    described["transactions"]["file"] = "spark"
    described["days"] = {"zone": "UTC"}  # Spark stores moments; its session is in UTC
    assert acquire(on_duckdb, tmp_path, described) == known


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # pyspark leaves them open
def test_spark_writes_the_same_bytes(on_duckdb: Engine, on_spark: Engine, tmp_path: Path) -> None:
    rows = with_guests()
    rows += [rows[3] | {"Qty": -2}, rows[4] | {"Shop": "Outlet"}, rows[5] | {"Text": "renamed"}]
    write_changed(tmp_path, rows)
    described = description() | {
        "guests": {"policy": "anonymous"}, "returns": {"policy": "net"},
        "product_code": {"pattern": "^([A-Z]\\d)"},
    }  # fmt: skip
    by_duckdb = acquire(on_duckdb, tmp_path, described)
    assert acquire(on_spark, tmp_path, described) == by_duckdb


@pytest.mark.slow  # a minute where the machine is busy; test_deliveries.py has the same on DuckDB
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # as above
def test_spark_applies_deliveries_alike(
    on_duckdb: Engine, on_spark: Engine, tmp_path: Path
) -> None:
    rows, described = lines(), description()
    write_changed(tmp_path, rows)
    described["transactions"]["key"] = ["Bill", "SKU"]
    write_csv(tmp_path / "week.csv", [rows[4] | {"Qty": 3}, rows[5] | {"Bill": "new"}])
    write_csv(tmp_path / "gone.csv", [{"Bill": rows[9]["Bill"], "SKU": rows[9]["SKU"]}])
    given = (tmp_path / "week.csv", tmp_path / "gone.csv")
    list(add_delivery(SourceParams.model_validate(described), tmp_path, *given))
    with_delivery = acquire(on_duckdb, tmp_path, described)
    assert len(table_of(with_delivery, "transactions")) == len(rows) + 1 - 1
    assert acquire(on_spark, tmp_path, described) == with_delivery
