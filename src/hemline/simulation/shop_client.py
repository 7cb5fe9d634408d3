"""A client of the shop's service, as any app would have one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

import httpx
import orjson

_SECONDS: Final = 120.0
_AT_ONCE: Final = 100  # events that the service takes in one request


class ShownList(NamedTuple):
    """What the service answered a customer.

    Attributes:
        articles: article_ids, the best first.
        version: of the model.
        arm: of the experiment that the customer is in.
        request_id: names the answer in events.
    """

    articles: tuple[str, ...]
    version: int
    arm: str
    request_id: str


class ShopClient:
    """Asks a service for lists and tells it what customers did."""

    def __init__(self, address: str) -> None:
        self._http = httpx.Client(base_url=address, timeout=_SECONDS, trust_env=False)

    def close(self) -> None:
        """End its connections."""
        self._http.close()

    def list_for(self, customer_id: str, length: int) -> ShownList:
        """Return the list of a customer's home page.

        Raises:
            httpx.HTTPError: the service cannot be reached or refuses.
        """
        answer = self._get(f"/recommendations/{customer_id}", {"k": length, "page": "home"})
        return ShownList(
            tuple(one["article_id"] for one in answer["articles"]),
            answer["version"],
            answer["arm"],
            answer["request_id"],
        )

    def record(self, events: Iterable[Mapping[str, Any]]) -> int:
        """Send events in their order, and return how many there were; sent again, they count once.

        Raises:
            httpx.HTTPError: as `list_for`.
        """
        sent = 0
        for batch in _batches(events):
            self._http.post(
                "/events",
                content=orjson.dumps(batch),
                headers={"content-type": "application/json"},
            ).raise_for_status()
            sent += len(batch)
        return sent

    def in_force(self) -> dict[str, Any]:
        """Return which version answers, and the experiments that run."""
        return self._get("/version")

    def _get(self, path: str, query: Mapping[str, Any] | None = None) -> dict[str, Any]:
        answer = self._http.get(path, params=query)
        answer.raise_for_status()
        content: dict[str, Any] = orjson.loads(answer.content)
        return content


def _batches(events: Iterable[Mapping[str, Any]]) -> Iterator[Sequence[Mapping[str, Any]]]:
    left = iter(events)
    while batch := list(islice(left, _AT_ONCE)):
        yield batch
