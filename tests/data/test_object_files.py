"""Files of object stores give the bytes of the csv: by arrow's client and by fsspec's."""

import os
from pathlib import Path

import fsspec
import pandas as pd
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from hemline.data.acquire.source_params import SourceParams
from hemline.data.fetch.fetched_tables import fetch
from hemline.engine.engine import Engine
from hemline.errors import BadInput
from tests.data.small_shop import Description, acquire, description, lines, write_csv


def by_url(url: str) -> Description:
    described = description()
    columns = described["transactions"]["columns"]
    described["transactions"] = {"url": url, "columns": columns}
    return described


def fetched(engine: Engine, folder: Path, url: str) -> dict[str, bytes]:
    list(fetch(SourceParams.model_validate(by_url(url)), folder))
    return acquire(engine, folder, by_url(url))


def put_in_memory(folder: Path, name: str) -> str:
    """Copy a folder into fsspec's store in memory and return its URL."""
    store = fsspec.filesystem("memory")
    store.put(str(folder), f"/{name}", recursive=True)
    return f"memory://{name}"


def test_a_csv_of_a_store_keeps_its_ending_and_its_dialect(
    on_duckdb: Engine, known: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "there").mkdir()
    write_csv(tmp_path / "there" / "week 1.csv", lines(), delimiter=";")
    url = put_in_memory(tmp_path / "there", "csv")
    described = by_url(f"{url}/week 1.csv")
    described["transactions"]["delimiter"] = ";"
    folder = tmp_path / "source"
    (said,) = fetch(SourceParams.model_validate(described), folder)
    n_bytes = (folder / "fetched" / "transactions.csv").stat().st_size
    assert said == f"transactions: 1 files, {n_bytes:,} bytes from memory://csv/week 1.csv"
    assert acquire(on_duckdb, folder, described) == known


def test_a_partitioned_folder_of_a_store_is_copied_whole(
    on_duckdb: Engine, known: dict[str, bytes], tmp_path: Path
) -> None:
    pd.DataFrame(lines()).to_parquet(tmp_path / "there", partition_cols=["SKU", "Qty"])
    (tmp_path / "there" / "_SUCCESS").touch()
    assert fetched(on_duckdb, tmp_path / "a", put_in_memory(tmp_path / "there", "p")) == known
    assert fetched(on_duckdb, tmp_path / "b", (tmp_path / "there").as_uri()) == known


def test_a_delta_table_of_a_store_is_read_as_its_log_says(
    on_duckdb: Engine, known: dict[str, bytes], tmp_path: Path
) -> None:
    rows = pa.Table.from_pandas(pd.DataFrame(lines()), preserve_index=False)
    write_deltalake(tmp_path / "there", rows)
    write_deltalake(
        tmp_path / "there", rows.set_column(4, "Qty", pa.array([99] * 24)), mode="append"
    )
    DeltaTable(tmp_path / "there").delete('"Qty" = 99')
    assert fetched(on_duckdb, tmp_path / "a", put_in_memory(tmp_path / "there", "d")) == known


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("memory://nowhere/sales", "nothing at memory://nowhere/sales"),
        ("file:///nowhere/sales.csv", "nothing at file:///nowhere/sales.csv"),
        ("az://container/sales.csv", "adlfs"),
        ("s3://Not_a_bucket/../x y", "source.transactions.url"),
    ],
)
def test_what_is_not_there_is_refused(tmp_path: Path, url: str, found: str) -> None:
    with pytest.raises(BadInput) as refusal:
        list(fetch(SourceParams.model_validate(by_url(url)), tmp_path))
    assert found in str(refusal.value)
    assert not (tmp_path / "fetched").exists()


@pytest.mark.skipif(
    "HEMLINE_TEST_S3" not in os.environ,
    reason="no S3: set HEMLINE_TEST_S3 to the URL of a folder that may be written, such as of moto",
)
def test_s3_gives_the_bytes_of_the_csv(
    on_duckdb: Engine, known: dict[str, bytes], tmp_path: Path
) -> None:
    from pyarrow import fs  # noqa: PLC0415  (only for this test)

    url = os.environ["HEMLINE_TEST_S3"]
    store, path = fs.FileSystem.from_uri(url)
    pd.DataFrame(lines()).to_parquet(tmp_path / "there", partition_cols=["SKU"])
    fs.copy_files(str(tmp_path / "there"), path, destination_filesystem=store)
    assert fetched(on_duckdb, tmp_path / "a", url) == known
