"""The long-run value of an experiment's arms, from the shop's tables and its events.

The tables count before the day on which the experiment started, or before their own end if that
is earlier; from that day on the event log does. So no purchase counts twice, whether or not events
have been exported into the tables meanwhile.
"""

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from hemline import columns
from hemline.errors import BadInput
from hemline.experiments.experiment_files import Experiment
from hemline.experiments.long_run_value import long_run_value
from hemline.experiments.observations import Observations, observe
from hemline.experiments.secondary_metrics import SecondaryMetric
from hemline.experiments.visit_history import read_visits
from hemline.shop.event_log import EventLog
from hemline.shop.experiment_verdict import experiment_events, key_by_visitor
from hemline.shop.shop_clock import ShopClock


def arm_value_of(
    experiment: Experiment, log: EventLog, clock: ShopClock, root: Path, now: datetime
) -> SecondaryMetric:
    """Return what the units of each arm are expected to spend in the next 12 weeks.

    Args:
        experiment: started.
        log: the shop's events.
        clock: says which day of the tables an event belongs to.
        root: the project folder, whose tables know the customers.
        now: the present moment, in UTC; a stopped experiment is read at its end.

    Raises:
        BadInput: it has not been started, nobody has been exposed, or as long_run_value.
        LogUnavailable: the events cannot be read.
    """
    if not experiment.steps:
        raise BadInput(
            f"experiment '{experiment.plan.name}' was started",
            found="it is planned",
            fix=f"start it: hemline experiment start {experiment.plan.name}",
        )
    end = experiment.steps[-1].at if experiment.state == "stopped" else now
    events = experiment_events(log)
    seen = observe(events, experiment.plan.name, until=end, cap=experiment.plan.cap)
    visits, tables_end = read_visits(root)
    first = min(clock.day_of(experiment.steps[0].at), tables_end)
    history = visits[visits[columns.DAY].to_numpy("datetime64[D]") < np.datetime64(first)]
    keys = np.asarray(key_by_visitor(root).reindex(seen.unit).fillna(-1), np.int64)
    known = events[events["at"] < np.datetime64(end.replace(tzinfo=None), "ms")]
    sold = _sold(known, seen, clock, first, experiment.plan.cap)
    today = clock.day_of(end) + timedelta(days=1)
    return long_run_value(seen, history, keys, sold, (first, today))


def _sold(
    events: pd.DataFrame, seen: Observations, clock: ShopClock, first: date, cap: float
) -> pd.DataFrame:
    """Return the units' days with a purchase from the first day on, and what they brought.

    What a unit sent back, and what it bought above the cap, is taken off all its days alike.
    """
    place = pd.Series(np.arange(len(seen)), index=seen.unit)
    mine = events[events["visitor"].isin(place.index)]
    day_by_date = {each: clock.day_of(each) for each in mine["at"].dt.normalize().unique()}
    day = mine["at"].dt.normalize().map(day_by_date)
    rows = pd.DataFrame(
        {
            columns.CUSTOMER: place.reindex(mine["visitor"]).to_numpy(),
            columns.DAY: pd.to_datetime(day).to_numpy("datetime64[s]"),
            "spend": (mine["price"].fillna(0.0).astype(float) * mine["units"]).to_numpy(),
            "kind": mine["kind"].to_numpy(),
        }
    )
    rows = rows[rows[columns.DAY] >= pd.Timestamp(first)]
    bought, returned = (rows[rows["kind"] == kind] for kind in ("purchase", "return"))
    total = bought.groupby(columns.CUSTOMER)["spend"].sum()
    back = returned.groupby(columns.CUSTOMER)["spend"].sum().reindex(total.index, fill_value=0.0)
    net = (total.clip(upper=cap) - back.clip(upper=total)).clip(lower=0.0)
    kept = (net / total.where(total > 0)).fillna(0.0)
    by_day = bought.groupby([columns.CUSTOMER, columns.DAY])["spend"].sum().reset_index()
    return by_day.assign(spend=by_day["spend"] * kept.reindex(by_day[columns.CUSTOMER]).to_numpy())
