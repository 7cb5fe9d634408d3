"""Generating a shop of any size from a few numbers and a seed.

Everything is drawn from PCG64 streams spawned from the seed, one per part and one per day. The same
seed gives the same bytes with the same NumPy; another NumPy may draw differently (its stream policy
allows it), which is why requirements.lock pins it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from hemline import columns
from hemline.data.synthetic.articles import Catalogue, draw_catalogue
from hemline.data.synthetic.customers import Crowd, draw_crowd, draw_visits
from hemline.data.synthetic.demand import opening_trend
from hemline.data.synthetic.planted_events import COLUMNS, EXPECTED_VERDICTS, Event
from hemline.data.synthetic.sales import World, draw_transactions
from hemline.data.synthetic.seasons import day_weights
from hemline.data.synthetic.tastes import GROUPS, STYLES_PER_GROUP, draw_affinities
from hemline.params import Section
from hemline.tables import write_table


class ShopSize(BaseModel):
    """How many customers and articles, and from which day to which (both inclusive)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_customers: int = Field(ge=10)
    n_articles: int = Field(ge=20)
    first_day: date
    last_day: date


_LAST_DAY: Final = date(2020, 9, 22)  # the last day of the genuine data, and of its test week

SIZES: Final = {
    "tiny": ShopSize(
        n_customers=500, n_articles=150, first_day=date(2019, 9, 23), last_day=_LAST_DAY
    ),
    "demo": ShopSize(
        n_customers=20_000, n_articles=5_000, first_day=date(2018, 9, 20), last_day=_LAST_DAY
    ),
    "full": ShopSize(
        n_customers=1_371_980, n_articles=105_542, first_day=date(2018, 9, 20), last_day=_LAST_DAY
    ),
}


class SyntheticParams(Section):
    """Section `synthetic`: a named size or explicit counts, the seed, and the planted events."""

    section: ClassVar[str] = "synthetic"

    size: Literal["tiny", "demo", "full"] | ShopSize
    seed: int = Field(ge=0)
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Truth:
    """The hidden variables, which models and monitors do not read and can be tested against.

    Attributes:
        customers: per customer its taste_group, favourite style (0 to 47) and store_share.
        articles: per article launch_day, last_day, is_staple, and the taste_group with the
            highest affinity.
        events: per event kind, date, until, size, strength, the columns it shows in and the
            correct verdict (planted_events.EXPECTED_VERDICTS).
    """

    customers: pd.DataFrame
    articles: pd.DataFrame
    events: list[dict[str, object]]


@dataclass(frozen=True)
class GeneratedShop:
    """A generated shop.

    Attributes:
        articles: Kaggle's 25 columns; row i is the article with key i; ids ascend.
        customers: Kaggle's 7 columns; row i is the customer with key i; ids ascend.
        transactions: columns of tables.TRANSACTIONS, one row per unit, ordered by day, customer and
            article.
        truth: the hidden variables of the shop.
    """

    articles: pd.DataFrame
    customers: pd.DataFrame
    transactions: pd.DataFrame
    truth: Truth


def generate_shop(params: SyntheticParams) -> GeneratedShop:
    """Return the shop; the same params give the same bytes, and events change no earlier day."""
    size = params.size if isinstance(params.size, ShopSize) else SIZES[params.size]
    n_days = (size.last_day - size.first_day).days + 1
    part, day_stream = _streams(params.seed)
    catalogue = draw_catalogue(size.n_articles, size.first_day, n_days, part(0))
    crowd = draw_crowd(size.n_customers, part(1))
    affinities = draw_affinities(catalogue.articles, catalogue.supply(n_days), part(2))
    world = World(
        crowd=crowd,
        visits=draw_visits(crowd, day_weights(size.first_day, size.last_day), part(3)),
        catalogue=catalogue,
        affinities=affinities,
        opening_trend=opening_trend(size.n_articles, part(5)),
        mobility=part(4).random(size.n_customers),
        events=params.events,
        first_day=size.first_day,
    )
    transactions = draw_transactions(world, n_days, day_stream)
    truth = _collect_truth(crowd, catalogue, affinities, size.first_day, params.events)
    return GeneratedShop(catalogue.articles, crowd.customers, transactions, truth)


def write_truth(truth: Truth, folder: Path) -> None:
    """Write customers.parquet, articles.parquet and events.json; the same truth, the same bytes."""
    write_table(truth.customers, folder / "customers.parquet", _TRUE_CUSTOMERS)
    write_table(truth.articles, folder / "articles.parquet", _TRUE_ARTICLES)
    text = json.dumps(truth.events, indent=2, ensure_ascii=False)
    (folder / "events.json").write_text(text + "\n", encoding="utf-8")


_TRUE_CUSTOMERS: Final = pa.schema(
    [
        (columns.CUSTOMER, pa.int32()),
        ("taste_group", pa.string()),
        ("style", pa.int8()),
        ("store_share", pa.float64()),
    ]
)
_TRUE_ARTICLES: Final = pa.schema(
    [
        (columns.ARTICLE, pa.int32()),
        ("taste_group", pa.string()),
        ("launch_day", pa.date32()),
        ("last_day", pa.date32()),
        ("is_staple", pa.bool_()),
    ]
)


def _streams(
    seed: int,
) -> tuple[Callable[[int], np.random.Generator], Callable[[int], np.random.Generator]]:
    """Return the generators of the parts and of the days, all independent of each other."""

    def stream(kind: int, number: int) -> np.random.Generator:
        key = np.random.SeedSequence(seed, spawn_key=(kind, number))
        return np.random.Generator(np.random.PCG64(key))

    return (lambda number: stream(0, number)), (lambda day: stream(1, day))


def _collect_truth(
    crowd: Crowd,
    catalogue: Catalogue,
    affinities: npt.NDArray[np.float32],
    first_day: date,
    events: tuple[Event, ...],
) -> Truth:
    names = np.array(list(GROUPS), object)
    likes = affinities.reshape(len(GROUPS), STYLES_PER_GROUP, -1).mean(axis=1)
    opening = np.datetime64(first_day, "D")
    customers = pd.DataFrame(
        {
            columns.CUSTOMER: np.arange(len(crowd.customers), dtype=np.int32),
            "taste_group": names[crowd.taste_group],
            "style": crowd.styles[:, 0],
            "store_share": crowd.store_share,
        }
    )
    articles = pd.DataFrame(
        {
            columns.ARTICLE: np.arange(len(catalogue.articles), dtype=np.int32),
            "taste_group": names[likes.argmax(axis=0)],
            "launch_day": (opening + catalogue.launch).astype("datetime64[s]"),
            "last_day": (opening + catalogue.last).astype("datetime64[s]"),
            "is_staple": catalogue.is_staple,
        }
    )
    return Truth(customers, articles, [_event_truth(event) for event in events])


def _event_truth(event: Event) -> dict[str, object]:
    return {
        "kind": event.kind,
        "date": event.date.isoformat(),
        "until": event.until.isoformat() if event.until else None,
        "size": event.size,
        "strength": event.strength,
        "columns": list(COLUMNS[event.kind]),
        "verdict": EXPECTED_VERDICTS[event.kind],
    }
