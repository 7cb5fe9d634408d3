"""A running shop of twelve articles, some of which have names that would act in a page."""

import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
import uvicorn
from fastapi import FastAPI

from hemline.serving.layout import laid_out
from hemline.shop.app import ShopSettings, create_app
from tests.processes import eventually, free_ports
from tests.serving.tiny_version import registered, write_version
from tests.tiny_project import REPOSITORY

ACTING: Final = '<img src=x onerror="window.acted=1"><script>window.acted=1</script>'
KNOWN: Final = "00" * 32
"""A customer who bought articles."""

_TYPES: Final = ("Dress", "T-shirt", "Trousers", "Bra", "Sneakers", "Other accessories")
_NO_VERSIONS: Final = """
CREATE TABLE registered_model_aliases (name TEXT, alias TEXT, version INT);
CREATE TABLE model_versions
  (name TEXT, version INT, run_id TEXT, storage_location TEXT, source TEXT);
CREATE TABLE model_version_tags (name TEXT, version INT, key TEXT, value TEXT);
"""


@dataclass(frozen=True)
class TinyShop:
    """A shop that runs, and where."""

    root: Path
    app: FastAPI
    address: str


def tiny_project(root: Path) -> Path:
    """Write a project whose shop answers from a version that the registry has no longer."""
    version = root / "version"
    version.mkdir(parents=True)
    files = write_version(version)
    articles = pq.read_table(files.articles)
    n = len(articles)
    for name, texts in (
        ("prod_name", [f"Model {key}" if key % 3 else ACTING for key in range(n)]),
        ("product_type_name", [_TYPES[key % 6] for key in range(n)]),
        ("detail_desc", [ACTING] * n),
    ):
        place = articles.column_names.index(name)
        articles = articles.set_column(place, articles.field(name), pa.array(texts))
    pq.write_table(articles, files.articles)
    state = root / ".hemline"
    layout = laid_out(files, registered(files), state / "serving")
    (state / "shop").mkdir()
    last_good = {"version": 3, "layout": str(layout)}
    (state / "shop" / "last_good.json").write_text(json.dumps(last_good), encoding="utf-8")
    with closing(sqlite3.connect(state / "mlflow.db")) as registry:
        registry.executescript(_NO_VERSIONS)
    shutil.copy(REPOSITORY / "params.yaml", root)
    return root


@contextmanager
def running_tiny_shop(root: Path) -> Iterator[TinyShop]:
    """Run the shop in a thread of this process."""
    [port] = free_ports(1)
    app = create_app(ShopSettings(root))
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert eventually(lambda: server.started or not thread.is_alive(), seconds=120)
        assert server.started
        yield TinyShop(root, app, f"http://127.0.0.1:{port}")
    finally:
        server.should_exit = True
        thread.join(30)
