"""What the routes of the API and of the page share in one worker."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Final, TypeVar

from hemline.clock import now
from hemline.errors import BadInput
from hemline.segments.cold_customers import ColdCustomer
from hemline.serving.answers import Answers
from hemline.serving.list_rules import ListRules
from hemline.serving.listed import Answer
from hemline.serving.visitor_history import SessionState
from hemline.shop.arm_tallies import ArmTallies
from hemline.shop.champion_watch import ChampionWatch
from hemline.shop.event_log import (
    CUSTOMER,
    GUEST,
    EventLog,
    LogUnavailable,
    Recorded,
    ShopEvent,
)
from hemline.shop.experiment_arms import CHAMPION_ARM, Arm, ExperimentArms
from hemline.shop.first_answers import FALLBACK
from hemline.shop.list_exploration import ListExploration
from hemline.shop.shop_clock import ShopClock
from hemline.shop.shop_metrics import ShopMetrics
from hemline.shop.shop_params import ShopParams
from hemline.shop.visitor_sessions import Session, Sessions
from hemline.shop.visitor_state import Remembered, of_lists, state_of
from hemline.shop.visits import Visit

_REST_SECONDS: Final = 1.0
_Read = TypeVar("_Read")

logger = logging.getLogger(__name__)


class ShopService:
    """The stores, the answers in force, and the metrics.

    Attributes:
        params: section shop.
        log: of events.
        sessions: of visitors.
        watch: holds the answers in force.
        exploration: draws places of lists.
        arms: holds the running experiments.
        tallies: counts how their visitors are answered.
        metrics: of this worker.
        is_public: whether others than this machine reach it.
        store_problem: what is wrong with the events or the sessions, None while all is well.
    """

    def __init__(
        self,
        params: ShopParams,
        log: EventLog,
        sessions: Sessions,
        watch: ChampionWatch,
        metrics: ShopMetrics,
        arms: ExperimentArms,
        tallies: ArmTallies,
        *,
        is_public: bool = False,
    ) -> None:
        self.params = params
        self.log = log
        self.sessions = sessions
        self.watch = watch
        self.metrics = metrics
        self.arms = arms
        self.tallies = tallies
        self.is_public = is_public
        self.store_problem: str | None = None
        self.exploration = ListExploration(params.exploration)
        self._clock: ShopClock | None = None
        self._rests_until = 0.0

    def visit(self, guest_id: str, *, is_new: bool = False, in_force: bool = False) -> Visit:
        """Return a visitor of the page as the stores know it.

        Args:
            guest_id: from the cookie.
            is_new: whether no cookie came.
            in_force: whether the version in force answers, whatever the visitor's arm.

        Raises:
            BadInput: no version is in force yet.
        """
        session, has_session = self._read(lambda: self.sessions.read(GUEST + guest_id), Session())
        name = session.customer_id
        visitor = GUEST + guest_id if name is None else CUSTOMER + name
        arm = Arm(self.watch.answers) if in_force else self._arm_of(visitor)
        answers = arm.answers
        remembered = self.remembered(visitor, answers)
        return Visit(
            guest_id,
            session,
            arm,
            None if name is None else customer_key(answers, name),
            ColdCustomer(**session.about),
            remembered,
            is_new,
            has_session and remembered.is_known,
        )

    def remembered(self, visitor: str, answers: Answers) -> Remembered:
        """Return what the log knows of a visitor."""
        events, is_known = self._events_of(visitor)
        since = now() - timedelta(hours=self.params.session_hours)
        if not is_known:
            self.metrics.unremembered.inc()
        state = state_of(events, answers, since=since, day_of=self.day_of)
        return Remembered(state, of_lists(events), is_known)

    def is_known(self, visitor: str) -> bool:
        """Return whether the log has anything that the visitor did."""
        events, _ = self._events_of(visitor)
        return bool(events)

    def day_of(self, at: datetime) -> date:
        """Return the shop day of a time; only the log, once it is open, knows when it was made."""
        if self._clock is None:
            self._clock = ShopClock.of(self.log, self.params.first_day)
        return self._clock.day_of(at)

    def _events_of(self, visitor: str) -> tuple[list[Recorded], bool]:
        nothing: list[Recorded] = []
        return self._read(lambda: self.log.of(visitor), nothing)

    async def append(self, events: Sequence[ShopEvent]) -> list[int]:
        """Return the sequences of events once they are durable.

        Raises:
            KeyReused: an idempotency key came with another event.
            LogUnavailable: they could not be made durable.
        """
        try:
            sequences = await asyncio.wrap_future(self.log.append(events))
        except LogUnavailable as error:
            self.metrics.lost.inc(len(events))
            self._report(str(error))
            raise
        for event in events:
            self.metrics.events.labels(event.kind).inc()
        self._report(None)
        return sequences

    async def prepare(self) -> None:
        """Make the arms of the present day ready; without the log, bandits have none."""
        if not self.arms.has_bandit:
            return
        try:
            await self.arms.prepare(self.day_of(now()), self.log, self.day_of)
        except LogUnavailable as error:
            self._report(str(error))

    def _arm_of(self, visitor: str) -> Arm:
        if not self.arms.has_bandit or self._clock is None:
            return self.arms.of(visitor)
        return self.arms.of(visitor, self.day_of(now()))

    async def meet(self, visitor: str) -> Arm:
        """Return a visitor's arm, once it is durable that the visitor is in it.

        Where that cannot be made durable, the visitor is answered by the version in force.

        Raises:
            BadInput: no version is in force yet.
        """
        await self.prepare()
        arm = self._arm_of(visitor)
        return arm if await self._expose(arm, visitor) else Arm(self.watch.answers)

    async def first_shelf(
        self, visitor: str, answers: Answers, shelves: Collection[str]
    ) -> Arm | None:
        """Return the arm that says which shelf of a page stands first, once that is durable.

        None where no experiment says so, or it cannot be made durable. The visitor has met its arm.

        Args:
            visitor: its name.
            answers: of the page.
            shelves: of the page, those that have articles.
        """
        if not self.arms.has_bandit or self._clock is None:
            return None
        arm = self.arms.first_shelf(visitor, self.day_of(now()), answers, shelves)
        return arm if arm is not None and await self._expose(arm, visitor) else None

    async def _expose(self, arm: Arm, visitor: str) -> bool:
        """Return whether it is durable that a visitor is in an arm; without experiment it is."""
        exposure = arm.exposure(visitor)
        if exposure is None or not self.arms.is_new(exposure):
            return True
        try:
            await self.append([exposure])
        except LogUnavailable:
            return False
        self.arms.recorded(exposure)
        return True

    async def link(self, guest: str, customer: str) -> None:
        """Let a guest's events be the customer's; raises LogUnavailable."""
        await asyncio.wrap_future(self.log.link(guest, customer))

    def answer(
        self,
        answers: Answers,
        visitor: int | ColdCustomer,
        state: SessionState,
        rules: ListRules,
        arm: Arm | None = None,
    ) -> Answer:
        """Return a list for a customer's key or a guest; by popularity where the models fail.

        Raises:
            BadInput: no list can follow the rules, or an attribute of the guest is not allowed.
        """
        begun, has_failed = time.perf_counter(), False
        try:
            if isinstance(visitor, ColdCustomer):
                answer = answers.for_guest(visitor, state, rules)
            else:
                answer = answers.for_customer(visitor, state, rules)
        except BadInput:
            raise
        except Exception:
            logger.exception("version %d failed: popularity answers", answers.version)
            self.metrics.fallbacks.inc()
            has_failed = True
            answer = answers.under_model(FALLBACK, visitor, state, rules)
        name = CHAMPION_ARM if arm is None else arm.name
        self.metrics.answers.labels(str(answers.version), name, answer.model).inc()
        if arm is not None and arm.experiment:
            self.tallies.count(
                arm.experiment,
                arm.counted_as,
                answer,
                answers.articles.ids,
                time.perf_counter() - begun,
                is_fallback=has_failed or is_stand_in(answer, answers),
                is_of_day=arm.day is not None,
            )
        return answer

    def _read(self, read: Callable[[], _Read], otherwise: _Read) -> tuple[_Read, bool]:
        """Return what a store has, and whether it could be read.

        A store that fails is left alone for a second: a server that hangs would take all the time
        of the worker.
        """
        if time.monotonic() < self._rests_until:
            return otherwise, False
        try:
            found = read()
        except LogUnavailable as error:
            self._rests_until = time.monotonic() + _REST_SECONDS
            self._report(str(error))
            return otherwise, False
        if self.store_problem is not None and self._rests_until:
            self._rests_until = 0.0
            self._report(None)
        return found, True

    def _report(self, problem: str | None) -> None:
        if problem is not None and self.store_problem is None:
            logger.error("the shop's events or sessions are away: %s", problem)
        elif problem is None and self.store_problem is not None:
            logger.info("the shop's events and sessions are there again")
        self.store_problem = problem
        self.metrics.store_failing.set(problem is not None)


def is_stand_in(answer: Answer, answers: Answers) -> bool:
    """Return whether a list is by popularity although its version tries another model first."""
    return answer.model == FALLBACK and FALLBACK not in answers.first_models


def customer_key(answers: Answers, customer_id: str) -> int | None:
    """Return the key of a customer by the whole id, None where the version knows none."""
    return answers.customer_with(customer_id)
