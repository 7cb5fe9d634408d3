"""The requests of the shop's benchmark, and what came of them as rows."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import uuid4

import numpy as np
import orjson

from benchmarks.record import Row
from benchmarks.shop.open_load import Answered, Request

_FAILED: Final = 400


def mixed_requests(
    n: int,
    mix: Mapping[str, float],
    customer_ids: Sequence[str],
    article_ids: Sequence[str],
    rng: np.random.Generator,
) -> list[Request]:
    """Return n requests of the kinds of a mix, for customers and articles drawn evenly."""
    kinds = rng.choice(list(mix), n, p=list(mix.values()))
    customers = rng.integers(len(customer_ids), size=n)
    articles = rng.integers(len(article_ids), size=n)
    return [
        _request(kind, customer_ids[customer], article_ids[article])
        for kind, customer, article in zip(kinds, customers, articles, strict=True)
    ]


def latency_rows(case: str, answered: Sequence[Answered]) -> list[Row]:
    """Return p50, p99, the slowest and the number of failures, of each kind and of all."""
    rows = []
    for kind in ("all", *sorted({one.kind for one in answered})):
        chosen = [one for one in answered if kind in {"all", one.kind}]
        times = [one.seconds * 1000 for one in chosen]
        failed = sum(not 0 < one.status < _FAILED for one in chosen)
        for metric, value in (
            ("ms p50", np.percentile(times, 50)),
            ("ms p99", np.percentile(times, 99)),
            ("ms max", max(times)),
            ("requests", len(chosen)),
            ("failed", failed),
        ):
            rows.append(Row(case, kind, metric, float(value), None))
    return rows


def _request(kind: str, customer_id: str, article_id: str) -> Request:
    if kind == "recommend":
        return Request(kind, f"/recommendations/{customer_id}")
    if kind == "similar":
        return Request(kind, f"/articles/{article_id}/similar")
    event = {
        "key": uuid4().hex,
        "kind": "view",
        "customer_id": customer_id,
        "article_id": article_id,
    }
    return Request(kind, "/events", orjson.dumps(event))
