"""A purchase over HTTP is in the next `dvc repro` exactly once; a return takes it back."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hemline import environment, tables
from tests.running_shop import RunningShop, running_shop
from tests.shop.tiny_registry import registry_project
from tests.tiny_project import copy_project, run

pytestmark = pytest.mark.slow  # five runs of dvc


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of which only the tables were made."""
    root = copy_project(tmp_path / "project")
    dvc(root, "repro", "acquire")
    return root


@pytest.fixture
def shop(project: Path, tmp_path: Path) -> Iterator[RunningShop]:
    """A shop that sells the first articles of the project, and writes to the project's events."""
    ids = pq.read_table(project / "data" / "tables" / "articles.parquet")["article_id"]
    root = registry_project(tmp_path / "shop", article_ids=ids.to_pylist()[:12])
    variables = {
        "MLFLOW_TRACKING_URI": f"sqlite:///{root}/.hemline/mlflow.db",
        "HEMLINE_SHOP_EVENTS": f"sqlite:{project}/.hemline/shop/events.db",
    }
    with running_shop(root, workers=1, variables=variables) as running:
        yield running


def dvc(root: Path, *arguments: str) -> None:
    run(root, sys.executable, "-m", "dvc", *arguments, env=variables_of(root))


def variables_of(root: Path) -> dict[str, str]:
    at = str(root / "src")
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, **environment.defaults(root), "PYTHONPATH": at, "PATH": programs}


def export(root: Path) -> str:
    command = "from hemline.cli import app; app(prog_name='hemline')"
    arguments = ("feedback", "export", "--close-today")
    return run(root, sys.executable, "-c", command, *arguments, env=variables_of(root))


def sold(root: Path) -> pa.Table:
    return pq.read_table(root / "data" / "tables" / "transactions.parquet")


def rows_of(root: Path, customer: int, article: int) -> int:
    rows = sold(root).to_pandas()
    return int(((rows["customer"] == customer) & (rows["article"] == article)).sum())


def test_a_posted_purchase_is_trained_on_once_and_a_return_takes_it_back(
    project: Path, shop: RunningShop
) -> None:
    customers = pq.read_table(project / "data" / "tables" / "customers.parquet")["customer_id"]
    anna, bought, returned, unliked, undone = customers[0].as_py(), 0, 1, 2, 3
    ids = pq.read_table(project / "data" / "tables" / "articles.parquet")["article_id"]

    def send(kind: str, article: int) -> None:
        event = {
            "key": uuid4().hex,
            "kind": kind,
            "customer_id": anna,
            "article_id": ids[article].as_py(),
        }
        for _ in range(2):  # as a client that did not see the answer
            assert httpx.post(f"{shop.address}/events", json=event, timeout=30).status_code == 201

    n_before = len(sold(project))
    pairs_before = [rows_of(project, 0, article) for article in range(4)]
    for kind, article in (
        ("purchase", bought), ("purchase", returned), ("return", returned),
        ("unlike", unliked), ("unlike", undone), ("undo", undone), ("view", bought),
    ):  # fmt: skip
        send(kind, article)
    assert "2020-09-23.parquet" in export(project)
    dvc(project, "repro", "acquire", "prepare")
    assert len(sold(project)) == n_before + 1
    assert [rows_of(project, 0, article) for article in range(4)] == [
        pairs_before[0] + 1,
        *pairs_before[1:],
    ]
    unlikes = pq.read_table(project / "data" / "tables" / "unlikes.parquet", schema=tables.UNLIKES)
    assert unlikes.select(["customer", "article"]).to_pylist() == [
        {"customer": 0, "article": unliked}
    ]
    once = sold(project)
    assert "No day is complete" in export(project)
    dvc(project, "repro", "acquire", "prepare")
    assert sold(project).equals(once)
    dvc(project, "repro", "--force", "acquire")
    assert sold(project).equals(once)
