"""The customers of a living shop, day by day: the generator's, who react to what they are shown.

What a customer comes for is the basket that the generator draws for the visit. In a store they get
all of it. Online they see a list first: what of it they came for they buy, what suits them besides
they may buy, and the rest they search for, not always with success. Who gets less than they came
for comes less often. So a better list sells more twice, now and later, and how much is known only
here: no model sees intents, tastes or satisfaction.

Everything but the lists is drawn from the seed, so the same lists give the same days.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.data.synthetic.demand import expected_prices
from hemline.data.synthetic.offer import ONLINE
from hemline.data.synthetic.shop_days import EXPECTED_UNITS, BegunDay, Sales, ShopDays
from hemline.data.synthetic.utility import CustomerIntent, choice_chances, return_chances
from hemline.data.synthetic.world import World
from hemline.simulation.reactions import Reaction, chances_by_list, react
from hemline.simulation.simulation_params import SimulationParams

IntArray = npt.NDArray[np.int64]

_ONLINE_ID: Final = 2  # as Kaggle numbers it
_ARRIVALS, _VISITS, _RETURNS = range(3)


class ReturnedUnits(NamedTuple):
    """What a customer sends back on a day, paid at a price each."""

    customer: int
    article: int
    units: int
    price: float


@dataclass(frozen=True)
class OpenDay:
    """A day on which lists may be shown.

    Attributes:
        begun: what the generator drew.
        online: who visits the shop online: its row of the day's visits by customer, in order.
        returned: what is sent back.
        stayed_away: how many online visits did not happen.
    """

    begun: BegunDay
    online: Mapping[int, int]
    returned: tuple[ReturnedUnits, ...]
    stayed_away: int


@dataclass(frozen=True)
class ClosedDay:
    """What happened on a day.

    Attributes:
        today: its date.
        reactions: by customer, of those who visited online, in order.
        store: what was sold in stores.
        online: what was sold online, one element per unit.
        returned: what was sent back.
        stayed_away: online visits that did not happen.
        satisfaction: by customer, 0 to 1, after the day; of those who visited online.
    """

    today: date
    reactions: Mapping[int, Reaction]
    store: Sales
    online: Sales
    returned: tuple[ReturnedUnits, ...]
    stayed_away: int
    satisfaction: Mapping[int, float]


class LivingCustomers:
    """The customers, from the first day on which somebody shows them lists.

    Args:
        world: the shop.
        days: of it, begun and sold until the first living day.
        params: how customers behave.
    """

    def __init__(self, world: World, days: ShopDays, params: SimulationParams) -> None:
        self._world = world
        self._days = days
        self._params = params
        self._satisfaction = np.full(world.size.n_customers, params.satisfied)
        self._due: dict[int, list[ReturnedUnits]] = {}

    @property
    def next_day(self) -> int:
        """The number of the day that opens next, counted from the shop's first."""
        return self._days.next_day

    def open_day(self) -> OpenDay:
        """Begin the next day."""
        begun = self._days.begin()
        luck = self._rng(_ARRIVALS, begun.day).random(self._world.size.n_customers)
        keeps_away = self._params.stays_away * (1 - self._satisfaction)
        online = np.flatnonzero(begun.visits.channel == ONLINE)
        customers = begun.visits.customer[online]
        comes = luck[customers] >= keeps_away[customers]
        return OpenDay(
            begun,
            dict(zip(customers[comes].tolist(), online[comes].tolist(), strict=True)),
            tuple(self._due.pop(begun.day, ())),
            int((~comes).sum()),
        )

    def added_revenue(
        self, opened: OpenDay, choices: Mapping[str, Mapping[int, IntArray]]
    ) -> dict[str, dict[int, float]]:
        """Return what lists would add to the net revenue of each online visit, in expectation.

        Everything that luck decides is averaged: how far a customer looks, what is found without
        the list, discovered, sent back. So this tells lists apart that sales cannot, and only a
        simulator knows it. Later visits of a customer who is satisfied do not count.

        Args:
            opened: the day, not closed yet.
            choices: by name, articles by customer, the best first; who is missing sees none.

        Returns:
            By name, net revenue by customer in the unit of the shop's prices.
        """
        begun, added = opened.begun, {name: dict[int, float]() for name in choices}
        for customer, visit in opened.online.items():
            wanted = np.unique(begun.article[begun.visit == visit])
            suits = self._suits(begun, visit, customer)
            for name, lists in choices.items():
                listed = lists.get(customer, np.empty(0, np.int64))
                chances = chances_by_list(wanted, suits, listed, self._params)
                kept = 1 - self._return_chances(
                    np.full(len(listed), customer), listed, ~np.isin(listed, wanted)
                )
                price = expected_prices(
                    self._world.catalogue,
                    listed,
                    day=begun.day,
                    today=begun.today,
                    events=self._world.events,
                )
                added[name][customer] = float((chances * kept * price).sum() * EXPECTED_UNITS)
        return added

    def close_day(self, opened: OpenDay, lists: Mapping[int, IntArray]) -> ClosedDay:
        """Let customers react to their lists, and return what happened.

        Args:
            opened: the day.
            lists: articles by customer, the best first; a customer who is missing sees none.
        """
        begun = opened.begun
        in_store = np.isin(begun.visit, np.flatnonzero(begun.visits.channel != ONLINE))
        visit, article = [begun.visit[in_store]], [begun.article[in_store]]
        reactions = {}
        for customer, number in opened.online.items():
            reaction = self._react(opened.begun, number, customer, lists.get(customer))
            reactions[customer] = reaction
            visit.append(np.full(len(reaction.bought), number))
            article.append(np.array(reaction.bought, np.int64))
        sold = self._days.sell(begun, np.concatenate(visit), np.concatenate(article))
        is_online = sold.channel == _ONLINE_ID
        online = Sales(*(part[is_online] for part in sold))
        self._plan_returns(begun.day, online, reactions)
        return ClosedDay(
            begun.today,
            reactions,
            Sales(*(part[~is_online] for part in sold)),
            online,
            opened.returned,
            opened.stayed_away,
            {customer: self._learn(customer, reactions[customer]) for customer in reactions},
        )

    def _react(
        self, begun: BegunDay, visit: int, customer: int, listed: IntArray | None
    ) -> Reaction:
        in_mind = np.unique(begun.article[begun.visit == visit])
        shown = np.empty(0, np.int64) if listed is None else listed
        suits = np.zeros(self._world.size.n_articles)
        if len(shown):
            suits = self._suits(begun, visit, customer)
        rng = self._rng(_VISITS, begun.day, customer)
        return react(in_mind, suits, shown, self._params, rng)

    def _suits(self, begun: BegunDay, visit: int, customer: int) -> npt.NDArray[np.float64]:
        """Return how well every article suits what the visit opened with."""
        opening = int(begun.intent[begun.visits.size[:visit].sum()])
        intent = CustomerIntent(*(int(part[opening]) for part in begun.intents))
        chances = choice_chances(self._world, begun.offer, customer, begun.day, intent=intent)
        on_sale = begun.offer.articles
        chances[on_sale] *= ~self._days.has_bought(customer, on_sale)
        return chances / max(float(chances.max()), 1e-300)

    def _plan_returns(self, day: int, online: Sales, reactions: Mapping[int, Reaction]) -> None:
        if not len(online.customer):
            return
        key = online.customer * self._world.size.n_articles + online.article
        pair, first, units = np.unique(key, return_index=True, return_counts=True)
        customer, article = np.divmod(pair, self._world.size.n_articles)
        regretted = np.array(
            [
                bought in reactions[who].discovered
                for who, bought in zip(customer.tolist(), article.tolist(), strict=True)
            ]
        )
        rng = self._rng(_RETURNS, day)
        back = rng.random(len(pair)) < self._return_chances(customer, article, regretted)
        low, high = self._params.return_days
        gap = rng.integers(low, high + 1, len(pair))
        for row in np.flatnonzero(back).tolist():
            self._due.setdefault(day + int(gap[row]), []).append(
                ReturnedUnits(
                    int(customer[row]),
                    int(article[row]),
                    int(units[row]),
                    float(online.price[first[row]]),
                )
            )

    def _return_chances(
        self, customer: IntArray, article: IntArray, regretted: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.float64]:
        """Return the chance that what a customer bought is sent back; regretted: not come for."""
        chance = return_chances(self._world, customer, article)
        odds = chance / (1 - chance) * np.exp(self._params.regret * regretted)
        return np.asarray(odds / (1 + odds), np.float64)

    def _learn(self, customer: int, reaction: Reaction) -> float:
        """Return a customer's satisfaction after a visit."""
        n_wanted = len(reaction.picked) + len(reaction.searched) + len(reaction.missed)
        if n_wanted:
            success = min(1.0, len(reaction.bought) / n_wanted)
            before = self._satisfaction[customer]
            self._satisfaction[customer] = before + self._params.forgets * (success - before)
        return float(self._satisfaction[customer])

    def _rng(self, *about: int) -> np.random.Generator:
        return np.random.default_rng([self._params.seed, *about])
