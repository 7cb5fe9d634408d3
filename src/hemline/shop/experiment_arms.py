"""Which version answers which visitor while an experiment runs.

Each worker reads the experiments' files as often as it looks at the registry, and opens the
versions of a running one beside the version in force. Arms are drawn by a hash of the visitor's
name, so all workers agree without talking. A visitor is exposed once: the event's idempotency key
is the experiment and the visitor, so it counts once whichever worker answers.

Where an experiment cannot be run (its file is damaged, a version cannot be opened, no event can be
recorded), its visitors see the version in force and are not exposed, and the health says why.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hemline.clock import now
from hemline.errors import BadInput
from hemline.experiments.assignment import CONTROL, EXPOSURE, TREATMENT, arm_of
from hemline.experiments.experiment_files import Experiment, read_experiments
from hemline.serving.answers import Answers
from hemline.shop.champion_watch import TRIED_AGAIN_SECONDS, ChampionWatch
from hemline.shop.event_log import ShopEvent
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
        name: CHAMPION_ARM, or the arm's.
        experiment: its name; empty where there is none.
    """

    answers: Answers
    name: str = CHAMPION_ARM
    experiment: str = ""

    def exposure(self, visitor: str) -> ShopEvent | None:
        """Return the event that says that a visitor has met the arm; None without experiment."""
        if not self.experiment:
            return None
        context = {
            "experiment": self.experiment,
            "arm": self.name,
            "version": str(self.answers.version),
        }
        return ShopEvent(
            EXPOSURE,
            visitor,
            "",
            f"{EXPOSURE}:{self.experiment}:{visitor}",
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
        self.problem: str | None = None

    def of(self, visitor: str) -> Arm:
        """Return the arm of a visitor.

        Raises:
            BadInput: no version is in force yet.
        """
        champion = self._watch.answers
        for each in self._running:
            plan = each.experiment.plan
            arm = arm_of(visitor, plan.allocation, each.experiment.exposed)
            if arm is not None:
                return Arm(self._answers(each.versions[arm], champion), arm, plan.name)
        return Arm(champion)

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
