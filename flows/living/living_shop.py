"""A living shop: its days one after the other, and what is done at the end of each week."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.living.living_project import HEMLINE, LivingProject
from flows.living.living_tally import BESTSELLERS, FIRST_VERSION, LISTS, WeekTally
from flows.living.living_week import champion_of, end_week, train
from hemline import columns
from hemline.data.synthetic.sales import as_transactions
from hemline.data.synthetic.shop import GeneratedShop
from hemline.data.synthetic.shop_days import Sales
from hemline.data.synthetic.truth import collect_truth
from hemline.data.synthetic.world import World
from hemline.errors import BadInput
from hemline.experiments.experiment_files import experiments_folder, read_experiments
from hemline.files import write_text
from hemline.shop.registered_lists import RegisteredLists, open_version
from hemline.simulation.living_customers import ClosedDay, OpenDay
from hemline.simulation.living_params import LivingParams
from hemline.simulation.relived_shop import RelivedShop
from hemline.simulation.shop_client import ShopClient, ShownList
from hemline.simulation.shop_past import lived_through
from hemline.simulation.simulation_params import SimulationParams
from hemline.simulation.told_events import EventTeller
from hemline.simulation.visit_journal import VisitJournal

_NOON: Final = 12
_ASKED_AT_ONCE: Final = 4
_AGREES_SECONDS: Final = 120
_POLL_SECONDS: Final = 0.1
_NOTHING: Final = "Nothing is due."  # as `hemline experiment advance` says it

Report = Callable[[str], object]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LivedShop:
    """The shop's state that follows from the seed and the lists alone."""

    live: LivingParams
    behaviour: SimulationParams
    relived: RelivedShop
    past: pd.DataFrame

    @property
    def world(self) -> World:
        """What of it never changes."""
        return self.relived.world


def wake(live: LivingParams, behaviour: SimulationParams) -> LivedShop:
    """Return a shop on the morning of its first living day."""
    world, customers, best, past = lived_through(live, behaviour)
    return LivedShop(live, behaviour, RelivedShop(world, customers, best), past)


