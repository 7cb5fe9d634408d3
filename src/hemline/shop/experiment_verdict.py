"""The verdict of an experiment of this project's shop: its events, with what is known from before.

The covariate is what a customer spent in the weeks before the experiment started, from the tables.
Purchases of the experiment itself may be in the tables too, after a training: only days before the
start count. Segments are the customers' clusters; guests are one segment of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq

from hemline import columns
from hemline.errors import BadInput
from hemline.experiments.buying_records import spent_between, visits_of
from hemline.experiments.effect_by_day import DayEffect, effects_by_day
from hemline.experiments.experiment_files import Experiment
from hemline.experiments.looks import ExperimentVerdict, Seen, judge
from hemline.experiments.observations import observe, revenue_until
from hemline.shop.arm_tallies import read_tallies, tallies_file
from hemline.shop.event_log import CUSTOMER, EventLog
from hemline.shop.shop_clock import ShopClock

_AT_ONCE: Final = 10_000
_READ: Final = ("exposure", "purchase", "return", "unlike")
_NO_SEGMENT: Final = "no cluster"


def verdict_of(
    experiment: Experiment, log: EventLog, clock: ShopClock, root: Path, now: datetime
) -> ExperimentVerdict:
    """Return what an experiment shows now.

    Args:
        experiment: started.
        log: the shop's events.
        clock: says which day of the tables it started on.
        root: the project folder, whose tables know the customers.
        now: the present moment, in UTC.

    Raises:
        BadInput: it has not been started, or nobody has been exposed.
        LogUnavailable: the events cannot be read.
    """
    units = units_of(experiment, log, clock, root)
    return judge(experiment, units.until, now, read_tallies(tallies_file(root), units.name))


@dataclass(frozen=True)
class ExperimentUnits:
    """The units of an experiment of this shop, with what is known of them from before.

    Attributes:
        experiment: started.
        events: of `experiment_events`.
        customers: what the tables know.
    """

    experiment: Experiment
    events: pd.DataFrame
    customers: "_Customers"

    @property
    def name(self) -> str:
        """The name of the experiment."""
        return self.experiment.plan.name

    def until(self, at: datetime) -> Seen:
        """Return what is known of the units until a moment.

        Raises:
            BadInput: nobody has been exposed by then.
        """
        seen = observe(self.events, self.name, until=at, cap=self.experiment.plan.cap)
        known = self.customers
        return Seen(seen, known.spent(seen.unit), known.segments(seen.unit))

    def effects(self, moments: Sequence[datetime]) -> list[DayEffect]:
        """Return the difference of the arms at several moments, in order.

        Raises:
            BadInput: nobody has been exposed by the last one.
        """
        plan = self.experiment.plan
        units, revenue = revenue_until(self.events, self.name, moments, cap=plan.cap)
        return effects_by_day(plan, revenue, self.customers.spent(units))


def units_of(
    experiment: Experiment, log: EventLog, clock: ShopClock, root: Path
) -> ExperimentUnits:
    """Return the units of an experiment; the arguments are those of `verdict_of`.

    Raises:
        BadInput: it has no two arms.
        LogUnavailable: the events cannot be read.
    """
    if experiment.plan.kind != "ab":
        raise BadInput(
            "an experiment with two arms is judged by their revenue",
            found=f"experiment '{experiment.plan.name}': {experiment.plan.compared}",
            fix=f"read it out: hemline experiment readout {experiment.plan.name}",
        )
    start = clock.day_of(experiment.steps[0].at) if experiment.steps else date.max
    known = _Customers(root, start, experiment.plan.covariate_weeks)
    return ExperimentUnits(experiment, experiment_events(log), known)


def experiment_events(log: EventLog) -> pd.DataFrame:
    """Return exposures, purchases, returns and unlikes, as observations.observe reads them."""
    rows, sequence = [], 0
    while some := log.since(sequence, _AT_ONCE):
        sequence = some[-1].sequence
        rows += [each.event for each in some if each.event.kind in _READ]
    return pd.DataFrame(
        {
            "at": np.array([each.at.replace(tzinfo=None) for each in rows], "datetime64[ms]"),
            "kind": [each.kind for each in rows],
            "visitor": [each.visitor for each in rows],
            "units": [each.units for each in rows],
            "price": [each.price for each in rows],
            "context": [dict(each.context) for each in rows],
        }
    )


def key_by_visitor(root: Path) -> "pd.Series[int]":
    """Return the key of every customer whom the tables know, by the name as a visitor."""
    keys = pq.read_table(root / "data" / "tables" / "customer_keys.parquet").to_pandas()
    return pd.Series(keys[columns.CUSTOMER].to_numpy(), index=CUSTOMER + keys[columns.CUSTOMER_ID])


class _Customers:
    """What the tables know of customers."""

    def __init__(self, root: Path, start: date, weeks: int) -> None:
        tables = root / "data" / "tables"
        self._key_of = key_by_visitor(root)
        transactions = tables / "transactions.parquet"
        names = {columns.DAY, columns.CUSTOMER, columns.PRICE, columns.UNITS}
        read = [each for each in pq.read_schema(transactions).names if each in names]
        visits = visits_of(
            pd.read_parquet(
                transactions,
                columns=read,
                filters=[
                    (columns.DAY, ">=", pd.Timestamp(start - timedelta(weeks=weeks))),
                    (columns.DAY, "<", pd.Timestamp(start)),
                ],
            )
        )
        customers = np.unique(visits[columns.CUSTOMER].to_numpy(np.int64))
        spend = spent_between(visits, customers, start - timedelta(weeks=weeks), start)
        self._spend = pd.Series(spend, index=customers)
        segments = pd.read_parquet(root / "data" / "segments" / "segments.parquet")
        self._segments = segments.set_index(columns.CUSTOMER)[columns.CLUSTER]

    def spent(self, units: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
        """Return what each unit spent before the start; 0 for a guest."""
        keys = self._key_of.reindex(units)
        return np.asarray(self._spend.reindex(keys, fill_value=0.0), np.float64)

    def segments(self, units: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
        """Return the name of each unit's cluster."""
        clusters = self._segments.reindex(self._key_of.reindex(units)).to_numpy()
        return np.array(
            [_NO_SEGMENT if pd.isna(each) else f"cluster {int(each)}" for each in clusters], object
        )
