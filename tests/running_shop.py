"""The shop as processes, and a second version of the trained project to change to."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.processes import HOST, descendants, eventually, free_ports
from tests.tiny_project import REPOSITORY


@dataclass(frozen=True)
class RunningShop:
    """A shop that answers: its address, its supervisor, and its project."""

    address: str
    process: subprocess.Popen[bytes]
    root: Path

    def workers(self) -> list[int]:
        """The processes that answer."""
        found = [p for p in descendants(self.process.pid) if "spawn_main" in command_of(p)]
        return sorted(found)


@contextmanager
def running_shop(
    root: Path, *, workers: int = 2, variables: Mapping[str, str] | None = None
) -> Iterator[RunningShop]:
    """A shop of a project, with an empty event log of its own unless the variables name one."""
    [port] = free_ports(1)
    environment = {
        **os.environ,
        "HEMLINE_SHOP_EVENTS": f"sqlite:.hemline/shop/events-{port}.db",
        "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'src'}",
        **(variables or {}),
    }
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "hemline.shop.shop_server", "--port", str(port)),
            *("--workers", str(workers)),
        ],
        cwd=root,
        env=environment,
    )
    shop = RunningShop(f"http://{HOST}:{port}", process, root)
    try:
        assert eventually(
            lambda: answers(shop, "/ready") and all_answer(shop, workers), seconds=180
        )
        yield shop
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def answers(shop: RunningShop, path: str) -> bool:
    assert shop.process.poll() is None, "the shop has ended"
    try:
        return httpx.get(shop.address + path, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def all_answer(shop: RunningShop, workers: int) -> bool:
    """Whether all workers have a version to answer with: each says so in its metrics."""
    folder = shop.root / ".hemline" / "shop" / f"metrics-{shop.address.rpartition(':')[2]}"
    ready = {path.stem.rpartition("_")[2] for path in folder.glob("counter_*.db")}
    asked = {str(worker) for worker in shop.workers()}
    return len(asked) == workers and asked <= ready


def command_of(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return ""


def copied_registry(root: Path, copy: Path) -> Path:
    """A copy of a project's registry, in which version 2 has the files of version 1.

    What other tests have registered meanwhile is not in it.
    """
    source = root / ".hemline" / "mlflow.db"
    with closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(copy)) as registry:
        original.backup(registry)
        registry.execute("UPDATE registered_model_aliases SET version = 1")
        for table in ("model_versions", "model_version_tags"):
            registry.execute(f"DELETE FROM {table} WHERE version <> 1")  # noqa: S608  (names of ours)
            names = [row[1] for row in registry.execute(f"PRAGMA table_info({table})")]
            chosen = ", ".join("2" if name == "version" else name for name in names)
            registry.execute(
                f"INSERT INTO {table} SELECT {chosen} FROM {table} WHERE version = 1"  # noqa: S608
            )
        registry.commit()
    return copy


def set_alias(registry: Path, alias: str, version: int) -> None:
    """Point an alias of a copied registry to a version."""
    with closing(sqlite3.connect(registry, timeout=30)) as database:
        database.execute(
            "UPDATE registered_model_aliases SET version = ? WHERE alias = ?", (version, alias)
        )
        database.commit()
