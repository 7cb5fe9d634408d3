"""Folders as Spark, DuckDB and Delta write them give the bytes of the csv."""

import builtins
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from hemline.data.acquire import table_parts
from hemline.engine.engine import Engine
from hemline.errors import BadInput
from tests.data.small_shop import Description, acquire, description, lines


def in_folder(folder: Path) -> Description:
    described = description()
    described["transactions"]["file"] = folder.name
    return described


def sales() -> pd.DataFrame:
    rows = pd.DataFrame(lines())
    return rows.assign(Day=rows["Date"].dt.strftime("%Y-%m-%d"))


def test_a_folder_partitioned_by_duckdb_gives_its_columns_back(
    on_duckdb: Engine, known: dict[str, bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "sales"
    rows = sales()
    with duckdb.connect() as connection:
        connection.register("rows", rows.drop(columns="Day"))
        connection.execute(
            f"COPY rows TO '{folder}' (FORMAT parquet, PARTITION_BY (Town, SKU, Price))"
        )
    (folder / "_SUCCESS").touch()
    (folder / "._SUCCESS.crc").touch()
    names = {one.name for one in folder.rglob("SKU=*")}
    assert "SKU=%C3%9C9" in names or "SKU=Ü9" in names, names
    assert acquire(on_duckdb, tmp_path, in_folder(folder)) == known


def test_what_a_finished_spark_job_left_behind_is_passed_over(
    on_duckdb: Engine, known: dict[str, bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "sales"
    sales().to_parquet(folder, partition_cols=["Day"])
    (folder / "_temporary" / "0").mkdir(parents=True)
    (folder / "_temporary" / "0" / "part-0.parquet").write_bytes(b"half")
    (next(folder.glob("Day=*")) / ".part-0.parquet.crc").touch()
    with pytest.raises(BadInput, match="a Spark job that has not finished"):
        acquire(on_duckdb, tmp_path, in_folder(folder))
    (folder / "_SUCCESS").touch()
    described = in_folder(folder)
    assert acquire(on_duckdb, tmp_path, described) == known
    described["transactions"]["columns"]["t_dat"] = "Day"
    assert acquire(on_duckdb, tmp_path, described)["transactions"] == known["transactions"]


def test_a_delta_table_is_read_as_its_log_says(
    on_duckdb: Engine, known: dict[str, bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "sales"
    rows = pa.Table.from_pandas(sales(), preserve_index=False)
    write_deltalake(folder, rows.slice(0, 20), partition_by=["Day", "Town"])
    write_deltalake(folder, rows.slice(20), mode="append")
    wrong = rows.slice(3, 1).set_column(4, "Qty", pa.array([99]))
    write_deltalake(folder, wrong, mode="append")
    DeltaTable(folder).delete('"Qty" = 99')
    assert acquire(on_duckdb, tmp_path, in_folder(folder)) == known
    DeltaTable(folder).create_checkpoint()
    assert acquire(on_duckdb, tmp_path, in_folder(folder)) == known


def test_a_delta_table_whose_files_are_not_its_rows_is_refused(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    folder = tmp_path / "sales"
    write_deltalake(folder, sales(), configuration={"delta.columnMapping.mode": "name"})
    with pytest.raises(BadInput, match=r"delta\.columnMapping\.mode: name"):
        acquire(on_duckdb, tmp_path, in_folder(folder))


def test_without_deltalake_its_installation_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sales" / "_delta_log").mkdir(parents=True)
    genuine = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("deltalake"):
            raise ImportError(f"No module named '{name}'")
        return genuine(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BadInput, match=r"pip install 'hemline\[delta\]'"):
        table_parts.table_parts(tmp_path / "sales")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("old/_delta_log/0.json", "a Delta table below it"),
        (".hoodie/x", "a Hudi table"),
        ("metadata/v1.metadata.json", "an Iceberg table"),
        ("notes.txt", "notes.txt"),
        ("_SUCCESS", "none"),
    ],
)
def test_other_folders_are_refused(tmp_path: Path, path: str, found: str) -> None:
    (tmp_path / "sales" / path).parent.mkdir(parents=True)
    (tmp_path / "sales" / path).touch()
    with pytest.raises(BadInput, match=f"found: {found}"):
        table_parts.table_parts(tmp_path / "sales")


def test_a_column_of_the_file_counts_before_one_of_the_folder(tmp_path: Path) -> None:
    part = tmp_path / "sales" / "_n=1" / "n=7" / "a.parquet"
    part.parent.mkdir(parents=True)
    pq.write_table(pa.table({"n": [1]}), part)
    assert table_parts.table_parts(tmp_path / "sales") == [
        table_parts.TablePart(part, {"_n": "1", "n": "7"})
    ]
