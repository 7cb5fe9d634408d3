"""Changes of champion while requests come in: how many fail, and is each answer of one version?

Promotions and rollbacks are made as `hemline promote` and `hemline rollback` make them, in a thread
beside the requests. The two versions list other articles, so an answer that mixed them, or named
the other one, would be noticed.
"""

import re
import time
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

import numpy as np
import orjson

from benchmarks.record import Row
from benchmarks.shop.open_load import Request, send_at_rate

_FAILED: Final = 400
_SWAPS: Final = re.compile(r"(?m)^hemline_shop_swaps_total (\S+)$")
Lists = Mapping[int, Mapping[str, list[str]]]
"""Article ids by version and customer."""


@dataclass
class Compared:
    """What the answers showed.

    Attributes:
        lists: what they are compared with.
        versions: of each answer.
        n_wrong: answers that are not the list of the version that they name.
    """

    lists: Lists
    versions: list[int] = field(default_factory=list)
    n_wrong: int = 0

    def look(self, request: Request, body: bytes) -> None:
        """Compare an answer; a refusal is counted by its status."""
        content = orjson.loads(body)
        if "articles" not in content:
            return
        version = content["version"]
        listed = [one["article_id"] for one in content["articles"]]
        self.versions.append(version)
        self.n_wrong += listed != self.lists[version][request.path.rpartition("/")[2]]


def swap_rows(
    case: str,
    address: str,
    lists: Lists,
    *,
    n_swaps: int,
    seconds: int,
    rate: float,
    rng: np.random.Generator,
) -> list[Row]:
    """Change the champion n times within so many seconds, under load, and return what was seen.

    Args:
        case: name of the table.
        address: of the shop, whose champion is the version with the lower number.
        lists: what each of two versions lists for each customer.
        n_swaps: promotions and rollbacks together.
        seconds: that the load lasts; the last change comes 4 seconds before its end.
        rate: requests a second.
        rng: draws the customers.
    """
    customer_ids = list(next(iter(lists.values())))
    requests = [
        Request("recommend", f"/recommendations/{one}")
        for one in rng.choice(customer_ids, int(seconds * rate)).tolist()
    ]
    compared, before = Compared(lists), _swaps(address)
    with ThreadPoolExecutor(1) as beside:
        changes = beside.submit(_change, max(lists), n_swaps, (seconds - 4) / n_swaps)
        answered = send_at_rate(address, requests, rate, compared.look)
        n_changed = changes.result()
    failed = sum(not 0 < one.status < _FAILED for one in answered)
    slowest = max(one.seconds for one in answered) * 1000
    differing = np.mean([len({*map(tuple, each)}) > 1 for each in _by_customer(lists)])
    changes_seen = sum(one != other for one, other in pairwise(compared.versions))
    values: dict[str, float] = {
        "swaps": n_changed,
        "seen by the workers": _swaps(address) - before,
        "changes between answers": changes_seen,
        "requests": len(answered),
        "failed": failed,
        "not one version's list": compared.n_wrong,
        "% of lists differ": 100 * float(differing),
        "ms max": slowest,
    }
    return [Row(case, "promotion and rollback", name, float(one), None)
            for name, one in values.items()]  # fmt: skip


def _by_customer(lists: Lists) -> Sequence[Sequence[list[str]]]:
    return [[of[one] for of in lists.values()] for one in next(iter(lists.values()))]


def _change(number: int, n_swaps: int, pause: float) -> int:
    """Promote a version and roll it back in turn; return how many changes the registry has made."""
    from hemline.registry.champions import promote, roll_back  # noqa: PLC0415  (imports MLflow)

    begin, versions = time.monotonic(), []
    for swap in range(n_swaps):
        time.sleep(max(0.0, begin + (swap + 1) * pause - time.monotonic()))
        reason, at = f"endurance {swap}", datetime.now(UTC)
        change = roll_back(reason=reason, at=at) if swap % 2 else promote(
            str(number), reason=reason, at=at
        )  # fmt: skip
        versions.append(change.version)
    return sum(one != other for one, other in zip(versions, ["", *versions], strict=False))


def _swaps(address: str) -> float:
    with urllib.request.urlopen(f"{address}/metrics", timeout=30) as reply:  # noqa: S310  (our own)
        found = _SWAPS.search(reply.read().decode())
    return float(found[1]) if found else 0.0
