"""What Prometheus may know of the shop: of all workers together, never of a single visitor.

With several workers each one writes its numbers to files in PROMETHEUS_MULTIPROC_DIR, and whichever
is queried adds them up. Counters of a worker that was killed stay in the sum.
"""

import os
from pathlib import Path
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_SECONDS: Final = (0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class ShopMetrics:
    """The metrics of one worker."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "hemline_shop_requests",
            "Requests by route and status.",
            ["route", "status"],
            registry=self._registry,
        )
        self.seconds = Histogram(
            "hemline_shop_request_seconds",
            "Time from the request to its answer.",
            ["route"],
            registry=self._registry,
            buckets=_SECONDS,
        )
        self.answers = Counter(
            "hemline_shop_answers",
            "Lists by version, arm and the model that gave the first article.",
            ["version", "arm", "model"],
            registry=self._registry,
        )
        self.fallbacks = Counter(
            "hemline_shop_fallbacks",
            "Lists that popularity gave because the served models failed.",
            registry=self._registry,
        )
        self.unremembered = Counter(
            "hemline_shop_unremembered",
            "Lists without the visitor's events, because a store was away.",
            registry=self._registry,
        )
        self.events = Counter(
            "hemline_shop_events", "Durable events by kind.", ["kind"], registry=self._registry
        )
        self.lost = Counter(
            "hemline_shop_events_refused",
            "Events that were refused because they could not be made durable.",
            registry=self._registry,
        )
        self.swaps = Counter(
            "hemline_shop_swaps", "Changes of the served version.", registry=self._registry
        )
        self.version = self._gauge("version", "The version that answers.")
        self.registry_failing = self._gauge(
            "registry_failing", "1 while the registry or the champion's files cannot be read."
        )
        self.stock_failing = self._gauge(
            "stock_failing", "1 while the file of the stock cannot be read."
        )
        self.store_failing = self._gauge(
            "store_failing", "1 while the events or the sessions cannot be read or written."
        )

    def as_text(self) -> bytes:
        """Return the metrics of all workers in Prometheus' format."""
        if FOLDER not in os.environ:
            return generate_latest(self._registry)
        every = CollectorRegistry()
        MultiProcessCollector(every)  # type: ignore[no-untyped-call]  # the library's own lack
        return generate_latest(every)

    def _gauge(self, name: str, description: str) -> Gauge:
        return Gauge(
            f"hemline_shop_{name}",
            description,
            registry=self._registry,
            multiprocess_mode="livemax",
        )


def remove_dead_workers() -> None:
    """Let the gauges of workers that no longer run count no more."""
    folder = os.environ.get(FOLDER)
    for path in Path(folder).glob("gauge_live*.db") if folder else ():
        process = int(path.stem.rpartition("_")[2])
        if not Path(f"/proc/{process}").exists():
            mark_process_dead(process, folder)  # type: ignore[no-untyped-call]  # as above
