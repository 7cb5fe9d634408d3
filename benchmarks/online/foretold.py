"""What can be known of policies before all customers see them: interleaving and exploration slots.

Both run on the same customers as the futures: interleaved lists of the champion and another policy,
and the champion's lists with places that are drawn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.online.futures import live_under
from benchmarks.online.policies import ListFor, Lists
from hemline.experiments.exploration_slots import Draw, explore, slot_probabilities
from hemline.experiments.interleaving import Interleaved, InterleavingResult, interleave, preference
from hemline.experiments.off_policy import LoggedDecisions, OffPolicyEstimate, snips
from hemline.simulation.living_customers import ClosedDay, OpenDay
from hemline.simulation.relived_shop import RelivedShop

IntArray = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

LENGTH: Final = 12
SLOTS: Final = (1, 3)  # places that are drawn, from 0
N_CANDIDATES: Final = 10
TEMPERATURE: Final = 4.0
_INTERLEAVED, _EXPLORED = 1, 2  # random streams


def interleaved(
    shop: RelivedShop, control: ListFor, treatment: ListFor, n_days: int, name: str
) -> InterleavingResult:
    """Return whom customers preferred who saw lists of both."""
    shown: dict[int, Interleaved] = {}
    credited: dict[int, float] = {}

    def policy(future: RelivedShop, opened: OpenDay) -> Lists:
        shown.clear()
        for customer in opened.online:
            rng = np.random.default_rng([_INTERLEAVED, opened.begun.day, customer])
            shown[customer] = interleave(
                control(future, customer).tolist(),
                treatment(future, customer).tolist(),
                LENGTH,
                rng,
            )
        return {who: np.array(each.articles, np.int64) for who, each in shown.items()}

    def watch(_: OpenDay, __: Lists, closed: ClosedDay) -> None:
        for customer, reaction in closed.reactions.items():
            credit = shown[customer].credit(reaction.picked + reaction.discovered)
            credited[customer] = credited.get(customer, 0.0) + credit

    live_under(shop, policy, n_days, f"interleaved: {name}", watch)
    return preference(np.array(list(credited.values())))


@dataclass
class DrawnSlots:
    """Decisions of exploration slots.

    Attributes:
        customers: of each decision.
        candidates: articles of each, best first for the champion.
        chosen: index of the drawn one.
        rewards: 1 where it was bought and kept.
        orders: by policy, the candidates of each decision as the policy would order them.
        opinions: of the policies on the drawn candidate, see `opinions`.
    """

    customers: list[int] = field(default_factory=list)
    candidates: list[tuple[int, ...]] = field(default_factory=list)
    chosen: list[int] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    orders: dict[str, list[IntArray]] = field(default_factory=dict)
    opinions: list[Values] = field(default_factory=list)

    def decisions(self) -> LoggedDecisions:
        """Return the log as the estimators read it."""
        probabilities = slot_probabilities(N_CANDIDATES, TEMPERATURE)
        return LoggedDecisions(
            np.array(self.customers, np.int64),
            np.array(self.chosen, np.int64),
            np.tile(probabilities, (len(self.customers), 1)),
            np.array(self.rewards),
        )


class _Explorer:
    """Shows the champion's lists with drawn places, and logs what is drawn and bought."""

    def __init__(self, champion: ListFor, others: Mapping[str, ListFor]) -> None:
        self.log = DrawnSlots(orders={name: [] for name in others})
        self._champion = champion
        self._others = others
        self._drawn: dict[int, tuple[Draw, ...]] = {}
        self._open: dict[tuple[int, int], list[int]] = {}

    def show(self, future: RelivedShop, opened: OpenDay) -> Lists:
        """Return the lists of a day."""
        self._drawn = {}
        return {
            customer: self._list(future, opened.begun.day, customer) for customer in opened.online
        }

    def _list(self, future: RelivedShop, day: int, customer: int) -> IntArray:
        rng = np.random.default_rng([_EXPLORED, day, customer])
        found = explore(
            self._champion(future, customer).tolist(),
            slots=SLOTS,
            n_candidates=N_CANDIDATES,
            temperature=TEMPERATURE,
            draw=lambda _: float(rng.random()),
        )
        whole = tuple(one for one in found.drawn if len(one.candidates) == N_CANDIDATES)
        self._drawn[customer] = whole
        rankings = [each(future, customer) for each in self._others.values()] if whole else []
        for one in whole:
            views = opinions(np.array(one.candidates, np.int64), rankings)
            for name, view in zip(self._others, views.T, strict=True):
                self.log.orders[name].append(np.argsort(-view, kind="stable"))
            self.log.opinions.append(views[one.chosen])
        return np.array(found.articles[:LENGTH], np.int64)

    def note(self, _: OpenDay, __: Lists, closed: ClosedDay) -> None:
        """Log what came of the lists of a day; what is sent back later earned nothing."""
        for back in closed.returned:
            for row in self._open.get((back.customer, back.article), ()):
                self.log.rewards[row] = 0.0
        for customer, drawn in self._drawn.items():
            reaction = closed.reactions[customer]
            bought = {*reaction.picked, *reaction.discovered}
            for one in drawn:
                pair = (customer, one.candidates[one.chosen])
                self._open.setdefault(pair, []).append(len(self.log.rewards))
                self.log.customers.append(customer)
                self.log.candidates.append(one.candidates)
                self.log.chosen.append(one.chosen)
                self.log.rewards.append(float(one.candidates[one.chosen] in bought))


def explored(
    shop: RelivedShop, champion: ListFor, others: Mapping[str, ListFor], n_days: int
) -> tuple[DrawnSlots, RelivedShop]:
    """Return what the champion's lists with drawn places show, and the shop afterwards.

    Args:
        shop: on the morning; it stays as it is.
        champion: its lists, longer than LENGTH.
        others: policies that would order the candidates in their own way, their lists long.
        n_days: how long.
    """
    explorer = _Explorer(champion, others)
    future = live_under(shop, explorer.show, n_days, "exploration slots", explorer.note)
    return explorer.log, future.shop


def slot_estimate(log: DrawnSlots, name: str, rng: np.random.Generator) -> OffPolicyEstimate:
    """Return what a policy would have earned in the slots: SNIPS of its order of the candidates.

    The policy draws too, half as hot: one that always took its first candidate would leave too few
    logged decisions that it could have made.
    """
    policy = np.empty((len(log.customers), N_CANDIDATES))
    rows = np.arange(len(policy))[:, None]
    policy[rows, np.array(log.orders[name])] = slot_probabilities(N_CANDIDATES, TEMPERATURE / 2)
    return snips(log.decisions(), policy, rng)


def opinions(candidates: IntArray, rankings: Sequence[IntArray]) -> Values:
    """Return minus the log of each candidate's place in each ranking, from 1.

    What a ranking does not list has the place after its last. Shape (candidates, rankings).
    """
    places = np.empty((len(candidates), len(rankings)))
    for number, ranking in enumerate(rankings):
        where = {article: place for place, article in enumerate(ranking.tolist(), 1)}
        places[:, number] = [where.get(one, len(ranking) + 1) for one in candidates.tolist()]
    return -np.log(places)
