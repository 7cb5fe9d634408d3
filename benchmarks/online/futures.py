"""What a living shop sells under a policy: futures that begin on the same morning."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from rich.progress import track
from scipy.stats import spearmanr

from benchmarks.online.policies import ListFor, Lists, Policy
from hemline.evaluation.metrics import average_precision
from hemline.simulation.living_customers import ClosedDay, OpenDay
from hemline.simulation.relived_shop import RelivedShop

Values = npt.NDArray[np.float64]
Watch = Callable[[OpenDay, Lists, ClosedDay], None]

MEASURES: Final = ("MAP@12 offline", "MAP@12 offline, online only", "paid for what is listed")
CUSTOMERS: Final = 1000
"""That revenue, what lists add and visits are given for."""

_LENGTH: Final = 12


@dataclass(frozen=True)
class Future:
    """What came of a policy.

    Attributes:
        spent: net revenue of every customer online, float of shape (customers,).
        added: what the lists added to it, in expectation (LivingCustomers.added_revenue).
        visits: online visits of every customer.
        got: share of what was come for that was got.
        unliked: articles that were disliked, of all shown.
        shop: as it is afterwards.
    """

    spent: Values
    added: Values
    visits: Values
    got: float
    unliked: float
    shop: RelivedShop


def live_under(
    shop: RelivedShop, policy: Policy, n_days: int, name: str, watch: Watch | None = None
) -> Future:
    """Let a fork of a shop live under a policy.

    Args:
        shop: on the morning; it stays as it is.
        policy: what lists are shown.
        n_days: how long.
        name: shown while it runs.
        watch: called with every day, its lists and what came of them.
    """
    future = shop.fork()
    spent, added, visits = np.zeros((3, shop.world.size.n_customers))
    wanted = got = seen = unliked = 0
    for _ in track(range(n_days), name):
        opened = future.customers.open_day()
        lists = policy(future, opened)
        for customer, value in future.customers.added_revenue(opened, {name: lists})[name].items():
            added[customer] += value
        closed = future.close_day(opened, lists)
        np.add.at(spent, closed.online.customer, closed.online.price)
        for back in closed.returned:
            spent[back.customer] -= back.price * back.units
        for customer, reaction in closed.reactions.items():
            visits[customer] += 1
            n_got = len(reaction.picked) + len(reaction.searched)
            got += n_got
            wanted += n_got + len(reaction.missed)
            seen += reaction.n_seen
            unliked += len(reaction.unliked)
        if watch is not None:
            watch(opened, lists, closed)
    return Future(spent, added, visits, got / max(wanted, 1), unliked / max(seen, 1), future)


@dataclass(frozen=True)
class BoughtWeek:
    """What customers bought in a week, by customer and article.

    Attributes:
        everywhere: what was paid for it in stores and online.
        online: what was paid for it online.
    """

    everywhere: Mapping[int, Mapping[int, float]]
    online: Mapping[int, Mapping[int, float]]


def bought_in(shop: RelivedShop, policy: Policy, n_days: int) -> BoughtWeek:
    """Return what every customer buys while a policy shows the lists."""
    everywhere: dict[int, dict[int, float]] = {}
    online: dict[int, dict[int, float]] = {}

    def note(_: OpenDay, __: Lists, closed: ClosedDay) -> None:
        for sales, parts in ((closed.store, (everywhere,)), (closed.online, (everywhere, online))):
            for who, what, price in zip(
                sales.customer.tolist(), sales.article.tolist(), sales.price.tolist(), strict=True
            ):
                for each in parts:
                    paid = each.setdefault(who, {})
                    paid[what] = paid.get(what, 0.0) + price

    live_under(shop, policy, n_days, "the week of the offline measures", note)
    return BoughtWeek(everywhere, online)


def offline_measures(
    shop: RelivedShop, list_for: ListFor, bought: BoughtWeek
) -> dict[str, npt.NDArray[np.float64]]:
    """Return what a policy's lists of the morning score on a week, by measure and customer.

    Returns:
        Of shape (customers,), NaN for who bought nothing: MAP@12 on what was bought in stores and
        online, MAP@12 on what was bought online, and what was paid online for what is in the list.
    """
    everywhere, online, paid = np.full((3, shop.world.size.n_customers), np.nan)
    for customer, articles in bought.everywhere.items():
        listed = list_for(shop, customer)[:_LENGTH].tolist()
        everywhere[customer] = _precision(listed, articles)
        if customer in bought.online:
            ordered = bought.online[customer]
            online[customer] = _precision(listed, ordered)
            paid[customer] = sum(ordered.get(article, 0.0) for article in listed)
    return dict(zip(MEASURES, (everywhere, online, paid), strict=True))


def _precision(listed: Sequence[int], bought: Mapping[int, float]) -> float:
    hits = np.zeros((1, _LENGTH), np.bool_)
    hits[0, : len(listed)] = [article in bought for article in listed]
    return float(average_precision(hits, np.array([len(bought)]), _LENGTH)[0])


def rank_correlation(first: Values, second: Values) -> float:
    """Return Spearman's correlation of two rows of numbers; 0 where one has no order."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(spearmanr(first, second).statistic)


def correlation_interval(
    offline: Values, online: Values, rng: np.random.Generator, samples: int
) -> tuple[float, float, float]:
    """Return the rank correlation of the policies' means, and its 95 % interval.

    Args:
        offline: a measure of shape (policies, customers), NaN for who bought nothing.
        online: what came of it, of the same shape.
        rng: draws customers.
        samples: of the bootstrap.
    """

    def correlation(weights: Values) -> float:
        known = ~np.isnan(offline[0])
        by_precision = np.nan_to_num(offline) @ weights / (known @ weights)
        return rank_correlation(by_precision, online @ weights)

    n_customers = online.shape[1]
    drawn = [correlation(rng.standard_exponential((n_customers,))) for _ in range(samples)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return correlation(np.ones(n_customers)), float(low), float(high)