class LivingShop:
    """Lives day by day.

    Args:
        project: of the shop.
        shop: on the morning of its first living day.
        report: called with a sentence on what is done.
    """

    def __init__(self, project: LivingProject, shop: LivedShop, report: Report) -> None:
        self._project = project
        self._shop = shop
        self._report = report
        self._journal = VisitJournal(project.journal)
        articles = shop.world.catalogue.articles[columns.ARTICLE_ID].tolist()
        self._rows = {article_id: row for row, article_id in enumerate(articles)}
        self._customer_ids = shop.world.crowd.customers[columns.CUSTOMER_ID].tolist()
        self._teller = EventTeller(self._customer_ids, articles)
        self._store: list[Sales] = []
        self._weeks: list[dict[str, Any]] = []

    def open(self) -> None:
        """Train on the past, if there is no champion yet."""
        if champion_of(self._project) is not None:
            return
        self._project.set_clock(self._shop.live.first_day, 0)
        self._project.write_sales(self._sold())
        self._report("first training: " + train(self._project))

    def weeks(
        self, n_weeks: int, address: str, rest: Callable[[], object]
    ) -> Iterator[dict[str, Any]]:
        """Live for some weeks, and yield the record after every day.

        Args:
            n_weeks: how many.
            address: of the service.
            rest: called after every day that was not lived before.
        """
        client = ShopClient(address)
        try:
            for number in range(n_weeks):
                first = self._shop.live.first_day + timedelta(weeks=number)
                yield from self._week(first, client, rest)
        finally:
            client.close()

    def _week(
        self, first: date, client: ShopClient, rest: Callable[[], object]
    ) -> Iterator[dict[str, Any]]:
        ages = self._shop.world.crowd.customers["age"].to_numpy(np.float64)
        tally = WeekTally(ages, len(self._rows))
        champions = []
        for number in range(7):
            today = first + timedelta(days=number)
            answers, was_told = self._journal.read(today)
            closed, added = self._day(today, client, answers, was_told=was_told)
            tally.add(closed, answers, self._rows, added)
            self._store.append(closed.store)
            champions.append(_champion_among(answers))
            yield self._record({**tally.row(), "days": tally.days, "champions": champions})
            if not was_told:
                rest()
        week_end = first + timedelta(weeks=1)
        outcome = end_week(self._project, week_end, self._sold())
        self._weeks.append(
            {**tally.row(), "days": tally.days, "champions": champions, "outcome": vars(outcome)}
        )
        self._report(_sentence(self._weeks[-1]))
        yield self._record(None)

    def _day(
        self,
        today: date,
        client: ShopClient,
        answers: dict[int, ShownList],
        *,
        was_told: bool,
    ) -> tuple[ClosedDay, Mapping[str, Mapping[int, float]]]:
        """Live a day, or go through it again.

        Returns:
            What happened, and what lists would add (WeekTally.add).
        """
        opened = self._shop.relived.customers.open_day()
        if not was_told:
            self._project.set_clock(today, _NOON)
            self._advance(today)
            self._agree(client)
            client.record(self._teller.returns(today, opened.returned))
            self._ask(today, opened, client, answers)
        lists = {
            customer: np.array([self._rows[one] for one in answer.articles], np.int64)
            for customer, answer in answers.items()
        }
        added = self._added(opened, lists)
        closed = self._shop.relived.close_day(opened, lists)
        if not was_told:
            client.record(self._teller.visits(today, closed.reactions, answers, closed.online))
            self._journal.end(today)
        return closed, added

    def _added(
        self, opened: OpenDay, lists: Mapping[int, IntArray]
    ) -> Mapping[str, Mapping[int, float]]:
        """Return what the lists of a day add, and what others in their place would."""
        shop, first = self._shop.relived, self._first_version
        of_first_version = {
            customer: first.list_for(
                self._customer_ids[customer], shop.bought_since(customer, first.answers.cut)
            )
            for customer in opened.online
        }
        choices = {
            LISTS: lists,
            FIRST_VERSION: of_first_version,
            BESTSELLERS: dict.fromkeys(opened.online, shop.best.articles),
        }
        return shop.customers.added_revenue(opened, choices)

    @cached_property
    def _first_version(self) -> RegisteredLists:
        answers = open_version(self._project.root, 1)
        return RegisteredLists(answers, length=self._shop.behaviour.list_length)

    def _ask(
        self, today: date, opened: OpenDay, client: ShopClient, answers: dict[int, ShownList]
    ) -> None:
        """Ask for the lists of who comes today and was not asked for before, and keep them."""
        missing = [customer for customer in opened.online if customer not in answers]
        length = self._shop.behaviour.list_length

        def ask(customer: int) -> ShownList:
            return client.list_for(self._customer_ids[customer], length)

        with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
            for customer, answer in zip(missing, pool.map(ask, missing), strict=True):
                answers[customer] = answer
                self._journal.add(today, {customer: answer})

    def _advance(self, today: date) -> None:
        """Let experiments go on or end, as the check beside the service would."""
        if any(each.state == "running" for each in self._experiments()):
            for said in self._project.run(*HEMLINE, "experiment", "advance").splitlines():
                if said != _NOTHING:
                    self._report(f"{today}: {said}")

    def _agree(self, client: ShopClient) -> None:
        """Wait until the service answers with the champion and runs the experiments that there are.

        Raises:
            BadInput: it does not within two minutes.
        """
        champion = champion_of(self._project)
        running = {
            each.plan.name: each.exposed for each in self._experiments() if each.state == "running"
        }
        end = time.monotonic() + _AGREES_SECONDS
        while True:
            found = client.in_force()
            if (found["version"], found["experiments"]) == (champion, running):
                return
            if time.monotonic() > end:
                raise BadInput(
                    f"the service answers with version {champion}, and runs {running or 'nothing'}",
                    found=str(found),
                    fix="read .hemline/logs/shop.log of the living shop, then start again",
                )
            time.sleep(_POLL_SECONDS)

    def _experiments(self) -> Any:
        return read_experiments(experiments_folder(self._project.root))

    def _sold(self) -> GeneratedShop:
        """Return the shop with what its tills sold, and what was sold online in its past."""
        world, live = self._shop.world, self._shop.live
        sales = self._shop.past
        if self._store:
            lived = as_transactions(world, self._store, live.history_days)
            sales = pd.concat([sales, lived], ignore_index=True)
        return GeneratedShop(
            world.catalogue.articles, world.crowd.customers, sales, collect_truth(world)
        )

    def _record(self, week: Mapping[str, Any] | None) -> dict[str, Any]:
        """Write the weeks that there were and the one that is under way, and return them."""
        record = {
            "first_day": self._shop.live.first_day.isoformat(),
            "events": [event.model_dump(mode="json") for event in self._shop.live.events],
            "weeks": self._weeks,
            "under_way": week,
        }
        self._project.record.mkdir(parents=True, exist_ok=True)
        write_text(self._project.record / "record.json", json.dumps(record, indent=1) + "\n")
        return record


def _champion_among(answers: Mapping[int, ShownList]) -> int | None:
    """Return the version that answered who is in no experiment or in its control."""
    return next(
        (each.version for each in answers.values() if each.arm in {"champion", "control"}), None
    )


def _sentence(week: Mapping[str, Any]) -> str:
    outcome = week["outcome"]
    visits = sum(day["visits"] for day in week["days"])
    online = sum(day["online"] for day in week["days"])
    said = f"week until {outcome['week_end']}: {visits} visits, {online:.2f} sold online"
    if outcome["problem"]:
        said += "; the monitor refused it"
    if outcome["confirmed"]:
        said += f"; drift of {', '.join(outcome['confirmed'])} confirmed"
    if outcome["trained"]:
        said += f"; trained: {outcome['trained']}"
    return said
