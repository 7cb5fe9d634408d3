"""What is in stock: filtered on request, read again when the file changes, refused when damaged."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from hemline.errors import BadInput
from hemline.shop.app import ShopSettings, create_app
from hemline.shop.stock import StockFile, stocked_ids
from tests.processes import eventually
from tests.serving.tiny_version import article_id, customer_id
from tests.shop.tiny_registry import registry_project

IDS = pa.array([article_id(key) for key in range(12)])
STOCK = "stock.csv"


def write(path: Path, *stocked: int, out: tuple[int, ...] = ()) -> None:
    """Write a csv file in which some articles have units and others none."""
    rows = [f"{article_id(key)},3" for key in stocked] + [f"{article_id(key)},0" for key in out]
    path.write_text("\n".join(["article_id,stock", *rows]) + "\n")


def in_stock(file: StockFile) -> list[int]:
    found = file.of(IDS)
    assert found is not None
    return [key for key, has_some in enumerate(found.tolist()) if has_some]


def test_an_article_without_units_and_one_that_is_not_named_are_out_of_stock(
    tmp_path: Path,
) -> None:
    write(tmp_path / STOCK, 1, 4, out=(2,))
    of_csv = StockFile(tmp_path / STOCK)
    assert of_csv.renew()
    assert in_stock(of_csv) == [1, 4]
    table = pa.table({"article_id": IDS[:3], "stock": pa.array([0, 7, None], pa.int32())})
    pq.write_table(table, tmp_path / "stock.parquet")
    of_parquet = StockFile(tmp_path / "stock.parquet")
    assert of_parquet.renew()
    assert in_stock(of_parquet) == [1]
    assert StockFile(None).of(IDS) is None


def test_a_changed_file_is_read_again_and_a_damaged_one_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / STOCK
    file = StockFile(path)
    assert not file.renew()
    assert "stock.csv" in str(file.problem)
    assert file.of(IDS) is None
    write(path, 1)
    assert file.renew()
    assert file.problem is None
    assert not file.renew()
    path.write_text("article,units\n1,2\n")
    assert not file.renew()
    assert "columns article_id and stock" in str(file.problem)
    assert in_stock(file) == [1]
    write(path, 1, 2)
    assert file.renew()
    assert in_stock(file) == [1, 2]
    assert file.problem is None


@pytest.mark.parametrize(
    "content", [b"", b"no table", b"article_id\n1\n", b"article_id,stock\n1,many\n"]
)
@pytest.mark.parametrize("name", ["stock.csv", "stock.parquet"])
def test_a_file_that_is_no_stock_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match="is a csv or parquet file with the columns"):
        stocked_ids(tmp_path / name)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[TestClient]:
    root = registry_project(tmp_path / "project", {"stock": STOCK})
    write(root / STOCK, *range(12))
    with TestClient(create_app(ShopSettings(root)), "http://127.0.0.1:8000") as client:
        yield client


def listed(shop: TestClient, **query: Any) -> set[str]:
    reply: httpx.Response = shop.get(f"/recommendations/{customer_id(10)}", params=query)
    assert reply.status_code == 200
    return {one["article_id"] for one in reply.json()["articles"]}


def test_a_running_shop_follows_its_stock(shop: TestClient, tmp_path: Path) -> None:
    path = tmp_path / "project" / STOCK
    every = listed(shop)
    [gone, *_] = sorted(every)
    assert listed(shop, in_stock=True) == every
    write(path, *(key for key in range(12) if article_id(key) != gone))
    assert eventually(lambda: gone not in listed(shop, in_stock=True), seconds=20)
    assert gone in listed(shop)
    beside = next(one for one in every if one != gone)
    similar = shop.get(f"/articles/{beside}/similar", params={"in_stock": True}).json()
    assert gone not in {one["article_id"] for one in similar["articles"]}
    path.write_text("damaged")
    assert eventually(lambda: shop.get("/health").json()["status"] == "degraded", seconds=20)
    assert "shop.stock is a csv" in shop.get("/health").json()["stock"]
    assert "hemline_shop_stock_failing 1.0" in shop.get("/metrics").text
    assert gone not in listed(shop, in_stock=True)
    write(path, *range(12))
    assert eventually(lambda: gone in listed(shop, in_stock=True), seconds=20)
    assert shop.get("/health").json()["status"] == "ok"
