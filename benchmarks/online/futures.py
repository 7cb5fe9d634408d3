"""What a living shop sells under a policy: futures that begin on the same morning."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rich.progress import track
from scipy.stats import spearmanr

from benchmarks.online.policies import Lists, Policy
from hemline.evaluation.metrics import average_precision
from hemline.simulation.living_customers import ClosedDay, OpenDay
from hemline.simulation.relived_shop import RelivedShop

Values = npt.NDArray[np.float64]
Watch = Callable[[OpenDay, Lists, ClosedDay], None]

_LENGTH = 12


@dataclass(frozen=True)
class Future:
    """What came of a policy.

    Attributes:
        spent: net revenue of every customer online, float of shape (customers,).
        visits: online visits of every customer.
        got: share of what was come for that was got.
        unliked: articles that were disliked, of all shown.
        shop: as it is afterwards.
    """

    spent: Values
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
    spent, visits = np.zeros((2, shop.world.size.n_customers))
    wanted = got = seen = unliked = 0
    for _ in track(range(n_days), name):
        opened = future.customers.open_day()
        lists = policy(future, opened)
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
    return Future(spent, visits, got / max(wanted, 1), unliked / max(seen, 1), future)


def bought_in(shop: RelivedShop, policy: Policy, n_days: int) -> dict[int, set[int]]:
    """Return what every customer buys, in stores and online, while a policy shows the lists."""
    bought: dict[int, set[int]] = {}

    def note(_: OpenDay, __: Lists, closed: ClosedDay) -> None:
        for sales in (closed.store, closed.online):
            for who, what in zip(sales.customer.tolist(), sales.article.tolist(), strict=True):
                bought.setdefault(who, set()).add(what)

    live_under(shop, policy, n_days, "the week of the offline measure", note)
    return bought


def offline_precision(
    shop: RelivedShop,
    list_for: Callable[[RelivedShop, int], npt.NDArray[np.int64]],
    bought: dict[int, set[int]],
) -> Values:
    """Return AP@12 of a policy's lists of the morning by customer; NaN for who bought nothing."""
    values = np.full(shop.world.size.n_customers, np.nan)
    for customer, articles in bought.items():
        listed = list_for(shop, customer)[:_LENGTH]
        hits = np.zeros((1, _LENGTH), np.bool_)
        hits[0, : len(listed)] = [one in articles for one in listed.tolist()]
        values[customer] = average_precision(hits, np.array([len(articles)]), _LENGTH)[0]
    return values


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
        offline: AP@12, of shape (policies, customers), NaN for who bought nothing.
        online: net revenue, of the same shape.
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
