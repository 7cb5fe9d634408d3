"""Validation judges tables without rows or values, and refuses damaged ones, without failing."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hemline import tables as schemas
from hemline.data.acquire.kaggle_files import find_sources
from hemline.data.acquire.typed_tables import read_tables, write_tables
from hemline.engine.engine import Engine
from hemline.errors import BadInput
from hemline.stages import validate as stage
from tests.tiny_project import REPOSITORY

NAMES = ("articles", "customers", "transactions", "article_keys", "customer_keys")


@pytest.fixture
def tables(kaggle: Path, on_duckdb: Engine) -> Path:
    """Return the folder of the typed tables of a flawless shop."""
    folder = kaggle.with_name("tables")
    write_tables(
        on_duckdb, read_tables(on_duckdb, find_sources(kaggle, keep_postal_code=False)), folder
    )
    return folder


def refusal_of(tables: Path) -> BadInput:
    with pytest.raises(BadInput) as refusal:
        stage.main(REPOSITORY / "params.yaml", tables, tables.with_name("report"))
    return refusal.value


def test_tables_without_rows_break_the_rule_of_a_smallest_number(tables: Path) -> None:
    for name in NAMES:
        path = tables / f"{name}.parquet"
        pq.write_table(pq.read_table(path).slice(0, 0), path)
    found = refusal_of(tables).found
    for name in ("articles", "customers", "transactions"):
        assert f"{name}.*: {name} has at least" in found
    assert (tables.with_name("report") / "index.html").is_file()


def test_columns_of_nulls_break_the_rules_about_missing_values(tables: Path) -> None:
    for name in ("articles", "customers", "transactions"):
        path = tables / f"{name}.parquet"
        rows = pq.read_table(path)
        keys = [key for key in ("article", "customer") if key in rows.column_names]
        kept = {key: rows[key] for key in keys}
        nulls = {
            field.name: pa.nulls(rows.num_rows, field.type)
            for field in rows.schema
            if field.name not in keys
        }
        pq.write_table(pa.table(kept | nulls).select(rows.column_names), path)
    found = refusal_of(tables).found
    for column in ("t_dat", "price", "sales_channel_id"):
        assert f"transactions.{column}: {column} is missing in no row: 23 at fault" in found


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def without_a_column(path: Path) -> None:
    pq.write_table(pq.read_table(path).drop_columns(pq.read_schema(path).names[-1]), path)


@pytest.mark.parametrize("break_it", [cut_off, without_a_column])
@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_table_is_refused_by_name_and_with_the_way_back(
    tables: Path, name: str, break_it: Callable[[Path], None]
) -> None:
    path = tables / f"{name}.parquet"
    break_it(path)
    refusal = refusal_of(tables)
    assert path.name in refusal.rule
    assert "dvc repro" in refusal.fix
    with pytest.raises(BadInput, match=path.name):
        schemas.read_table(path, getattr(schemas, name.upper()))
