"""What an experiment shows now, of whatever kind, with what it showed on each day before.

The event log is read once for all of it, but for guardrails of drafts and bandits.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Final

from hemline.experiments.effect_by_day import DayEffect
from hemline.experiments.experiment_files import Experiment
from hemline.experiments.looks import ExperimentVerdict, end_of, judge, look_moments
from hemline.shop.arm_tallies import read_tallies, tallies_file
from hemline.shop.bandit_readout import BanditReadout, read_bandit
from hemline.shop.event_log import EventLog
from hemline.shop.experiment_verdict import units_of
from hemline.shop.interleaving_readout import InterleavingReadout, read_interleaving
from hemline.shop.kind_guardrails import guardrail_states
from hemline.shop.session_stores import open_log
from hemline.shop.shop_clock import ShopClock
from hemline.shop.shop_params import ShopParams

_MOST_POINTS: Final = 60  # of a line; a longer experiment has one every few days
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class ArmsReading:
    """What an experiment with two arms shows.

    Attributes:
        verdict: of the planned looks, and of now.
        start: when it was started.
        every: time between two effects; the last one may come sooner.
        effects: the difference of the arms since the start.
        coming: planned looks that are still to come; none once it is stopped or decided.
    """

    verdict: ExperimentVerdict
    start: datetime
    every: timedelta
    effects: Sequence[DayEffect]
    coming: Sequence[datetime]

    @property
    def sentence(self) -> str:
        """What it says, in words."""
        return self.verdict.sentence


Reading = ArmsReading | InterleavingReadout | BanditReadout


@contextmanager
def opened_log(root: Path) -> Iterator[tuple[EventLog, ShopClock]]:
    """Yield the event log of a project's shop and its clock.

    Raises:
        LogUnavailable: the log cannot be opened.
    """
    params = ShopParams.with_environment(root / "params.yaml")
    with closing(open_log(params.events, root)) as log:
        yield log, ShopClock.of(log, params.first_day)


def read_now(root: Path, experiment: Experiment, now: datetime) -> Reading:
    """Return what an experiment shows.

    Args:
        root: the project folder.
        experiment: started.
        now: the present moment, in UTC.

    Raises:
        BadInput: it has not been started, or nobody has been exposed.
        LogUnavailable: the events cannot be read.
    """
    plan = experiment.plan
    with opened_log(root) as (log, clock):
        if plan.kind != "ab":
            until = end_of(experiment, now)
            states = guardrail_states(plan, log, clock.day_of, root, until)
            if plan.kind == "interleaving":
                return replace(read_interleaving(log, plan, now), guardrails=states)
            found = read_bandit(log, plan, clock.day_of(now), clock.day_of)
            return replace(found, guardrails=states)
        units = units_of(experiment, log, clock, root)
    verdict = judge(experiment, units.until, now, read_tallies(tallies_file(root), plan.name))
    start, end = experiment.steps[0].at, end_of(experiment, now)
    every, moments = _moments(start, end)
    is_over = experiment.state == "stopped" or verdict.decided
    coming = [] if is_over else look_moments(experiment)[len(verdict.looks) :]
    return ArmsReading(verdict, start, every, units.effects(moments), coming)


def _moments(start: datetime, end: datetime) -> tuple[timedelta, list[datetime]]:
    """Return the ends of the days since the start, or of every few; the last one is the end."""
    n_days = max(1, ceil((end - start) / _DAY))
    step = ceil(n_days / _MOST_POINTS)
    ends = range(step, n_days + step, step)
    return step * _DAY, [min(start + each * _DAY, end) for each in ends]
