"""What each unit of an experiment did: from the shop's events to one value per unit.

A unit is a customer, or a guest whose events were never linked to one. It is in its arm from its
first exposure on, and whatever it buys later counts, whether or not a list showed it: who left the
arm's lists unseen stays in the comparison (intention to treat). The decision metric is net revenue:
purchases less returns, capped, since one wholesale order would outweigh a thousand customers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from hemline.errors import BadInput
from hemline.experiments.assignment import EXPOSURE, TREATMENT

Values = npt.NDArray[np.float64]

_MONEY: Final = ("purchase", "return")
_EARLY_DAYS: Final = 7.0
_RETENTION_DAYS: Final = (28.0, 35.0)  # ages, the last one not included
_MOST_CROSSED: Final = 0.05  # share of the units
_DAY_SECONDS: Final = 86_400.0
RETAINED_AFTER: Final = _RETENTION_DAYS[1]
"""Days since the exposure from which on it is known whether a unit came back."""


@dataclass(frozen=True)
class Observations:
    """One element per unit, of both arms.

    Attributes:
        unit: names.
        is_treated: whether it is in the treatment arm.
        exposed_at: datetime64[ms] of the first exposure.
        revenue: capped net revenue since then.
        orders: purchases since then.
        unlikes: unlikes since then.
        returns: returned units since then.
        units_bought: units of the purchases since then.
        baskets: days, in UTC, with a purchase since then: the log names no checkouts, so what is
            bought on one day is one basket.
        came_back: 1 where it bought in days 28 to 34 after the exposure, else 0.
        early_revenue: net revenue of the first seven days.
        early_days: days within the first seven that are over.
        days: days since the exposure.
        n_crossed: units that are left out because they were in both arms: a guest who was in one
            signed in as a customer who was in the other.
    """

    unit: npt.NDArray[np.object_]
    is_treated: npt.NDArray[np.bool_]
    exposed_at: npt.NDArray[np.datetime64]
    revenue: Values
    orders: Values
    unlikes: Values
    returns: Values
    units_bought: Values
    baskets: Values
    came_back: Values
    early_revenue: Values
    early_days: Values
    days: Values
    n_crossed: int = 0

    def __len__(self) -> int:
        """Return the number of units."""
        return len(self.unit)

    def arms(self, values: Values) -> tuple[Values, Values]:
        """Return the values of control and treatment."""
        return values[~self.is_treated], values[self.is_treated]


def observe(
    events: pd.DataFrame, experiment: str, *, until: datetime, cap: float | None
) -> Observations:
    """Return what the units of an experiment did until now.

    Args:
        events: of the shop: at, kind, visitor, units, price and context, in which an exposure names
            its experiment and arm; in order.
        experiment: its name.
        until: events from then on do not count.
        cap: most that a unit's revenue counts as, before what it returned; None for none.

    Raises:
        BadInput: nobody has been exposed, or more than one unit in twenty is in both arms.
    """
    now = _moment(until)
    units, acts, n_crossed = _units_and_acts(events, experiment, now)
    acts["age"] = (acts["at"] - acts["exposed_at"]).dt.total_seconds() / _DAY_SECONDS
    return _observations(units, acts, now, cap, n_crossed)


@dataclass(frozen=True)
class RevenueUntil:
    """The decision metric of the units that were exposed before a moment.

    Attributes:
        at: the moment.
        is_exposed: of all units, whether it was exposed before; the other fields have those alone.
        is_treated: whether it is in the treatment arm.
        revenue: capped net revenue until then.
    """

    at: datetime
    is_exposed: npt.NDArray[np.bool_]
    is_treated: npt.NDArray[np.bool_]
    revenue: Values


def revenue_until(
    events: pd.DataFrame, experiment: str, moments: Sequence[datetime], *, cap: float | None
) -> tuple[npt.NDArray[np.object_], Iterator[RevenueUntil]]:
    """Return the names of the units, and their revenue until each of several moments.

    The events are gone through once, however many moments there are. Who was in both arms by the
    last moment is left out of all of them.

    Args:
        events: as `observe` reads them.
        experiment: its name.
        moments: in order, at least one.
        cap: as of `observe`.

    Raises:
        BadInput: as `observe` does at the last moment.
    """
    units, acts, _ = _units_and_acts(events, experiment, _moment(moments[-1]))
    return units["unit"].to_numpy(object), _revenue_until(units, acts, moments, cap)


def _revenue_until(
    units: pd.DataFrame, acts: pd.DataFrame, moments: Sequence[datetime], cap: float | None
) -> Iterator[RevenueUntil]:
    exposed_at = units["exposed_at"].to_numpy("datetime64[ms]")
    is_treated = (units["arm"] == TREATMENT).to_numpy()
    acts = acts[acts["kind"].isin(_MONEY)].sort_values("at", kind="stable")
    unit = pd.Index(units["unit"]).get_indexer(pd.Index(acts["unit"]))
    money, times = _money(acts).to_numpy(np.float64), acts["at"].to_numpy("datetime64[ms]")
    rows_of = [(acts["kind"] == kind).to_numpy() for kind in _MONEY]
    bought, returned = totals = [np.zeros(len(units)) for _ in _MONEY]
    begin = 0
    for at in moments:
        end = int(np.searchsorted(times, _moment(at)))
        for number, rows in enumerate(rows_of):
            kept = np.flatnonzero(rows[begin:end]) + begin
            totals[number] += np.bincount(unit[kept], money[kept], len(units))
        begin, is_exposed = end, exposed_at < _moment(at)
        revenue = _net(bought, returned, cap)
        yield RevenueUntil(at, is_exposed, is_treated[is_exposed], revenue[is_exposed])


def _units_and_acts(
    events: pd.DataFrame, experiment: str, now: np.datetime64
) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Return the units, what they did since their exposure, and how many were in both arms."""
    events = events[events["at"] < now]
    exposed = events[events["kind"] == EXPOSURE]
    context = pd.DataFrame(list(exposed["context"]), index=exposed.index)
    if exposed.empty or not (context["experiment"] == experiment).any():
        raise BadInput(
            f"somebody was exposed to experiment '{experiment}'",
            found="no exposure among the events",
            fix="start it, and let the shop answer: hemline experiment start",
        )
    mine = exposed[context["experiment"] == experiment].assign(arm=context["arm"])
    units, n_crossed = _units(mine, experiment)
    acts = events.merge(
        units[["unit", "exposed_at"]], left_on="visitor", right_on="unit", how="inner"
    )
    return units, acts[acts["at"] >= acts["exposed_at"]].copy(), n_crossed


