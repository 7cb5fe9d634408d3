"""Which version answers which visitor while an experiment runs.

Each worker reads the experiments' files as often as it looks at the registry, and opens the
versions of a running one beside the version in force. Arms are drawn by a hash of the visitor's
name, so all workers agree without talking. A visitor is exposed once: the event's idempotency key
is the experiment and the visitor, so it counts once whichever worker answers. Of a bandit over
shelves, the version in force answers, and the arm is which shelf stands first (`first_shelf`).

Where an experiment cannot be run (its file is damaged, a version cannot be opened, no event can be
recorded), its visitors see the version in force and are not exposed, and the health says why.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Final

from hemline.clock import now
from hemline.errors import BadInput
from hemline.experiments.assignment import CONTROL, EXPOSURE, INTERLEAVED, TREATMENT, arm_of
from hemline.experiments.experiment_files import Experiment, read_experiments
from hemline.serving.answers import Answers
from hemline.shop.arm_tallies import arm_of_day
from hemline.shop.bandit_shares import BanditShares
from hemline.shop.champion_watch import TRIED_AGAIN_SECONDS, ChampionWatch
from hemline.shop.event_log import EventLog, ShopEvent
from hemline.shop.registered_versions import RegistryUnreadable

CHAMPION_ARM: Final = "champion"
"""The arm of everybody who is in no experiment."""

_MOST_REMEMBERED: Final = 200_000  # visitors; of more, exposures are recorded again, as no new ones

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Arm:
    """What a visitor is answered with.

    Attributes:
        answers: of the arm's version.
        name: CHAMPION_ARM, or the arm's; of a bandit over shelves, the one that stands first.
        experiment: its name; empty where there is none.
        interleaved: the earlier version of an interleaving experiment, `answers` being the later;
            None elsewhere.
        is_treatment: of an interleaving experiment, whether `answers` is the treatment.
        day: of a bandit, whose arms are drawn every shop day; None elsewhere.
        propensity: of a bandit, the share of the arm on that day.
    """

    answers: Answers
    name: str = CHAMPION_ARM
    experiment: str = ""
    interleaved: Answers | None = None
    is_treatment: bool = False
    day: date | None = None
    propensity: float = 1.0

    @property
    def counted_as(self) -> str:
        """What lists of `answers` are counted as, see arm_tallies.

        Of an interleaving experiment the name of the team, of a bandit the arm and the day.
        """
        if self.interleaved is not None:
            return TREATMENT if self.is_treatment else CONTROL
        return self.name if self.day is None else arm_of_day(self.name, self.day)

    @property
    def other_counted_as(self) -> str:
        """What lists of `interleaved` are counted as."""
        return CONTROL if self.is_treatment else TREATMENT

    def exposure(self, visitor: str) -> ShopEvent | None:
        """Return the event that says that a visitor has met the arm; None without experiment."""
        if not self.experiment:
            return None
        context = {
            "experiment": self.experiment,
            "arm": self.name,
            "version": str(self.answers.version),
        }
        once = f"{EXPOSURE}:{self.experiment}"
        if self.day is not None:
            once += f":{self.day}"
            context |= {"day": self.day.isoformat(), "propensity": f"{self.propensity:.6f}"}
        return ShopEvent(
            EXPOSURE,
            visitor,
            "",
            f"{once}:{visitor}",
            now(),
            context=context,
        )


@dataclass(frozen=True)
class _Running:
    experiment: Experiment
    versions: Mapping[str, int]


class ExperimentArms:
    """The running experiments, as one worker knows them.

    Attributes:
        problem: why an experiment cannot be run; None while all can.
    """

    def __init__(self, folder: Path, watch: ChampionWatch) -> None:
        self._folder = folder
        self._watch = watch
        self._running: Sequence[_Running] = ()
        self._opened: dict[int, Answers] = {}
        self._stocked: dict[int, Answers] = {}
        self._failed: dict[int, tuple[float, Exception]] = {}
        self._exposed: set[str] = set()
        self._bandits: dict[str, BanditShares] = {}
        self._shares: dict[tuple[str, date], Mapping[str, float]] = {}
        self._preparing = asyncio.Lock()
        self.problem: str | None = None

    @property
    def has_bandit(self) -> bool:
        """Whether arms depend on the day: `prepare` it then."""
        return any(each.experiment.plan.is_bandit for each in self._running)

    async def prepare(self, day: date, log: EventLog, day_of: Callable[[datetime], date]) -> None:
        """Read how bandits share out a day's traffic, or share it out.

        Raises:
            LogUnavailable: that cannot be read or recorded now.
        """
        async with self._preparing:
            for each in self._running:
                plan = each.experiment.plan
                if not plan.is_bandit or (plan.name, day) in self._shares:
                    continue
                bandit = self._bandits.setdefault(plan.name, BanditShares(plan, log, day_of))
                shares = await asyncio.to_thread(bandit.of, day)
                self._shares = {at: one for at, one in self._shares.items() if at[0] != plan.name}
                self._shares[plan.name, day] = shares

    def of(self, visitor: str, day: date | None = None) -> Arm:
        """Return the arm of a visitor.

        Args:
            visitor: its name.
            day: of the shop's clock, for bandits; one that was not prepared has no arm of theirs.

        Raises:
            BadInput: no version is in force yet.
        """
        champion = self._watch.answers
        for each in self._running:
            plan, exposed = each.experiment.plan, each.experiment.exposed
            if plan.kind == "shelves":
                continue
            if plan.kind == "bandit":
                drawn = self._drawn(each, visitor, day)
                if drawn is not None:
                    answers = self._answers(each.versions[drawn[0]], champion)
                    return Arm(answers, drawn[0], plan.name, day=day, propensity=drawn[1])
                continue
            arm = arm_of(visitor, plan.allocation, exposed)
            if arm is not None:
                return self._arm(each, arm, champion)
        return Arm(champion)

    def first_shelf(
        self, visitor: str, day: date, answers: Answers, shelves: Collection[str]
    ) -> Arm | None:
        """Return the arm of a visitor that is named for the shelf that stands first on a page.

        None where the visitor is in no bandit over shelves, or the page lacks one of its shelves.

        Args:
            visitor: its name.
            day: of the shop's clock; one that was not prepared has no arm.
            answers: of the page, whatever the arm.
            shelves: of the page, those that have articles.
        """
        for each in self._running:
            plan = each.experiment.plan
            if plan.kind != "shelves" or not set(plan.shelves) <= set(shelves):
                continue
            drawn = self._drawn(each, visitor, day)
            if drawn is not None:
                return Arm(answers, drawn[0], plan.name, day=day, propensity=drawn[1])
        return None

    def _drawn(self, running: _Running, visitor: str, day: date | None) -> tuple[str, float] | None:
        """Return a visitor's arm of a bandit and its propensity; None where it has none."""
        plan = running.experiment.plan
        shares = None if day is None else self._shares.get((plan.name, day))
        if shares is None:
            return None
        of_day = replace(
            plan.allocation, experiment=f"{plan.name}/{day}", arms=tuple(shares.items())
        )
        name = arm_of(visitor, of_day, running.experiment.exposed)
        return None if name is None else (name, shares[name])

    def _arm(self, running: _Running, name: str, champion: Answers) -> Arm:
        experiment = running.experiment.plan.name
        if name != INTERLEAVED:
            return Arm(self._answers(running.versions[name], champion), name, experiment)
        control, treatment = (
            self._answers(running.versions[each], champion) for each in (CONTROL, TREATMENT)
        )
        if treatment.cut > control.cut:
            return Arm(treatment, name, experiment, control, is_treatment=True)
        return Arm(control, name, experiment, treatment)

    @property
    def in_force(self) -> dict[str, float]:
        """The experiments that run here, and the share of the traffic that each is shown to."""
        return {each.experiment.plan.name: each.experiment.exposed for each in self._running}

    def is_new(self, exposure: ShopEvent) -> bool:
        """Return whether this worker has not recorded an exposure yet."""
        return exposure.key not in self._exposed

    def recorded(self, exposure: ShopEvent) -> None:
        """Remember that an exposure is durable."""
        self._exposed.add(exposure.key)

    async def watch(self, seconds: float) -> None:
        """Look at the files again and again, until the task is cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(seconds)

    async def look(self) -> None:
        """Read the files, and open the versions of what runs."""
        problems: list[str] = []
        running: list[_Running] = []
        try:
            found = await asyncio.to_thread(read_experiments, self._folder)
        except (BadInput, OSError) as error:
            found, problems = [], [str(error)]
        for each in found:
            if each.state != "running" or not self._watch.is_ready:
                continue
            try:
                running.append(await self._opened_versions(each))
            except (BadInput, RegistryUnreadable, OSError) as error:
                problems.append(f"experiment {each.plan.name}: {error}")
        self._report("; ".join(problems) or None)
        self._put_in_force(running)

    def _put_in_force(self, running: Sequence[_Running]) -> None:
        needed = {number for each in running for number in each.versions.values()}
        self._opened = {n: each for n, each in self._opened.items() if n in needed}
        self._stocked = {n: self._watch.with_stock(each) for n, each in self._opened.items()}
        self._running = tuple(running)
        if not running or len(self._exposed) > _MOST_REMEMBERED:
            self._exposed.clear()

    def _report(self, problem: str | None) -> None:
        if problem is not None and problem != self.problem:
            logger.error("an experiment cannot be run: %s", problem)
        self.problem = problem

    async def _opened_versions(self, experiment: Experiment) -> _Running:
        plan = experiment.plan
        versions = {CONTROL: plan.control, TREATMENT: plan.treatment}
        if plan.is_bandit:  # over shelves it has no versions: the one in force answers
            versions = {f"v{number}": number for number in plan.versions}
        for number in versions.values():
            if number != self._watch.answers.version and number not in self._opened:
                self._opened[number] = await self._open(number)
        return _Running(experiment, versions)

    async def _open(self, number: int) -> Answers:
        """Return the answers of a version; one that cannot be opened is left alone for a while."""
        moment = asyncio.get_running_loop().time()
        failed_at, failure = self._failed.get(number, (-TRIED_AGAIN_SECONDS, None))
        if failure is not None and moment < failed_at + TRIED_AGAIN_SECONDS:
            raise failure
        try:
            opened = await self._watch.open_version(number)
        except (BadInput, RegistryUnreadable, OSError) as error:
            self._failed[number] = (moment, error)
            raise
        self._failed.pop(number, None)
        return opened

    def _answers(self, number: int, champion: Answers) -> Answers:
        if number == champion.version:
            return champion
        return self._stocked[number]
