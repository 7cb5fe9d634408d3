"""Reading the raw tables of a folder without an engine, for tests of what is read and refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest

from hemline.data.acquire.kaggle_files import check_header, find_sources, read_blocks
from hemline.errors import BadInput

NAMES: Final = ("articles", "customers", "transactions_train")
_TEXT: Final = {"article_id": pa.string(), "product_code": pa.string(), "t_dat": pa.date32()}


def read_raw(folder: Path) -> dict[str, pa.Table]:
    """Return the raw tables by name."""
    sources = find_sources(folder, keep_postal_code=False)
    for source in sources.values():
        check_header(source)
    return {name: pa.Table.from_batches(read_blocks(one)) for name, one in sources.items()}


def refusal_of(folder: Path) -> BadInput:
    """Return the refusal that reading the folder ends in."""
    with pytest.raises(BadInput) as refusal:
        read_raw(folder)
    return refusal.value


def assert_refused(folder: Path, rule: str, found: str, fix: str) -> None:
    """Check the parts of the refusal that reading the folder ends in."""
    refusal = refusal_of(folder)
    assert rule in refusal.rule
    assert found in refusal.found
    assert fix in refusal.fix


def store_as_parquet(folder: Path) -> None:
    """Put one parquet file in place of each csv file."""
    options = arrow_csv.ConvertOptions(column_types=_TEXT, strings_can_be_null=True)
    for name in NAMES:
        rows = arrow_csv.read_csv(folder / f"{name}.csv", convert_options=options)
        pq.write_table(rows, folder / f"{name}.parquet")
        (folder / f"{name}.csv").unlink()


def change_column(path: Path, name: str, change: Callable[[pa.ChunkedArray], pa.Array]) -> None:
    """Replace a column of a parquet file."""
    rows = pq.read_table(path)
    place = rows.schema.get_field_index(name)
    pq.write_table(rows.set_column(place, name, change(rows[name])), path)
