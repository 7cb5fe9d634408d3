"""What customers did, as events that the service takes; every event has a key of its own."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from hemline.data.synthetic.shop_days import Sales
from hemline.simulation.living_customers import ReturnedUnits
from hemline.simulation.reactions import Reaction
from hemline.simulation.shop_client import ShownList

Event = Mapping[str, Any]


class EventTeller:
    """Writes events of customers and articles by their rows.

    Args:
        customer_ids: by row.
        article_ids: by row.
    """

    def __init__(self, customer_ids: Sequence[str], article_ids: Sequence[str]) -> None:
        self._customers = customer_ids
        self._articles = article_ids

    def returns(self, today: date, returned: Sequence[ReturnedUnits]) -> Iterator[Event]:
        """Yield what is sent back on a day."""
        for one in returned:
            yield {
                **self._named("return", today, one.customer, one.article),
                "units": one.units,
                "price": one.price,
            }

    def visits(
        self,
        today: date,
        reactions: Mapping[int, Reaction],
        shown: Mapping[int, ShownList],
        sold: Sales,
    ) -> Iterator[Event]:
        """Yield what was seen, disliked and bought on the visits of a day, visit by visit."""
        starts = np.searchsorted(sold.customer, np.fromiter(reactions, np.int64))
        for start, (customer, reaction) in zip(starts.tolist(), reactions.items(), strict=True):
            answer = shown[customer]
            for place, article_id in enumerate(answer.articles[: reaction.n_seen]):
                yield {
                    "key": _key("impression", today, customer, place),
                    "kind": "impression",
                    "article_id": article_id,
                    "customer_id": self._customers[customer],
                    "context": {
                        "page": "home",
                        "position": place + 1,
                        "request_id": answer.request_id,
                    },
                }
            for article in reaction.unliked:
                yield self._named("unlike", today, customer, article)
            yield from self._purchases(today, customer, sold, start)

    def _purchases(self, today: date, customer: int, sold: Sales, start: int) -> Iterator[Event]:
        end = start + int(np.searchsorted(sold.customer[start:], customer, side="right"))
        articles, first, units = np.unique(
            sold.article[start:end], return_index=True, return_counts=True
        )
        for article, row, n in zip(articles.tolist(), first.tolist(), units.tolist(), strict=True):
            yield {
                **self._named("purchase", today, customer, article),
                "units": n,
                "price": float(sold.price[start + row]),
            }

    def _named(self, kind: str, today: date, customer: int, article: int) -> dict[str, Any]:
        return {
            "key": _key(kind, today, customer, article),
            "kind": kind,
            "article_id": self._articles[article],
            "customer_id": self._customers[customer],
        }


def _key(kind: str, today: date, customer: int, number: int) -> str:
    return f"{kind}:{today}:{customer}:{number}"
