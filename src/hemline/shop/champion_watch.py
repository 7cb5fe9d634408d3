"""Which version answers, and the change to another one while requests come in.

Every worker queries the registry every `shop.poll_seconds`. A new champion is laid out by another
process, opened and tried beside the one that answers, and then takes its place in one assignment: a
request that began before ends on its own version. The version before stays open, so that a rollback
takes force at once. Whatever goes wrong with the registry or a new champion, the last good version
goes on answering, and the health, the metrics and the log say so.

The last good version is written down, so that a worker that starts while the registry is away
answers too.
"""

import asyncio
import json
import logging
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from hemline.errors import BadInput
from hemline.files import locked, write_text
from hemline.serving.answers import Answers
from hemline.serving.answers_params import AnswersParams
from hemline.shop.first_answers import try_answers
from hemline.shop.registered_versions import (
    CHALLENGER,
    CHAMPION,
    RegistryUnreadable,
    version_with_alias,
)
from hemline.shop.shop_metrics import ShopMetrics
from hemline.shop.stock import StockFile

logger = logging.getLogger(__name__)

TRIED_AGAIN_SECONDS: Final = 30.0


@dataclass(frozen=True)
class LaidOut:
    """A version whose files are ready to be mapped."""

    version: int
    layout: str


@dataclass(frozen=True)
class ShopFolder:
    """Where a shop's files are.

    Attributes:
        database: MLflow's.
        layouts: of versions.
        last_good: names the version that answered last.
        params: params.yaml.
        stock: see shop.stock.
    """

    database: Path
    layouts: Path
    last_good: Path
    params: Path
    stock: Path | None = None


