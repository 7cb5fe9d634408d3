"""Which shops of a project run, where, and what visitors do: for who looks at it from outside.

A running shop has a file beside its metrics, `.hemline/shop/running-<port>.json`, and removes it
when it ends. One that was killed leaves its file behind, so a reader compares the process too. The
counts are those of the metrics that all workers share, so they are the same whichever store holds
the events, and need no key; they begin with the start of the shop.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import orjson
import psutil

from hemline.files import write_text

_EVERY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104  (compared, not bound)


@dataclass(frozen=True)
class RunningShop:
    """A shop that runs.

    Attributes:
        address: where this machine reaches it, with scheme and port.
        metrics: folder of the numbers that its workers share.
        started: when, in UTC.
    """

    address: str
    metrics: Path
    started: datetime


@dataclass(frozen=True)
class ShopTraffic:
    """What was requested of a shop since it started.

    Attributes:
        requests: answered requests.
        failed: those with a status of 500 or above.
        events: durable events by kind.
    """

    requests: int
    failed: int
    events: dict[str, int]


def metrics_folder(root: Path, port: int) -> Path:
    """Return the folder in which the workers of a shop share their numbers."""
    return root / ".hemline" / "shop" / f"metrics-{port}"


@contextmanager
def announced(root: Path, host: str, port: int) -> Iterator[None]:
    """Let others find the shop that this process runs, until the body ends."""
    own = psutil.Process()
    name = _EVERY_ADDRESS.get(host, f"[{host}]" if ":" in host else host)
    about = {
        "address": f"http://{name}:{port}",
        "metrics": str(metrics_folder(root, port)),
        "process": own.pid,
        "started": own.create_time(),
    }
    file = _folder(root) / f"running-{port}.json"
    write_text(file, orjson.dumps(about).decode())
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def running_shops(root: Path) -> list[RunningShop]:
    """Return the shops of a project that run now, the latest first.

    Raises:
        ValueError: a file that names one is damaged.
    """
    stored = [orjson.loads(file.read_bytes()) for file in _folder(root).glob("running-*.json")]
    running = [one for one in stored if _runs(one["process"], one["started"])]
    return [
        RunningShop(
            one["address"], Path(one["metrics"]), datetime.fromtimestamp(one["started"], UTC)
        )
        for one in sorted(running, key=lambda one: -one["started"])
    ]


def traffic_of(shop: RunningShop) -> ShopTraffic:
    """Return what was requested of a running shop since it started."""
    from prometheus_client import CollectorRegistry  # noqa: PLC0415  (only who looks needs it)
    from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415  (as above)

    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(shop.metrics))  # type: ignore[no-untyped-call]  # its own lack
    requests: Counter[str] = Counter()
    events: dict[str, int] = {}
    for family in registry.collect():
        for sample in family.samples:
            if sample.name == "hemline_shop_requests_total":
                requests[sample.labels["status"]] += int(sample.value)
            elif sample.name == "hemline_shop_events_total":
                events[sample.labels["kind"]] = int(sample.value)
    failed = sum(n for status, n in requests.items() if status.startswith("5"))
    return ShopTraffic(requests.total(), failed, events)


def _folder(root: Path) -> Path:
    return root / ".hemline" / "shop"


def _runs(process: int, started: float) -> bool:
    """Return whether a process is the one that started then; its number may be another's now."""
    try:
        return os.getpid() == process or psutil.Process(process).create_time() == started
    except psutil.NoSuchProcess:
        return False
