"""The customers: Kaggle's seven columns, their taste, and the days of their visits.

A customer's taste group decides age, club and news habits, so that the attributes are a noisy
signal of taste. The number of visits is drawn separately from a long-tailed distribution, a little
higher for readers of the fashion news.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from hemline.data.synthetic.tastes import GROUPS, styles_of

FloatArray = npt.NDArray[np.float64]

_REFERENCE_DAYS: Final = 734  # activity is stated per the two years of the genuine data
_MEDIAN_TRIPS: Final = 2.8
_TRIPS_SPREAD: Final = 1.3
_REGULARS_TRIPS: Final = 1.4  # readers of the news visit this many times as often
_FOUNDERS: Final = 0.63  # share of customers from before the first day
_LOYAL: Final = 0.5  # share who are customers to the last day
_RETURN_TRIPS: Final = 0.06  # share of visits that follow another one within days
_LARGEST_BASKET: Final = 9.0  # mean number of articles beyond the first
_NEVER_CAME: Final = 0.007
_FOLLOWS, _IS_ACTIVE = 0.97, 0.95  # shares of the regular readers whose FN and Active are 1
_MONTHLY, _NEWS_UNKNOWN = 0.001, 0.01
_CLUB_UNKNOWN, _LEFT_CLUB = 0.0045, 0.0004
_ANY_AGE, _AGE_UNKNOWN = 0.15, 0.0115
_HEX: Final = np.frombuffer(b"0123456789abcdef", np.uint8)


@dataclass(frozen=True)
class Crowd:
    """The customers and, row by row, the variables behind their purchases.

    Attributes:
        customers: the table, Kaggle's seven columns, ordered by customer_id.
        taste_group: int8; index into tastes.GROUPS.
        styles: int8 of shape (customers, 4); favourite first.
        store_share: float64; share of visits that happen in a store.
        basket: float64; mean number of articles beyond the first on a visit.
    """

    customers: pd.DataFrame
    taste_group: npt.NDArray[np.int8]
    styles: npt.NDArray[np.int8]
    store_share: FloatArray
    basket: FloatArray


@dataclass(frozen=True)
class Visits:
    """The visits of all customers, ordered by day and customer.

    Attributes:
        customer: int32; row of the customer.
        starts: int64 of shape (days + 1,); the visits of day d are customer[starts[d]:starts[d+1]].
    """

    customer: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]

    def on(self, day: int) -> npt.NDArray[np.int32]:
        """Return the customers who visit on the day, ascending and distinct."""
        return self.customer[self.starts[day] : self.starts[day + 1]]


def draw_crowd(n_customers: int, rng: np.random.Generator) -> Crowd:
    """Return n_customers with attributes and tastes."""
    shares = np.array([group.share for group in GROUPS.values()])
    group = rng.choice(len(GROUPS), n_customers, p=shares / shares.sum()).astype(np.int8)
    return Crowd(
        customers=_draw_attributes(group, rng),
        taste_group=group,
        styles=styles_of(group, rng),
        store_share=rng.beta(0.54, 0.81, n_customers),
        basket=np.minimum(2.6 * np.exp(rng.normal(0, 0.45, n_customers)), _LARGEST_BASKET),
    )


def draw_visits(crowd: Crowd, day_weights: FloatArray, rng: np.random.Generator) -> Visits:
    """Return the visits of the crowd, on days weighted by how busy the shop is.

    A customer visits at most once a day; those who draw zero visits have no history.
    """
    n_customers, n_days = len(crowd.customers), len(day_weights)
    n_visits = _draw_visit_counts(crowd, n_days, rng)
    customer = np.repeat(np.arange(n_customers, dtype=np.int32), n_visits)
    calendar = np.cumsum(day_weights) / day_weights.sum()
    opens, closes = _draw_membership(n_visits, rng)
    share = opens[customer] + (closes - opens)[customer] * rng.random(len(customer))
    day = np.minimum(np.searchsorted(calendar, share), n_days - 1)
    day = _draw_returns(customer, day, n_days, rng)
    visit = np.unique(day * n_customers + customer)
    day, customer = np.divmod(visit, n_customers)
    starts = np.searchsorted(day, np.arange(n_days + 1))
    return Visits(customer.astype(np.int32), starts.astype(np.int64))


def _draw_attributes(group: npt.NDArray[np.int8], rng: np.random.Generator) -> pd.DataFrame:
    n_customers = len(group)
    regular = rng.random(n_customers) < _per_group("regular_news")[group]
    follows = np.where(rng.random(n_customers) < _FOLLOWS, 1.0, np.nan)
    is_active = np.where(rng.random(n_customers) < _IS_ACTIVE, 1.0, np.nan)
    news = np.where(regular, "Regularly", "NONE").astype(object)
    news[~regular & (rng.random(n_customers) < _MONTHLY)] = "Monthly"
    news[rng.random(n_customers) < _NEWS_UNKNOWN] = None
    return pd.DataFrame(
        {
            "customer_id": _draw_hex(n_customers, rng, distinct=True),
            "FN": np.where(regular, follows, np.nan),
            "Active": np.where(regular, is_active, np.nan),
            "club_member_status": _draw_club(group, rng),
            "fashion_news_frequency": pd.Series(news, dtype="str"),
            "age": _draw_ages(group, rng),
            "postal_code": _draw_postal_codes(n_customers, rng),
        }
    )


def _draw_club(group: npt.NDArray[np.int8], rng: np.random.Generator) -> pd.Series:
    club = np.full(len(group), "ACTIVE", object)
    club[rng.random(len(group)) < _per_group("pre_create")[group]] = "PRE-CREATE"
    chance = rng.random(len(group))
    club[chance < _CLUB_UNKNOWN] = None
    club[chance > 1 - _LEFT_CLUB] = "LEFT CLUB"
    return pd.Series(club, dtype="str")


def _draw_ages(group: npt.NDArray[np.int8], rng: np.random.Generator) -> FloatArray:
    mean, spread = np.array([taste.age for taste in GROUPS.values()])[group].T
    age: FloatArray = np.clip(np.rint(rng.normal(mean, spread)), 16, 99)
    any_age = rng.random(len(group)) < _ANY_AGE  # these ages do not depend on the taste group
    age[any_age] = rng.integers(17, 75, int(any_age.sum()))
    age[rng.random(len(group)) < _AGE_UNKNOWN] = np.nan
    return age


def _draw_postal_codes(n_customers: int, rng: np.random.Generator) -> pd.Series:
    places = _draw_hex(n_customers // 4 + 1, rng, distinct=False)
    chosen = rng.integers(0, len(places), n_customers)
    return places.iloc[chosen].reset_index(drop=True)


def _draw_hex(n: int, rng: np.random.Generator, *, distinct: bool) -> pd.Series:
    raw = np.frombuffer(rng.bytes(32 * n), np.uint8).reshape(n, 32)
    digits = np.stack([_HEX[raw >> 4], _HEX[raw & 15]], axis=2).reshape(n, 64)
    text = np.ascontiguousarray(digits).view("S64").ravel()
    return pd.Series(np.sort(text) if distinct else text).str.decode("ascii").astype("str")


def _draw_visit_counts(
    crowd: Crowd, n_days: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    n_customers = len(crowd.customers)
    reads_news = (crowd.customers["fashion_news_frequency"] == "Regularly").to_numpy(bool)
    median = _MEDIAN_TRIPS * np.where(reads_news, _REGULARS_TRIPS, 0.9) * n_days / _REFERENCE_DAYS
    wished = median * np.exp(rng.normal(0, _TRIPS_SPREAD, n_customers))
    never = rng.random(n_customers) < _NEVER_CAME
    counts = np.maximum(np.floor(wished + rng.random(n_customers)), 1).astype(np.int64)
    return np.where(never, 0, np.minimum(counts, 1 + n_days // 4))


def _draw_membership(
    n_visits: npt.NDArray[np.int64], rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return when each customer joins and leaves, as shares of the shop's total visits.

    Frequent visitors have mostly been customers for a long time.
    """
    u = rng.random((4, len(n_visits)))
    often = np.sqrt(np.maximum(n_visits, 1))
    opens = np.where(u[0] < _FOUNDERS, 0.0, u[1] ** (often / 2 + 1))
    closes = np.where(u[2] < _LOYAL, 1.0, opens + (1 - opens) * u[3] ** (1 / often))
    return opens, closes


def _draw_returns(
    customer: npt.NDArray[np.int32],
    day: npt.NDArray[np.int64],
    n_days: int,
    rng: np.random.Generator,
) -> npt.NDArray[np.int64]:
    """Move some visits to a few days after another visit of the same customer."""
    returns = rng.random(len(day)) < _RETURN_TRIPS
    returns[1:] &= customer[1:] == customer[:-1]
    returns[:1] = False
    after = np.flatnonzero(returns)
    gap = np.ceil(rng.exponential(5.0, len(after))).astype(np.int64)
    moved = day.copy()
    moved[after] = np.minimum(day[after - 1] + gap, n_days - 1)
    return moved


def _per_group(name: str) -> FloatArray:
    return np.array([getattr(group, name) for group in GROUPS.values()], np.float64)