def _units(exposures: pd.DataFrame, experiment: str) -> tuple[pd.DataFrame, int]:
    """Return units that were in one arm, and how many were in both."""
    n_arms = exposures.groupby("visitor")["arm"].nunique()
    crossed = n_arms.index[n_arms > 1]
    if len(crossed) > _MOST_CROSSED * len(n_arms):
        raise BadInput(
            f"a unit is in one arm of experiment '{experiment}'",
            found=f"{len(crossed)} of {len(n_arms)} units in both, such as {crossed[0]}",
            fix="start a new experiment: the allocation of this one was changed while it ran",
        )
    exposures = exposures[~exposures["visitor"].isin(crossed)]
    first = exposures.groupby("visitor", sort=True).agg(
        exposed_at=("at", "min"), arm=("arm", "first")
    )
    return first.rename_axis("unit").reset_index(), len(crossed)


def _observations(
    units: pd.DataFrame, acts: pd.DataFrame, now: np.datetime64, cap: float | None, n_crossed: int
) -> Observations:
    money = _money(acts)

    def total(values: "pd.Series[float]", where: "pd.Series[bool]") -> Values:
        summed = values[where].groupby(acts.loc[where, "unit"]).sum()
        return np.asarray(summed.reindex(units["unit"], fill_value=0.0), np.float64)

    def net(within: "pd.Series[bool]", most: float | None) -> Values:
        bought, returned = (total(money, within & (acts["kind"] == kind)) for kind in _MONEY)
        return _net(bought, returned, most)

    ever, bought = acts["age"] >= 0, acts["kind"] == "purchase"
    first_of_day = bought & ~acts.assign(day=acts["at"].dt.floor("D"), bought=bought).duplicated(
        ["unit", "day", "bought"]
    )
    came_back = bought & acts["age"].between(*_RETENTION_DAYS, inclusive="left")
    ones = pd.Series(1.0, index=acts.index)
    waited = pd.Timestamp(now) - units["exposed_at"]
    days = (waited.dt.total_seconds() / _DAY_SECONDS).to_numpy(np.float64)
    return Observations(
        units["unit"].to_numpy(object),
        (units["arm"] == TREATMENT).to_numpy(),
        units["exposed_at"].to_numpy("datetime64[ms]"),
        net(ever, cap),
        total(ones, bought),
        total(ones, ever & (acts["kind"] == "unlike")),
        total(acts["units"].astype(np.float64), ever & (acts["kind"] == "return")),
        total(acts["units"].astype(np.float64), bought),
        total(ones, first_of_day),
        np.minimum(total(ones, came_back), 1.0),
        net(acts["age"] < _EARLY_DAYS, cap),
        np.minimum(days, _EARLY_DAYS),
        days,
        n_crossed,
    )


def _money(acts: pd.DataFrame) -> "pd.Series[float]":
    return acts["price"].fillna(0.0).astype(np.float64) * acts["units"]


def _net(bought: Values, returned: Values, cap: float | None) -> Values:
    """Return what was bought, up to the cap, less what was sent back of it."""
    capped = np.minimum(bought, np.inf if cap is None else cap)
    return np.asarray(capped - np.minimum(returned, bought), np.float64)


def _moment(at: datetime) -> np.datetime64:
    return np.datetime64(at.replace(tzinfo=None), "ms")