class ChampionWatch:
    """The answers in force, kept to the registry's champion."""

    def __init__(self, folder: ShopFolder, metrics: ShopMetrics) -> None:
        self._folder = folder
        self._metrics = metrics
        self.stock = StockFile(folder.stock)
        self._answers: Answers | None = None
        self._before: Answers | None = None
        self._challenger: Answers | None = None
        self._failed: tuple[int, float] | None = None
        self._laid_out: dict[int, LaidOut] = {}
        self._opening = asyncio.Lock()
        self.problem: str | None = None
        """What is wrong with the registry or a new champion, None while all is well."""

    @property
    def answers(self) -> Answers:
        """The answers in force; take them once for a request."""
        if self._answers is None:
            raise no_champion(self.problem)
        return self._answers

    @property
    def is_ready(self) -> bool:
        """Whether any version answers."""
        return self._answers is not None

    async def start(self) -> None:
        """Open the champion, or the last good version where the registry cannot be read.

        Raises:
            BadInput: there is neither.
        """
        await self.look()
        if self._answers is None and self._folder.last_good.exists():
            stored = json.loads(self._folder.last_good.read_text(encoding="utf-8"))
            logger.warning("version %s answers, as before: %s", stored["version"], self.problem)
            await self._put_in_force(LaidOut(**stored))
        if self._answers is None:
            raise no_champion(self.problem)

    async def watch(self, seconds: float) -> None:
        """Look at the registry again and again, until the task is cancelled."""
        while True:
            await asyncio.sleep(seconds)
            await self.look()

    async def look(self) -> None:
        """Compare the version in force with the registry's champion, and change it if need be.

        Likewise what is in stock.
        """
        try:
            await self._follow_stock()
            await self._follow()
        except (BadInput, RegistryUnreadable, OSError) as error:
            self._report(str(error))
        except Exception as error:
            logger.exception("a new champion cannot be opened")
            self._report(f"{type(error).__name__}: {error}")
        else:
            self._report(None)

    async def challenger(self) -> Answers | None:
        """Return the challenger's answers; None where there is none but the champion.

        Raises:
            BadInput: its files are damaged, or the registry cannot be read.
        """
        async with self._opening:
            try:
                found = await asyncio.to_thread(
                    version_with_alias, self._folder.database, CHALLENGER
                )
            except RegistryUnreadable as error:
                raise BadInput(
                    "the registry can be read", found=str(error), fix="ask again later"
                ) from error
            if found is None or found.number == self.answers.version:
                return None
            if self._challenger is None or self._challenger.version != found.number:
                laid_out = await self._lay_out("--alias", CHALLENGER)
                if laid_out is not None:
                    self._challenger = await asyncio.to_thread(self._open, laid_out)
            return None if self._challenger is None else self.with_stock(self._challenger)

    async def open_version(self, number: int) -> Answers:
        """Return the answers of a version, beside the one in force.

        Raises:
            BadInput: the registry has no such version, or its files are damaged.
            RegistryUnreadable: the registry cannot be read now.
        """
        laid_out = await self._lay_out("--number", str(number))
        if laid_out is None:
            raise BadInput(
                f"the registry has version {number}",
                found="no such version",
                fix="see which there are: hemline history",
            )
        return await asyncio.to_thread(self._open, laid_out)

    async def _follow_stock(self) -> None:
        before = self.stock.problem
        has_changed = await asyncio.to_thread(self.stock.renew)
        if self.stock.problem is not None and self.stock.problem != before:
            logger.error("the stock is what it was: %s", self.stock.problem)
        self._metrics.stock_failing.set(self.stock.problem is not None)
        if has_changed and self._answers is not None:
            self._answers = self.with_stock(self._answers)
            logger.info("the stock has changed")

    def with_stock(self, answers: Answers) -> Answers:
        """Return the answers with what is in stock now."""
        return answers.with_stock(self.stock.of(answers.articles.ids))

    async def _follow(self) -> None:
        champion = await asyncio.to_thread(version_with_alias, self._folder.database, CHAMPION)
        if champion is None:
            raise no_champion(None)
        if self._answers is not None and self._answers.version == champion.number:
            self._failed = None
            return
        now = asyncio.get_running_loop().time()
        number, failed_at = self._failed or (None, now)
        if number == champion.number and now < failed_at + TRIED_AGAIN_SECONDS:
            raise RegistryUnreadable(self.problem or "the champion could not be opened")
        self._failed = champion.number, now  # until it is in force
        laid_out = self._laid_out.get(champion.number) or await self._lay_out("--alias", CHAMPION)
        if laid_out is None:
            raise no_champion(None)
        await self._put_in_force(laid_out)
        with locked(self._folder.last_good.parent):
            write_text(self._folder.last_good, json.dumps(asdict(laid_out)))
        self._failed = None

    async def _put_in_force(self, laid_out: LaidOut) -> None:
        if self._before is not None and self._before.version == laid_out.version:
            opened = self._before
        else:
            opened = await asyncio.to_thread(self._open, laid_out)
        before, self._answers = self._answers, self.with_stock(opened)
        self._before = before
        self._laid_out = {laid_out.version: laid_out} | {
            number: one
            for number, one in self._laid_out.items()
            if before is not None and number == before.version
        }
        self._metrics.version.set(opened.version)
        if before is not None:
            self._metrics.swaps.inc()
        logger.info(
            "version %d answers%s",
            opened.version,
            "" if before is None else f", in place of version {before.version}",
        )

    def _open(self, laid_out: LaidOut) -> Answers:
        """Open a version and let it answer once, so that no visitor waits for what is lazy."""
        rules = AnswersParams.load(self._folder.params)
        answers = Answers.open(Path(laid_out.layout), rules)
        try_answers(answers)
        return answers

    async def _lay_out(self, *which: str) -> LaidOut | None:
        """Return a version, laid out by a process of its own; None where there is none."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "hemline.shop.lay_out_version"),
            *("--database", str(self._folder.database), *which),
            *("--layouts", str(self._folder.layouts.resolve())),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            output, problem = await process.communicate()
        except asyncio.CancelledError:  # the worker ends
            process.kill()
            await process.wait()
            raise
        if process.returncode:
            raise RegistryUnreadable(problem.decode(errors="replace").strip())
        found = json.loads(output)
        return LaidOut(**found) if found else None

    def _report(self, problem: str | None) -> None:
        if problem is not None and problem != self.problem:
            logger.error("the registry's champion cannot be put in force: %s", problem)
        elif problem is None and self.problem is not None:
            logger.info("the registry's champion is in force again")
        self.problem = problem
        self._metrics.registry_failing.set(problem is not None)


def no_champion(problem: str | None) -> BadInput:
    """Return the refusal of a shop that has no version to answer with."""
    return BadInput(
        "the shop has a champion to answer with",
        found=problem or "the registry has none",
        fix="train one: make demo; or make a rejected one champion: hemline history, then "
        "hemline promote",
    )
